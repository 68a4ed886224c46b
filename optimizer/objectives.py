"""What a plan is worth: GMV, profit, or the discounted value of what it brings now and later, as weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.lines import is_named
from optimizer.problem import YEAR_WEEKS, PlanProblem

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """What one unit counts in the objective.

    Attributes
    ----------
    gmv : array (name, span)
        A unit of GMV of a line in a week.
    money : array (line, week)
        A unit of money not spent on a line in a week.
    """

    gmv: Floats
    money: Floats

    def of(self, spend: Floats, mean: Floats) -> float:
        """Worth of a plan (line, week) with an expected response (name, span)."""
        return float((self.gmv * mean).sum() - (self.money * spend).sum())


def worth_of(problem: PlanProblem) -> Worth:
    """Weights of the project's objective.

    ``gmv``: one for GMV. ``profit``: the line's margin for GMV, one for money. ``value``: the same, discounted by week,
    with what the channel brings in the long run arriving ``repurchase_weeks`` later. Long-term multipliers are known
    independently of the curves, so their mean is all that the expected value needs.
    """
    goal, response = problem.settings.objective, problem.response
    cells = (len(problem.lines), len(problem.weeks))
    shape = (problem.responding, response.span)
    if goal.maximise == "gmv":
        return Worth(np.ones(shape), np.zeros(cells))
    margin = line_margins(problem)[:, None]
    if goal.maximise == "profit":
        return Worth(margin * np.ones(shape), np.ones(cells))
    now = discount(goal.discount.rate, np.arange(response.span))
    later = discount(goal.discount.rate, np.arange(response.span) + goal.discount.repurchase_weeks)
    more = response.curves.long_term.mean(axis=0)[:, None] - 1.0
    paid = np.broadcast_to(discount(goal.discount.rate, np.arange(cells[1])), cells)
    return Worth(margin * (now + more * later), paid)


def discount(rate: float, weeks: npt.NDArray[Any]) -> Floats:
    """What one unit some weeks ahead is worth today, at a yearly rate."""
    return np.asarray((1.0 + rate) ** (-weeks / YEAR_WEEKS))


def line_margins(problem: PlanProblem) -> Floats:
    """Contribution margin on GMV of every responding line, array (name,)."""
    goal = problem.settings.objective
    usual = goal.margin or 1.0
    named = [
        next((margin for name, margin in goal.margins.items() if is_named(line.name, name)), usual)
        for line in problem.lines[: problem.responding]
    ]
    return np.array(named)
