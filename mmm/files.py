"""Files as people keep them, read into tables: CSV of any usual encoding, Excel with merged headers, Parquet."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mmm.cells import is_blank, looks_like_data
from mmm.faults import fault
from mmm.messages import joined
from mmm.problems import InputError, Problem
from mmm.tables import Table, listed, refusal, suggest

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

Record = Sequence[object]

_MOST_BYTES = 50 * 1000**2
_MOST_RATIO = 100
_MOST_PARTS = 500
_MOST_CELLS = 2_000_000  # about 250 MB once read
_LEAD = 20  # rows that are looked at for the header
_WIDE_TITLE = 3  # from this width on, a lone cell is a title and no header


def read_table(name: str, sheet: str | None, folder: Path) -> Table:
    """Cells of a .csv, .tsv, .parquet or .xlsx file by column.

    The header is the first row, but for titles above it and for a second row under merged cells, whose names are then
    joined: ``Douyin`` over ``spend`` and ``visits`` makes ``Douyin spend`` and ``Douyin visits``.

    Raises
    ------
    InputError
        When the file cannot be opened, or holds no table.
    """
    path = folder / name
    refuse_absent(path, name, "Paths are relative to the project file.")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        kinds = fault("Save it as {kinds:or}.", kinds=list(_READERS))
        raise refusal("this kind of file is not read", name, path.suffix, kinds)
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise refusal("the file is larger than 50 MB", name, f"{size} bytes", "Keep the rows of the plan's data only.")
    try:
        records = reader(path, name, sheet)
    except InputError:
        raise
    except Exception as error:  # parsers raise errors of every kind on a broken file
        cure = "Open it where it was made and save it again."
        raise refusal("the file cannot be read", name, said_by_parser(error), cure) from error
    return _as_table(f"{name}, sheet {sheet}" if sheet and path.suffix.lower() == ".xlsx" else name, records)


def refuse_absent(path: Path, name: str, cure: str) -> None:
    """Refuse a path that is no file: with the name that was meant where one is near, else with ``cure``."""
    if path.is_file():
        return
    if path.is_dir():
        inside = next((each for each in ("plan.csv", "budget.yaml", "data.csv") if (path / each).is_file()), None)
        meant = fault('Did you mean "{name}"?', name=f"{path.name}/{inside}") if inside else "Name a file in it."
        raise refusal("this is a folder, not a file", name, "", meant)
    beside = [other for other in path.parent.iterdir() if other.is_file()] if path.parent.is_dir() else []
    alike = [other for other in beside if other.suffix.lower() == path.suffix.lower()] or beside
    stems = {other.stem.casefold(): other.name for other in alike}
    close = get_close_matches(path.stem.casefold(), stems, n=1)
    hint = [fault('Did you mean "{name}"?', name=stems[close[0]])] if close else []
    raise refusal("the file does not exist", name, "", joined("sentences", [*hint, fault(cure)]))


# The table in the rows ------------------------------------------------------------------------------------------------


def _as_table(name: str, records: Sequence[Record]) -> Table:
    heads, start = _header(records)
    header = _names([records[head] for head in heads])
    body = [(row, record) for row, record in enumerate(records[start:], start + 1) if not all(map(is_blank, record))]
    if not any(header) or not body:
        raise refusal("the file is empty", name, "", "Row 1 names the columns; a row per week follows.")
    twice = [column for column, count in Counter(header).items() if column and count > 1]
    if twice:
        raise InputError(
            Problem("the column appears twice", f"{name}, row {heads[0] + 1}, column {column}", cure="Rename one.")
            for column in twice
        )
    columns = {
        column: [record[place] if place < len(record) else None for _, record in body]
        for place, column in enumerate(header)
        if column
    }
    return Table(name, [row for row, _ in body], columns)


def _header(records: Sequence[Record]) -> tuple[list[int], int]:
    """Positions of the one or two rows that name the columns, and where the body starts."""
    filled = [sum(not is_blank(cell) for cell in record) for record in islice(records, _LEAD)]
    width = max(filled, default=0)
    start = next(
        (
            row
            for row, count in enumerate(filled)
            if count and 2 * count >= width and any(map(looks_like_data, records[row]))
        ),
        0,
    )
    least = 2 if width >= _WIDE_TITLE else 1
    heads = [row for row in range(start) if filled[row] >= least] or [
        row
        for row, count in enumerate(filled)
        if count  # nothing but names, or nothing but data
    ]
    if len(heads) > 1 and _reaches_over(records[heads[0]], records[heads[1]]):
        return heads[:2], heads[1] + 1
    return heads[:1], heads[0] + 1 if heads else 0


def _reaches_over(upper: Record, lower: Record) -> bool:
    """Whether two rows are one header: merged cells leave blanks above names, and numbers are no names."""
    if any(map(looks_like_data, lower)):
        return False
    return any(is_blank(upper[at]) if at < len(upper) else True for at, cell in enumerate(lower) if not is_blank(cell))


def _names(heads: Sequence[Record]) -> list[str]:
    """A name per column; under two rows, the upper cell reaches over the blanks beside it that have a lower cell."""
    if not heads:
        return []
    width = max(map(len, heads))
    upper, lower = (
        [_word(head[at]) if at < len(head) else "" for at in range(width)] for head in (heads[0], heads[-1])
    )
    if len(heads) == 1:
        return lower
    names, above = [], ""
    for over, under in zip(upper, lower, strict=True):
        above = over or (above if under else "")
        names.append(f"{above} {under}".strip())
    return names


def _word(cell: object) -> str:
    return "" if is_blank(cell) else " ".join(str(cell).split())


# Kinds of file --------------------------------------------------------------------------------------------------------


def said_by_parser(error: Exception) -> str:
    """The first line of what a parser says of a broken file, without the folder it lies in."""
    return re.sub(r" from \S*[/\\]\S*", "", str(error).split("\n")[0])[:200]


def csv_records(path: Path) -> list[list[str]]:
    """Rows of a CSV file, header included.

    UTF-8 with or without byte-order mark, UTF-16 or GB18030; commas, semicolons or tabs between the cells.
    """
    try:
        text = _decoded(path.read_bytes())
    except UnicodeDecodeError as error:
        cure = "Save it as CSV UTF-8 (in Excel: Save as, CSV UTF-8)."
        raise refusal("the file is neither UTF-8, UTF-16 nor GB18030 text", path.name, "", cure) from error
    mark = _separator(text)
    cells = text.count(mark) + text.count("\n")
    if cells > _MOST_CELLS:
        raise _too_many(path.name, cells)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content[:2]:  # a first letter of two bytes, without the mark that says so
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


def _separator(text: str) -> str:
    """Which sign stands most often between the cells of the first lines."""
    lead = "\n".join(text.lstrip()[:10_000].splitlines()[:5])
    return max(",;\t", key=lead.count)


def _read_csv(path: Path, name: str, _: str | None) -> Sequence[Record]:
    records = csv_records(path)
    heads, start = _header(records)
    width = max((len(records[head]) for head in heads), default=0)
    # A cell too many is most often an unquoted thousands comma, which would shift every column after it.
    wide = [row for row, record in enumerate(records[start:], start + 1) if any(map(str.strip, record[width:]))]
    if wide:
        cure = 'Put numbers with commas in quotes: "1,234.5".'
        raise refusal("there are more cells than the header has", f"{name}, row {listed(wide)}", "", cure)
    return records


def _read_parquet(path: Path, name: str, _: str | None) -> Sequence[Record]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        cells = file.metadata.num_rows * file.metadata.num_columns
        if cells > _MOST_CELLS:
            raise _too_many(name, cells)
        table = file.read()
    return [table.column_names, *zip(*(column.to_pylist() for column in table.columns), strict=True)]


def _read_xlsx(path: Path, name: str, sheet: str | None) -> Sequence[Record]:
    with open_workbook(path, name, values=True) as book:
        return list(_rows(book, name, sheet))


@contextmanager
def open_workbook(path: Path, name: str, *, values: bool) -> Iterator[Workbook]:
    """A workbook for reading, formulas by their stored values or as text; refused when it would unpack to too much."""
    from openpyxl import load_workbook

    refuse_bomb(path, name)
    # The file is opened here, since openpyxl leaves the files open that it cannot read.
    with path.open("rb") as file, warnings.catch_warnings():
        # openpyxl warns of styles and validations it drops; only cells are read here.
        warnings.simplefilter("ignore", UserWarning)
        yield load_workbook(file, read_only=True, data_only=values)


def _rows(book: Workbook, name: str, sheet: str | None) -> Iterator[Record]:
    pages = {page.title: page for page in book.worksheets}
    if sheet is not None and sheet not in pages:
        raise refusal("the sheet does not exist", f"{name}, sheet {sheet}", "", suggest(sheet, list(pages)))
    page = pages[sheet] if sheet is not None else book.worksheets[0]
    page.reset_dimensions()  # files written by other tools may state a wrong size, and rows would be lost
    cells = 0.0
    # No max_col: with it, every row that a stray cell far below or far right leaves empty would be padded to its width.
    for row in page.iter_rows(values_only=True):
        end = next((at for at in range(len(row), 0, -1) if row[at - 1] is not None), 0)
        cells += end + 0.1 * (len(row) - end) + 1
        if cells > _MOST_CELLS:
            raise _too_many(name, cells)
        yield row[:end]


def refuse_bomb(path: Path, name: str) -> None:
    """Refuse a workbook that unpacks to far more than its size, before a reader opens it."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > min(_MOST_BYTES, _MOST_RATIO * path.stat().st_size) or len(entries) > _MOST_PARTS:
        cure = "Save the weekly rows alone in a new workbook."
        raise refusal("the workbook unpacks to far more than its size", name, f"{unpacked} bytes", cure)


def _too_many(name: str, cells: float) -> InputError:
    cure = fault("At most {count} are read: keep the columns and rows of the plan's data only.", count=_MOST_CELLS)
    return refusal("the file holds too many cells", name, f"{cells:.0f} or more", cure)


_READERS: dict[str, Callable[[Path, str, str | None], Sequence[Record]]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".xlsx": _read_xlsx,
}
