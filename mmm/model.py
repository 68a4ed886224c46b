"""The model: what media do to the KPI, as a PyMC graph. Builds it, samples nothing.

For unit u, week t and channel c, with the KPI scaled by its mean::

    kpi[u,t]   = baseline[u,t] + sum_c media[u,t,c] + noise[u,t]
    media      = share[u,c] * shape[u,t,c] / mean_t(shape)
    shape      = exp(kappa_c * intensity_t) * saturation_c(sum_l w_c[l] * spend[u,t-l,c] / reference[u,c])
    share[u,c] = roi[u,c] * spend[u,c] / kpi[u]

ROI is the parameter, so its prior speaks finance's language (Zhang et al. 2024, "Media Mix Model Calibration With
Bayesian Priors"). Every parameter is a standard normal, moved and scaled (:mod:`mmm.media`): the sampler's geometry
stays round and the same functions serve the graph and the draws. Lift tests and, when asked for, the ROI that platforms
attribute to themselves enter as further evidence (:mod:`mmm.evidence`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mmm.baseline import Baseline, build_baseline
from mmm.calendar import Calendar, intensity
from mmm.evidence import Attribution, LiftData, attribution_data, lift_data, log_attribution, log_lift
from mmm.faults import fault
from mmm.likelihood import log_likelihood
from mmm.media import MediaForm, channel_weights, media_parameters, media_shape, parameter_shapes
from mmm.noise import Noise
from mmm.panel import Panel
from mmm.priors import Prior, build_prior, stated_roi
from mmm.problems import InputError, Problem
from mmm.settings import ChannelSettings, EventSettings, ModelSettings, RoiPrior
from mmm.transforms import lagged

if TYPE_CHECKING:
    import pymc as pm

    from mmm.lift import LiftTest

Floats = npt.NDArray[np.float64]

LEAST_ACTIVE_WEEKS = 8  # with fewer weeks of spend a channel is planned from its prior
OPENING_WEEKS = 4  # their mean stands for the unknown spend before the first week


@dataclass(frozen=True, slots=True)
class MediaModel:
    """Everything the graph needs, as arrays.

    Attributes
    ----------
    channels : tuple of str
        Channels with enough history to learn from.
    form : MediaForm
        Families and priors of their parameters.
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
    lift : LiftData or None
        Lift tests, ready for the likelihood.
    attribution : Attribution or None
        What platforms attribute to themselves, when it is to count.
    default_families : tuple of str
        Adstock and saturation of channels without history that name none of their own.
    stated_roi : mapping
        ROI priors stated for channels or their groups, those without history included.
    noise : Noise
        Independent, normal and of one size unless the residuals asked for another kind.
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    form: MediaForm
    scaled_kpi: Floats
    kpi_mean: Floats
    value_per_kpi: Floats
    reference: Floats
    stock_lags: Floats
    spend_share: Floats
    intensity: Floats
    baseline: Baseline
    lift: LiftData | None
    attribution: Attribution | None
    default_families: tuple[str, str]
    stated_roi: Mapping[str, RoiPrior]
    noise: Noise

    def with_noise(self, noise: Noise) -> MediaModel:
        """The same model under another kind of noise."""
        root = noise.root
        return self if root is None else replace(self, noise=noise, baseline=self.baseline.with_noise(root))

    @property
    def max_lag(self) -> int:
        """Last lag in weeks that still counts."""
        return self.form.max_lag

    @property
    def prior(self) -> Prior:
        """Prior of ROI."""
        return self.form.prior

    @property
    def value_weight(self) -> Floats:
        """Share of each unit in the KPI value, array (unit,)."""
        value = self.kpi_mean * self.value_per_kpi
        return np.asarray(value / value.sum())


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


