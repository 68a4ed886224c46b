"""The weekly data as one checked, immutable value, and the readers that make it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from mmm.calendar import monday, week_range
from mmm.problems import InputError, Problem

if TYPE_CHECKING:
    from mmm.settings import ChannelSettings, DataSettings

Floats = npt.NDArray[np.float64]
Key = tuple[str, date]  # unit and Monday
_T = TypeVar("_T")

NATIONAL = "national"

_LEAST_WEEKS = 52
_MOST_BYTES = 200 * 1000**2
_MOST_RATIO = 100
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Panel:
    """Weekly outcome, spend and controls of one or several units.

    Attributes
    ----------
    weeks : tuple of date
        Mondays, consecutive.
    units, channels, controls : tuple of str
        Names. A national series has the one unit "national".
    kpi : array (unit, week)
        Outcome in its own unit.
    value_per_kpi : array (unit, week)
        Currency per KPI unit; ones when the KPI is money.
    spend : array (unit, week, channel)
        Currency per week.
    control : array (unit, week, control)
        Control columns as read.
    visits, attributed : array (unit, week, channel)
        Visits per week; platform-attributed GMV per week. NaN where the project names no such column.
    """

    weeks: tuple[date, ...]
    units: tuple[str, ...]
    channels: tuple[str, ...]
    controls: tuple[str, ...]
    kpi: Floats
    value_per_kpi: Floats
    spend: Floats
    control: Floats
    visits: Floats
    attributed: Floats

    def __post_init__(self) -> None:
        for name in ("kpi", "value_per_kpi", "spend", "control", "visits", "attributed"):
            getattr(self, name).setflags(write=False)


def read_panel(data: DataSettings, channels: Mapping[str, ChannelSettings], folder: Path) -> Panel:
    """Read the project's weekly data and refuse what cannot be planned on.

    Parameters
    ----------
    data : DataSettings
        Files and what their columns mean.
    channels : mapping of name to ChannelSettings
        Channels, in the order the panel keeps.
    folder : Path
        Folder of the project file; file names are relative to it.

    Returns
    -------
    Panel
        Units in order of appearance, weeks in order of time.

    Raises
    ------
    InputError
        With every problem found, each naming file, spreadsheet row (the header is row 1), column, value and cure.
        Files that cannot be opened come first, before what is in the others.
    """
    outcome_table, spend_table = _read_files(data, folder)
    outcome_keys = _keys(outcome_table, data)
    spend_keys = outcome_keys if spend_table is outcome_table else _keys(spend_table, data)
    outcome = _outcome(outcome_table, data, outcome_keys)
    media = {name: _media(spend_table, data, name, channel, spend_keys) for name, channel in channels.items()}
    if None not in outcome_keys:
        _check_weeks(outcome_table, data, outcome.index)
        if None not in spend_keys:
            _check_cover(spend_table, data, outcome.index, media)
    problems = [*_shared_columns(channels), *outcome_table.problems, *spend_table.problems]
    if problems:
        # Checks that run once per channel find a fault of a shared column again.
        raise InputError(dict.fromkeys(problems))
    return _assemble(data, outcome, media)


def _assemble(data: DataSettings, outcome: _Series, media: Mapping[str, _Series]) -> Panel:
    units = tuple(dict.fromkeys(unit for unit, _ in outcome.index))
    weeks = tuple(sorted({week for _, week in outcome.index}))

    def grid(series: _Series, name: str) -> Floats:
        return series.values[name][[[series.index[unit, week] for week in weeks] for unit in units]]

    def stack(arrays: Sequence[Floats]) -> Floats:
        return np.stack(arrays, axis=-1) if arrays else np.empty((len(units), len(weeks), 0))

    return Panel(
        weeks=weeks,
        units=units,
        channels=tuple(media),
        controls=data.controls,
        kpi=grid(outcome, "kpi"),
        value_per_kpi=grid(outcome, "value_per_kpi"),
        spend=stack([grid(series, "spend") for series in media.values()]),
        control=stack([grid(outcome, f"control {name}") for name in data.controls]),
        visits=stack([grid(series, "visits") for series in media.values()]),
        attributed=stack([grid(series, "attributed") for series in media.values()]),
    )


# What the columns hold ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Series:
    """Numbers by name, each array (row,), and the row that holds each unit and week."""

    index: dict[Key, int]
    values: dict[str, Floats]


def _keys(table: _Table, data: DataSettings) -> list[Key | None]:
    """Read unit and Monday of every row; None where either cannot be read."""
    weeks = table.parsed(data.week, "data.week", _week, _BAD_DATE)
    units: Sequence[str | None] = [NATIONAL] * len(table.rows)
    if data.unit is not None:
        units = table.parsed(data.unit, "data.unit", _word, _NO_NAME)
    return [(unit, week) if unit and week else None for unit, week in zip(units, weeks, strict=True)]


def _outcome(table: _Table, data: DataSettings, keys: Sequence[Key | None]) -> _Series:
    rows = range(len(table.rows))
    names = {"kpi": data.kpi} | {f"control {name}": name for name in data.controls}
    values = {"kpi": table.numbers(data.kpi, "data.kpi", rows, _AMOUNT)}
    values |= {f"control {name}": table.numbers(name, "data.controls", rows, _SIGNED) for name in data.controls}
    if isinstance(data.value_per_kpi, str):
        names["value_per_kpi"] = data.value_per_kpi
        values["value_per_kpi"] = table.numbers(data.value_per_kpi, "data.value_per_kpi", rows, _ABOVE_ZERO)
    else:
        values["value_per_kpi"] = np.full(len(rows), data.value_per_kpi or 1.0)
    series = _Series(_index(keys, rows), values)
    if isinstance(data.file, str) and data.channel is not None:
        for name, column in names.items():
            _check_repeats(table, column, keys, series.index, values[name])
    else:
        _check_duplicates(table, data.week, keys, rows)
    _check_kpi(table, data, _by_unit(keys, rows, values["kpi"]))
    return series


def _media(
    table: _Table, data: DataSettings, name: str, channel: ChannelSettings, keys: Sequence[Key | None]
) -> _Series:
    """Read one channel's spend, visits and attributed GMV."""
    rows: Sequence[int] = range(len(table.rows))
    column, key = channel.spend or name, f"channels.{name}.spend"
    if data.channel is not None:
        rows = _channel_rows(table, data.channel, name, column)
        column, key = data.spend, "data.spend"
    values = {"spend": table.numbers(column, key, rows, _AMOUNT)}
    for extra, source in (("visits", channel.visits), ("attributed", channel.attributed)):
        values[extra] = np.full(len(table.rows), np.nan)
        if source is not None:
            values[extra] = table.numbers(source, f"channels.{name}.{extra}", rows, _OPTIONAL)
    if channel.exposure is not None:
        table.cells(channel.exposure, f"channels.{name}.exposure")
    _check_duplicates(table, data.week, keys, rows)
    if channel.roi_prior is None:
        _check_variation(table, column, name, _by_unit(keys, rows, values["spend"]))
    return _Series(_index(keys, rows), values)


