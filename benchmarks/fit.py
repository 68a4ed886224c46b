"""Seconds and effective draws of a whole fit, in a fresh process with an empty compile cache, and once more warm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cases import channels_of, panel_of, show

from mmm.calendar import NO_PEAKS, Calendar
from mmm.fit import fit
from mmm.settings import ModelSettings
from mmm.simulate import random_market

STAGES = ("import", "build", "compile", "sample", "extract", "total")
MEASURE = "--measure"


def measure() -> dict[str, Any]:
    """Fit one market with the default settings and return the parts of fit.json that are shown."""
    panel = panel_of(random_market(seed=101, weeks=156, channels=6))
    document = fit(panel, channels_of(panel), Calendar(NO_PEAKS, ()), (), ModelSettings()).document
    return {"seconds": document["seconds"], "diagnostics": document["diagnostics"]}


def in_fresh_process(cache: Path) -> dict[str, Any]:
    """Measure in a new process that keeps what it compiles in a folder of its own."""
    own = {"PYTENSOR_FLAGS": f"base_compiledir={cache},cxx=", "NUMBA_CACHE_DIR": str(cache / "numba-functions")}
    command = [sys.executable, __file__, MEASURE]
    done = subprocess.run(command, env=os.environ | own, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603 - itself
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def described(run: dict[str, Any]) -> dict[str, str]:
    """The table's column of one run."""
    seconds, diagnostics = run["seconds"], run["diagnostics"]
    bulk = diagnostics["min_ess_bulk"]
    return {
        **{f"seconds, {stage}": f"{seconds[stage]:.1f}" for stage in STAGES},
        "draws": f"{diagnostics['chains']} x {diagnostics['draws']}",
        "least ROI ESS (bulk)": f"{bulk:.0f}",
        "ESS per second of sampling": f"{bulk / seconds['sample']:.0f}",
        "ESS per second in all": f"{bulk / seconds['total']:.0f}",
        "largest R-hat": f"{diagnostics['max_rhat']:.4f}",
        "divergences": str(diagnostics["divergences"]),
    }


def main() -> None:
    """Run cold, run warm, print."""
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = (described(in_fresh_process(Path(folder))) for _ in range(2))
    rows = {name: (cold[name], warm[name]) for name in cold}
    show("fit: 156 weeks x 6 channels, default settings", rows, ("empty cache", "warm cache"))


if __name__ == "__main__":
    if MEASURE in sys.argv:
        print(json.dumps(measure()))
    else:
        main()
