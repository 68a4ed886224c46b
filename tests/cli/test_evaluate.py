"""``budget evaluate``: our own plan scores as it was planned, an edited one is told which rules it breaks."""

import csv
import json
from decimal import Decimal

import pytest
from openpyxl import load_workbook


@pytest.fixture
def home(small, budget):
    """Return the folder of a plan of the small project."""
    answer = budget("plan", "--out", small / "out", "--quiet")
    assert answer.code == 0
    return small / "out"


def edit_csv(path, change):
    """Rewrite plan.csv; ``change`` turns (week, line, spend) into a new spend."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    with path.open("w", encoding="utf-8", newline="") as file:
        written = csv.writer(file)
        written.writerow(head)
        written.writerows((week, line, change(week, line, Decimal(spend))) for week, line, spend in rows)


def swap(week, line, spend):
    """Move 100,000 a week from search to social media."""
    del week
    return spend + {"抖音直播": 50_000, "kol": 50_000, "search": -100_000}.get(line, 0)


@pytest.mark.parametrize("name", ["plan.csv", "plan.xlsx"])
def test_our_own_plan_scores_as_it_was_planned(budget, planned_home, planned, tmp_path, name):
    config = planned_home / "budget.yaml"
    answer = budget("evaluate", planned / name, "--config", config, "--out", tmp_path, "--json", "--quiet")
    plan = json.loads((planned / "plan.json").read_text(encoding="utf-8"))
    found = answer.document
    assert answer.code == 0
    assert found["source"] == name
    assert found["obeys_rules"] is True
    assert found["broken"] == []
    assert found["total"] == plan["total"]
    assert found["expected"]["gmv"] == pytest.approx(plan["expected"]["gmv"], rel=1e-9)
    for scored, line in zip(found["lines"], plan["lines"], strict=True):
        assert (scored["name"], scored["weekly"]) == (line["name"], line["weekly"])
        assert scored["gmv"] == (line["gmv"] and pytest.approx(line["gmv"], rel=1e-9))
    assert (tmp_path / "evaluation.json").read_text(encoding="utf-8") == answer.out


def test_an_edited_plan_is_told_which_rules_it_breaks(budget, home):
    edit_csv(home / "plan.csv", swap)
    answer = budget("evaluate", home / "plan.csv", "--json", "--quiet")
    found = answer.document
    assert answer.code == 0
    assert found["obeys_rules"] is False
    (cap,) = (rule for rule in found["broken"] if rule["name"] == "social cap")
    assert cap["kind"] == "group_share"
    assert cap["limit"] == 0.45
    assert cap["value"] == pytest.approx(
        sum(line["spend"] for line in found["lines"] if "social" in line["groups"]) / 1_400_000
    )
    assert "total" not in {rule["name"] for rule in found["broken"]}


def test_an_edited_plan_on_the_terminal(budget, home):
    edit_csv(home / "plan.csv", swap)
    answer = budget("evaluate", home / "plan.csv")
    assert answer.code == 0
    assert "social cap" in answer.out
    assert "It obeys every rule." not in answer.out
    assert "It obeys every rule." not in budget("evaluate", home / "plan.csv", "--lang", "zh").out


def test_a_plan_of_another_total_breaks_the_total(budget, home):
    edit_csv(home / "plan.csv", lambda _, line, spend: spend + (1 if line == "search" else 0))
    found = budget("evaluate", home / "plan.csv", "--json", "--quiet").document
    assert found["total"] == 1_400_004
    assert "total" in {rule["name"] for rule in found["broken"]}


def test_a_workbook_edited_in_excel(budget, home):
    book = load_workbook(home / "plan.xlsx")
    sheet = book["Plan"]
    (row,) = (row for row in sheet.iter_rows() if row[0].value == "抖音直播")
    row[2].value = row[2].value + 400_000
    book.save(home / "plan.xlsx")
    book.close()
    found = budget("evaluate", home / "plan.xlsx", "--json", "--quiet").document
    assert {"total", "social cap"} <= {rule["name"] for rule in found["broken"]}


def test_more_money_earns_more(budget, home):
    before = budget("evaluate", home / "plan.csv", "--json", "--quiet").document["expected"]["gmv"]["mean"]
    edit_csv(home / "plan.csv", lambda _, line, spend: spend + (10_000 if line == "search" else 0))
    after = budget("evaluate", home / "plan.csv", "--json", "--quiet").document["expected"]["gmv"]["mean"]
    assert before < after < before + 4 * 10_000 * 5


def test_a_plan_that_cannot_be_read_lists_everything_wrong_and_writes_nothing(budget, home, snapshot):
    edit_csv(
        home / "plan.csv",
        lambda week, line, spend: {("2025-12-01", "search"): "much", ("2025-12-08", "kol"): "-3"}.get(
            (week, line), spend
        ),
    )
    before = snapshot(home.parent)
    answer = budget("evaluate", home / "plan.csv")
    assert answer.code == 1
    first, second = answer.problems
    assert "column spend: the spend is not a number (found: much). Write an amount such as 12500" in first
    assert "column spend: the spend is negative (found: -3)." in second
    assert snapshot(home.parent) == before


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (
            "plna.csv",
            'plna.csv: the file does not exist. Did you mean "plan.csv"? Name a plan.csv or a plan.xlsx.',
        ),
        ("plan.json", "plan.json: this kind of file is not read (found: .json). Save it as .csv or .xlsx."),
    ],
)
def test_a_file_that_is_no_plan(budget, home, name, fault):
    answer = budget("evaluate", home / name, "--quiet")
    assert answer.code == 1
    assert answer.problems == [fault]
