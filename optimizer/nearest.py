"""The plan nearest to a given one that obeys every rule: what a review keeps when nothing calls for a new plan."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from optimizer.cuts import CutPool
from optimizer.planner import Infeasible, Optimum
from optimizer.problem import PlanProblem
from optimizer.program import Search, build_search
from optimizer.rounding import round_to_fen

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]

SECONDS = 20.0


def nearest_plan(problem: PlanProblem, wanted: Floats) -> Fen:
    """Move as little money as the rules allow.

    Parameters
    ----------
    problem : PlanProblem
    wanted : array (line, week)
        Currency; need not obey the rules or add up to the total.

    Returns
    -------
    array (line, week) of int
        Fen, with the least sum of absolute differences from ``wanted`` among the plans that obey every rule on spend.

    Raises
    ------
    Infeasible
        No plan can obey all rules.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        search = build_search(problem, CutPool())
        _aim_at(search, wanted)
        solved = search.master.solve(seconds=SECONDS, gap=1e-6)
        if not solved.columns.size:
            raise Infeasible(search)
        spend = search.spend_of(solved.columns)
        mean, _ = search.respond(spend, hull=False)
        worth = search.objective_of(spend, mean)
        return round_to_fen(
            Optimum(spend, worth, worth, worth, 1, solved.columns, timed_out=False, target=0.0, search=search)
        )


def _aim_at(search: Search, wanted: Floats) -> None:
    """Minimise the distance: a column per cell that is at least the difference either way."""
    master, unit = search.master, search.decision.unit
    target = wanted.ravel() / unit
    cells = search.spend_columns.ravel()
    away = np.array([master.add_column(0.0, [], []) for _ in cells], dtype=np.int32)
    ones = np.ones(cells.size)
    for sign in (1.0, -1.0):
        index = np.column_stack([away, cells]).ravel().astype(np.int32)
        value = np.column_stack([ones, sign * ones]).ravel()
        starts = np.arange(0, index.size, 2, dtype=np.int32)
        master.add_rows(sign * target, np.full(cells.size, np.inf), starts, index, value)
    master.set_costs(away, -ones)
