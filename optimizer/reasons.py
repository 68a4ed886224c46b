"""Why a line wins or loses money: its last yuan against the others' where it came from, and the rules that hold it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from optimizer.constraints import CategoryShare, GroupShare, Mix, Rule
from optimizer.constraints.base import Among
from optimizer.lines import select
from optimizer.plan import Basis, Cause, ConstraintReport, Reason, RuleReport, Verdict
from optimizer.problem import PlanProblem

Floats = npt.NDArray[np.float64]

KEPT = 0.02  # a change smaller than this share of what the line had is none
ALIKE = 0.02  # ROIs nearer than this share are the same


def line_reasons(
    problem: PlanProblem, spend: Floats, limits: Sequence[ConstraintReport], acts: Sequence[RuleReport]
) -> tuple[Reason, ...]:
    """One reason per line.

    Parameters
    ----------
    problem : PlanProblem
    spend : array (line, week)
        The plan, currency.
    limits : sequence of ConstraintReport
        Its limits, binding or not.
    acts : sequence of RuleReport
        What its logic rules do.
    """
    before, basis = _before(problem, spend)
    next_before, next_after = _next_unit(problem, before), _next_unit(problem, spend)
    found = []
    for index, line in enumerate(problem.lines):
        had, has = float(before[index].sum()), float(spend[index].sum())
        ceilings, floors = _holding(problem, index, limits)
        cuts = tuple(act.name for act in acts if act.kind in {"cut", "recovery"} and line.name in act.lines)
        if line.reserve:
            held = tuple(dict.fromkeys((*ceilings, *floors)))
            found.append(Reason(_verdict(had, has), "reserved", basis, had, has, None, None, None, None, held))
            continue
        then = float(next_before[index]), _others(next_before, before, index)
        now = float(next_after[index]), _others(next_after, spend, index)
        cause, rules = _cause(_verdict(had, has), then, now, ceilings, floors, cuts)
        found.append(Reason(_verdict(had, has), cause, basis, had, has, *then, *now, rules))
    return tuple(found)


def _before(problem: PlanProblem, spend: Floats) -> tuple[Floats, Basis]:
    """What the plan is held against, array (line, week)."""
    if problem.previous is not None:
        return np.asarray(problem.previous, dtype=np.float64), "previous"
    past = np.array([line.reference for line in problem.lines])
    names = problem.responding
    scale = spend[:names].sum() / past[:names].sum() if past[:names].sum() > 0 else 0.0
    past[:names] *= scale
    past[names:] = spend[names:]
    return past, "last_year"


def _next_unit(problem: PlanProblem, spend: Floats) -> Floats:
    """What one more unit of money on each responding line earns, spread over the weeks like the plan, array (name,)."""
    names = problem.responding
    _, gradient = problem.response.mean_and_gradient(spend[:names].T)
    totals = spend[:names].sum(axis=1, keepdims=True)
    weights = np.where(totals > 0, spend[:names] / np.maximum(totals, 1e-300), 1.0 / spend.shape[1])
    return np.asarray((gradient.sum(axis=1) * weights).sum(axis=1))


def _others(earns: Floats, spend: Floats, index: int) -> float | None:
    """What the next unit earns on the other responding lines, weighted by their money; None when there are none."""
    weights = spend[: earns.size].sum(axis=1)
    weights[index] = 0.0
    return float(earns @ weights / weights.sum()) if weights.sum() > 0 else None


def _verdict(before: float, after: float) -> Verdict:
    if abs(after - before) <= KEPT * max(before, after):
        return "keeps"
    return "wins" if after > before else "loses"


def _holding(
    problem: PlanProblem, index: int, limits: Sequence[ConstraintReport]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the binding rules that keep a line's money down, and of those that keep it up."""
    lines_of = {rule.name: _lines_of(rule, problem) for rule in problem.settings.constraints}
    name = problem.lines[index].name
    ceilings: list[str] = []
    floors: list[str] = []
    for limit in limits:
        own = limit.line == name or (limit.line is None and index in lines_of.get(limit.name, ()))
        if not own or not limit.binding or limit.kind == "total":
            continue
        # The price says which side an exact limit holds: where a larger one would earn more, it holds down.
        down = limit.sense == "<=" or (limit.sense == "==" and (limit.price or 0.0) > 0)
        (ceilings if down else floors).append(limit.name)
    return tuple(dict.fromkeys(ceilings)), tuple(dict.fromkeys(floors))


def _lines_of(rule: Rule, problem: PlanProblem) -> tuple[int, ...]:
    """Lines of which a rule speaks together; none where it speaks of all, which tells nothing of one."""
    lines = problem.lines
    if isinstance(rule, CategoryShare):
        return tuple(i for i, line in enumerate(lines) if line.category == rule.category)
    if isinstance(rule, GroupShare):
        return tuple(i for i, line in enumerate(lines) if rule.group in line.groups)
    if isinstance(rule, Among) and (rule.category, rule.group, rule.lines) != (None, None, None):
        return rule.inside(lines)
    return select(lines, tuple(rule.shares), reserves=True) if isinstance(rule, Mix) else ()


def _cause(
    verdict: Verdict,
    then: tuple[float, float | None],
    now: tuple[float, float | None],
    ceilings: tuple[str, ...],
    floors: tuple[str, ...],
    cuts: tuple[str, ...],
) -> tuple[Cause, tuple[str, ...]]:
    """What decides, and the rules to name."""
    if cuts and verdict != "wins":
        return "cut", cuts
    if ceilings and _is_above(now) and verdict != "wins":
        return "held_down", ceilings
    if floors and _is_below(now) and verdict != "loses":
        return "held_up", floors
    held = (*ceilings, *floors)
    if verdict == "wins" and _is_above(then):
        return "earns_more", ceilings
    if verdict == "loses" and _is_below(then):
        return "earns_less", floors
    return ("rules", tuple(dict.fromkeys(held))) if held and verdict != "keeps" else ("alike", ())


def _is_above(pair: tuple[float, float | None]) -> bool:
    own, others = pair
    return others is not None and own > others * (1 + ALIKE)


def _is_below(pair: tuple[float, float | None]) -> bool:
    own, others = pair
    return others is not None and own < others * (1 - ALIKE)
