"""What the logic rules do in a plan: whether each acts, on which lines, and with what effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import numpy as np
import numpy.typing as npt

from optimizer.lines import select
from optimizer.logic import must_cut, opening_levels, weak_weeks
from optimizer.plan import RuleReport
from optimizer.problem import PlanProblem
from optimizer.rules import LogicRule, MoveCap, Recovery, ReserveRelease, StrongRoiTopUp, WeakRoiCut

Floats = npt.NDArray[np.float64]
Told = Iterator[tuple[str, str]]  # a line, and what happens to it

NOTHING = {
    "cut": "No line is weak long enough in this plan.",
    "top_up": "No line is projected strong enough in the window.",
    "release": "Nothing is released by the calendar in this plan.",
    "recovery": "No line starts this plan cut.",
    "move_cap": "This plan replaces no other.",
}


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
        effect = ". ".join(what for _, what in told) + "." if told else NOTHING[rule.kind]
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
                f"{line.name} was under 1:{rule.observed_threshold(line):g} in the last {line.weak_weeks} weeks of "
                f"data, so its first week is held to {opening[index]:,.2f}"
            )
        cuts = must_cut(rule, line, weak_weeks(rule, line, spend[index], weekly[index]))
        weeks = [problem.weeks[week + 1].isoformat() for week in np.flatnonzero(cuts) if spend[index, week] > 0]
        if weeks:
            told.append(f"{line.name} is projected weak, so it is cut in the weeks of {', '.join(weeks)}")
        if told:
            yield line.name, "; ".join(told)


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
        added = rule.add if rule.from_ == "extra" else min(rule.add, held)
        source = "as extra money" if rule.from_ == "extra" else f"from the reserve, which holds {held:,.2f}"
        reached = f"{line.name} is projected at 1:{projected:.2f} in {rule.window}, at least 1:{rule.roi_at_least:g}"
        yield line.name, f"{reached}: if its weeks show it, {added:,.2f} is added {source}"


def _releases(rule: ReserveRelease, problem: PlanProblem, spend: Floats) -> Told:
    window = list(problem.windows.get(rule.window or "", ()))
    for index in select(problem.lines, rule.line, reserves=True) if window else ():
        weeks = ", ".join(problem.weeks[week].isoformat() for week in window)
        name = problem.lines[index].name
        yield name, f"{name} is held back and {spend[index].sum():,.2f} is released in the weeks of {weeks}"


def _holds(rule: Recovery, problem: PlanProblem) -> Told:
    for cut in problem.settings.cuts:
        for index, most in opening_levels(cut, problem.lines) if cut.name == rule.after else ():
            name = problem.lines[index].name
            yield name, f"{name} stays at or below {most:,.2f} a week for its first {rule.weeks} weeks"


def _moves(rule: MoveCap, problem: PlanProblem, spend: Floats) -> Told:
    if problem.previous is None:
        return
    before = problem.previous.sum(axis=1)
    gained = spend.sum(axis=1) - before
    for line, gain in zip(problem.lines, gained, strict=True):
        if gain > 0.005:
            yield line.name, f"{line.name} gains {gain:,.2f} of the {rule.allowed(before):,.2f} that may move"
