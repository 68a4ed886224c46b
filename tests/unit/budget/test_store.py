"""Files are whole or absent, fingerprints follow content, and manifests give nobody away."""

import errno
import json
import os
import threading
from pathlib import Path

import pytest

from budget import store
from budget.project import load_project
from budget.store import FitStore, fingerprint_file, fit_fingerprint, manifest, versions, write_atomically
from mmm.problems import InputError

PRINT = "ab" * 32
PROJECT = """\
data: {file: national.csv, kpi: revenue}
channels: {小红书: {groups: [social, x]}, seo: {}}
plan: {total: 100, quarter: 2027Q4}
"""


def refuse(code):
    def call(*_):
        raise OSError(code, os.strerror(code))

    return call


# --- atomic writes


def test_text_and_bytes_arrive_as_given(tmp_path):
    write_atomically(tmp_path / "new" / "计划.csv", "周,花费\r\n")
    assert (tmp_path / "new" / "计划.csv").read_bytes() == "周,花费\r\n".encode()
    write_atomically(tmp_path / "new" / "计划.csv", b"\x00")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["计划.csv"]
    assert (tmp_path / "new" / "计划.csv").read_bytes() == b"\x00"


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (errno.EACCES, "Close the file in Excel"),
        (errno.ENOSPC, "Free some space"),
        (errno.EIO, "Check that the folder"),
    ],
)
def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch, code, cure):
    target = tmp_path / "plan.xlsx"
    write_atomically(target, "old")
    monkeypatch.setattr(store.os, "replace", refuse(code))
    with pytest.raises(InputError, match=rf"plan\.xlsx: the file cannot be written: .*{cure}"):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    target = tmp_path / "plan.json"
    write_atomically(target, "old")
    monkeypatch.setattr(store.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    write_atomically(tmp_path / "out", "x")
    with pytest.raises(InputError, match="out: this is a file, not a folder"):
        write_atomically(tmp_path / "out" / "plan.json", "{}")


def test_files_that_belong_together_are_replaced_together_or_not_at_all(tmp_path, monkeypatch):
    store.write_together(tmp_path, {"plan.json": "old", "manifest.json": "old"})
    drafted = store._draft

    def full(path, data):
        if data == b"second":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        drafted(path, data)

    monkeypatch.setattr(store, "_draft", full)
    with pytest.raises(InputError, match=r"manifest\.json: the file cannot be written"):
        store.write_together(tmp_path, {"plan.json": "first", "manifest.json": "second"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"plan.json": "old", "manifest.json": "old"}


def test_drafts_of_killed_runs_are_swept_away_and_those_of_living_ones_kept(tmp_path):
    for name in ("0" * 16, "1" * 16):
        (tmp_path / f".{name}.tmp").write_text("half")
    (tmp_path / f".{'2' * 16}.tmp").mkdir()
    for name in ("0" * 16, "2" * 16):
        os.utime(tmp_path / f".{name}.tmp", (0, 0))
    (tmp_path / "mine.tmp").touch()
    write_atomically(tmp_path / "plan.csv", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".{'1' * 16}.tmp", "mine.tmp", "plan.csv"]


def test_an_output_folder_is_held_by_one_run(tmp_path):
    def other():
        with (
            pytest.raises(InputError, match="another run writes to this folder"),
            store.locked(tmp_path, tmp_path / "out", 0.05),
        ):
            raise AssertionError("it was held twice")

    with store.locked(tmp_path, tmp_path / "out"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with store.locked(tmp_path, tmp_path / "elsewhere", 0.05):
            pass
    with store.locked(tmp_path, tmp_path / "out", 0.05):
        pass


# --- fingerprints


@pytest.fixture
def printed(tmp_path):
    """Fingerprint of a project text with given data and calendar."""

    def make(text=PROJECT, data="week,revenue\n", calendar=None, name="national.csv"):
        (tmp_path / "budget.yaml").write_text(text, encoding="utf-8")
        (tmp_path / name).write_text(data)
        dates = tmp_path / "calendar.yaml"
        if calendar is not None:
            dates.write_text(calendar)
        project = load_project(tmp_path / "budget.yaml").project
        return fit_fingerprint(project, [tmp_path / name], None if calendar is None else dates)

    return make


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("100", "999"),
        ("[social, x]", "[social, y]"),
        ("{groups", "{label: {en: Red}, weak_roi: 3, category: c, groups"),
        ("plan:", "model: {cores: 2}\nnote: other\nplan:"),
    ],
)
def test_what_the_fit_does_not_read_keeps_the_fingerprint(printed, old, new):
    assert printed() == printed(PROJECT.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kpi: revenue", "kpi: orders"),
        ("[social, x]", "[x, social]"),
        ("{groups", "{spend: column, groups"),
        ("{groups", "{visits: column, groups"),
        ("{groups", "{attributed: column, groups"),
        ("{groups", "{roi_prior: {median: 2}, groups"),
        ("{groups", "{long_term: {mean: 1.1}, groups"),
        ("{groups", "{adstock: {family: delayed}, groups"),
        ("{groups", "{saturation: {family: tanh}, groups"),
        ("plan:", "model: {group_roi_priors: {x: {median: 2}}}\nplan:"),
        ("seo", "sem"),
        ("小红书: {groups: [social, x]}, seo: {}", "seo: {}, 小红书: {groups: [social, x]}"),
        ("plan:", "model: {seed: 2}\nplan:"),
    ],
)
def test_what_the_fit_reads_changes_the_fingerprint(printed, old, new):
    assert printed() != printed(PROJECT.replace(old, new))


