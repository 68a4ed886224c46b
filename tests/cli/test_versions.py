"""Budget versions: history, comparison, checks of a folder, and plans made from an edited workbook."""

import json

import pytest
from openpyxl import load_workbook


@pytest.fixture
def home(small, budget):
    answer = budget("plan", "--out", small / "out", "--quiet", "--author", "李", "--note", "=1+1")
    assert answer.code == 0, answer.err
    return small


def document(folder):
    return json.loads((folder / "plan.json").read_text(encoding="utf-8"))


def edit(home, cells=None, inputs=None):
    book = load_workbook(home / "out" / "plan.xlsx")
    for address, change in (cells or {}).items():
        book["Plan"][address].value = change(book["Plan"][address].value) if callable(change) else change
    for row in book["Inputs"].iter_rows():
        if row[0].value in (inputs or {}):
            row[2].value = inputs[row[0].value]
    book.save(home / "edited.xlsx")
    return home / "edited.xlsx"


def plan_from(budget, home, *words, code=0):
    answer = budget("plan", "--from", home / "edited.xlsx", "--out", home / "second", *words)
    assert answer.code == code, answer.err
    return answer


def test_a_plan_carries_its_author_note_and_id(home, budget):
    plan = document(home / "out")
    assert (plan["author"], plan["note"], plan["parent"]) == ("李", "=1+1", "")
    book = load_workbook(home / "out" / "plan.xlsx")
    log = book["Log"]
    assert [log.cell(5, column).value for column in (2, 4, 5)] == [plan["id"], "李", "=1+1"]
    assert log["E5"].data_type == "s"
    (entry,) = budget("history", "--json").document["versions"]
    assert (entry["id"], entry["author"], entry["total"]) == (plan["id"], "李", plan["total"])
    assert plan["id"] in budget("history").out


def test_the_same_plan_is_one_version(home, budget):
    budget("plan", "--out", home / "again", "--quiet", "--note", "again")
    (entry,) = budget("history", "--json").document["versions"]
    assert entry["note"] == "again"


def test_no_history_is_no_fault(small, budget):
    assert budget("history", "--json").document == {"versions": []}
    assert "No plan has been written" in budget("history").out
    assert small


def test_edited_cells_are_held_and_the_rest_is_planned(home, budget):
    edit(home, {"C5": lambda value: round(0.9 * value, 2), "D6": lambda value: round(value + 500, 2)})
    answer = plan_from(budget, home, "--author", "王", "--note", "less live")
    before, after = document(home / "out"), document(home / "second")
    assert "Edited cells (2)" in answer.err
    assert after["parent"] == before["id"]
    assert after["lines"][0]["weekly"][0] == round(0.9 * before["lines"][0]["weekly"][0], 2)
    assert after["lines"][1]["weekly"][1] == round(before["lines"][1]["weekly"][1] + 500, 2)
    assert sum(round(100 * line["spend"]) for line in after["lines"]) == round(100 * before["total"])
    assert any("2 cells are held as edited" in note for note in after["notes"])
    assert [entry["parent"] for entry in budget("history", "--json").document["versions"]] == ["", before["id"]]
    assert budget("verify", home / "second", "--json").document["holds"] is True


def test_an_untouched_workbook_gives_the_same_plan(home, budget):
    edit(home)
    answer = plan_from(budget, home)
    assert "No cell was edited." in answer.err
    assert [line["weekly"] for line in document(home / "second")["lines"]] == [
        line["weekly"] for line in document(home / "out")["lines"]
    ]


def test_changed_inputs_are_planned_with(home, budget):
    edit(home, inputs={"plan.total": 1_450_000, 'plan.constraints."social cap".max': 0.5})
    answer = plan_from(budget, home)
    assert 'Inputs: plan.constraints."social cap".max = 0.5' in answer.err
    plan = document(home / "second")
    assert plan["total"] == 1_450_000
    assert next(limit["limit"] for limit in plan["constraints"] if limit["name"] == "social cap") == 0.5
    found = budget("evaluate", home / "second" / "plan.xlsx", "--json", "--quiet").document
    assert found["obeys_rules"] is True
    assert found["expected"]["gmv"] == pytest.approx(plan["expected"]["gmv"], rel=1e-9)
    assert {change["key"] for change in found["inputs_changed"]} == {"plan.total", 'plan.constraints."social cap".max'}
    assert "Inputs: plan.total = 1450000" in budget("evaluate", home / "second" / "plan.xlsx", "--quiet").out


def test_held_cells_that_cannot_be_are_explained(home, budget, snapshot):
    edit(home, {"C5": 1_400_000})
    before = snapshot(home)
    answer = plan_from(budget, home, "--quiet", code=3)
    assert "cells held as edited" in answer.err
    assert snapshot(home) == before


@pytest.mark.parametrize(
    ("cell", "told"),
    [("soon", "sheet Plan, cell C5: the spend is not a number"), (-1, "cell C5: the spend is negative")],
)
def test_a_cell_that_is_no_amount_is_refused(home, budget, cell, told):
    edit(home, {"C5": cell})
    answer = plan_from(budget, home, "--quiet", code=1)
    assert told in answer.err


def test_two_versions_are_compared_on_paired_draws(home, budget):
    edit(home, {"C5": lambda value: round(0.9 * value, 2)})
    plan_from(budget, home, "--quiet")
    first, second = (document(home / name)["id"] for name in ("out", "second"))
    by_id = budget("compare", first[:6], second, "--json", "--quiet").document
    by_folder = budget("compare", home / "out", home / "second" / "plan.xlsx", "--json", "--quiet").document
    assert by_id["gmv_gain"] == by_folder["gmv_gain"]
    gain = by_id["second"]["gmv"]["mean"] - by_id["first"]["gmv"]["mean"]
    assert by_id["gmv_gain"]["mean"] == pytest.approx(gain)
    assert sum(line["change"] for line in by_id["lines"]) == pytest.approx(0, abs=0.01)
    assert by_id["second"]["broken"] == []
    for lang in ("en", "zh"):
        assert budget("compare", first, second, "--lang", lang, "--quiet").code == 0


def test_a_version_that_is_not_there(home, budget):
    answer = budget("compare", home / "out", "abcdef", "--quiet")
    assert answer.code == 1
    assert "there is no such plan" in answer.err


def test_verify_finds_what_was_tampered_with(home, budget):
    assert budget("verify", home / "out").code == 0
    text = (home / "out" / "plan.csv").read_text(encoding="utf-8").splitlines()
    week, line, spend = text[1].split(",")
    text[1] = f"{week},{line},{float(spend) + 1:.2f}"
    (home / "out" / "plan.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    answer = budget("verify", home / "out", "--json")
    failed = {check["check"] for check in answer.document["checks"] if not check["holds"]}
    assert answer.code == 1
    assert failed >= {"plan.csv unchanged", "plan.csv holds the plan", "rules"}


def test_verify_recomputes_the_id(home, budget):
    plan = document(home / "out")
    plan["expected"]["roi"] = 9.0
    (home / "out" / "plan.json").write_text(json.dumps(plan, ensure_ascii=False), encoding="utf-8")
    failed = {
        check["check"] for check in budget("verify", home / "out", "--json").document["checks"] if not check["holds"]
    }
    assert failed >= {"plan.json unchanged", "id of the content"}


def test_a_folder_without_a_plan(home, budget):
    answer = budget("verify", home, "--quiet")
    assert answer.code == 1
    assert "there is no such file" in answer.err
