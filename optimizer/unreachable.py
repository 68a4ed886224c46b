"""Shares of expected GMV that no plan reaches: which rules clash then, and how far the share would have to give way.

A cap on a share of GMV is no convex limit, so the planner's program takes less GMV for a line than its spend brings and
never finds a clash. Here the other side is put in: between the least and the most that the rules let a line spend, its
response is never below its chords. Where the program with chords has no answer, no plan can reach the share, and the
rules that it needs for that are those that clash. The way out is the nearest share with which a plan is found.

Source: McCormick 1976, "Computability of Global Solutions to Factorable Nonconvex Programs" (bounds from both sides).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mmm.problems import TimeLimitReached
from optimizer.branching import reach
from optimizer.conflict import Reasons, conflict_of
from optimizer.constraints import GroupShare, Limit
from optimizer.cuts import CutPool
from optimizer.decision import Row
from optimizer.plan import Relaxation
from optimizer.planner import Infeasible, SolveOptions, optimise
from optimizer.problem import PlanProblem
from optimizer.program import Search, build_search
from optimizer.returns import gmv_forms, keeps_returns
from optimizer.sentences import tell

MOST_CUTS = 30
GRAIN = 1000  # steps of a share, a tenth of a percentage point each
QUICK = SolveOptions(gap=1e-2, seconds=5.0, branch=False)


def unreachable_shares(problem: PlanProblem) -> Reasons | None:
    """The rules that clash with a limit on a share of expected GMV, and the ways out; None where that is not proven."""
    if not any((form.gmv < 0).any() for form in gmv_forms(problem)) or not _proven(problem):
        return None
    kept = list(problem.settings.constraints)
    for rule in list(kept):
        fewer = [one for one in kept if one is not rule]
        if _proven(_ruled(problem, fewer)):
            kept = fewer
    rows = build_search(problem, CutPool()).decision.rows
    of_total = [] if _proven(_with_any_money(_ruled(problem, kept))) else ["total"]
    names = [*of_total, *(rule.name for rule in kept)]
    conflicts = tuple(conflict_of(_rows_of(rows, name)) for name in names if _rows_of(rows, name))
    ways = [_way_out(problem, rule) for rule in kept if isinstance(rule, GroupShare) and rule.of == "gmv"]
    return Reasons(conflicts, tuple(way for way in ways if way is not None))


def _rows_of(rows: Sequence[Row], name: str) -> list[Row]:
    return [row for row in rows if row.rule.name == name]


def _ruled(problem: PlanProblem, constraints: Sequence[Limit]) -> PlanProblem:
    """The same plan under other constraints."""
    changed = problem.settings.model_copy(update={"constraints": tuple(constraints)})
    return replace(problem, settings=changed)


def _with_any_money(problem: PlanProblem) -> PlanProblem:
    """The same rules for any total up to ten times the money."""
    settings = problem.settings.model_copy(update={"total_rule": "at_most"})
    return replace(problem, total_fen=10 * problem.total_fen, settings=settings)


def _proven(problem: PlanProblem) -> bool:
    """Whether it is proven that no plan keeps the limits on expected GMV."""
    if not any(gmv_forms(problem)):
        return False
    search = build_search(problem, CutPool())
    if search.switches.size:
        search.master.set_integer(search.switches, integer=False)
    _add_chords(search)
    for _ in range(MOST_CUTS):
        solved = search.master.solve(seconds=10.0, gap=0.0)
        if solved.outcome == "infeasible":
            return True
        if not solved.columns.size:
            return False
        spend, theta = search.spend_of(solved.columns), solved.columns[search.theta_columns] * search.kpi_unit
        mean, _ = search.respond(spend, hull=True)
        if keeps_returns(problem, spend) or (theta <= mean + 1e-6 * search.kpi_unit).all():
            return False
        search.cut_at(spend)
    return False


def _add_chords(search: Search) -> None:
    """The response of every line whose GMV counts against a limit is at least its chords."""
    box, response = reach(search), search.problem.response
    against = [
        name for name in range(search.problem.responding) if any(f.gmv[name] < 0 for f in gmv_forms(search.problem))
    ]
    weeks = np.arange(response.span)
    for name in against:
        constant, slopes = response.chords(name, box.low[name], box.high[name])
        search.add_rows(np.full(weeks.size, name), weeks, constant, slopes, floor=True)


def _way_out(problem: PlanProblem, rule: GroupShare) -> Relaxation | None:
    """The least change of a share with which a plan is found, all other rules kept; None when none is.

    Sought by halving, to a tenth of a percentage point; every share that is told has its plan.
    """
    for end, loosest, way in (("max", GRAIN, "raise"), ("min", 0, "lower")):
        old = getattr(rule, end)
        if old is None or not _has_plan(_with(problem, rule, {end: loosest / GRAIN})):
            continue
        without, possible = round(old * GRAIN), loosest
        while abs(possible - without) > 1:
            middle = (without + possible) // 2
            if _has_plan(_with(problem, rule, {end: middle / GRAIN})):
                possible = middle
            else:
                without = middle
        new = possible / GRAIN
        before, after = (tell("amount.share", percent=100 * share) for share in (old, new))
        return Relaxation(rule.name, old, new, tell(f"way.{way}", name=rule.name, old=before, new=after))
    return None


def _with(problem: PlanProblem, rule: GroupShare, changes: dict[str, object]) -> PlanProblem:
    """The same plan with one rule changed."""
    changed = rule.model_copy(update=changes)
    return _ruled(problem, [changed if one is rule else one for one in problem.settings.constraints])


def _has_plan(problem: PlanProblem) -> bool:
    try:
        optimise(problem, QUICK)
    except (Infeasible, TimeLimitReached):
        return False
    return True
