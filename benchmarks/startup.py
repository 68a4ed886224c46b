"""Seconds from shell to shell: ``budget --help``, and ``budget plan`` on a project whose model is fitted."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import show

BUDGET = str(Path(sys.executable).with_name("budget"))
HELP_RUNS, PLAN_RUNS = 9, 5


def seconds(arguments: list[str], folder: str, runs: int) -> list[float]:
    """How long each run of a command took; a run that fails stops the benchmark."""
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run([BUDGET, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S603 - our own command
        found.append(time.perf_counter() - began)
    return found


def main() -> None:
    """Fit the demo once, then time what a user waits for."""
    with tempfile.TemporaryDirectory() as folder:
        first = seconds(["plan"], folder, 1)
        cases = {
            "budget --help": seconds(["--help"], folder, HELP_RUNS),
            "budget plan, fitted": seconds(["plan"], folder, PLAN_RUNS),
            "budget plan, first": first,
        }
    rows = {
        "runs": [str(len(times)) for times in cases.values()],
        "min": [f"{min(times):.2f}" for times in cases.values()],
        "median": [f"{statistics.median(times):.2f}" for times in cases.values()],
        "max": [f"{max(times):.2f}" for times in cases.values()],
    }
    show("start-up: seconds from shell to shell, the demo project", rows, list(cases))


if __name__ == "__main__":
    main()
