"""What a rule costs and how far each line could move: read off the last linear program of a solved plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from optimizer.planner import Optimum, Search, build_search
from optimizer.verify import Sense

Floats = npt.NDArray[np.float64]
Key = tuple[str, int | None, Sense]

NEAR_OPTIMAL = 0.99
THIN_DRAWS = 200
STEPS_BACK = 12
REFINEMENTS = 3
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


def near_optimal_ranges(optimum: Optimum) -> list[tuple[float, float]]:
    """Least and most spend of every line among plans within 1% of the best, in currency.

    Found on fewer draws and with one tangent per line instead of one per week, which is enough for a range. Each end is
    a plan that exists: the linear program proposes it, tangents are added where it promised too much, and what is left
    is drawn back towards the best plan until its response is within 1%. So the range is an inner one.
    """
    best, search = optimum.spend, _small_search(optimum)
    least = _worth(search, best) - (1 - NEAR_OPTIMAL) * abs(_worth(search, best))
    columns, costs = search.objective_costs()
    kept = costs != 0
    floor = np.array([(least + search.carried) / search.kpi_unit])
    search.master.add_rows(floor, np.array([np.inf]), np.zeros(1, np.int32), columns[kept], costs[kept])
    ranges = []
    for line in range(best.shape[0]):
        ends = [float(best[line].sum())]
        search.master.set_costs(search.spend_columns[line], np.ones(best.shape[1]))
        ends.extend(float(_extreme(search, best, least, maximise=most)[line].sum()) for most in (False, True))
        ranges.append((min(ends), max(ends)))
    return ranges


def _small_search(optimum: Optimum) -> Search:
    """The same rules on fewer draws, switches held; the full program where the weak-ROI logic needs its weeks."""
    search = optimum.search
    if search.has_logic:
        return search
    problem = replace(search.problem, response=search.problem.response.thinned(THIN_DRAWS))
    small = build_search(problem, by_week=False)
    small.cut_at(optimum.spend)
    hold_switches(small, optimum.columns[search.switches])
    return small


def _worth(search: Search, spend: Floats) -> float:
    """The objective on the search's own draws."""
    response = search.problem.response
    return search.objective_of(spend, response.mean(spend[: search.problem.responding].T))


def _extreme(search: Search, best: Floats, least: float, *, maximise: bool) -> Floats:
    """A plan far from ``best`` in the direction of the solver's costs, and worth at least ``least``."""
    far = best
    # With logic in it the program is large: one proposal must do.
    for _ in range(1 if search.has_logic else REFINEMENTS):
        solved = search.master.solve(seconds=SECONDS, gap=1e-4, maximise=maximise)
        if not solved.columns.size:
            return best
        far = search.spend_of(solved.columns)
        if _worth(search, far) >= least:
            return far
        search.cut_at(far)
    step = 1.0
    for _ in range(STEPS_BACK):
        step *= 0.85
        here = best + step * (far - best)
        if _worth(search, here) >= least:
            return here
    return best
