"""The solver's variables, and the named rows that rules put on them. The one place where Pyomo models are built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo

from optimizer.constraints import Limit, Rule, Soft
from optimizer.lines import Line

Floats = npt.NDArray[np.float64]
Unit = Literal["CNY", "share", "roi", "cost", "lines", "weeks"]
Cells = Iterable[tuple[int, int]]  # lines and weeks
IsOn = Callable[[Floats], bool]

MARGIN = 2e-5  # rows on expected GMV keep this far inside their limit, so that neither tangents nor fen can break them


@dataclass(frozen=True, slots=True)
class Seen:
    """The response as rows see it.

    Attributes
    ----------
    theta : Pyomo variable (name, span)
        Expected GMV in units of ``kpi_unit``, what history carries over and later spend earns included.
    kpi_unit : float
        Currency.
    carried : array (name,)
        Expected GMV without any planned spend, currency.
    usual : float
        Expected GMV that the total adds when it is divided like last year, currency.
    span : int
        Weeks of the plan and of its carry-over tail.
    """

    theta: Any
    kpi_unit: float
    carried: Floats
    usual: float
    span: int

    def gained(self, line: int) -> Any:
        """Expected GMV that a line's planned spend adds, in units of ``kpi_unit``; nothing for reserve lines."""
        if line >= self.carried.size:
            return 0.0
        whole = pyo.quicksum(self.theta[line, week] for week in range(self.span))
        return whole - float(self.carried[line]) / self.kpi_unit


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
        What one unit of the limit moves the row by.
    shared : tuple of float or None
        For a limit per unit of something (a share, an ROI, a cost): how much of it one unit of each line's spend, or
        of its expected GMV when ``of_gmv``, makes.
    unit : str
        What the rule's own number counts: "CNY", "share", "roi", "cost", "lines" or "weeks".
    step : float
        What one unit of violation moves the row by; units are those of :class:`optimizer.constraints.Soft`.
    part : str
        Which of the rule's own limits it is, where it has several: a phase, a month, a line of a mix.
    link : bool
        The row ties a switch to spend: it never gives way, not even in a soft rule.
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
    of_gmv: bool = False
    unit: Unit = "CNY"
    step: float = 1.0
    part: str = ""
    link: bool = False

    def moved_by(self, by_line: Floats, earned: Floats | None = None) -> float:
        """What one unit of the limit moves the row by, at a plan.

        Parameters
        ----------
        by_line : array (line,)
            Scaled line totals.
        earned : array (line,), optional
            Expected GMV that each line's planned spend adds, scaled; needed by rows on GMV.
        """
        if self.shared is None:
            return self.per_limit
        if self.of_gmv and earned is None:
            raise ValueError(f"{self.name} is a row on GMV")
        return float(np.dot(self.shared, earned if self.of_gmv and earned is not None else by_line))


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
                yield decision.link(name, self, body, lower=0.0, upper=0.0, line=index)


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
        for line in lines:
            _refuse_non_finite(line)
        if not np.isfinite(total) or (previous is not None and not np.isfinite(previous).all()):
            raise ValueError("the total or the plan that is replaced holds a number that is not finite")
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
        self.model.nothing = pyo.Var(bounds=(0, 0))
        self.model.slacks = pyo.VarList(domain=pyo.NonNegativeReals)
        self.model.helpers = pyo.VarList(domain=pyo.NonNegativeReals)
        self.model.rows = pyo.ConstraintList()
        self.spend: Any = self.model.spend
        every = [[self.spend[i, t] for t in self.every_week] for i in range(len(self.lines))]
        self.line_totals = [pyo.quicksum(spends) for spends in every]
        self.rows: list[Row] = []
        self.seen: Seen | None = None  # the response, once there is one
        self.is_on: list[IsOn | None] = []  # by switch
        self.slack_costs: list[float] = []  # by slack: currency of the objective for a unit of it
        self.weak: dict[tuple[str, int], list[Any]] = {}  # rule's name and line to its weak-week switches

    def money(self, amount: float) -> float:
        """Currency in the model's unit."""
        return amount / self.unit

    def switch(self, is_on: IsOn | None = None) -> Any:
        """A new 0/1 variable; ``is_on`` tells its value from a plan (line, week), where soft rules need that."""
        self.is_on.append(is_on)
        return self.model.switches.add()

    def paid(self, cells: Cells) -> Any:
        """Spend of some cells, scaled money; a variable that is zero where there are none."""
        spends = [self.spend[cell] for cell in cells]
        return pyo.quicksum(spends) if spends else self.model.nothing

    @property
    def every_week(self) -> range:
        """Positions of the weeks."""
        return range(len(self.weeks))

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
        part: str = "",
    ) -> Row:
        """A row whose limits are currency."""
        scaled = [None if limit is None else self.money(limit) for limit in (lower, upper)]
        per_unit = 1.0 / self.unit
        return Row(name, rule, body, scaled[0], scaled[1], line, lower, upper, per_unit, step=per_unit, part=part)

    def link(
        self,
        name: str,
        rule: Rule,
        body: Any,
        *,
        lower: float | None = None,
        upper: float | None = None,
        line: int | None = None,
    ) -> Row:
        """A row that ties a switch to spend; its limits are scaled money."""
        return Row(name, rule, body, lower, upper, line, None, None, 1.0 / self.unit, link=True)

    def count(
        self,
        name: str,
        rule: Rule,
        body: Any,
        *,
        lower: float | None = None,
        upper: float | None = None,
        line: int | None = None,
        part: str = "",
    ) -> Row:
        """A row that counts switches."""
        unit: Unit = "weeks" if rule.kind == "weeks_on" else "lines"
        return Row(name, rule, body, lower, upper, line, lower, upper, 1.0, unit=unit, part=part)

    def cell_shares(
        self,
        name: str,
        rule: Rule,
        part: Sequence[tuple[int, int]],
        low: float | None,
        high: float | None,
        *,
        whole: Sequence[int] | None = None,
        part_name: str = "",
    ) -> Iterator[Row]:
        """Rows for the share of some cells in the spend of the lines ``whole``, absent: of the whole plan."""
        lines = range(len(self.lines)) if whole is None else whole
        shared = tuple(float(line in set(lines)) for line in range(len(self.lines)))
        sums = self.paid(part), self.paid((line, week) for line in lines for week in self.every_week)
        for row in self._share(name, rule, sums, (low, high), shared, step=0.01 * self._usual(shared)):
            yield replace(row, part=part_name)

    def gmv_share_rows(self, rule: Rule, inside: Sequence[int], low: float | None, high: float | None) -> Iterator[Row]:
        """Rows for the share of some lines in the expected GMV that planned spend adds."""
        seen = self._see()
        every = range(len(self.lines))
        sums = pyo.quicksum(seen.gained(i) for i in inside), pyo.quicksum(seen.gained(i) for i in every)
        shared, step = (1.0,) * len(self.lines), 0.01 * max(seen.usual, seen.kpi_unit) / seen.kpi_unit
        for end in ((low, None), (None, high)):
            inner = tuple(None if s is None else s * (1 + m) for s, m in zip(end, (MARGIN, -MARGIN), strict=True))
            for row in self._share(rule.name, rule, sums, (inner[0], inner[1]), shared, step=step):
                yield replace(row, of_gmv=True, limit_lower=end[0], limit_upper=end[1])

    def roi_row(self, rule: Rule, inside: Sequence[int], least: float) -> Row:
        """A row that keeps the ROI of some lines together at or above a least one."""
        seen = self._see()
        scale = self.unit / seen.kpi_unit
        paid = self.paid((line, week) for line in inside for week in self.every_week)
        gained = pyo.quicksum(seen.gained(line) for line in inside)
        shared = tuple(scale * (line in set(inside)) for line in range(len(self.lines)))
        body = gained - least * (1 + MARGIN) * scale * paid
        step = 0.1 * self._usual(shared)
        return Row(rule.name, rule, body, 0.0, None, None, least, None, 1.0, shared, unit="roi", step=step)

    def cost_row(self, rule: Rule, rates: Mapping[int, float], most: float) -> Row:
        """A row that keeps the cost of one (visit, acquisition) at or below a most; ``rates`` per unit of spend."""
        body = pyo.quicksum(
            (1 - most * rate) * self.spend[line, week] for line, rate in rates.items() for week in self.every_week
        )
        shared = tuple(rates.get(line, 0.0) for line in range(len(self.lines)))
        step = self._usual(shared)
        return Row(rule.name, rule, body, None, 0.0, None, None, most, 1.0, shared, unit="cost", step=step)

    def _usual(self, weights: Sequence[float]) -> float:
        """What the total, divided like last year, makes of something, by how much a unit of each line's spend makes."""
        usual = float(past_shares(self.lines) @ np.asarray(weights)) * self.money(self.total)
        # Of lines without a past nothing is usual; an even division stands in.
        return usual or max(float(np.mean(weights)), 1e-9) * self.money(self.total)

    def _see(self) -> Seen:
        if self.seen is None:
            raise ValueError("rows on expected GMV need a response")
        return self.seen

    def _share(
        self,
        name: str,
        rule: Rule,
        sums: tuple[Any, Any],
        ends: tuple[float | None, float | None],
        shared: tuple[float, ...],
        *,
        step: float,
        line: int | None = None,
    ) -> Iterator[Row]:
        """Rows for a part of a whole: one where both ends are equal, else one for each end."""
        (part, whole), (low, high) = sums, ends

        def row(word: str, share: float, lower: float | None, upper: float | None) -> Row:
            limits = (None if lower is None else share, None if upper is None else share)
            body = part - share * whole
            return Row(f"{name}{word}", rule, body, lower, upper, line, *limits, 1.0, shared, unit="share", step=step)

        if low is not None and low == high:
            yield row("", low, 0.0, 0.0)
            return
        if low is not None:
            yield row(" at least", low, 0.0, None)
        if high is not None:
            yield row(" at most", high, None, 0.0)

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
        sums = [weight * total for weight, total in zip(each, self.line_totals, strict=True)]
        part, whole = pyo.quicksum(sums[i] for i in inside), pyo.quicksum(sums)
        name = rule.name if line is None else f"{rule.name}: {self.lines[line].name}"
        step = 0.01 * self._usual(each)
        yield from self._share(name, rule, (part, whole), (low, high), tuple(each), step=step, line=line)

    def add(self, rows: Iterator[Row]) -> None:
        """Put rows into the model."""
        for row in rows:
            if row.lower is None and row.upper is None:
                continue
            soft = row.rule.soft if isinstance(row.rule, Limit) and not row.link else None
            body = row.body if soft is None else self._softened(row, soft)
            self.model.rows.add((row.lower, body, row.upper))
            self.rows.append(row)

    def _softened(self, row: Row, soft: Soft) -> Any:
        """The row's body with a slack for each end, at the rule's price."""
        body = row.body
        for sign, end in ((1.0, row.lower), (-1.0, row.upper)):
            if end is not None:
                body = body + sign * self.model.slacks.add()
                self.slack_costs.append(soft.price / row.step)
        return body


def past_shares(lines: Sequence[Line]) -> Floats:
    """Share of each line in last year's spend, array (line,); even where no line has a past."""
    past = np.array([float(line.reference.sum()) for line in lines])
    return past / past.sum() if past.sum() > 0 else np.full(len(past), 1 / len(past))


def _refuse_non_finite(line: Line) -> None:
    """A NaN among a row's coefficients would reach the solver as a row without them."""
    numbers = [*line.reference, *line.recent, line.average]
    rates = (line.visits_per_cny, line.acquisitions_per_cny, line.attributed_ratio, line.weak_roi)
    if not np.isfinite([*numbers, *(rate for rate in rates if rate is not None)]).all():
        raise ValueError(f"line {line.name} holds a number that is not finite")


def _mean_one(weights: Sequence[float]) -> list[float]:
    """Weights scaled so that the rows keep the size of money."""
    mean = sum(weights) / len(weights)
    return [weight / mean if mean > 0 else weight for weight in weights]
