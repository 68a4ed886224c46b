"""The order of the versions that were kept."""

import json

import pytest

from budget.versions import versions

NOW = "2026-11-24T23:59:59+00:00"


@pytest.fixture
def keep(tmp_path):
    def keep(name, parent, created=NOW):
        folder = tmp_path / ".budget" / "plans" / name
        folder.mkdir(parents=True)
        (folder / "version.json").write_text(json.dumps({"id": name, "parent": parent, "created": created}))

    return keep


def order(home):
    return [entry["id"] for entry in versions(home)]


def test_versions_of_one_second_come_with_parents_first(keep, tmp_path):
    keep("b", "c")
    keep("c", "")
    keep("a", "b")
    assert order(tmp_path) == ["c", "b", "a"]


def test_time_comes_before_descent(keep, tmp_path):
    keep("a", "b", "2026-11-24T23:59:58+00:00")
    keep("b", "")
    assert order(tmp_path) == ["a", "b"]


def test_a_circle_of_parents_ends(keep, tmp_path):
    keep("b", "a")
    keep("a", "b")
    assert order(tmp_path) == ["a", "b"]
