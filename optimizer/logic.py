"""Logic rules as solver rows: plain bounds for what history has decided, switches for what the plan decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo

from optimizer.decision import Decision, Row
from optimizer.lines import Line, select
from optimizer.rules import LogicRule, MoveCap, Recovery, ReserveRelease, StrongRoiTopUp, WeakRoiCut

Floats = npt.NDArray[np.float64]

# The planner counts a week as strong only this much above the threshold, so that rounding to fen cannot turn it; its
# program keeps further off, so that tangents cannot either.
SAFE = 2e-5
MARGIN = 1e-4


def released_lines(rules: Iterable[LogicRule], windows: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """Reserve lines that the calendar releases in this plan, so that they are not spread over all weeks."""
    return tuple(rule.line for rule in rules if isinstance(rule, ReserveRelease) and windows.get(rule.window or ""))


def logic_rows(rules: Sequence[LogicRule], decision: Decision) -> Iterator[Row]:
    """Every row of the logic rules that needs no response."""
    for rule in rules:
        match rule:
            case WeakRoiCut():
                yield from opening_cuts(rule, decision)
            case Recovery():
                yield from opening_holds(rule, rules, decision)
            case ReserveRelease():
                yield from release_rows(rule, decision)
            case StrongRoiTopUp():
                yield from held_for_top_up(rule, decision)
            case MoveCap():
                yield from move_rows(rule, decision)
            case _:
                assert_never(rule)


def release_rows(rule: ReserveRelease, decision: Decision) -> Iterator[Row]:
    """All of the line's money in the window's weeks, evenly; without a week of the window in the plan, no rows."""
    window = decision.windows.get(rule.window or "", ())
    for index in select(decision.lines, rule.line, reserves=True) if window else ():
        for week, monday in enumerate(decision.weeks):
            name = f"{rule.name}: {decision.lines[index].name} {monday}"
            spend = decision.spend[index, week]
            if week not in window:
                yield decision.link(f"{name} held back", rule, spend, upper=0.0, line=index)
            elif week != window[0]:
                body = spend - decision.spend[index, window[0]]
                yield decision.link(f"{name} even", rule, body, lower=0.0, upper=0.0, line=index)


def held_for_top_up(rule: StrongRoiTopUp, decision: Decision) -> Iterator[Row]:
    """The named reserve line holds the whole amount in the window's weeks and after."""
    window = decision.windows.get(rule.window, ())
    for index in select(decision.lines, rule.reserve, reserves=True) if rule.reserve and window else ():
        held = pyo.quicksum(decision.spend[index, week] for week in range(window[0], len(decision.weeks)))
        name = f"{rule.name}: {decision.lines[index].name} holds it"
        yield decision.row(name, rule, held, lower=rule.add, line=index)


def move_rows(rule: MoveCap, decision: Decision) -> Iterator[Row]:
    """What lines gain on the plan that is replaced sums to no more than the cap."""
    if decision.previous is None:
        return
    before = decision.previous.sum(axis=1)
    gains = []
    for index, line in enumerate(decision.lines):
        gain = decision.helper()
        total = pyo.quicksum(decision.spend[index, week] for week in range(len(decision.weeks)))
        name = f"{rule.name}: {line.name} gains"
        yield decision.link(name, rule, total - gain, upper=decision.money(float(before[index])), line=index)
        gains.append(gain)
    row = decision.row(f"{rule.name}: all gains", rule, pyo.quicksum(gains), upper=rule.allowed(before))
    yield replace(row, limit_upper=rule.max, per_limit=decision.money(float(before.sum())), unit="share")


def hold_weeks(rule: WeakRoiCut, rules: Iterable[LogicRule]) -> int:
    """Weeks for which a cut holds: as many as recovery asks for, at least the next one."""
    return max((one.weeks for one in rules if isinstance(one, Recovery) and one.after == rule.name), default=1)


def opening_holds(rule: Recovery, rules: Iterable[LogicRule], decision: Decision) -> Iterator[Row]:
    """A line that starts cut stays at that level until it can have shown enough."""
    for cut in rules:
        if not isinstance(cut, WeakRoiCut) or cut.name != rule.after:
            continue
        for index, most in opening_levels(cut, decision.lines):
            for week in range(1, min(rule.weeks, len(decision.weeks))):
                name = f"{rule.name}: {decision.lines[index].name} {decision.weeks[week]}"
                yield decision.row(name, rule, decision.spend[index, week], upper=most, line=index, part=str(week))


