"""Adstock and saturation, written once: the fitted model and the planner call the same formulas.

Every function takes the array module ``xp`` (``numpy``, or ``pytensor.tensor`` inside the model), so the two
rooms cannot drift apart.

Source: Jin, Wang, Sun, Chan & Koehler (2017), "Bayesian Methods for Media Mix Modeling with Carryover and
Shape Effects", equations 1-4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    return _normalised(retention[..., None] ** np.arange(max_lag + 1))


def delayed_weights(retention: Array, delay: Array, max_lag: int) -> Array:
    """Normalised delayed adstock weights ``retention**((l - delay)**2)``: the effect peaks ``delay`` weeks later.

    Source: Jin et al. (2017), equation 3.
    """
    return _normalised(retention[..., None] ** ((np.arange(max_lag + 1) - delay[..., None]) ** 2))


def binomial_weights(retention: Array, max_lag: int) -> Array:
    """Normalised binomial adstock weights ``(1 - l / (max_lag + 1))**(1 / retention - 1)``.

    The effect fades to nothing in the end.

    Source: Google Meridian, "binomial" decay, which holds a long tail without a very high retention.
    """
    left = 1.0 - np.arange(max_lag + 1) / (max_lag + 1.0)
    return _normalised(left ** (1.0 / retention[..., None] - 1.0))


def weibull_weights(retention: Array, shape: Array, max_lag: int) -> Array:
    """Normalised Weibull adstock weights: the effect still to come after ``l`` weeks is ``retention**(l**shape)``.

    ``shape`` 1 is geometric; above 1 the effect comes later and ends sooner, below 1 it has a long tail.
    """
    ends = np.arange(max_lag + 2, dtype=np.float64)
    to_come = retention[..., None] ** (ends ** shape[..., None])
    return _normalised(to_come[..., :-1] - to_come[..., 1:])


def _normalised(weights: Array) -> Array:
    return weights / weights.sum(axis=-1, keepdims=True)


ADSTOCKS = ("geometric", "delayed", "binomial", "weibull")


def adstock_weights(family: str, retention: Array, delay: Array, max_lag: int) -> Array:
    """Weights of one family; ``delay`` is the delay in weeks, or Weibull's shape, and unused by the others."""
    if family == "delayed":
        return delayed_weights(retention, delay, max_lag)
    if family == "weibull":
        return weibull_weights(retention, delay, max_lag)
    return binomial_weights(retention, max_lag) if family == "binomial" else geometric_weights(retention, max_lag)


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


@dataclass(frozen=True, slots=True)
class Saturation:
    """A family of saturation curves: zero at zero, monotone, one half at the half-saturation stock.

    Attributes
    ----------
    name : str
    free_slope, free_tail : bool
        Whether the family uses a slope, and a tail.
    level : callable (stock, half_saturation, slope, tail, xp) -> array
        Share of the ceiling reached. ``xp`` is ``numpy`` or ``pytensor.tensor``.
    steepness : callable (stock, level, half_saturation, slope, tail) -> array
        Derivative by the stock, from the level there (numpy only; the planner's tangents).
    touch : callable (half_saturation, slope, tail) -> array
        Stock where the chord from the origin touches the curve: its concave hull is linear up to there. Zero where
        the curve is concave, and so its own hull.
    """

    name: str
    free_slope: bool
    free_tail: bool
    level: Callable[..., Array]
    steepness: Callable[..., Floats]
    touch: Callable[..., Floats]


def _log_ratio(stock: Array, half_saturation: Array, xp: ModuleType) -> Array:
    return xp.log(xp.maximum(stock, SMALLEST_STOCK)) - xp.log(half_saturation)


def _hill_level(stock: Array, half_saturation: Array, slope: Array, _tail: Array, xp: ModuleType) -> Array:
    """``r^n / (1 + r^n)`` with ``r = stock / half_saturation``: an S-curve where ``n > 1``."""
    return 1.0 / (1.0 + xp.exp(-slope * _log_ratio(stock, half_saturation, xp)))


def _hill_steepness(stock: Floats, level: Floats, _half: Floats, slope: Floats, _tail: Floats) -> Floats:
    return np.asarray(slope * level * (1.0 - level) / np.maximum(stock, SMALLEST_STOCK))


def _hill_touch(half_saturation: Floats, slope: Floats, _tail: Floats) -> Floats:
    """From ``f(z) = z f'(z)``: ``z = k (n - 1)^(1/n)``."""
    return np.asarray(half_saturation * np.maximum(slope - 1.0, 0.0) ** (1.0 / slope))


