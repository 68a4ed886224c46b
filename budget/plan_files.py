"""A plan that somebody wrote: plan.csv or the planning workbook, read back into whole fen or refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from difflib import get_close_matches
from pathlib import Path

from xlsxwriter.utility import xl_rowcol_to_cell

from mmm.faults import fault
from mmm.files import csv_records, open_workbook, refuse_absent, said_by_parser
from mmm.messages import Message, joined
from mmm.places import placed
from mmm.problems import InputError, Problem
from reports.documents import unguarded
from reports.sheets import HEAD
from reports.words import plain

COLUMNS = ("week", "line", "spend")
SHEET = "Plan"

_FIRST_WEEK = 2  # the workbook's weeks begin in column C
_MOST_ROWS, _MOST_COLUMNS = 5_000, 400  # a stray cell further out must not be waited for
_MOST_BYTES = 20 * 1000**2
_MOST_FEN = 2**53  # up to here a float in currency units still tells one fen from the next
_MOST_SHOWN = 60
_CURE = "Write an amount such as 12500 or 12500.50; write 0 where nothing is to be spent."
_AMOUNT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?", re.ASCII)
_DATE = re.compile(r"(\d{4})([-/.年])(\d{1,2})[-/.月](\d{1,2})日?( 0?0:00(:00)?)?", re.ASCII)


def read_plan(path: Path, lines: Sequence[str], weeks: Sequence[date]) -> tuple[tuple[int, ...], ...]:
    """Read a plan from plan.csv (week,line,spend) or from the sheet "Plan" of our workbook.

    Parameters
    ----------
    path : Path
        A .csv file in UTF-8 or GB 18030, or an .xlsx file.
    lines : sequence of str
        Budget lines of the project.
    weeks : sequence of date
        Mondays of the plan.

    Returns
    -------
    tuple of tuple of int, (line, week)
        Spend in fen, in the order of ``lines`` and ``weeks``.

    Raises
    ------
    InputError
        With every problem of the file: lines or weeks that are unknown, missing or given twice, and cells that are not
        money in whole fen.
    """
    if path.is_dir():
        refuse_unfit(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        cure = fault("Save it as {kinds:or}.", kinds=list(_READERS))
        raise _refusal("this kind of file is not read", path.name, path.suffix, cure)
    refuse_unfit(path)
    draft = _Draft(path.name, tuple(lines), tuple(weeks))
    _guarded(reader, path, draft)
    return draft.fen()


def refuse_unfit(path: Path) -> None:
    """Refuse what is no file of a plan, before anybody waits for a fit.

    Raises
    ------
    InputError
        When there is no such file, or it is too large.
    """
    refuse_absent(path, path.name, "Name a plan.csv or a plan.xlsx.")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise _refusal("the file is larger than 20 MB", path.name, f"{size} bytes", "Keep the plan alone.")


@dataclass(frozen=True, slots=True)
class EditedBook:
    """A planning workbook as somebody left it.

    Attributes
    ----------
    run_id, fingerprint : str
        The plan it was written for, and the fitted model behind it.
    fen, solver : array (line, week) as tuples
        The sheet Plan, and the solver's plan it started from.
    inputs : mapping of str to float
        Numbers of the sheet Inputs by their key: the total and the rules' numbers.
    """

    run_id: str
    fingerprint: str
    fen: tuple[tuple[int, ...], ...]
    solver: tuple[tuple[int, ...], ...]
    inputs: Mapping[str, float]

    @property
    def edited(self) -> dict[tuple[int, int], int]:
        """Fen of the cells that differ from the solver's plan, by line and week."""
        return {
            (line, week): fen
            for line, row in enumerate(self.fen)
            for week, fen in enumerate(row)
            if fen != self.solver[line][week]
        }


