"""Lift tests on a market with known truth: what a careful department would measure, error included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.evidence.markets import DRAW, TrueMarket
from mmm.lift import LiftTest

Floats = npt.NDArray[np.float64]

ERRORS = (0.15, 0.25)  # standard error over the true effect


@dataclass(frozen=True, slots=True)
class Experiment:
    """A test as the model sees it, and what it would measure per unit of scale, array (unit, channel)."""

    test: LiftTest
    per_scale: Floats


def experiments(market: TrueMarket) -> tuple[Experiment, ...]:
    """Test a third of the channels once: spend up or down by half for 6 to 10 weeks in which there is spend."""
    rng = np.random.default_rng([list(DRAW).index(market.family), market.seed, 99])
    channels = market.panel.spend.shape[2]
    return tuple(_experiment(market, channel, rng) for channel in range(-(-channels // 3)))


def _experiment(market: TrueMarket, channel: int, rng: np.random.Generator) -> Experiment:
    spend, days = market.panel.spend[:, :, channel], market.panel.weeks
    weeks, factor = int(rng.integers(6, 11)), float(rng.choice([0.5, 1.5]))
    spent = np.convolve(spend.sum(axis=0), np.ones(weeks), "valid")
    first = int(rng.choice(np.flatnonzero(spent >= 0.8 * np.median(spent[spent > 0]))))
    per_scale = np.zeros(market.scale.shape)
    per_scale[:, channel] = market.changed(channel, first, weeks, factor)
    effect = float((per_scale * market.scale).sum())
    error = rng.uniform(*ERRORS) * abs(effect)
    test = LiftTest(
        channel=market.panel.channels[channel],
        start=days[first],
        end=days[first + weeks - 1],
        unit=None,
        spend_change=(factor - 1.0) * float(spent[first]),
        kpi_change=effect + error * rng.standard_normal(),
        kpi_se=error,
    )
    return Experiment(test, per_scale)