def _michaelis_menten_level(
    stock: Array, half_saturation: Array, _slope: Array, _tail: Array, _xp: ModuleType
) -> Array:
    """``r / (1 + r)``: Hill with slope 1."""
    return stock / (stock + half_saturation)


def _michaelis_menten_steepness(
    _stock: Floats, level: Floats, half_saturation: Floats, _slope: Floats, _tail: Floats
) -> Floats:
    return np.asarray((1.0 - level) ** 2 / half_saturation)


HALF_OF_TANH = float(np.arctanh(0.5))


def _tanh_level(stock: Array, half_saturation: Array, _slope: Array, _tail: Array, xp: ModuleType) -> Array:
    """``tanh(a r)``, which is the logistic ``(1 - e^(-2ar)) / (1 + e^(-2ar))``."""
    return xp.tanh(HALF_OF_TANH * stock / half_saturation)


def _tanh_steepness(_stock: Floats, level: Floats, half_saturation: Floats, _slope: Floats, _tail: Floats) -> Floats:
    return np.asarray((1.0 - level**2) * HALF_OF_TANH / half_saturation)


def _power_level(stock: Array, half_saturation: Array, slope: Array, _tail: Array, xp: ModuleType) -> Array:
    """``r^n / 2`` with ``n < 1``: no ceiling, every doubling of spend adds the same share."""
    return 0.5 * xp.exp(slope * _log_ratio(stock, half_saturation, xp))


def _power_steepness(stock: Floats, level: Floats, _half: Floats, slope: Floats, _tail: Floats) -> Floats:
    return np.asarray(slope * level / np.maximum(stock, SMALLEST_STOCK))


def _flexible_level(stock: Array, half_saturation: Array, slope: Array, tail: Array, xp: ModuleType) -> Array:
    """``1 - (1 + c r^n)^(-q)`` with ``c = 2^(1/q) - 1``: Hill at tail ``q = 1``, ``1 - 2^(-r^n)`` as q grows."""
    risen = xp.expm1(np.log(2.0) / tail) * xp.exp(slope * _log_ratio(stock, half_saturation, xp))
    return -xp.expm1(-tail * xp.log1p(risen))


def _flexible_steepness(stock: Floats, level: Floats, _half: Floats, slope: Floats, tail: Floats) -> Floats:
    left = 1.0 - level  # (1 + u)^(-q), so u / (1 + u) = 1 - left^(1/q)
    return np.asarray(slope * tail * left * -np.expm1(np.log(left) / tail) / np.maximum(stock, SMALLEST_STOCK))


def _flexible_touch(half_saturation: Floats, slope: Floats, tail: Floats) -> Floats:
    """The root of ``f(z) = z f'(z)`` in ``log u``, by bisection; zero for slopes up to 1."""
    half, slope, tail = np.broadcast_arrays(half_saturation, slope, tail)
    low, high = np.full(slope.shape, -30.0), np.full(slope.shape, 30.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        risen = np.exp(middle)
        above = -np.expm1(-tail * np.log1p(risen))
        tangent = slope * tail * risen * np.exp(-(tail + 1.0) * np.log1p(risen))
        low, high = np.where(above < tangent, middle, low), np.where(above < tangent, high, middle)
    stock = half * np.exp((high - np.log(np.expm1(np.log(2.0) / tail))) / slope)
    return np.asarray(np.where(slope > 1.0, stock, 0.0))


def _no_touch(half_saturation: Floats, _slope: Floats, _tail: Floats) -> Floats:
    return np.zeros_like(half_saturation)


_MICHAELIS_MENTEN = (False, False, _michaelis_menten_level, _michaelis_menten_steepness, _no_touch)
_TANH = (False, False, _tanh_level, _tanh_steepness, _no_touch)
SATURATIONS: dict[str, Saturation] = {
    "hill": Saturation("hill", True, False, _hill_level, _hill_steepness, _hill_touch),  # noqa: FBT003
    "flexible": Saturation("flexible", True, True, _flexible_level, _flexible_steepness, _flexible_touch),  # noqa: FBT003
    "michaelis_menten": Saturation("michaelis_menten", *_MICHAELIS_MENTEN),
    "logistic": Saturation("logistic", *_TANH),
    "tanh": Saturation("tanh", *_TANH),
    "power": Saturation("power", True, False, _power_level, _power_steepness, _no_touch),  # noqa: FBT003
}
"""Families by name. Stated by their half-saturation stock, ``logistic`` and ``tanh`` are one curve."""
