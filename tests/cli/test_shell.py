"""The installed ``budget`` command, as a shell starts it."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import fitted
import pytest
from rich.cells import cell_len

from budget.helped import user_language


@pytest.fixture
def shell(small):
    """Run ``budget WORDS`` as a process of its own in the small project."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COLUMNS", "LANG", "LC_"))
    }
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


COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3[0-8]|9[0-7])[0-9;]*m")


def on_terminal(small, *words, **extra):
    """Run ``budget WORDS`` on a terminal of 100 columns; returns what was shown there."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLUMNS": "100", "HOME": str(small)}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "budget.cli", *words]
    with subprocess.Popen(
        command, cwd=small, env=environment | extra, stdin=theirs, stdout=theirs, stderr=theirs
    ) as run:
        os.close(theirs)
        shown = bytearray()
        while True:
            try:
                read = os.read(ours, 65536)
            except OSError:  # the terminal is gone with its last writer
                break
            if not read:
                break
            shown += read
    os.close(ours)
    assert run.returncode == 0, bytes(shown).decode()
    return bytes(shown)


def lines_of(shown):
    """What stood on the terminal's lines, one after the other: a moved cursor begins anew, as the spinner does."""
    without_colours = re.sub(rb"\x1b\[[0-9;]*m", b"", shown)
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\r", b"\n", without_colours).decode().split("\n")


def test_a_terminal_gets_colours_a_spinner_and_at_most_its_width(small):
    shown = on_terminal(small, "plan")
    assert COLOUR.search(shown)
    assert "Solving …".encode() in shown
    assert max(cell_len(line) for line in lines_of(shown)) <= 100


def test_no_color_is_obeyed_and_the_language_of_the_environment(small):
    shown = on_terminal(small, "plan", NO_COLOR="1", LANG="zh_CN.UTF-8")
    assert not COLOUR.search(shown)
    found = lines_of(shown)
    assert any(line.startswith("钱花在哪里") for line in found)
    assert max(cell_len(line) for line in found) <= 100


def test_a_pipe_gets_no_colours(shell):
    done = shell("plan", "--lang", "zh")
    assert b"\x1b" not in done.stdout + done.stderr
    assert max(cell_len(line) for line in done.stdout.decode().splitlines() if not line.startswith("- /")) <= 100


@pytest.mark.parametrize(
    ("shell_name", "words"),
    [("bash", {"COMP_WORDS": "budget wh", "COMP_CWORD": "1"}), ("zsh", {"_TYPER_COMPLETE_ARGS": "budget wh"})],
)
def test_the_shell_completes_commands(shell_name, words):
    command = Path(sys.executable).with_name("budget")
    asked = {"PATH": os.environ["PATH"], "_BUDGET_COMPLETE": f"complete_{shell_name}"}
    done = subprocess.run([str(command)], env=asked | words, capture_output=True, check=False, timeout=60)
    assert b"whatif" in done.stdout, done
    assert b"review" not in done.stdout


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "C", "BUDGET_LANG": "zh"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh_TW"}, "zh"),
    ],
)
def test_the_language_of_the_user(environment, lang):
    assert user_language(environment) == lang