def read_edited(path: Path, lines: Sequence[str], weeks: Sequence[date]) -> EditedBook:
    """Read an edited planning workbook: its yellow cells, what they were, and where it comes from.

    Parameters
    ----------
    path : Path
        An .xlsx file that ``budget plan`` wrote.
    lines : sequence of str
        Budget lines of the project.
    weeks : sequence of date
        Mondays of the plan.

    Raises
    ------
    InputError
        With every problem: a file that is not ours, unknown or missing lines and weeks, cells that are not money,
        inputs that are not numbers.
    """
    if path.suffix.lower() != ".xlsx":
        cure = "Give the plan.xlsx that budget plan wrote."
        raise _refusal("only a planning workbook can be planned from", path.name, path.suffix, cure)
    identity = book_identity(path)
    grids = []
    problems: list[Problem] = []
    for sheet in (SHEET, "Solver"):
        draft = _Draft(path.name, tuple(lines), tuple(weeks))
        try:
            _guarded(_read_workbook, path, draft, sheet)
            grids.append(draft.fen())
        except InputError as error:
            problems.extend(error.problems)
    try:
        inputs = read_inputs(path)
    except InputError as error:
        problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return EditedBook(identity["run_id"], identity.get("fingerprint", ""), grids[0], grids[1], inputs)


def book_identity(path: Path) -> dict[str, str]:
    """What a planning workbook says of itself in its properties.

    Raises
    ------
    InputError
        When it was not written by ``budget plan``.
    """
    refuse_unfit(path)
    found: dict[str, str] = {}

    def read(path: Path) -> None:
        with open_workbook(path, path.name, values=False) as book:
            found.update({str(each.name): str(each.value) for each in book.custom_doc_props.props})

    _guarded(read, path)
    if not found.get("run_id"):
        cure = "Give the plan.xlsx that budget plan wrote, or save the plan as a CSV of week,line,spend."
        raise _refusal(
            "this workbook is not one that budget plan wrote", path.name, fault("no run_id in its properties"), cure
        )
    return found


def read_inputs(path: Path) -> dict[str, float]:
    """Numbers of the sheet Inputs by their key.

    Raises
    ------
    InputError
        With every cell that is not a number.
    """
    found: dict[str, float] = {}
    problems = []
    for number, row in enumerate(_sheet(path, "Inputs")):
        key = str(row[0] or "") if row else ""
        if not key.startswith("plan.") or len(row) < 3:
            continue
        where = f"{path.name}, sheet Inputs, cell {xl_rowcol_to_cell(number, 2)}"
        cell = row[2]
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            problems.append(
                Problem("the input is not a number", where, _shown(cell), fault("Write a number for {key}.", key=key))
            )
        elif cell < 0:
            problems.append(
                Problem("the input is negative", where, _shown(cell), fault("Write a number for {key}.", key=key))
            )
        else:
            found[key] = float(cell)
    if problems:
        raise InputError(problems)
    return found


def _guarded(read: Callable[..., None], path: Path, *arguments: object) -> None:
    """Read, and turn what parsers raise on a broken file into words."""
    try:
        read(path, *arguments)
    except InputError:
        raise
    except Exception as error:  # parsers raise errors of every kind on a broken file
        cure = "Open it where it was made and save it again."
        raise _refusal("the file cannot be read", path.name, said_by_parser(error), cure) from error


