"""What each rule costs: read off the last linear program of a solved plan."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from optimizer.planner import Optimum
from optimizer.program import Search
from optimizer.verify import Sense

Floats = npt.NDArray[np.float64]
Key = tuple[str, int | None, Sense]

SECONDS = 10.0


def hold_switches(search: Search, values: Floats) -> None:
    """Hold every 0/1 variable at a plan's value, which leaves a linear program with prices."""
    if search.switches.size:
        search.master.set_integer(search.switches, integer=False)
        search.master.set_columns(search.switches, np.rint(values), np.rint(values))


def row_prices(optimum: Optimum) -> Mapping[Key, float]:
    """Change of the objective, in currency, per unit of each rule's limit; of a rule's many rows the dearest.

    Prices are the duals of the last linear program, its switches held at the plan's values.
    """
    search = optimum.search
    hold_switches(search, optimum.columns[search.switches])
    solved = search.master.solve(seconds=SECONDS, gap=0.0)
    if solved.outcome != "optimal":
        return {}
    duals, by_line = search.master.duals(), optimum.spend.sum(axis=1) / search.decision.unit
    prices: dict[Key, float] = {}
    for number, row in enumerate(search.decision.rows):
        price = float(duals[number]) * search.kpi_unit * row.moved_by(by_line)
        for sense in _senses(row.lower, row.upper, price):
            key = (row.rule.name, row.line, sense)
            prices[key] = max(prices.get(key, 0.0), price, key=abs)
    return prices


def _senses(lower: float | None, upper: float | None, price: float) -> tuple[Sense, ...]:
    """The side of a row that its price belongs to: raising a binding ceiling gains, raising a binding floor costs."""
    if lower is not None and lower == upper:
        return ("==",)
    if upper is not None and (lower is None or price > 0):
        return ("<=",)
    return (">=",)
