"""``budget whatif``: scenarios are fresh plans of the changed project, held against the base on paired draws."""

import json

import pytest
from openpyxl import load_workbook
from ruamel.yaml import YAML

from reports.words import say

SCENARIOS = """\
scenarios:
  austerity:
    set: {plan.total: 1200000, 'constraints."social cap".max': 0.5}
  search falls:
    shock: {search: -22%}
  both: {combine: [austerity, search falls]}
"""


def changed_file(folder, change):
    """Rewrite the project's own file."""
    yaml = YAML(typ="safe", pure=True)
    yaml.sort_base_mapping_type_on_output = False  # the order of the channels is part of the fit
    path = folder / "budget.yaml"
    project = yaml.load(path.read_text(encoding="utf-8"))
    change(project["plan"])
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(project, file)


def rule(plan, name):
    return next(rule for rule in plan["constraints"] if rule["name"] == name)


@pytest.fixture
def answer(small, budget):
    (small / "scenarios.yaml").write_text(SCENARIOS, encoding="utf-8")
    found = budget("whatif", "scenarios.yaml", "--out", small / "out", "--json", "--quiet")
    assert found.code == 0, found.err
    return found


def test_the_document_says_what_the_contract_promises(answer, small):
    found = answer.document
    assert {"base", "scenarios", "frontier", "regret"} <= found.keys()
    assert found["base"]["plan"]["status"] in {"optimal", "feasible"}
    for one in found["scenarios"]:
        assert one.keys() >= {"name", "changes", "plan", "delta"}
        delta, gmv = one["delta"], one["plan"]["expected"]["gmv"]
        assert delta["gmv"]["mean"] == pytest.approx(gmv["mean"] - found["base"]["plan"]["expected"]["gmv"]["mean"])
        assert 0 <= delta["prob_better"] <= 1
        assert [move["line"] for move in delta["by_line"]] == [line["name"] for line in one["plan"]["lines"]]
    assert (small / "out" / "whatif.json").read_text(encoding="utf-8") == answer.out
    assert {one["scenario"] for one in found["regret"]["plans"][0]["scenarios"]} == {
        "base",
        *(one["name"] for one in found["scenarios"]),
    }


@pytest.mark.parametrize("name", ["austerity", "search falls", "both"])
def test_a_scenario_is_a_fresh_plan_of_the_changed_project(answer, small, budget, name):
    def change(plan):
        if name != "search falls":
            plan["total"] = 1_200_000
            rule(plan, "social cap")["max"] = 0.5
        if name != "austerity":
            plan["shocks"] = {"search": -0.22}

    changed_file(small, change)
    fresh = budget("plan", "--out", small / "fresh", "--json", "--quiet").document
    (one,) = (one for one in answer.document["scenarios"] if one["name"] == name)
    for key in ("status", "total"):
        assert one["plan"][key] == fresh[key]
    assert one["plan"]["expected"]["gmv"] == pytest.approx(fresh["expected"]["gmv"], rel=1e-9)
    for found, line in zip(one["plan"]["lines"], fresh["lines"], strict=True):
        assert found["weekly"] == line["weekly"]


def test_a_lost_line_is_a_project_whose_rules_do_not_ask_for_it(small, budget):
    found = budget("whatif", "--drop", "kol", "--out", small / "out", "--json", "--quiet").document

    def change(plan):
        rule(plan, "half to double of last year")["lines"] = ["抖音直播", "search"]
        plan["constraints"].append({"kind": "bounds", "name": "without kol", "lines": "kol", "max": 0})
        plan["shocks"] = {"kol": -1}

    changed_file(small, change)
    fresh = budget("plan", "--out", small / "fresh", "--json", "--quiet").document
    (one,) = found["scenarios"]
    assert [line["weekly"] for line in one["plan"]["lines"]] == [line["weekly"] for line in fresh["lines"]]
    assert next(line["spend"] for line in one["plan"]["lines"] if line["name"] == "kol") == 0


def test_options_make_a_scenario_with_labels_for_lines(small, budget):
    words = ("--set", "plan.total=120万", "--shock", "抖音直播间=-22%", "--name", "austerity")
    found = budget("whatif", *words, "--out", small / "out", "--json", "--quiet").document
    (one,) = found["scenarios"]
    assert one["name"] == "austerity"
    assert {change["key"] for change in one["changes"]} == {"plan.total", "shock 抖音直播"}
    assert one["plan"]["total"] == 1_200_000


def test_a_sweep_is_a_frontier(small, budget):
    found = budget("whatif", "--sweep", "80%:120%:3", "--out", small / "out", "--json", "--quiet").document
    totals, gmv = zip(*((point["total"], point["gmv"]) for point in found["frontier"]), strict=True)
    assert totals == (1_120_000, 1_400_000, 1_680_000)
    assert gmv[0] < gmv[1] < gmv[2]
    assert found["frontier"][0]["mroi"] > found["frontier"][2]["mroi"]
    assert found["scenarios"] == []


