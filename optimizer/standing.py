"""Where a quarter stands at the end of a week, from its figures alone: streaks, cuts that hold, rules that fire.

Everything here follows from the figures, so a corrected or late week changes what follows from it and nothing has to be
remembered but what people decided: cuts that were waived, money that was paid out of a reserve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from optimizer.lines import is_named
from optimizer.problem import PlanProblem, Rulebook
from optimizer.rules import (
    Action,
    Record,
    Recovery,
    ReserveRelease,
    StrongRoiTopUp,
    WeakRoiCut,
    strong_run,
    weak_run,
)

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

HISTORY_WEEKS = 13


@dataclass(frozen=True, slots=True)
class Paid:
    """A top-up that was paid.

    Attributes
    ----------
    rule, line : str
    week : date
        Monday of the week whose review paid it.
    fen : int
    reserves : tuple of (str, int)
        The reserve lines that paid, and how much, fen; none for extra money.
    """

    rule: str
    line: str
    week: date
    fen: int
    reserves: tuple[tuple[str, int], ...]

    @property
    def extra_fen(self) -> int:
        """Money on top of the total, fen."""
        return self.fen - sum(fen for _, fen in self.reserves)


@dataclass(frozen=True, slots=True)
class Waiver:
    """A cut that somebody decided not to make: of a line, by a rule, after a week."""

    rule: str
    line: str
    week: date


@dataclass(frozen=True, slots=True)
class Figures:
    """What the quarter's weeks brought so far.

    Attributes
    ----------
    decided : int
        Weeks that are over, whether or not their figures have come.
    known : array (decided,)
        Weeks whose figures have come.
    spent : array (line, decided) of int
        Fen; where a week's figures have not come, what was planned.
    planned : array (line, week) of int
        Fen, as each week was planned when it came.
    in_force : array (line, week) of int
        Fen, the plan that the last review left.
    visits, attributed : array (line, decided)
        NaN where unknown.
    gmv : array (decided,)
        Whole GMV, currency; NaN where unknown.
    paid : tuple of Paid
    waived : tuple of Waiver
    """

    decided: int
    known: Flags
    spent: Fen
    planned: Fen
    in_force: Fen
    visits: Floats
    attributed: Floats
    gmv: Floats
    paid: tuple[Paid, ...] = ()
    waived: tuple[Waiver, ...] = ()

    @property
    def extra_fen(self) -> int:
        """Money paid on top of the quarter's total."""
        return sum(one.extra_fen for one in self.paid)


@dataclass(frozen=True, slots=True)
class Held:
    """A line that was cut and has not shown enough to get its money back.

    Attributes
    ----------
    rule, line : str
    since : date
        Monday of the first week that was cut.
    most, before : float
        What it may spend in a week now, and what it spent before it was cut; currency.
    """

    rule: str
    line: str
    since: date
    most: float
    before: float


@dataclass(frozen=True, slots=True)
class LineStanding:
    """One line at the end of a week.

    Attributes
    ----------
    roi : array (decided,)
        Observed ROI of each week by the rule's basis; NaN where there is none.
    threshold : float or None
        ROI under which a week is weak; None without a weak-ROI rule on the line.
    weak_weeks : array (decided,) of int
        Weeks in a row under the threshold, up to each week, history included.
    held : Held or None
    actions : tuple of (int, Action)
        Cuts and recoveries of every week, by its position.
    """

    roi: Floats
    threshold: float | None
    weak_weeks: npt.NDArray[np.int64]
    held: Held | None
    actions: tuple[tuple[int, Action], ...]

    def fired(self, week: int) -> tuple[Action, ...]:
        """What happened to the line after a week."""
        return tuple(action for at, action in self.actions if at == week)


def modelled_weekly(problem: PlanProblem, figures: Figures) -> Floats:
    """Expected GMV of every decided week at what was spent, array (line, decided); zeros for reserve lines."""
    spend = np.zeros((len(problem.weeks), problem.responding))
    spend[: figures.decided] = figures.spent[: problem.responding].T / 100
    found = np.zeros(figures.spent.shape)
    found[: problem.responding] = problem.response.mean(spend)[:, : figures.decided]
    return found


def record_of(problem: PlanProblem, figures: Figures, modelled: Floats, index: int) -> Record:
    """What history and the quarter show of a responding line, unknown figures as NaN."""
    curves = problem.response.curves
    past = [t for t, week in enumerate(curves.weeks) if week < problem.weeks[0]][-HISTORY_WEEKS:]
    spend = np.where(figures.known, figures.spent[index] / 100, np.nan)
    return Record(
        line=problem.lines[index],
        weeks=(*(curves.weeks[t] for t in past), *problem.weeks[: figures.decided]),
        spend=np.concatenate([curves.spend[past, index], spend]),
        attributed=np.concatenate([curves.attributed[past, index], figures.attributed[index]]),
        modelled=np.concatenate([curves.modelled[past, index], np.where(figures.known, modelled[index], np.nan)]),
    )


def until(record: Record, weeks: int) -> Record:
    """The record without what came after its first ``weeks`` weeks."""
    return Record(
        record.line,
        record.weeks[:weeks],
        record.spend[:weeks],
        record.attributed[:weeks],
        record.modelled[:weeks],
    )


