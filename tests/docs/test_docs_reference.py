"""What the documentation says of commands, settings and evidence is what they say themselves."""

import importlib.util
from pathlib import Path

import pytest
from typer.main import get_command

from budget.cli import app
from budget.project import Project
from budget.reference import commands, settings

ROOT = Path(__file__).parents[2]


def renewed():
    spec = importlib.util.spec_from_file_location("renew", ROOT / "docs" / "renew.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {path.relative_to(ROOT).as_posix(): text for path, text in module.pages()}


@pytest.mark.parametrize(("name", "text"), renewed().items(), ids=renewed())
def test_pages_are_as_they_would_be_written_now(name, text):
    assert (ROOT / name).read_text(encoding="utf-8") == text, f"{name} is out of date: make reference"


def test_every_command_and_option_is_told():
    page = commands()
    for name, command in get_command(app).commands.items():
        section = page.split(f"## `budget {name}`\n")[1].split("\n## ")[0] + page.split("## `budget ")[0]
        for option in (option for parameter in command.params for option in parameter.opts if option.startswith("-")):
            assert f"`{option}`" in section, f"budget {name} {option}"


def test_every_setting_is_told_with_its_place():
    page = settings()
    for key in Project.model_fields:
        assert f"| `{key}` |" in page
    for place in ("channels.NAME.long_term", "plan.objective.cvar", "model.saturation", "data.events", "lines.NAME"):
        assert f"\n## `{place}`\n" in page
    assert "](rules.md#constraints)" in page