def test_goals_are_sought(small, budget):
    base = budget("plan", "--out", small / "out", "--json", "--quiet").document["expected"]["gmv"]["mean"]
    target = round(1.02 * base)
    words = ("--target-gmv", target, "--min-mroi", "0.5")
    goals = budget("whatif", *words, "--out", small / "out", "--json", "--quiet").document["goals"]
    assert [goal["goal"] for goal in goals] == ["least_money", "most_money"]
    least, most = goals
    assert least["reached"]
    assert least["gmv"] >= target
    assert least["total"] > 1_400_000
    assert least["proven"] <= least["total"]
    assert most["total"] > 0


def test_stresses_of_the_brief(small, budget):
    found = budget("whatif", "--stress", "--out", small / "out", "--json", "--quiet").document
    names = [one["name"] for one in found["scenarios"]]
    assert names[0].startswith("platform shock")
    assert names[1].startswith("loss of")
    assert found["regret"]["least"] in {"base", *names}


def test_an_impossible_scenario_says_why(small, budget):
    words = ("--set", 'constraints."tools 10%".share=1.0', "--name", "tools alone")
    found = budget("whatif", *words, "--out", small / "out", "--json", "--quiet")
    (one,) = found.document["scenarios"]
    assert found.code == 0
    assert one["plan"]["status"] == "infeasible"
    assert one["delta"] is None
    assert "tools 10%" in {conflict["name"] for conflict in one["plan"]["conflict"]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "nothing is asked"),
        (("--set", "plan.totl=1"), "Did you mean total?"),
        (("--set", 'constraints."social cp".max=1'), "Did you mean social cap?"),
        (("--shock", "nobody=-1%"), "there is no such line"),
        (("--drop", "serch"), "Did you mean search?"),
        (("--set", "total=1", "--set", "plan.total=2"), "changes a key twice"),
        (("--sweep", "4M:5M"), "this is no sweep"),
        (("--sweep", "much"), "cannot be read as money"),
        (("--set", "model.draws=500"), "this would need a new fit"),
        (("--set", "total=1", "--name", "base"), "scenarios need names of their own"),
        (("nowhere.yaml",), "there is no such file"),
    ],
)
def test_what_is_refused_writes_nothing(small, budget, snapshot, words, told):
    before = snapshot(small)
    answer = budget("whatif", *words, "--quiet")
    assert answer.code == 1
    assert told in answer.err
    assert snapshot(small) == before


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_workbook_and_the_terminal(small, budget, lang):
    (small / "scenarios.yaml").write_text(SCENARIOS, encoding="utf-8")
    shown = budget(
        "whatif", "scenarios.yaml", "--sweep", "1.2M,1.4M", "--lang", lang, "--out", small / "out", "--quiet"
    )
    assert shown.code == 0
    for name in ("austerity", "search falls", "both"):
        assert name in shown.out
    for key in ("whatif.biggest", "whatif.moves"):
        assert shown.out.count(say(lang, key)) == 1
    book = load_workbook(small / "out" / "whatif.xlsx")
    assert book.sheetnames == ["Scenarios", "Lines", "Changes", "Frontier", "Regret"]
    words = {cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "s"}
    assert {"austerity", "both"} <= words
    formulas = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"}
    assert all(formula.startswith("=SUM(") for formula in formulas)
    assert json.loads((small / "out" / "whatif.json").read_text(encoding="utf-8"))["frontier"]


def test_names_of_scenarios_never_become_formulas(small, budget):
    name = "=cmd|'/C calc'!A0"
    budget("whatif", "--set", "total=1.2M", "--name", name, "--out", small / "out", "--quiet")
    book = load_workbook(small / "out" / "whatif.xlsx")
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value == name]
    assert found
    assert {cell.data_type for cell in found} == {"s"}


@pytest.mark.slow
def test_two_processes_give_what_one_gives(small):
    from budget.changes import parse_set
    from budget.runs import open_session, stored_fit
    from budget.scenarios import Scenario
    from budget.whatif import Asked, run_whatif
    from optimizer.planner import SolveOptions

    session = open_session(small / "budget.yaml")
    fitted = stored_fit(session)
    totals = range(1_300_000, 1_500_000, 50_000)
    asked = Asked(tuple(Scenario(str(total), (parse_set(f"total={total}"),)) for total in totals))
    one, two = (run_whatif(session, fitted, asked, SolveOptions(), workers=count) for count in (1, 2))
    for (_, first, gained), (_, second, found) in zip(one.scenarios, two.scenarios, strict=True):
        assert [line.weekly_fen for line in first.plan.lines] == [line.weekly_fen for line in second.plan.lines]
        assert gained == found
