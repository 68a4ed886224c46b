"""Ten thousand damaged inputs, each given to the command that reads it; nothing may surprise.

Run by ``make torture``: ``python -m benchmarks.torture.fuzz --cases 1500 --seeds 21 22 23 24 25 26 27``. A case fails
when the command ends with a traceback, an error nobody foresaw, an exit code that is not documented, more than five
seconds, or a refusal without a message; the memory of the whole run must stay under a gigabyte.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.torture import mutations
from benchmarks.torture.projects import Home, planned_home

DOCUMENTED = {0, 1, 2, 3, 4, 5}
MOST_SECONDS = 5.0
MOST_MEGABYTES = 1000.0
_UNFORESEEN = ("Traceback", "Something went wrong")


@dataclass(frozen=True, slots=True)
class Kind:
    """A file of a project, how it is damaged, and the command that reads it."""

    name: str
    file: str
    damages: Sequence[mutations.Damage]
    command: Sequence[str]
    weight: int


KINDS = (
    Kind("project file", "budget.yaml", mutations.YAML_TEXT, ("check",), 6),
    Kind("data, CSV", "data.csv", mutations.CSV, ("check",), 5),
    Kind("data, Excel", "data.xlsx", mutations.XLSX, ("check", "--config", "excel.yaml"), 3),
    Kind("data, Parquet", "data.parquet", mutations.BINARY, ("check", "--config", "parquet.yaml"), 2),
    Kind("own table, CSV", "data.csv", mutations.CSV, ("init", "new", "--from-csv", "data.csv"), 5),
    Kind("own table, Excel", "data.xlsx", mutations.XLSX, ("init", "new", "--from-csv", "data.xlsx"), 3),
    Kind("lift tests", "tests.csv", mutations.CSV, ("check", "--config", "lift.yaml"), 2),
    Kind("calendar", "peaks.yaml", mutations.YAML_TEXT, ("check", "--config", "peaks-project.yaml"), 2),
    Kind("plan, CSV", "plans/plan.csv", mutations.CSV, ("evaluate", "plans/plan.csv", "--out", "out"), 2),
    Kind("plan, workbook", "plans/plan.xlsx", mutations.XLSX, ("evaluate", "plans/plan.xlsx", "--out", "out"), 2),
    Kind(
        "edited workbook", "plans/plan.xlsx", mutations.XLSX, ("plan", "--from", "plans/plan.xlsx", "--out", "out"), 1
    ),
    Kind("scenarios", "scenarios.yaml", mutations.YAML_TEXT, ("whatif", "scenarios.yaml", "--out", "out"), 1),
    Kind("plan.json", "plans/plan.json", mutations.JSON_TEXT, ("verify", "plans"), 2),
    Kind("manifest", "plans/manifest.json", mutations.JSON_TEXT, ("verify", "plans"), 2),
    Kind("plan.json compared", "plans/plan.json", mutations.JSON_TEXT, ("compare", "plans", "plans"), 1),
    Kind("actual figures", "week.csv", mutations.CSV, ("review", "--actuals", "week.csv", "--week", "2025-12-08"), 1),
    Kind("ledger", "ledger/{quarter}.jsonl", mutations.JSON_TEXT[2:], ("ledger",), 1),
    Kind("seal", "ledger/{quarter}.seal.json", mutations.JSON_TEXT, ("ledger",), 1),
    Kind("fit.json", ".budget/fits/{fit}/fit.json", mutations.JSON_TEXT, ("evaluate", "plans/plan.csv"), 1),
    Kind("curves", ".budget/fits/{fit}/curves.npz", mutations.BINARY, ("evaluate", "plans/plan.csv"), 1),
    Kind("history", "{versions}", mutations.JSON_TEXT, ("history",), 1),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that went wrong, so that it can be run again."""

    kind: str
    seed: int
    fault: str
    told: str


class TooSlow(BaseException):  # not an Exception: the command must not take it for an error of its own
    """The command took longer than it may."""


def main() -> None:
    """Run the cases, print and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_500, help="for each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--merge", type=Path, nargs="+", default=[], help="reports of other seeds, to be counted too")
    parser.add_argument("--kind", default=None)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in options.merge]
    reports += [run(options.cases, seed, only=options.kind, tell=print) for seed in options.seeds]
    report = merged(reports)
    if options.out:
        options.out.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    sys.exit(bool(report["failures"]) or report["megabytes"] > MOST_MEGABYTES)


def merged(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several seeds as one report."""
    names = dict.fromkeys(name for report in reports for name in report["kinds"])
    kinds: dict[str, Any] = {}
    for name in names:
        same = [report["kinds"][name] for report in reports if name in report["kinds"]]
        codes: Counter[str] = Counter()
        for kind in same:
            codes.update({str(code): count for code, count in kind["codes"].items()})
        kinds[name] = {
            "cases": sum(kind["cases"] for kind in same),
            "codes": dict(sorted(codes.items())),
            "slowest": max(kind["slowest"] for kind in same),
        }
    return {
        "cases": sum(report["cases"] for report in reports),
        "seeds": [seed for report in reports for seed in report["seeds"]],
        "kinds": kinds,
        "failures": [failure for report in reports for failure in report["failures"]],
        "seconds": round(sum(report["seconds"] for report in reports), 1),
        "megabytes": max(report["megabytes"] for report in reports),
    }


