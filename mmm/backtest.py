"""Rolling-origin backtests: fit to the past, forecast weeks held out, score against forecasts that know no media.

The held-out weeks' spend, controls, peaks and events are given to every method: what is tested is what the model makes
of them. Scores are per week and unit, over the unit's mean KPI of the held-out weeks.

Source: Tashman 2000, "Out-of-sample tests of forecasting accuracy" (rolling origins); Gneiting & Raftery 2007 (CRPS).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mmm.baseline import frame_of
from mmm.calendar import Calendar
from mmm.faults import fault
from mmm.panel import Panel
from mmm.problems import InputError, Problem
from mmm.scores import covered, crps
from mmm.settings import BacktestSettings, ChannelSettings, EventSettings, ModelSettings

if TYPE_CHECKING:
    from mmm.lift import LiftTest
    from mmm.refit import CompiledModels

Floats = npt.NDArray[np.float64]
OnStage = Callable[[str], None]

YEAR = 52
LEAST_TRAINING = 78  # a year, and half a year more that seasonal forecasts can be judged on
RIVAL_DRAWS = 1000
HOLDOUT_DRAWS = 500
PENALTIES = np.logspace(-3, 5, 33)


@dataclass(frozen=True, slots=True)
class Split:
    """What is known at an origin, and what came after.

    Attributes
    ----------
    past, later : Panel
        The weeks to learn from, and the weeks held out.
    """

    past: Panel
    later: Panel

    @property
    def weeks(self) -> int:
        """Number of held-out weeks."""
        return len(self.later.weeks)


def cut(panel: Panel, start: int, stop: int) -> Panel:
    """The panel's weeks from ``start`` up to ``stop``."""
    arrays = ("kpi", "value_per_kpi", "spend", "control", "visits", "attributed")
    parts = {name: getattr(panel, name)[:, start:stop].copy() for name in arrays}
    return replace(panel, weeks=panel.weeks[start:stop], **parts)


