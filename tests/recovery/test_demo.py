"""The demo from nothing, as a user runs it: `budget plan --total 5000000` in an empty folder, then twice more."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BUDGET = str(Path(sys.executable).with_name("budget"))
TOTAL = Decimal("5000000.00")
CATEGORIES = {"channel_promotion": "0.40", "content_production": "0.35", "tools": "0.15", "user_incentives": "0.10"}


def run_plan(folder):
    """Plan in a folder, with a compile cache of its own beside it: empty at first."""
    cache = folder.parent / f"{folder.name} cache"
    own = {"PYTENSOR_FLAGS": f"base_compiledir={cache},cxx=", "NUMBA_CACHE_DIR": str(cache / "functions")}
    return subprocess.run(
        [BUDGET, "plan", "--total", "5000000"],
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=400,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("from nothing")


@pytest.fixture(scope="module")
def out(folder):
    done = run_plan(folder)
    assert done.returncode == 0, done.stderr
    assert "demo project" in done.stderr
    return folder / "plans" / "2027Q4"


@pytest.fixture(scope="module")
def plan(out):
    return json.loads((out / "plan.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def spend(out):
    """Spend of every line over the quarter, from the CSV's own digits."""
    total = defaultdict(Decimal)
    with (out / "plan.csv").open(encoding="utf-8-sig", newline="") as rows:
        for row in csv.DictReader(rows):
            assert Decimal(row["spend"]) >= 0
            total[row["line"]] += Decimal(row["spend"])
    return dict(total)


def test_the_plan_spends_the_total_to_the_cent(plan, spend):
    assert sum(spend.values()) == TOTAL
    assert sum(round(line["spend"] * 100) for line in plan["lines"]) == 500_000_000
    assert {line["name"]: Decimal(str(line["spend"])) for line in plan["lines"]} == spend


def test_every_category_gets_its_share_to_the_cent(plan, spend):
    found = defaultdict(Decimal)
    for line in plan["lines"]:
        found[line["category"]] += spend[line["name"]]
    assert found == {name: Decimal(share) * TOTAL for name, share in CATEGORIES.items()}


def test_social_is_capped_and_emerging_has_its_floor(plan, spend):
    def share(group):
        return sum(spend[line["name"]] for line in plan["lines"] if group in line["groups"]) / TOTAL

    assert share("social") <= Decimal("0.45")
    assert share("emerging") >= Decimal("0.05")


def test_the_plan_is_proven_and_the_model_trusted(plan):
    assert plan["status"] in {"optimal", "feasible"}
    # Draws of the shape's prior are S-shaped, so the gap to their concave hulls is about a hundredth.
    assert 0 <= plan["proof"]["gap"] < 0.03
    assert plan["health"]["verdict"] != "FAIL"
    assert plan["expected"]["gmv"]["p05"] < plan["expected"]["gmv"]["mean"] < plan["expected"]["gmv"]["p95"]
    # It gives up little against last year's mix, which obeys none of the new rules.
    gain = plan["versus"]["pro_rata"]["gmv_gain"]
    assert gain["p95"] > 0
    assert gain["mean"] > -0.02 * plan["expected"]["gmv"]["mean"]


def test_the_weak_line_of_the_demo_starts_cut(plan):
    """Kuaishou closes the data under 1:4 with rising spend, so the rule fires on it."""
    (rule,) = plan["rules"]
    assert rule["fired"]
    assert "kuaishou_live" in rule["lines"]


def without_seconds(plan):
    """What must repeat: the time that solving took need not."""
    return plan | {"proof": plan["proof"] | {"seconds": None}}


def assert_same_plan(out, plan, first_csv):
    again = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert (out / "plan.csv").read_bytes() == first_csv
    assert again["id"] == plan["id"]
    assert without_seconds(again) == without_seconds(plan)


@pytest.fixture(scope="module")
def first_csv(out):
    return (out / "plan.csv").read_bytes()


def test_a_second_run_reuses_the_fit_and_gives_the_same_plan(folder, out, plan, first_csv):
    again = run_plan(folder)
    assert again.returncode == 0, again.stderr
    assert "Using the fitted model kept in .budget" in again.stderr
    assert "Sampling" not in again.stderr
    assert_same_plan(out, plan, first_csv)


def test_a_fit_made_again_gives_the_same_plan(folder, out, plan, first_csv):
    """Compiled code is now read from the cache instead of made: that must not change a digit."""
    shutil.rmtree(folder / ".budget")
    again = run_plan(folder)
    assert again.returncode == 0, again.stderr
    assert "Sampling" in again.stderr
    assert_same_plan(out, plan, first_csv)
