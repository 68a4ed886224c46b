"""One compiled model for many data sets of the same shape: backtests and studies compile once and sample often."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.media import parameter_shapes
from mmm.model import MediaModel, build_model, graph_data
from mmm.sampler import compile_model, import_sampler, sample
from mmm.settings import ModelSettings

Floats = npt.NDArray[np.float64]


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

    def trace(self, model: MediaModel, settings: ModelSettings) -> Any:
        """Sample a model's posterior."""
        key = structure(model)
        if key not in self.by_structure:
            began = time.perf_counter()
            import_sampler()
            self.by_structure[key] = compile_model(build_model(model))
            self.seconds += time.perf_counter() - began
        return sample(self.by_structure[key].with_data(**graph_data(model)), settings)


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