def _channel_rows(table: _Table, column: str, name: str, alias: str) -> list[int]:
    """Find the rows of long data that hold one channel."""
    found = table.parsed(column, "data.channel", _word, _NO_NAME)
    rows = [row for row, cell in enumerate(found) if cell in {name, alias}]
    known = [cell for cell in dict.fromkeys(found) if cell]
    if known and not rows:
        cure = f"{_suggest(alias, known)} A channel without history needs rows with spend 0 and a roi_prior."
        table.report(Problem(f'no row holds the channel "{alias}"', f"{table.name}, column {column}", cure=cure))
    return rows


def _index(keys: Sequence[Key | None], rows: Iterable[int]) -> dict[Key, int]:
    """First row of each unit and week."""
    index: dict[Key, int] = {}
    for row in rows:
        key = keys[row]
        if key is not None:
            index.setdefault(key, row)
    return index


def _by_unit(keys: Sequence[Key | None], rows: Iterable[int], values: Floats) -> dict[str, Floats]:
    """Values of each unit, without the units of which a cell could not be read: those are reported already."""
    found: dict[str, list[int]] = {}
    for row in rows:
        key = keys[row]
        if key is not None:
            found.setdefault(key[0], []).append(row)
    return {unit: values[own] for unit, own in found.items() if np.isfinite(values[own]).all()}


