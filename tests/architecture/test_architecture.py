"""The rooms stay apart: imports run one way, a plan never loads the sampler, everything public is explained."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]
ROOMS = ("mmm", "optimizer", "reports", "budget")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
SAMPLER = {"pymc", "arviz", "nutpie", "pytensor", "matplotlib", "numba", "xarray"}


def loaded_after(code, folder=ROOT):
    """Top-level packages that a fresh Python has loaded after running the code."""
    report = "\nimport json, sys\nsys.stderr.write('\\n' + json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code + report],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def command(*words, code=0):
    """Python that runs the command and checks its exit code."""
    return f"""
from budget.cli import app
try:
    app({list(words)!r})
except SystemExit as end:
    assert end.code == {code}, end.code
"""


# --- the rooms


def test_the_import_contracts_hold(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_import_contracts_name_the_four_rooms_in_order():
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert set(settings["root_packages"]) == set(ROOMS)
    (layers,) = (contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")
    assert layers == ["budget", "reports", "optimizer", "mmm"]


def test_planner_and_reports_load_no_sampler():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if path.relative_to(ROOT).parts[0] in {"optimizer", "reports"} and path.stem != "__init__"
    ]
    loaded = loaded_after("".join(f"import {name}\n" for name in ("optimizer", "reports", *names)))
    assert {"optimizer", "reports", "pyomo"} <= loaded
    assert not loaded & SAMPLER


def test_a_plan_of_a_fitted_project_loads_no_sampler(small):
    loaded = loaded_after(command("plan", "--quiet", "--lang", "zh"), small)
    assert (small / "plans" / "2025-12-01+4weeks" / "plan.xlsx").is_file()
    assert {"highspy", "xlsxwriter"} <= loaded
    assert not loaded & SAMPLER


def test_check_loads_no_sampler(small):
    assert not loaded_after(command("check", "--quiet"), small) & SAMPLER


def test_help_loads_nothing_heavy():
    loaded = loaded_after(command("--help") + command("plan", "--help"))
    assert "typer" in loaded
    assert not loaded & (SAMPLER | {"numpy", "pandas", "pyomo", "highspy", "openpyxl", "scipy"})


# --- what a reader finds


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def public(node, owner=""):
    """Public functions, classes and methods below a node, with their names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield f"{owner}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{child.name}.")


def test_everything_public_has_a_docstring():
    bare = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        for name, node in public(tree(path))
        if not ast.get_docstring(node)
    ]
    assert bare == []


def test_the_first_line_of_every_module_says_what_it_holds():
    mute = [str(path.relative_to(ROOT)) for path in MODULES if not path.read_text("utf-8").startswith('"""')]
    assert mute == []
    for path in MODULES:
        first = (ast.get_docstring(tree(path)) or "").splitlines()[0]
        assert re.search(r"\w{3}.*[.:?]$", first) or len(first) > 20, path


def test_every_module_is_seen():
    assert len(MODULES) > 40
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(ROOMS)


def test_nothing_is_left_for_later():
    pattern = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|/home/|/Users/|/root/")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


# --- what is installed


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_requirement_is_pinned_and_hashed_and_comes_from_the_index(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.sub(r"\\\n", " ", text).splitlines()
    requirements = [line for line in entries if line.strip() and not line.lstrip().startswith("#")]
    assert len(requirements) > 40
    for line in requirements:
        assert re.match(r"[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==\S+", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line


def test_the_lock_holds_every_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]["dev"]
    for lock, needed in (
        ("requirements.lock", project["dependencies"]),
        ("requirements-dev.lock", [*project["dependencies"], *optional]),
    ):
        held = set(re.findall(r"^([a-z0-9.-]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
        names = {re.sub(r"[-_.]+", "-", re.split(r"[<>=\[]", name)[0]).lower() for name in needed}
        assert names <= held, lock