def standing_of(problem: PlanProblem, figures: Figures, record: Record) -> LineStanding:
    """Follow one line through the quarter: when it was cut, whether the cut holds, when it recovered."""
    name, decided = record.line.name, figures.decided
    rule = next((cut for cut in problem.settings.cuts if is_named(name, cut.lines)), None)
    shown = record.gmv(rule.roi if rule else "attributed")
    with np.errstate(divide="ignore", invalid="ignore"):
        roi = np.where(record.spend > 0, shown / record.spend, np.nan)[record.spend.size - decided :]
    if rule is None:
        return LineStanding(roi, None, np.zeros(decided, dtype=np.int64), None, ())
    held: Held | None = None
    streaks, actions = [], []
    for week in range(decided):
        seen = until(record, record.spend.size - decided + week + 1)
        threshold = rule.observed_threshold(record.line)
        streaks.append(weak_run(seen.spend, seen.gmv(rule.roi), threshold))
        waived = Waiver(rule.name, name, seen.weeks[-1]) in figures.waived
        held, action = _after_week(problem, rule, seen, held, waived=waived)
        if action is not None:
            actions.append((week, action))
    streak = np.array(streaks, dtype=np.int64)
    return LineStanding(roi, rule.observed_threshold(record.line), streak, held, tuple(actions))


def _after_week(
    problem: PlanProblem, rule: WeakRoiCut, seen: Record, held: Held | None, *, waived: bool
) -> tuple[Held | None, Action | None]:
    """Whether the line is held after a week, and what fired."""
    cut = rule.decide(seen)
    if cut is not None:
        if waived:
            return held, None
        before = held.before if held else cut.from_
        most = min(cut.to, held.most) if held else cut.to
        since = held.since if held else cut.weeks[0]
        return Held(rule.name, seen.line.name, since, most, before), cut
    if held is None:
        return None, None
    back = _recovered(problem, rule, seen, held)
    if back is None:
        return held, None
    return (
        None if back.to >= held.before - 0.005 else Held(held.rule, held.line, held.since, back.to, held.before)
    ), back


def recovery_of(problem: Rulebook, rule: WeakRoiCut) -> Recovery:
    """What wins back what a rule cut; without a rule for it, as many strong weeks as weak ones cut it."""
    return next(
        (one for one in problem.settings.rules if isinstance(one, Recovery) and one.after == rule.name),
        Recovery(name=rule.name, after=rule.name, weeks=rule.weeks),
    )


def _recovered(problem: PlanProblem, rule: WeakRoiCut, seen: Record, held: Held) -> Action | None:
    """The recovery that the line has earned."""
    recovery = recovery_of(problem, rule)
    action = recovery.decide(seen, rule, held.before)
    if action is not None:
        return action
    threshold = recovery.roi_at_least or rule.observed_threshold(seen.line)
    run = strong_run(seen.spend, seen.gmv(rule.roi), threshold)
    if run < recovery.weeks:
        return None
    # Strong enough, and it spends what it did before: nothing is left to give back but the word.
    return Action(recovery.name, recovery.kind, seen.line.name, (), held.most, held.before, None, threshold, run)


def top_ups(
    problem: PlanProblem, figures: Figures, records: Sequence[Record], left: Floats
) -> tuple[tuple[Action, Paid], ...]:
    """Top-ups that the last decided week calls for.

    Parameters
    ----------
    problem : PlanProblem
    figures : Figures
    records : sequence of Record
        Of the responding lines.
    left : array (line,)
        What the plan still holds for each line in the weeks that are left, currency.
    """
    left, found = left.copy(), []
    last = problem.weeks[figures.decided - 1]
    for rule in problem.settings.rules:
        if not isinstance(rule, StrongRoiTopUp):
            continue
        window = [problem.weeks[t] for t in problem.windows.get(rule.window, ())]
        if last not in window or figures.decided == len(problem.weeks):
            continue
        for record in records:
            if not is_named(record.line.name, rule.lines):
                continue
            payers = payers_of(problem, rule)
            held = float(left[payers].sum())
            paid = any((one.rule, one.line) == (rule.name, record.line.name) for one in figures.paid)
            action = rule.decide(record, window, held=held, paid=paid)
            if action is not None:
                reserves = _shared_out(problem, payers, left, action.to)
                found.append((action, Paid(rule.name, record.line.name, last, round(action.to * 100), reserves)))
    return tuple(found)


def payers_of(problem: Rulebook, rule: StrongRoiTopUp) -> list[int]:
    """Positions of the reserve lines that pay."""
    if rule.from_ == "extra":
        return []
    return [
        index
        for index, line in enumerate(problem.lines)
        if line.reserve and (rule.reserve is None or is_named(line.name, rule.reserve))
    ]


def _shared_out(
    problem: PlanProblem, payers: Sequence[int], left: Floats, amount: float
) -> tuple[tuple[str, int], ...]:
    """Take an amount from the reserve lines, one after the other; ``left`` is lowered."""
    taken: list[tuple[str, int]] = []
    for index in payers:
        fen = min(round(left[index] * 100), round(amount * 100) - sum(one for _, one in taken))
        if fen > 0:
            left[index] -= fen / 100
            taken.append((problem.lines[index].name, fen))
    return tuple(taken)


def releases(problem: PlanProblem, figures: Figures, left: Floats) -> tuple[Action, ...]:
    """Reserve money that the last decided week, or the calendar, releases for the week that follows."""
    found: list[Action] = []
    if figures.decided == len(problem.weeks):
        return ()
    names = [line.name for line in problem.lines]
    last = problem.weeks[figures.decided - 1]
    usual = float(np.nansum(problem.response.curves.visits[-HISTORY_WEEKS:], axis=1).mean())
    seen = figures.visits[: problem.responding, -1]
    visits = float(np.nansum(seen)) if np.isfinite(seen).any() else np.nan
    for rule in problem.settings.rules:
        if isinstance(rule, ReserveRelease):
            window = [problem.weeks[t] for t in problem.windows.get(rule.window or "", ())]
            held = float(left[names.index(rule.line)])
            action = rule.decide(last, held, window=window, visits=visits, usual=usual)
            found.extend([action] if action is not None else [])
    return tuple(found)
