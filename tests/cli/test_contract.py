"""The contract: commands, options, and the names, types and sums of every file that ``budget plan`` writes."""

import csv
import hashlib
import io
import json
import re
import shutil

import fitted
import pytest
import typer
from openpyxl import load_workbook

from budget.cli import app

COMMANDS = {"plan", "fit", "check", "evaluate", "backtest", "simulate", "init", "schema"}
OPTIONS = {"--help", "--config", "--json", "--lang", "--quiet"}

NUMBER = (int, float)
MAYBE = (int, float, type(None))
INTERVAL = dict.fromkeys(("mean", "p05", "p50", "p95"), NUMBER)
LINE = {
    "name": str,
    "label": dict,
    "category": str,
    "groups": list,
    "spend": NUMBER,
    "weekly": list,
    "history_spend": MAYBE,
    "mroi": MAYBE,
    "prob_weak": MAYBE,
    "near_optimal": list,
}
PLAN = {
    "status": str,
    "quarter": str,
    "weeks": list,
    "currency": str,
    "total": NUMBER,
    "lines": list,
    "expected": dict,
    "proof": dict,
    "constraints": list,
    "rules": list,
    "versus": dict,
    "health": dict,
    "files": list,
    "fingerprint": str,
}
EXPECTED = {"gmv": dict, "profit": MAYBE, "roi": NUMBER, "cvar": NUMBER}
PROOF = {
    "objective": NUMBER,
    "bound": NUMBER,
    "gap": NUMBER,
    "rounds": int,
    "draws": int,
    "solver": str,
    "seconds": NUMBER,
}
CONSTRAINT = {
    "name": str,
    "kind": str,
    "value": NUMBER,
    "limit": NUMBER,
    "binding": bool,
    "price": MAYBE,
    "price_unit": str,
}
RULE = {"name": str, "fired": bool, "lines": list, "effect": str}
GAIN = dict.fromkeys(("mean", "p05", "p95"), NUMBER)
SPLIT = {"channel_promotion": 40, "content_production": 35, "tools": 15, "user_incentives": 10}


def fen(amount):
    """Whole cents of an amount that has no more than two decimals."""
    cents = round(100 * amount)
    assert amount == cents / 100
    return cents


def assert_shape(value, shape):
    for name, kind in shape.items():
        assert name in value, name
        assert isinstance(value[name], kind), (name, value[name])
        assert kind in (bool, dict) or not isinstance(value[name], bool), name


@pytest.fixture
def plan(planned):
    return json.loads((planned / "plan.json").read_text(encoding="utf-8"))


# --- commands


def test_every_command_takes_the_common_options():
    commands = typer.main.get_command(app).commands
    assert set(commands) >= COMMANDS
    for name, command in commands.items():
        given = {option for parameter in command.params for option in parameter.opts}
        assert given | {"--help"} >= OPTIONS, name


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(budget, command):
    answer = budget(command, "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: budget {command}")
    for option in OPTIONS:
        assert option in answer.out
    assert not re.search(r"``|Annotated|None\b", answer.out)


def test_help_names_every_command(budget):
    answer = budget("--help")
    assert answer.code == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", answer.out, re.MULTILINE)


@pytest.mark.parametrize(
    "words",
    [
        ("plan",),
        ("fit",),
        ("check",),
        ("evaluate", "plan.csv"),
        ("simulate", "market"),
        ("init", "start"),
        ("schema",),
    ],
)
def test_json_is_one_document_on_stdout_and_quiet_is_silent(budget, small, words):
    if words[0] == "evaluate":
        assert budget("plan", "--out", small, "--quiet").code == 0
    answer = budget(*words, "--json", "--quiet")
    assert answer.code == 0
    assert isinstance(answer.document, dict)
    assert answer.err == ""


@pytest.mark.usefixtures("small")
def test_the_way_is_told_on_stderr_and_the_result_on_stdout(budget):
    answer = budget("plan")
    assert "Using the fitted model kept in .budget" in answer.err
    assert "Solving" in answer.err
    assert "Douyin live" in answer.out
    assert "What binds" in answer.out  # the widest table is not squeezed where there is no terminal
    assert "Solving" not in answer.out


# --- plan.json


def test_stdout_is_what_plan_json_holds(planned_home, planned):
    assert (planned_home / "stdout.json").read_text(encoding="utf-8") == (planned / "plan.json").read_text("utf-8")


def test_plan_json_has_the_names_and_types_of_the_contract(plan):
    assert_shape(plan, PLAN)
    assert_shape(plan["expected"], EXPECTED)
    assert_shape(plan["expected"]["gmv"], INTERVAL)
    assert_shape(plan["proof"], PROOF)
    for constraint in plan["constraints"]:
        assert_shape(constraint, CONSTRAINT)
    for rule in plan["rules"]:
        assert_shape(rule, RULE)
    assert plan["health"]["verdict"] in {"PASS", "REVIEW", "FAIL"}
    for check in plan["health"]["checks"]:
        assert_shape(check, {"name": str, "verdict": str, "value": MAYBE, "limit": MAYBE, "sentence": str})


