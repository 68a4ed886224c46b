"""A short, seeded part of ``make torture``: the same damage, the same trouble, fewer turns."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from benchmarks.torture import faults, fuzz
from benchmarks.torture.projects import planned_home

ROOT = Path(__file__).parents[3]


def told(report):
    return [f"{failure['kind']}, seed {failure['seed']}: {failure['fault']}\n{failure['told']}" for failure in report]


def test_every_kind_of_input_is_damaged_and_told_in_words(monkeypatch):
    from budget import runs

    monkeypatch.setattr(runs, "new_fit", runs.new_fit)  # the torture replaces it; put it back afterwards
    report = fuzz.run(len(fuzz.KINDS) * 2, seed=5, evenly=True)
    assert told(report["failures"]) == []
    assert all(kind["cases"] for kind in report["kinds"].values())
    assert {code for kind in report["kinds"].values() for code in kind["codes"]} <= fuzz.DOCUMENTED


def test_seeds_are_counted_together():
    one = {
        "cases": 2,
        "seeds": [1],
        "kinds": {"seal": {"cases": 2, "codes": {0: 1, 1: 1}, "slowest": 0.5}},
        "failures": [],
        "seconds": 1.0,
        "megabytes": 200.0,
    }
    other = one | {"seeds": [2], "kinds": {"seal": {"cases": 2, "codes": {"1": 2}, "slowest": 0.7}}, "failures": [{}]}
    both = fuzz.merged([one, other])
    assert (both["cases"], both["seeds"], len(both["failures"])) == (4, [1, 2], 1)
    assert both["kinds"] == {"seal": {"cases": 4, "codes": {"0": 1, "1": 3}, "slowest": 0.7}}


@pytest.mark.slow
def test_a_thousand_damaged_inputs(tmp_path):
    """In a process of its own: its memory is held against a limit, and other tests of this one sample."""
    command = [sys.executable, "-m", "benchmarks.torture.fuzz", "--cases", "1000", "--seeds", "6"]
    done = subprocess.run(
        [*command, "--out", tmp_path / "report.json"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert told(report["failures"]) == []
    assert report["megabytes"] < fuzz.MOST_MEGABYTES
    assert done.returncode == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    from budget import runs

    real = runs.new_fit
    yield planned_home(tmp_path_factory.mktemp("torture") / "home")
    runs.new_fit = real


QUICK = ("cut caches", "another version")


@pytest.mark.parametrize("name", QUICK)
def test_caches_that_were_cut_or_made_by_others_are_not_taken(home, tmp_path, name):
    report = faults.studies(kills=0, fits=0)[name](home, tmp_path)
    assert report["runs"] >= 6
    assert report["faults"] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(faults.studies(kills=0, fits=0).keys() - set(QUICK)))
def test_trouble_leaves_nothing_half_written(home, tmp_path, name):
    report = faults.studies(kills=8, fits=2, short=True)[name](home, tmp_path)
    assert report["runs"] > 0
    assert report["faults"] == []
