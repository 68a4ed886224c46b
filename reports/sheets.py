"""Writing sections into a sheet: text stays text, sums are live, every formula carries its value."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.cells import cell_len
from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

from reports.documents import guarded
from reports.sections import Cell, Column, Kind, Measured, Section, cell_words
from reports.words import NOTHING, Lang, plain, say

HEAD = 3
"""Row (from 0) of the column titles of a sheet that holds one table."""

_LONGEST_TEXT, _WRAPPED = 32_767, 20
_USUAL_WIDTH, _LINE_HEIGHT = 9.0, 14.5
_LETTER = 0.86  # of a digit's width, as a column's width counts digits
_NO_DECIMALS = 100  # from which on a whole number is shown as one
_SPREAD = 12  # columns that a stacked table's last text may reach over, where other tables need its column narrow
_PROSE = frozenset({"note", "finding", "value", "effect"})  # columns of sentences
_PAPER_A4 = 9

_NUMBERS = {
    Kind.TEXT: "General",
    Kind.MONEY: "#,##0.00",
    Kind.ESTIMATE: "#,##0",
    Kind.GAIN: "+#,##0;-#,##0;0",
    Kind.SHARE: "0.0%",
    Kind.CHANGE: "+0.0%;-0.0%;0.0%",
    Kind.GAP: "0.0000%",
    Kind.ROI: '"1:"0.00',
    Kind.NUMBER: "#,##0.000",
}
_ALIGNED: Mapping[str, Mapping[str, Any]] = {"right": {"align": "right"}, "indent": {"align": "left", "indent": 1}}
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": "#1F3864"},
    "subtitle": {"bold": True, "font_size": 12, "font_color": "#1F3864"},
    "sentence": {"font_color": "#595959"},
    "head": {"bold": True, "bg_color": "#1F3864", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter"},
    "head_right": {
        "bold": True,
        "bg_color": "#1F3864",
        "font_color": "#FFFFFF",
        "text_wrap": True,
        "valign": "vcenter",
        "align": "right",
    },
    "cell": {"valign": "top", "bottom": 4, "bottom_color": "#BFBFBF"},
    "input": {
        "valign": "top",
        "bg_color": "#FFF9DB",
        "font_color": "#1F4EC8",
        "border": 1,
        "border_color": "#D9D9D9",
        "locked": False,
    },
    "shown_input": {"bg_color": "#FFF9DB", "font_color": "#1F4EC8", "border": 1, "border_color": "#D9D9D9"},
    "status_ok": {"bold": True, "font_size": 12, "font_color": "#2E7D32"},
    "total": {"bold": True, "top": 1, "bottom": 6},
    "status": {"bold": True, "font_size": 12},
    "static_text": {
        "valign": "top",
        "bottom": 4,
        "bottom_color": "#BFBFBF",
        "font_color": "#7F7F7F",
        "indent": 1,
        "text_wrap": True,
    },
    "linked": {"valign": "top", "bottom": 4, "bottom_color": "#BFBFBF", "font_color": "#2E7D32"},
    "static": {"valign": "top", "bottom": 4, "bottom_color": "#BFBFBF", "font_color": "#7F7F7F"},
    "link": {"font_color": "#1F4EC8", "underline": 1},
    "passed": {"font_color": "#2E7D32"},
    "weak": {"bg_color": "#FBE3D6", "font_color": "#9C3D0A"},
    "changed": {"bold": True, "bg_color": "#FFE08A", "font_color": "#1F4EC8"},
    "failed": {"bold": True, "bg_color": "#C00000", "font_color": "#FFFFFF"},
}


@dataclass(frozen=True, slots=True)
class Book:
    """The open workbook, its language, and each format made once."""

    file: Any
    lang: Lang
    formats: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def style(self, name: str, number: str = "General", words: str = "", align: str = "") -> Any:
        """Return the format of a style with a number format, fit for the words it shows.

        ``align`` is ``right``, or ``indent`` for words that stand beside a number which ends at the cell's edge.
        """
        extra: dict[str, Any] = dict(_ALIGNED.get(align, {}))
        if len(words) > _WRAPPED:
            extra["text_wrap"] = True
        if guarded(words) != words:
            # text that looks like a formula stays text even when a reader retypes the cell
            extra["quote_prefix"] = True
        key = (name, number, ",".join(extra))
        if key not in self.formats:
            self.formats[key] = self.file.add_format(_STYLES[name] | {"num_format": number} | extra)
        return self.formats[key]

    def say(self, key: str, **fields: object) -> str:
        """Return a word in the workbook's language."""
        return say(self.lang, key, **fields)


