"""From posterior draws to response curves, and to the numbers of ``fit.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.curves import ResponseCurves
from mmm.model import (
    CENTRE_SPREAD,
    HALF_SATURATION,
    KAPPA_MEAN,
    LEAST_ACTIVE_WEEKS,
    RETENTION,
    SLOPE,
    MediaModel,
    media_parameters,
    media_shape,
)
from mmm.panel import Panel
from mmm.settings import ChannelSettings
from mmm.transforms import SATURATIONS, geometric_weights, half_life_weeks

Floats = npt.NDArray[np.float64]

YEAR = 52
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
        As :func:`mmm.model.media_parameters`, plus ``scale`` (draw, unit, channel): scaled KPI at full saturation.
    contribution : array (draw, unit, week, channel)
        Scaled KPI.
    """
    parameters = media_parameters(z, model, np)
    draws = parameters["roi"].shape[0]
    units, weeks = model.scaled_kpi.shape
    shape = np.empty((draws, units, weeks, len(model.channels)))
    for draw in range(draws):
        one = {name: value[draw] for name, value in parameters.items()}
        shape[draw] = media_shape(one, model.stock_lags, model, np)
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
    value = model.kpi_mean * model.value_per_kpi
    learnt = {name: index for index, name in enumerate(model.channels)}
    spread = (draws, units, len(panel.channels))
    out = {key: np.zeros(spread) for key in ("half_saturation", "slope", "ceiling", "kappa", "long_term")}
    weights = np.zeros((*spread, model.max_lag + 1))
    reference = np.ones((units, len(panel.channels)))
    modelled = np.zeros((units, len(panel.weeks), len(panel.channels)))
    for position, name in enumerate(panel.channels):
        if name in learnt:
            c = learnt[name]
            one = {key: parameters[key][:, None, c] for key in ("half_saturation", "slope")}
            one["kappa"] = parameters["kappa"][:, None, c] if "kappa" in parameters else np.zeros((draws, 1))
            one["ceiling"] = parameters["scale"][:, :, c] * value
            retention = parameters["retention"][:, None, c]
            reference[:, position] = model.reference[:, c]
            modelled[:, :, position] = contribution[:, :, :, c].mean(axis=0) * value[:, None]
        else:
            one, retention, reference[:, position] = _prior_draws(rng, channels[name], model, panel, position, draws)
        for key, drawn in one.items():
            out[key][:, :, position] = drawn
        out["long_term"][:, :, position] = _long_term(rng, channels[name], draws)[:, None]
        weights[:, :, position] = geometric_weights(retention, model.max_lag)
    names = panel.channels if units == 1 else tuple(f"{c}@{u}" for u in panel.units for c in panel.channels)
    flat = {key: _by_name(values) for key, values in out.items()}
    return ResponseCurves(
        names=names,
        channels=panel.channels * units,
        units=tuple(u for u in panel.units for _ in panel.channels),
        weights=weights.reshape(draws, len(names), -1),
        reference=reference.reshape(-1),
        weeks=panel.weeks,
        spend=_history(panel.spend),
        visits=_history(panel.visits),
        attributed=_history(panel.attributed),
        modelled=_history(modelled),
        saturation=("hill",) * len(names),
        tail=np.ones((draws, len(names))),
        prior_only=tuple(name not in learnt for name in panel.channels) * units,
        currency=currency,
        fingerprint=fingerprint,
        **flat,
    )


def _history(values: Floats) -> Floats:
    """(unit, week, channel) to (week, name), channels fastest."""
    return np.ascontiguousarray(values.transpose(1, 0, 2).reshape(values.shape[1], -1))


def _long_term(rng: np.random.Generator, channel: ChannelSettings, draws: int) -> Floats:
    """Draws of the long-term multiplier, never negative."""
    return np.maximum(rng.normal(channel.long_term.mean, channel.long_term.sd, draws), 0.0)


def _prior_draws(
    rng: np.random.Generator, channel: ChannelSettings, model: MediaModel, panel: Panel, position: int, draws: int
) -> tuple[dict[str, Floats], Floats, Floats]:
    """Curves of a channel the data cannot teach: its prior, its ROI holding at its reference spend."""
    spend = panel.spend[:, :, position]
    active = (spend > 0).sum(axis=1)
    new_line = NEW_LINE_SHARE * panel.spend.sum(axis=2).mean(axis=1)
    reference = np.where(active > 0, spend.sum(axis=1) / np.maximum(active, 1), new_line)
    if channel.roi_prior:
        log_roi = rng.normal(np.log(channel.roi_prior.median), channel.roi_prior.sigma, draws)
    else:
        sd = np.hypot(CENTRE_SPREAD, model.prior.roi_spread[0])
        log_roi = rng.normal(model.prior.centre, sd, draws)
    k = HALF_SATURATION[0] * np.exp(HALF_SATURATION[1] * rng.standard_normal(draws))
    n = SLOPE[0] * np.exp(SLOPE[1] * rng.standard_normal(draws))
    retention = 1.0 / (1.0 + np.exp(-(RETENTION[0] + RETENTION[1] * rng.standard_normal(draws))))
    kappa = rng.normal(*KAPPA_MEAN, draws) if model.has_peaks else np.zeros(draws)
    at_reference = 1.0 / (1.0 + k**n)
    ceiling = np.exp(log_roi)[:, None] * reference / at_reference[:, None]
    curve = {"half_saturation": k[:, None], "slope": n[:, None], "kappa": kappa[:, None], "ceiling": ceiling}
    return curve, retention[:, None], reference


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
        one: dict[str, Any] = {
            "name": name,
            "roi": interval(last / year) if year > 0 else interval(every),
            "roi_all": interval(every),
            "mroi": interval(_marginal(parameters, model, c) / year) if year > 0 else interval(every),
            "contribution": interval(last),
            "half_life_weeks": interval(half_life_weeks(curves.weights[:, position])),
            "prior_only": False,
        }
        one["roi_long_term"] = one["roi"]["mean"] * float(curves.long_term[:, position].mean())
        one["spend_last_year"] = float(year)
        report.append(one)
    return report


def _prior_report(curves: ResponseCurves, name: str, position: int) -> dict[str, Any]:
    """A channel the data say nothing about: everything is its prior."""
    at_reference = 1.0 / (1.0 + curves.half_saturation[:, position] ** curves.slope[:, position])
    roi = curves.ceiling[:, position] * at_reference / curves.reference[position]
    mroi = roi * curves.slope[:, position] * (1.0 - at_reference)
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
    value = (model.kpi_mean * model.value_per_kpi)[:, None]
    lags = model.stock_lags[:, -YEAR:, c]
    total = np.empty(parameters["roi"].shape[0])
    for draw in range(total.size):
        weights = geometric_weights(parameters["retention"][draw, c], model.max_lag)
        k, n = parameters["half_saturation"][draw, c], parameters["slope"][draw, c]
        stock = lags @ weights
        more, now = (SATURATIONS["hill"].level(stock * up, k, n, 1.0, np) for up in (1 + step, 1.0))
        peak = np.exp(parameters["kappa"][draw, c] * model.intensity[-YEAR:]) if "kappa" in parameters else 1.0
        total[draw] = ((more - now) * peak * parameters["scale"][draw, :, c][:, None] * value).sum() / step
    return total
