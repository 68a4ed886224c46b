"""From posterior draws to response curves, and to the numbers of ``fit.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.curves import ResponseCurves
from mmm.media import channel_weights, media_parameters, saturate, shape_parameters
from mmm.model import LEAST_ACTIVE_WEEKS, MediaModel
from mmm.panel import Panel
from mmm.priors import GROUP_SPREAD
from mmm.settings import ChannelSettings, RoiPrior
from mmm.transforms import SATURATIONS, adstock_weights, half_life_weeks

Floats = npt.NDArray[np.float64]

YEAR = 52
SHAPE_NAMES = ("retention_z", "delay_z", "half_saturation_z", "slope_z", "tail_z")
NEW_LINE_SHARE = 0.02  # a channel without any spend is planned around this share of the mean weekly total


def contribution_draws(z: Mapping[str, Floats], model: MediaModel) -> tuple[dict[str, Any], Floats]:
    """Parameters and media contributions of every draw.

    Parameters
    ----------
    z : mapping
        Sampled standard normals, each (draw, ...).

    Returns
    -------
    parameters : dict
        As :func:`mmm.media.media_parameters`, plus ``scale`` (draw, unit, channel): scaled KPI at full saturation.
    contribution : array (draw, unit, week, channel)
        Scaled KPI.
    """
    parameters = media_parameters(z, model.form, np)
    weights = channel_weights(parameters, model.form, np)
    units, weeks = model.scaled_kpi.shape
    shape = np.empty((len(weights), units, weeks, len(model.channels)))
    for c, family in enumerate(model.form.saturation):
        stock = np.einsum("utl,nl->nut", model.stock_lags[:, :, c], weights[:, c], optimize=True)
        curve = tuple(parameters[name][:, c, None, None] for name in ("half_saturation", "slope", "tail"))
        shape[..., c] = SATURATIONS[family].level(stock, *curve, np)
        if "kappa" in parameters:
            shape[..., c] *= np.exp(parameters["kappa"][:, c, None, None] * model.intensity)
    parameters["scale"] = parameters["roi"] * model.spend_share / shape.mean(axis=2)
    shape *= parameters["scale"][:, :, None, :]
    return parameters, shape


def _by_name(values: Floats) -> Floats:
    """(draw, unit, channel) to (draw, name), channels fastest."""
    return values.reshape(values.shape[0], -1)


def extract_curves(
    parameters: Mapping[str, Any],
    contribution: Floats,
    model: MediaModel,
    panel: Panel,
    channels: Mapping[str, ChannelSettings],
    *,
    currency: str,
    fingerprint: str,
    seed: int,
) -> ResponseCurves:
    """Put the posterior into the planner's units; channels with too little history take draws of their prior."""
    rng = np.random.default_rng([seed, 7])
    draws, units = parameters["roi"].shape[:2]
    learnt = {name: index for index, name in enumerate(model.channels)}
    found = [
        _learnt(parameters, model, learnt[name])
        if name in learnt
        else _from_prior(rng, channels[name], parameters, model, panel, position)
        for position, name in enumerate(panel.channels)
    ]
    modelled = np.zeros((units, len(panel.weeks), len(panel.channels)))
    value = (model.kpi_mean * model.value_per_kpi)[:, None, None]
    modelled[:, :, [panel.channels.index(name) for name in learnt]] = contribution.mean(axis=0) * value
    long_term = np.stack([_long_term(rng, channels[name], draws) for name in panel.channels], axis=-1)

    def stacked(part: str) -> Floats:
        """(draw, name), channels fastest; the same for every unit where a part has none of its own."""
        each = [np.broadcast_to(getattr(one, part), (draws, units)) for one in found]
        return np.stack(each, axis=-1).reshape(draws, -1)

    weights = np.stack([one.weights for one in found], axis=1)
    return ResponseCurves(
        names=panel.channels if units == 1 else tuple(f"{c}@{u}" for u in panel.units for c in panel.channels),
        channels=panel.channels * units,
        units=tuple(u for u in panel.units for _ in panel.channels),
        weights=np.tile(weights, (1, units, 1)),
        saturation=tuple(one.family for one in found) * units,
        half_saturation=stacked("half_saturation"),
        slope=stacked("slope"),
        tail=stacked("tail"),
        ceiling=stacked("ceiling"),
        kappa=stacked("kappa"),
        long_term=np.tile(long_term, (1, units)),
        reference=np.stack([one.reference for one in found], axis=-1).reshape(-1),
        weeks=panel.weeks,
        spend=_history(panel.spend),
        visits=_history(panel.visits),
        attributed=_history(panel.attributed),
        modelled=_history(modelled),
        prior_only=tuple(name not in learnt for name in panel.channels) * units,
        currency=currency,
        fingerprint=fingerprint,
    )


