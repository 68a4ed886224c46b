"""Tables read cell by cell: every number, date and name in its own words of refusal, all problems at once."""

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
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from mmm.calendar import monday
from mmm.problems import InputError, Problem

Floats = npt.NDArray[np.float64]
_T = TypeVar("_T")

SHOWN = 5
_MOST_BYTES = 200 * 1000**2
_MOST_RATIO = 100

# Cells ----------------------------------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """What is wrong with a cell, and the cure."""

    what: str
    cure: str


BAD_DATE = Fault("the date cannot be read", "Write year, month, day, such as 2027-10-04; other orders are ambiguous.")
NO_NAME = Fault("the cell is empty", "Name the unit or channel of every row.")
_BLANK = Fault("the cell is empty", "Write a number; 0 where there was none.")
_TEXT = Fault("this is not a number", "Write a plain number, such as 1234.5.")
_INFINITE = Fault("the number is not finite", "Write a finite number.")
_NEGATIVE = Fault("the number is negative", "Write 0 or more; book refunds and credits in the week they belong to.")
_NOT_ABOVE_ZERO = Fault("the number is not above zero", "Write the currency value of one KPI unit.")


class Demand(NamedTuple):
    """What a column's numbers must be."""

    least: float = -np.inf
    blank: bool = False
    above_zero: bool = False

    def fault(self, number: float) -> Fault | None:
        """Name what is wrong with a number, if anything is."""
        if np.isnan(number):
            return None if self.blank else _BLANK
        if np.isinf(number):
            return _INFINITE
        if self.above_zero and number <= 0:
            return _NOT_ABOVE_ZERO
        return _NEGATIVE if number < self.least else None


AMOUNT = Demand(least=0.0)
SIGNED = Demand()
ABOVE_ZERO = Demand(above_zero=True)
OPTIONAL = Demand(least=0.0, blank=True)

_NO_VALUE = {"", "na", "n/a", "#n/a", "nan", "null", "none"}
_INFINITY = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
# Commas only between groups of three: "1,5" is a decimal comma somewhere, and must not turn into 15.
_NUMBER = re.compile(r"[+-]?((\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?([ T]\d.*)?")


def as_number(cell: object) -> float:
    """Read a number; NaN if the cell is empty; ValueError if it is text."""
    if isinstance(cell, int | float | Decimal):
        return float(cell)
    text = "" if cell is None else "".join(unicodedata.normalize("NFKC", str(cell)).split())
    if text.casefold() in _NO_VALUE:
        return float("nan")
    if not _NUMBER.fullmatch(text) and not _INFINITY.fullmatch(text):
        raise ValueError(text)
    return float(text.replace(",", ""))


def as_week(cell: object) -> date:
    """Find the Monday of the week that holds the cell's day; ValueError if it is no date."""
    if isinstance(cell, date):
        return monday(cell)
    plain = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    text = unicodedata.normalize("NFKC", str(plain)).strip()
    if match := _DATE.fullmatch(text):
        return monday(date(int(match[1]), int(match[2]), int(match[3])))
    return monday(date.fromisoformat(text))


