"""The README tells the truth: its commands exist, and its walk-through works as typed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from budget.cli import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def commands(block):
    lines = (line.split(" #")[0].strip() for line in block.splitlines())
    return [line for line in lines if line]


def test_the_table_lists_every_command():
    listed = re.findall(r"^\| `budget (\w+)", README, re.MULTILINE)
    assert sorted(listed) == sorted(get_command(app).commands)


def test_make_knows_the_two_commands():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = [command.split()[1] for command in commands(BLOCKS[0])]
    assert wanted == ["plan", "test"]
    assert set(wanted) <= set(targets)


@pytest.mark.slow
def test_the_walk_through_works_as_typed(tmp_path):
    steps = [step for step in commands(BLOCKS[1]) if step.startswith(("budget", "cd"))]
    assert len(steps) >= 6
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-ec", "\n".join(steps)],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "my-project" / "plans" / "2027Q4" / "plan.xlsx").is_file()
    assert (tmp_path / "my-project" / "plans" / "2027Q4" / "evaluation.json").is_file()
