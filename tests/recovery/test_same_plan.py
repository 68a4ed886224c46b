"""The same data, settings, seed and versions give the same plan to the cent, with one processor core or two."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(folder, cores, *words):
    """Call ``budget WORDS`` on some of the machine's cores."""
    held = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [sys.executable, "-m", "budget.cli", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(cores)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
        preexec_fn=lambda: os.sched_setaffinity(0, held),
    )
    assert done.returncode == 0, done.stderr
    return done


def files(folder):
    """What a plan holds, the seconds it took and the moment it was made left out."""
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    plan["proof"].pop("seconds")
    return plan, (folder / "plan.csv").read_bytes()


@pytest.mark.parametrize("project", ["small", pytest.param("demo", marks=pytest.mark.slow)])
def test_a_plan_is_the_same_on_one_core_and_on_two(request, project):
    folder = request.getfixturevalue(project)
    for cores in (1, 2):
        run(folder, cores, "plan", "--quiet", "--out", f"on{cores}")
    assert files(folder / "on1") == files(folder / "on2")
    assert json.loads(run(folder, 2, "verify", "on1", "--json").stdout)["holds"]


@pytest.mark.slow
def test_a_fit_is_the_same_on_one_core_and_on_two(small):
    text = (small / "budget.yaml").read_text(encoding="utf-8")
    model = "model: {draws: 100, tune: 100, chains: 2, holdout_weeks: 0, seed: 7}\n"
    (small / "budget.yaml").write_text(text + model, encoding="utf-8")
    curves = []
    for cores in (1, 2):
        run(small, cores, "plan", "--accept-failed-model", "--quiet", "--out", f"on{cores}")
        run(small, cores, "fit", "--quiet", "--again", "--out", f"fit{cores}")
        curves.append((small / f"fit{cores}" / "curves.npz").read_bytes())
    assert curves[0] == curves[1]
    assert files(small / "on1") == files(small / "on2")
