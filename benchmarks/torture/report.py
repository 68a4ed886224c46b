"""What the torture found, written for people: ``python -m benchmarks.torture.report``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.torture.faults import studies
from benchmarks.torture.fuzz import MOST_MEGABYTES, MOST_SECONDS

WHOLE = 10_500  # damaged inputs of `make torture`
STUDIES = tuple(studies(kills=0, fits=0))
EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence"
_OF_ITS_OWN = {"runs", "faults", "seconds", "short"}  # columns, and what is said above the tables


def main() -> None:
    """Write torture.md from the two JSON files beside it."""
    fuzz, faults = (
        json.loads((EVIDENCE / f"torture-{name}.json").read_text(encoding="utf-8")) for name in ("fuzz", "faults")
    )
    (EVIDENCE / "torture.md").write_text("\n".join(_lines(fuzz, faults)) + "\n", encoding="utf-8")


def _lines(fuzz: dict[str, Any], faults: dict[str, Any]) -> Iterator[str]:
    yield "# Torture: damaged inputs, killed runs, full disks"
    yield ""
    yield "Made by `make torture`; the figures are in `torture-fuzz.json` and `torture-faults.json`. A short, seeded"
    yield "part runs with every test (`tests/unit/benchmarks/test_torture.py`), more of it with the slow tests."
    yield ""
    yield from _shortened(fuzz, faults)
    yield "## Damaged inputs"
    yield ""
    yield f"{fuzz['cases']:,} files of a sound project, each damaged by a seeded mutation (cells, lines, bytes,"
    yield "encodings, YAML and JSON values, parts of a workbook's archive) and given to the command that reads it. A"
    yield "case fails on a traceback, an error that nobody foresaw, an exit code that is not documented, more than"
    yield f"{MOST_SECONDS:.0f} processor seconds, or a refusal without a word."
    yield ""
    megabytes = f"{fuzz['megabytes']:.0f} MB (limit {MOST_MEGABYTES:.0f})"
    yield f"**{len(fuzz['failures'])} failures.** Largest memory of the process: {megabytes}."
    yield ""
    yield "| input | cases | accepted | refused (1) | other codes | slowest, processor s |"
    yield "|---|---|---|---|---|---|"
    for name, kind in fuzz["kinds"].items():
        codes = {int(code): count for code, count in kind["codes"].items()}
        others = ", ".join(f"{code}: {count}" for code, count in codes.items() if code not in {0, 1}) or "none"
        yield f"| {name} | {kind['cases']} | {codes.get(0, 0)} | {codes.get(1, 0)} | {others} | {kind['slowest']:.2f} |"
    yield ""
    yield "## Trouble while a run is at work"
    yield ""
    yield "After each: every file is whole (the old one or the new one), the same command run again ends well, and what"
    yield "it leaves proves itself (`budget verify`, `budget ledger`)."
    yield ""
    yield "| trouble | runs | faults | remarks |"
    yield "|---|---|---|---|"
    for name, study in faults.items():
        remarks = [f"{key}: {value}" for key, value in study.items() if key not in _OF_ITS_OWN]
        yield f"| {name} | {study['runs']} | {len(study['faults'])} | {'; '.join(remarks) or '-'} |"


def _shortened(fuzz: dict[str, Any], faults: dict[str, Any]) -> Iterator[str]:
    """What of the whole run was not made."""
    short = [name for name, study in faults.items() if study.get("short")]
    lacking = [name for name in STUDIES if name not in faults]
    told = []
    if fuzz["cases"] < WHOLE:
        told.append(f"{fuzz['cases']:,} damaged inputs of the {WHOLE:,} of a whole run")
    if short:
        told.append(f"fewer turns of: {', '.join(short)}")
    if lacking:
        told.append(f"not made: {', '.join(lacking)}")
    if told:
        yield f"**Shortened:** {'; '.join(told)}. `make torture` makes the whole of it."
        yield ""


if __name__ == "__main__":
    main()
