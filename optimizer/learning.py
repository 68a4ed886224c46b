"""What it would be worth to know a line's true response: which line to test next.

The value is that of perfect information on one decision: to move a fifth of the line's money to or from the other
lines, or to leave it. Without more knowledge the move is chosen by expectation; with it, draw by draw. The difference
is what a test could earn in this plan at most, before its own cost.

Source: Raiffa & Schlaifer 1961, "Applied Statistical Decision Theory" (expected value of perfect information).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimizer.problem import PlanProblem

Floats = npt.NDArray[np.float64]

MOVED = 0.2  # of a line's money
DRAWS = 1000  # of the posterior, at most


def worth_knowing(problem: PlanProblem, spend: Floats) -> Floats:
    """GMV that knowing each line's response would add to the plan.

    Parameters
    ----------
    problem : PlanProblem
    spend : array (line, week)
        The plan, currency.

    Returns
    -------
    array (name,)
        Currency, for the lines with a response; zero where a line has no money to move.
    """
    response, names = problem.response.thinned(DRAWS), problem.responding
    plan = spend[:names].T
    here = response.incremental(plan)
    moved = MOVED * plan.sum(axis=0)
    elsewhere = moved * _next_unit_elsewhere(response.mean_and_gradient(plan)[1].sum(axis=1), plan)
    more = response.incremental((1 + MOVED) * plan) - here - elsewhere
    less = response.incremental((1 - MOVED) * plan) - here + elsewhere
    knowing = np.maximum(np.maximum(more, less), 0.0).mean(axis=0)
    guessing = np.maximum(np.maximum(more.mean(axis=0), less.mean(axis=0)), 0.0)
    return np.asarray(np.where(moved > 0, knowing - guessing, 0.0))


def _next_unit_elsewhere(slopes: Floats, plan: Floats) -> Floats:
    """What the next unit of money earns on the other lines, array (name,); slopes (name, week), plan (week, name)."""
    paid = plan.sum(axis=0)
    earned = (slopes.T * plan).sum(axis=0)
    others = paid.sum() - paid
    return np.asarray(np.divide(earned.sum() - earned, others, out=np.zeros_like(paid), where=others > 0))
