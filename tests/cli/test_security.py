"""What a hostile file or a curious bystander gets: nothing is run, fetched, unpacked without end, or given away."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from openpyxl import load_workbook

ROOT = Path(__file__).parents[2]

# Refuses what leaves the machine, and says so; sockets of the machine itself (locks, the sampler's pipes) stay free.
NO_NETWORK = """
import sys
def hook(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"}:
        sys.stderr.write(f"NETWORK {event} {arguments[1:]!r}\\n")
        raise OSError("the network was used")
sys.addaudithook(hook)
from budget.cli import main
sys.argv = ["budget", *sys.argv[1:]]
main()
"""
COMMANDS = (
    ("check",),
    ("plan", "--quiet"),
    ("evaluate", "plans/2025-12-01+4weeks/plan.csv"),
    ("whatif", "--set", "plan.total=1300000"),
    ("verify", "plans/2025-12-01+4weeks"),
    ("history",),
    ("schema",),
    ("init", "new", "--from-csv", "data.csv"),
    ("simulate", "market"),
)
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + before] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


def python(folder, code, *words, prefix=()):
    """Run code in a Python of its own."""
    return subprocess.run(
        [*prefix, sys.executable, "-c", code, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def test_no_command_opens_a_connection(small):
    script = "; ".join(f"run({list(words)!r})" for words in COMMANDS)
    watched = NO_NETWORK.replace('from budget.cli import main\nsys.argv = ["budget", *sys.argv[1:]]\nmain()\n', "")
    code = f"""{watched}
from budget.cli import app
def run(words):
    try:
        app(words)
    except SystemExit as end:
        assert end.code == 0, (words, end.code)
{script}
"""
    done = python(small, code)
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr


def test_the_watch_sees_a_connection(small):
    code = (
        NO_NETWORK.split("from budget.cli", maxsplit=1)[0] + "import socket; socket.create_connection(('127.0.0.1', 9))"
    )
    done = python(small, code)
    assert "NETWORK socket." in done.stderr


def may_leave_the_network():
    program = shutil.which("unshare")
    return program is not None and subprocess.run([program, "-n", "true"], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not may_leave_the_network(), reason="needs the right to leave the network")
def test_a_fit_and_a_plan_without_any_network(small):
    text = (small / "budget.yaml").read_text(encoding="utf-8")
    quick = "model: {draws: 50, tune: 50, chains: 1, holdout_weeks: 0, noise: plain}\n"
    (small / "budget.yaml").write_text(text + quick, encoding="utf-8")
    done = python(small, NO_NETWORK, "plan", "--accept-failed-model", "--quiet", prefix=("unshare", "-n"))
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr
    assert (small / "plans" / "2025-12-01+4weeks" / "plan.xlsx").is_file()


@pytest.mark.parametrize("name", ["budget.yaml", "peaks.yaml", "scenarios.yaml"])
def test_an_alias_bomb_goes_off_nowhere(small, budget, name):
    words = {
        "budget.yaml": ("check",),
        "peaks.yaml": ("check", "--config", "with.yaml"),
        "scenarios.yaml": ("whatif", "scenarios.yaml"),
    }[name]
    project = (small / "budget.yaml").read_text(encoding="utf-8")
    (small / "with.yaml").write_text("calendar: peaks.yaml\n" + project, encoding="utf-8")
    (small / name).write_text(BOMB + "name: x\npeaks: [*i]\n", encoding="utf-8")
    began = time.process_time()
    answer = budget(*words)
    assert answer.code == 1
    assert "anchors and aliases (& and *) are not allowed" in answer.err
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("name", ["budget.yaml", "peaks.yaml", "scenarios.yaml"])
def test_a_yaml_file_without_end_is_not_read(small, budget, name):
    words = ("check",) if name != "scenarios.yaml" else ("whatif", name)
    if name == "peaks.yaml":
        text = (small / "budget.yaml").read_text(encoding="utf-8")
        (small / "budget.yaml").write_text("calendar: peaks.yaml\n" + text, encoding="utf-8")
    (small / name).write_text("x: 1\n" + "#" * 300_000, encoding="utf-8")
    answer = budget(*words)
    assert answer.code == 1
    assert "the file is larger than 256 KB" in answer.err


def test_tags_that_would_run_code_are_refused(small, budget):
    with (small / "budget.yaml").open("a", encoding="utf-8") as file:
        file.write('note: !!python/object/apply:os.system ["touch ran"]\n')
    answer = budget("check")
    assert answer.code == 1
    assert "tags (!) are not allowed" in answer.err
    assert not (small / "ran").exists()


@pytest.mark.parametrize("command", ["evaluate", "check", "init", "plan"])
def test_a_zip_bomb_is_refused_within_a_second(small, budget, command):
    with zipfile.ZipFile(small / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(60_000_000))
    words = {
        "evaluate": ("evaluate", "bomb.xlsx"),
        "check": ("check", "--config", "with.yaml"),
        "init": ("init", "new", "--from-csv", "bomb.xlsx"),
        "plan": ("plan", "--from", "bomb.xlsx"),
    }[command]
    text = (small / "budget.yaml").read_text(encoding="utf-8")
    (small / "with.yaml").write_text(text.replace("data.csv", "bomb.xlsx"), encoding="utf-8")
    began = time.process_time()
    answer = budget(*words)
    assert answer.code == 1
    assert "unpacks to far more than its size" in answer.err
    assert time.process_time() - began < 1.0


HOSTILE = ("=HYPERLINK(0)", "+1+cmd", "-2+3", "@SUM(A1)", "\ttab", "<script>alert(1)</script>")


def test_no_text_of_a_user_becomes_a_formula_or_markup(small, budget):
    text = (small / "budget.yaml").read_text(encoding="utf-8")
    labels = dict(zip(("抖音直播间", "工具采购"), HOSTILE, strict=False))
    for old, new in labels.items():
        text = text.replace(old, json.dumps(new))
    text = text.replace("note: A small market, simulated.", f"note: {json.dumps(HOSTILE[5])}")
    (small / "budget.yaml").write_text(text, encoding="utf-8")
    words = ("--author", HOSTILE[3], "--note", HOSTILE[1], "--lang", "zh")
    assert budget("plan", "--out", "out", *words).code == 0
    assert budget("whatif", "--set", "plan.total=1300000", "--name", HOSTILE[0], "--out", "out").code == 0
    for name in ("plan.xlsx", "whatif.xlsx"):
        for sheet in load_workbook(small / "out" / name).worksheets:
            for row in sheet.iter_rows():
                live = [cell.value for cell in row if cell.data_type == "f"]
                assert not [value for value in live if any(word in str(value) for word in HOSTILE)]
    with (small / "out" / "plan.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}]
    assert HOSTILE[5] not in (small / "out" / "plan.html").read_text(encoding="utf-8")


def test_an_error_tells_no_secret(small, unguarded, monkeypatch):
    import budget.runs

    def fail(*_, **__):
        password = "hunter2-" + "x" * 3
        raise RuntimeError("boom") from ValueError(len(password))

    monkeypatch.setenv("BUDGET_DB_URL", "postgres://me:hunter2@db")
    monkeypatch.setattr(budget.runs, "check", fail)
    for words in (("check",), ("check", "--debug")):
        answer = unguarded(*words)
        assert answer.code == 1
        assert "hunter2" not in answer.out + answer.err
    assert "Traceback" in answer.err
    assert small


def test_nothing_in_the_code_unpickles_or_evaluates():
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for room in ("mmm", "optimizer", "reports", "budget")
        for path in (ROOT / room).rglob("*.py")
        for word in ("import pickle", "allow_pickle=True", " eval(", " exec(", "yaml.unsafe", "os.system", "shell=True")
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []


def test_a_stored_archive_with_pickled_parts_is_not_loaded(tmp_path):
    import numpy as np

    from mmm.curves import load_curves

    made = io.BytesIO()
    np.savez(made, spend=np.array([object()], dtype=object))
    (tmp_path / "curves.npz").write_bytes(made.getvalue())
    with pytest.raises(Exception, match=r"(?i)pickle|curves"):
        load_curves(tmp_path / "curves.npz")
