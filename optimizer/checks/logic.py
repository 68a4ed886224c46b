"""Checks of the logic rules: cuts and recovery, reserves, top-ups, how much money moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import assert_never

from optimizer.checks.amounts import tightest
from optimizer.checks.check import EXACTLY, FUZZ, NEAR, ONE_FEN, Check, as_written, from_history, in_fen
from optimizer.checks.issued import Issued, Spell, week_before
from optimizer.lines import Line
from optimizer.rules import LogicRule, MoveCap, Recovery, ReserveRelease, StrongRoiTopUp, WeakRoiCut


def check_logic(rule: LogicRule, rules: Sequence[LogicRule], issued: Issued) -> Iterator[Check]:
    """Check one logic rule."""
    match rule:
        case WeakRoiCut():
            yield from _cut(rule, rule, 1, issued)
        case Recovery():
            for cut in rules:
                if isinstance(cut, WeakRoiCut) and cut.name == rule.after:
                    yield from _cut(rule, cut, rule.weeks, issued)
        case ReserveRelease():
            yield from _release(rule, issued)
        case StrongRoiTopUp():
            yield from _held(rule, issued)
        case MoveCap():
            yield from _moved(rule, issued)
        case _:
            assert_never(rule)


def _release(rule: ReserveRelease, issued: Issued) -> Iterator[Check]:
    """Ask for nothing outside the window and for even weeks inside it; a form, so it never binds."""
    window = issued.windows.get(rule.window or "", ())
    for i in issued.named(rule.line) if window else ():
        line, row = issued.lines[i], issued.fen[i]
        outside = Fraction(sum(cell for t, cell in enumerate(row) if t not in window))
        inside = [row[t] for t in window]
        spread, head = Fraction(max(inside) - min(inside)), (rule.name, rule.kind)
        yield Check(
            *head, f"{line.name} outside {rule.window}", "<=", outside, EXACTLY, EXACTLY, EXACTLY, line=line.name
        )
        subject = f"{line.name} in {rule.window}, largest less smallest week,"
        yield Check(*head, subject, "<=", spread, ONE_FEN, EXACTLY, EXACTLY, line=line.name)


def _held(rule: StrongRoiTopUp, issued: Issued) -> Iterator[Check]:
    """Ask the reserve line that is named to hold the top-up in the window and after."""
    window = issued.windows.get(rule.window, ())
    for i in issued.named(rule.reserve) if rule.reserve and window else ():
        spell = Spell(issued, i, range(min(window), len(issued.weeks)))
        yield spell.limit(rule, ">=", in_fen(rule.add), ONE_FEN)


def _moved(rule: MoveCap, issued: Issued) -> Iterator[Check]:
    """Hold what lines gain on the replaced plan to the cap; each line may be off by a fen."""
    if issued.previous is None:
        return
    totals = [Fraction(sum(row)) for row in issued.fen]
    gained = sum((max(now - old, EXACTLY) for now, old in zip(totals, issued.previous, strict=True)), EXACTLY)
    whole, share = sum(issued.previous, EXACTLY), as_written(rule.max)
    near, of = NEAR * whole, "the replaced plan"
    numbers = (gained, share * whole, ONE_FEN * len(totals), near)
    yield Check(rule.name, rule.kind, "money that moves", "<=", *numbers, whole=whole, share=share, of=of)


def _cut(rule: WeakRoiCut | Recovery, cut: WeakRoiCut, hold: int, issued: Issued) -> Iterator[Check]:
    """Check the cuts line by line; without a response there is no ROI, so reserve lines are passed over."""
    for i in issued.named(cut.lines):
        if not issued.lines[i].reserve:
            yield from tightest(_cut_weeks(rule, cut, hold, issued, i))


def _cut_weeks(rule: WeakRoiCut | Recovery, cut: WeakRoiCut, hold: int, issued: Issued, i: int) -> Iterator[Check]:
    """Limit the weeks that follow enough weak weeks in a row, those of history included."""
    line, run = issued.lines[i], issued.lines[i].weak_weeks
    for t, spent in enumerate(issued.fen[i]):
        before = week_before(issued, i, t)
        for later in range(t, min(t + hold, len(issued.weeks))):
            if run >= cut.weeks and before is not None:
                limit = (1 - as_written(cut.cut)) * before
                allowed = from_history(limit) if t == 0 else ONE_FEN
                why = f" after {run} weak {'week' if run == 1 else 'weeks in a row'}"
                yield replace(Spell(issued, i, range(later, later + 1)).limit(rule, "<=", limit, allowed), why=why)
        run = run + 1 if _weak(cut, line, spent, issued.gmv[i, t]) else 0


def _weak(rule: WeakRoiCut, line: Line, spent: int, gmv: float) -> bool:
    """Whether modelled ROI is below the line's threshold; a week without spend has no ROI."""
    threshold = as_written(line.weak_roi or rule.roi_below)
    if rule.roi == "attributed" and line.attributed_ratio:
        threshold /= as_written(line.attributed_ratio)
    return spent > 0 and in_fen(gmv) < threshold * spent * (1 - FUZZ)