# Checks across rows ---------------------------------------------------------------------------------------------------


def _shared_columns(channels: Mapping[str, ChannelSettings]) -> list[Problem]:
    """Two channels on one column would count the same money twice."""
    owner: dict[str, str] = {}
    problems = []
    for name, channel in channels.items():
        first = owner.setdefault(channel.spend or name, name)
        if first != name:
            cure = f'Channel "{first}" has it already; give each channel its own.'
            where = f"channels.{name}.spend"
            problems.append(Problem("two channels share one spend", where, channel.spend or name, cure))
    return problems


def _check_kpi(table: _Table, data: DataSettings, kpi: Mapping[str, Floats]) -> None:
    for unit, values in kpi.items():
        if not values.any():
            where = f"{table.name}, column {data.kpi}{_of_unit(data, unit)}"
            cure = "Name the column that holds it, or leave the unit out."
            table.report(Problem("the KPI is zero in every week", where, "0", cure))


def _check_duplicates(table: _Table, column: str, keys: Sequence[Key | None], rows: Iterable[int]) -> None:
    """One problem per repeated unit and week; the sixth and later ones are summed up."""
    found: dict[Key, list[int]] = {}
    for row in rows:
        key = keys[row]
        if key is not None:
            found.setdefault(key, []).append(row)
    repeated = [(key, same) for key, same in found.items() if len(same) > 1]
    cure = "Keep one row per week; add daily rows up to weeks first."
    for (unit, week), same in repeated[:_SHOWN]:
        of_unit = "" if unit == NATIONAL else f" of {unit}"
        table.report(table.problem(f"{len(same)} rows fall in the week of {week}{of_unit}", column, same, cure))
    if len(repeated) > _SHOWN:
        what = f"{len(repeated) - _SHOWN} more weeks hold several rows"
        table.report(Problem(what, f"{table.name}, column {column}", cure=cure))


def _check_repeats(
    table: _Table, column: str, keys: Sequence[Key | None], index: Mapping[Key, int], values: Floats
) -> None:
    """Long data repeat the outcome in every channel's row; the copies must agree."""
    differ = [row for row, key in enumerate(keys) if key is not None and abs(values[row] - values[index[key]]) > 0]
    if differ:
        what, cure = "the value differs from the week's first row", "Repeat one value in all rows of a unit and week."
        table.report(table.problem(what, column, differ, cure))


def _check_variation(table: _Table, column: str, channel: str, spend: Mapping[str, Floats]) -> None:
    """Spend that never moves says nothing about its effect."""
    if not spend or any(np.ptp(values) > 1e-9 * values.max() for values in spend.values()):
        return
    levels = [f"{values[0]:g}" for values in spend.values()]
    silent = not any(values.any() for values in spend.values())
    what = f'channel "{channel}" ' + ("has no spend at all" if silent else "spends the same every week")
    cure = f"It cannot be learnt from: give channels.{channel}.roi_prior to plan it from its prior, or leave it out."
    table.report(Problem(what, f"{table.name}, column {column}", _listed(list(dict.fromkeys(levels))), cure))