@dataclass(slots=True)
class _Draft:
    """The plan as far as it is read, and what is wrong with it; ``places`` says where each amount stands."""

    file: str
    lines: tuple[str, ...]
    weeks: tuple[date, ...]
    amounts: dict[tuple[str, date], int] = field(default_factory=dict)
    places: dict[tuple[str, date], str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def report(self, what: str, where: str, cell: object = "", cure: str = "") -> None:
        """Keep a problem for the end."""
        self.problems.append(Problem(what, where, _shown(cell), cure))

    def report_name(self, what: str, where: str, cell: object, cure: str) -> None:
        """Keep a problem of a name that many rows share: its first place is enough."""
        if _shown(cell) not in self.unknown:
            self.unknown.add(_shown(cell))
            self.report(what, where, cell, cure)

    def week(self, cell: object, where: str) -> date | None:
        """Read one of the plan's Mondays; None, and a problem, when it is not."""
        ends = {"first": f"{self.weeks[0]}", "last": f"{self.weeks[-1]}"}
        span = fault("The plan's weeks are the Mondays from {first} to {last}.", **ends)
        found = _day(cell)
        if found is None:
            form = fault("Write it as {form}.", form=ends["first"])
            self.report_name("the week is not a date", where, cell, joined("sentences", [form, span]))
        elif found not in self.weeks:
            self.report_name("the week is not one of the plan's", where, cell, span)
            return None
        return found

    def line(self, cell: object, where: str) -> str | None:
        """Read one of the plan's lines; None, and a problem, when it is not."""
        key = _key("" if cell is None else str(cell))
        for name in self.lines:
            if _key(name) == key:
                return name
        what = "the line is not in the project" if key else "the line has no name"
        self.report_name(what, where, cell, _suggest(key, self.lines))
        return None

    def put(self, line: str, week: date, cell: object, where: str) -> None:
        """Take one amount, once."""
        if (line, week) in self.places:
            first = self.places[line, week]
            twice = fault("the week {week} of {line} is given twice", week=f"{week}", line=line)
            self.report(twice, where, cell, fault("It is in {first} too; keep one.", first=placed(first)))
            return
        self.places[line, week] = where
        wrong, self.amounts[line, week] = _money(cell)
        if wrong:
            self.report(wrong, where, cell, _CURE)

    def fen(self) -> tuple[tuple[int, ...], ...]:
        """Return the whole plan, or raise everything that is wrong with it."""
        lines_by_gap: dict[tuple[date, ...], list[str]] = {}
        for line in self.lines:
            gap = tuple(week for week in self.weeks if (line, week) not in self.places)
            lines_by_gap.setdefault(gap, []).append(line)
        for gap, lines in lines_by_gap.items():
            if gap:
                span = fault("any week") if gap == self.weeks else ", ".join(map(str, gap))
                where = f"{self.file}, line {', '.join(lines)}"
                what = fault("there is no spend for {span}", span=span)
                self.report(what, where, "", "Write 0 where nothing is to be spent.")
        if self.problems:
            raise InputError(self.problems)
        return tuple(tuple(self.amounts[line, week] for week in self.weeks) for line in self.lines)


# CSV ------------------------------------------------------------------------------------------------------------------


def _read_csv(path: Path, draft: _Draft) -> None:
    records = csv_records(path)
    header = [title.strip().casefold() for title in records[0]] if records else []
    _refuse_header(draft.file, header)
    for row, record in enumerate(records[1:], 2):
        if any(cell.strip() for cell in record):
            _csv_row(draft, f"{draft.file}, row {row}", record, header)


def _refuse_header(file: str, header: Sequence[str]) -> None:
    cure = fault("Row 1 names the columns {names}, each once.", names=list(COLUMNS))
    problems = []
    for title in COLUMNS:
        if (count := header.count(title)) != 1:
            what = 'the column "{title}" appears more than once' if count else 'the column "{title}" is missing'
            problems.append(Problem(fault(what, title=title), f"{file}, row 1", _shown(",".join(header)), cure))
    if problems:
        raise InputError(problems)


def _csv_row(draft: _Draft, where: str, record: Sequence[str], header: Sequence[str]) -> None:
    if any(cell.strip() for cell in record[len(header) :]):
        # Most often an unquoted thousands comma, which would cut the amount short.
        cure = 'Put amounts with commas in quotes: "1,234.50".'
        draft.report("there are more cells than the header has", where, ",".join(record), cure)
    cells = dict(zip(header, record, strict=False))
    week = draft.week(cells.get("week"), f"{where}, column week")
    line = draft.line(unguarded(cells.get("line", "").strip()), f"{where}, column line")
    if week is not None and line is not None:
        draft.put(line, week, cells.get("spend"), f"{where}, column spend")


# Workbook -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Formula:
    """A cell that is computed."""

    text: str


def _read_workbook(path: Path, draft: _Draft, name: str = SHEET) -> None:
    rows = _sheet(path, name)
    if name == "Solver":  # other tables follow under the grid's totals
        blank = next((at for at, row in enumerate(rows) if at > HEAD and all(map(_is_blank, row))), len(rows))
        rows = rows[:blank]
    sheet = f"{draft.file}, sheet {name}"
    weeks = _week_columns(draft, sheet, rows[HEAD] if len(rows) > HEAD else ())
    keyed = [number for number, row in enumerate(rows) if number > HEAD and row and not _is_blank(row[0])]
    # Rows without a key below the last line are the totals and what a reader wrote under them.
    for number in range(HEAD + 1, max(keyed, default=HEAD) + 1):
        if not all(map(_is_blank, rows[number])) and not _is_totals(rows[number]):
            _workbook_row(draft, sheet, number, rows[number], weeks)


def _is_totals(row: Sequence[object]) -> bool:
    return _is_blank(row[0]) and any(isinstance(cell, _Formula) for cell in row[_FIRST_WEEK : _FIRST_WEEK + 1])


def _sheet(path: Path, name: str) -> list[list[object]]:
    """Cells of a sheet, those with a formula marked as such."""
    rows: list[list[object]] = []
    _guarded(lambda path: rows.extend(_cells(path, name)), path)
    return rows


def _cells(path: Path, name: str) -> list[list[object]]:
    with open_workbook(path, path.name, values=False) as book:
        if name not in book.sheetnames:
            cure = "Give the workbook that budget plan wrote."
            raise _refusal(
                fault('there is no sheet "{name}"', name=name), path.name, _shown(", ".join(book.sheetnames)), cure
            )
        page = book[name]
        page.reset_dimensions()  # files written by other tools may state a wrong size, and rows would be lost
        return [[_content(cell) for cell in row] for row in page.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS)]