@dataclass(frozen=True, slots=True)
class _Curve:
    """Draws of one channel's curve: weights (draw, lag), reference (unit,), the rest (draw, unit) or (draw, 1)."""

    family: str
    weights: Floats
    half_saturation: Floats
    slope: Floats
    tail: Floats
    ceiling: Floats
    kappa: Floats
    reference: Floats


def _learnt(parameters: Mapping[str, Any], model: MediaModel, c: int) -> _Curve:
    """The posterior of a learnt channel."""
    draws = parameters["roi"].shape[0]
    return _Curve(
        family=model.form.saturation[c],
        weights=adstock_weights(
            model.form.adstock[c], parameters["retention"][:, c], parameters["delay"][:, c], model.max_lag
        ),
        half_saturation=parameters["half_saturation"][:, None, c],
        slope=parameters["slope"][:, None, c],
        tail=parameters["tail"][:, None, c],
        ceiling=parameters["scale"][:, :, c] * model.kpi_mean * model.value_per_kpi,
        kappa=parameters["kappa"][:, None, c] if "kappa" in parameters else np.zeros((draws, 1)),
        reference=model.reference[:, c],
    )


def _history(values: Floats) -> Floats:
    """(unit, week, channel) to (week, name), channels fastest."""
    return np.ascontiguousarray(values.transpose(1, 0, 2).reshape(values.shape[1], -1))


def _long_term(rng: np.random.Generator, channel: ChannelSettings, draws: int) -> Floats:
    """Draws of the long-term multiplier, never negative."""
    return np.maximum(rng.normal(channel.long_term.mean, channel.long_term.sd, draws), 0.0)


def _from_prior(
    rng: np.random.Generator,
    channel: ChannelSettings,
    parameters: Mapping[str, Any],
    model: MediaModel,
    panel: Panel,
    position: int,
) -> _Curve:
    """Curves of a channel the data cannot teach: a new channel of the same kind, its ROI holding at its reference."""
    draws = parameters["roi"].shape[0]
    spend = panel.spend[:, :, position]
    active = (spend > 0).sum(axis=1)
    new_line = NEW_LINE_SHARE * panel.spend.sum(axis=2).mean(axis=1)
    reference = np.where(active > 0, spend.sum(axis=1) / np.maximum(active, 1), new_line)
    adstock = channel.adstock.family if channel.adstock else model.default_families[0]
    saturation = channel.saturation.family if channel.saturation else model.default_families[1]
    form = replace(model.form, adstock=(adstock,), saturation=(saturation,))
    z = {name: rng.standard_normal((draws, 1)) for name in SHAPE_NAMES}
    shape = shape_parameters(z, form, np)
    at_reference = saturate(np.ones((draws, 1)), shape, (saturation,), np)
    roi = np.exp(_prior_log_roi(rng, model.stated_roi.get(panel.channels[position]), parameters, draws))
    kappa = np.zeros(draws)
    if "kappa" in parameters:
        kappa = (parameters["kappa_mean"] + parameters["kappa_spread"] * rng.standard_normal((draws, 1)))[:, 0]
    return _Curve(
        family=saturation,
        weights=channel_weights(shape, form, np)[:, 0],
        half_saturation=shape["half_saturation"],
        slope=shape["slope"],
        tail=shape["tail"],
        ceiling=roi[:, None] * reference / at_reference,
        kappa=kappa[:, None],
        reference=reference,
    )


def _prior_log_roi(
    rng: np.random.Generator, stated: RoiPrior | None, parameters: Mapping[str, Any], draws: int
) -> Floats:
    """Log ROI of a channel without history: as stated, or as the data taught of channels in general."""
    if stated:
        return rng.normal(np.log(stated.median), stated.sigma, draws)
    spread = np.hypot(parameters["roi_spread"], GROUP_SPREAD)
    return np.asarray((parameters["centre"] + spread * rng.standard_normal((draws, 1)))[:, 0])


