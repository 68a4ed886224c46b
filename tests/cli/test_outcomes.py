"""How a plan can fail to come about: rules that clash, a model that failed, time that ran out, Ctrl-C."""

import json
import shutil

import fitted
import pytest

from budget import runs, store
from optimizer import planner
from optimizer.solver import Master

CAP = "social cap"
CAP_LINE = "group: social, max: 0.45"


def with_cap(folder, share):
    text = fitted.SMALL.replace(CAP_LINE, f"group: social, max: {share:.12f}")
    (folder / "budget.yaml").write_text(text, encoding="utf-8")


def write_older_plan(folder):
    older = folder / "plans" / "2025-12-01+4weeks"
    older.mkdir(parents=True)
    for name in runs.PLAN_FILES:
        (older / name).write_text("an older plan")


def plan_folder(folder):
    (found,) = (folder / "plans").iterdir()
    return found


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Return the small project with a model of the given verdict, in the current folder."""

    def make(verdict):
        folder = tmp_path / verdict
        folder.mkdir()
        fitted.write_small(folder, verdict)
        monkeypatch.chdir(folder)
        return folder

    return make


# --- rules that clash


def test_rules_that_clash_are_named_with_a_relaxation_and_an_older_plan_stays(budget, small, snapshot):
    write_older_plan(small)
    with_cap(small, 0.01)
    before = snapshot(small)
    answer = budget("plan", "--quiet")
    assert answer.code == 3
    assert answer.out == ""
    for words in (CAP, "half to double of last year", "No plan can obey all rules at once", 'Raise "social cap" from'):
        assert words in answer.err
    assert snapshot(small) == before


def test_the_conflict_as_json(budget, small):
    with_cap(small, 0.01)
    answer = budget("plan", "--json")
    found = answer.document
    assert answer.code == 3
    assert found["status"] == "infeasible"
    assert {"social cap", "half to double of last year"} <= {rule["name"] for rule in found["conflict"]}
    assert all(rule["kind"] and rule["sentence"] for rule in found["conflict"])
    (cap,) = (change for change in found["relaxation"] if change["name"] == CAP)
    assert cap["from"] == pytest.approx(0.01)
    assert 0.01 < cap["to"] < 0.45
    assert found["lines"] == []
    assert not (small / "plans").exists()


def test_the_relaxation_is_enough_and_no_larger_than_needed(budget, small):
    with_cap(small, 0.01)
    (cap,) = (change for change in budget("check", "--json").document["relaxation"] if change["name"] == CAP)
    with_cap(small, cap["to"] + 1e-6)
    assert budget("plan", "--quiet").code == 0
    with_cap(small, cap["to"] - 1e-4)
    assert budget("check", "--quiet").code == 3


def test_rules_that_clash_are_told_before_a_model_is_fitted(budget, small):
    shutil.rmtree(small / ".budget")
    with_cap(small, 0.01)
    answer = budget("plan", "--json")  # a fit would fail this test
    assert answer.code == 3
    assert CAP in {rule["name"] for rule in answer.document["conflict"]}


@pytest.mark.usefixtures("small")
def test_a_total_out_of_reach(budget):
    answer = budget("plan", "--total", "1亿", "--json", "--quiet")
    assert answer.code == 3
    (total,) = (change for change in answer.document["relaxation"] if change["name"] == "total")
    assert total["from"] == 1e8
    reached = f"{total['to'] - 0.01:.2f}"
    assert budget("plan", "--total", reached, "--quiet").code == 0


# --- a model that failed its gates


def test_a_failed_model_plans_nothing(budget, judged, snapshot):
    folder = judged("FAIL")
    before = snapshot(folder)
    answer = budget("plan", "--quiet")
    assert answer.code == 4
    assert "The fitted model failed its gates" in answer.err
    assert "The chains disagree: R-hat 1.310." in answer.err
    assert "--accept-failed-model" in answer.err
    assert snapshot(folder) == before


def test_a_failed_model_as_json(budget, judged, tmp_path):
    judged("FAIL")
    given = tmp_path / "given.csv"
    given.write_text("week,line,spend\n", encoding="utf-8")
    for words in (("plan",), ("evaluate", given)):
        answer = budget(*words, "--json")
        assert answer.code == 4
        assert "R-hat 1.310" in answer.document["error"]


def test_fit_of_a_failed_model_is_shown_and_says_so(budget, judged):
    folder = judged("FAIL")
    answer = budget("fit", "--json", "--out", folder / "out")
    assert answer.code == 4
    assert answer.document["health"]["verdict"] == "FAIL"
    assert (folder / "out" / "fit.json").is_file()


def test_a_failed_model_that_is_accepted_plans_and_every_output_says_so(budget, judged):
    folder = judged("FAIL")
    answer = budget("plan", "--accept-failed-model", "--quiet")
    warning = "THE MODEL FAILED ITS GATES"
    assert answer.code == 0
    assert warning in answer.out
    written = json.loads((plan_folder(folder) / "plan.json").read_text(encoding="utf-8"))
    assert written["notes"][0].startswith(warning)
    assert written["health"]["verdict"] == "FAIL"
    assert warning in (plan_folder(folder) / "plan.html").read_text(encoding="utf-8")


def test_a_model_to_review_plans_and_shows_what_to_read(budget, judged):
    judged("REVIEW")
    answer = budget("plan", "--quiet")
    assert answer.code == 0
    assert "Residuals of neighbouring weeks are alike." in answer.out


# --- time


@pytest.mark.usefixtures("small")
def test_no_time_at_all_proves_nothing(budget):
    answer = budget("plan", "--time-limit", "0", "--json")
    assert answer.code == 5
    # A quick machine may find a plan in the moment that the solver takes to look at its watch.
    assert answer.document.get("status") == "time_limit" or "raise --time-limit" in answer.document["error"]


def test_no_plan_in_time_writes_nothing(budget, small, snapshot, monkeypatch):
    monkeypatch.setattr(planner, "MOST_ROUNDS", 0)
    before = snapshot(small)
    answer = budget("plan", "--quiet", "--json")
    assert answer.code == 5
    assert answer.err == "No plan that obeys every rule was found within the time limit; raise --time-limit.\n"
    assert answer.document["error"] + "\n" == answer.err
    assert snapshot(small) == before


def test_a_plan_short_of_its_proof_is_written_and_says_so(budget, small, monkeypatch):
    solve_once = Master._run

    def unhurried(self, *, seconds, **options):
        del seconds
        return solve_once(self, seconds=60.0, **options)

    monkeypatch.setattr(Master, "_run", unhurried)
    answer = budget("plan", "--time-limit", "0", "--json")
    assert answer.code == 5
    assert answer.document["status"] == "time_limit"
    assert answer.document["proof"]["gap"] > 1e-4
    assert (plan_folder(small) / "plan.json").read_text(encoding="utf-8") == answer.out
    assert "The time limit came before a plan was proven." in budget("plan", "--time-limit", "0").out


# --- Ctrl-C


def interrupt(*_, **__):
    raise KeyboardInterrupt


def assert_untouched(budget, small, snapshot):
    write_older_plan(small)
    before = snapshot(small)
    answer = budget("plan", "--total", "1300000", "--quiet")
    assert answer.code == 130
    assert answer.err == "Interrupted; nothing half-finished was kept.\n"
    assert answer.out == ""
    assert snapshot(small) == before


def test_ctrl_c_while_solving(budget, small, snapshot, monkeypatch):
    monkeypatch.setattr(runs, "solve", interrupt)
    assert_untouched(budget, small, snapshot)


@pytest.mark.parametrize("maker", ["reports.workbook.write_workbook", "reports.page.render_page"])
def test_ctrl_c_while_the_files_are_made(budget, small, snapshot, monkeypatch, maker):
    monkeypatch.setattr(maker, interrupt)
    assert_untouched(budget, small, snapshot)


def test_ctrl_c_while_a_file_is_written_leaves_no_part_of_it(budget, small, snapshot, monkeypatch):
    monkeypatch.setattr(store.os, "replace", interrupt)
    assert_untouched(budget, small, snapshot)


def test_ctrl_c_while_a_model_is_stored(budget, small, snapshot, monkeypatch):
    def half_a_fit(session, *_):
        def fill(folder):
            (folder / "curves.npz").write_bytes(b"half")
            raise KeyboardInterrupt

        store.FitStore(session.home).publish("f" * 64, fill)

    shutil.rmtree(small / ".budget")
    monkeypatch.setattr(runs, "ensure_fit", lambda session, *_, **__: half_a_fit(session))
    assert_untouched(budget, small, snapshot)


@pytest.mark.usefixtures("small")
def test_ctrl_c_as_json(budget, monkeypatch):
    monkeypatch.setattr(runs, "solve", interrupt)
    answer = budget("plan", "--json")
    assert answer.code == 130
    assert answer.document["error"].startswith("Interrupted")
