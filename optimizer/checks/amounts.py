"""What many checks share: an amount held between two ends, and the limit with the least room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from optimizer.checks.check import NEAR, ONE_FEN, ROUNDED, Check, Sense, as_written, from_history
from optimizer.checks.issued import Issued, Spell, nearness
from optimizer.constraints import Bounds, Budget, Change, Fixed, Mix, Phases, Pilot


def between_amounts(
    rule: Bounds | Change | Pilot | Fixed, spell: Spell, low: Fraction | None, high: Fraction | None, *, measured: bool
) -> Iterator[Check]:
    """Hold a line's spend between two amounts in fen; ``measured`` when they come from history."""
    ends: tuple[tuple[Sense, Fraction | None], ...] = ((">=", low), ("<=", high))
    for sense, limit in ends:
        if limit is not None:
            yield spell.limit(rule, sense, limit, from_history(limit) if measured else ONE_FEN)


def sum_of_cells(
    rule: Budget | Phases | Mix,
    issued: Issued,
    part: str,
    cells: Sequence[int],
    weeks: int,
    ends: tuple[float | Fraction | None, float | Fraction | None],
    of: str,
    whole: int | None = None,
) -> Iterator[Check]:
    """Hold the sum of some cells between two amounts, or two shares of ``whole`` (absent: of the plan's spend)."""
    low, high = (end if end is None or isinstance(end, Fraction) else as_written(end) for end in ends)
    value, spent = Fraction(sum(cells)), Fraction(issued.spent if whole is None else whole)
    exact = low is not None and low == high
    senses: tuple[tuple[Sense, Fraction | None], ...] = (("==", low),) if exact else ((">=", low), ("<=", high))
    for sense, end in senses:
        if end is None:
            continue
        head = (rule.name, rule.kind, part or "the money", sense, value)
        if of == "share":
            allowed = ONE_FEN if exact else ROUNDED
            yield Check(*head, end * spent, allowed, NEAR * spent, whole=spent, share=end, part=part)
        else:
            yield Check(*head, 100 * end, ONE_FEN, nearness(issued, weeks), part=part)


def both_ends(low: float | None, high: float | None) -> Iterator[tuple[Sense, Fraction]]:
    """Both ends of a range; one where they are equal."""
    if low is not None and low == high:
        yield "==", as_written(low)
        return
    if low is not None:
        yield ">=", as_written(low)
    if high is not None:
        yield "<=", as_written(high)


def tightest(limits: Iterable[Check]) -> Iterator[Check]:
    """Pick the limit that is broken most or, when all hold, has least room."""
    table = list(limits)
    if table:
        yield max(table, key=lambda limit: (limit.broken, limit.excess))
