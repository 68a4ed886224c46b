"""The sheet Review: each line's ROI week by week against its threshold, weak weeks in a row, and where a cut is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from optimizer.workings import WeakWeeks
from reports.sections import Kind
from reports.sheets import HEAD, Formula, Sheet
from reports.workbook.inputs import TOLERANCE, weak_tolerance
from reports.workbook.layout import absolute
from reports.workbook.model import Model

BLOCKS = ("roi", "streak", "flag", "kept")
FIRST_WEEK = 3


@dataclass(frozen=True, slots=True)
class ReviewPlaces:
    """By rule: the formula that counts cuts that are due and not made."""

    broken: dict[str, Formula]


def fill_review(sheet: Sheet, model: Model) -> ReviewPlaces:
    """Fill Review, four blocks for every weak-ROI rule."""
    book = sheet.book
    sheet.text(book.say("sheet.review.title"), "title")
    sheet.text(book.say("review.sentence" if model.work.weak else "review.none"), "sentence")
    by_rule: dict[str, list[WeakWeeks]] = {}
    for weak in model.work.weak:
        by_rule.setdefault(weak.rule.name, []).append(weak)
    places, row = {}, HEAD
    for name, lines in by_rule.items():
        block = _Block(sheet, model, lines, row)
        block.fill()
        places[name] = block.broken()
        row = block.end + 1
    sheet.widths |= {0: 26, 1: 12, 2: 12}
    for column in range(FIRST_WEEK, FIRST_WEEK + model.layout.weeks):
        sheet.widths[column] = 11.5
    sheet.finish(freeze=(HEAD + 1, 3))
    return ReviewPlaces(places)


@dataclass(frozen=True, slots=True)
class _Block:
    """The four blocks of one rule."""

    sheet: Sheet
    model: Model
    lines: Sequence[WeakWeeks]
    top: int

    @property
    def height(self) -> int:
        return len(self.lines) + 3

    @property
    def end(self) -> int:
        """Row after the last block."""
        return self.top + len(BLOCKS) * self.height

    def row(self, block: str, place: int) -> int:
        return self.top + BLOCKS.index(block) * self.height + 1 + place

    def input(self, field: str) -> str:
        """Cell of one of the rule's numbers."""
        row = self.model.field_row(self.lines[0].rule.name, field)
        return absolute("Inputs", row if row is not None else 0, 2)

    def fill(self) -> None:
        weeks = [week.isoformat() for week in self.model.plan.weeks]
        for block in BLOCKS:
            head = self.row(block, -1)
            title = self.sheet.book.say(f"review.{block}", rule=self.lines[0].rule.name)
            if head > HEAD:
                self.sheet.block(head, title)
            else:
                self.sheet.page.write_string(head - 1, 0, title, self.sheet.book.style("subtitle"))
            titles = [self.sheet.book.say(f"column.{key}") for key in ("line", "threshold", "before")]
            self.sheet.table(head, 0, [*titles, *weeks], range(1, FIRST_WEEK + len(weeks)))
        for place, weak in enumerate(self.lines):
            self._line(place, weak)
        first, last = self.row("roi", 0), self.row("roi", len(self.lines) - 1)
        cell = xl_rowcol_to_cell(first, FIRST_WEEK)
        low = f"=AND(ISNUMBER({cell}),{cell}<$B{first + 1}*(1-{self.model.layout.setting('weak_tolerance')}))"
        box = (first, FIRST_WEEK, last, FIRST_WEEK + len(weeks) - 1)
        self.sheet.page.conditional_format(
            *box, {"type": "formula", "criteria": low, "format": self.sheet.book.style("weak")}
        )

    def _line(self, place: int, weak: WeakWeeks) -> None:
        layout = self.model.layout
        threshold = weak.own_threshold or weak.rule.roi_below
        own = layout.fact(weak.line, "own_threshold")
        asks = Formula(f"=IF(ISNUMBER({own}),{own},{self.input('roi_below')})", threshold)
        for block in BLOCKS:
            row = self.row(block, place)
            self.sheet.put(row, 0, self.model.label(weak.line), Kind.TEXT)
            self.sheet.put(row, 1, asks if block == "roi" else None, Kind.ROI)
        before = Formula(f"={layout.fact(weak.line, 'weak_so_far')}", weak.weak_so_far)
        self.sheet.put(self.row("streak", place), 2, before, Kind.ESTIMATE, "linked")
        for week, seen in enumerate(weak_run(self.model, weak)):
            words = f"{self.sheet.book.say('review.cut')}{weak.rule.cut:.0%}" if seen.due else ""
            roi = "" if seen.roi is None else seen.roi
            self._week(place, weak, week, (roi, float(seen.streak), words, float(seen.kept)))

    def _week(self, place: int, weak: WeakWeeks, week: int, values: tuple[float | str, ...]) -> None:
        column = FIRST_WEEK + week
        kinds = (Kind.ROI, Kind.ESTIMATE, Kind.TEXT, Kind.ESTIMATE)
        texts = self._formulas(place, weak, week)
        for block, text, value, kind in zip(BLOCKS, texts, values, kinds, strict=True):
            self.sheet.put(self.row(block, place), column, Formula(text, value), kind)

    def _formulas(self, place: int, weak: WeakWeeks, week: int) -> tuple[str, str, str, str]:
        layout, column = self.model.layout, FIRST_WEEK + week
        spend = f"N({layout.cell(weak.line, week)})"
        gmv = layout.calc(layout.weekly_head + 1 + weak.line, week)
        roi = xl_rowcol_to_cell(self.row("roi", place), column)
        asks = xl_rowcol_to_cell(self.row("roi", place), 1, col_abs=True)
        before = xl_rowcol_to_cell(self.row("streak", place), column - 1)
        limit = f"{asks}*(1-{layout.setting('weak_tolerance')})"
        due = f"{before}>={self.input('weeks')}"
        earlier = layout.fact(weak.line, "last_week") if week == 0 else f"N({layout.cell(weak.line, week - 1)})"
        return (
            f'=IF({spend}>0,{layout.fact(weak.line, "ratio")}*{gmv}/{spend},"")',
            f"=IF(ISNUMBER({roi}),IF({roi}<{limit},{before}+1,0),0)",
            f'=IF({due},"{self.sheet.book.say("review.cut")}"&TEXT({self.input("cut")},"0%"),"")',
            f"=IF(AND({due},ISNUMBER({earlier}),{spend}>(1-{self.input('cut')})*{earlier}+Tolerance),1,0)",
        )

    def broken(self) -> Formula:
        """Number of weeks that kept money which the rule takes."""
        first, last = self.row("kept", 0), self.row("kept", len(self.lines) - 1)
        cells = xl_range_abs(first, FIRST_WEEK, last, FIRST_WEEK + self.model.layout.weeks - 1)
        kept = sum(seen.kept for weak in self.lines for seen in weak_run(self.model, weak))
        return Formula(f"=SUM({self.sheet.name}!{cells})", kept)


@dataclass(frozen=True, slots=True)
class WeakWeek:
    """A week of a line: ROI (None without spend), weak weeks in a row with it, whether a cut is due, and not made."""

    roi: float | None
    streak: int
    due: bool
    kept: bool


def weak_run(model: Model, weak: WeakWeeks) -> list[WeakWeek]:
    """Follow a line through the solver's plan as the sheet's formulas do."""
    spend, gmv = model.work.spend[weak.line].tolist(), model.work.values.weekly[weak.line]
    limit = (weak.own_threshold or weak.rule.roi_below) * (1 - weak_tolerance(model))
    streak, earlier, seen = weak.weak_so_far, weak.last_week, []
    for week, paid in enumerate(spend):
        due = streak >= weak.rule.weeks
        kept = due and earlier is not None and paid > (1 - weak.rule.cut) * earlier + TOLERANCE
        roi = float(weak.ratio * gmv[week] / paid) if paid > 0 else None
        streak = streak + 1 if roi is not None and roi < limit else 0
        seen.append(WeakWeek(roi, streak, due, kept))
        earlier = paid
    return seen
