"""Every rule of a plan as linear limits on its cells, read from the rule's own rows: what a spreadsheet can check.

New kinds of rule appear here by themselves. A rule whose rows join several 0/1 switches has no formula; it is listed
all the same, and :mod:`optimizer.verify` checks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pyomo.repn import generate_standard_repn

from optimizer.constraints import Rule
from optimizer.decision import Decision, Row
from optimizer.problem import Rulebook
from optimizer.program import build_decision

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Limit:
    """``lower <= sum(cells * spend) + switch * (0 or 1) <= upper``, in currency.

    Attributes
    ----------
    rule : Rule
    name : str
        Begins with the rule's name.
    line : int or None
        The line it speaks of, when it is one.
    cells : array (line, week)
        What each cell of the plan counts.
    lower, upper : float or None
    switch : float
        What the switch counts, currency; zero without one.
    share, whole : float or None, array (line,) or None
        For a share: the limit as a share, and what one unit of each line's spend counts in the whole.
    """

    rule: Rule
    name: str
    line: int | None
    cells: Floats
    lower: float | None
    upper: float | None
    switch: float = 0.0
    share: float | None = None
    whole: Floats | None = None

    def value(self, spend: Floats) -> float:
        """The sum over a plan (line, week), currency."""
        return float((self.cells * spend).sum())

    def holds(self, spend: Floats, tolerance: float, on: int = 0) -> bool:
        """Whether a plan obeys it, the switch off or on."""
        value = self.value(spend) + on * self.switch
        low = self.lower is None or value >= self.lower - tolerance
        return low and (self.upper is None or value <= self.upper + tolerance)


@dataclass(frozen=True, slots=True)
class Choice:
    """Limits that share one switch: all of them hold with it off, or all with it on."""

    limits: tuple[Limit, ...]

    def holds(self, spend: Floats, tolerance: float) -> bool:
        """Whether a plan obeys either side."""
        return any(all(limit.holds(spend, tolerance, on) for limit in self.limits) for on in (0, 1))


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """One rule and all that it asks.

    Attributes
    ----------
    rule : Rule
    limits : tuple of Limit
    choices : tuple of Choice
    complete : bool
        False when some of its rows join several switches, or more than money, and have no formula.
    """

    rule: Rule
    limits: tuple[Limit, ...]
    choices: tuple[Choice, ...]
    complete: bool


def rule_limits(problem: Rulebook) -> tuple[RuleLimits, ...]:
    """Every rule of the problem with its limits, in the order in which the rules are written."""
    decision = build_decision(problem)
    reader = _reader(decision)
    by_rule: dict[str, list[Row]] = {}
    for row in decision.rows:
        by_rule.setdefault(row.rule.name, []).append(row)
    rules = {row.rule.name: row.rule for row in decision.rows}
    rules |= {rule.name: rule for rule in (*problem.settings.constraints, *problem.settings.rules)}
    return tuple(_read(rule, by_rule.get(name, []), reader) for name, rule in rules.items())


@dataclass(frozen=True, slots=True)
class _Reader:
    """Positions of the model's variables by identity."""

    decision: Decision
    cells: Mapping[int, tuple[int, int]]
    switches: frozenset[int]

    def split(self, row: Row) -> tuple[Floats, float, dict[int, float], bool]:
        """Cells in currency per currency, constant, switches and whether that is all of the row."""
        linear = generate_standard_repn(row.body)
        cells = np.zeros((len(self.decision.lines), len(self.decision.weeks)))
        switches: dict[int, float] = {}
        known = linear.is_linear()
        for variable, factor in zip(linear.linear_vars, linear.linear_coefs, strict=True):
            if (place := self.cells.get(id(variable))) is not None:
                cells[place] = float(factor)
            elif id(variable) in self.switches:
                switches[id(variable)] = float(factor) * self.decision.unit
            else:
                known = False
        return cells, float(linear.constant) * self.decision.unit, switches, known


def _reader(decision: Decision) -> _Reader:
    spend: Any = decision.spend
    cells = {id(spend[i, t]): (i, t) for i in range(len(decision.lines)) for t in range(len(decision.weeks))}
    return _Reader(decision, cells, frozenset(id(switch) for switch in decision.model.switches.values()))


def _read(rule: Rule, rows: Sequence[Row], reader: _Reader) -> RuleLimits:
    limits: list[Limit] = []
    joined: dict[int, list[Limit]] = {}
    complete = True
    for row in rows:
        cells, constant, switches, known = reader.split(row)
        if not known or len(switches) > 1:
            complete = False
            continue
        if not switches:
            limits.append(_limit(row, cells, constant, reader.decision.unit))
            continue
        ((switch, factor),) = switches.items()
        joined.setdefault(switch, []).append(_limit(row, cells, constant, reader.decision.unit, factor))
    # A switch that also stands in a row without a formula is not free.
    choices = tuple(Choice(tuple(found)) for found in joined.values()) if complete else ()
    return RuleLimits(rule, tuple(limits), choices, complete)


def _limit(row: Row, cells: Floats, constant: float, unit: float, switch: float = 0.0) -> Limit:
    lower, upper = (None if end is None else end * unit - constant for end in (row.lower, row.upper))
    given = [limit for limit in (row.limit_lower, row.limit_upper) if limit is not None]
    share = float(given[0]) if row.shared is not None and given else None
    whole = None if row.shared is None else np.array(row.shared)
    return Limit(row.rule, row.name, row.line, cells, lower, upper, switch, share, whole)


def broken_rules(rules: Iterable[RuleLimits], spend: Floats, tolerance: float) -> dict[str, int]:
    """Number of broken limits by rule's name, for a plan (line, week) in currency."""
    return {
        each.rule.name: sum(not limit.holds(spend, tolerance) for limit in each.limits)
        + sum(not choice.holds(spend, tolerance) for choice in each.choices)
        for each in rules
    }
