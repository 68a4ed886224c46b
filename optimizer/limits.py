"""Every rule of a plan as limits on its cells and GMV, read from the rule's own rows: what a spreadsheet can check.

New kinds of rule appear here by themselves. A rule whose rows join several 0/1 switches has no formula; it is listed
all the same, and :mod:`optimizer.verify` checks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn

from optimizer.constraints import Rule
from optimizer.decision import Decision, Row, Seen
from optimizer.problem import PlanProblem
from optimizer.program import build_decision
from optimizer.softness import is_soft

Floats = npt.NDArray[np.float64]

BEYOND = 1e99  # a part of no whole
GMV_TOLERANCE = 1e-3  # of a limit on GMV: more than what a sheet's own curves are off


@dataclass(frozen=True, slots=True)
class CellLimit:
    """``least <= part <= most``, or of a ratio ``least <= part / whole <= most``.

    Attributes
    ----------
    rule : Rule
    name : str
        Begins with the rule's name.
    line : int or None
        The line it speaks of, when it is one.
    unit : str
        What value and ends count: "CNY", "share", "roi" or "cost".
    cells : array (line, week)
        What each cell of the plan counts in the part.
    gmv : array (line,)
        What each line's added GMV counts in the part.
    whole : array (line,) or None
        What each line's spend counts in the whole; None where the part is not a ratio's.
    whole_gmv : array (line,) or None
        The same for added GMV.
    least, most : float or None
    soft : bool
        It may be broken, at a price.
    switch : float
        What the rule's 0/1 switch counts in the part, currency; zero without one.
    """

    rule: Rule
    name: str
    line: int | None
    unit: str
    cells: Floats
    gmv: Floats
    whole: Floats | None
    whole_gmv: Floats | None
    least: float | None
    most: float | None
    soft: bool
    switch: float = 0.0

    def value(self, spend: Floats, gmv: Floats) -> float:
        """Part, or part over whole, of a plan (line, week) and its added GMV (line,).

        Of no whole a part of nothing is within its ends, and any other beyond them.
        """
        part = float((self.cells * spend).sum() + self.gmv @ gmv)
        if self.whole is None or self.whole_gmv is None:
            return part
        whole = self.size(spend, gmv)
        if whole > 0:
            return part / whole
        return BEYOND if part > 0 else self.end

    @property
    def end(self) -> float:
        """One of the limit's own ends."""
        return next((end for end in (self.least, self.most) if end is not None), 0.0)

    def size(self, spend: Floats, gmv: Floats) -> float:
        """The whole that a ratio is of; zero where there is none."""
        if self.whole is None or self.whole_gmv is None:
            return 0.0
        return float(self.whole @ spend.sum(axis=1) + self.whole_gmv @ gmv)

    @property
    def on_gmv(self) -> bool:
        """Whether GMV counts in it."""
        return bool(self.gmv.any() or (self.whole_gmv is not None and self.whole_gmv.any()))


@dataclass(frozen=True, slots=True)
class Choice:
    """Limits on one sum that share a switch: all of them hold with it off, or all with it on."""

    limits: tuple[CellLimit, ...]

    def span(self, on: int) -> tuple[float, float]:
        """What the sum may be with the switch off (0) or on (1), currency."""
        low = [limit.least - on * limit.switch for limit in self.limits if limit.least is not None]
        high = [limit.most - on * limit.switch for limit in self.limits if limit.most is not None]
        return float(max(low, default=-np.inf)), float(min(high, default=np.inf))

    def holds(self, spend: Floats, tolerance: float) -> bool:
        """Whether a plan obeys either side."""
        value = float((self.limits[0].cells * spend).sum())
        return any(low - tolerance <= value <= high + tolerance for low, high in map(self.span, (0, 1)))


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """One rule and all that it asks.

    Attributes
    ----------
    rule : Rule
    limits : tuple of CellLimit
    choices : tuple of Choice
    complete : bool
        False when some of its rows join several switches and have no formula.
    """

    rule: Rule
    limits: tuple[CellLimit, ...]
    choices: tuple[Choice, ...]
    complete: bool


def rule_limits(problem: PlanProblem) -> tuple[RuleLimits, ...]:
    """Every rule of the problem with its limits: the total, then the rules as they are written."""
    decision = build_decision(problem)
    _see(decision, problem)
    reader = _Reader.of(decision)
    by_rule: dict[str, list[Row]] = {}
    for row in decision.rows:
        by_rule.setdefault(row.rule.name, []).append(row)
    rules = {row.rule.name: row.rule for row in decision.rows}
    rules |= {rule.name: rule for rule in (*problem.settings.constraints, *problem.settings.rules)}
    return tuple(_read(rule, by_rule.get(name, []), reader) for name, rule in rules.items())


