"""What soft rules cost: the slacks in the program, and the same cost of any plan that is held against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.constraints import Limit
from optimizer.decision import Decision, Row
from optimizer.solver import Ints, Master

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Softness:
    """The rows that may be violated, and their prices.

    Attributes
    ----------
    columns : array (slack,) of int
        Columns of the slacks.
    costs : array (slack,)
        Currency of the objective for a unit of each.
    size : int
        Number of columns.
    numbers : tuple of int
        The soft rows, by their place in the program.
    weights : array (row, column)
        Them without their slacks.
    lower, upper : array (row,)
    prices : array (row,)
        Currency of the objective for a unit of each row's violation.
    """

    columns: Ints
    costs: Floats
    size: int
    numbers: tuple[int, ...]
    weights: Floats
    lower: Floats
    upper: Floats
    prices: Floats

    @classmethod
    def of(cls, decision: Decision, master: Master) -> Softness:
        """Read the soft rows of a program."""
        slacks = master.columns_of(decision.model.slacks.values())
        soft = [(n, row) for n, row in enumerate(decision.rows) if is_soft(row)] if slacks.size else []
        weights = np.zeros((len(soft), master.columns))
        starts, index, value = master.matrix() if soft else (np.zeros(1), np.zeros(0, dtype=np.int32), np.zeros(0))
        for place, (number, _) in enumerate(soft):
            entries = slice(int(starts[number]), int(starts[number + 1]))
            weights[place, index[entries]] = value[entries]
        weights[:, slacks] = 0.0
        lower, upper = master.bounds() if soft else (np.zeros(0), np.zeros(0))
        numbers = [number for number, _ in soft]
        prices = np.array([price(row) / row.step for _, row in soft])
        costs, ends = np.array(decision.slack_costs), (lower[numbers], upper[numbers])
        return cls(slacks, costs, master.columns, tuple(numbers), weights, *ends, prices)

    def penalty(self, columns: Floats) -> float:
        """What the violations at a plan's columns cost, currency of the objective."""
        return float(self.prices @ self.beyond(columns))

    def beyond(self, columns: Floats) -> Floats:
        """How far each soft row is violated at a plan's columns, array (row,), in the rows' own scale."""
        at = self.weights @ columns
        return np.maximum(np.maximum(self.lower - at, at - self.upper), 0.0)


def is_soft(row: Row) -> bool:
    """Whether a row may be violated."""
    return isinstance(row.rule, Limit) and row.rule.soft is not None and not row.link


def price(row: Row) -> float:
    """Price of one unit of a soft row's violation."""
    return row.rule.soft.price if isinstance(row.rule, Limit) and row.rule.soft is not None else 0.0
