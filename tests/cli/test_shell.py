"""The installed ``budget`` command, as a shell starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fitted
import pytest


@pytest.fixture
def shell(small):
    """Run ``budget WORDS`` as a process of its own in the small project."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COLUMNS"))}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])

    def run(*words, **extra):
        return subprocess.run(
            [sys.executable, "-m", "budget.cli", *words],
            cwd=small,
            env=environment | extra,
            capture_output=True,
            check=False,
            timeout=120,
        )

    return run


def test_a_plan_as_json_in_a_pipe_that_knows_no_chinese(shell, small):
    done = shell("plan", "--json", "--lang", "zh", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr.decode()
    document = json.loads(done.stdout.decode("utf-8"))
    assert document["lines"][0]["label"]["zh"] == "抖音直播间"
    assert (small / "plans" / "2025-12-01+4weeks" / "plan.xlsx").is_file()


def test_the_exit_code_of_rules_that_clash(shell, small):
    (small / "budget.yaml").write_text(fitted.SMALL.replace("max: 0.45", "max: 0.01"), encoding="utf-8")
    done = shell("plan", "--quiet")
    assert done.returncode == 3
    assert done.stdout == b""
    assert "social cap" in done.stderr.decode("utf-8")


def test_the_exit_code_of_wrong_inputs(shell, small):
    (small / "data.csv").unlink()
    done = shell("check", "--quiet")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("1 problem:\n  - data.csv: the file does not exist.")


def test_a_reader_that_stops_early_is_no_error(shell, small):
    del shell
    command = f'"{sys.executable}" -m budget.cli schema | head -c 1'
    done = subprocess.run(["sh", "-c", command], cwd=small, capture_output=True, check=False, timeout=60)  # noqa: S607
    assert done.stdout == b"{"
    assert done.stderr == b""


def test_the_command_is_installed():
    from importlib.metadata import entry_points

    (entry,) = entry_points(group="console_scripts", name="budget")
    assert entry.value == "budget.cli:main"
    assert entry.load() is not None
