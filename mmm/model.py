"""The model: what media do to the KPI, as a PyMC graph. Builds it, samples nothing.

For unit u, week t and channel c, with the KPI scaled by its mean::

    kpi[u,t]   = baseline[u,t] + sum_c media[u,t,c] + Normal(0, sigma_u)
    media      = share[u,c] * shape[u,t,c] / mean_t(shape)
    shape      = exp(kappa_c * intensity_t) * hill(sum_l w_c[l] * spend[u,t-l,c] / reference[u,c]; k_c, n_c)
    share[u,c] = roi[u,c] * spend[u,c] / kpi[u]

ROI is the parameter, so its prior speaks finance's language (Zhang et al. 2024, "Media Mix Model Calibration With
Bayesian Priors"). Every parameter is a standard normal, moved and scaled: the sampler's geometry stays round and
one function, :func:`media_parameters`, serves the graph and the draws.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mmm.baseline import Baseline, build_baseline
from mmm.calendar import Calendar, intensity
from mmm.panel import Panel
from mmm.problems import InputError, Problem
from mmm.settings import ChannelSettings, EventSettings, ModelSettings
from mmm.transforms import SATURATIONS, geometric_weights, lagged

if TYPE_CHECKING:
    import pymc as pm

Floats = npt.NDArray[np.float64]

LEAST_ACTIVE_WEEKS = 8  # with fewer weeks of spend a channel is planned from its prior
OPENING_WEEKS = 4  # their mean stands for the unknown spend before the first week

# Priors of the shapes, as (median, log sd) or (logit mean, logit sd); judged over many markets, see docs/evidence.
RETENTION = (-0.5, 0.9)
HALF_SATURATION = (1.2, 0.6)
SLOPE = (1.1, 0.3)
NOISE = (0.07, 0.7)
WALK = (0.015, 0.8)
ROI_SPREAD = (0.5, 0.4)
GROUP_SPREAD = 0.3
CENTRE_SPREAD = 0.7
UNIT_SPREAD = (0.25, 0.4)
KAPPA_MEAN = (0.3, 0.3)
KAPPA_SPREAD = (0.15, 0.5)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before the data, per channel.

    Attributes
    ----------
    own_location, own_spread : array (channel,)
        Median (log) and log sd of channels with a stated ROI prior; zeros elsewhere.
    pooled : array (channel,)
        1.0 for channels that share the pooled prior, 0.0 for those with their own.
    group : array (channel,) of int
        Pooling group of each channel.
    centre, centre_spread : float
        Log of the pooled median ROI and its sd.
    roi_spread : (median, log sd)
        Spread of log ROI between pooled channels.
    total : (log median, sd) or None
        Guard on the log of the total media share of the KPI.
    """

    own_location: Floats
    own_spread: Floats
    pooled: Floats
    group: npt.NDArray[np.int64]
    centre: float
    centre_spread: float
    roi_spread: tuple[float, float]
    total: tuple[float, float] | None

    @property
    def groups(self) -> int:
        """Number of pooling groups."""
        return int(self.group.max()) + 1 if self.group.size else 0


