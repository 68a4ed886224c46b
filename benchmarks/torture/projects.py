"""A small planned project with every kind of file that a command reads; nobody sampled its model."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # the made-up fits of the tests are the made-up fits here


class NotSampled(Exception):
    """Damage may not lead to a fit: it would take a minute."""


@dataclass(frozen=True, slots=True)
class Home:
    """The project, and the names in it that only a run tells."""

    folder: Path
    quarter: str
    fit: str
    versions: str

    def name(self, pattern: str) -> str:
        """A file's name with those filled in."""
        return pattern.format(quarter=self.quarter, fit=self.fit, versions=self.versions)

    def restore(self) -> None:
        """Put the project back as it was made."""
        sound = self.folder.with_name("sound")
        for path in set(_names(self.folder)) - set(_names(sound)):
            shutil.rmtree(self.folder / path) if (self.folder / path).is_dir() else (self.folder / path).unlink()
        for name in ("ledger", ".budget/plans"):
            if _stamps(self.folder / name) != _stamps(sound / name):
                shutil.rmtree(self.folder / name)
                shutil.copytree(sound / name, self.folder / name)  # with the times of the files


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _stamps(folder: Path) -> list[tuple[str, int, int]]:
    """Every file under a folder with its size and time."""
    found = [(path.relative_to(folder).as_posix(), path.stat()) for path in sorted(folder.rglob("*"))]
    return [(name, stat.st_size, stat.st_mtime_ns if stat.st_size else 0) for name, stat in found]


def planned_home(folder: Path) -> Home:
    """Make the project, plan it once, and write a file of every kind."""
    import fitted
    import pandas as pd

    from budget import runs
    from mmm.problems import InputError, Problem

    def refuse(*_: object, **__: object) -> None:
        raise InputError([Problem("a fit would be needed here", "the torture", cure="It is not made.")])

    runs.new_fit = refuse  # type: ignore[assignment]
    folder.mkdir(parents=True)
    fitted.write_small(folder)
    _write_variants(folder)
    frame = pd.read_csv(folder / "data.csv")
    frame.to_excel(folder / "data.xlsx", index=False)
    frame.to_parquet(folder / "data.parquet", index=False)
    _plan(folder)
    quarter = next((folder / "ledger").glob("*.jsonl")).stem
    (fit,) = (path.name for path in (folder / ".budget" / "fits").iterdir() if not path.name.startswith("."))
    versions = next((folder / ".budget" / "plans").glob("*/version.json"))
    shutil.copytree(folder, folder.with_name("sound"))
    return Home(folder, quarter, fit, versions.relative_to(folder).as_posix())


def _write_variants(folder: Path) -> None:
    """Project files that name other data, a calendar and lift tests; and those files."""
    text = (folder / "budget.yaml").read_text(encoding="utf-8")
    for name, swap in {
        "excel.yaml": ("data.csv", "data.xlsx"),
        "parquet.yaml": ("data.csv", "data.parquet"),
        "lift.yaml": ("currency: CNY", "currency: CNY\nlift_tests: tests.csv"),
        "peaks-project.yaml": ("currency: CNY", "currency: CNY\ncalendar: peaks.yaml"),
    }.items():
        (folder / name).write_text(text.replace(*swap), encoding="utf-8")
    (folder / "tests.csv").write_text(
        "channel,start,end,unit,spend_change,kpi_change,kpi_se\nsearch,2025-06-02,2025-06-29,,20000,60000,9000\n"
        "kol,2025-07-07,2025-08-03,,15000,22000,8000\n",
        encoding="utf-8",
    )
    (folder / "peaks.yaml").write_text(
        "name: own\npeaks:\n  - {name: sale, start: 2025-06-16, end: 2025-06-20, intensity: 1.0, status: confirmed}\n"
        "  - {name: eve, start: 2025-11-01, end: 2025-11-11, intensity: 0.5, status: estimate}\n",
        encoding="utf-8",
    )
    (folder / "scenarios.yaml").write_text(
        "scenarios:\n  lean: {set: {plan.total: 1300000}, note: less}\n  shock: {shock: {kol: -22%}}\n"
        "  both: {combine: [lean, shock]}\n  lost: {drop: [search]}\n",
        encoding="utf-8",
    )


def _plan(folder: Path) -> None:
    """Plan the project, review its first week, and keep a file of that week."""
    import csv

    for words in (("plan", "--out", "plans"), ("plan",)):
        call(folder, *words)
    with (folder / "plans" / "plan.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    weeks = sorted({row["week"] for row in rows})
    for name, monday in (("week1.csv", weeks[0]), ("week.csv", weeks[1])):
        lines = [f"{row['line']},{row['spend']},100,9000,2000000,1\n" for row in rows if row["week"] == monday]
        text = "line,spend,visits,attributed,gmv,control\n" + "".join(lines)
        (folder / name).write_text(text, encoding="utf-8")
    call(folder, "review", "--actuals", "week1.csv", "--week", weeks[0])


def call(folder: Path, *words: str) -> str:
    """Run ``budget WORDS`` in a folder; what it said. It must succeed."""
    import os

    from typer.testing import CliRunner

    from budget.cli import app

    before = Path.cwd()
    os.chdir(folder)
    try:
        result = CliRunner().invoke(app, list(words))
    finally:
        os.chdir(before)
    if result.exit_code:
        raise NotSampled(f"budget {' '.join(words)}: {result.exit_code}\n{result.stdout}{result.stderr}")
    return result.stdout + result.stderr
