"""What each rule costs: read off the last linear program of a solved plan."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from optimizer.constraints import Limit
from optimizer.decision import Row
from optimizer.plan import ConstraintReport
from optimizer.planner import Optimum
from optimizer.problem import PlanProblem
from optimizer.program import Search
from optimizer.returns import expected_gain
from optimizer.verify import Finding, Sense

Floats = npt.NDArray[np.float64]
Key = tuple[str, int | None, Sense, str]  # rule, line, sense, and the part of a rule that has several limits

SECONDS = 10.0
COUNTS = ("lines", "weeks")

# What a price is told for: how much of the limit's own unit, and its name. Units of violation of soft rules are these.
TOLD = {
    "share": (0.01, "one percentage point"),
    "roi": (0.1, "0.1 of the ROI"),
    "lines": (1.0, "one line"),
    "weeks": (1.0, "one week"),
}


def hold_switches(search: Search, values: Floats) -> None:
    """Hold every 0/1 variable at a plan's value, which leaves a linear program with prices."""
    if search.switches.size:
        search.master.set_integer(search.switches, integer=False)
        search.master.set_columns(search.switches, np.rint(values), np.rint(values))


def row_prices(optimum: Optimum) -> Mapping[Key, float]:
    """Change of the objective, in currency, per unit of each rule's limit; of a rule's many rows the dearest.

    Prices are the duals of the last linear program, its switches held at the plan's values. Hard limits on a count
    have none there; :mod:`optimizer.jumps` finds theirs.
    """
    search = optimum.search
    search.drop_parts()
    hold_switches(search, optimum.columns[search.switches])
    solved = search.master.solve(seconds=SECONDS, gap=0.0)
    if solved.outcome != "optimal":
        return {}
    duals, by_line = search.master.duals(), optimum.spend.sum(axis=1) / search.decision.unit
    earned = expected_gain(search.problem, optimum.spend) / search.kpi_unit
    prices: dict[Key, float] = {}
    for number, row in enumerate(search.decision.rows):
        if row.link or _counts(row):
            continue
        price = float(duals[number]) * search.kpi_unit * row.moved_by(by_line, earned)
        for sense in _senses(row.lower, row.upper, price):
            key = (row.rule.name, row.line, sense, row.part)
            prices[key] = max(prices.get(key, 0.0), price, key=abs)
    return prices


def _counts(row: Row) -> bool:
    """Whether a row counts switches and may not give way."""
    return row.unit in COUNTS and not (isinstance(row.rule, Limit) and row.rule.soft)


def _senses(lower: float | None, upper: float | None, price: float) -> tuple[Sense, ...]:
    """The side of a row that its price belongs to: raising a binding ceiling gains, raising a binding floor costs."""
    if lower is not None and lower == upper:
        return ("==",)
    if upper is not None and (lower is None or price > 0):
        return ("<=",)
    return (">=",)


def limit_report(problem: PlanProblem, finding: Finding, prices: Mapping[Key, float] | None) -> ConstraintReport:
    """One limit as the plan leaves it, with its price where the plan was solved for."""
    names = [line.name for line in problem.lines]
    index = None if finding.line is None else names.index(finding.line)
    step, told = TOLD.get(finding.unit, (1.0, f"one {problem.currency}"))
    price = None
    if prices is not None:
        unknown = None if finding.unit in COUNTS and not finding.soft else 0.0
        each = prices.get((finding.name, index, finding.sense, finding.part), unknown) if finding.binding else 0.0
        price = None if each is None else step * each
    return ConstraintReport(
        name=finding.name,
        kind=finding.kind,
        line=finding.line,
        sense=finding.sense,
        value=finding.value,
        limit=finding.limit,
        unit=problem.currency if finding.unit == "CNY" else finding.unit,
        binding=finding.binding,
        price=price,
        price_unit=told,
        part=finding.part,
        soft=finding.soft,
        violation=finding.violation,
    )
