"""Logic rules: what happens to a line when its ROI has been weak, or strong, or when a peak comes.

Each class states what both the plan and the weekly review need. ``decide`` acts on numbers that have happened (the
review and the simulation call it); the rows that it puts into the plan are in :mod:`optimizer.logic`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from optimizer.constraints import Rule
from optimizer.lines import Line, LineNames

Floats = npt.NDArray[np.float64]
Basis = Literal["attributed", "model"]
Threshold = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Record:
    """What the weeks up to now show of one line, oldest first; NaN where a number is missing.

    Attributes
    ----------
    line : Line
    weeks : tuple of date
        Mondays in a row.
    spend, attributed, modelled : array (week,)
        Currency: money spent, GMV that the platform claims, GMV by the model.
    """

    line: Line
    weeks: tuple[date, ...]
    spend: Floats
    attributed: Floats
    modelled: Floats

    def gmv(self, basis: Basis) -> Floats:
        """GMV by the basis asked for, array (week,); the model's where no week has an attributed one."""
        if basis == "attributed" and not np.isnan(self.attributed).all():
            return self.attributed
        return self.modelled


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does to a line's money.

    Attributes
    ----------
    rule, kind, line : str
    weeks : tuple of date
        Mondays of the weeks whose money it sets.
    from_, to : float
        Money of those weeks before and after, currency; ``to`` is a ceiling for a cut, what is paid for a top-up and
        a release, and what may be spent again for a recovery.
    roi, threshold : float or None
        The ROI that decided (of the last week, or of the window) and what it was held against.
    count : int
        Weeks in a row that decided.
    """

    rule: str
    kind: str
    line: str
    weeks: tuple[date, ...]
    from_: float
    to: float
    roi: float | None = None
    threshold: float | None = None
    count: int = 0


def weak_run(spend: Floats, gmv: Floats, threshold: float) -> int:
    """Weeks in a row, up to the last, with an ROI below the threshold.

    A week without spend, or of which a number is missing (NaN), proves nothing and ends the row; an ROI exactly at the
    threshold is not weak; refunds that make GMV negative are.
    """
    return _run((spend > 0) & (gmv < threshold * spend))


def strong_run(spend: Floats, gmv: Floats, threshold: float) -> int:
    """Weeks in a row, up to the last, with an ROI at or above the threshold; missing weeks end the row."""
    return _run((spend > 0) & (gmv >= threshold * spend))


def _run(flags: npt.NDArray[np.bool_]) -> int:
    """Number of trues at the end."""
    return int(np.argmin(flags[::-1])) if not flags.all() else flags.size


def _roi(spend: float, gmv: float) -> float | None:
    return gmv / spend if spend > 0 and np.isfinite(gmv) else None


class WeakRoiCut(Rule):
    """ROI below a threshold for some weeks in a row cuts the next week's spend by a share of the week before.

    Weeks of history count: a line that was weak up to the last week of data starts with its cut. Inside the plan the
    projected ROI counts: expected GMV of the week over its spend, times the line's ratio of attributed to modelled GMV
    where ``roi`` is ``attributed`` and the project holds attributed GMV. An ROI exactly at the threshold is not weak,
    and a week without spend or with a number missing ends the row.

    Examples
    --------
    .. code-block:: yaml

        - {kind: cut, name: weak ROI, roi_below: 4.0, weeks: 2, cut: 0.20, roi: attributed}
    """

    kind: Literal["cut"] = "cut"
    roi_below: Threshold
    """ROI 1:N under which a week is weak; a line's own ``weak_roi`` comes first."""
    weeks: Annotated[int, Field(ge=1, le=8)] = 2
    """Weak weeks in a row that make the rule act."""
    cut: Annotated[float, Field(gt=0, lt=1)] = 0.20
    """Share taken off."""
    roi: Basis = "attributed"
    """Which ROI is held against the threshold."""
    lines: LineNames = "all"
    """``all`` (without reserve lines), a line, or a list."""

    def threshold(self, line: Line) -> float:
        """The line's threshold in *modelled* ROI."""
        roi = self.observed_threshold(line)
        if self.roi == "attributed" and line.attributed_ratio:
            return roi / line.attributed_ratio
        return roi

    def observed_threshold(self, line: Line) -> float:
        """The line's threshold in the ROI that is observed."""
        return line.weak_roi or self.roi_below

    def decide(self, record: Record) -> Action | None:
        """The cut of the week that follows the record, when its last weeks are weak; else None."""
        spend, gmv, threshold = record.spend, record.gmv(self.roi), self.observed_threshold(record.line)
        run = weak_run(spend, gmv, threshold)
        if run < self.weeks:
            return None
        last, following = float(spend[-1]), _following(record.weeks[-1])
        roi = _roi(last, float(gmv[-1]))
        return Action(
            self.name, self.kind, record.line.name, (following,), last, (1 - self.cut) * last, roi, threshold, run
        )


