"""Simulated quarters with known truth: what a policy is tried on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mmm.curves import ResponseCurves
from optimizer.problem import PlanProblem

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Curves:
    """Response curves of a batch, one set a draw: arrays (draw, name[, lag or span])."""

    source: ResponseCurves
    draws: Ints
    scale: Floats

    @classmethod
    def of(cls, problem: PlanProblem, draws: Ints) -> Curves:
        """These draws of the problem's curves; ``scale`` (draw, name, span) is currency at full saturation."""
        curves = problem.response.curves
        peak = np.exp(curves.kappa[draws][:, :, None] * problem.response.intensity)
        return cls(curves, draws, curves.ceiling[draws][:, :, None] * peak)

    def carry(self, name: int, lags: Floats) -> Floats:
        """Adstocked spend over reference: lags (..., lag) against every draw's weights (draw, lag)."""
        return np.asarray(lags @ self.source.weights[self.draws, name].T / self.source.reference[name])

    def level(self, name: int, stock: Floats) -> Floats:
        """Share of full saturation, draws on the last axis."""
        family, shape = self.source.family(name)
        of_draw = [part[self.draws, 0] for part in shape]
        return np.asarray(family.level(stock, of_draw[0], of_draw[1], of_draw[2], np))


@dataclass(frozen=True, slots=True)
class Quarters:
    """A batch of simulated quarters: one truth each.

    Attributes
    ----------
    problem : PlanProblem
    plan : array (week, name)
        Currency, the issued plan of the lines with a response: shape, categories and limits come from it.
    start : array (week, name)
        Currency, the lab's own division of the same money, with which all policies begin.
    truth, belief : Curves
        A draw a quarter; the draws that a re-plan reckons with.
    effect : array (quarter, name, span)
        Shocks and surges as multipliers.
    claimed : array (quarter, name, week)
        Attributed over true GMV of each week; ``claim`` (quarter, name) is the same without the weekly noise.
    """

    problem: PlanProblem
    plan: Floats
    start: Floats
    truth: Curves
    belief: Curves
    effect: Floats
    claimed: Floats
    claim: Floats

    @property
    def count(self) -> int:
        """Number of quarters."""
        return int(self.claim.shape[0])

    @property
    def weeks(self) -> int:
        """Weeks of a quarter."""
        return int(self.plan.shape[0])

    def lags(self, spend: Floats) -> Floats:
        """Spend by lag, array (quarter, name, span, lag), from spend (quarter, week, name)."""
        window = self.problem.response
        depth = window.curves.max_lag
        before = np.broadcast_to(window.carry_in, (len(spend), *window.carry_in.shape))
        after = np.broadcast_to(self.plan.mean(axis=0), (len(spend), depth, spend.shape[2]))
        whole = np.concatenate([before, spend, after], axis=1)
        seen = np.lib.stride_tricks.sliding_window_view(whole, depth + 1, axis=1)
        return np.asarray(seen[..., ::-1].transpose(0, 2, 1, 3))

    def true_gmv(self, spend: Floats) -> Floats:
        """True GMV of every week and line, array (quarter, name, span)."""
        lags = self.lags(spend)
        rows = np.arange(self.count)
        found = np.empty(lags.shape[:3])
        for name in range(lags.shape[1]):
            weights = self.truth.source.weights[self.truth.draws, name]
            stock = np.einsum("nsl,nl->sn", lags[:, name], weights) / self.truth.source.reference[name]
            found[:, name] = self.truth.level(name, stock).T * self.truth.scale[rows, name]
        return np.asarray(found * self.effect)

    def earned(self, spend: Floats) -> Floats:
        """True GMV that the quarter's spend adds, array (quarter,)."""
        nothing = np.zeros_like(spend)
        return np.asarray((self.true_gmv(spend) - self.true_gmv(nothing)).sum(axis=(1, 2)))

    def subset(self, rows: Ints) -> Quarters:
        """Some of the quarters."""
        truth = replace(self.truth, draws=self.truth.draws[rows], scale=self.truth.scale[rows])
        return replace(self, truth=truth, effect=self.effect[rows], claimed=self.claimed[rows], claim=self.claim[rows])