def splits(panel: Panel, settings: BacktestSettings) -> tuple[Split, ...]:
    """Origins ``horizon`` weeks apart, the last one ``horizon`` weeks before the end of the data.

    Raises
    ------
    InputError
        When the first origin would leave too little to learn from.
    """
    total, ahead = len(panel.weeks), settings.horizon
    origins = [total - ahead * back for back in range(settings.origins, 0, -1)]
    if origins[0] < LEAST_TRAINING:
        most = max(0, (total - LEAST_TRAINING) // ahead)
        what = fault(
            "the first of {count} origins would leave {weeks} weeks to learn from",
            count=settings.origins,
            weeks=max(0, origins[0]),
        )
        fewer = "{least} are needed: take at most {most} origins, or a shorter horizon."
        none = "{least} weeks and a horizon are needed: take a shorter horizon, or wait for more data."
        cure = fault(fewer if most else none, least=LEAST_TRAINING, most=most)
        raise InputError([Problem(what, "backtest.origins", str(settings.origins), cure)])
    return tuple(Split(cut(panel, 0, origin), cut(panel, origin, origin + ahead)) for origin in origins)


def backtest(
    panel: Panel,
    channels: Mapping[str, ChannelSettings],
    calendar: Calendar,
    events: tuple[EventSettings, ...],
    model: ModelSettings,
    settings: BacktestSettings,
    lift_tests: Sequence[LiftTest] = (),
    *,
    on_stage: OnStage = lambda _: None,
) -> dict[str, Any]:
    """Hold out, fit, forecast and score at every origin; the document of ``backtest.json``.

    Parameters
    ----------
    panel, channels, calendar, events
        As for a fit.
    model : ModelSettings
        Its draws and warm-up are replaced by the backtest's.
    settings : BacktestSettings
    lift_tests : sequence of LiftTest
        Each counts from the origins after its end.
    on_stage : callable
        Told "Origin 1 of 4" and so on.

    Raises
    ------
    InputError
        When the data are too short.
    """
    from mmm.refit import CompiledModels

    began = time.perf_counter()
    held_out = splits(panel, settings)
    short = model.model_copy(update={"draws": settings.draws, "tune": settings.draws})
    compiled = CompiledModels()
    found = []
    for number, split in enumerate(held_out, start=1):
        on_stage(f"Origin {number} of {len(held_out)}")
        ours, diagnostics = forecast_split(split, channels, calendar, events, short, compiled, lift_tests)
        draws = {"model": ours} | {name: rule(split, calendar, events, model) for name, rule in RIVALS.items()}
        found.append(_origin(split, draws, diagnostics))
    return {
        "horizon": settings.horizon,
        "methods": ["model", *RIVALS],
        "origins": found,
        "summary": _summary(found),
        "compilations": len(compiled.by_structure),
        "seconds": {"compile": compiled.seconds, "total": time.perf_counter() - began},
    }


def forecast_split(
    split: Split,
    channels: Mapping[str, ChannelSettings],
    calendar: Calendar,
    events: tuple[EventSettings, ...],
    settings: ModelSettings,
    compiled: CompiledModels,
    lift_tests: Sequence[LiftTest] = (),
) -> tuple[Floats, dict[str, Any]]:
    """The model's forecast draws (draw, unit, week) of the held-out weeks, and how its sampling went."""
    from mmm.extract import contribution_draws, extract_curves
    from mmm.forecast import forecast, store_baseline
    from mmm.model import prepare
    from mmm.refit import stacked
    from mmm.sampler import diagnose

    past = split.past
    known = tuple(test for test in lift_tests if test.end <= past.weeks[-1])
    model, trace = compiled.settled(prepare(past, channels, calendar, events, settings, known), settings)
    parameters, contribution = contribution_draws(stacked(trace, model), model)
    curves = extract_curves(
        parameters, contribution, model, past, channels, currency="", fingerprint="", seed=settings.seed
    )
    baseline = store_baseline(model, parameters, contribution, past.controls, settings.seed)
    spend = split.later.spend.transpose(1, 0, 2).reshape(split.weeks, -1)
    ahead = forecast(baseline, curves, spend, calendar, events, split.later.control, seed=settings.seed)
    return ahead.kpi, diagnose(trace, parameters, settings)


def hold_out(
    panel: Panel,
    channels: Mapping[str, ChannelSettings],
    calendar: Calendar,
    events: tuple[EventSettings, ...],
    settings: ModelSettings,
    compiled: CompiledModels,
    lift_tests: Sequence[LiftTest] = (),
) -> dict[str, dict[str, float]] | None:
    """Scores of the model and of repeating last year on the last weeks; None when too little is left to learn from."""
    ahead = settings.holdout_weeks
    if not ahead or len(panel.weeks) - ahead < LEAST_TRAINING:
        return None
    (split,) = splits(panel, BacktestSettings(origins=1, horizon=ahead))
    few = {"draws": HOLDOUT_DRAWS, "tune": HOLDOUT_DRAWS, "chains": 2}
    short = settings.model_copy(update={name: min(value, getattr(settings, name)) for name, value in few.items()})
    ours, _ = forecast_split(split, channels, calendar, events, short, compiled, lift_tests)
    naive = seasonal_naive(split, calendar, events, short)
    return {"model": scored(ours, split.later.kpi), "seasonal_naive": scored(naive, split.later.kpi)}


def _origin(split: Split, draws: Mapping[str, Floats], diagnostics: Mapping[str, Any]) -> dict[str, Any]:
    """One origin of the document; KPI and forecasts are summed over units."""
    kept = ("max_rhat", "min_ess_bulk", "divergences")
    totals = {name: values.sum(axis=1) for name, values in draws.items()}
    return {
        "trained_to": split.past.weeks[-1].isoformat(),
        "weeks": [week.isoformat() for week in split.later.weeks],
        "kpi": split.later.kpi.sum(axis=0).tolist(),
        "forecast": {
            name: {
                "mean": total.mean(axis=0).tolist(),
                **{f"p{q:02d}": np.quantile(total, q / 100, axis=0).tolist() for q in (5, 95)},
            }
            for name, total in totals.items()
        },
        "scores": {name: scored(values, split.later.kpi) for name, values in draws.items()},
        "diagnostics": {name: diagnostics[name] for name in kept},
    }


def scored(draws: Floats, kpi: Floats) -> dict[str, float]:
    """CRPS over the mean KPI, mean absolute percentage error of the mean forecast, share of weeks in the 90% interval.

    Parameters
    ----------
    draws : array (draw, unit, week)
    kpi : array (unit, week)
    """
    some = kpi != 0
    miss = np.abs(draws.mean(axis=0) - kpi)
    return {
        "crps": float((crps(draws, kpi) / kpi.mean(axis=1, keepdims=True)).mean()),
        "mape": float((miss[some] / np.abs(kpi[some])).mean()),
        "coverage90": float(covered(draws, kpi).mean()),
    }


def _summary(origins: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean scores by method over the origins, and the share of the best rival's CRPS that the model saves."""
    names = list(origins[0]["scores"])
    found: dict[str, Any] = {
        name: {
            key: float(np.mean([origin["scores"][name][key] for origin in origins]))
            for key in ("crps", "mape", "coverage90")
        }
        for name in names
    }
    best = min(RIVALS, key=lambda name: found[name]["crps"])
    return {"scores": found, "best_rival": best, "skill": 1.0 - found["model"]["crps"] / found[best]["crps"]}


# Rivals ---------------------------------------------------------------------------------------------------------------


def _normal(mean: Floats, sd: Floats) -> Floats:
    """Draws of a normal forecast by its quantiles, array (draw, unit, week)."""
    from statistics import NormalDist

    quantiles = np.array([NormalDist().inv_cdf((k + 0.5) / RIVAL_DRAWS) for k in range(RIVAL_DRAWS)])
    return np.asarray(mean + sd * quantiles[:, None, None])


def seasonal_naive(
    split: Split, _calendar: Calendar, _events: Sequence[EventSettings], _model: ModelSettings
) -> Floats:
    """The same week of last year; as sure as that was right in the past."""
    kpi = split.past.kpi
    sd = (kpi[:, YEAR:] - kpi[:, :-YEAR]).std(axis=1)
    return _normal(_last_year(kpi, split.weeks), sd[:, None])


def _last_year(kpi: Floats, weeks: int) -> Floats:
    """KPI 52 weeks before each of the ``weeks`` that follow; a horizon beyond a year takes the year again."""
    back = np.arange(weeks) % YEAR
    return np.asarray(kpi[:, kpi.shape[1] - YEAR + back])


def last_year_with_growth(
    split: Split, _calendar: Calendar, _events: Sequence[EventSettings], _model: ModelSettings
) -> Floats:
    """The same week of last year times what the last 13 weeks grew by; as sure as that was right in the past."""
    kpi, quarter = split.past.kpi, 13
    recent = np.lib.stride_tricks.sliding_window_view(kpi, quarter, axis=1).mean(axis=2)
    growth = recent[:, YEAR:] / recent[:, :-YEAR]  # at the end of each week from the 65th on
    told = kpi[:, quarter : quarter + growth.shape[1] - 1] * growth[:, :-1]
    sd = (kpi[:, quarter + YEAR :] - told).std(axis=1)
    return _normal(_last_year(kpi, split.weeks) * growth[:, -1:], sd[:, None])


def ridge(split: Split, calendar: Calendar, events: Sequence[EventSettings], model: ModelSettings) -> Floats:
    """Ridge regression on the baseline's columns and the logarithm of spend, its penalty by cross-validation.

    Source: Golub, Heath & Wahba 1979, "Generalized Cross-Validation as a Method for Choosing a Good Ridge Parameter".
    """
    past, later = split.past, split.later
    frame = frame_of(past, calendar, events, model)
    names, _, seen = frame.columns(past.weeks, calendar, events)
    found, _, columns = frame.columns(later.weeks, calendar, events)
    unseen = np.zeros(columns.shape[:2])
    ahead = np.stack([columns[:, :, found.index(n)] if n in found else unseen for n in names], axis=2)
    usual = past.spend.mean(axis=1, keepdims=True)
    usual = np.where(usual > 0, usual, 1.0)
    told = []
    for unit in range(len(past.units)):
        design, target = (
            np.concatenate([columns[unit], controls[unit], np.log1p(panel.spend[unit] / usual[unit])], axis=1)
            for columns, controls, panel in (
                (seen, frame.controls(past.control), past),
                (ahead, frame.controls(later.control), later),
            )
        )
        told.append(_ridge(design, past.kpi[unit], target))
    return _normal(np.stack([mean for mean, _ in told]), np.array([[sd] for _, sd in told]))


def _ridge(design: Floats, kpi: Floats, target: Floats) -> tuple[Floats, float]:
    """Forecast (week,) and residual sd of a ridge regression."""
    centre, spread = design.mean(axis=0), design.std(axis=0)
    spread = np.where(spread > 0, spread, np.inf)
    left, values, right = np.linalg.svd((design - centre) / spread, full_matrices=False)
    aligned = left.T @ (kpi - kpi.mean())
    best = (np.inf, np.zeros(design.shape[1]), float(kpi.std()))
    for penalty in PENALTIES:
        kept = values**2 / (values**2 + penalty)
        residual = kpi - kpi.mean() - left @ (kept * aligned)
        freedom = len(kpi) - 1 - kept.sum()
        if freedom < 1:  # as many columns as weeks: this penalty would fit the noise
            continue
        error = (residual**2).sum() / freedom**2
        if error < best[0]:
            coefficients = right.T @ (values / (values**2 + penalty) * aligned)
            best = (error, coefficients, float(np.sqrt((residual**2).sum() / freedom)))
    return kpi.mean() + (target - centre) / spread @ best[1], best[2]


RIVALS: dict[str, Callable[[Split, Calendar, Sequence[EventSettings], ModelSettings], Floats]] = {
    "seasonal_naive": seasonal_naive,
    "last_year": last_year_with_growth,
    "ridge": ridge,
}
