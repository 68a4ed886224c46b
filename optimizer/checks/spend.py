"""Checks of amounts of money: of a line, of some weeks, of the phases of a programme."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from optimizer.checks.amounts import between_amounts, sum_of_cells
from optimizer.checks.check import EXACTLY, ONE_FEN, Check, as_written, in_fen
from optimizer.checks.issued import Issued, Spell
from optimizer.constraints import Bounds, Budget, Fixed, Phases


def check_bounds(rule: Bounds, issued: Issued) -> Iterator[Check]:
    """Hold lines to their range, over the horizon or in each week."""
    horizon = range(len(issued.weeks))
    spans = [horizon] if rule.per == "horizon" else [range(t, t + 1) for t in horizon]
    for i in issued.named(rule.lines):
        for spell in (Spell(issued, i, span) for span in spans):
            base = _base(rule, spell)
            ends = [None if multiple is None else as_written(multiple) * base for multiple in (rule.min, rule.max)]
            part = "" if spell.week is None or rule.per == "horizon" else str(spell.week)
            for limit in between_amounts(rule, spell, *ends, measured=rule.relative_to is not None):
                yield replace(limit, part=part)


def _base(rule: Bounds, spell: Spell) -> Fraction:
    """Return what the rule's numbers are multiples of, fen."""
    if rule.relative_to == "history":
        return sum((in_fen(spell.line.reference[t]) for t in spell.span), EXACTLY)
    if rule.relative_to == "average":
        return in_fen(spell.line.average) * len(spell.span)
    return Fraction(100)


def check_fixed(rule: Fixed, issued: Issued) -> Iterator[Check]:
    """Hold lines to the money that is settled."""
    for i in issued.named(rule.lines):
        if rule.total is not None:
            yield Spell(issued, i, range(len(issued.weeks))).limit(rule, "==", in_fen(rule.total), ONE_FEN)
        for t, week in enumerate(issued.weeks):
            if week in rule.weekly:
                spell = Spell(issued, i, range(t, t + 1))
                yield replace(spell.limit(rule, "==", in_fen(rule.weekly[week]), ONE_FEN), part=str(week))


def check_budget(rule: Budget, issued: Issued) -> Iterator[Check]:
    """Hold the money of some weeks to its range."""
    for word, span in _spans(rule, issued):
        cells = [issued.fen[i][t] for i in issued.among(rule) for t in span]
        yield from sum_of_cells(rule, issued, word, cells, len(span), (rule.min, rule.max), rule.of)


def _spans(rule: Budget, issued: Issued) -> Iterator[tuple[str, list[int]]]:
    """Weeks that a budget speaks of; a week is of the month of its Thursday, and of dates that it touches."""
    weeks = issued.weeks
    months = [(day.year, day.month) for day in (week + timedelta(days=3) for week in weeks)]
    if rule.every is not None:
        keys: list[object] = list(weeks) if rule.every == "week" else list(months)
        for key in dict.fromkeys(keys):
            span = [t for t, one in enumerate(keys) if one == key]
            yield str(weeks[span[0]]) if rule.every == "week" else "{}-{:02}".format(*months[span[0]]), span
        return
    if rule.month is not None:
        wanted = tuple(int(part) for part in rule.month.split("-"))
        span = [t for t, month in enumerate(months) if month == wanted]
    elif rule.window is not None:
        span = sorted(issued.windows.get(rule.window, ()))
    else:
        days = [{week + timedelta(days=day) for day in range(7)} for week in weeks]
        start, end = rule.start or date.max, rule.end or date.min
        span = [t for t, week in enumerate(days) if any(start <= day <= end for day in week)]
    if span:
        yield "", span


def check_phases(rule: Phases, issued: Issued) -> Iterator[Check]:
    """Hold every phase to its money; phases of months end with the last week whose Thursday is in them."""
    inside, begin = issued.among(rule), 0
    whole = sum(sum(issued.fen[i]) for i in inside)
    for phase in rule.phases:
        end = begin
        if phase.weeks is not None:
            end = begin + phase.weeks
        elif begin < len(issued.weeks):
            months = [12 * day.year + day.month for day in (week + timedelta(days=3) for week in issued.weeks)]
            end = sum(month < months[begin] + (phase.months or 0) for month in months)
        span = range(begin, min(end, len(issued.weeks)))
        begin = end
        if not span:
            continue
        cells = [issued.fen[i][t] for i in inside for t in span]
        money, tolerance = as_written(phase.budget or phase.share or 0.0), as_written(rule.tolerance)
        ends = (1 - tolerance) * money, (1 + tolerance) * money
        if phase.share is not None:
            yield from sum_of_cells(
                rule, issued, phase.name, cells, len(span), (ends[0], min(ends[1], ONE_FEN)), "share", whole
            )
        else:
            yield from sum_of_cells(rule, issued, phase.name, cells, len(span), ends, "currency")
