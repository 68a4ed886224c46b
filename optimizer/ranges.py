"""How far each line could move: the spends of a line among plans within 1% of the best.

Optimal mixes are uncertain (Jin et al. 2017), so a plan says which of its figures matter. The plans looked at keep
every line's weekly pattern and scale it, which makes the response a curve per line and the question a very small
linear program. Each end of a range is a plan that obeys the rules, so the range is an inner one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import highspy
import numpy as np
import numpy.typing as npt

from mmm.curves import WindowResponse
from optimizer.planner import Optimum
from optimizer.rounding import spend_rows
from optimizer.solver import bare_highs

Floats = npt.NDArray[np.float64]

NEAR_OPTIMAL = 0.99
DRAWS = 200
SCALES = np.array([0.0, 0.2, 0.4, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0])
BISECTIONS = 7


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Plans made by scaling each line of a base plan.

    Attributes
    ----------
    base : array (line, week)
        Currency; an even pattern for lines that the plan leaves without money.
    best : array (line,)
        Scales of the best plan: 1, or 0 for lines without money.
    least : float
        Objective that is still within 1% of the best, on ``response``'s draws.
    """

    optimum: Optimum
    base: Floats
    best: Floats
    response: WindowResponse
    least: float

    def worth(self, scales: Floats) -> float:
        """The objective of a scaled plan."""
        return _worth(self.optimum, self.response, self.base * scales[:, None])


def _worth(optimum: Optimum, response: WindowResponse, spend: Floats) -> float:
    return optimum.search.objective_of(spend, response.mean(spend[: optimum.search.problem.responding].T))


def near_optimal_ranges(optimum: Optimum) -> list[tuple[float, float]]:
    """Least and most spend of every line among plans within 1% of the best, in currency."""
    plans = _scaled_plans(optimum)
    program = _program(plans)
    totals = plans.base.sum(axis=1)
    ranges = []
    for line, total in enumerate(totals):
        ends = [plans.best[line], *(_extreme(plans, program, line, most=most)[line] for most in (False, True))]
        ranges.append((float(min(ends) * total), float(max(ends) * total)))
    return ranges


def _scaled_plans(optimum: Optimum) -> _Scaled:
    """The plan as a base to scale."""
    spend, problem = optimum.spend, optimum.search.problem
    used = spend.sum(axis=1) > 1e-6 * problem.total / spend.size
    base = np.where(used[:, None], spend, problem.total / spend.size)
    response = problem.response.thinned(DRAWS)
    worth = _worth(optimum, response, spend)
    return _Scaled(optimum, base, used.astype(np.float64), response, worth - (1 - NEAR_OPTIMAL) * abs(worth))


def _program(plans: _Scaled) -> highspy.Highs:
    """Columns: a scale per line, a theta per responding line, helpers; rows: the rules, the curves, least objective."""
    search = plans.optimum.search
    lines, weeks = plans.base.shape
    names = search.problem.responding
    most = np.full(lines, SCALES[-1])
    for _, line in search.weak_columns:
        most[line] = 1.0  # more spend could turn a strong week weak
    highs = bare_highs()
    free = np.full(names, highspy.kHighsInf)
    highs.addVars(lines + names, np.concatenate([np.zeros(lines), -free]), np.concatenate([most, free]))
    helpers = len(search.decision.model.helpers)
    highs.addVars(helpers, np.zeros(helpers), np.full(helpers, highspy.kHighsInf))
    scaled = (plans.base / search.decision.unit).ravel()
    for each in spend_rows(plans.optimum):
        weights = np.bincount(each.cells // weeks, each.weights * scaled[each.cells], minlength=lines)
        index = np.flatnonzero(np.abs(weights) > 1e-12).astype(np.int32)
        # The plan itself obeys every row to the solver's tolerance; so much room keeps it inside.
        columns = np.concatenate([index, (each.helpers + lines + names).astype(np.int32)])
        entries = np.concatenate([weights[index], each.helped])
        highs.addRow(each.lower - 1e-6, each.upper + 1e-6, columns.size, columns, entries)
    for name, (start, level, slope) in enumerate(_curves(plans, names)):
        for s, f, m in zip(start, level, slope, strict=True):
            index = np.array([lines + name, name], dtype=np.int32)
            highs.addRow(-highspy.kHighsInf, f - m * s, 2, index, np.array([1.0, -m]))
    money = (search.worth.money * plans.base).sum(axis=1)
    costs = np.concatenate([-money / search.kpi_unit, np.ones(names)])
    index = np.flatnonzero(costs).astype(np.int32)
    floor = (plans.least + search.carried) / search.kpi_unit
    highs.addRow(floor - 1e-6, highspy.kHighsInf, index.size, index, costs[index])
    return highs


def _curves(plans: _Scaled, names: int) -> list[tuple[Floats, Floats, Floats]]:
    """What each line is worth over its scale, as the straight pieces of a concave curve: start, level, slope."""
    search = plans.optimum.search
    at = [plans.response.mean((plans.base[:names] * scale).T) for scale in SCALES]
    level = np.stack([(search.worth.gmv * mean).sum(axis=1) for mean in at], axis=1) / search.kpi_unit
    return [_pieces(curve) for curve in level]


def _pieces(level: Floats) -> tuple[Floats, Floats, Floats]:
    """Straight pieces of the upper concave hull of a curve at :data:`SCALES`."""
    kept: list[int] = []
    for here in range(SCALES.size):
        while len(kept) > 1 and _slope(level, kept[-2], here) >= _slope(level, kept[-2], kept[-1]):
            kept.pop()
        kept.append(here)
    ends = list(pairwise(kept))
    slopes = np.array([_slope(level, a, b) for a, b in ends])
    starts = np.array([a for a, _ in ends])
    return SCALES[starts], level[starts], slopes


def _slope(level: Floats, a: int, b: int) -> float:
    return float((level[b] - level[a]) / (SCALES[b] - SCALES[a]))


def _extreme(plans: _Scaled, program: highspy.Highs, line: int, *, most: bool) -> Floats:
    """Scales of the plan with the most (or least) money on a line, worth at least ``least``."""
    count = program.getNumCol()
    costs = np.zeros(count)
    costs[line] = 1.0
    program.changeColsCost(count, np.arange(count, dtype=np.int32), costs)
    program.changeObjectiveSense(highspy.ObjSense.kMaximize if most else highspy.ObjSense.kMinimize)
    program.run()
    if program.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return plans.best
    far: Floats = np.maximum(np.array(program.getSolution().col_value)[: plans.best.size], 0.0)
    if plans.worth(far) >= plans.least:
        return far
    near, reach = 0.0, 1.0
    for _ in range(BISECTIONS):
        step = (near + reach) / 2
        if plans.worth(plans.best + step * (far - plans.best)) >= plans.least:
            near = step
        else:
            reach = step
    return np.asarray(plans.best + near * (far - plans.best))
