"""What the fitted model says of the weeks it has seen: expected and replicated KPI, and how well they fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.baseline import baseline_draws
from mmm.model import MediaModel

Floats = npt.NDArray[np.float64]

QUARTER_WEEKS = 13


@dataclass(frozen=True, slots=True)
class Predicted:
    """Posterior prediction of the weeks seen.

    Attributes
    ----------
    fitted, replicated : array (draw, unit, week)
        Expected and replicated scaled KPI.
    p_value : float
        Share of draws whose replicated residual spread is above the real one.
    p_negative : float
        Share of draws whose baseline, over all units, is negative in some quarter.
    """

    fitted: Floats
    replicated: Floats
    p_value: float
    p_negative: float


def predict(model: MediaModel, parameters: Mapping[str, Any], contribution: Floats, seed: int) -> Predicted:
    """Baseline draws back in, replicated data out."""
    rng = np.random.default_rng([seed, 11])
    media = contribution.sum(axis=3)
    sigma = parameters["sigma"]
    walk = np.broadcast_to(parameters["walk"], sigma.shape)
    base = baseline_draws(model.baseline, model.scaled_kpi - media, sigma, walk, rng)
    baseline = np.sum(list(base.values()), axis=0)
    fitted = baseline + media
    white = rng.standard_normal(fitted.shape)
    noise = sigma[..., None] * model.noise.drawn(white)
    # What the real residuals would be as independent noise, so that spread is held against spread.
    real = (model.noise.whitened(model.scaled_kpi - fitted) ** 2).mean(axis=(1, 2))
    return Predicted(
        fitted=fitted,
        replicated=fitted + noise,
        p_value=float((((sigma[..., None] * white) ** 2).mean(axis=(1, 2)) > real).mean()),
        p_negative=negative_quarter(baseline, model),
    )


def negative_quarter(baseline: Floats, model: MediaModel) -> float:
    """Probability that the baseline of all units together has a negative quarter: media credited with more than all."""
    together = np.tensordot(baseline, model.kpi_mean * model.value_per_kpi, axes=(1, 0))
    quarters = np.lib.stride_tricks.sliding_window_view(together, QUARTER_WEEKS, axis=1).mean(axis=2)
    return float((quarters.min(axis=1) < 0).mean())


def fit_quality(model: MediaModel, predicted: Predicted) -> dict[str, float]:
    """R2, MAPE, coverage of the 90% interval and Durbin-Watson, over all units and weeks."""
    real, expected = model.scaled_kpi, predicted.fitted.mean(axis=0)
    residual = real - expected
    white = model.noise.whitened(residual[None])[0]
    centred = real - real.mean(axis=1, keepdims=True)
    low, high = np.quantile(predicted.replicated, [0.05, 0.95], axis=0)
    nonzero = real != 0
    return {
        "r2": float(1 - (residual**2).sum() / (centred**2).sum()),
        "mape": float(np.abs(residual[nonzero] / real[nonzero]).mean()),
        "coverage90": float(((real >= low) & (real <= high)).mean()),
        "durbin_watson": float((np.diff(white, axis=1) ** 2).sum() / (white**2).sum()),
    }
