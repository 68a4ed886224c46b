"""Seconds and leapfrog steps of sampling against weeks, channels and units, to see whether it is linear in each.

From the project's root: ``python -m benchmarks.scaling`` (or only some axes: ``... weeks channels``).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.cases import channels_of, panel_of, show
from benchmarks.evidence.markets import market
from mmm.calendar import NO_PEAKS, Calendar
from mmm.extract import contribution_draws
from mmm.model import prepare
from mmm.panel import Panel
from mmm.refit import CompiledModels, stacked
from mmm.sampler import diagnose
from mmm.settings import ModelSettings
from mmm.simulate import random_market

SETTINGS = ModelSettings(draws=500, tune=500, chains=2, cores=1)
WEEKS, CHANNELS, UNITS = (78, 156, 312), (3, 6, 12, 24), (1, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Case:
    """One measured size."""

    axis: str
    size: int
    compile_seconds: float
    seconds: float
    steps: float
    ess: float
    rhat: float

    @property
    def per_step(self) -> float:
        """Milliseconds a kept leapfrog step would cost if warm-up took as many: comparable within the table."""
        return 1e3 * self.seconds / (2 * SETTINGS.chains * SETTINGS.draws * self.steps)


def panels(axes: list[str]) -> Iterator[tuple[str, int, Panel]]:
    """The panels along each axis: 156 weeks x 6 channels of a random market, 5 channels in several units."""
    if "weeks" in axes:
        yield from (("weeks", n, panel_of(random_market(1, n, 6))) for n in WEEKS)
    if "channels" in axes:
        yield from (("channels", n, panel_of(random_market(1, 156, n))) for n in CHANNELS)
    if "units" in axes:
        yield from (("units", n, market("logistic", 0, units=n).panel) for n in UNITS)


def measured(cases: Iterator[tuple[str, int, Panel]]) -> list[Case]:
    """Measure each in a fresh process.

    Of 1, 4 and 8 units compiled in one process, the third's density returned errors, which it never does alone.
    """
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        return [pool.submit(measure, *case).result() for case in cases]


def measure(axis: str, size: int, panel: Panel) -> Case:
    """Compile, sample once."""
    model = prepare(panel, channels_of(panel), Calendar(NO_PEAKS, ()), (), SETTINGS)
    compiled = CompiledModels()
    compiled.compiled(model)
    began = time.perf_counter()
    trace = compiled.trace(model, SETTINGS)
    seconds = time.perf_counter() - began
    found = diagnose(trace, contribution_draws(stacked(trace, model), model)[0], SETTINGS)
    return Case(axis, size, compiled.seconds, seconds, found["mean_steps"], found["min_ess_bulk"], found["max_rhat"])


def exponent(cases: list[Case]) -> float:
    """Slope of log seconds by log size: 1 is linear."""
    return float(np.polyfit(np.log([c.size for c in cases]), np.log([c.seconds for c in cases]), 1)[0])


def main() -> None:
    """Measure the axes named on the command line (all of them when none is), print, and keep a JSON if asked."""
    axes = [word for word in sys.argv[1:] if word in ("weeks", "channels", "units")] or ["weeks", "channels", "units"]
    cases = measured(panels(axes))
    for axis in axes:
        mine = [case for case in cases if case.axis == axis]
        rows = {
            "seconds, compiling": [f"{c.compile_seconds:.1f}" for c in mine],
            "seconds, sampling": [f"{c.seconds:.1f}" for c in mine],
            "leapfrog steps a draw": [f"{c.steps:.1f}" for c in mine],
            "milliseconds a step": [f"{c.per_step:.3f}" for c in mine],
            "least ROI ESS": [f"{c.ess:.0f}" for c in mine],
            "largest R-hat": [f"{c.rhat:.3f}" for c in mine],
        }
        title = f"sampling 2 x (500 + 500) draws by {axis}: seconds ~ {axis}^{exponent(mine):.2f}"
        show(title, rows, [str(c.size) for c in mine])
    if paths := [word for word in sys.argv[1:] if word.endswith(".json")]:
        kept = [{name: getattr(c, name) for name in Case.__slots__} for c in cases]
        Path(paths[0]).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
