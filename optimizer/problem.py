"""Everything a plan is decided from, as one immutable value. A what-if is a changed copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from mmm.curves import WindowResponse
from optimizer.lines import Line, is_named
from optimizer.rules import LogicRule, WeakRoiCut, weak_run
from optimizer.settings import PlanSettings

Floats = npt.NDArray[np.float64]

RECENT_WEEKS = 13
YEAR_WEEKS = 52


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What is to be divided and under which rules: all that can be known before a model is fitted.

    Attributes
    ----------
    settings : PlanSettings
    lines : tuple of Line
        Lines with a response first, in the order of the curves; reserve lines after them.
    weeks : tuple of date
        Mondays.
    quarter : str
    total_fen : int
    currency : str
    windows : mapping of str to tuple of int
        Positions of the plan's weeks that touch each calendar peak which a rule names.
    previous : array (line, week) or None
        Currency: the plan that this one replaces; None for a first plan.
    held : mapping of (line, week) to int
        Fen of the cells that a person has set and the plan must keep.
    """

    settings: PlanSettings
    lines: tuple[Line, ...]
    weeks: tuple[date, ...]
    quarter: str
    total_fen: int
    currency: str
    windows: Mapping[str, tuple[int, ...]] = field(default_factory=dict, kw_only=True)
    previous: Floats | None = field(default=None, kw_only=True)
    held: Mapping[tuple[int, int], int] = field(default_factory=dict, kw_only=True)

    @property
    def total(self) -> float:
        """Money to divide, in currency."""
        return self.total_fen / 100


@dataclass(frozen=True, slots=True)
class PlanProblem(Rulebook):
    """A plan to be made.

    Attributes
    ----------
    response : WindowResponse
        Of the lines with a response.
    """

    response: WindowResponse

    @property
    def responding(self) -> int:
        """Number of lines with a response."""
        return len(self.response.curves.names)


@dataclass(frozen=True, slots=True)
class History:
    """Past weeks of every responding line.

    Attributes
    ----------
    weeks : tuple of date
    spend, visits, attributed : array (week, name)
        NaN where unknown.
    modelled : array (week, name) or None
        The model's mean GMV; None before there is a fit.
    """

    weeks: tuple[date, ...]
    spend: Floats
    visits: Floats
    attributed: Floats
    modelled: Floats | None


@dataclass(frozen=True, slots=True)
class Identity:
    """What the project file says of a line."""

    name: str
    category: str | None
    groups: tuple[str, ...]
    label: Mapping[str, str]
    weak_roi: float | None = None
    acquisitions_per_visit: float | None = None
    reserve: bool = False
    prior_only: bool = False


def same_weeks_last_year(history: History, weeks: Sequence[date]) -> tuple[Floats, bool]:
    """Spend of the weeks 52 weeks earlier, array (week, name), and whether history holds all of them.

    Weeks that history does not hold take the mean of its last 13.
    """
    known = dict(zip(history.weeks, history.spend, strict=True))
    recent = history.spend[-RECENT_WEEKS:].mean(axis=0)
    wanted = [week - timedelta(weeks=YEAR_WEEKS) for week in weeks]
    return np.array([known.get(week, recent) for week in wanted]), all(week in known for week in wanted)


def build_lines(
    identities: Sequence[Identity], history: History, weeks: Sequence[date], rules: Sequence[LogicRule]
) -> tuple[Line, ...]:
    """Join what the project says of each line with what its past shows.

    Parameters
    ----------
    identities : sequence of Identity
        Responding lines in the order of the history's names, reserve lines after them.
    history : History
    weeks : sequence of date
        The plan's Mondays.
    rules : sequence of LogicRule
        The threshold of the first weak-ROI rule on a line counts its weak weeks.
    """
    earlier = History(*_until(history, weeks[0]))
    reference, complete = same_weeks_last_year(earlier, weeks)
    cuts = [rule for rule in rules if isinstance(rule, WeakRoiCut)]
    lines = []
    for index, who in enumerate(identities):
        if who.reserve:
            lines.append(_reserve_line(who, len(weeks)))
            continue
        spend = earlier.spend[:, index]
        visits_per_cny = _per_spend(earlier.visits[:, index], spend)
        rule = next((cut for cut in cuts if is_named(who.name, cut.lines)), None)
        lines.append(
            Line(
                name=who.name,
                category=who.category,
                groups=who.groups,
                reserve=False,
                reference=reference[:, index],
                recent=spend[-RECENT_WEEKS:],
                average=float(spend.mean()),
                label=dict(who.label),
                weak_roi=who.weak_roi,
                has_reference=complete,
                visits_per_cny=visits_per_cny,
                acquisitions_per_cny=_times(visits_per_cny, who.acquisitions_per_visit),
                attributed_ratio=_attributed_ratio(earlier, index),
                weak_weeks=_weak_weeks(earlier, index, rule, who) if rule else 0,
                prior_only=who.prior_only,
            )
        )
    return tuple(lines)


def _until(history: History, start: date) -> tuple[tuple[date, ...], Floats, Floats, Floats, Floats | None]:
    """Only the weeks before the plan."""
    keep = [index for index, week in enumerate(history.weeks) if week < start]
    modelled = None if history.modelled is None else history.modelled[keep]
    weeks = tuple(history.weeks[index] for index in keep)
    return weeks, history.spend[keep], history.visits[keep], history.attributed[keep], modelled


def _reserve_line(who: Identity, weeks: int) -> Line:
    nothing = np.zeros(weeks)
    return Line(
        name=who.name,
        category=who.category,
        groups=who.groups,
        reserve=True,
        reference=nothing,
        recent=np.zeros(0),
        average=0.0,
        label=dict(who.label),
        has_reference=False,
    )


def _per_spend(amount: Floats, spend: Floats) -> float | None:
    """Amount per unit of spend over the last year; None where unknown."""
    known = ~np.isnan(amount[-YEAR_WEEKS:])
    paid = float(spend[-YEAR_WEEKS:][known].sum())
    return float(amount[-YEAR_WEEKS:][known].sum()) / paid if paid > 0 else None


def _times(visits: float | None, rate: float | None) -> float | None:
    return None if visits is None or rate is None else visits * rate


def _attributed_ratio(history: History, index: int) -> float | None:
    """Attributed over modelled GMV of the last year; None where either is unknown."""
    if history.modelled is None:
        return None
    attributed, modelled = history.attributed[-YEAR_WEEKS:, index], history.modelled[-YEAR_WEEKS:, index]
    known = ~np.isnan(attributed)
    earned = float(modelled[known].sum())
    return float(attributed[known].sum()) / earned if earned > 0 else None


def _weak_weeks(history: History, index: int, rule: WeakRoiCut, who: Identity) -> int:
    """Weeks in a row, up to the last, with an observed ROI below the threshold; a week without spend ends the row."""
    spend = history.spend[:, index]
    earned = history.attributed[:, index]
    if rule.roi == "model" or np.isnan(earned).all():
        if history.modelled is None:
            return 0
        earned = history.modelled[:, index]
    return weak_run(spend, earned, who.weak_roi or rule.roi_below)
