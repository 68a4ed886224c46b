"""The weak-ROI cut as solver rows: plain bounds for what history has decided, switches for what the plan decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo

from optimizer.decision import Decision, Row
from optimizer.lines import Line, select
from optimizer.rules import WeakRoiCut

Floats = npt.NDArray[np.float64]

# The planner counts a week as strong only this much above the threshold, so that rounding to fen cannot turn it; its
# program keeps further off, so that tangents cannot either.
SAFE = 2e-5
MARGIN = 1e-4


def opening_cuts(rule: WeakRoiCut, decision: Decision) -> Iterator[Row]:
    """A line that history leaves weak starts with its cut: a plain bound on the first week."""
    for index in select(decision.lines, rule.lines, reserves=False):
        line = decision.lines[index]
        if line.weak_weeks >= rule.weeks and line.recent.size:
            most = (1 - rule.cut) * float(line.recent[-1])
            yield decision.row(
                f"{rule.name}: {line.name} starts cut", rule, decision.spend[index, 0], upper=most, line=index
            )


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


def broken_cuts(rule: WeakRoiCut, lines: Sequence[Line], spend: Floats, gmv: Floats) -> set[int]:
    """Lines that keep their money after a weak streak inside the plan.

    Parameters
    ----------
    rule : WeakRoiCut
    lines : sequence of Line
    spend : array (line, week)
        Currency.
    gmv : array (name, week)
        Expected GMV of the responding lines.
    """
    broken = set()
    for index in select(lines, rule.lines, reserves=False):
        line = lines[index]
        cut_next = must_cut(rule, line, weak_weeks(rule, line, spend[index], gmv[index], SAFE))
        # Less than a fen is rounding; of huge money so is what the solver tolerates.
        allowed = (1 - rule.cut) * spend[index, :-1] * (1 + 1e-8) + 0.01
        if (cut_next & (spend[index, 1:] > allowed)).any():
            broken.add(index)
    return broken


def streak_rows(
    rule: WeakRoiCut, decision: Decision, theta: Any, kpi_unit: float, caps: Mapping[int, Floats]
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
            yield decision.row(f"{name} weak", rule, short - per_unit * most[week] * weak[week], upper=0.0, line=index)
            streak = (known + weak[: week + 1])[-rule.weeks :]
            if week + 1 == len(most) or len(streak) < rule.weeks:
                continue
            left = decision.spend[index, week + 1] - (1 - rule.cut) * decision.spend[index, week]
            loosened = left - most[week + 1] * (rule.weeks - pyo.quicksum(streak))
            yield decision.row(f"{name} then cut", rule, loosened, upper=0.0, line=index)