@dataclass(frozen=True, slots=True)
class MediaModel:
    """Everything the graph needs, as arrays.

    Attributes
    ----------
    channels : tuple of str
        Channels with enough history to learn from.
    scaled_kpi : array (unit, week)
        KPI over its unit's mean.
    kpi_mean : array (unit,)
    value_per_kpi : array (unit,)
        Mean currency per KPI unit, weighted by KPI.
    reference : array (unit, channel)
        Mean spend of the weeks with spend, currency per week.
    stock_lags : array (unit, week, channel, lag)
        Spend over reference, this week's and earlier ones'.
    spend_share : array (unit, channel)
        Spend over KPI value: ROI times this is the channel's share of the KPI.
    intensity : array (week,)
        Peak intensity in [0, 1].
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    scaled_kpi: Floats
    kpi_mean: Floats
    value_per_kpi: Floats
    reference: Floats
    stock_lags: Floats
    spend_share: Floats
    intensity: Floats
    baseline: Baseline
    prior: Prior
    max_lag: int

    @property
    def has_peaks(self) -> bool:
        """True when a peak falls within the data."""
        return bool(self.intensity.max(initial=0.0) > 0)


def learnable(panel: Panel) -> tuple[int, ...]:
    """Positions of the channels with enough weeks of spend to learn from."""
    active = (panel.spend > 0).any(axis=0).sum(axis=0)
    return tuple(int(c) for c in np.flatnonzero(active >= LEAST_ACTIVE_WEEKS))


def reference_spend(spend: Floats) -> Floats:
    """Mean of the weeks with spend, array (unit, channel); 1.0 where there are none."""
    active = (spend > 0).sum(axis=1)
    total = spend.sum(axis=1)
    return np.where(active > 0, total / np.maximum(active, 1), 1.0)


def opening_spend(spend: Floats, max_lag: int) -> Floats:
    """Stand-in for the weeks before the data: the mean of its first weeks, array (unit, lag, channel)."""
    opening = spend[:, :OPENING_WEEKS].mean(axis=1, keepdims=True)
    return np.repeat(opening, max_lag, axis=1)


def build_prior(
    channels: Mapping[str, ChannelSettings], settings: ModelSettings, spend_share: Floats, weights: Floats
) -> Prior:
    """Turn the project's beliefs, or their scale-free default, into numbers.

    Parameters
    ----------
    channels : mapping
        The channels that are learnt, in order.
    settings : ModelSettings
    spend_share : array (unit, channel)
        Spend over KPI value.
    weights : array (unit,)
        Share of each unit in the KPI value.
    """
    total_share = float((spend_share.sum(axis=1) * weights).sum())
    own = [channel.roi_prior for channel in channels.values()]
    names = [channel.groups[0] if channel.groups else "" for channel in channels.values()]
    order = {name: index for index, name in enumerate(dict.fromkeys(names))}
    stated = settings.roi_prior
    return Prior(
        own_location=np.array([np.log(p.median) if p else 0.0 for p in own]),
        own_spread=np.array([p.sigma if p else 0.0 for p in own]),
        pooled=np.array([0.0 if p else 1.0 for p in own]),
        group=np.array([order[name] for name in names], dtype=np.int64),
        centre=float(np.log(stated.median if stated else settings.media_share.median / total_share)),
        centre_spread=0.5 * stated.sigma if stated else CENTRE_SPREAD,
        roi_spread=(0.85 * stated.sigma, 0.25) if stated else ROI_SPREAD,
        total=None if stated else (float(np.log(settings.media_share.median)), settings.media_share.sigma),
    )


def prepare(
    panel: Panel,
    channels: Mapping[str, ChannelSettings],
    calendar: Calendar,
    events: tuple[EventSettings, ...],
    settings: ModelSettings,
) -> MediaModel:
    """Scale the data and precompute what the graph needs.

    Raises
    ------
    InputError
        When no channel has enough history to learn from.
    """
    kept = learnable(panel)
    if not kept:
        what = f"no channel has {LEAST_ACTIVE_WEEKS} weeks of spend, so there is nothing to learn a response from"
        raise InputError([Problem(what, "the spend columns", cure="Check the columns, or give more weeks of history.")])
    names = tuple(panel.channels[c] for c in kept)
    spend = panel.spend[:, :, kept]
    max_lag = settings.adstock.max_lag
    reference = reference_spend(spend)
    value = (panel.kpi * panel.value_per_kpi).sum(axis=1)
    spend_share = spend.sum(axis=1) / value[:, None]
    return MediaModel(
        channels=names,
        units=panel.units,
        scaled_kpi=panel.kpi / panel.kpi.mean(axis=1, keepdims=True),
        kpi_mean=panel.kpi.mean(axis=1),
        value_per_kpi=value / panel.kpi.sum(axis=1),
        reference=reference,
        stock_lags=lagged(spend / reference[:, None], max_lag, opening_spend(spend / reference[:, None], max_lag)),
        spend_share=spend_share,
        intensity=intensity(calendar, panel.weeks),
        baseline=build_baseline(panel, calendar, events, settings),
        prior=build_prior({n: channels[n] for n in names}, settings, spend_share, value / value.sum()),
        max_lag=max_lag,
    )


def parameter_shapes(model: MediaModel) -> dict[str, tuple[int, ...]]:
    """Name and shape of every standard normal that is sampled."""
    channels, units = len(model.channels), len(model.units)
    shapes: dict[str, tuple[int, ...]] = {
        "centre_z": (1,),
        "roi_spread_z": (1,),
        "roi_z": (channels,),
        "retention_z": (channels,),
        "half_saturation_z": (channels,),
        "slope_z": (channels,),
        "noise_z": (units,),
        "walk_z": (1,),
    }
    if 1 < model.prior.groups < channels:
        shapes["group_z"] = (model.prior.groups,)
    if model.has_peaks:
        shapes |= {"kappa_mean_z": (1,), "kappa_spread_z": (1,), "kappa_z": (channels,)}
    if units > 1:
        shapes |= {"unit_spread_z": (1,), "unit_z": (units, channels)}
    return shapes


def log_normal(z: Any, prior: tuple[float, float], xp: ModuleType) -> Any:
    """A log-normal variable from a standard normal: ``median * exp(sd * z)``."""
    median, sd = prior
    return median * xp.exp(sd * z)


def media_parameters(z: Mapping[str, Any], model: MediaModel, xp: ModuleType) -> dict[str, Any]:
    """Parameters in their own units from the sampled standard normals.

    Parameters
    ----------
    z : mapping
        The variables of :func:`parameter_shapes`, each with any leading draw axes.
    model : MediaModel
    xp : module
        ``numpy`` for draws, ``pytensor.tensor`` inside the graph.

    Returns
    -------
    dict
        ``roi`` (..., unit, channel); ``retention``, ``half_saturation``, ``slope``, ``kappa`` (..., channel);
        ``sigma`` (..., unit) and ``walk`` (..., 1), scaled KPI.
    """
    prior = model.prior
    centre = prior.centre + prior.centre_spread * z["centre_z"]
    if "group_z" in z:
        centre = centre + GROUP_SPREAD * z["group_z"][..., prior.group]
    spread = prior.own_spread + prior.pooled * log_normal(z["roi_spread_z"], prior.roi_spread, xp)
    log_roi = (prior.own_location + prior.pooled * centre + spread * z["roi_z"])[..., None, :]
    if "unit_z" in z:
        log_roi = log_roi + log_normal(z["unit_spread_z"], UNIT_SPREAD, xp)[..., None] * z["unit_z"]
    location, scale = RETENTION
    found = {
        "roi": xp.exp(log_roi),
        "retention": 1.0 / (1.0 + xp.exp(-(location + scale * z["retention_z"]))),
        "half_saturation": log_normal(z["half_saturation_z"], HALF_SATURATION, xp),
        "slope": log_normal(z["slope_z"], SLOPE, xp),
        "sigma": log_normal(z["noise_z"], NOISE, xp),
        "walk": log_normal(z["walk_z"], WALK, xp),
    }
    if "kappa_z" in z:
        mean = KAPPA_MEAN[0] + KAPPA_MEAN[1] * z["kappa_mean_z"]
        found["kappa"] = mean + log_normal(z["kappa_spread_z"], KAPPA_SPREAD, xp) * z["kappa_z"]
    return found


def media_shape(parameters: Mapping[str, Any], stock_lags: Any, model: MediaModel, xp: ModuleType) -> Any:
    """Unscaled media effect, array (..., unit, week, channel), of one draw (or of the graph)."""
    weights = geometric_weights(parameters["retention"], model.max_lag)
    stock = (stock_lags * weights).sum(axis=-1)
    shape = SATURATIONS["hill"].level(stock, parameters["half_saturation"], parameters["slope"], 1.0, xp)
    if "kappa" in parameters:
        shape = shape * xp.exp(parameters["kappa"] * model.intensity[:, None])
    return shape


def graph_data(model: MediaModel) -> dict[str, Floats]:
    """Every number the graph takes from data and beliefs, by the name of its ``pm.Data``.

    A compiled model given these by ``with_data`` is the model of these data, as long as the parameters have the same
    shapes and the same groups.
    """
    baseline, prior = model.baseline, model.prior
    value = model.kpi_mean * model.value_per_kpi
    data = {
        "kpi": np.einsum("uij,uj->ui", baseline.rotation, model.scaled_kpi),
        "rotation": baseline.rotation,
        "spread": baseline.spread,
        "stock_lags": model.stock_lags,
        "spend_share": model.spend_share,
        "own_location": prior.own_location,
        "own_spread": prior.own_spread,
        "pooled": prior.pooled,
        "centre": np.array([prior.centre, prior.centre_spread]),
        "roi_spread": np.array(prior.roi_spread),
    }
    if model.has_peaks:
        data["intensity"] = model.intensity
    if prior.total is not None:
        data |= {"total": np.array(prior.total), "value_weight": value / value.sum()}
    return data


def _symbolic(model: MediaModel, data: Mapping[str, Any]) -> MediaModel:
    """The model with the graph's variables in place of its numbers."""
    prior = replace(
        model.prior,
        **{name: data[name] for name in ("own_location", "own_spread", "pooled")},
        centre=data["centre"][0],
        centre_spread=data["centre"][1],
        roi_spread=(data["roi_spread"][0], data["roi_spread"][1]),
    )
    return replace(model, intensity=data.get("intensity", model.intensity), prior=prior)


