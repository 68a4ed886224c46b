"""Checks of what is a yes or no: trials, how many lines are used, one side or the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from optimizer.checks.amounts import between_amounts
from optimizer.checks.check import EXACTLY, HALF, ONE_FEN, Check, Sense, in_fen
from optimizer.checks.issued import Issued, Spell, nearness
from optimizer.constraints import Cardinality, EitherOr, Pilot


def check_pilot(rule: Pilot, issued: Issued) -> Iterator[Check]:
    """Hold a line on trial to its range; an unused one has no least."""
    for i in issued.named(rule.line):
        least = in_fen(rule.min) if any(issued.fen[i]) else None
        spell = Spell(issued, i, range(len(issued.weeks)))
        yield from between_amounts(rule, spell, least, in_fen(rule.max), measured=False)


def check_cardinality(rule: Cardinality, issued: Issued) -> Iterator[Check]:
    """Count the lines that are used; each has at least the spend from which a line counts."""
    horizon = range(len(issued.weeks))
    spans = [horizon] if rule.per == "horizon" else [range(t, t + 1) for t in horizon]
    for span in spans:
        spells = [Spell(issued, i, span) for i in issued.among(rule)]
        used = [spell for spell in spells if spell.spent > 0]
        for spell in used:
            yield replace(spell.limit(rule, ">=", in_fen(rule.active_from), ONE_FEN), form=True)
        ends: tuple[tuple[Sense, int | None], ...] = ((">=", rule.min), ("<=", rule.max))
        for sense, end in ends:
            if end is not None:
                week = issued.weeks[span[0]] if rule.per == "week" else None
                numbers = (Fraction(len(used)), Fraction(end), EXACTLY, HALF)
                yield Check(rule.name, rule.kind, "lines in use", sense, *numbers, week=week, unit="lines")


def check_either_or(rule: EitherOr, issued: Issued) -> Iterator[Check]:
    """Ask for nothing on the smaller side."""
    sides = [sum(sum(issued.fen[i]) for i in issued.named(side)) for side in (rule.either, rule.or_)]
    smaller = Fraction(min(sides))
    yield Check(
        rule.name, rule.kind, "the smaller side", "<=", smaller, in_fen(rule.allow), ONE_FEN, nearness(issued, 1)
    )