def _see(decision: Decision, problem: PlanProblem) -> None:
    """Add the rows on expected GMV, in currency, as what planned spend adds."""
    names = problem.responding
    decision.model.RESPONSES = pyo.RangeSet(0, names - 1)
    decision.model.SPAN = pyo.RangeSet(0, 0)
    decision.model.theta = pyo.Var(decision.model.RESPONSES, decision.model.SPAN)
    decision.seen = Seen(decision.model.theta, 1.0, np.zeros(names), 1.0, 1)
    for constraint in problem.settings.constraints:
        decision.add(constraint.response_rows(decision))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a row's variables count, in currency."""

    cells: Floats
    gmv: Floats
    constant: float
    switches: dict[int, float]
    known: bool


@dataclass(frozen=True, slots=True)
class _Reader:
    """Positions of the model's variables by identity."""

    decision: Decision
    cells: Mapping[int, tuple[int, int]]
    responses: Mapping[int, int]
    switches: frozenset[int]

    @classmethod
    def of(cls, decision: Decision) -> _Reader:
        """Index a decision's variables."""
        spend: Any = decision.spend
        cells = {id(spend[i, t]): (i, t) for i in range(len(decision.lines)) for t in decision.every_week}
        responses = {id(theta): index for (index, _), theta in decision.model.theta.items()}
        return cls(decision, cells, responses, frozenset(map(id, decision.model.switches.values())))

    def parts(self, row: Row) -> _Parts:
        """Split a row's body; rows on GMV are in currency, the others in the model's unit of money."""
        linear = generate_standard_repn(row.body)
        lines = len(self.decision.lines)
        cells, gmv = np.zeros((lines, len(self.decision.weeks))), np.zeros(lines)
        switches: dict[int, float] = {}
        known = bool(linear.is_linear())
        on_gmv = any(id(variable) in self.responses for variable in linear.linear_vars)
        per_cell, per_row = (1 / self.decision.unit, 1.0) if on_gmv else (1.0, self.decision.unit)
        for variable, factor in zip(linear.linear_vars, linear.linear_coefs, strict=True):
            if (place := self.cells.get(id(variable))) is not None:
                cells[place] = float(factor) * per_cell
            elif (line := self.responses.get(id(variable))) is not None:
                gmv[line] = float(factor)
            elif id(variable) in self.switches:
                switches[id(variable)] = float(factor) * per_row
            else:
                known = False
        return _Parts(cells, gmv, float(linear.constant) * per_row, switches, known)


def _read(rule: Rule, rows: Sequence[Row], reader: _Reader) -> RuleLimits:
    limits: list[CellLimit] = []
    joined: dict[int, list[CellLimit]] = {}
    complete = True
    for row in rows:
        parts = reader.parts(row)
        if not parts.known or len(parts.switches) > 1 or row.unit in {"lines", "weeks"}:
            complete = False
        elif not parts.switches:
            limits.append(_limit(row, parts, reader.decision.unit))
        else:
            ((switch, factor),) = parts.switches.items()
            joined.setdefault(switch, []).append(_amount(row, parts, reader.decision.unit, factor))
    alike = all(np.array_equal(limit.cells, found[0].cells) for found in joined.values() for limit in found)
    # A switch that also stands in a row without a formula is not free.
    complete = complete and alike
    choices = tuple(Choice(tuple(found)) for found in joined.values()) if complete else ()
    return RuleLimits(rule, tuple(limits), choices, complete)


def _limit(row: Row, parts: _Parts, unit: float) -> CellLimit:
    """A limit as its reader knows it: a ratio for shares, ROI and costs, an amount otherwise."""
    given = row.limit_lower if row.limit_lower is not None else row.limit_upper
    if row.shared is None or given is None:
        return _amount(row, parts, unit)
    if row.unit == "roi":
        inside = np.asarray((parts.cells < 0).any(axis=1), dtype=np.float64)
        return _ratio(row, np.zeros_like(parts.cells), parts.gmv, (inside, np.zeros_like(inside)))
    shared, nothing = np.array(row.shared), np.zeros(len(row.shared))
    if row.of_gmv:
        # The row keeps a little inside its limit, so what is left of one or zero is rounded away.
        return _ratio(row, parts.cells, np.rint(parts.gmv + given * shared), (nothing, shared))
    whole = np.broadcast_to((given * shared)[:, None], parts.cells.shape)
    cells = parts.cells + whole
    return _ratio(row, np.where(np.abs(cells) < 1e-12, 0.0, cells), nothing, (shared, nothing))


def _ratio(row: Row, cells: Floats, gmv: Floats, whole: tuple[Floats, Floats]) -> CellLimit:
    ends = (row.limit_lower, row.limit_upper)
    return CellLimit(row.rule, row.name, row.line, row.unit, cells, gmv, *whole, *ends, soft=is_soft(row))


def _amount(row: Row, parts: _Parts, unit: float, switch: float = 0.0) -> CellLimit:
    low, high = (None if end is None else end * unit - parts.constant for end in (row.lower, row.upper))
    place = (row.rule, row.name, row.line, "CNY", parts.cells, parts.gmv)
    return CellLimit(*place, None, None, low, high, soft=is_soft(row), switch=switch)