class StrongRoiTopUp(Rule):
    """A line whose ROI in a calendar window reaches a threshold gets more money, once.

    The week's review decides on the ROI of the window's weeks so far, taken together. ``from: reserve`` pays out of
    reserve lines, as far as they reach; with ``reserve`` the plan must hold the whole amount on that line in the
    window's weeks and after (put a ``release`` rule on the line, else its money is spread over all weeks). ``from:
    extra`` is money on top of the total: the plan never spends it, it says whether the projected ROI asks for it.

    Examples
    --------
    .. code-block:: yaml

        - {kind: top_up, name: Double-12 strength, roi_at_least: 5.2, window: double12, add: 800000, from: reserve}
    """

    kind: Literal["top_up"] = "top_up"
    roi_at_least: Threshold
    """ROI 1:N from which the window is strong; exactly 1:N is."""
    window: str
    """Name of a shopping peak in the calendar."""
    add: Annotated[float, Field(gt=0)]
    """Money for each line that is strong, currency."""
    from_: Annotated[Literal["reserve", "extra"], Field(alias="from")] = "reserve"
    """Who pays: reserve lines, or nobody (extra money)."""
    reserve: str | None = None
    """The reserve line that pays and in which the plan must hold the amount; absent: all of them, with what they
    happen to hold."""
    lines: LineNames = "all"
    """``all`` (without reserve lines), a line, or a list."""
    roi: Basis = "attributed"
    """Which ROI is held against the threshold."""

    @model_validator(mode="after")
    def _paid_by_one(self) -> StrongRoiTopUp:
        if self.from_ == "extra" and self.reserve is not None:
            raise ValueError("extra money is not paid by a reserve line: remove reserve, or write from: reserve")
        return self

    def threshold(self, line: Line) -> float:
        """The threshold in *modelled* ROI."""
        if self.roi == "attributed" and line.attributed_ratio:
            return self.roi_at_least / line.attributed_ratio
        return self.roi_at_least

    def decide(
        self, record: Record, window: Sequence[date], *, held: float = np.inf, paid: bool = False
    ) -> Action | None:
        """The top-up that the weeks so far call for; None when they do not.

        Parameters
        ----------
        record : Record
        window : sequence of date
            Mondays of the weeks that touch the peak (this year's).
        held : float
            What the reserve still holds, currency; it is the most that is paid unless money is extra.
        paid : bool
            The line has had its top-up already.

        Returns
        -------
        Action or None
            Its weeks are those of the window that are left, or the week that follows when none is.
        """
        seen = np.array([week in set(window) for week in record.weeks], dtype=np.bool_)
        gmv = record.gmv(self.roi)
        known = seen & (record.spend > 0) & np.isfinite(gmv)
        spent, earned = float(record.spend[known].sum()), float(gmv[known].sum())
        amount = self.add if self.from_ == "extra" else min(self.add, held)
        if paid or spent <= 0 or earned < self.roi_at_least * spent or amount <= 0:
            return None
        last = record.weeks[-1]
        left = tuple(week for week in window if week > last) or (_following(last),)
        roi, count = earned / spent, int(known.sum())
        return Action(self.name, self.kind, record.line.name, left, 0.0, amount, roi, self.roi_at_least, count)


