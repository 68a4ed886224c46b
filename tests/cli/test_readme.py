"""Both READMEs tell the truth: their commands exist, their links lead somewhere. What they quote: tests/docs."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from budget.cli import app

ROOT = Path(__file__).parents[2]
READMES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")}
both = pytest.mark.parametrize("text", READMES.values(), ids=READMES)


def blocks(text):
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def commands(block):
    lines = (line.split(" #")[0].strip() for line in block.splitlines())
    return [line for line in lines if line]


@both
def test_the_table_lists_every_command(text):
    listed = re.findall(r"^\| `budget (\w+)", text, re.MULTILINE)
    assert sorted(listed) == sorted(get_command(app).commands)


@both
def test_make_knows_the_two_commands(text):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    (asked,) = [commands(block) for block in blocks(text) if block.startswith("make")]
    wanted = [command.split()[1] for command in asked]
    assert wanted == ["plan", "test"]
    assert set(wanted) <= set(targets)


@both
def test_its_links_and_pictures_are_there(text):
    wanted = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert len(wanted) > 10
    assert [link for link in wanted if not (ROOT / link).exists()] == []


def test_both_tell_to_type_the_same():
    english, chinese = ([commands(block) for block in blocks(text)] for text in READMES.values())
    assert [[line.replace(" --lang zh", "") for line in block] for block in chinese] == english