def _content(cell: object) -> object:
    value = getattr(cell, "value", None)
    # An array formula is an object that holds its text.
    return _Formula(str(getattr(value, "text", value))) if getattr(cell, "data_type", "") == "f" else value


def _week_columns(draft: _Draft, sheet: str, titles: Sequence[object]) -> dict[int, date]:
    """Columns of the sheet by number with their Mondays."""
    weeks: dict[int, date] = {}
    # What comes after the last title that starts like a date is the total, in whatever language.
    last = max((column for column, title in enumerate(titles) if str(title)[:1].isdigit()), default=0)
    for column in range(_FIRST_WEEK, last + 1):
        where = f"{sheet}, cell {xl_rowcol_to_cell(HEAD, column)}"
        week = draft.week(titles[column], where)
        if week is not None and week in weeks.values():
            draft.report("the week is given twice", where, titles[column], "Keep one column a week.")
        elif week is not None:
            weeks[column] = week
    return weeks


def _workbook_row(draft: _Draft, sheet: str, number: int, row: Sequence[object], weeks: Mapping[int, date]) -> None:
    line = draft.line(row[0], f"{sheet}, cell {xl_rowcol_to_cell(number, 0)}")
    if line is None:
        return
    for column, week in weeks.items():
        cell = row[column] if column < len(row) else None
        draft.put(line, week, cell, f"{sheet}, cell {xl_rowcol_to_cell(number, column)}")


_READERS: dict[str, Callable[[Path, _Draft], None]] = {".csv": _read_csv, ".xlsx": _read_workbook}


# Cells ----------------------------------------------------------------------------------------------------------------


def _money(cell: object) -> tuple[str, int]:
    """Fault (empty when there is none) and fen."""
    if _is_blank(cell):
        return "the spend is empty", 0
    if isinstance(cell, _Formula):
        return "the spend is a formula, not a number", 0
    text = _digits(cell)
    if not _AMOUNT.fullmatch(text):
        return "the spend is not a number", 0
    with localcontext(prec=len(text) + 4):  # wide enough that nothing is rounded unseen
        fen = Decimal(text.replace(",", "")).scaleb(2)
        return _fault(fen), int(fen)


def _fault(fen: Decimal) -> str:
    if fen < 0:
        return "the spend is negative"
    if fen > _MOST_FEN:
        return "the spend is larger than any budget"
    if fen != fen.to_integral_value():
        return "the spend has more than two decimals"
    return ""


def _digits(cell: object) -> str:
    """Text of a cell, half-width; of a number its decimal digits, as many as a spreadsheet keeps."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return f"{Decimal(f'{cell:.15g}'):f}"
    return unicodedata.normalize("NFKC", str(cell)).replace("\u2212", "-").strip()


def _day(cell: object) -> date | None:
    """Read a day written year first; None when it is not."""
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", "" if cell is None else str(cell)).strip())
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


def _key(name: str) -> str:
    """Return a line's name as a cell holds it."""
    return plain(name).strip()


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    return plain(cell.text if isinstance(cell, _Formula) else str(cell)).strip()[:_MOST_SHOWN]


def _suggest(key: str, lines: Sequence[str]) -> str:
    """Nearest line, whatever its case, or the lines there are."""
    folded = {line.casefold(): line for line in lines}
    if close := get_close_matches(key.casefold(), folded, n=1):
        return fault('Did you mean "{name}"?', name=folded[close[0]])
    return fault("The lines are: {names}{more}.", names=list(lines[:12]), more=" ..." if len(lines) > 12 else "")


def _refusal(what: str, where: str, value: str, cure: str) -> InputError:
    return InputError([Problem(what, where, value if isinstance(value, Message) else value[:_MOST_SHOWN], cure)])