@dataclass(frozen=True, slots=True)
class Formula:
    """A live cell and its value at the time of writing; ``value`` is text where the formula gives text."""

    text: str
    value: float | str


class PlainSheet(Worksheet):  # type: ignore[misc]
    """A worksheet that takes formulas as they are.

    XlsxWriter looks into every formula for some thirty functions newer than Excel 2016, which takes longer than writing
    it; this project uses none of them.
    """

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:  # noqa: ARG002
        return formula.removeprefix("=")


@dataclass(slots=True)
class Sheet:
    """A sheet being filled from top to bottom."""

    book: Book
    name: str
    page: Any
    row: int = 0
    widths: dict[int, float] = field(default_factory=dict)
    wrapped: dict[tuple[int, int, int], str] = field(default_factory=dict)  # row, first and last column: the words

    def text(self, words: str, style: str) -> None:
        """Write a line of words and go down."""
        self.page.write_string(self.row, 0, plain(words)[:_LONGEST_TEXT], self.book.style(style))
        self.row += 1

    def put(self, row: int, column: int, cell: Cell | Formula, kind: Kind, style: str = "cell") -> None:
        """Write one value as what it is: text as text, numbers as numbers."""
        if isinstance(cell, Measured):
            self.put(row, column, cell.value, cell.kind, style)
        elif isinstance(cell, Formula):
            self.page.write_formula(row, column, cell.text, self.book.style(style, _NUMBERS[kind]), cell.value)
        elif isinstance(cell, str):
            left = "indent" if column and style != "head_right" else ""
            self._words(row, column, cell, style, "right" if kind is not Kind.TEXT else left)
        elif cell is None:
            self.page.write_blank(row, column, None, self.book.style(style))
        elif isinstance(cell, int | float) and math.isfinite(cell):
            number = _NUMBERS[kind] if kind is not Kind.NUMBER else _number_format(cell)
            self.page.write_number(row, column, cell, self.book.style(style, number))
        else:
            self.page.write_string(row, column, NOTHING, self.book.style(style))

    def _words(self, row: int, column: int, cell: str, style: str, align: str) -> None:
        words = plain(cell)[:_LONGEST_TEXT]
        if len(words) > _WRAPPED and not style.startswith("head"):
            self.wrapped[row, column, column] = words
        self.page.write_string(row, column, words, self.book.style(style, words=words, align=align))

    def sentence(self, row: int, first: int, last: int, cell: str) -> None:
        """Write words over several columns of a row."""
        words = plain(cell)[:_LONGEST_TEXT]
        style = self.book.style("cell", words=words, align="indent")
        self.page.merge_range(row, first, row, last, "", style)
        self.page.write_string(row, first, words, style)
        self.wrapped[row, first, last] = words

    def widen(self, column: int, words: str, most: int = 48) -> None:
        """Make a column as wide as words need, Chinese marks counted double."""
        self.widths[column] = max(self.widths.get(column, 9), min(most, cell_len(words) + 2))

    def table(self, head: int, first: int, titles: Sequence[str], numbers: Container[int] = ()) -> None:
        """Write the titles of a block; ``numbers`` are the sheet's columns whose titles stand right, over numbers."""
        self.page.set_row(head, 28)  # titles may take two lines; viewers do not all make room by themselves
        for place, title in enumerate(titles, start=first):
            self.put(head, place, title, Kind.TEXT, "head_right" if place in numbers else "head")
            self.widen(place, title, most=16)

    def block(self, head: int, title: str, sentence: str = "") -> None:
        """Write the heading of a block, above its titles, as ``FAST`` wants every block named."""
        words = f"{title}  {sentence}".strip()
        self.page.write_string(head - 1, 0, plain(words)[:_LONGEST_TEXT], self.book.style("subtitle"))

    def unless_zero(self) -> dict[str, Any]:
        """Return the conditional format that turns a check red."""
        return {"type": "cell", "criteria": "!=", "value": 0, "format": self.book.style("failed")}

    def finish(self, *, freeze: tuple[int, int] | None = None, pages: int = 0, repeat: bool = True) -> None:
        """Set widths, frozen panes and printing: one page wide, ``pages`` tall (0: as many as it takes)."""
        for column, width in self.widths.items():
            self.page.set_column(column, column, width)
        self._make_room()
        if freeze is not None:
            self.page.freeze_panes(*freeze)
            if repeat:
                self.page.repeat_rows(freeze[0] - 1)
        self.page.set_landscape()
        self.page.set_paper(_PAPER_A4)
        self.page.fit_to_pages(1, pages)
        self.page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self.page.set_footer("&L&A&R&P / &N")
        self.page.hide_gridlines(2)

    def _make_room(self) -> None:
        """Make rows as high as their wrapped words need, which viewers do not all do by themselves."""
        lines: dict[int, int] = {}
        for (row, first, last), words in self.wrapped.items():
            width = sum(self.widths.get(column, _USUAL_WIDTH) for column in range(first, last + 1)) - 2
            lines[row] = max(lines.get(row, 1), math.ceil(_size(words) / max(1.0, width)))
        for row, count in lines.items():
            if count > 1:
                self.page.set_row(row, _LINE_HEIGHT * count)


