"""Fits a market as a user would, and asks the fit what each line would add."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.evidence.markets import PLAN_WEEKS, TrueMarket
from benchmarks.evidence.scoring import MULTIPLES
from mmm.calendar import intensity, week_range
from mmm.curves import ResponseCurves
from mmm.extract import contribution_draws, extract_curves
from mmm.lift import LiftTest
from mmm.model import prepare
from mmm.refit import CompiledModels, stacked
from mmm.sampler import diagnose
from mmm.settings import ChannelSettings, ModelSettings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Refit:
    """What a study needs of a fit.

    Attributes
    ----------
    roi : array (draw, channel)
        Of all weeks and units.
    media : array (draw,)
        Total media contribution, currency.
    curves : ResponseCurves
    diagnostics : dict
    seconds : float
        Sampling only.
    """

    roi: Floats
    media: Floats
    curves: ResponseCurves
    diagnostics: dict[str, Any]
    seconds: float


def refit(
    market: TrueMarket, compiled: CompiledModels, settings: ModelSettings, lift_tests: Sequence[LiftTest] = ()
) -> Refit:
    """Fit a market with the model's defaults."""
    panel = market.panel
    channels = {name: ChannelSettings() for name in panel.channels}
    model = prepare(panel, channels, market.calendar, (), settings, lift_tests)
    before, began = compiled.seconds, time.perf_counter()
    model, trace = compiled.settled(model, settings)
    seconds = time.perf_counter() - began - (compiled.seconds - before)
    z = stacked(trace, model)
    parameters, contribution = contribution_draws(z, model)
    curves = extract_curves(
        parameters, contribution, model, panel, channels, currency="CNY", fingerprint="", seed=settings.seed
    )
    money = np.einsum("nutc,u->nc", contribution, model.kpi_mean * model.value_per_kpi)
    return Refit(
        roi=money / panel.spend.sum(axis=(0, 1)),
        media=money.sum(axis=1),
        curves=curves,
        diagnostics=diagnose(trace, parameters, settings),
        seconds=seconds,
    )


def believed_worth(market: TrueMarket, curves: ResponseCurves, draws: int = 1000) -> Floats:
    """What the fit says each line adds at multiples of its base, array (draw, multiple, line)."""
    base = market.base.reshape(-1)
    weeks = week_range(market.panel.weeks[-1], PLAN_WEEKS + curves.max_lag + 1)[1:]
    thin = curves.thinned(draws)
    window = thin.over(weeks[:PLAN_WEEKS], intensity(market.calendar, weeks), base)
    spends = (np.tile(multiple * base, (PLAN_WEEKS, 1)) for multiple in MULTIPLES)
    return np.stack([window.incremental(spend) for spend in spends], axis=1)
