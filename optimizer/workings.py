"""All that the planning workbook computes with: curves a sheet can hold, the plan's values on them, and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from optimizer.limits import RuleLimits, rule_limits
from optimizer.lines import select
from optimizer.live import LiveCurves, LiveValues, live_curves
from optimizer.problem import PlanProblem
from optimizer.rules import WeakRoiCut

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WeakWeeks:
    """The weak-ROI logic of one line as a sheet shows it.

    Attributes
    ----------
    rule : WeakRoiCut
    line : int
    ratio : float
        Attributed over modelled GMV, where the rule holds the attributed ROI against its threshold; else one.
    own_threshold : float or None
        The line's own threshold, which comes before the rule's.
    weak_so_far : int
        Weak weeks in a row up to the last week of history.
    last_week : float or None
        Spend of the last week of history, currency.
    """

    rule: WeakRoiCut
    line: int
    ratio: float
    own_threshold: float | None
    weak_so_far: int
    last_week: float | None


@dataclass(frozen=True, slots=True)
class Workings:
    """The workbook's model of a plan.

    Attributes
    ----------
    problem : PlanProblem
        Settled: the spend after the plan is what the plan was scored with.
    spend : array (line, week)
        The solver's plan, currency.
    curves : LiveCurves
    values : LiveValues
        Of the solver's plan.
    rules : tuple of RuleLimits
    weak : tuple of WeakWeeks
    weekly_error : float
        Largest error of a week's GMV of a line at the solver's plan, as a share of it.
    """

    problem: PlanProblem
    spend: Floats
    curves: LiveCurves
    values: LiveValues
    rules: tuple[RuleLimits, ...]
    weak: tuple[WeakWeeks, ...]
    weekly_error: float


def workings(problem: PlanProblem, weekly_fen: Sequence[Sequence[int]]) -> Workings:
    """Make the workbook's model around a plan.

    Parameters
    ----------
    problem : PlanProblem
        Settled.
    weekly_fen : array (line, week)
        The solver's plan in fen.
    """
    spend = np.array(weekly_fen, dtype=np.float64) / 100
    media = np.ascontiguousarray(spend[: problem.responding].T)
    with threadpool_limits(limits=1, user_api="blas"):
        curves = live_curves(problem.response, media)
        exact = problem.response.mean(media)[:, : len(problem.weeks)]
    values = curves.at(media)
    found = values.weekly[:, : len(problem.weeks)]
    error = np.abs(found - exact)[exact > 0] / exact[exact > 0]
    weak = tuple(each for rule in problem.settings.rules for each in _weak_weeks(problem, rule))
    return Workings(problem, spend, curves, values, rule_limits(problem), weak, float(error.max(initial=0.0)))


def _weak_weeks(problem: PlanProblem, rule: object) -> list[WeakWeeks]:
    if not isinstance(rule, WeakRoiCut):
        return []
    found = []
    for index in select(problem.lines, rule.lines, reserves=False):
        line = problem.lines[index]
        ratio = line.attributed_ratio if rule.roi == "attributed" and line.attributed_ratio else 1.0
        last = float(line.recent[-1]) if line.recent.size else None
        found.append(WeakWeeks(rule, index, ratio, line.weak_roi, line.weak_weeks, last))
    return found
