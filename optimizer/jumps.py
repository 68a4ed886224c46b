"""What a rule that counts costs: one line more, one week less, found by solving again.

A count moves in whole steps, so no slope of a linear program prices it: the plan is sought anew under the looser rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mmm.problems import BudgetError
from optimizer.checks.check import Finding, Sense
from optimizer.constraints import Cardinality, Limit, WeeksOn
from optimizer.planner import Optimum, SolveOptions
from optimizer.prices import COUNTS, Key
from optimizer.problem import PlanProblem
from optimizer.safe import best_plan

MOST_JUMPS = 6  # limits solved for
SECONDS = 10.0


def jump_prices(
    problem: PlanProblem, optimum: Optimum, findings: Sequence[Finding], options: SolveOptions
) -> dict[Key, float]:
    """Price of every binding limit on a count: the change of the objective, in currency, per line or week more.

    Both plans are known to the gaps of their searches: what a step earns within these is zero. Limits that a step does
    not loosen, and those whose plan was not found in time, have no price.
    """
    names = [line.name for line in problem.lines]
    binding = [each for each in findings if each.binding and each.unit in COUNTS and not each.soft]
    found: dict[tuple[str, Sense], float | None] = {}
    for name, sense in list(dict.fromkeys((each.name, each.sense) for each in binding))[:MOST_JUMPS]:
        found[name, sense] = _step(problem, optimum, name, sense, options)
    prices: dict[Key, float] = {}
    for each in binding:
        earned = found.get((each.name, each.sense))
        if earned is not None:
            index = None if each.line is None else names.index(each.line)
            prices[each.name, index, each.sense, each.part] = earned if each.sense == "<=" else 0.0 - earned
    return prices


def _step(problem: PlanProblem, optimum: Optimum, name: str, sense: Sense, options: SolveOptions) -> float | None:
    """What loosening one rule by one step earns; None where that cannot be told."""
    limits = problem.settings.constraints
    looser = {limit.name: one_looser(limit, sense) for limit in limits if limit.name == name}
    if None in looser.values():
        return None
    changed = tuple(looser.get(limit.name) or limit for limit in limits)
    eased = replace(problem, settings=problem.settings.model_copy(update={"constraints": changed}))
    quick = replace(options, seconds=min(options.seconds, SECONDS), branch=False)
    try:
        other = best_plan(eased, quick, lambda _round, _gap: None, optimum.search.pool.copy())
    except BudgetError:
        return None
    # Both through the draws' hulls, which is what the two searches have in common.
    earned = other.hull_objective - optimum.hull_objective
    known = other.search_gap * abs(other.hull_objective) + optimum.search_gap * abs(optimum.hull_objective)
    return earned if earned > known else 0.0


def one_looser(limit: Limit, sense: Sense) -> Limit | None:
    """The rule with its count one step looser; None where there is none."""
    match limit:
        case Cardinality(max=int(most)) if sense == "<=":
            return limit.model_copy(update={"max": most + 1})
        case Cardinality(min=int(least)) if sense == ">=" and least > 0:
            return limit.model_copy(update={"min": least - 1})
        case WeeksOn(weeks=weeks) if weeks > 1:
            return limit.model_copy(update={"weeks": weeks - 1})
    return None
