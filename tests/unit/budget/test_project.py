"""Project files: every fault is named with file, line, path and cure; layers merge as promised."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from budget import project as module
from budget.meanings import CHINESE
from budget.project import Project, demo_folder, find_config, load_project
from budget.validation import meaning_of
from mmm.problems import InputError

BASE = """\
data: {file: national.csv, kpi: revenue}
channels:
  social: {groups: [social], category: promotion}
  抖音直播: {groups: [live], category: promotion}
lines:
  tools: {category: tools}
plan:
  total: 500万
  quarter: 2027Q4
"""
HEAD = BASE.count("\n")


def write(folder, text, name="budget.yaml"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def load(tmp_path):
    return lambda text, **options: load_project(write(tmp_path, text), **options)


@pytest.fixture
def refused(load):
    """Messages of the problems that a text is refused for."""

    def problems(text, **options):
        with pytest.raises(InputError) as caught:
            load(text, **options)
        return [str(problem) for problem in caught.value.problems]

    return problems


def with_rules(*rules):
    return BASE + "  constraints:\n" + "".join(f"    - {rule}\n" for rule in rules)


def test_a_project_is_read_with_its_files(load, tmp_path):
    loaded = load(BASE)
    assert loaded.project.currency == "CNY"
    assert list(loaded.project.channels) == ["social", "抖音直播"]
    assert loaded.folder == loaded.data_folder == loaded.calendar_folder == tmp_path
    assert loaded.sources == (tmp_path / "budget.yaml",)


# --- reading YAML


def test_duplicate_keys_are_all_refused_with_their_lines(refused):
    first, second = refused(BASE + "  total: 1\nmodel:\n  seed: 1\n  seed: 2\n")
    assert first.startswith(f"budget.yaml, line {HEAD + 1}, plan.total: this key is given twice")
    assert "the other is in line 8" in first
    assert second.startswith(f"budget.yaml, line {HEAD + 4}, model.seed: this key is given twice")


def test_an_alias_bomb_is_refused(refused):
    layers = "".join(f"k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 9)}]\n" for i in range(1, 9))
    (problem,) = refused(f"k0: &k0 [x]\n{layers}{BASE}")
    assert problem.startswith("budget.yaml, line 1: anchors and aliases (& and *) are not allowed")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("note: *nobody\n", "budget.yaml, line 1: anchors and aliases"),
        ("note: !!python/object x\n", "budget.yaml, line 1: tags (!) are not allowed"),
        ("note: " + "[" * 5000, "budget.yaml, line 1: keys and lists are nested more than 20 deep"),
        ("#" * 300_000, "budget.yaml: the file is larger than 256 KB"),
        ("", "budget.yaml: the file holds no keys"),
        ("- 1\n", "budget.yaml: the file holds no keys"),
        (
            "a: 1\nb:\n\t- 1\n",
            "budget.yaml, line 3, column 1: a tab stands where YAML needs spaces (found: - 1)",
        ),
        ("a: 1\n--- \nb: 1\n", "budget.yaml, line 2, column 1: a second document begins here"),
        ("%YAML 1.1\n---\na: 010\n", "budget.yaml: %YAML and %TAG lines are not allowed"),
        ("a: \x01\n", "budget.yaml: the file holds a character that no text file may hold (found: #x0001)"),
        ("? [a]\n: 1\n", "budget.yaml, line 1: a key must be plain text"),
        (
            "plan: {start: 2027-13-45}\n",
            "budget.yaml, line 1, plan.start: the value cannot be read (found: 2027-13-45)",
        ),
        ("a: " + "9" * 5000, "budget.yaml, line 1, a: the value cannot be read"),
        ("plan:\n  total: .inf\n", "budget.yaml, line 2, plan.total: the number is not finite (found: .inf)"),
    ],
)
def test_yaml_that_cannot_be_used(refused, text, fault):
    (problem,) = refused(text)
    assert problem.startswith(fault)


def test_text_in_another_encoding_is_refused_with_a_cure(tmp_path):
    (tmp_path / "budget.yaml").write_bytes("note: 预算\n".encode("gbk"))
    with pytest.raises(InputError, match=r"not UTF-8 text\. Save it as UTF-8"):
        load_project(tmp_path / "budget.yaml")


def test_a_byte_order_mark_is_no_fault(load):
    assert load("\ufeff" + BASE).project.data.kpi == "revenue"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: there is no such file"):
        load_project(tmp_path / "nowhere.yaml")


# --- shape


def test_unknown_keys_get_line_and_suggestion(refused):
    text = with_rules("{kind: bounds, name: half, mxa: 2}") + "modle: {seed: 1}\n"
    text = text.replace("groups: [live]", "group: [live]")
    rule, channel, top = sorted(refused(text), key=lambda problem: ("modle" in problem, "group" in problem))
    assert rule == f'budget.yaml, line {HEAD + 2}, plan.constraints."half".mxa: unknown key. Did you mean max?'
    assert channel == "budget.yaml, line 4, channels.抖音直播.group: unknown key. Did you mean groups?"
    assert top == f"budget.yaml, line {HEAD + 3}, modle: unknown key. Did you mean model?"


def test_an_unknown_key_like_no_other_gets_the_list(refused):
    (problem,) = refused(BASE + "zzz: {}\n")
    assert "Known here: backtest, calendar, channels, currency, data" in problem


def test_unknown_keys_are_found_behind_unions_and_in_dicts(refused):
    text = BASE.replace("national.csv", "{outcome: a.csv, spend: b.csv, spnd: c.csv}")
    text = text.replace("{category: tools}", "{category: tools, label: {fr: outils}}")
    assert refused(text) == [
        "budget.yaml, line 1, data.file.spnd: unknown key. Did you mean spend?",
        "budget.yaml, line 6, lines.tools.label.fr: unknown key. Known here: en, zh.",
    ]


def test_missing_keys_say_what_they_are_for(refused):
    problem, _ = refused("data: {file: a.csv}\nchannels: {x: {}}\n")
    assert problem == (
        "budget.yaml, line 1, data.kpi: this key is missing. "
        "kpi: Column with the outcome: GMV in currency, or a count together with value_per_kpi."
    )


@pytest.mark.parametrize(
    ("change", "where", "fault"),
    [
        ("model: {draws: many}", "model.draws", "must be a whole number (found: many). draws: Kept draws per chain."),
        ("model: {draws: '500'}", "model.draws", "must be a whole number (found: 500)."),
        ("model: {draws: 1}", "model.draws", "must be at least 10 (found: 1)."),
        ("model: {seed: 1.5}", "model.seed", "must be"),
        ("model: {cores: true}", "model.cores", "must be a whole number (found: true)."),
        ("model: [draws]", "model", 'must be a block of keys (found: ["draws"]).'),
        ("model:", "model", "must be a block of keys (found: nothing)."),
        ("model: {target_accept: 1}", "model.target_accept", "must be below 1 (found: 1)."),
        ("note: 5", "note", "must be text (found: 5)."),
        ("currency: yuan", "currency", "must be written in the form its description gives (found: yuan)."),
        ("lift_tests: [a]", "lift_tests", "must be text"),
    ],
)  # fmt: skip
def test_wrong_types_in_plain_words(refused, change, where, fault):
    (problem,) = refused(BASE + change + "\n")
    assert problem.startswith(f"budget.yaml, line {HEAD + 1}, {where}: {fault}")


def test_a_union_complains_once(refused):
    (problem,) = refused(with_rules("{kind: bounds, name: half, lines: 5, min: 1}"))
    assert 'plan.constraints."half".lines: must be text or a list (found: 5)' in problem
    (problem,) = refused(with_rules("{kind: bounds, name: half, lines: [social, 5], min: 1}"))
    assert 'plan.constraints."half".lines[2]: must be text (found: 5)' in problem


def test_kinds_of_rules(refused):
    wrong, missing, empty = refused(
        with_rules(
            "{kind: group_shar, name: a}", "{name: b}", "{kind: bounds, name: c}", "{kind: bounds, name: d, min: 1}"
        )
    )
    assert wrong.endswith(
        'plan.constraints."a".kind: no such kind of rule (found: group_shar). Did you mean group_share?'
    )
    assert 'plan.constraints."b".kind: this key is missing.' in missing
    assert f'line {HEAD + 4}, plan.constraints."c": give min, max or both' in empty


def test_events_without_name_go_by_number(refused):
    (problem,) = refused(
        BASE.replace("kpi: revenue", "kpi: revenue, events: [{name: a, start: 2026-01-01}, {start: 2026-01-01}]")
    )
    assert "line 1, data.events[2].name: this key is missing" in problem


# --- cross checks


def test_category_shares_over_one(refused):
    (problem,) = refused(
        with_rules(
            "{kind: category_share, name: a, category: promotion, share: 0.7}",
            "{kind: category_share, name: b, category: tools, min: 0.35, max: 0.5}",
        )
    )
    assert "plan.constraints: the category shares sum to more than 1 (found: 1.05)" in problem
    assert "promotion 0.7, tools 0.35" in problem


def test_exact_shares_of_all_categories_must_make_one(load, refused):
    rules = ["{kind: category_share, name: a, category: promotion, share: 0.7}"]
    load(with_rules(*rules))  # the rest may go to tools
    (problem,) = refused(with_rules(*rules, "{kind: category_share, name: b, category: tools, share: 0.2}"))
    assert "every category has an exact share and they sum to less than 1 (found: 0.9)" in problem
    thirds = [f"{{kind: category_share, name: {name}, category: {name}, share: {share}}}" for name, share in
              [("promotion", 0.1), ("tools", 0.9)]]  # fmt: skip
    load(with_rules(*thirds))
    load(with_rules(rules[0], rules[0].replace("name: a", "name: b")))
    (problem,) = refused(with_rules(rules[0], rules[0].replace("name: a", "name: b").replace("0.7", "0.6")))
    assert "this category has another exact share (found: 0.6)" in problem


def test_rules_name_what_exists_all_at_once(refused):
    category, group, line, pilot, cut = refused(
        with_rules(
            "{kind: category_share, name: a, category: promotoin, share: 0.4}",
            "{kind: group_share, name: b, group: socail, max: 0.45}",
            "{kind: bounds, name: c, lines: [tools, 抖音直波], max: 9}",
            "{kind: pilot, name: d, line: bilibili, min: 1, max: 2}",
        )
        + "  rules:\n    - {kind: cut, name: e, roi_below: 4, lines: socials}\n"
    )
    assert category.endswith("there is no such category (found: promotoin). Did you mean promotion?")
    assert group == (
        f'budget.yaml, line {HEAD + 3}, plan.constraints."b".group: there is no such group (found: socail). '
        "Did you mean social?"
    )
    assert line.endswith("there is no such line (found: 抖音直波). Did you mean 抖音直播?")
    assert "Known here: social, tools, 抖音直播." in pilot
    assert 'plan.rules."e".lines: there is no such line (found: socials). Did you mean social?' in cut


def test_bounds_over_the_total(load, refused):
    rules = [
        "{kind: bounds, name: a, lines: all, per: week, min: 150_000}",
        "{kind: bounds, name: b, lines: tools, min: 1100001}",
    ]
    (problem,) = refused(with_rules(*rules))
    assert "bounds over the total: the least spends sum to 5,000,001.00, the total is 5,000,000.00" in problem
    assert f'line {HEAD + 2}, plan.constraints."a".min' in problem
    load(with_rules(rules[0], rules[1].replace("1100001", "1100000")))
    load(with_rules(*rules), total="5000001")
    assert len(refused(with_rules(*rules), total="6,000")) == 1
    load(with_rules("{kind: bounds, name: a, min: 900, relative_to: average}"))


@pytest.mark.parametrize(("quarter", "weeks"), [("2027Q1", 12), ("2027Q4", 13), ("2026Q4", 14), ("2026Q1", 13)])
def test_weekly_bounds_count_the_weeks_of_the_quarter(load, refused, quarter, weeks):
    text = with_rules("{kind: bounds, name: a, lines: tools, per: week, min: 100}").replace("2027Q4", quarter)
    load(text, total=weeks * 100)
    assert "bounds over the total" in refused(text, total=weeks * 100 - 1)[0]


def test_weekly_bounds_in_an_impossible_quarter_are_refused_not_counted(refused):
    text = with_rules("{kind: bounds, name: a, lines: tools, per: week, min: 100}")
    (problem,) = refused(text.replace("2027Q4", "9999Q4"))
    assert "plan.quarter: the year must be from 2000 to 2100 (found: 9999Q4)" in problem


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  quarter: 2027Q4\n", "", "plan: neither quarter nor start is given"),
        ("quarter: 2027Q4", "quarter: 2027Q4\n  start: 2027-10-04", "plan.start: quarter and start are both given"),
        ("quarter: 2027Q4", "start: 2027-10-07", "must start on a Monday (found: 2027-10-07). Write 2027-10-04."),
        ("quarter: 2027Q4", "start: 2027-10-04\n  weeks: 261", "plan.weeks: a plan covers at most 260 weeks"),
        ("quarter: 2027Q4", "start: 9999-12-27", "plan.start: the year must be from 2000 to 2100"),
        ("2027Q4", "２０２７Q4", "plan.quarter: the year must be from 2000 to 2100"),
        ("2027Q4", "0000Q1", "plan.quarter: the year must be from 2000 to 2100"),
        ("plan:\n", "plan:\n  objective: {maximise: profit}\n", "plan.objective.maximise: profit needs a margin"),
        (
            "plan:\n",
            "plan:\n  objective: {maximise: gmv, safe: {}, cvar: {weight: 0.5}}\n",
            "plan.objective.safe: two kinds of caution at once (found: safe and cvar)",
        ),
        ("500万", "five million", "plan.total: the amount cannot be read as money (found: 'five million')"),
        ("500万", "5000000.005", "plan.total: the amount has more than two decimals"),
        ("  tools:", "  social:", "lines.social: a channel has this name already"),
        ("  tools:", "  all:", "lines.all: this name cannot be used"),
        ("national.csv", "https://example.org/a.csv", "data.file: files are not fetched from the network"),
        ("national.csv", "{outcome: a.csv, spend: s3://b/c.csv}", "data.file.spend: files are not fetched"),
        ("plan:\n", "lift_tests: https://a.example/tests.csv\nplan:\n", "lift_tests: files are not fetched"),
    ],
)  # fmt: skip
def test_cross_checks(refused, old, new, fault):
    (problem,) = refused(BASE.replace(old, new))
    assert fault in problem


def test_rules_have_names_of_their_own(refused):
    rule = "{kind: bounds, name: a, max: 1}"
    assert all("several rules have this name (found: a)" in problem for problem in refused(with_rules(rule, rule)))


def test_data_may_lie_beside_the_project_when_it_says_so(load, refused):
    beside = BASE.replace("national.csv", "../data/national.csv")
    (problem,) = refused(beside)
    assert "data.file: the file lies outside the project folder (found: ../data/national.csv)" in problem
    assert "outside_files: true" in problem
    assert load(f"outside_files: true\n{beside}").project.data.file == "../data/national.csv"
    assert load(BASE.replace("national.csv", "/data/national.csv")).project.data.file == "/data/national.csv"


@pytest.mark.parametrize("key", ["calendar", "lift_tests"])
def test_other_files_stay_in_the_project_too(refused, key):
    (problem,) = refused(f"{key}: ../other.yaml\n{BASE}")
    assert "the file lies outside the project folder" in problem


def test_a_link_out_of_the_project_is_refused(refused, tmp_path, tmp_path_factory):
    target = tmp_path_factory.mktemp("elsewhere") / "secret.csv"
    target.touch()
    (tmp_path / "national.csv").symlink_to(target)
    assert "outside the project folder" in refused(BASE)[0]


def test_the_total_of_the_command_line_comes_first(load, refused):
    assert load(BASE, total="4.5M").project.plan.total == 4_500_000
    assert load(BASE.replace("500万", "nonsense"), total=1).project.plan.total == 1
    assert refused(BASE, total="-5")[0].startswith("--total: the amount is negative")


# --- extends


def test_later_keys_win_blocks_merge_lists_replace(tmp_path):
    write(tmp_path, BASE + "note: base\nmodel: {draws: 50, tune: 60}\n", "presets/base.yaml")
    child = "extends: presets/base.yaml\nmodel: {draws: 70}\nchannels: {social: {groups: [paid]}, seo: {}}\n"
    loaded = load_project(write(tmp_path, child))
    project = loaded.project
    assert (project.note, project.model.draws, project.model.tune) == ("base", 70, 60)
    assert project.channels["social"].groups == ("paid",)
    assert project.channels["social"].category == "promotion"
    assert list(project.channels) == ["social", "抖音直播", "seo"]
    assert loaded.sources == (tmp_path / "budget.yaml", tmp_path / "presets/base.yaml")
    assert loaded.data_folder == tmp_path / "presets"
    assert loaded.folder == loaded.calendar_folder == tmp_path


def test_faults_in_the_base_name_the_base(tmp_path):
    write(tmp_path, BASE + "modle: 1\n", "presets/base.yaml")
    with pytest.raises(InputError, match=rf"^presets/base\.yaml, line {HEAD + 1}, modle: unknown key"):
        load_project(write(tmp_path, "extends: presets/base.yaml\n"))


def test_a_circle_of_extends_is_refused(tmp_path):
    write(tmp_path, "extends: budget.yaml\n", "a.yaml")
    path = write(tmp_path, "note: x\nextends: a.yaml\n")
    with pytest.raises(InputError) as caught:
        load_project(path)
    assert str(caught.value).startswith(
        "a.yaml, line 1, extends: the files extend each other in a circle (found: budget.yaml -> a.yaml -> budget.yaml)"
    )


@pytest.mark.parametrize(
    ("parent", "fault"),
    [
        ("../outside.yaml", "the file lies outside the project folder"),
        ("/etc/hostname", "the file lies outside the project folder"),
        ("missing.yaml", "there is no such file"),
        ("[a, b]", "must be text"),
    ],
)
def test_what_cannot_be_extended(tmp_path, parent, fault):
    write(tmp_path, BASE, "outside.yaml")
    path = write(tmp_path / "project", f"extends: {parent}\n{BASE}")
    with pytest.raises(InputError, match=rf"budget\.yaml, line 1, extends: {fault}"):
        load_project(path)


def test_a_link_does_not_lead_out_of_the_project(tmp_path):
    write(tmp_path, BASE, "outside.yaml")
    path = write(tmp_path / "project", f"extends: base.yaml\n{BASE}")
    (tmp_path / "project/base.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(InputError, match="outside the project folder"):
        load_project(path)


def test_the_demo_can_be_extended(tmp_path, monkeypatch):
    demo = tmp_path / "installed/demo"
    write(demo, "extends: more/base.yaml\nnote: simulated data\n")
    write(demo, BASE, "more/base.yaml")
    monkeypatch.setattr(module, "demo_folder", lambda: demo)
    loaded = load_project(write(tmp_path / "mine", "extends: demo\nplan: {total: 4M}\n"))
    assert (loaded.project.note, loaded.project.plan.total) == ("simulated data", "4M")
    assert loaded.folder == tmp_path / "mine"
    assert loaded.data_folder == demo / "more"


def test_the_shipped_demo_is_a_sound_project_to_build_on(tmp_path):
    shipped = load_project(demo_folder() / "budget.yaml")
    loaded = load_project(write(tmp_path, "extends: demo\nnote: mine\n"))
    assert loaded.project == shipped.project.model_copy(update={"extends": "demo", "note": "mine"})
    assert (loaded.data_folder, loaded.folder) == (demo_folder(), tmp_path)


# --- finding the file


def test_the_file_given_comes_first_then_the_folder_then_the_demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(None) == (demo_folder() / "budget.yaml", True)
    here = write(tmp_path, BASE)
    assert find_config(None) == (here, False)
    assert find_config(Path("other.yaml")) == (Path("other.yaml"), False)
    assert (demo_folder().parent / "__init__.py").is_file()


def test_reading_a_project_is_cheap():
    heavy = "'pandas', 'pymc', 'pytensor', 'pyomo', 'highspy', 'arviz', 'matplotlib', 'xlsxwriter', 'openpyxl', 'scipy'"
    code = (
        "import sys, time, budget.project, budget.store, budget.schema; "
        f"print(sorted(sys.modules.keys() & {{{heavy}}}), time.process_time() < 2)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[] True"


def described(model, done):
    """Every settings class that a project holds."""
    if isinstance(model, type) and issubclass(model, BaseModel) and model not in done:
        done.add(model)
        for field in model.model_fields.values():
            described(field.annotation, done)
    for part in get_args(model):
        described(part, done)
    return done


def test_every_key_says_what_it_means_in_chinese():
    fields = [field for model in described(Project, set()) for field in model.model_fields.values()]
    meanings = {meaning_of(field.description) for field in fields if field.description}
    assert len(meanings) > 150
    assert meanings - CHINESE.keys() == set()


def test_a_value_that_cannot_be_is_told_in_chinese(tmp_path):
    text = "currency: yuan\ndata: {file: a.csv, kpi: gmv, frequency: hourly}\nchannels: {tv: {}}\nplan: {weeks: 2.5}\n"
    (tmp_path / "budget.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_project(tmp_path / "budget.yaml")
    told = [problem.said("zh") for problem in refused.value.problems]
    assert told[0].startswith(
        "budget.yaml，第 1 行，currency：必须是说明所示的格式（实际为：yuan）。currency：所有金额"
    )
    assert "data.frequency：必须是'weekly'或'daily'" in told[1].replace("weekly、daily", "'weekly'或'daily'")
    assert "plan.weeks：必须是整数（实际为：2.5）。weeks：自 start 起的周数。" in told[-1]
    assert not any("must" in each or "line" in each for each in told)
