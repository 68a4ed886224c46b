"""One compiled model for many data sets of the same shape: backtests and studies compile once and sample often."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.extract import contribution_draws
from mmm.media import parameter_shapes
from mmm.model import MediaModel, build_model, graph_data
from mmm.noise import Noise, noise_of
from mmm.sampler import compile_model, import_sampler, sample
from mmm.settings import ModelSettings

Floats = npt.NDArray[np.float64]

NOISE_DRAWS = 200  # enough for the mean media contribution, which residuals are held against


@dataclass(slots=True)
class CompiledModels:
    """Compiled models by their structure; whoever brings data of a known structure waits for no compiler.

    Attributes
    ----------
    seconds : float
        Spent importing and compiling so far.
    """

    seconds: float = 0.0
    by_structure: dict[str, Any] = field(default_factory=dict)

    def compiled(self, model: MediaModel) -> Any:
        """The compiled graph of a model's structure."""
        key = structure(model)
        if key not in self.by_structure:
            began = time.perf_counter()
            import_sampler()
            self.by_structure[key] = compile_model(build_model(model))
            self.seconds += time.perf_counter() - began
        return self.by_structure[key]

    def trace(self, model: MediaModel, settings: ModelSettings, *, show_progress: bool = False) -> Any:
        """Sample a model's posterior."""
        given = self.compiled(model).with_data(**graph_data(model))
        # ROI of many units move together with their channel's: a mass matrix that knows it takes far fewer steps.
        return sample(given, settings, correlated=model.form.units > 1, show_progress=show_progress)

    def settled(
        self, model: MediaModel, settings: ModelSettings, *, show_progress: bool = False
    ) -> tuple[MediaModel, Any]:
        """Sample a model's posterior, once more where the residuals ask for another kind of noise.

        Returns
        -------
        model : MediaModel
            With the noise that was settled on.
        trace
            Its posterior.
        """
        trace = self.trace(model, settings, show_progress=show_progress)
        if settings.noise == "plain":
            return model, trace
        noise = wanted_noise(model, trace)
        if noise.plain:
            return model, trace
        again = model.with_noise(noise)
        return again, self.trace(again, settings, show_progress=show_progress)


def wanted_noise(model: MediaModel, trace: Any) -> Noise:
    """The noise that the residuals of a sampled model ask for."""
    z = stacked(trace, model)
    some = {name: values[:: max(1, len(values) // NOISE_DRAWS)] for name, values in z.items()}
    parameters, contribution = contribution_draws(some, model)
    sigma, walk = parameters["sigma"].mean(axis=0), float(parameters["walk"].mean())
    return noise_of(model.scaled_kpi, contribution.mean(axis=0).sum(axis=2), model.baseline, sigma, walk)


def structure(model: MediaModel) -> str:
    """What two models must share to share compiled code: everything of the graph that is not its data."""
    form, lift = model.form, model.lift
    data = sorted((name, value.ndim) for name, value in graph_data(model).items())
    shapes = sorted(parameter_shapes(form).items())
    tests = None if lift is None else (lift.channel.tolist(), lift.unit.tolist())
    return repr((shapes, data, form.adstock, form.saturation, form.max_lag, form.prior.group.tolist(), tests))


def stacked(trace: Any, model: MediaModel) -> Mapping[str, Floats]:
    """Draws of every standard normal, all chains in one axis, each array (draw, ...)."""
    found = {}
    for name in parameter_shapes(model.form):
        values = np.asarray(trace.posterior[name].values, dtype=np.float64)
        found[name] = values.reshape(-1, *values.shape[2:])
    return found