def prepare(
    panel: Panel,
    channels: Mapping[str, ChannelSettings],
    calendar: Calendar,
    events: tuple[EventSettings, ...],
    settings: ModelSettings,
    lift_tests: Sequence[LiftTest] = (),
) -> MediaModel:
    """Scale the data and precompute what the graph needs.

    Raises
    ------
    InputError
        When no channel has enough history to learn from.
    """
    kept = learnable(panel)
    if not kept:
        what = fault(
            "no channel has {weeks} weeks of spend, so there is nothing to learn a response from",
            weeks=LEAST_ACTIVE_WEEKS,
        )
        raise InputError([Problem(what, "the spend columns", cure="Check the columns, or give more weeks of history.")])
    names = tuple(panel.channels[c] for c in kept)
    learnt = {name: channels[name] for name in names}
    spend = panel.spend[:, :, kept]
    max_lag = settings.adstock.max_lag
    reference = reference_spend(spend)
    value = (panel.kpi * panel.value_per_kpi).sum(axis=1)
    spend_share = spend.sum(axis=1) / value[:, None]
    peaks = intensity(calendar, panel.weeks)
    stock_lags = lagged(spend / reference[:, None], max_lag, opening_spend(spend / reference[:, None], max_lag))
    kpi_mean = panel.kpi.mean(axis=1)
    form = MediaForm(
        adstock=tuple((channel.adstock or settings.adstock).family for channel in learnt.values()),
        saturation=tuple((channel.saturation or settings.saturation).family for channel in learnt.values()),
        max_lag=max_lag,
        units=len(panel.units),
        prior=build_prior(learnt, settings, spend_share, value / value.sum()),
        has_peaks=bool(peaks.max(initial=0.0) > 0),
    )
    return MediaModel(
        channels=names,
        units=panel.units,
        form=form,
        scaled_kpi=panel.kpi / kpi_mean[:, None],
        kpi_mean=kpi_mean,
        value_per_kpi=value / panel.kpi.sum(axis=1),
        reference=reference,
        stock_lags=stock_lags,
        spend_share=spend_share,
        intensity=peaks,
        baseline=build_baseline(panel, calendar, events, settings),
        lift=lift_data(lift_tests, panel, names, reference, stock_lags, peaks, kpi_mean),
        attribution=attribution_data(panel, names, settings),
        default_families=(settings.adstock.family, settings.saturation.family),
        stated_roi={n: prior for n, channel in channels.items() if (prior := stated_roi(channel, settings))},
        noise=Noise(),
    )


def graph_data(model: MediaModel) -> dict[str, Floats]:
    """Every number the graph takes from data and beliefs, by the name of its ``pm.Data``.

    A compiled model given these by ``with_data`` is the model of these data, as long as the parameters have the same
    shapes and families, and the same groups.
    """
    prior = model.prior
    units, weeks, channels, lags = model.stock_lags.shape
    data = model.baseline.compact(*model.noise.bands(units, weeks)) | {
        "kpi": model.scaled_kpi,
        # Channels first: their stocks are then one matrix product each.
        "stock_lags": model.stock_lags.transpose(2, 0, 1, 3).reshape(channels, units * weeks, lags),
        "spend_share": model.spend_share,
        "own_location": prior.own_location,
        "own_spread": prior.own_spread,
        "pooled": prior.pooled,
        "centre": np.array([prior.centre, prior.centre_spread]),
        "roi_spread": np.array(prior.roi_spread),
    }
    # What the graph has no use for must not be named, or ``with_data`` refuses it.
    if model.form.has_peaks:
        data["intensity"] = model.intensity
    if prior.total is not None:
        data["total"] = np.array(prior.total)
    if prior.total is not None or model.attribution is not None:
        data["value_weight"] = model.value_weight
    if model.lift is not None:
        data |= model.lift.arrays(peaks=model.form.has_peaks)
    if model.attribution is not None:
        data |= model.attribution.arrays()
    return data


def _symbolic(form: MediaForm, data: Mapping[str, Any]) -> MediaForm:
    """The form with the graph's variables in place of its numbers."""
    prior = replace(
        form.prior,
        **{name: data[name] for name in ("own_location", "own_spread", "pooled")},
        centre=data["centre"][0],
        centre_spread=data["centre"][1],
        roi_spread=(data["roi_spread"][0], data["roi_spread"][1]),
    )
    return replace(form, prior=prior)


def build_model(model: MediaModel) -> pm.Model:
    """Build the PyMC model: standard normals, the guard on total media, the collapsed likelihood, further evidence."""
    # Sampling runs through numba, so PyTensor must not look for a C compiler.
    os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as graph:
        data = {name: pm.Data(name, value) for name, value in graph_data(model).items()}
        z = {name: pm.Normal(name, 0.0, 1.0, shape=shape) for name, shape in parameter_shapes(model.form).items()}
        form = _symbolic(model.form, data)
        parameters = media_parameters(z, form, pt)
        shares = parameters["roi"] * data["spend_share"]
        weights = channel_weights(parameters, form, pt)
        stock = pt.matmul(data["stock_lags"], weights[..., None]).reshape((len(form.saturation), form.units, -1))
        shape = media_shape(parameters, stock.transpose(1, 2, 0), data.get("intensity"), form, pt)
        scale = shares / shape.mean(axis=1)
        residual = data["kpi"] - (shape * scale[:, None, :]).sum(axis=2)
        pm.Potential("likelihood", log_likelihood(data, residual, parameters["sigma"], parameters["walk"], pt))
        if "total" in data:
            total = (shares.sum(axis=1) * data["value_weight"]).sum()
            pm.Potential("total_media", -0.5 * ((pt.log(total) - data["total"][0]) / data["total"][1]) ** 2)
        if model.lift is not None:
            pm.Potential("lift_tests", log_lift(model.lift, data, parameters, scale, form, pt))
        if model.attribution is not None:
            bias_z = pm.Normal("attribution_z", 0.0, 1.0, shape=(1,))
            pm.Potential("attribution", log_attribution(data, bias_z, shares, pt))
    return graph
