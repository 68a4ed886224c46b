"""A whole quarter from the shell: thirteen files, thirteen reviews, a policy shock in week 4 and a Double-12 surge.

What must happen is worked out here from the files alone.
"""

import csv
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from weeks import MARKET, Player, plan_in

from budget.project import load_project
from mmm.simulate import Shock

pytestmark = pytest.mark.slow

BUDGET = str(Path(sys.executable).parent / "budget")
POLICY = Shock("policy", date(2027, 10, 25), date(2027, 11, 21), 0.0, {"weibo": 0.5}, {"weibo": 0.6})
SURGE = Shock("surge", date(2027, 12, 6), date(2027, 12, 12), 0.1, {"douyin_live": 1.6})
TOTAL_FEN = 500_000_000
ADD_FEN = 20_000_000

ELASTIC = """\
lines:
  elastic: {category: tools, reserve: true, label: {en: Elastic seats, zh: 弹性坐席}}
"""
MORE = """\
  constraints:
    - {kind: bounds, name: elastic seats, lines: elastic, min: 650000, max: 650000}
"""
TOP_UP = """\
    - kind: top_up
      name: Double-12 strength
      roi_at_least: 5.2
      window: double12
      add: 200000
      from: reserve
      reserve: elastic
      lines: douyin_live
"""


def run(folder, *words):
    done = subprocess.run([BUDGET, *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(path):
    """Spend in fen and attributed GMV by line, of one file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["line"]: (round(100 * float(row["spend"])), row["attributed"]) for row in rows}


def weak_history(folder, channels):
    """Weeks in a row under the threshold at the end of the data, by line."""
    with (folder / "data.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for name, threshold in channels.items():
        found[name] = 0
        for row in reversed(rows):
            spend, claimed = float(row[f"{name}_spend"]), float(row[f"{name}_attributed"])
            if spend <= 0 or claimed >= threshold * spend:
                break
            found[name] += 1
    return found


def weak_now(one, threshold):
    fen, claimed = one
    return fen > 0 and claimed != "" and float(claimed) < threshold * fen / 100


@pytest.fixture(scope="module")
def quarter(demo_home, tmp_path_factory):
    """The folder, and every review's document in turn."""
    import shutil

    folder = tmp_path_factory.mktemp("quarter") / "demo"
    shutil.copytree(demo_home, folder)
    text = (folder / "budget.yaml").read_text(encoding="utf-8")
    text = text.replace("lines:\n  tools:", f"{ELASTIC}  tools:").replace("  constraints:\n", MORE)
    (folder / "budget.yaml").write_text(text.rstrip() + "\n" + TOP_UP, encoding="utf-8")
    run(folder, "plan", "--quiet")
    weeks, weekly = plan_in(folder)
    player, told = Player(folder, [POLICY, SURGE]), []
    for at, week in enumerate(weeks):
        # The seats are held in reserve: nothing is spent on them until the top-up has been paid.
        path = player.week(weekly, at, reserves={"elastic": 0.0} if at < 10 else {})
        told.append(json.loads(run(folder, "review", "--actuals", path.name, "--week", week, "--json", "--quiet")))
        weekly = {line["name"]: line["weekly"] for line in told[-1]["plan"]["lines"]}
    return folder, told


def thresholds(folder):
    channels = load_project(folder / "budget.yaml").project.channels
    return {name: channel.weak_roi or 4.0 for name, channel in channels.items()}


def test_the_cut_fires_exactly_when_two_weeks_in_a_row_are_weak(quarter):
    folder, told = quarter
    limits = thresholds(folder)
    streak, cuts = weak_history(folder, limits), 0
    for at, found in enumerate(told):
        now = figures(folder / f"week{at + 1:02d}.csv")
        streak = {name: streak[name] + 1 if weak_now(now[name], limits[name]) else 0 for name in limits}
        expected = {name for name, count in streak.items() if count >= 2}
        fired = {one["line"] for one in found["fired"] if one["kind"] == "cut"}
        assert fired == expected, found["week"]
        assert all(one["sentence"] for one in found["fired"])
        cuts += len(fired)
    assert any(one["line"] == "weibo" for found in told[3:8] for one in found["fired"] if one["kind"] == "cut")
    assert cuts < 20


def test_a_cut_line_spends_a_fifth_less_until_it_recovers(quarter):
    folder, told = quarter
    for at, found in enumerate(told[:-1]):
        following = figures(folder / f"week{at + 2:02d}.csv")
        now = figures(folder / f"week{at + 1:02d}.csv")
        for one in found["fired"]:
            if one["kind"] == "cut":
                assert following[one["line"]][0] <= 0.8 * now[one["line"]][0] + 1
        for row in found["board"]:
            if row["held"] is not None:
                assert following[row["line"]][0] <= round(100 * row["held"]["most"]) + 1


def test_the_top_up_exactly_once_in_its_window(quarter):
    _, told = quarter
    raised = [(found["week"], one) for found in told for one in found["fired"] if one["kind"] == "top_up"]
    ((week, one),) = raised
    assert week == "2027-12-06"
    assert (one["line"], one["to"], one["roi"] >= 5.2) == ("douyin_live", 200_000.0, True)
    assert one["paid_by"] == [{"line": "elastic", "amount": 200_000.0}]
    before, after = ({line["name"]: round(100 * line["spend"]) for line in told[at]["plan"]["lines"]} for at in (8, 9))
    assert after["elastic"] == before["elastic"] - ADD_FEN
    assert after["douyin_live"] >= before["douyin_live"] + ADD_FEN - 1_000_000


def test_spend_to_date_and_remaining_plan_are_the_total_to_the_cent(quarter):
    folder, told = quarter
    spent = 0
    for at, found in enumerate(told):
        spent += sum(fen for fen, _ in figures(folder / f"week{at + 1:02d}.csv").values())
        plan = found["plan"]
        assert round(100 * plan["spent"]) == spent
        assert round(100 * plan["spent"]) + round(100 * plan["remaining"]) == TOTAL_FEN
        assert sum(round(100 * cell) for line in plan["lines"] for cell in line["weekly"]) == TOTAL_FEN
        for line in plan["lines"]:
            assert round(100 * line["spend"]) == sum(round(100 * cell) for cell in line["weekly"])


def test_the_ledger_holds_the_quarter(quarter):
    folder, told = quarter
    found = json.loads(run(folder, "ledger", "--json"))
    assert found["intact"]
    assert [one["week"] for one in found["entries"]] == [one["week"] for one in told]
    assert {one["kind"] for one in found["entries"]} == {"review"}
    assert {one["plan_id"] for one in found["entries"]} == {told[0]["plan"]["from_plan"]}


def test_most_weeks_are_no_surprise(quarter):
    _, told = quarter
    inside = [found["surprise"]["total"]["inside"] for found in told]
    assert sum(inside) >= 10
    assert len(MARKET.names) == len(told[0]["surprise"]["lines"])