def build_model(model: MediaModel) -> pm.Model:
    """Build the PyMC model: standard normals, the guard on total media, and the collapsed likelihood."""
    # Sampling runs through numba, so PyTensor must not look for a C compiler.
    os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as graph:
        data = {name: pm.Data(name, value) for name, value in graph_data(model).items()}
        z = {name: pm.Normal(name, 0.0, 1.0, shape=shape) for name, shape in parameter_shapes(model).items()}
        stands = _symbolic(model, data)
        parameters = media_parameters(z, stands, pt)
        shares = parameters["roi"] * data["spend_share"]
        shape = media_shape(parameters, data["stock_lags"], stands, pt)
        media = (shape * (shares / shape.mean(axis=1))[:, None, :]).sum(axis=2)
        residual = data["kpi"] - pt.matmul(data["rotation"], media[..., None])[..., 0]
        variance = parameters["sigma"][:, None] ** 2 + parameters["walk"][:, None] ** 2 * data["spread"]
        if "total" in data:
            total = (shares.sum(axis=1) * data["value_weight"]).sum()
            pm.Potential("total_media", -0.5 * ((pt.log(total) - data["total"][0]) / data["total"][1]) ** 2)
        pm.Potential("likelihood", -0.5 * (residual**2 / variance + pt.log(variance)).sum())
    return graph