def interval(draws: Floats) -> dict[str, float]:
    """Mean and quantiles of a vector of draws."""
    p05, p50, p95 = np.quantile(draws, [0.05, 0.5, 0.95])
    return {"mean": float(draws.mean()), "p05": float(p05), "p50": float(p50), "p95": float(p95)}


def channel_report(
    curves: ResponseCurves, parameters: Mapping[str, Any], contribution: Floats, model: MediaModel, panel: Panel
) -> list[dict[str, Any]]:
    """The ``channels`` of fit.json: ROI, marginal ROI, contribution and half-life with their intervals.

    ``roi``, ``mroi`` and ``contribution`` are of the last 52 weeks of data, summed over units; ``roi_all`` is of all
    weeks. Contribution is in currency. Marginal ROI is of one per cent more spend in each of those weeks, counted in
    the same weeks.
    """
    value = (model.kpi_mean * model.value_per_kpi)[None, :, None]
    report = []
    for position, name in enumerate(panel.channels):
        spend = panel.spend[:, :, position]
        if name not in model.channels:
            report.append(_prior_report(curves, name, position))
            continue
        c = model.channels.index(name)
        money = contribution[:, :, :, c] * value
        last, year = money[:, :, -YEAR:].sum(axis=(1, 2)), spend[:, -YEAR:].sum()
        every = money.sum(axis=(1, 2)) / spend.sum()
        next_one = _marginal(parameters, model, c) / year if year > 0 else every
        one: dict[str, Any] = {
            "name": name,
            "roi": interval(last / year) if year > 0 else interval(every),
            "roi_all": interval(every),
            "mroi": interval(next_one),
            "contribution": interval(last),
            "half_life_weeks": interval(half_life_weeks(curves.weights[:, position])),
            "prior_only": False,
        }
        one["roi_long_term"] = one["roi"]["mean"] * float(curves.long_term[:, position].mean())
        one["spend_last_year"] = float(year)
        one["prob_increasing_returns"] = float((next_one > last / year).mean()) if year > 0 else 0.0
        report.append(one)
    return report


def _prior_report(curves: ResponseCurves, name: str, position: int) -> dict[str, Any]:
    """A channel the data say nothing about: everything is its prior."""
    family, shape = curves.family(position)
    at_reference = family.level(np.ones((curves.draws, 1)), *shape, np)
    steep = family.steepness(np.ones((curves.draws, 1)), at_reference, *shape)
    roi = curves.ceiling[:, position] * at_reference[:, 0] / curves.reference[position]
    mroi = curves.ceiling[:, position] * steep[:, 0] / curves.reference[position]
    past = curves.spend[:, [index for index, channel in enumerate(curves.channels) if channel == name]].sum(axis=1)
    spent = float(past[-YEAR:].sum())
    return {
        "name": name,
        "roi": interval(roi),
        "roi_all": interval(roi),
        "mroi": interval(mroi),
        "contribution": interval(roi * spent),
        "half_life_weeks": interval(half_life_weeks(curves.weights[:, position])),
        "prior_only": True,
        "roi_long_term": float(roi.mean() * curves.long_term[:, position].mean()),
        "spend_last_year": spent,
        "active_weeks": int((past > 0).sum()),
        "least_active_weeks": LEAST_ACTIVE_WEEKS,
    }


def _marginal(parameters: Mapping[str, Any], model: MediaModel, c: int) -> Floats:
    """Currency earned by one more unit of spend, times the year's spend: array (draw,)."""
    step = 0.01  # one per cent: small enough for a slope, large enough for floating point
    curve = _learnt(parameters, model, c)
    stock = np.einsum("utl,dl->dut", model.stock_lags[:, -YEAR:, c], curve.weights)
    shape = tuple(getattr(curve, name)[:, :, None] for name in ("half_saturation", "slope", "tail"))
    more, now = (SATURATIONS[curve.family].level(stock * up, *shape, np) for up in (1 + step, 1.0))
    peak = np.exp(curve.kappa[:, :, None] * model.intensity[-YEAR:])
    return np.asarray(((more - now) * peak * curve.ceiling[:, :, None]).sum(axis=(1, 2)) / step)