def as_word(cell: object) -> str:
    """Read a name; ValueError if the cell is empty."""
    if _is_blank(cell):
        raise ValueError
    return str(cell).strip()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
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
        rows = f"{'row' if len(found) == 1 else 'rows'} {listed([self.rows[row] for row in found])}"
        cells = [self.columns[column][row] for row in found]
        shown = listed([str(cell)[:40] for cell in cells if not _is_blank(cell)])
        return Problem(what, f"{self.name}, {rows}, column {column}", shown, cure)

    def cells(self, column: str, key: str) -> Sequence[object]:
        """Cells of a column; none, and a problem that names the setting ``key``, if there is no such column."""
        if column not in self.columns:
            cure = f"{suggest(column, list(self.columns))} It is named by {key}."
            self.report(Problem("the column is missing", f"{self.name}, column {column}", cure=cure))
        return self.columns.get(column, ())

    def parsed(self, column: str, key: str, read: Callable[[object], _T], fault: Fault) -> list[_T | None]:
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

    def numbers(self, column: str, key: str, rows: Iterable[int], demand: Demand) -> Floats:
        """Numbers of a column at ``rows``, array (row,); NaN elsewhere and where there is no number."""
        values = np.full(len(self.rows), np.nan)
        cells = self.cells(column, key)
        faults: dict[Fault, list[int]] = {}
        for row in rows if cells else ():
            try:
                values[row] = as_number(cells[row])
                fault = demand.fault(values[row])
            except (ValueError, OverflowError):
                fault = _TEXT
            if fault:
                faults.setdefault(fault, []).append(row)
        for fault, found in faults.items():
            self.report(self.problem(fault.what, column, found, fault.cure))
        return values


# Files ----------------------------------------------------------------------------------------------------------------


def read_table(name: str, sheet: str | None, folder: Path) -> Table:
    """Cells of a .csv, .parquet or .xlsx file; the header is row 1.

    Raises
    ------
    InputError
        When the file cannot be opened, or holds no table.
    """
    path = folder / name
    if not path.is_file():
        near = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        close = get_close_matches(path.name, near, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        raise refusal("the file does not exist", name, "", f"Paths are relative to the project file.{hint}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise refusal("this kind of file is not read", name, path.suffix, f"Save it as {', '.join(_READERS)}.")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise refusal("the file is larger than 200 MB", name, f"{size} bytes", "Keep weekly rows only.")
    try:
        records = reader(path, name, sheet)
    except InputError:
        raise
    except Exception as error:  # parsers raise errors of every kind on a broken file
        cure = "Open it where it was made and save it again."
        raise refusal("the file cannot be read", name, str(error).split("\n")[0][:200], cure) from error
    return _as_table(f"{name}, sheet {sheet}" if sheet and path.suffix.lower() == ".xlsx" else name, records)


def _as_table(name: str, records: Sequence[Sequence[object]]) -> Table:
    header = ["" if _is_blank(cell) else str(cell).strip() for cell in (records[0] if records else ())]
    body = [(row, record) for row, record in enumerate(records[1:], 2) if not all(map(_is_blank, record))]
    if not any(header) or not body:
        raise refusal("the file is empty", name, "", "Row 1 names the columns; a row per week follows.")
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
    return Table(name, [row for row, _ in body], columns)


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
        raise refusal("there are more cells than the header has", f"{name}, row {listed(wide)}", "", cure)
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
                raise refusal("the sheet does not exist", f"{name}, sheet {sheet}", "", suggest(sheet, list(pages)))
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
        raise refusal("the workbook unpacks to far more than its size", name, f"{unpacked} bytes", cure)


_READERS: dict[str, Callable[[Path, str, str | None], Sequence[Sequence[object]]]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".xlsx": _read_xlsx,
}


# Words ----------------------------------------------------------------------------------------------------------------


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and np.isnan(cell)) or (isinstance(cell, str) and not cell.strip())


def refusal(what: str, where: str, value: str, cure: str) -> InputError:
    """An error of one problem."""
    return InputError([Problem(what, where, value, cure)])


def listed(items: Sequence[object]) -> str:
    """Join the first items and say how many more there are."""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(map(str, items[:SHOWN])) + more


def counted(items: Sequence[object], one: str, many: str) -> str:
    """How many there are, in words: "3 weeks are"."""
    return f"{len(items)} {one if len(items) == 1 else many}"


def suggest(name: str, known: Sequence[str]) -> str:
    """Nearest known name, whatever its case, or what there is."""
    folded = {other.casefold(): other for other in known}
    if close := get_close_matches(name.casefold(), folded, n=1):
        return f'Did you mean "{folded[close[0]]}"?'
    return f"There are: {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}."
