"""Scenarios: read from a file or from options, combined without clashes, and made into changed projects."""

import fitted
import pytest

from budget.project import load_project
from budget.scenarios import (
    changed_project,
    line_key,
    read_scenarios,
    read_share,
    scenario_from_options,
    stress_scenarios,
)
from mmm.problems import InputError

FILE = """\
scenarios:
  austerity:
    note: less money
    set: {plan.total: 1200000, 'constraints."social cap".max': 0.5}
  shock:
    shock: {抖音直播间: -22%}
  lost:
    drop: [kol]
  all of it:
    combine: [austerity, shock, lost]
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenarios")
    (folder / "budget.yaml").write_text(fitted.SMALL, encoding="utf-8")
    return load_project(folder / "budget.yaml")


def read(loaded, tmp_path, text):
    (tmp_path / "scenarios.yaml").write_text(text, encoding="utf-8")
    return {one.name: one for one in read_scenarios(tmp_path / "scenarios.yaml", loaded)}


def refused(call, *arguments):
    with pytest.raises(InputError) as error:
        call(*arguments)
    return "\n".join(str(problem) for problem in error.value.problems)


def test_a_file_of_scenarios(loaded, tmp_path):
    found = read(loaded, tmp_path, FILE)
    assert list(found) == ["austerity", "shock", "lost", "all of it"]
    assert found["austerity"].note == "less money"
    assert found["shock"].told() == [{"key": "shock 抖音直播", "value": -0.22}]
    assert len(found["all of it"].told()) == 4
    project = changed_project(loaded, found["all of it"]).project
    assert project.plan.total == 1_200_000
    assert project.plan.shocks == {"抖音直播": -0.22, "kol": -1.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scenarios: {a: {sets: {total: 1}}}", "unknown key. Did you mean set?"),
        ("scenarios: {}", "scenarios"),
        ("scenarios: {a: {shock: {nobody: -1%}}}", "there is no such line"),
        ("scenarios: {a: {shock: {tools: -1%}}}", "the line has no response"),
        ("scenarios: {a: {drop: [serch]}}", "Did you mean search?"),
        ("scenarios: {a: {combine: [b]}}", "there is no such scenario to combine"),
        ("scenarios: {a: {set: {total: 1}}, b: {set: {plan.total: 2}, combine: [a]}}", "change the same key"),
        ("scenarios: {a: {shock: {kol: -1%}, drop: [kol]}}", "changes a key twice"),
        ("scenarios: {a: {set: {total: 1}, set: {total: 2}}}", "set"),
        ("scenarios: {a: {shock: {kol: much}}}", "this is no change"),
        ("scenarios: {a: {shock: {kol: -101%}}}", "between -100%"),
    ],
)
def test_what_is_no_scenario_is_refused(loaded, tmp_path, text, told):
    assert told in refused(read, loaded, tmp_path, text)


def test_lines_go_by_key_or_label(loaded):
    assert line_key("抖音直播", loaded, "") == "抖音直播"
    assert line_key("Douyin LIVE", loaded, "") == "抖音直播"
    assert line_key("工具采购", loaded, "") == "tools"
    assert "Did you mean search?" in refused(line_key, "serch", loaded, "here")


@pytest.mark.parametrize(("text", "value"), [("-22%", -0.22), ("+5%", 0.05), (-0.5, -0.5), ("−22％", -0.22), ("0", 0)])
def test_changes_in_percent_or_as_shares(text, value):
    assert read_share(text, "") == pytest.approx(value)


def test_options_make_one_scenario(loaded):
    one = scenario_from_options(None, ["total=1"], ["kol=-22%"], ["search"], loaded)
    assert one.name == "total=1, kol=-22%, drop search"
    assert scenario_from_options("x", [], [], [], loaded) is None
    assert "changes a key twice" in refused(scenario_from_options, None, [], ["kol=-1%"], ["kol"], loaded)
    assert "there is no =" in refused(scenario_from_options, None, [], ["kol"], [], loaded)


def test_a_lost_line_is_named_by_no_rule(loaded):
    one = scenario_from_options(None, [], [], ["search"], loaded)
    plan = changed_project(loaded, one).project.plan
    (bounds,) = (rule for rule in plan.constraints if rule.name == "half to double of last year")
    assert bounds.lines == ("抖音直播", "kol")
    (nothing,) = (rule for rule in plan.constraints if rule.name == "without search")
    assert (nothing.lines, nothing.max) == ("search", 0)
    assert plan.shocks == {"search": -1.0}


def test_a_lost_line_leaves_rules_on_groups_and_on_the_whole_plan_alone(tmp_path):
    roi = "    - {kind: roi, name: pays, min: 1.1}\n    - {kind: pilot, name: try, line: search, min: 1, max: 2}\n"
    (tmp_path / "budget.yaml").write_text(fitted.SMALL + roi, encoding="utf-8")
    loaded = load_project(tmp_path / "budget.yaml")
    plan = changed_project(loaded, scenario_from_options(None, [], [], ["search"], loaded)).project.plan
    before = {rule.name: rule for rule in loaded.project.plan.constraints}
    after = {rule.name: rule for rule in plan.constraints}
    assert after["pays"] == before["pays"]
    assert after["social cap"] == before["social cap"]
    assert "try" not in after


def test_stresses_hit_the_largest_social_line_and_the_largest_that_can_be_lost(loaded):
    history = {"抖音直播": 5.0, "search": 9.0, "kol": 7.0}
    shock, loss, weak = stress_scenarios(loaded, history, {"double12": 1.0, "618": 2.0})
    assert (shock.name, loss.name, weak.name) == ("platform shock kol -22%", "loss of search", "weak 618")
    spared = stress_scenarios(loaded, history, {}, lambda project: "search" not in project.project.plan.shocks)
    assert [one.name for one in spared] == ["platform shock kol -22%", "loss of kol"]
