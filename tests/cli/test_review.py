"""``budget review`` and ``budget ledger`` as their users call them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from openpyxl import load_workbook
from weeks import Player, plan_in

WEEK_1, WEEK_2, WEEK_3 = "2027-10-04", "2027-10-11", "2027-10-18"


@pytest.fixture(scope="session")
def reviewed_home(planned_home, tmp_path_factory):
    """Return a copy of the planned demo with files of three weeks; tests copy it."""
    home = tmp_path_factory.mktemp("reviewed") / "demo"
    shutil.copytree(planned_home, home)
    weekly, player = plan_in(home)[1], Player(home)
    for at in range(3):
        player.week(weekly, at)
    return home


@pytest.fixture
def project(reviewed_home, tmp_path, monkeypatch):
    folder = tmp_path / "demo"
    shutil.copytree(reviewed_home, folder)
    monkeypatch.chdir(folder)
    return folder


def changed(project, name, old, new, to="other.csv"):
    text = (project / name).read_text(encoding="utf-8")
    assert re.search(old, text)
    (project / to).write_text(re.sub(old, new, text, count=1), encoding="utf-8")
    return to


def ledger(project):
    path = project / "ledger" / "2027Q4.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_review_by_the_contract(budget, project):
    answer = budget("review", "--actuals", "week01.csv", "--week", "2027-10-06", "--json", "--quiet")
    assert answer.code == 0
    found = answer.document
    assert found["week"] == WEEK_1
    assert found["verdict"] in {"keep", "replan", "refit"}
    row = found["board"][0]
    assert {"line", "spend", "plan_spend", "roi_attributed", "roi_model", "weeks_weak", "status"} <= row.keys()
    assert {"mean", "p05", "p95"} <= row["roi_model"].keys()
    for action in found["fired"]:
        assert {"rule", "line", "from", "to", "sentence"} <= action.keys()
    assert found["surprise"]["total"]["expected"]["p05"] < found["surprise"]["total"]["expected"]["p95"]
    plan = found["plan"]
    assert round(100 * plan["spent"]) + round(100 * plan["remaining"]) == round(100 * plan["total"]) == 500_000_000
    assert sum(round(100 * line["spend"]) for line in plan["lines"]) == 500_000_000
    folder = project / "plans" / "2027Q4"
    assert json.loads((folder / "review.json").read_text(encoding="utf-8")) == found
    assert ledger(project)[0]["seal"] == found["ledger"]["seal"]


def test_a_decided_week_gives_back_what_was_decided(budget, project):
    first = budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--json", "--quiet").document
    again = budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--json", "--quiet").document
    assert len(ledger(project)) == 1
    assert again["ledger"] == first["ledger"]
    assert again["plan"] == first["plan"]
    assert "stored" in [note["code"] for note in again["notes"]]


def test_other_figures_are_a_correction(budget, project):
    budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--quiet")
    name = changed(project, "week01.csv", r"weibo,[\d.]+", "weibo,5000.00")
    found = budget("review", "--actuals", name, "--week", WEEK_1, "--json", "--quiet").document
    assert (found["kind"], found["supersedes"]) == ("correction", 1)
    weibo = next(line for line in found["plan"]["lines"] if line["name"] == "weibo")
    assert weibo["weekly"][0] == 5000.0
    assert round(100 * found["plan"]["spent"]) + round(100 * found["plan"]["remaining"]) == 500_000_000
    assert [entry["kind"] for entry in ledger(project)] == ["review", "correction"]


def test_late_figures_take_the_latest_decision_anew(budget, project):
    budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--quiet")
    found = budget("review", "--actuals", "week03.csv", "--week", WEEK_3, "--json", "--quiet").document
    missing = next(note for note in found["notes"] if note["code"] == "missing")
    assert WEEK_2 in missing["sentence"]
    late = budget("review", "--actuals", "week02.csv", "--week", WEEK_2, "--json", "--quiet").document
    assert (late["kind"], late["week"], late["as_of"], late["supersedes"]) == ("late", WEEK_2, WEEK_3, 2)
    assert [entry["kind"] for entry in ledger(project)] == ["review", "review", "late"]
    # In order or late: the same figures lead to the same plan.
    shutil.rmtree(project / "ledger")
    for week, name in ((WEEK_1, "week01.csv"), (WEEK_2, "week02.csv"), (WEEK_3, "week03.csv")):
        in_order = budget("review", "--actuals", name, "--week", week, "--json", "--quiet").document
    assert in_order["plan"]["spent"] == late["plan"]["spent"]


def test_deciding_against_the_rules_needs_a_reason(budget, project):
    answer = budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--waive", "kuaishou_live")
    assert answer.code == 1
    assert "needs a reason" in answer.problems[0]
    assert not (project / "ledger" / "2027Q4.jsonl").exists()
    budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--quiet")
    words = (
        *("review", "--actuals", "week01.csv", "--week", WEEK_1, "--waive", "kuaishou_live"),
        *("--reason", "店铺装修，数据不可比", "--by", "林", "--json", "--quiet"),
    )
    found = budget(*words).document
    assert budget(*words).document["ledger"] == found["ledger"]  # said twice, decided once
    assert len(ledger(project)) == 2
    assert found["kind"] == "override"
    assert "kuaishou_live" not in [action["line"] for action in found["fired"]]
    entry = ledger(project)[-1]
    assert (entry["who"], entry["why"]) == ("林", "店铺装修，数据不可比")
    assert budget("ledger", "--json").document["entries"][-1]["waived"][0]["line"] == "kuaishou_live"


def test_an_unknown_line_cannot_be_waived(budget, project):
    words = ("--waive", "tiktok", "--reason", "x")
    answer = budget("review", "--actuals", "week01.csv", "--week", WEEK_1, *words)
    assert (answer.code, "tiktok" in answer.problems[0]) == (1, True)
    assert not (project / "ledger" / "2027Q4.jsonl").exists()


def test_looking_only_leaves_no_entry(budget, project):
    found = budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--dry-run", "--json", "--quiet").document
    assert found["ledger"] is None
    assert budget("ledger", "--json").document["entries"] == []
    assert not (project / "ledger" / "2027Q4.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--week", "2027-09-27"), "the week is not one of the plan's"),
        (("--week", WEEK_2), "no row holds the week of 2027-10-11"),
        (("--plan", "none.json"), "there is no plan to review"),
    ],
)
def test_what_cannot_be_reviewed_is_said(budget, project, words, told):
    given = {"--week": WEEK_1} | dict([words])
    answer = budget("review", "--actuals", "week01.csv", *(word for pair in given.items() for word in pair))
    assert answer.code == 1
    assert told in answer.problems[0]
    assert not (project / "ledger" / "2027Q4.jsonl").exists()


def test_a_week_that_is_no_date_is_a_usage_error(budget, project):
    assert project.is_dir()
    assert budget("review", "--actuals", "week01.csv", "--week", "soon").code == 2


def test_the_ledger_tells_what_was_done_to_it(budget, project):
    assert budget("ledger").code == 0
    budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--quiet")
    assert "nothing was changed" in budget("ledger").out
    path = project / "ledger" / "2027Q4.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"verdict":"', '"verdict":"x', 1), encoding="utf-8")
    answer = budget("ledger")
    assert (answer.code, "NOT AS IT WAS WRITTEN" in answer.out) == (1, True)
    refused = budget("review", "--actuals", "week02.csv", "--week", WEEK_2)
    assert refused.code == 1
    assert "was changed after it was written" in refused.problems[0]
    assert "台账与写入时不一致" in budget("ledger", "--lang", "zh").out


def test_on_the_terminal_in_both_languages(budget, project):
    english = budget("review", "--actuals", "week01.csv", "--week", WEEK_1).out
    assert "Weekly review 2027Q4: week of 2027-10-04" in english
    assert "Kuaishou live: ROI 1:" in english
    chinese = budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--lang", "zh").out
    assert "周度复盘" in chinese
    assert "快手直播：ROI 1:" in chinese
    assert not re.search(r"\{[a-z_]+\}", english + chinese)
    assert max(len(line) for line in english.splitlines() if "/" not in line) <= 100
    assert project.is_dir()


def test_workbook_and_page(budget, project):
    budget("review", "--actuals", "week01.csv", "--week", WEEK_1, "--lang", "zh", "--quiet")
    folder = project / "plans" / "2027Q4"
    book = load_workbook(folder / "review.xlsx", data_only=True)
    assert book.sheetnames == ["Summary", "Board", "Changes", "Plan", "Surprise", "Notes"]
    grid = book["Plan"]
    total = [cell.value for cell in grid[grid.max_row]][-1]
    assert total == pytest.approx(5_000_000, abs=0.005)
    assert "快手直播" in [cell.value for row in book["Board"].iter_rows() for cell in row]
    page = (folder / "review.html").read_text(encoding="utf-8")
    assert "抖音直播" in page
    assert page.count("<script") == 1
    assert not re.search(r"\bsrc\s*=|href\s*=\s*[\"'](?!#)", page)
    assert page.count("<svg") == 10  # every line with a response has its sparkline


def test_the_market_plays_the_week_that_the_plan_in_force_gives_it(budget, project):
    told = budget("simulate", "--week", "2027-10-04", "--json").document
    assert told == {"week": WEEK_1, "file": "week-2027-10-04.csv"}
    assert (project / told["file"]).read_bytes() == (project / "week01.csv").read_bytes()
    name = changed(project, "week01.csv", r"weibo,[\d.]+", "weibo,5000.00")
    planned = budget("review", "--actuals", name, "--week", WEEK_1, "--json", "--quiet").document["plan"]
    budget("simulate", "--week", WEEK_2)
    found = budget("review", "--actuals", "week-2027-10-11.csv", "--week", WEEK_2, "--json", "--quiet").document
    spent = {row["line"]: row["spend"] for row in found["board"]}
    assert spent == {line["name"]: line["weekly"][1] for line in planned["lines"]}


def test_a_market_that_nobody_made_cannot_be_played(budget, project):
    (project / "truth.json").unlink()
    answer = budget("simulate", "--week", WEEK_1)
    assert (answer.code, "were not simulated" in answer.problems[0]) == (1, True)
    assert budget("simulate").code == 2


def command(project, *words):
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "budget"), *words],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
def test_two_reviews_at_once_one_waits_and_nothing_is_lost(project):
    words = ("review", "--actuals", "week01.csv", "--week", WEEK_1, "--json", "--quiet")
    running = [command(project, *words) for _ in range(2)]
    told = [one.communicate(timeout=120) for one in running]
    assert [one.returncode for one in running] == [0, 0], told
    assert len(ledger(project)) == 1  # the second found the week decided
    assert len({json.loads(out)["ledger"]["seal"] for out, _ in told}) == 1


@pytest.mark.slow
def test_a_review_that_may_not_wait_is_refused(project):
    from budget.ledger import Ledger

    with Ledger(project / "ledger", "2027Q4").locked():
        one = command(project, "review", "--actuals", "week01.csv", "--week", WEEK_1, "--wait", "0.1")
        _, told = one.communicate(timeout=120)
    assert one.returncode == 1
    assert "another review holds the ledger" in told


@pytest.mark.slow
def test_killed_at_any_moment_the_review_can_be_run_again(project):
    for turn in range(6):
        one = command(project, "review", "--actuals", "week01.csv", "--week", WEEK_1, "--quiet")
        time.sleep(0.6 + 0.7 * turn)
        one.send_signal(signal.SIGKILL)
        one.communicate(timeout=60)
        check = command(project, "ledger", "--json")
        out, told = check.communicate(timeout=60)
        assert check.returncode == 0, told
        assert json.loads(out)["intact"]
    done = command(project, "review", "--actuals", "week01.csv", "--week", WEEK_1, "--quiet")
    done.communicate(timeout=120)
    assert done.returncode == 0
    assert len(ledger(project)) == 1
    assert not list((project / "ledger").glob("*.tmp"))


@pytest.mark.slow
def test_a_review_loads_no_sampler(project):
    code = """
import sys
from budget.cli import app
try:
    app(["review", "--actuals", "week01.csv", "--week", "2027-10-04", "--quiet"])
except SystemExit as end:
    assert end.code == 0
assert not {"pymc", "arviz", "pytensor", "numba", "nutpie", "matplotlib", "xarray"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
