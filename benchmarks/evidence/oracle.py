"""The information limit: an observer who knows every shape and learns only scales, by exact Bayes.

It knows each channel's carry-over, saturation and peaks, how noise and wandering of the baseline are correlated, and
the very prior the market's scales and noise were drawn from. It must learn the scales, the noise level, and the
baseline through the model's own columns, which are marginalised (where these cannot hold the baseline, its course is
given too: a limit may not be biased). What it cannot know, no model can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import ndtr

from benchmarks.evidence.experiments import Experiment
from benchmarks.evidence.markets import NOISE, ROI_SPREAD, SHARE, UNIT_SPREAD, TrueMarket
from mmm.baseline import Baseline, rotate

Floats = npt.NDArray[np.float64]

COURSE_SD = 100.0  # prior sd of the known course's columns, in units of the noise: wide
CHAINS, BURN, KEPT = 100, 40, 20


@dataclass(frozen=True, slots=True)
class Oracle:
    """What the oracle sees, whitened and rotated.

    Attributes
    ----------
    kpi : array (unit, week)
        Scaled KPI.
    shapes : array (unit, week, channel)
        Known effects, of mean one before the rotation.
    wander : array (unit, week)
        Variance of the baseline's random part in each rotated week.
    spend_weight : array (unit, channel)
        Spend, any unit.
    size : array (unit,)
        Mean KPI over all units' sum of means.
    gauge : array (test, unit, channel)
        What lift tests would measure, over their standard errors, of each contribution over the unit's mean KPI.
    measured : array (test,)
        What they measured, over their standard errors.
    """

    kpi: Floats
    shapes: Floats
    wander: Floats
    spend_weight: Floats
    size: Floats
    gauge: Floats
    measured: Floats

    @property
    def dims(self) -> int:
        """Number of standard normals: share, spread, noise level, and each channel (of each unit)."""
        units, channels = self.spend_weight.shape
        return 3 + channels + (units * channels if units > 1 else 0)

    def parameters(self, z: Floats) -> tuple[Floats, Floats]:
        """Contribution over the unit's mean KPI (draw, unit, channel) and noise (draw,), from z (draw, dim)."""
        units, channels = self.spend_weight.shape
        share = SHARE[0] + (SHARE[1] - SHARE[0]) * ndtr(z[:, 0])
        spread = ROI_SPREAD[0] + (ROI_SPREAD[1] - ROI_SPREAD[0]) * ndtr(z[:, 1])
        noise = NOISE[0] * (NOISE[1] / NOISE[0]) ** ndtr(z[:, 2])
        log_worth = (spread[:, None] * z[:, 3 : 3 + channels])[:, None, :]
        if units > 1:
            log_worth = log_worth + UNIT_SPREAD * z[:, 3 + channels :].reshape(-1, units, channels)
        worth = np.exp(log_worth) * self.spend_weight
        part = worth / worth.sum(axis=(1, 2), keepdims=True)
        return share[:, None, None] * part / self.size[:, None], noise

    def log_density(self, z: Floats) -> Floats:
        """Log posterior, up to a constant, array (draw,)."""
        level, noise = self.parameters(z)
        media = np.einsum("nuc,utc->nut", level, self.shapes)
        variance = noise[:, None, None] ** 2 + self.wander
        surprise = (self.kpi - media) ** 2 / variance + np.log(variance)
        off = self.measured - np.einsum("nuc,kuc->nk", level, self.gauge)
        return np.asarray(-0.5 * (surprise.sum(axis=(1, 2)) + (z**2).sum(axis=1) + (off**2).sum(axis=1)))


def see(market: TrueMarket, baseline: Baseline, experiments: Sequence[Experiment] = ()) -> Oracle:
    """Give the oracle the market's data and shapes, the model's baseline columns, and what experiments measured."""
    kpi = market.panel.kpi / market.panel.kpi.mean(axis=1, keepdims=True)
    mean = market.shapes().mean(axis=1)
    shapes = market.shapes() / mean[:, None]
    turned = [_turn(market, baseline, unit) for unit in range(len(kpi))]
    turn = np.stack([rotation for rotation, _ in turned])
    total = market.panel.kpi.mean(axis=1)
    return Oracle(
        kpi=np.einsum("uij,uj->ui", turn, kpi),
        shapes=np.einsum("uij,ujc->uic", turn, shapes),
        wander=np.stack([wander for _, wander in turned]),
        spend_weight=market.panel.spend.sum(axis=1),
        size=total / total.sum(),
        gauge=np.reshape([e.per_scale / e.test.kpi_se * total[:, None] / mean for e in experiments], (-1, *mean.shape)),
        measured=np.array([e.test.kpi_change / e.test.kpi_se for e in experiments]),
    )


