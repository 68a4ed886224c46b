"""Checks of how spend moves in time: from week to week, against the past, and how long a line stays on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from optimizer.checks.amounts import between_amounts, tightest
from optimizer.checks.check import EXACTLY, HALF, ONE_FEN, Check, as_written, in_fen
from optimizer.checks.issued import Issued, Spell, week_before
from optimizer.constraints import Change, WeeksOn


def check_change(rule: Change, issued: Issued) -> Iterator[Check]:
    """Hold lines to the steps they may take: from week to week, on last quarter, on last year."""
    for i in issued.named(rule.lines):
        if rule.week_on_week is not None:
            yield from tightest(_steps(rule, issued, i, as_written(rule.week_on_week)))
        recent, spell = issued.lines[i].recent, Spell(issued, i, range(len(issued.weeks)))
        year = sum((in_fen(amount) for amount in issued.lines[i].reference), EXACTLY)
        quarter = sum(map(in_fen, recent), EXACTLY) * Fraction(len(issued.weeks), max(len(recent), 1))
        for step, base in ((rule.last_quarter, quarter), (rule.last_year, year)):
            if step is not None and base > 0:
                yield from between_amounts(rule, spell, *_around(as_written(step), base), measured=True)


def _around(step: Fraction, base: Fraction) -> tuple[Fraction | None, Fraction]:
    """Return both ends of a step; one of 100% or more has no lower end, as no spend is negative."""
    return (1 - step) * base if step < 1 else None, (1 + step) * base


def _steps(rule: Change, issued: Issued, i: int, step: Fraction) -> Iterator[Check]:
    """Limit every week by the week before; after a last week of history without spend, week 0 is free."""
    for t in range(len(issued.weeks)):
        before = week_before(issued, i, t)
        if before is not None and (before > 0 or t > 0):
            spell = Spell(issued, i, range(t, t + 1))
            yield from between_amounts(rule, spell, *_around(step, before), measured=t == 0)


def check_weeks_on(rule: WeeksOn, issued: Issued) -> Iterator[Check]:
    """Ask for a least spend of weeks that are on, and for enough of them."""
    for i in issued.named(rule.lines):
        used = [t for t, cell in enumerate(issued.fen[i]) if cell > 0]
        for t in used:
            yield replace(Spell(issued, i, range(t, t + 1)).limit(rule, ">=", in_fen(rule.least), ONE_FEN), form=True)
        lengths = [(len(used), "weeks on")]
        if rule.in_a_row:
            lengths = [(length, f"run from week {first + 1}") for first, length in _flights(issued, i, rule.weeks)]
        for length, what in lengths:
            line = issued.lines[i].name
            numbers = (Fraction(length), Fraction(rule.weeks), EXACTLY, HALF)
            yield Check(rule.name, rule.kind, f"{line} {what}", ">=", *numbers, line=line, unit="weeks")


def _flights(issued: Issued, i: int, wanted: int) -> Iterator[tuple[int, int]]:
    """First week (negative in history) and length of every run that ends inside the plan; one at its end passes."""
    past = [amount > 0 for amount in issued.lines[i].recent]
    states = [*past, *(cell > 0 for cell in issued.fen[i]), False]
    first: int | None = None
    for t, is_on in enumerate(states):
        if is_on and first is None:
            first = t
        elif not is_on and first is not None:
            begun, ended, first = first, t, None
            if ended >= len(past) and ended < len(states) - 1:
                yield begun - len(past), min(ended - begun, wanted)