def test_the_lines_of_plan_json(plan):
    assert len(plan["lines"]) == 11
    for line in plan["lines"]:
        assert_shape(line, LINE)
        assert len(line["weekly"]) == 13
        assert min(line["weekly"]) >= 0
        low, high = line["near_optimal"]
        assert low - 0.01 <= line["spend"] <= high + 0.01
        if line["name"] == "tools":
            assert (line["gmv"], line["roi"], line["mroi"]) == (None, None, None)
        else:
            assert_shape(line["gmv"], INTERVAL)
            assert_shape(line["roi"], INTERVAL)
            assert line["roi"]["mean"] == pytest.approx(line["gmv"]["mean"] / line["spend"], rel=1e-9)
            assert line["gmv"]["p05"] < line["gmv"]["p50"] < line["gmv"]["p95"]


def test_the_comparisons_of_plan_json(plan):
    assert_shape(plan["versus"], {"last_quarter": dict, "pro_rata": dict})
    assert_shape(plan["versus"]["pro_rata"], {"gmv_gain": dict, "prob_better": NUMBER})
    assert_shape(plan["versus"]["pro_rata"]["gmv_gain"], GAIN)
    assert 0 <= plan["versus"]["pro_rata"]["prob_better"] <= 1


def test_the_plan_is_for_the_quarter(plan):
    assert plan["quarter"] == "2027Q4"
    assert (plan["weeks"][0], plan["weeks"][-1], len(plan["weeks"])) == ("2027-10-04", "2027-12-27", 13)
    assert plan["currency"] == "CNY"


def test_the_plan_is_proven(plan):
    proof = plan["proof"]
    assert plan["status"] in {"optimal", "feasible"}
    assert proof["objective"] <= proof["bound"]
    assert proof["gap"] == pytest.approx(proof["bound"] / proof["objective"] - 1, rel=1e-6)
    assert proof["objective"] == pytest.approx(plan["expected"]["gmv"]["mean"], rel=1e-9)
    assert proof["draws"] == 200


def test_the_sums_hold_to_the_cent(plan):
    assert sum(fen(line["spend"]) for line in plan["lines"]) == fen(plan["total"]) == 500_000_000
    for line in plan["lines"]:
        assert sum(map(fen, line["weekly"])) == fen(line["spend"])


def test_the_categories_are_split_exactly_as_signed(plan):
    spent = dict.fromkeys(SPLIT, 0)
    for line in plan["lines"]:
        spent[line["category"]] += fen(line["spend"])
    assert spent == {category: percent * 5_000_000 for category, percent in SPLIT.items()}


def test_the_rules_of_the_department_hold(plan):
    def share(group):
        return sum(fen(line["spend"]) for line in plan["lines"] if group in line["groups"]) / 500_000_000

    assert share("social") <= 0.45
    assert share("emerging") >= 0.05
    assert max(line["spend"] for line in plan["lines"]) <= 0.33 * 5_000_000
    social = next(row for row in plan["constraints"] if row["name"] == "social cap")
    assert social["value"] == pytest.approx(share("social"), abs=1e-12)
    assert social["limit"] == 0.45


# --- the other files


def test_plan_csv_agrees_with_plan_json(plan, planned):
    rows = list(csv.reader(io.StringIO((planned / "plan.csv").read_text(encoding="utf-8"))))
    told = [
        [week, line["name"], f"{spend:.2f}"]
        for line in plan["lines"]
        for week, spend in zip(plan["weeks"], line["weekly"], strict=True)
    ]
    assert rows == [["week", "line", "spend"], *told]


def test_the_workbook_agrees_with_plan_json(plan, planned):
    book = load_workbook(planned / "plan.xlsx", read_only=True)
    cells = {row[0]: row for row in book["Plan"].iter_rows(values_only=True) if row and row[0]}
    book.close()
    for line in plan["lines"]:
        assert [round(cell, 2) for cell in cells[line["name"]][2:15]] == line["weekly"]


def test_the_page_is_whole_and_fetches_nothing(plan, planned):
    page = (planned / "plan.html").read_text(encoding="utf-8")
    assert page.startswith("<!")
    assert page.rstrip().endswith("</html>")
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    for line in plan["lines"]:
        assert line["label"]["en"] in page


def test_the_manifest_knows_every_file(plan, planned, planned_home):
    about = json.loads((planned / "manifest.json").read_text(encoding="utf-8"))
    hashes = {entry["name"]: entry["sha256"] for entry in about["outputs"]}
    assert set(hashes) == {"plan.json", "plan.csv", "plan.xlsx", "plan.html"}
    assert set(plan["files"]) == {*hashes, "manifest.json"} == {path.name for path in planned.iterdir()}
    sources = {entry["name"]: entry["sha256"] for entry in (*about["config"], *about["data"])}
    assert set(sources) == {"budget.yaml", "data.csv"}
    for name, digest in hashes.items():
        assert hashlib.sha256((planned / name).read_bytes()).hexdigest() == digest, name
    for name, digest in sources.items():
        assert hashlib.sha256((planned_home / name).read_bytes()).hexdigest() == digest, name
    assert about["fingerprint"] == plan["fingerprint"]
    assert about["run_id"] == plan["id"]
    assert about["command"] == ["budget", "plan", "--config", "budget.yaml", "--total", "5000000", "--json", "--quiet"]
    assert about["seed"] == 1


