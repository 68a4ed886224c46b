"""The plan under check, and parts of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from operator import index

import numpy as np
import numpy.typing as npt

from optimizer.checks.check import EXACTLY, NEAR, ONE_FEN, Check, Sense, in_fen
from optimizer.constraints import BlendedRoi, Budget, Cardinality, CostCeiling, Mix, Phases, Rule
from optimizer.lines import Line, LineNames

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Issued:
    """The plan under check; ``fen`` is (line, week), ``gmv`` (line, week) in currency."""

    lines: tuple[Line, ...]
    weeks: tuple[date, ...]
    fen: tuple[tuple[int, ...], ...]
    gmv: Floats
    windows: Mapping[str, tuple[int, ...]]
    previous: tuple[Fraction, ...] | None  # line totals of the plan that is replaced, fen
    earned: tuple[Fraction, ...] | None  # expected GMV by line, fen

    @property
    def gained(self) -> tuple[Fraction, ...]:
        """Expected GMV that each line's planned spend adds, fen."""
        if self.earned is None:
            raise ValueError("rules on expected GMV cannot be checked without it")
        return self.earned

    @property
    def spent(self) -> int:
        """Planned spend, fen."""
        return sum(map(sum, self.fen))

    def among(self, rule: Budget | Phases | Mix | Cardinality | BlendedRoi | CostCeiling) -> list[int]:
        """Positions of the lines of a rule's category, group or names; every line when it gives none."""
        if rule.category is not None:
            return [i for i, line in enumerate(self.lines) if line.category == rule.category]
        if rule.group is not None:
            return [i for i, line in enumerate(self.lines) if rule.group in line.groups]
        return list(range(len(self.lines))) if rule.lines is None else self.named(rule.lines)

    def named(self, names: LineNames) -> list[int]:
        """Positions of the lines a rule names; ``all`` stands for those with a response."""
        if names == "all":
            return [i for i, line in enumerate(self.lines) if not line.reserve]
        wanted = {names} if isinstance(names, str) else set(names)
        return [i for i, line in enumerate(self.lines) if {line.name, line.name.split("@")[0]} & wanted]


def issued_plan(
    lines: Sequence[Line],
    weeks: Sequence[date],
    weekly_fen: Sequence[Sequence[int]],
    gmv: Floats,
    windows: Mapping[str, Sequence[int]] | None,
    previous: npt.ArrayLike | None,
    earned: npt.ArrayLike | None,
) -> Issued:
    """The parts that :func:`optimizer.verify.verify` is given, refused where they do not fit each other."""
    fen = tuple(tuple(index(cell) for cell in row) for row in weekly_fen)
    if len(fen) != len(lines) or any(len(row) != len(weeks) for row in fen):
        raise ValueError(f"spend is not {len(lines)} lines by {len(weeks)} weeks")
    if gmv.shape != (len(lines), len(weeks)) or not np.isfinite(gmv).all():
        raise ValueError(f"expected GMV is not {len(lines)} lines by {len(weeks)} weeks of finite numbers")
    if any(len(line.reference) != len(weeks) for line in lines):
        raise ValueError(f"a line's reference is not {len(weeks)} weeks long")
    named = {name: tuple(span) for name, span in (windows or {}).items()}
    before = (
        None if previous is None else tuple(sum(map(in_fen, row), EXACTLY) for row in np.asarray(previous).tolist())
    )
    gains = None if earned is None else tuple(map(in_fen, np.asarray(earned, dtype=np.float64).tolist()))
    return Issued(tuple(lines), tuple(weeks), fen, gmv, named, before, gains)


@dataclass(frozen=True, slots=True)
class Spell:
    """One line in some consecutive weeks of the plan."""

    issued: Issued
    index: int
    span: range

    @property
    def line(self) -> Line:
        """The line."""
        return self.issued.lines[self.index]

    @property
    def week(self) -> date | None:
        """Monday, when there is only one."""
        return self.issued.weeks[self.span[0]] if len(self.span) == 1 else None

    @property
    def subject(self) -> str:
        """What a sentence calls it."""
        return self.line.name if self.week is None else f"{self.line.name} {self.week}"

    @property
    def spent(self) -> Fraction:
        """Planned spend, fen."""
        return Fraction(sum(self.issued.fen[self.index][t] for t in self.span))

    def limit(self, rule: Rule, sense: Sense, limit: Fraction, allowed: Fraction) -> Check:
        """A limit on what is spent, fen."""
        near = nearness(self.issued, len(self.span))
        head = (rule.name, rule.kind, self.subject, sense, self.spent)
        return Check(*head, limit, allowed, near, self.line.name, self.week)


def nearness(issued: Issued, weeks: int) -> Fraction:
    """How near to an amount over some weeks the plan stands at it, fen."""
    return max(ONE_FEN, NEAR * Fraction(issued.spent * weeks, len(issued.weeks)))


def week_before(issued: Issued, i: int, t: int) -> Fraction | None:
    """Spend of the week before, fen; before the plan, of the last week of history, if there is one."""
    if t > 0:
        return Fraction(issued.fen[i][t - 1])
    recent = issued.lines[i].recent
    return in_fen(recent[-1]) if recent.size else None
