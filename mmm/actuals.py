"""One week's actual figures, read like the main data: same files, same cells, same words when something is wrong.

Two forms are understood. Long: a row per budget line with ``line``, ``spend`` and, where known, ``visits`` and
``attributed``; the week's total ``gmv`` and its controls stand in any of the rows. Wide: the row that the main data
will hold for that week, with the same column names. Where the main data are daily, either form holds the week's seven
days instead, which become its week as the main data's do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mmm.calendar import week_of
from mmm.cells import as_word, day_reader
from mmm.faults import fault
from mmm.files import read_table, refuse_absent
from mmm.problems import InputError, Problem
from mmm.tables import AMOUNT, NO_NAME, OPTIONAL, Demand, Table, suggest

if TYPE_CHECKING:
    from mmm.settings import ChannelSettings, DataSettings

Floats = npt.NDArray[np.float64]

# Refunds may outweigh a week's sales, in all or in what a platform counts as its own.
_NET = Demand(blank=True)
_CONTROL = Demand(blank=True, percent=True)
_WEEK = 7

_TITLES: Mapping[str, tuple[str, ...]] = {
    "line": ("line", "channel", "预算项", "渠道"),
    "week": ("week", "date", "周", "日期"),
    "spend": ("spend", "支出", "花费"),
    "visits": ("visits", "访问量", "访问"),
    "attributed": ("attributed", "attributed_gmv", "gmv_attributed", "归因GMV", "平台归因GMV"),
    "gmv": ("gmv", "total_gmv", "kpi", "总GMV"),
}
"""Column titles understood for each part, the first being the one to write."""


@dataclass(frozen=True, slots=True)
class Actuals:
    """What one week brought.

    Attributes
    ----------
    week : date
        Monday.
    spend_fen : mapping of line to int
        Whole fen. Reserve lines may be missing: what was planned for them then counts as spent.
    visits, attributed : mapping of line to float
        Visits, and platform-attributed GMV in currency, refunds taken off; NaN where unknown.
    gmv : float
        The department's whole GMV, currency; NaN where unknown.
    controls : mapping of name to float
        NaN where unknown.
    """

    week: date
    spend_fen: Mapping[str, int]
    visits: Mapping[str, float]
    attributed: Mapping[str, float]
    gmv: float
    controls: Mapping[str, float]

    def document(self) -> dict[str, Any]:
        """The figures ready for JSON, unknown ones None."""
        return {
            "week": self.week.isoformat(),
            "spend_fen": dict(self.spend_fen),
            "visits": {name: _known(value) for name, value in self.visits.items()},
            "attributed": {name: _known(value) for name, value in self.attributed.items()},
            "gmv": _known(self.gmv),
            "controls": {name: _known(value) for name, value in self.controls.items()},
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the figures, whatever the form of the file they came in."""
        return sha256(dumps(self.document(), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def from_document(document: Mapping[str, Any]) -> Actuals:
    """Give back the figures that :meth:`Actuals.document` was made from."""

    def numbers(name: str) -> dict[str, float]:
        return {key: np.nan if value is None else float(value) for key, value in document[name].items()}

    gmv = document["gmv"]
    return Actuals(
        week=date.fromisoformat(document["week"]),
        spend_fen={name: int(fen) for name, fen in document["spend_fen"].items()},
        visits=numbers("visits"),
        attributed=numbers("attributed"),
        gmv=np.nan if gmv is None else float(gmv),
        controls=numbers("controls"),
    )


def read_actuals(
    path: Path,
    week: date,
    lines: Mapping[str, Iterable[str]],
    reserves: Sequence[str],
    channels: Mapping[str, ChannelSettings],
    data: DataSettings,
) -> Actuals:
    """Read the figures of one week.

    Parameters
    ----------
    path : Path
        A .csv, .parquet or .xlsx file; rows of other weeks are passed over.
    week : date
        Monday.
    lines : mapping of line to its other names
        Every budget line, reserve lines included; a file may use the name or a label.
    reserves : sequence of str
        Lines without a response, which the file may leave out.
    channels : mapping of name to ChannelSettings
        For the column names of the wide form.
    data : DataSettings
        For the names of the KPI, the week and the controls.

    Raises
    ------
    InputError
        With every problem found, each naming file, row, column, value and cure.
    """
    refuse_absent(path, path.name, "Name the file of the week's actual figures.")
    table = read_table(path.name, None, path.parent)
    draft = _Draft(table, week, lines, reserves, data)
    titled = draft.title("line")
    found = _long(draft, titled) if titled else _wide(draft, channels)
    if table.problems:
        raise InputError(dict.fromkeys(table.problems))
    return found


@dataclass(frozen=True, slots=True)
class _Draft:
    """The file's table, and what is to be found in it."""

    table: Table
    week: date
    lines: Mapping[str, Iterable[str]]
    reserves: Sequence[str]
    data: DataSettings

    @property
    def daily(self) -> bool:
        """Whether the week's rows are its days; rows of one day are taken for the week's."""
        return self.data.frequency == "daily" and len(self._days()) > 1

    def _days(self) -> set[date]:
        """The days of the week that the file holds."""
        cells = self.table.columns.get(self.title("week") or "", ())
        read = day_reader(cells)
        found = set()
        for cell in cells:
            with suppress(ValueError, OverflowError):
                found |= {day for day in (read(cell),) if week_of(day, self.data.week_starts) == self.week}
        return found

    def title(self, part: str) -> str | None:
        """The file's own title of a part; None when it has none."""
        own = {"week": (self.data.week,), "gmv": (self.data.kpi,)}.get(part, ())
        folded = {column.casefold(): column for column in self.table.columns}
        known = (folded.get(name.casefold()) for name in (*own, *_TITLES[part]))
        return next((column for column in known if column), None)

    def rows(self) -> list[int]:
        """Positions of the week's rows: all of them where the file names no week."""
        title = self.title("week")
        everywhere = list(range(len(self.table.rows)))
        if title is None:
            return everywhere
        days = self.table.days(title, "data.week")
        weeks = [day and week_of(day, self.data.week_starts) for day in days]
        found = [row for row in everywhere if weeks[row] == self.week]
        if not found and None not in weeks:
            there = sorted({one for one in weeks if one})
            span = fault("{first} to {last}", first=f"{there[0]}", last=f"{there[-1]}") if there else ""
            cure = "Give the file of that week, or the week of that file with --week."
            self.report(fault("no row holds the week of {week}", week=f"{self.week}"), title, span, cure)
        held = len(self._days())
        if self.daily and held < _WEEK:
            cure = "Wait for the week's last day, and write a row for each."
            what = fault("the week of {week} holds {held} of its 7 days", week=f"{self.week}", held=held)
            self.report(what, title, cure=cure)
        return found

    def by_day(self, rows: Sequence[int]) -> list[list[int]]:
        """The rows of each day; all of them at once where rows are weeks."""
        if not self.daily:
            return [list(rows)]
        days = self.table.columns[str(self.title("week"))]
        found: dict[str, list[int]] = {}
        for row in rows:
            found.setdefault(str(days[row]).strip(), []).append(row)
        return list(found.values())

    def rolled(self, title: str | None, values: Sequence[float] | Floats, usual: str) -> float:
        """Values of days as one of the week."""
        mean = self.data.rollup.get(title or "", usual) == "mean"
        return float(np.mean(values) if mean else np.sum(values)) if len(values) else np.nan

    def numbers(self, title: str | None, rows: Sequence[int], demand: Demand) -> Floats:
        """Numbers of a column, array (row,); NaN where the file has no such column."""
        if title is None:
            return np.full(len(self.table.rows), np.nan)
        return self.table.numbers(title, title, rows, demand)

    def once(self, title: str | None, rows: Sequence[int], demand: Demand = _NET) -> float:
        """The week's one number, which may stand in any of its rows; NaN when it stands in none."""
        values = self.numbers(title, rows, demand)
        known = [row for row in rows if np.isfinite(values[row])]
        if any(values[row] != values[known[0]] for row in known) and title:
            cure = "Write the week's one value, in one row or the same in all."
            self.table.report(self.table.problem("the value differs between the rows of a week", title, known, cure))
        return float(values[known[0]]) if known else np.nan

    def whole(self, rows: Sequence[int]) -> tuple[float, dict[str, float]]:
        """Total GMV in currency, and controls."""
        days = self.by_day(rows)
        gmv = sum(self._value(day) * self.once(self.title("gmv"), day) for day in days)
        controls = {}
        for name in self.data.controls:
            title = name if name in self.table.columns else None
            controls[name] = self.rolled(title, [self.once(title, day, _CONTROL) for day in days], "mean")
        return gmv, controls

    def _value(self, rows: Sequence[int]) -> float:
        per_kpi = self.data.value_per_kpi
        return self.once(per_kpi, rows) if isinstance(per_kpi, str) else per_kpi or 1.0

    def report(self, what: str, column: str, value: str = "", cure: str = "") -> None:
        """Keep a problem of the whole file."""
        self.table.report(Problem(what, f"{self.table.name}, column {column}", value, cure))


def _long(draft: _Draft, titled: str) -> Actuals:
    """A row per line."""
    table, rows = draft.table, draft.rows()
    named = table.parsed(titled, "line", as_word, NO_NAME)
    place = _places(draft, titled, [(row, named[row]) for row in rows])
    spend_title = draft.title("spend")
    if spend_title is None:
        near = suggest("spend", list(table.columns))
        cure = fault("{near} It holds what was spent on the line in the week.", near=near)
        draft.report("the column is missing", "spend", cure=cure)
    own = [row for found in place.values() for row in found]
    spend = draft.numbers(spend_title, own, AMOUNT)
    visits_title, attributed_title = draft.title("visits"), draft.title("attributed")
    visits = draft.numbers(visits_title, own, OPTIONAL)
    attributed = draft.numbers(attributed_title, own, _NET)
    _missing_lines(draft, titled, place)
    gmv, controls = draft.whole(rows)
    return Actuals(
        week=draft.week,
        spend_fen={name: _fen(draft.rolled(spend_title, spend[found], "sum")) for name, found in place.items()},
        visits={name: draft.rolled(visits_title, visits[found], "sum") for name, found in place.items()},
        attributed={name: draft.rolled(attributed_title, attributed[found], "sum") for name, found in place.items()},
        gmv=gmv,
        controls=controls,
    )


def _places(draft: _Draft, titled: str, named: Sequence[tuple[int, str | None]]) -> dict[str, list[int]]:
    """The rows of each line (one, or one a day) in the project's order; unknown and repeated lines are reported."""
    known = {other.casefold(): line for line, others in draft.lines.items() for other in (line, *others)}
    found: dict[str, list[int]] = {}
    for row, name in named:
        line = known.get((name or "").casefold())
        if line is not None:
            found.setdefault(line, []).append(row)
        elif name:
            cure = suggest(name, list(draft.lines))
            draft.table.report(draft.table.problem("the line is not in the project", titled, [row], cure))
    for line, own in found.items():
        rows = next((rows for rows in draft.by_day(own) if len(rows) > 1), None)
        if rows is not None:
            held = (
                "{count} rows hold {line} in one day"
                if draft.daily
                else "{count} rows hold {line} in the week of {week}"
            )
            what = fault(held, count=len(rows), line=line, week=f"{draft.week}")
            draft.table.report(draft.table.problem(what, titled, rows, "Keep one row per line."))
    return {line: found[line] for line in draft.lines if line in found}


def _missing_lines(draft: _Draft, titled: str, place: Mapping[str, Sequence[int]]) -> None:
    lacking = [line for line in draft.lines if line not in place and line not in draft.reserves]
    if lacking and not draft.table.problems:
        what = fault("there is no row for {lines} in the week of {week}", lines=lacking, week=f"{draft.week}")
        draft.report(what, titled, cure="Add the rows; write 0 where nothing was spent.")


def _wide(draft: _Draft, channels: Mapping[str, ChannelSettings]) -> Actuals:
    """One row with the columns of the main data."""
    theirs = [channel.spend or name for name, channel in channels.items()]
    if not set(channels) <= draft.lines.keys() or not set(theirs) & draft.table.columns.keys():
        columns = list(draft.table.columns)
        near = suggest("line", columns)
        cure: str = fault("{near} A row per line is needed, or the columns of the main data.", near=near)
        raise InputError([Problem("the column is missing", f"{draft.table.name}, column line", cure=cure)])
    rows = draft.rows()
    again = next((same for same in draft.by_day(rows) if len(same) > 1), None)
    if again is not None:
        title = draft.title("week") or next(iter(draft.table.columns))
        fallen = "{count} rows fall in one day" if draft.daily else "{count} rows fall in the week of {day}"
        what = fault(fallen, count=len(again), day=f"{draft.week}")
        cure = "Keep one row per day." if draft.daily else "Keep one row per week."
        draft.table.report(draft.table.problem(what, title, again, cure))
    kept = [same[0] for same in draft.by_day(rows) if same]

    def one(title: str | None, demand: Demand) -> float:
        return draft.rolled(title, draft.numbers(title, kept, demand)[kept], "sum")

    spend = {name: one(channel.spend or name, AMOUNT) for name, channel in channels.items()}
    spend |= {name: one(name, AMOUNT) for name in draft.reserves if name in draft.table.columns}
    gmv, controls = draft.whole(kept)
    return Actuals(
        week=draft.week,
        spend_fen={name: _fen(paid) for name, paid in spend.items()},
        visits={name: one(channel.visits, OPTIONAL) for name, channel in channels.items()},
        attributed={name: one(channel.attributed, _NET) for name, channel in channels.items()},
        gmv=gmv,
        controls=controls,
    )


def _fen(paid: float) -> int:
    """Whole fen; zero stands for a cell that was refused."""
    return round(100 * paid) if np.isfinite(paid) else 0


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