def opening_levels(rule: WeakRoiCut, lines: Sequence[Line]) -> Iterator[tuple[int, float]]:
    """Lines that history leaves weak, and what their first week is cut to, currency."""
    for index in select(lines, rule.lines, reserves=False):
        line = lines[index]
        if line.weak_weeks >= rule.weeks and line.recent.size:
            yield index, (1 - rule.cut) * float(line.recent[-1])


def opening_cuts(rule: WeakRoiCut, decision: Decision) -> Iterator[Row]:
    """A line that history leaves weak starts with its cut: a plain bound on the first week."""
    for index, most in opening_levels(rule, decision.lines):
        name = f"{rule.name}: {decision.lines[index].name} starts cut"
        yield decision.row(name, rule, decision.spend[index, 0], upper=most, line=index)


def weak_weeks(rule: WeakRoiCut, line: Line, spend: Floats, gmv: Floats, above: float = -1e-9) -> npt.NDArray[np.bool_]:
    """Which weeks are weak at this spend and GMV, each (week,); weeks without spend are not.

    ``above`` is how far a strong week's ROI must be above the threshold, as a share of it.
    """
    return np.asarray((spend > 0) & (gmv < rule.threshold(line) * spend * (1 + above)))


def must_cut(rule: WeakRoiCut, line: Line, weak: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """For each week but the last: whether a streak ends there, so that the next week is cut; array (week - 1,)."""
    streak, found = line.weak_weeks, []
    for is_weak in weak[:-1]:
        streak = streak + 1 if is_weak else 0
        found.append(streak >= rule.weeks)
    return np.array(found, dtype=np.bool_)


def broken_cuts(rule: WeakRoiCut, lines: Sequence[Line], spend: Floats, gmv: Floats, hold: int = 1) -> set[int]:
    """Lines that keep their money after a weak streak inside the plan.

    Parameters
    ----------
    rule : WeakRoiCut
    lines : sequence of Line
    spend : array (line, week)
        Currency.
    gmv : array (name, week)
        Expected GMV of the responding lines.
    hold : int
        Weeks for which a cut holds.
    """
    broken = set()
    for index in select(lines, rule.lines, reserves=False):
        line = lines[index]
        cut_next = must_cut(rule, line, weak_weeks(rule, line, spend[index], gmv[index], SAFE))
        # Less than a fen is rounding; of huge money so is what the solver tolerates.
        allowed = (1 - rule.cut) * spend[index, :-1] * (1 + 1e-8) + 0.01
        for ahead in range(1, min(hold, allowed.size) + 1):
            counted = allowed.size - ahead + 1
            if (cut_next[:counted] & (spend[index, ahead:] > allowed[:counted])).any():
                broken.add(index)
    return broken


def streak_rows(
    rule: WeakRoiCut, decision: Decision, theta: Any, kpi_unit: float, caps: Mapping[int, Floats], hold: int = 1
) -> Iterator[Row]:
    """Rows that make weak streaks inside the plan cut the next week.

    ``weak[t] = 0`` is allowed only where the response reaches the threshold; a full streak of ones caps the next week.

    Parameters
    ----------
    rule : WeakRoiCut
    decision : Decision
    theta : Pyomo variable (name, week)
        Expected GMV in units of ``kpi_unit``.
    kpi_unit : float
        Currency.
    caps : mapping of line to array (week,)
        The most any plan can spend on the line in each week, currency: keeps the switched rows tight.
    hold : int
        Weeks for which a cut holds.
    """
    for index in select(decision.lines, rule.lines, reserves=False):
        if index not in caps:
            continue
        line = decision.lines[index]
        per_unit = rule.threshold(line) * (1 + MARGIN) * decision.unit / kpi_unit
        most = [decision.money(float(cap)) for cap in caps[index]]
        weak = [decision.switch() for _ in most]
        decision.weak[rule.name, index] = weak
        known = [1] * min(line.weak_weeks, rule.weeks)
        for week, monday in enumerate(decision.weeks):
            short = per_unit * decision.spend[index, week] - theta[index, week]
            name = f"{rule.name}: {line.name} {monday}"
            yield decision.link(f"{name} weak", rule, short - per_unit * most[week] * weak[week], upper=0.0, line=index)
            streak = (known + weak[: week + 1])[-rule.weeks :]
            if week + 1 == len(most) or len(streak) < rule.weeks:
                continue
            for later in range(week + 1, min(week + 1 + hold, len(most))):
                left = decision.spend[index, later] - (1 - rule.cut) * decision.spend[index, week]
                loosened = left - most[later] * (rule.weeks - pyo.quicksum(streak))
                word = "then cut" if later == week + 1 else f"cut held {decision.weeks[later]}"
                yield decision.link(f"{name} {word}", rule, loosened, upper=0.0, line=index)
