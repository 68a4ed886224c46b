"""From solver numbers to whole fen: every limit kept, the total exact.

Each cell is rounded down and the fen left over are handed out by a small integer program: the nearest whole-fen plan
that obeys every row. It works on what is left after rounding down, so its numbers are a few fen and exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from mmm.problems import BudgetError
from optimizer.constraints import Bounds, Budget, Change, Fixed, Phases
from optimizer.decision import Row
from optimizer.planner import Optimum
from optimizer.solver import bare_highs

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]

AMOUNTS = (Bounds, Budget, Change, Fixed, Phases)  # rules whose limits need not be whole fen
PART = 0.999  # limits that are not whole fen give way by less than one
NUDGES = ((0, 1), (-2, 3), (-50, 51))  # how far a cell may move from its rounded-down value, tried in turn


@dataclass(frozen=True, slots=True)
class SpendRow:
    """A row over spend: ``lower <= weights @ spend[cells] + helped @ helpers <= upper``, cells by line, then week.

    Limits are scaled money; helpers are variables of the rows' own, counted from zero.
    """

    row: Row
    cells: Ints
    weights: Floats
    lower: float
    upper: float
    helpers: Ints
    helped: Floats


def round_to_fen(optimum: Optimum) -> Fen:
    """Find the nearest plan in whole fen that obeys every row of the business rules, its switches as they stand.

    Parameters
    ----------
    optimum : Optimum
        The plan with its solved program.

    Returns
    -------
    array (line, week) of int
        Fen.

    Raises
    ------
    BudgetError
        When no whole-fen plan near this one obeys every rule.
    """
    fen = np.floor(optimum.spend * 100 + 1e-6)
    for low, high in NUDGES:
        moved = _nudge(optimum, fen, low, high)
        if moved is not None:
            return (fen + moved).astype(np.int64)
    raise BudgetError("the plan cannot be rounded to whole fen within its rules; widen a rule by one fen")


def proportional_fen(wanted: Floats, total_fen: int) -> Fen:
    """Whole fen in proportion to what is wanted, evenly where nothing is, with this total (largest remainders)."""
    flat = wanted.ravel() if wanted.sum() > 0 else np.ones(wanted.size)
    exact = flat * (total_fen / flat.sum())
    fen = np.floor(exact).astype(np.int64)
    fen[np.argsort(fen - exact, kind="stable")[: total_fen - int(fen.sum())]] += 1
    return np.asarray(fen.reshape(wanted.shape))


def _nudge(optimum: Optimum, fen: Floats, low: int, high: int) -> Floats | None:
    """Whole-fen moves between ``low`` and ``high`` that make every row hold; None when there are none."""
    highs = bare_highs(seconds=10.0)
    count = fen.size
    part = (optimum.spend * 100 - fen).ravel()
    floor = np.maximum(low, -fen.ravel())
    # Reserve lines are spread evenly: their cells may differ by one fen and no more.
    lines = optimum.search.problem.lines
    reserve = np.repeat([line.reserve for line in lines], fen.shape[1])
    floor, ceiling = np.where(reserve, 0.0, floor), np.where(reserve, 1.0, float(high))
    highs.addVars(count, floor, ceiling)
    cells = np.arange(count, dtype=np.int32)
    highs.changeColsCost(count, cells, 1.0 - 2.0 * part)
    highs.changeColsIntegrality(count, cells, np.full(count, int(highspy.HighsVarType.kInteger), dtype=np.uint8))
    helpers = len(optimum.search.decision.model.helpers)
    highs.addVars(helpers, np.zeros(helpers), np.full(helpers, np.inf))
    for index, value, lower, upper in residual_rows(optimum, fen):
        highs.addRow(lower, upper, len(index), index, value)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    moves = np.array(highs.getSolution().col_value)[:count]
    return np.asarray(np.rint(moves).reshape(fen.shape), dtype=np.float64)


def spend_rows(optimum: Optimum) -> Iterator[SpendRow]:
    """Every row of the business rules without response, the switches held at the plan's values."""
    search = optimum.search
    starts, index, value = search.master.matrix()
    lower, upper = search.master.bounds()
    cell_of = {int(column): cell for cell, column in enumerate(search.spend_columns.ravel())}
    helper_of = {int(c): n for n, c in enumerate(search.master.columns_of(search.decision.model.helpers.values()))}
    held = {int(column): float(round(optimum.columns[column])) for column in search.switches}
    violated = _violations(optimum)
    slacks = set(search.softness.columns.tolist())
    for number, row in enumerate(search.decision.rows):
        entries = slice(starts[number], starts[number + 1])
        columns, weights = index[entries].tolist(), value[entries]
        if not (cell_of.keys() | held.keys() | helper_of.keys() | slacks) >= set(columns):
            continue
        moved = sum(weight * held[column] for column, weight in zip(columns, weights, strict=True) if column in held)
        cells, of_spend = _numbered(columns, weights, cell_of)
        helpers, helped = _numbered(columns, weights, helper_of)
        beyond = violated.get(number, 0.0)
        low, high = lower[number] - moved - beyond, upper[number] - moved + beyond
        yield SpendRow(row, cells, of_spend, low, high, helpers, helped)


def _violations(optimum: Optimum) -> dict[int, float]:
    """How far the plan is beyond each soft row, by the row's number."""
    search = optimum.search
    if not search.softness.numbers:
        return {}
    mean = search.problem.response.mean(optimum.spend[: search.problem.responding].T)
    beyond = search.softness.beyond(search.columns_at(optimum.spend, mean))
    return dict(zip(search.softness.numbers, beyond.tolist(), strict=True))


def _numbered(columns: Sequence[int], weights: Floats, number_of: Mapping[int, int]) -> tuple[Ints, Floats]:
    """The entries of a row that stand on some kind of variable, by that kind's own numbers."""
    inside = np.array([column in number_of for column in columns], dtype=np.bool_)
    return np.array([number_of[column] for column in columns if column in number_of], dtype=np.int32), weights[inside]


def residual_rows(optimum: Optimum, fen: Floats) -> list[tuple[Ints, Floats, float, float]]:
    """Every row over spend, with what is left of its limits in fen after the rounded-down plan."""
    unit, flat = optimum.search.decision.unit * 100, fen.ravel()
    found = []
    for each in spend_rows(optimum):
        if _asks_for_even_weeks(each.row):
            continue
        used = float(each.weights @ flat[each.cells])
        limits = _eased(each.row, each.lower * unit - used, each.upper * unit - used)
        index = np.concatenate([each.cells, (each.helpers + flat.size).astype(np.int32)])
        found.append((index, np.concatenate([each.weights, each.helped]), *limits))
    return found


def _asks_for_even_weeks(row: Row) -> bool:
    """Even weeks may differ by a fen, which the bounds on reserve lines' moves see to."""
    return row.rule.kind == "reserve" or (row.rule.kind == "release" and row.lower is not None)


def _eased(row: Row, lower: float, upper: float) -> tuple[float, float]:
    """Loosen limits by a part of a fen, where whole fen cannot meet them; where they can, less than one is none."""
    if row.rule.kind == "total":
        return round(lower) if np.isfinite(lower) else lower, round(upper)
    give = PART if (row.unit == "CNY" and isinstance(row.rule, AMOUNTS)) or lower == upper else 1e-6
    return lower - give, upper + give