def _turn(market: TrueMarket, baseline: Baseline, unit: int) -> tuple[Floats, Floats]:
    """Rotation (week, week) that makes noise and wandering independent without the columns; the latter's variance."""
    white, course = market.whitener[unit], market.course
    columns = np.concatenate([baseline.fixed[unit], course], axis=1)
    sds = np.concatenate([baseline.fixed_sd, np.full(course.shape[1], COURSE_SD)])
    rotation, wander = rotate(white @ columns, sds, white @ market.wander[unit])
    return rotation @ white, wander


def scale_draws(oracle: Oracle, market: TrueMarket, seed: int = 1) -> Floats:
    """Posterior draws of every line's scale, currency per week at level one: array (draw, unit, channel)."""
    level, _ = oracle.parameters(sample(oracle, seed))
    mean_kpi = market.panel.kpi.mean(axis=1)[:, None]
    return np.asarray(level * mean_kpi / market.shapes().mean(axis=1))


def sample(oracle: Oracle, seed: int = 1) -> Floats:
    """Posterior draws of the standard normals, array (draw, dim).

    Elliptical slice sampling around the Laplace approximation, many chains at once: exact, and without tuning.

    Source: Murray, Adams & MacKay 2010, "Elliptical slice sampling"; Nishihara, Murray & Adams 2014 (any normal base).
    """
    rng = np.random.default_rng([seed, 5])
    mode, root = _laplace(oracle)
    y = rng.standard_normal((CHAINS, oracle.dims))
    kept = []
    for step in range(BURN + KEPT):
        y = _slice(oracle, y, mode, root, rng)
        if step >= BURN:
            kept.append(mode + y @ root.T)
    return np.concatenate(kept)


def _slice(oracle: Oracle, y: Floats, mode: Floats, root: Floats, rng: np.random.Generator) -> Floats:
    """One elliptical slice update of every chain."""

    def ratio(at: Floats) -> Floats:
        return oracle.log_density(mode + at @ root.T) + 0.5 * np.asarray((at**2).sum(axis=1))

    other = rng.standard_normal(y.shape)
    level = ratio(y) - rng.exponential(size=len(y))
    angle = rng.uniform(0, 2 * np.pi, len(y))
    low, high = angle - 2 * np.pi, angle.copy()
    found, open_ = y.copy(), np.arange(len(y))
    while open_.size:
        turn = angle[open_, None]
        trial = y[open_] * np.cos(turn) + other[open_] * np.sin(turn)
        inside = ratio(trial) > level[open_]
        found[open_[inside]] = trial[inside]
        open_ = open_[~inside]
        low[open_] = np.where(angle[open_] < 0, angle[open_], low[open_])
        high[open_] = np.where(angle[open_] < 0, high[open_], angle[open_])
        angle[open_] = rng.uniform(low[open_], high[open_])
    return found


def _laplace(oracle: Oracle) -> tuple[Floats, Floats]:
    """Mode, and a root of the covariance (a little wider than the curvature says)."""
    dims, step = oracle.dims, 1e-4
    nudges = step * np.eye(dims)

    def slope(z: Floats) -> Floats:
        ahead, behind = np.split(oracle.log_density(np.concatenate([z + nudges, z - nudges])), 2)
        return np.asarray((behind - ahead) / (2 * step))

    at = minimize(lambda z: -float(oracle.log_density(z[None])[0]), np.zeros(dims), jac=slope, method="BFGS").x
    wide = 1e-3 * np.eye(dims)
    curve = np.stack([(slope(at + row) - slope(at - row)) / 2e-3 for row in wide])
    values, vectors = np.linalg.eigh(0.5 * (curve + curve.T))
    return at, vectors * (1.1 / np.sqrt(np.maximum(values, 0.2)))
