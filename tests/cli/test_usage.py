"""Mistyped commands and ``--help``, in both languages."""

import json
import re
import sys

import pytest
import typer

from budget.cli import app, main
from budget.help_words import CHINESE
from budget.helped import asked_language


@pytest.fixture
def typed(monkeypatch, capsys):
    """What ``budget WORDS`` answers: exit code, stdout, stderr."""

    def run(*words, **environment):
        for name in ("BUDGET_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.setenv(name, environment.get(name, ""))
        monkeypatch.setattr(sys, "argv", ["budget", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (
            "plan --totl 5",
            "budget plan: there is no such option (found: --totl). Did you mean --total?",
            "budget plan：没有这个选项（实际为：--totl）。是否想写 --total？",
        ),
        (
            "pln",
            "budget: there is no such command (found: pln). Did you mean plan?",
            "budget：没有这个命令（实际为：pln）。",
        ),
        (
            "plan --gap abc",
            "budget plan --gap: must be a number (found: abc).",
            "--gap：必须是数字（实际为：abc）。",
        ),
        ("plan --gap=-1", "budget plan --gap: must be at least 0 (found: -1).", "必须是不小于 0 的数（实际为：-1）。"),
        ("simulate a --weeks 5.5", "--weeks: must be a whole number (found: 5.5).", "必须是整数（实际为：5.5）。"),
        ("simulate a --weeks 9999", "--weeks: must be at most 1040 (found: 9999).", "必须是不大于 1040 的数"),
        (
            "review -w 2025-12-80 -a b",
            "--week: must be a date such as 2027-10-04 (found: 2025-12-80).",
            "必须是日期，如 2027-10-04",
        ),
        (
            "review --override no",
            "--override: must be keep or replan (found: no).",
            "必须是keep或replan（实际为：no）。",
        ),
        ("init", "budget init DIR: this is missing.", "budget init DIR：缺少这一项。"),
        ("review", "budget review --actuals: this is missing.", "budget review --actuals：缺少这一项。"),
        ("plan a b", "budget plan: this is one word too many (found: a b). Put names", "多出一个词（实际为：a b）。"),
        ("plan --total", "budget plan --total: the option has no value. Write", "budget plan --total：选项缺少取值。"),
    ],
)
def test_a_mistyped_command_is_told_with_place_value_and_cure(typed, words, english, chinese):
    for lang, told in (("en", english), ("zh", chinese)):
        code, out, err = typed(*words.split(), BUDGET_LANG=lang)
        assert (code, out) == (2, "")
        assert told in err
        assert "--help" in err


def test_a_mistyped_command_is_told_as_json_too(typed):
    code, out, _ = typed("plan", "--gap", "abc", "--json")
    (problem,) = json.loads(out)["problems"]
    assert (code, problem["where"], problem["value"]) == (2, "budget plan --gap", "abc")


def test_without_a_command_the_help_is_shown(typed):
    code, out, err = typed()
    assert (code, out) == (2, "")
    assert "Commands:" in err
    code, _, err = typed(LANG="zh_CN.UTF-8")
    assert "命令：" in err


def commands():
    group = typer.main.get_command(app)
    return [group, *group.commands.values()]


def test_every_help_text_has_its_chinese():
    said = {command.help for command in commands()}
    said |= {parameter.help for command in commands() for parameter in command.params}
    assert said - {None} - CHINESE.keys() == set()
    assert all(re.search("[\u4e00-\u9fff]", text) for text in CHINESE.values())


def test_help_is_in_the_language_asked_for(typed):
    code, out, _ = typed("review", "--help", "--lang", "zh")
    assert code == 0
    assert "用法：budget review" in out
    assert "该周的数据：每个预算项一行。  [必填]" in out
    assert not re.search(r"Usage|Options|default:|required", out)
    assert "Usage: budget review" in typed("review", "--help", "--lang", "en", BUDGET_LANG="zh")[1]


@pytest.mark.parametrize(
    ("words", "environment", "lang"),
    [
        ((), {}, "en"),
        ((), {"LANG": "zh_CN.UTF-8"}, "zh"),
        (("plan", "--lang", "en"), {"LANG": "zh_CN.UTF-8"}, "en"),
        (("plan", "--lang=zh"), {}, "zh"),
        (("plan", "--lang", "fr"), {}, "en"),
        (("plan", "--lang"), {"LANG": "zh_CN.UTF-8"}, "zh"),
    ],
)
def test_the_language_before_the_command_line_is_read(words, environment, lang):
    assert asked_language(words, environment) == lang
