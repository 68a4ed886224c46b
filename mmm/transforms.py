"""Adstock and saturation, written once: the fitted model and the planner call the same formulas.

Every function takes the array module ``xp`` (``numpy``, or ``pytensor.tensor`` inside the model), so the two
rooms cannot drift apart.

Source: Jin, Wang, Sun, Chan & Koehler (2017), "Bayesian Methods for Media Mix Modeling with Carryover and
Shape Effects", equations 1-4.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

Array = Any  # numpy.ndarray or a PyTensor variable
Floats = npt.NDArray[np.float64]

SMALLEST_STOCK = 1e-12  # keeps log(stock) finite; Hill there is below 1e-6 for slopes of 0.5 and more


def geometric_weights(retention: Array, max_lag: int) -> Array:
    """Normalised geometric adstock weights ``w[l] = retention**l / sum``.

    Parameters
    ----------
    retention : array (...)
        Share of the effect kept from one week to the next, in (0, 1).
    max_lag : int
        Last lag in weeks that still counts; there are ``max_lag + 1`` weights.

    Returns
    -------
    array (..., max_lag + 1)
        Weights that sum to one, lag 0 first.
    """
    powers = retention[..., None] ** np.arange(max_lag + 1)
    return powers / powers.sum(axis=-1, keepdims=True)


def half_life_weeks(weights: Floats) -> Floats:
    """Weeks until half of the effect has arrived, interpolated between lags.

    Parameters
    ----------
    weights : array (..., lag)
        Normalised adstock weights.

    Returns
    -------
    array (...)
        Half-life in weeks; 0.5 means half of the effect falls within the first half week.
    """
    arrived = np.cumsum(weights, axis=-1)
    week = np.argmax(arrived >= 0.5, axis=-1)
    after = np.take_along_axis(arrived, week[..., None], axis=-1)[..., 0]
    within = np.take_along_axis(weights, week[..., None], axis=-1)[..., 0]
    return np.asarray(week + 1 - (after - 0.5) / within, dtype=np.float64)


def lagged(spend: Floats, max_lag: int, before: Floats) -> Floats:
    """Stack each week's own and earlier spend, so that adstock is one product.

    Parameters
    ----------
    spend : array (..., week, channel)
        Spend per week.
    max_lag : int
        Lags to stack.
    before : array (..., max_lag, channel)
        Spend of the ``max_lag`` weeks before the first one, oldest first.

    Returns
    -------
    array (..., week, channel, max_lag + 1)
        Lag 0 first.
    """
    padded = np.concatenate([before, spend], axis=-2)
    weeks = spend.shape[-2]
    lags = [padded[..., max_lag - lag : max_lag - lag + weeks, :] for lag in range(max_lag + 1)]
    return np.stack(lags, axis=-1)


def hill(stock: Array, half_saturation: Array, slope: Array, xp: ModuleType) -> Array:
    """Hill saturation ``stock^n / (stock^n + k^n)``: zero at zero, monotone, an S-curve where ``n > 1``.

    Parameters
    ----------
    stock : array
        Adstocked spend, in units of the channel's reference spend.
    half_saturation : array
        Stock ``k`` at which half of the ceiling is reached.
    slope : array
        Exponent ``n``; concave everywhere for ``n <= 1``.
    xp : module
        ``numpy`` or ``pytensor.tensor``.

    Returns
    -------
    array
        Share of the ceiling reached, in [0, 1).
    """
    log_ratio = xp.log(xp.maximum(stock, SMALLEST_STOCK)) - xp.log(half_saturation)
    return 1.0 / (1.0 + xp.exp(-slope * log_ratio))


def hill_slope_at(stock: Floats, level: Floats, slope: Floats) -> Floats:
    """Derivative of :func:`hill` by the stock, from its ``level`` there (numpy only; the planner's tangents)."""
    return np.asarray(slope * level * (1.0 - level) / np.maximum(stock, SMALLEST_STOCK))


def hill_hull_point(half_saturation: Floats, slope: Floats) -> Floats:
    """Stock where the chord from the origin touches the Hill curve: its concave hull is linear up to there.

    Zero for ``slope <= 1`` (the curve is its own hull). From ``f(z) = z f'(z)``: ``z = k (n - 1)^(1/n)``.
    """
    return np.asarray(half_saturation * np.maximum(slope - 1.0, 0.0) ** (1.0 / slope))
