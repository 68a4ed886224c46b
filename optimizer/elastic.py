"""The least by which a quarter's rules must give way when its past, or a cut, leaves no plan that obeys them all.

Every row that may give way gets a column that stretches it at a cost, and a linear program finds the cheapest way to
have a plan at all (the elastic filter's first step, Chinneck & Dravnieks 1991). Its answer is put back into the rules,
so that the plan that follows is solved, rounded and verified like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.constraints import (
    Bounds,
    Budget,
    CategoryShare,
    Change,
    Concentration,
    Constraint,
    GroupShare,
    Pilot,
    Rule,
)
from optimizer.decision import Decision, Row
from optimizer.lines import select
from optimizer.problem import PlanProblem
from optimizer.program import build_decision
from optimizer.solver import Master

SECONDS = 20.0
NEGLIGIBLE = 1e-7  # scaled money
MARGIN = 0.02  # currency added to what gives way, so that rounding to fen has room
NEVER = frozenset({"total", "reserve", "cut", "recovery", "top_up", "release"})
"""Kinds of rules that do not give way."""


@dataclass(frozen=True, slots=True)
class GaveWay:
    """A rule that could not be kept.

    Attributes
    ----------
    rule : str
        Empty when no rule's giving way helps.
    line : str or None
    by : float or None
        Money over the weeks that are left, currency; None where the rule is left out.
    """

    rule: str
    line: str | None
    by: float | None


def made_possible(problem: PlanProblem, hard: Sequence[Constraint] = ()) -> tuple[PlanProblem, tuple[GaveWay, ...]]:
    """The problem with the least change of its rules that allows a plan.

    Parameters
    ----------
    problem : PlanProblem
        One that no plan can obey.
    hard : sequence of Constraint
        Its constraints that do not give way.

    Returns
    -------
    problem : PlanProblem
        The same problem when nothing can be done: the rules that never give way clash among themselves.
    gave_way : tuple of GaveWay
    """
    decision = build_decision(problem)
    stretched = _stretched(decision, [rule.name for rule in hard])
    if not stretched:
        return _without_response(problem)
    constraints: list[Constraint] = []
    told = []
    for rule in problem.settings.constraints:
        mine = [(row, lower, upper) for row, lower, upper in stretched if row.rule is rule]
        constraints.extend(_loosened(rule, problem, decision, mine) if mine else [rule])
        told.extend(_told(rule, decision, mine))
    moves = [rule for rule in problem.settings.rules if any(row.rule is rule for row, _, _ in stretched)]
    for cap in moves:
        told.extend(_told(cap, decision, [stretch for stretch in stretched if stretch[0].rule is cap]))
    rules = tuple(rule for rule in problem.settings.rules if rule not in moves)
    settings = problem.settings.model_copy(update={"constraints": tuple(constraints), "rules": rules})
    return replace(problem, settings=settings), tuple(told)


def _without_response(problem: PlanProblem) -> tuple[PlanProblem, tuple[GaveWay, ...]]:
    """The problem without rules on expected GMV: where spend alone allows a plan, they are what clashes."""
    kept = tuple(rule for rule in problem.settings.constraints if not rule.of_response)
    told = tuple(GaveWay(rule.name, None, None) for rule in problem.settings.constraints if rule.of_response)
    return replace(problem, settings=problem.settings.model_copy(update={"constraints": kept})), told


Stretch = tuple[Row, float, float]  # a row, and by how much its lower and upper side gave way, scaled money


def _stretched(decision: Decision, hard: Sequence[str]) -> list[Stretch]:
    model = decision.model
    model.objective = pyo.Objective(expr=0.0 * next(iter(decision.spend.values())), sense=pyo.maximize)
    master = Master(model)
    columns: dict[tuple[int, int], int] = {}
    for number, row in enumerate(decision.rows):
        if row.link or row.rule.kind in NEVER or row.rule.name in hard:
            continue
        for side, limit in ((1, row.lower), (-1, row.upper)):
            if limit is not None:
                columns[number, side] = master.add_column(0.0, [number], [float(side)])
    if not columns:
        return []
    return _solved(decision, master, columns)


def _solved(decision: Decision, master: Master, columns: dict[tuple[int, int], int]) -> list[Stretch]:
    numbers = np.array(list(columns.values()), dtype=np.int32)
    master.set_costs(numbers, np.ones(numbers.size))
    solved = master.solve(seconds=SECONDS, gap=1e-6, maximise=False)
    if not solved.columns.size:
        return []
    found = []
    for number, row in enumerate(decision.rows):
        lower, upper = (
            float(solved.columns[columns[number, side]]) if (number, side) in columns else 0.0 for side in (1, -1)
        )
        if max(lower, upper) > NEGLIGIBLE:
            found.append((row, lower, upper))
    return found


def _told(rule: Rule, decision: Decision, mine: Sequence[Stretch]) -> list[GaveWay]:
    """One entry per line of the rule, with all its weeks together."""
    by_line: dict[str | None, float | None] = {}
    for row, lower, upper in mine:
        line = None if row.line is None else decision.lines[row.line].name
        more = max(lower, upper) * decision.unit
        by_line[line] = (by_line.get(line) or 0.0) + more if row.unit in {"CNY", "share"} else None
    return [GaveWay(rule.name, line, by) for line, by in by_line.items()]


def _loosened(rule: Any, problem: PlanProblem, decision: Decision, mine: Sequence[Stretch]) -> list[Constraint]:
    """The rule with the room that it needs; where its form has none, without the lines that need it."""
    low = max(lower for _, lower, _ in mine) * decision.unit
    high = max(upper for _, _, upper in mine) * decision.unit
    match rule:
        case Bounds(relative_to=None) | Budget(of="currency"):
            return [_wider(rule, low, high)]
        case CategoryShare() | GroupShare(of="spend"):
            return [_wider_share(rule, low / problem.total, high / problem.total)]
        case Concentration():
            return [rule.model_copy(update={"max": min(1.0, rule.max + (high + MARGIN) / problem.total)})]
        case Bounds() | Change():
            return _without(rule, problem, {row.line for row, _, _ in mine})
        case Pilot():
            # Less than the smallest trial is none: the line is then held to its ceiling alone.
            return [Bounds(name=rule.name, lines=rule.line, max=rule.max + high)]
        case _:
            return []


def _wider(rule: Bounds | Budget, low: float, high: float) -> Constraint:
    least = None if rule.min is None else max(0.0, rule.min - (low + MARGIN if low else 0.0))
    most = None if rule.max is None else rule.max + (high + MARGIN if high else 0.0)
    return rule.model_copy(update={"min": least, "max": most})


def _wider_share(rule: CategoryShare | GroupShare, low: float, high: float) -> Constraint:
    """The share's range with room on the side that gave way; an exact share becomes a range."""
    ends = (rule.min, rule.max)
    if isinstance(rule, CategoryShare) and rule.share is not None:
        ends = (rule.share, rule.share)
    least = None if ends[0] is None else max(0.0, ends[0] - 1.001 * low)
    most = None if ends[1] is None else min(1.0, ends[1] + 1.001 * high)
    changes: dict[str, float | None] = {"min": least, "max": most}
    return rule.model_copy(update=changes | ({"share": None} if isinstance(rule, CategoryShare) else {}))


def _without(rule: Bounds | Change, problem: PlanProblem, lines: set[int | None]) -> list[Constraint]:
    kept = [i for i in select(problem.lines, rule.lines, reserves=False) if i not in lines]
    names = tuple(problem.lines[i].name for i in kept)
    return [rule.model_copy(update={"lines": names})] if names else []