def peak_megabytes() -> float:
    """The most memory that this process held; getrusage would count what its parent held when it started this one."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = [line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")]
    return float(line.split()[1]) / 1024


def run(
    cases: int,
    seed: int,
    *,
    only: str | None = None,
    evenly: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Give ``cases`` damaged files to the commands that read them, and say what happened."""
    began = time.perf_counter()
    kinds = [kind for kind in KINDS if only in {None, kind.name}]
    order = [kind for kind in kinds for _ in range(1 if evenly else kind.weight)]
    codes: dict[str, Counter[int]] = {kind.name: Counter() for kind in kinds}
    slowest: dict[str, float] = dict.fromkeys(codes, 0.0)
    failures: list[Failure] = []
    with tempfile.TemporaryDirectory() as folder:
        home = planned_home(Path(folder) / "home")
        for case in range(cases):
            kind = order[case % len(order)]
            code, seconds, failure = _case(home, kind, seed * 1_000_003 + case)
            codes[kind.name][code] += 1
            slowest[kind.name] = max(slowest[kind.name], seconds)
            if failure:
                failures.append(failure)
                tell(f"{failure.kind}, seed {failure.seed}: {failure.fault}\n{failure.told[-1500:]}")
    return {
        "cases": cases,
        "seeds": [seed],
        "kinds": {
            name: {
                "cases": sum(count.values()),
                "codes": dict(sorted(count.items())),
                "slowest": round(slowest[name], 2),
            }
            for name, count in codes.items()
        },
        "failures": [asdict(failure) for failure in failures],
        "seconds": round(time.perf_counter() - began, 1),
        "megabytes": round(peak_megabytes(), 1),
    }


def _case(home: Home, kind: Kind, seed: int) -> tuple[int, float, Failure | None]:
    """One damaged file: exit code, seconds, and what was wrong, if anything was."""
    rng = Random(seed)  # noqa: S311 - damage, not secrets
    path = home.folder / home.name(kind.file)
    sound = path.read_bytes()
    path.write_bytes(rng.choice(kind.damages)(sound, rng))
    try:
        code, told, seconds = _called(home.folder, kind.command)
    finally:
        path.write_bytes(sound)
        home.restore()
    fault = _fault(code, told, seconds)
    return code, seconds, Failure(kind.name, seed, fault, told) if fault else None


def _fault(code: int, told: str, seconds: float) -> str:
    if any(words in told for words in _UNFORESEEN):
        return "an error that nobody foresaw"
    if code not in DOCUMENTED:
        return f"exit code {code}"
    if seconds > MOST_SECONDS:
        return f"{seconds:.1f} s"
    return "refused without a word" if code and not told.strip() else ""


def _called(folder: Path, words: Sequence[str]) -> tuple[int, str, float]:
    """Run ``budget WORDS`` in this process: exit code, what it said, processor seconds."""
    from typer.testing import CliRunner

    from budget.cli import app

    began = time.process_time()
    with _within(4 * MOST_SECONDS), _in(folder):
        try:
            result = CliRunner().invoke(app, list(words), catch_exceptions=True)
        except TooSlow:
            return -1, "", time.process_time() - began
    told = result.stdout + result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        told += f"Traceback: {result.exception!r}"
    return result.exit_code, told, time.process_time() - began


class _within:  # noqa: N801 - reads as a word
    """Raise :class:`TooSlow` after some seconds; end the process when even that is not heard."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        faulthandler.dump_traceback_later(6 * self.seconds, exit=True)
        signal.signal(signal.SIGALRM, _too_slow)
        signal.setitimer(signal.ITIMER_REAL, 3 * self.seconds)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()


def _too_slow(*_: object) -> None:
    raise TooSlow


class _in:  # noqa: N801 - reads as a word
    """Work in a folder for a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        self.before = Path.cwd()
        os.chdir(self.folder)

    def __exit__(self, *_: object) -> None:
        os.chdir(self.before)


if __name__ == "__main__":
    main()
