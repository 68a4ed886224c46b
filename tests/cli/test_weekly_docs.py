"""docs/weekly-review.md tells the truth: its commands and options exist, its file can be read."""

import re
from datetime import date
from pathlib import Path

import pytest
from typer.main import get_command

from budget.cli import app
from budget.project import demo_folder, load_project
from mmm.actuals import read_actuals
from mmm.calendar import week_range
from mmm.problems import InputError

DOC = (Path(__file__).parents[2] / "docs" / "weekly-review.md").read_text(encoding="utf-8")


def test_its_commands_and_options_exist():
    commands = get_command(app).commands
    lines = [line.split("#")[0].split() for line in re.findall(r"^budget .*$", DOC, re.MULTILINE)]
    assert {words[1] for words in lines} >= {"review", "ledger", "simulate"}
    for words in lines:
        known = {option for parameter in commands[words[1]].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_its_file_is_understood(tmp_path):
    text = re.search(r"```csv\n(.*?)```", DOC, re.DOTALL)[1]
    (tmp_path / "week.csv").write_text(text, encoding="utf-8")
    project = load_project(demo_folder() / "budget.yaml").project
    names = dict.fromkeys((*project.channels, *project.lines), ())
    week = week_range(date(2027, 10, 4), 1)[0]
    with pytest.raises(InputError) as found:
        read_actuals(tmp_path / "week.csv", week, names, ["tools"], project.channels, project.data)
    # The example is short: all that is wrong with it are the lines that it leaves out.
    assert [problem.what[:38] for problem in found.value.problems] == ["there is no row for platform_search, w"]


def test_its_statuses_and_verdicts_are_the_ones_shown():
    from reports.words_review import REVIEW_EN

    for status in ("ok", "near", "weak", "cut", "held", "paused", "unknown", "reserve"):
        assert REVIEW_EN[f"review.status.{status}"] in DOC, status
