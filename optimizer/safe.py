"""Plans that are hardly ever worse than the current mix: as little caution as the probability asked for needs.

The probability of beating last year's mix with the same money is a chance constraint over the draws, which is not
convex. The mean of the worst gains over the mix is, and a larger weight on it makes bad outcomes rarer: the least
weight that reaches the probability is sought, and the probability is counted on the draws.

Source: Nemirovski & Shapiro 2006, "Convex Approximations of Chance Constrained Programs" (CVaR as the approximation).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from optimizer.cuts import CutPool
from optimizer.planner import OnRound, Optimum, SolveOptions, optimise
from optimizer.problem import PlanProblem
from optimizer.settings import CVaR

Floats = npt.NDArray[np.float64]

HALVINGS = 3


def best_plan(problem: PlanProblem, options: SolveOptions, on_round: OnRound, pool: CutPool | None = None) -> Optimum:
    """The plan with the best objective; where ``safe`` is asked for, the best found that is safe enough.

    A safe plan's bound is that of plans without caution, so its gap holds what safety costs at most. When no weight
    reaches the probability, the plan with the highest one comes back.
    """
    found = optimise(problem, options, on_round, pool)
    safe = problem.settings.objective.safe
    if safe is None or chance(found, mix := last_mix(problem, found.spend)) >= safe.probability:
        return found
    reference = problem.response.totals(mix[: problem.responding].T, found.search.worth.gmv)

    def averse(weight: float) -> Optimum:
        goal = problem.settings.objective.model_copy(update={"cvar": CVaR(level=1 - safe.probability, weight=weight)})
        cautious = replace(problem, settings=problem.settings.model_copy(update={"objective": goal}))
        return by_mean(optimise(cautious, options, on_round, pool, against=reference), found.bound)

    low, high, best = 0.0, 1.0, averse(1.0)
    if chance(best, mix) < safe.probability:
        return max(found, best, key=lambda each: chance(each, mix))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = averse(middle)
        if chance(tried, mix) >= safe.probability:
            best, high = tried, middle
        else:
            low = middle
    return best


def by_mean(found: Optimum, bound: float) -> Optimum:
    """A cautious plan measured by the mean, against the bound of plans without caution."""
    search = found.search
    nothing = np.zeros((len(search.problem.weeks), search.problem.responding))
    search.risk = None
    search.carried = float((search.worth.gmv * search.problem.response.mean(nothing)).sum())
    objective = search.value_of(found.spend)
    return replace(found, objective=objective, hull_objective=objective, bound=max(bound, objective))


def last_mix(problem: PlanProblem, spend: Floats) -> Floats:
    """Last year's mix and weeks, scaled to the money that a plan gives to lines with a response; (line, week)."""
    past = np.array([line.reference for line in problem.lines])
    paid = float(spend[: problem.responding].sum())
    return past * (paid / past.sum()) if past.sum() > 0 else past


def chance(found: Optimum, mix: Floats) -> float:
    """Probability that a plan earns at least as much as another division of its money."""
    response, names = found.search.problem.response, found.search.problem.responding
    plans = (found.spend[:names].T, mix[:names].T)
    ours, theirs = (response.totals(plan, found.search.worth.gmv) for plan in plans)
    return float((ours >= theirs).mean())
