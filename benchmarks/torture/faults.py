"""Processes killed, disks filled, folders locked, caches cut: nothing half-written may ever be read back as good.

Run by ``make torture``: ``python -m benchmarks.torture.faults``. Every study makes trouble for real
``budget`` processes in a project of its own and then asks three things: is every file whole (the old one or the new
one), does the next run finish, and does what it leaves prove itself (``budget verify``, ``budget ledger``).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.torture.projects import ROOT, Home, planned_home

Report = dict[str, Any]

PLAN = ("plan", "--out", "plans", "--quiet", "--total", "1300000")
WHATIF = ("whatif", "--set", "plan.total=1300000", "--out", "out", "--quiet")
REVIEW = ("review", "--actuals", "week.csv", "--week", "2025-12-08", "--out", "plans", "--quiet")
FIT = ("fit", "--out", "out", "--quiet")
_DOCUMENTED = {0, 1, 2, 3, 4, 5, 130}
_WAIT = 300.0
_LIMITS = (0, 1, 300, 3_000, 10_000, 25_000, 60_000, 200_000, 10_000_000)  # bytes

# Counts the events that change files, and ends the process at one of them as a power cut would.
_KILLER = """
import os, signal, sys
at, count = int(os.environ["KILL_AT"]), 0
home = os.getcwd()
def hook(event, arguments):
    global count
    writes = event in {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}
    writes = writes or (event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR))
    if writes and str(arguments[0]).startswith((home, "plans", "out", ".budget", "ledger")):
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from budget.cli import main
sys.argv = ["budget", *sys.argv[1:]]
main()
"""


def main() -> None:
    """Run the studies, print and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="runs to be killed at random moments")
    parser.add_argument("--fits", type=int, default=15, help="of them real fits")
    parser.add_argument("--short", action="store_true", help="fewer turns of every other study")
    parser.add_argument("--only", nargs="+", default=None, help="studies to make; those of --out are kept beside them")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    made = studies(options.kills, options.fits, short=options.short)
    report = _kept(options.out, made) if options.only else {}
    with tempfile.TemporaryDirectory() as folder:
        home = planned_home(Path(folder) / "home")
        for name in options.only or made:
            study = made[name]
            began = time.perf_counter()
            report[name] = study(home, Path(folder) / name.replace(" ", "-"))
            report[name] |= {"short": True} if options.short else {}
            report[name]["seconds"] = round(time.perf_counter() - began, 1)
            print(name, json.dumps(report[name], ensure_ascii=False), flush=True)
            if options.out:  # after each: an hour's work is not lost with its last minute
                ordered = {name: report[name] for name in made if name in report}
                options.out.write_text(json.dumps(ordered, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    sys.exit(any(found["faults"] for found in report.values()))


def _kept(out: Path | None, made: Mapping[str, Any]) -> Report:
    """The studies of an earlier run."""
    if out is None or not out.exists():
        return {}
    return {name: found for name, found in json.loads(out.read_text(encoding="utf-8")).items() if name in made}


def studies(kills: int, fits: int, *, short: bool = False) -> Mapping[str, Callable[[Home, Path], Report]]:
    """The studies by name; each gets a sound project and a folder of its own."""
    return {
        "killed at every write": lambda home, folder: killed_at_every_write(home, folder, step=5 if short else 1),
        "killed at random moments": lambda home, folder: killed_at_random(home, folder, kills - fits),
        "fits killed at random moments": lambda home, folder: fits_killed(home, folder, fits),
        "interrupted": lambda home, folder: interrupted(home, folder, 3 if short else 12),
        "disk full": lambda home, folder: disk_full(home, folder, _LIMITS[3::3] if short else _LIMITS),
        "read-only folder": read_only,
        "two at once": lambda home, folder: two_at_once(home, folder, 1 if short else 6),
        "cut caches": cut_caches,
        "another version": another_version,
    }


# Studies --------------------------------------------------------------------------------------------------------------


def killed_at_every_write(home: Home, folder: Path, step: int) -> Report:
    """Kill plan, review and what-if at each event (or every ``step``-th) that changes a file, one after another."""
    report: Report = {"runs": 0, "faults": []}
    for command in (PLAN, REVIEW, WHATIF):
        for at in range(1, 300, step):
            project = _copy(home, folder)
            done = _budget(project, command, killer=at)
            report["runs"] += 1
            report["faults"] += _damage(project, f"{command[0]} killed at write {at}")
            if done.returncode != -signal.SIGKILL:
                report["faults"] += [] if done.returncode == 0 else [f"{command[0]}: {done.stderr[-300:]}"]
                break
            report["faults"] += _again(project, command)
    return report


def killed_at_random(home: Home, folder: Path, count: int) -> Report:
    """Kill plans and reviews at random moments until so many were still at work; some end before their moment."""
    rng = random.Random(1)  # noqa: S311 - moments, not secrets
    report: Report = {"runs": 0, "killed": 0, "faults": []}
    longest = {command: _seconds(home, folder, command) for command in (PLAN, REVIEW)}
    while report["killed"] < count and report["runs"] < 2 * count:
        command = (PLAN, REVIEW)[report["runs"] % 2]
        project = _copy(home, folder)
        report["killed"] += _killed(project, command, rng.uniform(0.05, longest[command]))
        report["runs"] += 1
        report["faults"] += _damage(project, f"{command[0]} killed") + _again(project, command)
    return report


def fits_killed(home: Home, folder: Path, count: int) -> Report:
    """Kill so many real fits at random moments; in the end one is let through and found whole."""
    rng = random.Random(2)  # noqa: S311 - moments, not secrets
    report: Report = {"runs": 0, "killed": 0, "faults": []}
    project = _unfitted(home, folder)
    began = time.perf_counter()
    done = _budget(project, FIT)
    longest = time.perf_counter() - began
    report["faults"] += [] if done.returncode in {0, 4} else [done.stderr[-500:]]
    while report["killed"] < count and report["runs"] < 2 * count:
        shutil.rmtree(project / ".budget" / "fits", ignore_errors=True)  # one that was killed early has made none
        report["killed"] += _killed(project, FIT, rng.uniform(0.2, longest))
        report["runs"] += 1
        report["faults"] += [] if _fit_is_whole_or_absent(project) else ["a fit that was cut off is taken for whole"]
    done = _budget(project, FIT)
    report["faults"] += [] if done.returncode in {0, 4} else [f"the fit after the kills: {done.stderr[-500:]}"]
    return report


def interrupted(home: Home, folder: Path, count: int) -> Report:
    """Ctrl-C: exit code 130, one line, nothing half-written.

    A process that the signal ends while Python shuts down after its work has no exit code; a shell says 130 of it too.
    """
    rng = random.Random(3)  # noqa: S311 - moments, not secrets
    report: Report = {"runs": 0, "codes": {}, "faults": []}
    longest = _seconds(home, folder, PLAN)
    codes: Counter[int] = Counter()
    ended = {0, 130, -signal.SIGINT}
    for _ in range(count):
        project = _copy(home, folder)
        process = _started(project, PLAN)
        time.sleep(rng.uniform(0.6, 0.9) * longest)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=_WAIT)[1]
        codes[process.returncode] += 1
        report["runs"] += 1
        report["faults"] += [told[-500:]] if process.returncode not in ended or "Traceback" in told else []
        report["faults"] += _damage(project, "interrupted")
    report["codes"] = dict(codes)
    return report


def disk_full(home: Home, folder: Path, limits: Sequence[int]) -> Report:
    """No file may grow past a limit, which rises until all goes well."""
    report: Report = {"runs": 0, "refused": 0, "faults": []}
    for command in (PLAN, REVIEW, WHATIF):
        for limit in limits:
            project = _copy(home, folder)
            done = _budget(project, command, largest=limit)
            report["runs"] += 1
            report["refused"] += done.returncode == 1
            report["faults"] += _said_well(done, f"{command[0]}, {limit} bytes") + _damage(project, f"{limit} bytes")
            report["faults"] += _again(project, command)
    report |= _small_disk(home, folder)
    return report


def _small_disk(home: Home, folder: Path) -> Report:
    """The same on a real file system that is full; only root may mount one."""
    if os.geteuid():
        return {"small_disk": "not tried: only root may mount one"}
    faults, refused = [], 0
    for free in (0, 20, 60, 120, 400):  # KiB
        with _mounted(folder, "size=6m") as disk:
            if disk is None:
                return {"small_disk": "not tried: no file system may be mounted here"}
            project = disk / "project"
            shutil.copytree(home.folder, project)
            _fill(disk, free * 1024)
            done = _budget(project, PLAN)
            refused += done.returncode == 1
            faults += _said_well(done, f"{free} KiB left") + _damage(project, f"{free} KiB left")
    return {"small_disk": f"5 runs, {refused} refused, faults: {faults or 'none'}"}


def read_only(home: Home, folder: Path) -> Report:
    """A project that may not be written to: refused in words; with --out elsewhere, as far as may be."""
    report: Report = {"runs": 0, "faults": []}
    project = _copy(home, folder)
    with _unwritable(project) as may:
        if not may:
            return report | {"note": "not tried: no folder can be made read-only here"}
        for command in (PLAN, REVIEW, WHATIF, ("check",), ("history",), ("ledger",), ("init", "plans")):
            done = _budget(project, command)
            report["runs"] += 1
            report["faults"] += _said_well(done, command[0])
    report["faults"] += _damage(project, "read-only") + _again(project, PLAN)
    return report


def two_at_once(home: Home, folder: Path, count: int) -> Report:
    """Two plans with different totals into one folder: one of them whole, never a mixture."""
    report: Report = {"runs": 0, "faults": []}
    for turn in range(count):
        project = _copy(home, folder)
        both = [_started(project, (*PLAN[:-1], total)) for total in ("1300000", "1350000")]
        for process in both:
            told = process.communicate(timeout=_WAIT)[1]
            report["faults"] += [f"turn {turn}: {told[-300:]}"] if process.returncode else []
        report["runs"] += 2
        report["faults"] += _unproven(project)
        reviews = [_started(project, REVIEW) for _ in range(2)]
        codes = [process.communicate(timeout=_WAIT) and process.returncode for process in reviews]
        report["runs"] += 2
        report["faults"] += [f"reviews end with {codes}"] if any(codes) else []
        report["faults"] += _damage(project, "two reviews")
    return report


def cut_caches(home: Home, folder: Path) -> Report:
    """Each file of a stored fit cut at several lengths: never found, and replaced by the next fit."""
    report: Report = {"runs": 0, "faults": []}
    project = _copy(home, folder)
    stored = project / ".budget" / "fits" / home.fit
    for path in sorted(stored.iterdir()):
        sound = path.read_bytes()
        for share in (0.0, 0.01, 0.25, 0.5, 0.9, 0.999):
            path.write_bytes(sound[: int(share * len(sound))])
            report["runs"] += 1
            report["faults"] += [f"{path.name} cut at {share:.1%} is taken for whole"] if _finds_fit(project) else []
        path.write_bytes(sound)
    report["faults"] += [] if _finds_fit(project) else ["the sound fit is not found"]
    return report


def another_version(home: Home, folder: Path) -> Report:
    """A fit made by another version of what it rests on is not this version's fit."""
    from unittest import mock

    from budget import store

    project = _copy(home, folder)
    report: Report = {"runs": 0, "faults": []}
    for package in store.FIT_PACKAGES:
        told = store._version  # noqa: SLF001 - the seam that tells versions
        with mock.patch.object(store, "_version", lambda name, p=package, f=told: "0.0.1" if name == p else f(name)):
            report["runs"] += 1
            report["faults"] += [f"a fit of another {package} is taken"] if _finds_fit(project) else []
    return report


# Questions ------------------------------------------------------------------------------------------------------------


def _damage(project: Path, after: str) -> list[str]:
    """Files that are neither the old ones nor the new ones: not readable, or a ledger that does not hold."""
    faults = []
    for path in project.rglob("*"):
        if path.name.startswith(".") or not path.is_file():
            continue
        if fault := _broken(path):
            faults.append(f"{after}: {path.relative_to(project)} {fault}")
    from budget.ledger import Ledger

    for path in (project / "ledger").glob("*.jsonl"):
        faults += [f"{after}: {problem}" for problem in Ledger(path.parent, path.stem).verify()[1]]
    return faults


def _broken(path: Path) -> str:
    """What is wrong with a file, if anything is."""
    import zipfile

    try:
        if path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix in {".xlsx", ".npz"}:
            with zipfile.ZipFile(path) as archive:
                return "is damaged" if archive.testzip() else ""
        elif path.suffix == ".html":
            return "" if path.read_text(encoding="utf-8").rstrip().endswith("</html>") else "is cut off"
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        return f"is broken: {error}"
    return ""


def _again(project: Path, command: Sequence[str]) -> list[str]:
    """The same command once more must end well and prove itself."""
    done = _budget(project, command)
    if done.returncode:
        return [f"{command[0]} again: {done.returncode} {done.stderr[-300:]}"]
    return _unproven(project) if command[0] == "plan" else _damage(project, f"{command[0]} again")


def _unproven(project: Path) -> list[str]:
    done = _budget(project, ("verify", "plans"))
    return [] if done.returncode == 0 else [f"verify: {done.stdout[-600:]} {done.stderr[-300:]}"]


def _said_well(done: subprocess.CompletedProcess[str], after: str) -> list[str]:
    told = done.stdout + done.stderr
    wrong = done.returncode not in _DOCUMENTED or "Traceback" in told or "Something went wrong" in told
    wrong = wrong or (done.returncode != 0 and not told.strip())
    return [f"{after}: {done.returncode} {told[-400:]}"] if wrong else []


def _finds_fit(project: Path) -> bool:
    from budget.runs import open_session, stored_fit

    return stored_fit(open_session(project / "budget.yaml")) is not None


def _fit_is_whole_or_absent(project: Path) -> bool:
    from budget.runs import open_session, stored_fit

    fitted = stored_fit(open_session(project / "budget.yaml"))
    return fitted is None or not any(map(_broken, fitted.folder.iterdir()))


# Processes and disks --------------------------------------------------------------------------------------------------


def _copy(home: Home, folder: Path) -> Path:
    shutil.rmtree(folder / "project", ignore_errors=True)
    shutil.copytree(home.folder, folder / "project")
    return folder / "project"


def _unfitted(home: Home, folder: Path) -> Path:
    """The project without a fit, with a model that is sampled as quickly as a real one can be."""
    project = _copy(home, folder)
    path = project / "budget.yaml"
    model = "model: {draws: 20, tune: 20, chains: 1, holdout_weeks: 0, noise: plain, cores: 1}\n"
    path.write_text(path.read_text(encoding="utf-8") + model, encoding="utf-8")
    return project


def _started(
    project: Path, command: Sequence[str], *, killer: int | None = None, largest: int | None = None
) -> subprocess.Popen[str]:
    words = [sys.executable, *(("-c", _KILLER) if killer else ("-m", "budget.cli")), *command]

    def limit() -> None:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    # PYTHONDONTWRITEBYTECODE: a limit on file sizes shall meet the product's files, not those of Python.
    surroundings = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(  # noqa: S603 - our own command
        words,
        cwd=project,
        env=os.environ | surroundings | {"KILL_AT": str(killer or 0)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        preexec_fn=limit,  # noqa: PLW1509 - no threads here
    )


def _budget(
    project: Path, command: Sequence[str], *, killer: int | None = None, largest: int | None = None
) -> subprocess.CompletedProcess[str]:
    process = _started(project, command, killer=killer, largest=largest)
    out, told = process.communicate(timeout=_WAIT)
    return subprocess.CompletedProcess(command, process.returncode, out, told)


def _killed(project: Path, command: Sequence[str], seconds: float) -> bool:
    """Kill the command after some seconds; whether it was still at work."""
    process = _started(project, command)
    time.sleep(seconds)
    process.kill()
    process.communicate(timeout=_WAIT)
    return process.returncode == -signal.SIGKILL


def _seconds(home: Home, folder: Path, command: Sequence[str]) -> float:
    """How long the command takes when nobody kills it."""
    project = _copy(home, folder)
    began = time.perf_counter()
    _budget(project, command)
    return time.perf_counter() - began


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[Path | None]:
    """A small file system in memory; None where none may be mounted."""
    disk = folder / "disk"
    disk.mkdir(parents=True, exist_ok=True)
    mounted = _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)) == 0
    try:
        yield disk if mounted else None
    finally:
        if mounted:
            _run("umount", str(disk))


def _fill(disk: Path, free: int) -> None:
    """Leave only so many bytes."""
    left = shutil.disk_usage(disk).free - free
    (disk / "filler").write_bytes(bytes(max(left, 0)))


@contextmanager
def _unwritable(project: Path) -> Iterator[bool]:
    """Make a folder read-only: by its permissions, or, since they do not bind root, by a mount."""
    if os.geteuid():
        for path in (project, *project.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            yield True
        finally:
            for path in (project, *project.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
        return
    bound = _run("mount", "--bind", str(project), str(project)) == 0
    closed = bound and _run("mount", "-o", "remount,bind,ro", str(project)) == 0
    try:
        yield closed
    finally:
        if bound:
            _run("umount", str(project))


def _run(*words: str) -> int:
    return subprocess.run(words, check=False, capture_output=True).returncode  # noqa: S603 - mount and umount


if __name__ == "__main__":
    main()
