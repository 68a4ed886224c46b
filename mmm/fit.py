"""Fits the model: sample, judge, extract. The only module that calls the sampler."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from mmm.backtest import hold_out
from mmm.calendar import Calendar
from mmm.curves import ResponseCurves
from mmm.evidence import lift_surprise
from mmm.extract import channel_report, contribution_draws, extract_curves, interval
from mmm.forecast import StoredBaseline, store_baseline
from mmm.health import convergence_checks, document, finite_or_none, fit_checks, holdout_checks
from mmm.identification import Evidence, identification_checks
from mmm.lift import LiftTest
from mmm.model import MediaModel, prepare
from mmm.panel import Panel
from mmm.prediction import fit_quality, predict
from mmm.refit import CompiledModels, stacked
from mmm.sampler import diagnose, import_sampler
from mmm.settings import ChannelSettings, EventSettings, ModelSettings

Floats = npt.NDArray[np.float64]
OnStage = Callable[[str], None]


@dataclass(slots=True)
class Stopwatch:
    """Seconds by stage, told to whoever shows progress."""

    on_stage: OnStage
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        self.on_stage(name)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Fit:
    """What a fit leaves: the document of fit.json, the curves, the baseline, and the draws for analysts."""

    document: dict[str, Any]
    curves: ResponseCurves
    baseline: StoredBaseline
    draws: Mapping[str, Any]  # xarray.Dataset by ArviZ group

    def write_draws(self, path: Path) -> None:
        """Save the draws as netCDF that every version of ArviZ reads (``arviz.from_netcdf``)."""
        for number, (group, dataset) in enumerate(self.draws.items()):
            dataset.to_netcdf(path, group=group, mode="a" if number else "w", engine="h5netcdf")


def fit(
    panel: Panel,
    channels: Mapping[str, ChannelSettings],
    calendar: Calendar,
    events: tuple[EventSettings, ...],
    settings: ModelSettings,
    lift_tests: Sequence[LiftTest] = (),
    *,
    currency: str = "CNY",
    fingerprint: str = "",
    on_stage: OnStage = lambda _: None,
    show_progress: bool = False,
) -> Fit:
    """Fit the model to the panel and judge it.

    Parameters
    ----------
    panel : Panel
    channels : mapping
        Settings of every channel of the panel.
    calendar : Calendar
        Peaks.
    events : tuple of EventSettings
    settings : ModelSettings
    lift_tests : sequence of LiftTest
        Experiments that the model is to agree with, within their errors.
    currency, fingerprint : str
        Kept with the curves.
    on_stage : callable
        Told the name of each stage as it starts: import, build, compile, sample, extract, hold out.
    show_progress : bool
        Show the sampler's own progress bar on a terminal.

    Returns
    -------
    Fit

    Raises
    ------
    KeyboardInterrupt
        When stopped; nothing is kept of a half-finished fit.
    """
    watch = Stopwatch(on_stage)
    began = time.perf_counter()
    with watch.stage("import"):
        import_sampler()
    with watch.stage("build"):
        model = prepare(panel, channels, calendar, events, settings, lift_tests)
    models = CompiledModels()
    with watch.stage("compile"):
        models.compiled(model)
    with watch.stage("sample"):
        model, trace = models.settled(model, settings, show_progress=show_progress)
    with watch.stage("extract"), threadpool_limits(limits=1, user_api="blas"):
        z = stacked(trace, model)
        parameters, contribution = contribution_draws(z, model)
        curves = extract_curves(
            parameters,
            contribution,
            model,
            panel,
            channels,
            currency=currency,
            fingerprint=fingerprint,
            seed=settings.seed,
        )
        baseline = store_baseline(model, parameters, contribution, panel.controls, settings.seed)
        predicted = predict(model, parameters, contribution, settings.seed)
        diagnostics = diagnose(trace, parameters, settings)
        quality = fit_quality(model, predicted)
        report = channel_report(curves, parameters, contribution, model, panel)
        draws = draw_groups(model, parameters, trace, settings)
    with watch.stage("hold out"):
        held_out = hold_out(panel, channels, calendar, events, settings, models, lift_tests)
    checks = [
        *convergence_checks(diagnostics),
        *fit_checks(quality, predicted.p_value, predicted.p_negative),
        *(holdout_checks(held_out, settings.holdout_weeks) if held_out else ()),
        *identification_checks(_evidence(panel, model, z["roi_z"], parameters, report)),
    ]
    seconds = watch.seconds | {"total": time.perf_counter() - began}
    return Fit(
        document={
            "channels": report,
            "units": list(panel.units),
            "weeks": [panel.weeks[0].isoformat(), panel.weeks[-1].isoformat()],
            "currency": currency,
            "media_share": _media_share(contribution, model),
            "diagnostics": {name: finite_or_none(value) for name, value in diagnostics.items()},
            "health": document(checks),
            "fit_quality": quality,
            "hold_out": held_out,
            "noise": {
                "memory": model.noise.memory,
                "growth": model.noise.growth,
                "heavy_weeks": model.noise.heavy_weeks,
            },
            "seconds": seconds,
            "seed": settings.seed,
            "fingerprint": fingerprint,
        },
        curves=curves,
        baseline=baseline,
        draws=draws,
    )


def _evidence(
    panel: Panel,
    model: MediaModel,
    own_effect: Floats,
    parameters: Mapping[str, Any],
    report: Sequence[Mapping[str, Any]],
) -> Evidence:
    """What the checks of identification look at."""
    lift = model.lift
    tested = () if lift is None else tuple(dict.fromkeys(model.channels[c] for c in lift.channel))
    return Evidence(
        names=model.channels,
        spend=panel.spend[:, :, [panel.channels.index(name) for name in model.channels]],
        demand=model.baseline.fixed,
        own_effect=own_effect,
        increasing={one["name"]: one["prob_increasing_returns"] for one in report if not one["prior_only"]},
        tested=tested,
        lift_off=np.empty(0) if lift is None else lift_surprise(lift, parameters, model.form),
        prior_only=tuple(name for name in panel.channels if name not in model.channels),
    )


def _media_share(contribution: Floats, model: MediaModel) -> dict[str, float]:
    """Share of all media in the KPI value, over all weeks."""
    value = model.kpi_mean * model.value_per_kpi
    share = (contribution.sum(axis=3).mean(axis=2) * (value / value.sum())).sum(axis=1)
    return interval(share)


def draw_groups(
    model: MediaModel, parameters: Mapping[str, Any], trace: Any, settings: ModelSettings
) -> dict[str, Any]:
    """The posterior in its own units with named coordinates, and how it was sampled: ArviZ's groups by name."""
    import xarray as xr

    coords = {"unit": list(model.units), "channel": list(model.channels)}
    dims = {
        "roi": ("unit", "channel"),
        "retention": ("channel",),
        "half_saturation": ("channel",),
        "slope": ("channel",),
        "kappa": ("channel",),
        "sigma": ("unit",),
    }
    per_draw = (settings.chains, settings.draws)
    posterior = {
        name: (("chain", "draw", *axes), np.asarray(parameters[name]).reshape(*per_draw, *parameters[name].shape[1:]))
        for name, axes in dims.items()
        if name in parameters
    }
    stats = {
        name: (("chain", "draw"), np.asarray(trace.sample_stats[name].values)) for name in ("diverging", "n_steps")
    }
    return {
        "posterior": xr.Dataset(posterior, coords=coords),
        "sample_stats": xr.Dataset(stats),
        "observed_data": xr.Dataset({"scaled_kpi": (("unit", "week"), model.scaled_kpi)}, coords=coords),
    }