def test_no_file_tells_where_it_was_made(planned, planned_home):
    for name in ("plan.json", "plan.csv", "plan.html", "manifest.json"):
        assert str(planned_home.parent) not in (planned / name).read_text(encoding="utf-8"), name


def test_the_same_plan_twice_is_the_same_but_for_the_clock(budget, small):
    found = []
    for folder in ("one", "two"):
        assert budget("plan", "--out", folder, "--quiet").code == 0
        document = json.loads((small / folder / "plan.json").read_text(encoding="utf-8"))
        about = json.loads((small / folder / "manifest.json").read_text(encoding="utf-8"))
        document["proof"].pop("seconds")
        about.pop("created")
        about["outputs"] = [entry for entry in about["outputs"] if entry["name"] == "plan.csv"]
        about["command"] = [word for word in about["command"] if word != folder]
        found.append((document, (small / folder / "plan.csv").read_bytes(), about))
    assert found[0] == found[1]


def test_fit_writes_what_the_contract_names(budget, small):
    answer = budget("fit", "--out", "fitted", "--json")
    assert answer.code == 0
    assert {path.name for path in (small / "fitted").iterdir()} == {"fit.nc", "curves.npz", "fit.json", "manifest.json"}
    document = json.loads((small / "fitted" / "fit.json").read_text(encoding="utf-8"))
    assert document == answer.document
    about = json.loads((small / "fitted" / "manifest.json").read_text(encoding="utf-8"))
    for entry in about["outputs"]:
        content = (small / "fitted" / entry["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]


# --- where files go, and in which language


def test_files_go_beside_the_project_or_to_out(budget, small, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config = small / "budget.yaml"
    assert budget("plan", "--config", config, "--quiet").code == 0
    assert (small / "plans" / "2025-12-01+4weeks" / "plan.json").is_file()
    assert list(elsewhere.iterdir()) == []
    assert budget("plan", "--config", config, "--out", elsewhere / "我的方案", "--quiet").code == 0
    assert (elsewhere / "我的方案" / "plan.xlsx").is_file()
    assert len(list((small / "plans").iterdir())) == 1


@pytest.mark.usefixtures("small")
def test_without_config_the_project_of_the_folder_is_used(budget):
    answer = budget("check")
    assert "demo" not in answer.err
    assert "search" in answer.out
    assert "kuaishou_live" not in answer.out


def test_without_a_project_the_demo_is_used_and_said(budget, demo_home, tmp_path, monkeypatch):
    folder = tmp_path / "empty"
    shutil.copytree(demo_home / ".budget", folder / ".budget")
    monkeypatch.chdir(folder)
    checked = budget("check")
    assert checked.code == 0
    assert checked.err.startswith("No budget.yaml here: using the demo project that ships with the package")
    assert "2027Q4, 5,000,000.00 CNY" in checked.out
    assert budget("fit", "--quiet").code == 0
    assert (folder / "plans" / "2027Q4" / "fit.json").is_file()


@pytest.mark.usefixtures("small")
def test_a_total_can_be_written_in_chinese(budget):
    assert budget("check", "--total", "１４０万", "--json").document == budget("check", "--json").document
    assert budget("plan", "--total", "135万元", "--json", "--quiet").document["total"] == 1_350_000


def test_the_plan_in_chinese(budget, small):
    answer = budget("plan", "--lang", "zh", "--quiet")
    assert answer.code == 0
    for words in ("抖音直播间", "工具采购", "钱花在哪里", "合计", "140.00万"):
        assert words in answer.out
    folder = small / "plans" / "2025-12-01+4weeks"
    page = (folder / "plan.html").read_text(encoding="utf-8")
    assert "预期 GMV" in page
    assert 'lang="zh' in page
    assert "抖音直播" in (folder / "plan.csv").read_text(encoding="utf-8")
    book = load_workbook(folder / "plan.xlsx", read_only=True)
    assert any("预期 GMV" in str(cell) for page in book for row in page.iter_rows(values_only=True) for cell in row)
    book.close()


def test_a_clash_in_chinese(budget, small):
    text = fitted.SMALL.replace("group: social, max: 0.45", "group: social, max: 0.01")
    (small / "budget.yaml").write_text(text, encoding="utf-8")
    answer = budget("plan", "--lang", "zh", "--quiet")
    assert answer.code == 3
    assert re.search(r"[\u4e00-\u9fff]{4}", answer.err)
    assert "social cap" in answer.err
