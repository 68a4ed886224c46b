"""From the sampled standard normals to what media do: one set of formulas for the graph and for the draws.

Every function takes the array module ``xp``: ``numpy`` with leading draw axes, or ``pytensor.tensor`` inside the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from mmm.priors import (
    DELAY_WEEKS,
    GROUP_SPREAD,
    HALF_SATURATION,
    KAPPA_MEAN,
    KAPPA_SPREAD,
    NOISE,
    POWER,
    RETENTION,
    SLOPE,
    TAIL,
    UNIT_SPREAD,
    WALK,
    WEIBULL_SHAPE,
    Prior,
)
from mmm.transforms import SATURATIONS, adstock_weights


@dataclass(frozen=True, slots=True)
class MediaForm:
    """Which parameters there are: the families of every channel, the prior of ROI, and what the data hold.

    Attributes
    ----------
    adstock, saturation : tuple of str
        Family of each learnt channel.
    max_lag : int
        Last lag in weeks that still counts.
    units : int
    prior : Prior
    has_peaks : bool
        True when a peak falls within the data.
    """

    adstock: tuple[str, ...]
    saturation: tuple[str, ...]
    max_lag: int
    units: int
    prior: Prior
    has_peaks: bool


def parameter_shapes(form: MediaForm) -> dict[str, tuple[int, ...]]:
    """Name and shape of every standard normal that is sampled."""
    channels, units = len(form.saturation), form.units
    families = [SATURATIONS[name] for name in form.saturation]
    shapes: dict[str, tuple[int, ...]] = {
        "centre_z": (1,),
        "roi_spread_z": (1,),
        "roi_z": (channels,),
        "retention_z": (channels,),
        "half_saturation_z": (channels,),
        "noise_z": (units,),
        "walk_z": (1,),
    }
    if any(family.free_slope for family in families):
        shapes["slope_z"] = (channels,)
    if any(family.free_tail for family in families):
        shapes["tail_z"] = (channels,)
    if {"delayed", "weibull"} & set(form.adstock):
        shapes["delay_z"] = (channels,)
    if 1 < form.prior.groups < channels:
        shapes["group_z"] = (form.prior.groups,)
    if form.has_peaks:
        shapes |= {"kappa_mean_z": (1,), "kappa_spread_z": (1,), "kappa_z": (channels,)}
    if units > 1:
        shapes |= {"unit_spread_z": (1,), "unit_z": (units, channels)}
    return shapes


def log_normal(z: Any, prior: tuple[float, float], xp: ModuleType) -> Any:
    """A log-normal variable from a standard normal: ``median * exp(sd * z)``."""
    median, sd = prior
    return median * xp.exp(sd * z)


def logistic_normal(z: Any, prior: tuple[float, float], xp: ModuleType) -> Any:
    """A variable in (0, 1) whose logit is normal."""
    location, scale = prior
    return 1.0 / (1.0 + xp.exp(-(location + scale * z)))


def media_parameters(z: Mapping[str, Any], form: MediaForm, xp: ModuleType) -> dict[str, Any]:
    """Parameters in their own units from the sampled standard normals.

    Parameters
    ----------
    z : mapping
        The variables of :func:`parameter_shapes`, each with any leading draw axes.
    form : MediaForm
    xp : module
        ``numpy`` for draws, ``pytensor.tensor`` inside the graph.

    Returns
    -------
    dict
        ``roi`` (..., unit, channel); ``retention``, ``delay``, ``half_saturation``, ``slope``, ``tail``, ``kappa``
        (..., channel); ``sigma`` (..., unit) and ``walk`` (..., 1), scaled KPI; ``centre`` and ``roi_spread`` of log
        ROI, ``kappa_mean`` and ``kappa_spread`` (..., 1).
    """
    prior = form.prior
    centre = prior.centre + prior.centre_spread * z["centre_z"]
    roi_spread = log_normal(z["roi_spread_z"], prior.roi_spread, xp)
    found = shape_parameters(z, form, xp) | {
        "centre": centre,
        "roi_spread": roi_spread,
        "roi": xp.exp(_log_roi(z, prior, centre, roi_spread, xp)),
        "sigma": log_normal(z["noise_z"], NOISE, xp),
        "walk": log_normal(z["walk_z"], WALK, xp),
    }
    if "kappa_z" in z:
        found["kappa_mean"] = KAPPA_MEAN[0] + KAPPA_MEAN[1] * z["kappa_mean_z"]
        found["kappa_spread"] = log_normal(z["kappa_spread_z"], KAPPA_SPREAD, xp)
        found["kappa"] = found["kappa_mean"] + found["kappa_spread"] * z["kappa_z"]
    return found


def _log_roi(z: Mapping[str, Any], prior: Prior, centre: Any, roi_spread: Any, xp: ModuleType) -> Any:
    if "group_z" in z:
        centre = centre + GROUP_SPREAD * z["group_z"][..., prior.group]
    spread = prior.own_spread + prior.pooled * roi_spread
    log_roi = (prior.own_location + prior.pooled * centre + spread * z["roi_z"])[..., None, :]
    if "unit_z" in z:
        log_roi = log_roi + log_normal(z["unit_spread_z"], UNIT_SPREAD, xp)[..., None] * z["unit_z"]
    return log_roi


def shape_parameters(z: Mapping[str, Any], form: MediaForm, xp: ModuleType) -> dict[str, Any]:
    """Adstock and saturation parameters, each (..., channel); a family ignores those that it has no use for."""
    ones = xp.ones_like(z["half_saturation_z"])
    slope = log_normal(z["slope_z"], SLOPE, xp) if "slope_z" in z else ones
    if "power" in form.saturation:
        power = np.array([float(name == "power") for name in form.saturation])
        slope = power * logistic_normal(z["slope_z"], POWER, xp) + (1.0 - power) * slope
    delay = ones
    if "delay_z" in z:
        weibull = np.array([float(name == "weibull") for name in form.adstock])
        delay = weibull * log_normal(z["delay_z"], WEIBULL_SHAPE, xp)
        delay = delay + (1.0 - weibull) * log_normal(z["delay_z"], DELAY_WEEKS, xp)
    return {
        "retention": logistic_normal(z["retention_z"], RETENTION, xp),
        "delay": delay,
        "half_saturation": log_normal(z["half_saturation_z"], HALF_SATURATION, xp),
        "slope": slope,
        "tail": log_normal(z["tail_z"], TAIL, xp) if "tail_z" in z else ones,
    }


def channel_weights(parameters: Mapping[str, Any], form: MediaForm, xp: ModuleType) -> Any:
    """Adstock weights of every channel, array (..., channel, lag)."""

    def one(family: str, at: Any) -> Any:
        return adstock_weights(family, parameters["retention"][..., at], parameters["delay"][..., at], form.max_lag)

    return by_family(form.adstock, one, xp, axis=-2)


def saturate(stock: Any, parameters: Mapping[str, Any], families: Sequence[str], xp: ModuleType) -> Any:
    """Saturation of a stock whose last axis is that of ``families`` and of the parameters."""
    names = ("half_saturation", "slope", "tail")

    def one(family: str, at: Any) -> Any:
        return SATURATIONS[family].level(stock[..., at], *(parameters[name][..., at] for name in names), xp)

    return by_family(families, one, xp, axis=-1)


def by_family(families: Sequence[str], one: Callable[[str, Any], Any], xp: ModuleType, axis: int) -> Any:
    """Call ``one`` for the positions of each family and put the results back in order along an axis from the end."""
    places = {name: [i for i, family in enumerate(families) if family == name] for name in dict.fromkeys(families)}
    if len(places) == 1:
        return one(families[0], slice(None))
    joined = xp.concatenate([one(name, at) for name, at in places.items()], axis=axis)
    back = np.argsort(np.concatenate(list(places.values())))
    return joined[(..., back) + (slice(None),) * (-axis - 1)]


def media_shape(parameters: Mapping[str, Any], stock: Any, intensity: Any, form: MediaForm, xp: ModuleType) -> Any:
    """Unscaled media effect, array (unit, week, channel), of one draw or of the graph.

    Parameters
    ----------
    parameters : mapping
        Of one draw, as :func:`media_parameters`.
    stock : array (unit, week, channel)
        Adstocked spend over reference.
    intensity : array (week,)
        Peak intensity.
    """
    shape = saturate(stock, parameters, form.saturation, xp)
    if "kappa" in parameters:
        shape = shape * xp.exp(parameters["kappa"] * intensity[:, None])
    return shape
