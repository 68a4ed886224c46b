"""``budget init``, ``budget simulate`` and ``budget schema``: what they make can be used at once."""

from importlib.resources import files

import pytest

from budget.project import demo_folder


def test_schema_prints_the_schema_that_is_committed(budget):
    answer = budget("schema")
    committed = files("configs") / "schema" / "budget.schema.json"
    assert answer.code == 0
    assert answer.out == committed.read_text(encoding="utf-8")


def test_a_new_project_passes_its_check(budget, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = budget("init", "我的 项目")
    assert answer.code == 0
    assert "我的 项目" in answer.out
    monkeypatch.chdir(tmp_path / "我的 项目")
    checked = budget("check")
    assert checked.code == 0
    assert "No problem found; the rules can hold together." in checked.out
    assert "demo" not in checked.err


def test_a_new_project_is_the_demo(budget, tmp_path, snapshot):
    answer = budget("init", tmp_path / "new", "--json")
    made = snapshot(tmp_path / "new")
    assert answer.document == {"folder": "new", "files": sorted(made)}
    assert {"budget.yaml", "data.csv", "README.md"} <= set(made)
    assert made == snapshot(demo_folder())


@pytest.mark.parametrize("command", ["init", "simulate"])
def test_a_folder_in_use_is_refused(budget, tmp_path, snapshot, command):
    (tmp_path / "notes.txt").write_text("mine")
    answer = budget(command, tmp_path)
    assert answer.code == 1
    assert answer.problems == [
        f"{tmp_path}: the folder is not empty. Name a new or an empty folder; nothing was written."
    ]
    assert snapshot(tmp_path) == {"notes.txt": b"mine"}


@pytest.mark.parametrize("command", ["init", "simulate"])
def test_a_file_is_no_folder(budget, tmp_path, command):
    (tmp_path / "notes.txt").write_text("mine")
    answer = budget(command, tmp_path / "notes.txt")
    assert answer.code == 1
    assert "this is a file, not a folder" in answer.err
    answer = budget(command, tmp_path / "notes.txt" / "new")
    assert answer.code == 1
    assert "the file cannot be written" in answer.err


@pytest.mark.parametrize("command", ["init", "simulate"])
def test_an_empty_folder_and_any_name_will_do(budget, tmp_path, command):
    (tmp_path / "[red]").mkdir()
    answer = budget(command, tmp_path / "[red]")
    assert answer.code == 0
    assert str(tmp_path / "[red]") in answer.out
    assert (tmp_path / "[red]" / "budget.yaml").is_file()


def test_a_simulated_market_is_the_same_byte_for_byte(budget, tmp_path, snapshot):
    for name in ("one", "two"):
        assert budget("simulate", tmp_path / name, "--seed", "3").code == 0
    assert budget("simulate", tmp_path / "other", "--seed", "4").code == 0
    one, two, other = (snapshot(tmp_path / name) for name in ("one", "two", "other"))
    assert set(one) == {"data.csv", "truth.json", "budget.yaml"}
    assert one == two
    assert one["data.csv"] != other["data.csv"]


def test_a_simulated_market_can_be_planned(budget, tmp_path):
    made = budget("simulate", tmp_path / "market", "--seed", "3", "--weeks", "60", "--channels", "4", "--json")
    assert made.document["simulated"] is True
    assert len(made.document["channels"]) == 4
    checked = budget("check", "--config", tmp_path / "market" / "budget.yaml", "--json")
    assert checked.code == 0
    assert "the rules can hold" in checked.document["verdict"]


def test_the_demo_market_is_made_again_as_it_ships(budget, tmp_path, snapshot):
    assert budget("simulate", tmp_path / "demo", "--demo").code == 0
    assert snapshot(tmp_path / "demo") == snapshot(demo_folder())
