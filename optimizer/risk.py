"""Aversion to bad outcomes: the mean and the mean of the worst draws together stay concave.

``(1 - w) mean + w CVaR`` is the least value that any admissible weighting of the draws gives to a plan. Each weighting
met gets responses of its own in the program (a block), bounded by its own tangents; the objective is at most every
block's. So the program's answer is a bound, as without risk.

Source: Rockafellar & Uryasev 2000, "Optimization of Conditional Value-at-Risk"; the dual form is theirs too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmm.curves import Hull
from optimizer.cuts import tangent_cuts
from optimizer.solver import Ints

if TYPE_CHECKING:
    from optimizer.program import Search

Floats = npt.NDArray[np.float64]

SAME = 1e-12


def worst_draws(level: float, draws: int) -> int:
    """How many draws a level stands for: at least one."""
    return max(1, round(level * draws))


def worst_mean(totals: Floats, level: float) -> float:
    """Mean of the worst draws."""
    count = worst_draws(level, totals.size)
    return float(np.partition(totals, count - 1)[:count].mean())


@dataclass(frozen=True, slots=True)
class PlanHulls:
    """Concave hulls of every curve's draws between the least and the most a plan can spend, (name, week) currency."""

    low: Floats
    high: Floats
    hulls: tuple[Hull, ...]

    def inside(self, plan: Floats) -> Floats:
        """The nearest plan (week, name) between the ends: tangents taken beyond them would not hold."""
        return np.clip(plan, self.low.T, self.high.T)


@dataclass(slots=True)
class Block:
    """One weighting of the draws, array (draw,) that sums to one, and its columns of response (name, span)."""

    shares: Floats
    theta: Ints


@dataclass(slots=True)
class Risk:
    """Every weighting met so far.

    Attributes
    ----------
    level, weight : float
        Share of the worst draws that count, and how much.
    column : int
        The program's column of the objective before money.
    idle : array (draw,)
        What comes without the plan, or what the plan is compared with, in currency of the objective.
    within : PlanHulls
    """

    level: float
    weight: float
    column: int
    idle: Floats
    within: PlanHulls
    blocks: list[Block] = field(default_factory=list)

    def shares(self, gains: Floats) -> Floats:
        """The weighting that is worst for a plan with these gains, array (draw,)."""
        count = worst_draws(self.level, gains.size)
        shares = np.full(gains.size, (1.0 - self.weight) / gains.size)
        shares[np.argpartition(gains, count - 1)[:count]] += self.weight / count
        return shares

    def value(self, gains: Floats) -> float:
        """Mean and worst mean, weighed."""
        return float(self.shares(gains) @ gains)

    def cut_at(self, search: Search, spend: Floats) -> float:
        """Add the weighting that is worst at a plan and all blocks' tangents there; returns the value on hulls."""
        plan = spend[: search.problem.responding].T
        response, worth = search.problem.response, search.worth.gmv
        gains = response.totals(plan, worth) - self.idle
        self._block(search, self.shares(gains))
        for block in self.blocks:
            _cut(search, block, plan, self.within)
        return self.value(response.totals(plan, worth, hulls=self.within.hulls) - self.idle)

    def _block(self, search: Search, shares: Floats) -> None:
        """Add a weighting, unless it is known, with tangents at the search's starting points."""
        if any(np.abs(block.shares - shares).max() < SAME for block in self.blocks):
            return
        shape = search.theta_columns.shape
        first = search.master.add_free_columns(search.theta_columns.size)
        block = Block(shares, np.arange(first, first + search.theta_columns.size, dtype=np.int32).reshape(shape))
        self.blocks.append(block)
        index = np.concatenate([[self.column], block.theta.ravel()]).astype(np.int32)
        value = np.concatenate([[1.0], -search.worth.gmv.ravel()])
        most = np.array([-float(shares @ self.idle) / search.kpi_unit])
        search.master.add_rows(np.array([-np.inf]), most, np.zeros(1, dtype=np.int32), index, value)
        for plan in search.starts:
            _cut(search, block, plan[: search.problem.responding].T, self.within)


def _cut(search: Search, block: Block, plan: Floats, within: PlanHulls) -> None:
    """Tangents of a block at a plan (week, name)."""
    names, weeks = block.theta.shape
    at = within.inside(plan)
    _, cuts = tangent_cuts(search.problem.response, at, range(names), hulls=within.hulls, shares=block.shares)
    places = (np.repeat(np.arange(names), weeks), np.tile(np.arange(weeks), names))
    constant = np.concatenate([each.constant for each in cuts])
    search.add_rows(*places, constant, np.concatenate([each.slopes for each in cuts]), block.theta)