@dataclass(frozen=True, slots=True)
class Area:
    """Where a table's rows are: first and last row, total row, column of each key."""

    first: int
    last: int
    total: int
    columns: Mapping[str, int]


def titled(sheet: Sheet, section: Section, editable: tuple[str, ...] = ()) -> Area:
    """Fill a sheet that holds one table; its column titles are in row 4."""
    sheet.text(section.title, "title")
    sheet.text(section.sentence, "sentence")
    sheet.row = HEAD
    return _table(sheet, section, editable)


def stack(sheet: Sheet, *stacked: Section, pages: int = 0) -> None:
    """Fill a sheet with tables one under the other; of one without rows only its title and sentence are shown.

    ``pages`` is how many it prints to (0: as many as it takes).
    """
    for place, section in enumerate(stacked):
        sheet.text(section.title, "subtitle" if place else "title")
        sheet.text(section.sentence, "sentence")
        if section.rows:
            _table(sheet, section, spread=_spread(section, stacked))
        sheet.row += 1
    sheet.finish(pages=pages)


def _spread(section: Section, stacked: Sequence[Section]) -> int:
    """Columns that the last one's sentences reach over: more than one where another table has its own column there."""
    last, others = _width(section) - 1, (other for other in stacked if other is not section and other.rows)
    shared, column = any(_width(other) > last for other in others), section.columns[-1]
    prose = column.key in _PROSE and column.kind is Kind.TEXT
    return _SPREAD - last if shared and prose and last < _SPREAD else 1


def _width(section: Section) -> int:
    return len(section.columns) + sum(column.pair for column in section.columns)


