"""Fits many markets with few compilations: one compiled model per shape, given each market's data."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.evidence.markets import PLAN_WEEKS, TrueMarket
from benchmarks.evidence.scoring import MULTIPLES
from mmm.calendar import intensity, week_range
from mmm.curves import ResponseCurves
from mmm.extract import contribution_draws, extract_curves
from mmm.media import parameter_shapes
from mmm.model import MediaModel, build_model, graph_data, prepare
from mmm.sampler import compile_model, diagnose, import_sampler, sample
from mmm.settings import ChannelSettings, ModelSettings

Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Workshop:
    """Compiled models by shape.

    Attributes
    ----------
    settings : ModelSettings
    seconds : float
        Spent compiling so far.
    """

    settings: ModelSettings
    seconds: float = 0.0
    compiled: dict[str, Any] = field(default_factory=dict)

    def sampled(self, model: MediaModel) -> Any:
        """Posterior trace of a model, compiled anew only where its shape is new."""
        data = graph_data(model)
        ranks = sorted((name, value.ndim) for name, value in data.items())
        key = repr((sorted(parameter_shapes(model.form).items()), model.prior.group.tolist(), model.max_lag, ranks))
        if key not in self.compiled:
            began = time.perf_counter()
            import_sampler()
            self.compiled[key] = compile_model(build_model(model))
            self.seconds += time.perf_counter() - began
        return sample(self.compiled[key].with_data(**data), self.settings)


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


def refit(market: TrueMarket, workshop: Workshop) -> Refit:
    """Fit a market with the model's defaults."""
    settings, panel = workshop.settings, market.panel
    channels = {name: ChannelSettings() for name in panel.channels}
    model = prepare(panel, channels, market.calendar, (), settings)
    before, began = workshop.seconds, time.perf_counter()
    trace = workshop.sampled(model)
    seconds = time.perf_counter() - began - (workshop.seconds - before)
    z = {name: _stacked(trace, name) for name in parameter_shapes(model.form)}
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


def _stacked(trace: Any, name: str) -> Floats:
    values = np.asarray(trace.posterior[name].values, dtype=np.float64)
    return values.reshape(-1, *values.shape[2:])


def believed_worth(market: TrueMarket, curves: ResponseCurves, draws: int = 1000) -> Floats:
    """What the fit says each line adds at multiples of its base, array (draw, multiple, line)."""
    base = market.base.reshape(-1)
    weeks = week_range(market.panel.weeks[-1], PLAN_WEEKS + curves.max_lag + 1)[1:]
    thin = curves.thinned(draws)
    window = thin.over(weeks[:PLAN_WEEKS], intensity(market.calendar, weeks), base)
    spends = (np.tile(multiple * base, (PLAN_WEEKS, 1)) for multiple in MULTIPLES)
    return np.stack([window.incremental(spend) for spend in spends], axis=1)
