"""The solver's variables, and the named rows that rules put on them. The one place where Pyomo models are built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo

from optimizer.constraints import Rule
from optimizer.lines import Line

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One linear row of a rule: ``lower <= body <= upper`` in scaled money.

    Attributes
    ----------
    name : str
        Unique, begins with the rule's name.
    rule : Rule
    body : Pyomo expression
    lower, upper : float or None
        Scaled money.
    line : int or None
        The line it speaks of, when it is one.
    limit_lower, limit_upper : float or None
        The limits in the rule's own unit (a share, or currency).
    per_limit : float
        Scaled money that one unit of an amount moves the row by.
    shared : tuple of float or None
        For a share: what one unit of each line's spend counts in the whole that is shared.
    """

    name: str
    rule: Rule
    body: Any
    lower: float | None
    upper: float | None
    line: int | None
    limit_lower: float | None
    limit_upper: float | None
    per_limit: float
    shared: tuple[float, ...] | None = None

    def moved_by(self, by_line: Floats) -> float:
        """Scaled money that one unit of the limit moves the row by, at a plan with scaled line totals (line,)."""
        return self.per_limit if self.shared is None else float(np.dot(self.shared, by_line))


class TotalRule(Rule):
    """The money to divide."""

    kind: str = "total"
    amount: float
    """Currency."""
    exact: bool = True
    """All of it must be spent."""

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One row over every line and week."""
        yield decision.row(
            self.name,
            self,
            pyo.quicksum(decision.spend.values()),
            lower=self.amount if self.exact else None,
            upper=self.amount,
        )


class ReserveRule(Rule):
    """Reserve lines are spread evenly over the weeks, but for those that a rule releases."""

    kind: str = "reserve"
    released: tuple[str, ...] = ()
    """Reserve lines with weeks of their own."""

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Every week like the first."""
        for index, line in enumerate(decision.lines):
            even = line.reserve and line.name not in self.released
            for week in range(1, len(decision.weeks)) if even else ():
                body = decision.spend[index, week] - decision.spend[index, 0]
                name = f"{self.name}: {line.name} {decision.weeks[week]}"
                yield decision.row(name, self, body, lower=0.0, upper=0.0, line=index)


class HeldRule(Rule):
    """Cells that a person has set keep what they were given."""

    kind: str = "held"
    cells: dict[tuple[int, int], int]
    """Fen by line and week."""

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One row a cell."""
        for (index, week), fen in self.cells.items():
            name = f"{self.name}: {decision.lines[index].name} {decision.weeks[week]}"
            amount = fen / 100
            yield decision.row(name, self, decision.spend[index, week], lower=amount, upper=amount, line=index)


class Decision:
    """Spend by line and week as solver variables, money scaled so that cells are about one.

    Parameters
    ----------
    lines : sequence of Line
    weeks : sequence of date
        Mondays.
    total : float
        Currency.
    windows : mapping of str to sequence of int
        Positions of the weeks that touch each calendar peak which a rule names.
    previous : array (line, week), optional
        Currency: the plan that this one replaces.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        weeks: Sequence[date],
        total: float,
        windows: Mapping[str, Sequence[int]] | None = None,
        previous: Floats | None = None,
    ) -> None:
        self.lines = tuple(lines)
        self.weeks = tuple(weeks)
        self.total = total
        self.windows = dict(windows or {})
        self.previous = previous
        self.unit = total / (len(self.lines) * len(self.weeks))
        self.model = pyo.ConcreteModel()
        self.model.LINES = pyo.RangeSet(0, len(self.lines) - 1)
        self.model.WEEKS = pyo.RangeSet(0, len(self.weeks) - 1)
        # No cell can pass the total; the bound keeps every relaxation of the model bounded.
        self.model.spend = pyo.Var(self.model.LINES, self.model.WEEKS, bounds=(0, self.money(total)))
        self.model.switches = pyo.VarList(domain=pyo.Binary)
        self.model.helpers = pyo.VarList(domain=pyo.NonNegativeReals)
        self.model.rows = pyo.ConstraintList()
        self.spend: Any = self.model.spend
        self.rows: list[Row] = []
        self.weak: dict[tuple[str, int], list[Any]] = {}  # rule's name and line to its weak-week switches

    def money(self, amount: float) -> float:
        """Currency in the model's unit."""
        return amount / self.unit

    def switch(self) -> Any:
        """A new 0/1 variable."""
        return self.model.switches.add()

    def helper(self) -> Any:
        """A new variable that is zero or more, in scaled money, free but for the rows it stands in."""
        return self.model.helpers.add()

    def row(
        self,
        name: str,
        rule: Rule,
        body: Any,
        *,
        lower: float | None = None,
        upper: float | None = None,
        line: int | None = None,
    ) -> Row:
        """A row whose limits are currency."""
        scaled = [None if limit is None else self.money(limit) for limit in (lower, upper)]
        return Row(name, rule, body, scaled[0], scaled[1], line, lower, upper, 1.0 / self.unit)

    def share_rows(
        self,
        rule: Rule,
        inside: Sequence[int],
        low: float | None,
        high: float | None,
        weights: Sequence[float] | None = None,
        *,
        line: int | None = None,
    ) -> Iterator[Row]:
        """Rows for the share of some lines in the whole plan; ``weights`` turn money into what is shared."""
        each = [1.0] * len(self.lines) if weights is None else _mean_one(weights)
        sums = [pyo.quicksum(self.spend[i, t] for t in self.model.WEEKS) for i in range(len(self.lines))]
        part = pyo.quicksum(each[i] * sums[i] for i in inside)
        whole = pyo.quicksum(each[i] * sums[i] for i in range(len(self.lines)))
        suffix = "" if line is None else f": {self.lines[line].name}"

        def row(word: str, share: float, lower: float | None, upper: float | None) -> Row:
            limits = (None if lower is None else share, None if upper is None else share)
            name = f"{rule.name}{suffix}{word}"
            return Row(name, rule, part - share * whole, lower, upper, line, *limits, 1.0, tuple(each))

        if low is not None and low == high:
            yield row("", low, 0.0, 0.0)
            return
        if low is not None:
            yield row(" at least", low, 0.0, None)
        if high is not None:
            yield row(" at most", high, None, 0.0)

    def add(self, rows: Iterator[Row]) -> None:
        """Put rows into the model."""
        for row in rows:
            if row.lower is None and row.upper is None:
                continue
            self.model.rows.add((row.lower, row.body, row.upper))
            self.rows.append(row)


def _mean_one(weights: Sequence[float]) -> list[float]:
    """Weights scaled so that the rows keep the size of money."""
    mean = sum(weights) / len(weights)
    return [weight / mean if mean > 0 else weight for weight in weights]