class ReserveRelease(Rule):
    """Money of a reserve line is held back and released: in a calendar window, or when visits surge.

    The elastic seats of customer service at a peak. With ``window`` the plan puts all of the line's money into the
    window's weeks, evenly, and nothing elsewhere. With ``visits_at_least`` the money stays spread over the weeks in
    the plan, and the review releases what is left of it when a week's visits reach that multiple of the usual.

    Examples
    --------
    .. code-block:: yaml

        - {kind: release, name: elastic seats at Double 11, line: elastic_seats, window: double11}
        - {kind: release, name: elastic seats when enquiries surge, line: support, visits_at_least: 3.0}
    """

    kind: Literal["release"] = "release"
    line: str
    """The reserve line."""
    window: str | None = None
    """Name of a shopping peak in the calendar."""
    visits_at_least: Annotated[float, Field(gt=1)] | None = None
    """Multiple of the usual weekly visits (mean of the last 13 weeks before the plan, all lines together)."""

    @model_validator(mode="after")
    def _one_trigger(self) -> ReserveRelease:
        if (self.window is None) == (self.visits_at_least is None):
            raise ValueError("give either window or visits_at_least")
        return self

    def decide(
        self, week: date, held: float, *, window: Sequence[date] = (), visits: float = np.nan, usual: float = np.nan
    ) -> Action | None:
        """What is released for the week that follows.

        Parameters
        ----------
        week : date
            Monday of the last week seen.
        held : float
            What the line still holds, currency.
        window : sequence of date
            Mondays of the weeks that touch the peak.
        visits, usual : float
            Visits of the week seen, and of a usual one; NaN where unknown.
        """
        following = _following(week)
        if held <= 0:
            return None
        if self.visits_at_least is not None:
            if not visits >= self.visits_at_least * usual:
                return None
            return Action(self.name, self.kind, self.line, (following,), 0.0, held)
        if following not in window:
            return None
        left = sum(monday >= following for monday in window)
        return Action(self.name, self.kind, self.line, (following,), 0.0, held / left)


class Recovery(Rule):
    """What a line that was cut must show to get its money back.

    The review gives back ``restore`` of what the cut took once the line's ROI has been at or above its threshold for
    ``weeks`` weeks in a row. Until then its spend stays at or below the level of the cut; the plan holds a line that
    it cuts, or that starts cut, for as many weeks.

    Examples
    --------
    .. code-block:: yaml

        - {kind: recovery, name: win it back, after: weak ROI, weeks: 2, restore: 1.0}
    """

    kind: Literal["recovery"] = "recovery"
    after: str
    """Name of the cut rule."""
    weeks: Annotated[int, Field(ge=1, le=8)] = 2
    """Weeks in a row at or above the threshold."""
    roi_at_least: Threshold | None = None
    """ROI 1:N to show; absent: the threshold under which the line was cut."""
    restore: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of what was taken that comes back."""

    def decide(self, record: Record, cut: WeakRoiCut, before: float) -> Action | None:
        """What the line may spend again in the week that follows; None while it has not shown enough.

        Parameters
        ----------
        record : Record
        cut : WeakRoiCut
            The rule that cut the line; its ROI basis counts.
        before : float
            The line's weekly spend before it was cut, currency.
        """
        threshold = self.roi_at_least or cut.observed_threshold(record.line)
        gmv = record.gmv(cut.roi)
        run, last = strong_run(record.spend, gmv, threshold), float(record.spend[-1])
        if run < self.weeks or last >= before:
            return None
        to = last + self.restore * (before - last)
        roi = _roi(last, float(gmv[-1]))
        weeks = (_following(record.weeks[-1]),)
        return Action(self.name, self.kind, record.line.name, weeks, last, to, roi, threshold, run)


class MoveCap(Rule):
    """How much money may move between lines in one week's re-planning.

    Moved is the sum of what lines gain over the weeks left, against the plan that is replaced. A first plan replaces
    none, so it is free.

    Examples
    --------
    .. code-block:: yaml

        - {kind: move_cap, name: a tenth a week, max: 0.10}
    """

    kind: Literal["move_cap"] = "move_cap"
    max: Annotated[float, Field(gt=0, le=1)]
    """Largest share of the replaced plan's money, weeks left only, that may move."""

    def moved(self, before: Floats, after: Floats) -> float:
        """Money that moves between two plans' line totals, each (line,), currency."""
        return float(np.maximum(np.asarray(after) - before, 0.0).sum())

    def allowed(self, before: Floats) -> float:
        """Money that may move away from a plan with these line totals (line,), currency."""
        return self.max * float(np.sum(before))

    def decide(self, before: Floats, after: Floats) -> bool:
        """Whether a new plan's line totals (line,) stay within the cap."""
        return self.moved(before, after) <= self.allowed(before) + 0.005


def _following(week: date) -> date:
    return date.fromordinal(week.toordinal() + 7)


LogicRule = Annotated[
    WeakRoiCut | StrongRoiTopUp | ReserveRelease | Recovery | MoveCap,
    Field(discriminator="kind"),
]