def test_data_and_calendar_count_by_content_not_by_name(printed):
    prints = [printed(), printed(data="week,revenue\n1"), printed(calendar="a: 1"), printed(calendar="a: 2")]
    assert len(set(prints)) == 4
    assert printed(PROJECT.replace("national", "moved"), name="moved.csv") == prints[0]


def test_package_versions_count(printed, monkeypatch):
    before = printed()
    monkeypatch.setattr(store, "version", lambda _: "0.0.1")
    assert printed() != before


def test_versions_are_read_without_imports():
    assert versions(["numpy", "no-such-package"])["no-such-package"] == "not installed"
    assert {"pymc", "nutpie", "pytensor", "numpy", "numba", "budget-planner", "pyomo", "highspy"} <= versions().keys()


def test_a_missing_data_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"gone\.csv: the file cannot be read"):
        fingerprint_file(tmp_path / "gone.csv")


# --- manifest


def test_the_manifest_names_everything_and_nobody(tmp_path, printed):
    printed()
    loaded = load_project(tmp_path / "budget.yaml")
    write_atomically(tmp_path / "plan.csv", "x")
    command = [
        "budget",
        "plan",
        "--config",
        str(tmp_path / "budget.yaml"),
        f"--out={tmp_path}",
        "--total",
        "5M",
        "out/a",
    ]
    made = manifest(
        loaded,
        command=command,
        data_files=[tmp_path / "national.csv"],
        fingerprint=PRINT,
        outputs=[tmp_path / "plan.csv"],
    )
    text = json.dumps(made)
    assert str(tmp_path) not in text
    assert os.uname().nodename not in text
    assert made["command"] == [
        "budget", "plan", "--config", "budget.yaml", f"--out={tmp_path.name}", "--total", "5M", "out/a",
    ]  # fmt: skip
    assert made["outputs"] == [
        {"name": "plan.csv", "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}
    ]
    assert [entry["name"] for entry in (*made["config"], *made["data"])] == ["budget.yaml", "national.csv"]
    assert made["created"].endswith("+00:00")
    assert (made["fingerprint"], made["seed"]) == (PRINT, 1)


# --- the store


def fill(content="posterior"):
    def write(folder: Path) -> None:
        (folder / "curves.npz").write_text(content)
        (folder / "fit.json").write_text("{}")

    return write


def test_a_published_fit_is_found(tmp_path):
    fits = FitStore(tmp_path)
    assert fits.find(PRINT) is None
    home = fits.publish(PRINT, fill())
    assert fits.find(PRINT) == home == tmp_path / ".budget" / "fits" / PRINT[:16]
    assert (home / "curves.npz").read_text() == "posterior"
    assert [path.name for path in home.parent.iterdir()] == [PRINT[:16]]
    assert fits.find(PRINT[:16] + "f" * 48) is None


def test_truncated_changed_or_unsealed_fits_are_absent_and_replaced(tmp_path):
    fits = FitStore(tmp_path)
    damages = {
        "curves.npz": lambda path: path.write_text("poster"),
        "fit.json": lambda path: path.unlink(),
        "complete.json": lambda path: path.write_text(path.read_text()[:40]),
    }
    for name, damage in damages.items():
        home = fits.publish(PRINT, fill())
        damage(home / name)
        assert fits.find(PRINT) is None
        fits.publish(PRINT, fill())
        assert fits.find(PRINT) == home
        assert [path.name for path in home.parent.iterdir()] == [PRINT[:16]]


@pytest.mark.parametrize("seal", ["[]", "{}", '{"files": [], "fingerprint": 1}', '{"files": {"..": 1}}'])
def test_a_strange_seal_is_no_seal(tmp_path, seal):
    home = FitStore(tmp_path).publish(PRINT, fill())
    (home / "complete.json").write_text(seal)
    assert FitStore(tmp_path).find(PRINT) is None


def test_the_first_of_two_runs_is_kept(tmp_path):
    fits = FitStore(tmp_path)

    def overtaken(folder):
        fits.publish(PRINT, fill("first"))
        fill("second")(folder)

    home = fits.publish(PRINT, overtaken)
    assert (home / "curves.npz").read_text() == "first"
    assert fits.find(PRINT) == home


def test_runs_at_once_all_succeed(tmp_path):
    fits, homes = FitStore(tmp_path), []
    damaged = fits.publish(PRINT, fill())
    (damaged / "fit.json").unlink()
    gate = threading.Barrier(6)

    def run(number):
        def together(folder):
            fill(str(number) * 1000)(folder)
            gate.wait(timeout=10)

        homes.append(fits.publish(PRINT, together))

    runs = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert homes == [damaged] * 6
    assert fits.find(PRINT) == damaged
    assert [path.name for path in damaged.parent.iterdir()] == [PRINT[:16]]


def test_a_fit_that_fails_leaves_nothing(tmp_path):
    def fail(folder):
        fill()(folder)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match="Free some space"):
        FitStore(tmp_path).publish(PRINT, fail)
    assert list((tmp_path / ".budget" / "fits").iterdir()) == []