def _table(sheet: Sheet, section: Section, editable: tuple[str, ...] = (), spread: int = 1) -> Area:
    """Write column titles, rows, totals and notes from the sheet's row on."""
    table = _unpaired(section, sheet.book.lang)
    head, end = sheet.row, len(table.columns) - 1
    area = Area(
        head + 1, head + len(table.rows), head + len(table.rows) + 1, {c.key: i for i, c in enumerate(table.columns)}
    )
    sheet.page.set_row(head, 28)
    for place, column in enumerate(table.columns):
        if place < end or spread == 1:
            _column(sheet, table, place, editable=column.key in editable)
        sheet.put(head, place, column.title, Kind.TEXT, "head" if column.kind is Kind.TEXT else "head_right")
    for place in range(end + 1, end + spread):
        sheet.put(head, place, "", Kind.TEXT, "head")
    for row, cells in enumerate(table.rows, start=area.first):
        for place, (column, cell) in enumerate(zip(table.columns, cells, strict=True)):
            value = _across(table, row, place, cell) if column.adds_across else cell
            if place == end and spread > 1 and isinstance(value, str):
                sheet.sentence(row, place, place + spread - 1, value)
            else:
                sheet.put(row, place, value, column.kind, "input" if column.key in editable else "cell")
    if table.total and table.rows:
        _totals(sheet, table, area)
    sheet.row = area.total + (1 if table.total else 0)
    for line in table.note.splitlines():
        sheet.text(line, "sentence")
    return area


def _column(sheet: Sheet, table: Section, place: int, *, editable: bool) -> None:
    column = table.columns[place]
    # a title may break into two lines, a number may not
    sheet.widen(place, column.title, most=16)
    most = 100 if column.key in _PROSE and column.kind is Kind.TEXT else 48
    for row in (*table.rows, *((table.total,) if table.total else ())):
        sheet.widen(place, widest(row[place], column.kind), most)
    if editable:
        sheet.widen(place, "10,000,000.00")


def widest(cell: Cell, kind: Kind) -> str:
    """Return words about as wide as the cell will show."""
    cents = ".00" if kind is Kind.MONEY or (isinstance(cell, Measured) and cell.kind is Kind.MONEY) else ""
    return cell_words(cell, kind, "en") + cents


def _size(words: str) -> float:
    """About how wide words are, in digits: letters are narrower than digits, Chinese marks twice as wide."""
    wide = cell_len(words) - len(words)
    return _LETTER * (len(words) - wide) + 2 * wide


def _number_format(value: float) -> str:
    """Decimals that a number's size asks for: counts have none."""
    if isinstance(value, int) or (abs(value) >= _NO_DECIMALS and value == int(value)):
        return "#,##0"
    return _NUMBERS[Kind.MONEY] if abs(value) >= _NO_DECIMALS else _NUMBERS[Kind.NUMBER]


def _across(table: Section, row: int, place: int, cell: Cell) -> Formula:
    first = next(i for i, column in enumerate(table.columns) if column.adds_down)
    return Formula(f"=SUM({xl_range(row, first, row, place - 1)})", _value(cell))


def _totals(sheet: Sheet, table: Section, area: Area) -> None:
    for place, (column, cell) in enumerate(zip(table.columns, table.total, strict=True)):
        content: Cell | Formula = cell
        if column.adds_down:
            cells = xl_range(area.first, place, area.last, place)
            content = Formula(f"=SUM({cells})", math.fsum(_value(row[place]) for row in table.rows))
        sheet.put(area.total, place, content, column.kind, "total")


def _value(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) and math.isfinite(cell) else 0.0


def _unpaired(section: Section, lang: Lang) -> Section:
    """Return the section with each (low, high) column split in two."""

    def split(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
        parts: list[Cell] = []
        for column, cell in zip(section.columns, cells, strict=True):
            both = cell if isinstance(cell, tuple) else (None, None)
            parts += both if column.pair else (cell,)
        return tuple(parts)

    columns: list[Column] = []
    for column in section.columns:
        ends = ("low", "high") if column.pair else ()
        columns += [
            replace(column, key=f"{column.key}_{end}", title=say(lang, f"pair.{end}", title=column.title), pair=False)
            for end in ends
        ] or [column]
    return replace(
        section,
        columns=tuple(columns),
        rows=tuple(split(row) for row in section.rows),
        total=split(section.total) if section.total else (),
    )
