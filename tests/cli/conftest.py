"""The ``budget`` command, called without a new process and never sampling."""

import json
import shutil
import sys
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from budget import runs
from budget.cli import app


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def document(self):
        """The one JSON document of stdout; fails when there is anything else."""
        return json.loads(self.out)

    @property
    def problems(self):
        """The problems listed on stderr, their count checked."""
        lines = self.err.splitlines()
        start = next(at for at, line in enumerate(lines) if line.endswith((" problem:", " problems:")))
        listed = [line.removeprefix("  - ") for line in lines[start + 1 :]]
        assert lines[start] == ("1 problem:" if len(listed) == 1 else f"{len(listed)} problems:")
        return listed


def no_sampling(*_, **__):
    raise AssertionError("a test of the command line must not sample")


def call(*words):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["budget", *map(str, words)])
        patch.setattr(runs, "new_fit", no_sampling)
        patch.delenv("COLUMNS", raising=False)
        result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def budget():
    """Call ``budget WORDS`` in this process; what it does not mean to raise is a failed test."""

    def run(*words):
        answer = call(*words)
        assert "Something went wrong" not in answer.err, answer.err
        return answer

    return run


@pytest.fixture
def unguarded():
    """Call ``budget WORDS`` where it is meant to fail in a way nobody foresaw."""
    return call


def contents(folder):
    """Every file under a folder with its bytes; the empty files by which runs wait for each other do not count."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def snapshot():
    return contents


@pytest.fixture(scope="session")
def planned_home(demo_home, tmp_path_factory):
    """Return a copy of the demo project with its plan, made once; tests only read it."""
    folder = tmp_path_factory.mktemp("planned") / "demo"
    shutil.copytree(demo_home, folder)
    answer = call("plan", "--config", folder / "budget.yaml", "--total", "5000000", "--json", "--quiet")
    assert answer.code == 0, answer.err
    (folder / "stdout.json").write_text(answer.out, encoding="utf-8")
    return folder


@pytest.fixture
def planned(planned_home):
    """Return the folder of the demo's plan."""
    return planned_home / "plans" / "2027Q4"
