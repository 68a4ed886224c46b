"""Fits the model: sample, judge, extract. The only module that calls the sampler."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from mmm.baseline import baseline_draws
from mmm.calendar import Calendar
from mmm.curves import ResponseCurves
from mmm.extract import channel_report, contribution_draws, extract_curves, interval
from mmm.forecast import StoredBaseline, store_baseline
from mmm.health import convergence_checks, document, finite_or_none, fit_checks, identification_checks
from mmm.lift import LiftTest
from mmm.media import parameter_shapes
from mmm.model import MediaModel, build_model, prepare
from mmm.panel import Panel
from mmm.settings import ChannelSettings, EventSettings, ModelSettings

Floats = npt.NDArray[np.float64]
OnStage = Callable[[str], None]

QUARTER_WEEKS = 13


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
        Told the name of each stage as it starts: import, build, compile, sample, extract.
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
        graph = build_model(model)
    with watch.stage("compile"):
        compiled = compile_model(graph)
    with watch.stage("sample"):
        trace = sample(compiled, settings, show_progress=show_progress)
    with watch.stage("extract"), threadpool_limits(limits=1, user_api="blas"):
        z = {name: _stacked(trace, name) for name in parameter_shapes(model.form)}
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
        checks = [
            *convergence_checks(diagnostics),
            *fit_checks(quality, predicted.p_value, predicted.p_negative),
            *identification_checks(
                model.channels,
                panel.spend[:, :, [panel.channels.index(name) for name in model.channels]],
                z["roi_z"],
                [name for name in panel.channels if name not in model.channels],
            ),
        ]
        report = channel_report(curves, parameters, contribution, model, panel)
        draws = draw_groups(model, parameters, trace, settings)
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
            "seconds": seconds,
            "seed": settings.seed,
            "fingerprint": fingerprint,
        },
        curves=curves,
        baseline=baseline,
        draws=draws,
    )


def import_sampler() -> None:
    """Import PyMC and nutpie, which takes seconds and is best shown as a stage of its own."""
    import os

    # Sampling runs through numba, so PyTensor must not look for a C compiler.
    os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
    # LLVM's first level of optimisation compiles a fifth faster and samples no slower.
    os.environ.setdefault("NUMBA_OPT", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ArviZ announces its next major version at every import
        import nutpie  # noqa: F401
        import pymc  # noqa: F401


def compile_model(graph: Any) -> Any:
    """Compile the graph with numba; the result can be given other data of the same kind by ``with_data``."""
    import nutpie
    import pytensor

    # With fast maths, code compiled anew and code read from the cache add in another order: same seed, other draws.
    exact = pytensor.config.change_flags(numba__fastmath=False)
    with warnings.catch_warnings(), exact:
        warnings.simplefilter("ignore")  # numba warns of what it cannot cache
        return nutpie.compile_pymc_model(graph, backend="numba")


def sample(compiled: Any, settings: ModelSettings, *, show_progress: bool = False) -> Any:
    """Draw from the posterior with NUTS; Ctrl-C stops at once and keeps nothing."""
    import nutpie

    sampler = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        seed=settings.seed,
        target_accept=settings.target_accept,
        progress_bar=show_progress,
        save_warmup=False,
        blocking=False,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sampler.wait()
    except BaseException:
        sampler.cancel()
        raise


def _stacked(trace: Any, name: str) -> Floats:
    """Draws of all chains in one axis, array (draw, ...)."""
    values = np.asarray(trace.posterior[name].values, dtype=np.float64)
    return values.reshape(-1, *values.shape[2:])


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
    noise = sigma[..., None] * rng.standard_normal(fitted.shape)
    real = ((model.scaled_kpi - fitted) ** 2).mean(axis=(1, 2))
    return Predicted(
        fitted=fitted,
        replicated=fitted + noise,
        p_value=float(((noise**2).mean(axis=(1, 2)) > real).mean()),
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
    centred = real - real.mean(axis=1, keepdims=True)
    low, high = np.quantile(predicted.replicated, [0.05, 0.95], axis=0)
    nonzero = real != 0
    return {
        "r2": float(1 - (residual**2).sum() / (centred**2).sum()),
        "mape": float(np.abs(residual[nonzero] / real[nonzero]).mean()),
        "coverage90": float(((real >= low) & (real <= high)).mean()),
        "durbin_watson": float((np.diff(residual, axis=1) ** 2).sum() / (residual**2).sum()),
    }


def _by_chain(values: Any, settings: ModelSettings) -> Floats:
    """Draws by chain, array (chain, draw, parameter); a single chain is held against itself, half against half."""
    chains = np.asarray(values, dtype=np.float64).reshape(settings.chains, settings.draws, -1)
    if settings.chains > 1:
        return chains
    half = settings.draws // 2
    return chains[0, : 2 * half].reshape(2, half, -1)


def diagnose(trace: Any, parameters: Mapping[str, Any], settings: ModelSettings) -> dict[str, Any]:
    """R-hat over all parameters, effective sample sizes over every ROI, divergences."""
    import arviz

    roi = _by_chain(parameters["roi"], settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = np.concatenate([_by_chain(values, settings) for values in trace.posterior.values()], axis=2)
        table = arviz.convert_to_dataset({"roi": roi, "every": every})
        rhat = arviz.rhat(table)
        bulk, tail = (arviz.ess(table[["roi"]], method=method)["roi"].values for method in ("bulk", "tail"))
    return {
        "max_rhat": float(np.concatenate([rhat["roi"].values, rhat["every"].values]).max()),
        "min_ess_bulk": float(bulk.min()),
        "min_ess_tail": float(tail.min()),
        "divergences": int(np.asarray(trace.sample_stats["diverging"].values).sum()),
        "draws": settings.draws,
        "chains": settings.chains,
        "mean_steps": float(np.asarray(trace.sample_stats["n_steps"].values).mean()),
    }


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