def _check_weeks(table: _Table, data: DataSettings, index: Mapping[Key, int]) -> None:
    """Each unit's weeks follow each other, all units cover the same, and there are enough."""
    weeks: dict[str, set[date]] = {}
    for unit, week in index:
        weeks.setdefault(unit, set()).add(week)
    usual, _ = Counter((min(found), max(found)) for found in weeks.values()).most_common(1)[0]
    for unit, found in weeks.items():
        where = f"{table.name}, column {data.week}{_of_unit(data, unit)}"
        start, end = min(found), max(found)
        gaps = [week for week in week_range(start, (end - start).days // 7 + 1) if week not in found]
        if gaps:
            cure = "Add a row for each, or mend the dates."
            table.report(Problem(f"{_counted(gaps, 'week is', 'weeks are')} missing", where, _listed(gaps), cure))
        if (start, end) != usual:
            what = f"the unit does not cover the same weeks as the others ({usual[0]} to {usual[1]})"
            cure = "Cut all units to the weeks they share, or leave the unit out."
            table.report(Problem(what, where, f"{start} to {end}", cure))
    total = len(set().union(*weeks.values()))
    if total < _LEAST_WEEKS:
        cure = f"Give at least {_LEAST_WEEKS}, better {2 * _LEAST_WEEKS}: seasons cannot be told from media otherwise."
        table.report(Problem("there are too few weeks", f"{table.name}, column {data.week}", str(total), cure))


def _check_cover(table: _Table, data: DataSettings, outcome: Mapping[Key, int], media: Mapping[str, _Series]) -> None:
    """Every channel has a row wherever the outcome has one, and nowhere else."""
    for name, series in media.items():
        spend = series.index.keys()
        where = f"{table.name}, column {data.week}" + (f", channel {name}" if data.channel else "")
        for what, lacking, cure in (
            ("without a row of spend", outcome.keys() - spend, "Add the rows; write 0 for no spend."),
            ("of spend without an outcome", spend - outcome.keys(), "Cut both to the same weeks."),
        ):
            if lacking and spend:
                weeks = [f"{week}" if unit == NATIONAL else f"{week} {unit}" for unit, week in sorted(lacking)]
                counted = _counted(weeks, "week is", "weeks are")
                table.report(Problem(f"{counted} {what}", where, _listed(weeks), cure))


# Cells ----------------------------------------------------------------------------------------------------------------


class _Fault(NamedTuple):
    """What is wrong with a cell, and the cure."""

    what: str
    cure: str


_BAD_DATE = _Fault("the date cannot be read", "Write year, month, day, such as 2027-10-04; other orders are ambiguous.")
_NO_NAME = _Fault("the cell is empty", "Name the unit or channel of every row.")
_BLANK = _Fault("the cell is empty", "Write a number; 0 where there was none.")
_TEXT = _Fault("this is not a number", "Write a plain number, such as 1234.5.")
_INFINITE = _Fault("the number is not finite", "Write a finite number.")
_NEGATIVE = _Fault("the number is negative", "Write 0 or more; book refunds and credits in the week they belong to.")
_NOT_ABOVE_ZERO = _Fault("the number is not above zero", "Write the currency value of one KPI unit.")


class _Demand(NamedTuple):
    """What a column's numbers must be."""

    least: float = -np.inf
    blank: bool = False
    above_zero: bool = False

    def fault(self, number: float) -> _Fault | None:
        """Name what is wrong with a number, if anything is."""
        if np.isnan(number):
            return None if self.blank else _BLANK
        if np.isinf(number):
            return _INFINITE
        if self.above_zero and number <= 0:
            return _NOT_ABOVE_ZERO
        return _NEGATIVE if number < self.least else None


_AMOUNT = _Demand(least=0.0)
_SIGNED = _Demand()
_ABOVE_ZERO = _Demand(above_zero=True)
_OPTIONAL = _Demand(least=0.0, blank=True)

_NO_VALUE = {"", "na", "n/a", "#n/a", "nan", "null", "none"}
_INFINITY = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
# Commas only between groups of three: "1,5" is a decimal comma somewhere, and must not turn into 15.
_NUMBER = re.compile(r"[+-]?((\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?([ T]\d.*)?")


def _number(cell: object) -> float:
    """Read a number; NaN if the cell is empty; ValueError if it is text."""
    if isinstance(cell, int | float | Decimal):
        return float(cell)
    text = "" if cell is None else "".join(unicodedata.normalize("NFKC", str(cell)).split())
    if text.casefold() in _NO_VALUE:
        return float("nan")
    if not _NUMBER.fullmatch(text) and not _INFINITY.fullmatch(text):
        raise ValueError(text)
    return float(text.replace(",", ""))


def _week(cell: object) -> date:
    """Find the Monday of the week that holds the cell's day; ValueError if it is no date."""
    if isinstance(cell, date):
        return monday(cell)
    plain = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    text = unicodedata.normalize("NFKC", str(plain)).strip()
    if match := _DATE.fullmatch(text):
        return monday(date(int(match[1]), int(match[2]), int(match[3])))
    return monday(date.fromisoformat(text))


def _word(cell: object) -> str:
    """Read a name; ValueError if the cell is empty."""
    if _is_blank(cell):
        raise ValueError
    return str(cell).strip()


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """A file's cells by column, before any of them is believed, and the problems found in them.

    ``rows`` are spreadsheet row numbers; positions in ``rows`` and in the columns agree.
    """

    name: str
    rows: Sequence[int]
    columns: Mapping[str, Sequence[object]]
    problems: list[Problem] = field(default_factory=list)

    def report(self, problem: Problem) -> None:
        """Keep a problem until all are known."""
        self.problems.append(problem)

    def problem(self, what: str, column: str, found: Sequence[int], cure: str) -> Problem:
        """Name the first cells at fault and how many more there are."""
        rows = f"{'row' if len(found) == 1 else 'rows'} {_listed([self.rows[row] for row in found])}"
        cells = [self.columns[column][row] for row in found]
        shown = _listed([str(cell)[:40] for cell in cells if not _is_blank(cell)])
        return Problem(what, f"{self.name}, {rows}, column {column}", shown, cure)

    def cells(self, column: str, key: str) -> Sequence[object]:
        """Cells of a column; none, and a problem that names the setting ``key``, if there is no such column."""
        if column not in self.columns:
            cure = f"{_suggest(column, list(self.columns))} It is named by {key}."
            self.report(Problem("the column is missing", f"{self.name}, column {column}", cure=cure))
        return self.columns.get(column, ())

    def parsed(self, column: str, key: str, read: Callable[[object], _T], fault: _Fault) -> list[_T | None]:
        """Every cell of a column as ``read`` understands it, None where it does not."""
        values: list[_T | None] = [None] * len(self.rows)
        wrong = []
        for row, cell in enumerate(self.cells(column, key)):
            try:
                values[row] = read(cell)
            except ValueError:
                wrong.append(row)
        if wrong:
            self.report(self.problem(fault.what, column, wrong, fault.cure))
        return values

    def numbers(self, column: str, key: str, rows: Iterable[int], demand: _Demand) -> Floats:
        """Numbers of a column at ``rows``, array (row,); NaN elsewhere and where there is no number."""
        values = np.full(len(self.rows), np.nan)
        cells = self.cells(column, key)
        faults: dict[_Fault, list[int]] = {}
        for row in rows if cells else ():
            try:
                values[row] = _number(cells[row])
                fault = demand.fault(values[row])
            except (ValueError, OverflowError):
                fault = _TEXT
            if fault:
                faults.setdefault(fault, []).append(row)
        for fault, found in faults.items():
            self.report(self.problem(fault.what, column, found, fault.cure))
        return values


# Files ----------------------------------------------------------------------------------------------------------------


def _read_files(data: DataSettings, folder: Path) -> tuple[_Table, _Table]:
    """Tables of the outcome and of the spend; one and the same for a single file."""
    names = (data.file,) if isinstance(data.file, str) else (data.file.outcome, data.file.spend)
    tables: list[_Table] = []
    problems: list[Problem] = []
    for name in names:
        try:
            tables.append(_read_table(name, data.sheet, folder))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return tables[0], tables[-1]


def _read_table(name: str, sheet: str | None, folder: Path) -> _Table:
    path = folder / name
    if not path.is_file():
        near = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        close = get_close_matches(path.name, near, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        raise _refusal("the file does not exist", name, "", f"Paths are relative to the project file.{hint}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise _refusal("this kind of file is not read", name, path.suffix, f"Save it as {', '.join(_READERS)}.")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise _refusal("the file is larger than 200 MB", name, f"{size} bytes", "Keep weekly rows only.")
    try:
        records = reader(path, name, sheet)
    except InputError:
        raise
    except Exception as error:  # parsers raise errors of every kind on a broken file
        cure = "Open it where it was made and save it again."
        raise _refusal("the file cannot be read", name, str(error).split("\n")[0][:200], cure) from error
    return _as_table(f"{name}, sheet {sheet}" if sheet and path.suffix.lower() == ".xlsx" else name, records)


def _as_table(name: str, records: Sequence[Sequence[object]]) -> _Table:
    header = ["" if _is_blank(cell) else str(cell).strip() for cell in (records[0] if records else ())]
    body = [(row, record) for row, record in enumerate(records[1:], 2) if not all(map(_is_blank, record))]
    if not any(header) or not body:
        raise _refusal("the file is empty", name, "", "Row 1 names the columns; a row per week follows.")
    twice = [column for column, count in Counter(header).items() if column and count > 1]
    if twice:
        raise InputError(
            Problem("the column appears twice", f"{name}, row 1, column {column}", cure="Rename or remove one.")
            for column in twice
        )
    columns = {
        column: [record[place] if place < len(record) else None for _, record in body]
        for place, column in enumerate(header)
        if column
    }
    return _Table(name, [row for row, _ in body], columns)


def csv_records(path: Path) -> list[list[str]]:
    """Rows of a CSV file in UTF-8 (with or without byte-order mark) or GB18030, header included."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def _read_csv(path: Path, name: str, _: str | None) -> list[list[str]]:
    records = csv_records(path)
    width = len(records[0]) if records else 0
    # A cell too many is most often an unquoted thousands comma, which would shift every column after it.
    wide = [row for row, record in enumerate(records, 1) if any(cell.strip() for cell in record[width:])]
    if wide:
        cure = 'Put numbers with commas in quotes: "1,234.5".'
        raise _refusal("there are more cells than the header has", f"{name}, row {_listed(wide)}", "", cure)
    return records


def _read_parquet(path: Path, _: str, __: str | None) -> list[Sequence[object]]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        table = file.read()
    return [table.column_names, *zip(*(column.to_pylist() for column in table.columns), strict=True)]


def _read_xlsx(path: Path, name: str, sheet: str | None) -> list[Sequence[object]]:
    from openpyxl import load_workbook

    refuse_bomb(path, name)
    with warnings.catch_warnings():
        # openpyxl warns of styles and validations it drops; only values are read here.
        warnings.simplefilter("ignore", UserWarning)
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            pages = {page.title: page for page in book.worksheets}
            if sheet is not None and sheet not in pages:
                raise _refusal("the sheet does not exist", f"{name}, sheet {sheet}", "", _suggest(sheet, list(pages)))
            page = pages[sheet] if sheet is not None else book.worksheets[0]
            page.reset_dimensions()  # files written by other tools may state a wrong size, and rows would be lost
            return list(page.iter_rows(values_only=True))
        finally:
            book.close()


def refuse_bomb(path: Path, name: str) -> None:
    """Refuse a workbook that unpacks to far more than its size, before a reader opens it."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > min(_MOST_BYTES, _MOST_RATIO * path.stat().st_size):
        cure = "Save the weekly rows alone in a new workbook."
        raise _refusal("the workbook unpacks to far more than its size", name, f"{unpacked} bytes", cure)


_READERS: dict[str, Callable[[Path, str, str | None], Sequence[Sequence[object]]]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".xlsx": _read_xlsx,
}


# Words ----------------------------------------------------------------------------------------------------------------


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and np.isnan(cell)) or (isinstance(cell, str) and not cell.strip())


def _refusal(what: str, where: str, value: str, cure: str) -> InputError:
    return InputError([Problem(what, where, value, cure)])


def _listed(items: Sequence[object]) -> str:
    """Join the first items and say how many more there are."""
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(map(str, items[:_SHOWN])) + more


def _counted(items: Sequence[object], one: str, many: str) -> str:
    return f"{len(items)} {one if len(items) == 1 else many}"


def _of_unit(data: DataSettings, unit: str) -> str:
    return f", {data.unit} {unit}" if data.unit else ""


def _suggest(name: str, known: Sequence[str]) -> str:
    """Nearest known name, whatever its case, or what there is."""
    folded = {other.casefold(): other for other in known}
    if close := get_close_matches(name.casefold(), folded, n=1):
        return f'Did you mean "{folded[close[0]]}"?'
    return f"There are: {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}."
