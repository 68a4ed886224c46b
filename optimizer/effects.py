"""What the logic rules do in a plan: whether each acts, on which lines, and with what effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import numpy as np
import numpy.typing as npt

from mmm.messages import Message, joined
from optimizer.lines import select
from optimizer.logic import must_cut, opening_levels, weak_weeks
from optimizer.plan import RuleReport
from optimizer.problem import PlanProblem
from optimizer.rules import LogicRule, MoveCap, Recovery, ReserveRelease, StrongRoiTopUp, WeakRoiCut
from optimizer.sentences import tell

Floats = npt.NDArray[np.float64]
Told = Iterator[tuple[str, Message]]  # a line, and what happens to it


def rule_reports(problem: PlanProblem, spend: Floats, weekly: Floats) -> tuple[RuleReport, ...]:
    """One report per logic rule.

    Parameters
    ----------
    problem : PlanProblem
    spend : array (line, week)
        Currency.
    weekly : array (line, week)
        Expected GMV that falls in each week, carry-in included, currency.
    """
    found = []
    for rule in problem.settings.rules:
        told = list(_effects(rule, problem, spend, weekly))
        parts = [what for _, what in told]
        effect = tell("effect.ended", parts=parts) if parts else tell(f"effect.{rule.kind}.none")
        found.append(RuleReport(rule.name, rule.kind, bool(told), tuple(dict.fromkeys(n for n, _ in told)), effect))
    return tuple(found)


def _effects(rule: LogicRule, problem: PlanProblem, spend: Floats, weekly: Floats) -> Told:
    match rule:
        case WeakRoiCut():
            yield from _cuts(rule, problem, spend, weekly)
        case StrongRoiTopUp():
            yield from _top_ups(rule, problem, spend, weekly)
        case ReserveRelease():
            yield from _releases(rule, problem, spend)
        case Recovery():
            yield from _holds(rule, problem)
        case MoveCap():
            yield from _moves(rule, problem, spend)
        case _:
            assert_never(rule)


def _cuts(rule: WeakRoiCut, problem: PlanProblem, spend: Floats, weekly: Floats) -> Told:
    opening = dict(opening_levels(rule, problem.lines))
    for index in select(problem.lines, rule.lines, reserves=False):
        line, told = problem.lines[index], []
        if index in opening:
            told.append(
                tell(
                    "effect.opening",
                    line=line.name,
                    floor=float(rule.observed_threshold(line)),
                    weeks=line.weak_weeks,
                    most=float(opening[index]),
                )
            )
        cuts = must_cut(rule, line, weak_weeks(rule, line, spend[index], weekly[index]))
        weeks = [problem.weeks[week + 1].isoformat() for week in np.flatnonzero(cuts) if spend[index, week] > 0]
        if weeks:
            told.append(tell("effect.weak", line=line.name, weeks=weeks))
        if told:
            yield line.name, joined("clauses", told)


def _top_ups(rule: StrongRoiTopUp, problem: PlanProblem, spend: Floats, weekly: Floats) -> Told:
    window = list(problem.windows.get(rule.window, ()))
    for index in select(problem.lines, rule.lines, reserves=False) if window else ():
        line = problem.lines[index]
        paid, earned = spend[index, window].sum(), weekly[index, window].sum()
        if line.reserve or paid <= 0 or earned < rule.threshold(line) * paid:
            continue
        projected = earned / paid * rule.roi_at_least / rule.threshold(line)
        held = sum(
            spend[i].sum() for i, one in enumerate(problem.lines) if one.reserve and rule.reserve in {None, one.name}
        )
        extra = rule.from_ == "extra"
        source = tell("effect.extra") if extra else tell("effect.from_reserve", held=float(held))
        reached = {"roi": float(projected), "window": rule.window, "floor": float(rule.roi_at_least)}
        added = float(rule.add if extra else min(rule.add, held))
        yield line.name, tell("effect.top_up", line=line.name, added=added, source=source, **reached)


def _releases(rule: ReserveRelease, problem: PlanProblem, spend: Floats) -> Told:
    window = list(problem.windows.get(rule.window or "", ()))
    for index in select(problem.lines, rule.line, reserves=True) if window else ():
        weeks = [problem.weeks[week].isoformat() for week in window]
        name = problem.lines[index].name
        yield name, tell("effect.release", line=name, amount=float(spend[index].sum()), weeks=weeks)


def _holds(rule: Recovery, problem: PlanProblem) -> Told:
    for cut in problem.settings.cuts:
        for index, most in opening_levels(cut, problem.lines) if cut.name == rule.after else ():
            name = problem.lines[index].name
            yield name, tell("effect.recovery", line=name, most=float(most), weeks=rule.weeks)


def _moves(rule: MoveCap, problem: PlanProblem, spend: Floats) -> Told:
    if problem.previous is None:
        return
    before = problem.previous.sum(axis=1)
    gained = spend.sum(axis=1) - before
    for line, gain in zip(problem.lines, gained, strict=True):
        if gain > 0.005:
            allowed = float(rule.allowed(before))
            yield line.name, tell("effect.move_cap", line=line.name, gain=float(gain), allowed=allowed)
