"""The sheets Summary and Plan: what the plan spends and earns, live, and the one grid that is there to be edited."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from xlsxwriter.utility import xl_col_to_name, xl_range, xl_range_abs, xl_rowcol_to_cell

from optimizer.plan import Plan
from reports import sections
from reports.documents import currency
from reports.sections import Cell, Kind
from reports.sheets import HEAD, Formula, Sheet, titled
from reports.words import currency_words
from reports.workbook.calc import RESULTS, result_value
from reports.workbook.inputs import curve_names
from reports.workbook.model import Model

NAVY, BLUE, GREY, ORANGE, PALE = "#1F3864", "#5B84C4", "#A6A6A6", "#C55A11", "#E3E3E3"

COLUMNS: dict[str, Kind] = {
    "line": Kind.TEXT,
    "spend": Kind.ESTIMATE,
    "share": Kind.SHARE,
    "gmv": Kind.ESTIMATE,
    "gmv_low": Kind.ESTIMATE,
    "gmv_high": Kind.ESTIMATE,
    "roi": Kind.ROI,
    "roi_low": Kind.ROI,
    "roi_high": Kind.ROI,
    "mroi": Kind.ROI,
    "history": Kind.ESTIMATE,
    "change": Kind.CHANGE,
    "solver": Kind.ESTIMATE,
    "moved": Kind.GAIN,
    "near_low": Kind.ESTIMATE,
    "near_high": Kind.ESTIMATE,
    "prob_weak": Kind.SHARE,
    "prob_cut": Kind.SHARE,
    "after_cuts": Kind.ESTIMATE,
    "test_value": Kind.ESTIMATE,
    "binds": Kind.TEXT,
}
ROW_PIXELS = 20  # of a row of usual height
WIDTHS = {
    "line": 20.0,
    "binds": 36.0,
    "roi": 8.0,
    "roi_low": 8.0,
    "roi_high": 8.0,
    "share": 8.0,
    "prob_weak": 12.5,
    "prob_cut": 12.5,
}


def shown_columns(plan: Plan) -> dict[str, int]:
    """Columns of Summary, by their names, and where they stand: those that nothing is known of are left out."""
    known = {
        "prob_weak": any(line.prob_weak is not None for line in plan.lines),
        "prob_cut": any(line.prob_cut is not None for line in plan.lines),
        "after_cuts": any(line.spend_after_cuts is not None for line in plan.lines),
        "test_value": any(line.test_value is not None for line in plan.lines),
    }
    return {name: place for place, name in enumerate(name for name in COLUMNS if known.get(name, True))}


# Plan -----------------------------------------------------------------------------------------------------------------


def fill_plan(sheet: Sheet, model: Model) -> None:
    """Fill Plan: the grid of yellow cells, marked where they differ from the solver's, and the flighting chart."""
    book, layout, plan = sheet.book, model.layout, model.plan
    weeks = tuple(week.isoformat() for week in plan.weeks)
    titled(sheet, replace(sections.weekly(plan, book.lang), sentence=book.say("plan.how")), editable=weeks)
    box = (layout.grid_first, 2, layout.grid_last, layout.total_column - 1)
    corner = xl_rowcol_to_cell(layout.grid_first, 2)
    number = {
        "validate": "decimal",
        "criteria": ">=",
        "value": 0,
        "error_title": book.say("plan.error_title"),
        "error_message": book.say("plan.error"),
    }
    sheet.page.data_validation(*box, number)
    wrong = f"=OR(ISTEXT({corner}),{corner}<0)"
    sheet.page.conditional_format(*box, {"type": "formula", "criteria": wrong, "format": book.style("failed")})
    moved = {"type": "formula", "criteria": f"=ABS({corner}-Solver!{corner})>0.004", "format": book.style("changed")}
    sheet.page.conditional_format(*box, moved)
    book.file.define_name("Plan_Grid", f"={sheet.name}!{xl_range_abs(*box)}")
    sheet.page.insert_chart(sheet.row + 1, 0, _flighting(sheet, model))
    sheet.finish(freeze=(HEAD + 1, 2))


def _flighting(sheet: Sheet, model: Model) -> Any:
    layout = model.layout
    chart = sheet.book.file.add_chart({"type": "column", "subtype": "stacked"})
    for row in range(layout.grid_first, layout.grid_last + 1):
        chart.add_series(
            {
                "name": [sheet.name, row, 1],
                "categories": [sheet.name, HEAD, 2, HEAD, layout.total_column - 1],
                "values": [sheet.name, row, 2, row, layout.total_column - 1],
                "gap": 30,
            }
        )
    _titled_chart(sheet, chart, "page.chart")
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": PALE}}})
    chart.set_size({"width": 1150, "height": 380})
    return chart


def _titled_chart(sheet: Sheet, chart: Any, key: str) -> None:
    chart.set_title({"name": sheet.book.say(key), "overlay": False, "name_font": {"size": 11}})


# Summary --------------------------------------------------------------------------------------------------------------


def fill_summary(sheet: Sheet, model: Model) -> None:
    """Fill Summary: a row a line, totals, charts."""
    book, layout = sheet.book, model.layout
    sheet.text(book.say("section.allocation"), "title")
    sheet.text(book.say("summary.live"), "sentence")
    one = book.say("unit.one", currency=currency_words(model.plan.currency, model.lang))
    unit = f'=IF(DisplayUnit=1,"{one}","{book.say("unit.many")}")'
    sheet.page.write_formula(2, 0, unit, book.style("sentence"), one)
    places = shown_columns(model.plan)
    numbers = [place for name, place in places.items() if COLUMNS[name] is not Kind.TEXT]
    sheet.table(HEAD, 0, [book.say(f"summary.{name}") for name in places], numbers)
    for line in range(layout.lines):
        for name, (cell, style) in _cells(model, line).items():
            sheet.put(HEAD + 1 + line, places[name], cell, COLUMNS[name], style)
    _totals(sheet, model)
    _finish(sheet, model)


def _finish(sheet: Sheet, model: Model) -> None:
    layout = model.layout
    places = shown_columns(model.plan)
    for name, place in places.items():
        usual = 13.5 if COLUMNS[name] is Kind.ESTIMATE else 10.5
        sheet.widths[place] = WIDTHS.get(name, usual)
    decimals = sheet.book.file.add_format({"num_format": "#,##0.00"})
    for place in (place for name, place in places.items() if COLUMNS[name] in {Kind.ESTIMATE, Kind.GAIN}):
        box = (HEAD + 1, place, HEAD + 1 + layout.lines, place)
        sheet.page.conditional_format(*box, {"type": "formula", "criteria": "=DisplayUnit>1", "format": decimals})
    row = HEAD + 2 + layout.lines
    for key in ("summary.note.interval", "summary.note.static"):
        sheet.page.write_string(row, 0, sheet.book.say(key), sheet.book.style("sentence"))
        row += 1
    _charts(sheet, model, row + 1)
    sheet.finish(freeze=(HEAD + 1, 1), repeat=False)


@dataclass(frozen=True, slots=True)
class _Amount:
    """A live amount in currency: its formula and value, shown in the display unit."""

    text: str
    value: float

    def shown(self) -> Formula:
        return Formula(f"=({self.text})/DisplayUnit", self.value)


def _fixed(amount: float | None) -> Formula | None:
    """An amount that is the solver's and does not follow the grid, in the display unit."""
    return None if amount is None else _Amount(repr(float(amount)), float(amount)).shown()


def _cells(model: Model, line: int) -> dict[str, tuple[Cell | Formula, str]]:
    """Cells of a line's row with their styles."""
    layout, given, row = model.layout, model.plan.lines[line], HEAD + 2 + line
    places = shown_columns(model.plan)
    at = {name: f"${xl_col_to_name(place)}{row}" for name, place in places.items()}
    spend, total = currency(given.spend_fen), float(model.work.spend.sum())
    grand = model.layout.grand_total
    found: dict[str, tuple[Cell | Formula, str]] = {
        "line": (model.label(line), "cell"),
        "spend": (_Amount(layout.line_total(line), spend).shown(), "cell"),
        "share": (
            Formula(f"=IF({grand}=0,0,{layout.line_total(line)}/{grand})", spend / total if total else 0.0),
            "cell",
        ),
        "solver": (_Amount(layout.line_total(line, "Solver"), spend).shown(), "linked"),
        "moved": (Formula(f"={at['spend']}-{at['solver']}", 0.0), "cell"),
        "prob_weak": (given.prob_weak, "static"),
        "prob_cut": (given.prob_cut, "static"),
        "after_cuts": (_fixed(given.spend_after_cuts), "static"),
        "test_value": (_fixed(given.test_value), "static"),
        "binds": (sections.binding_words(model.plan, given.name, model.lang), "static_text"),
    }
    if given.near_optimal is not None:
        for name, end in zip(("near_low", "near_high"), given.near_optimal, strict=True):
            found[name] = (_fixed(end), "static")
    if given.history_spend is not None:
        found["history"] = (_Amount(layout.fact(line, "history"), given.history_spend).shown(), "linked")
        change = spend / given.history_spend - 1 if given.history_spend else ""
        found["change"] = (Formula(f'=IF({at["history"]}=0,"",{at["spend"]}/{at["history"]}-1)', change), "cell")
    if line < layout.responding:
        found |= _earned(model, line, at)
    return {name: found.get(name, (None, "cell")) for name in places}


def _earned(model: Model, line: int, at: dict[str, str]) -> dict[str, tuple[Cell | Formula, str]]:
    spend = float(model.work.spend[line].sum())
    found: dict[str, tuple[Cell | Formula, str]] = {}
    for name, roi in (("gmv", "roi"), ("gmv_low", "roi_low"), ("gmv_high", "roi_high")):
        value = result_value(model, line, name)
        found[name] = (_Amount(model.layout.result(line, RESULTS.index(name)), value).shown(), "cell")
        text = f'=IF({at["spend"]}=0,"",{at[name]}/{at["spend"]})'
        found[roi] = (Formula(text, value / spend if spend else ""), "cell")
    found["mroi"] = (
        Formula(f"={model.layout.result(line, RESULTS.index('next'))}", result_value(model, line, "next")),
        "cell",
    )
    return found


def _totals(sheet: Sheet, model: Model) -> None:
    layout, plan, work = model.layout, model.plan, model.work
    row, places = HEAD + 1 + layout.lines, shown_columns(plan)
    column = {name: xl_range(HEAD + 1, place, row - 1, place) for name, place in places.items()}
    at = {name: xl_rowcol_to_cell(row, place) for name, place in places.items()}
    spend, gmv = float(work.spend.sum()), float(work.values.gmv.sum())
    low, high = (float(end) for end in total_interval(model))
    history = [line.history_spend for line in plan.lines if line.history_spend is not None]
    media = float(sum(currency(line.spend_fen) for line in plan.lines if line.history_spend is not None))
    below = f"SQRT(SUMXMY2({_media(column['gmv'], model)},{_media(column['gmv_low'], model)}))"
    above = f"SQRT(SUMXMY2({_media(column['gmv_high'], model)},{_media(column['gmv'], model)}))"
    cells: dict[str, Cell | Formula] = {
        "line": sheet.book.say("total"),
        "spend": Formula(f"=SUM({column['spend']})", spend),
        "share": Formula(f"=SUM({column['share']})", 1.0 if spend else 0.0),
        "gmv": Formula(f"=SUM({column['gmv']})", gmv),
        "gmv_low": Formula(f"={at['gmv']}-{layout.setting('total_low')}*{below}", low),
        "gmv_high": Formula(f"={at['gmv']}+{layout.setting('total_high')}*{above}", high),
        **{
            roi: Formula(f'=IF({at["spend"]}=0,"",{at[name]}/{at["spend"]})', value / spend if spend else "")
            for roi, name, value in (
                ("roi", "gmv", gmv),
                ("roi_low", "gmv_low", low),
                ("roi_high", "gmv_high", high),
            )
        },
        "history": Formula(f"=SUM({column['history']})", float(sum(history))),
        "solver": Formula(f"=SUM({column['solver']})", spend),
        "moved": Formula(f"=SUM({column['moved']})", 0.0),
    }
    if history and sum(history) > 0:
        paid = f'SUMIF({column["history"]},">=0",{column["spend"]})'
        cells["change"] = Formula(f'=IF({at["history"]}=0,"",{paid}/{at["history"]}-1)', media / sum(history) - 1)
    for name, place in places.items():
        sheet.put(row, place, cells.get(name), COLUMNS[name], "total")


def _media(column: str, model: Model) -> str:
    """Only the rows of lines with a response, which come first."""
    first, _ = column.split(":") if ":" in column else (column, column)
    letters = first.rstrip("0123456789")
    return f"{first}:{letters}{HEAD + 1 + model.layout.responding}"


def total_interval(model: Model) -> tuple[float, float]:
    """Ends of the total's 90% interval at the solver's plan, by the workbook's own rule."""
    values, curves = model.work.values, model.work.curves
    total = float(values.gmv.sum())
    down = float(((values.gmv - values.low) ** 2).sum() ** 0.5)
    up = float(((values.high - values.gmv) ** 2).sum() ** 0.5)
    return total - curves.total_low * down, total + curves.total_high * up


# Charts ---------------------------------------------------------------------------------------------------------------


def _charts(sheet: Sheet, model: Model, row: int) -> None:
    """Allocation and GMV side by side, then a response curve for every line, three to a row."""
    height = 150 + 24 * model.layout.lines
    for place, (key, series) in enumerate(
        (("page.bars", (("spend", NAVY), ("history", GREY))), ("summary.chart.gmv", (("gmv", BLUE),)))
    ):
        chart = sheet.book.file.add_chart({"type": "bar"})
        for name, colour in series:
            chart.add_series(_column_series(sheet, model, name) | {"gap": 40, "fill": {"color": colour}})
        _titled_chart(sheet, chart, key)
        chart.set_y_axis({"reverse": True})
        chart.set_x_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": PALE}}})
        chart.set_legend({"position": "bottom"} if len(series) > 1 else {"none": True})
        chart.set_size({"width": 760, "height": height})
        sheet.page.insert_chart(row, 0, chart, {"x_offset": 5 + 780 * place, "y_offset": 4})
    _response_charts(sheet, model, row + 1 + (height + 20) // ROW_PIXELS)


def _response_charts(sheet: Sheet, model: Model, row: int) -> None:
    """A response curve for every line, three to a row, four rows to a page."""
    tall = 300 // ROW_PIXELS
    breaks = []
    for line in range(model.layout.responding):
        at = row + tall * (line // 3) + line // 12
        if line % 12 == 0:
            breaks.append(at)
        offset = {"x_offset": 5 + 520 * (line % 3), "y_offset": 5}
        sheet.page.insert_chart(at, 0, _response_chart(sheet, model, line), offset)
    sheet.page.set_h_pagebreaks(breaks)


def _column_series(sheet: Sheet, model: Model, name: str) -> dict[str, Any]:
    first, last, place = HEAD + 1, HEAD + model.layout.lines, shown_columns(model.plan)[name]
    return {
        "name": [sheet.name, HEAD, place],
        "categories": [sheet.name, first, 0, last, 0],
        "values": [sheet.name, first, place, last, place],
    }


def _response_chart(sheet: Sheet, model: Model, line: int) -> Any:
    """GMV of an ordinary week against weekly spend: mean and 90% band, and where the plan's mean week stands."""
    chart = sheet.book.file.add_chart({"type": "scatter", "subtype": "straight"})
    columns = curve_columns(model, line)
    points = model.work.curves.stock.shape[1]
    shown = int((model.work.curves.stock[line] <= 1.3 * model.work.curves.fitted_range[line]).sum())
    last = HEAD + min(points, max(shown, 2))
    for band, line_style in (
        ("low", {"color": GREY, "width": 1, "dash_type": "dash"}),
        ("high", {"color": GREY, "width": 1, "dash_type": "dash"}),
        ("mean", {"color": NAVY, "width": 2}),
    ):
        chart.add_series(
            {
                "name": sheet.book.say(f"summary.chart.{band}"),
                "categories": ["Curves", HEAD + 1, columns["x"], last, columns["x"]],
                "values": ["Curves", HEAD + 1, columns[band], last, columns[band]],
                "line": line_style,
            }
        )
    row = model.layout.result_head + 1 + line
    week, mean = (2 + RESULTS.index(name) for name in ("week", "mean"))
    chart.add_series(
        {
            "name": sheet.book.say("summary.chart.here"),
            "categories": ["Calc", row, week, row, week],
            "values": ["Calc", row, mean, row, mean],
            "marker": {"type": "diamond", "size": 9, "fill": {"color": ORANGE}, "border": {"color": ORANGE}},
            "line": {"none": True},
        }
    )
    # A title that is a name could begin like a formula, so it is read from the name's own cell.
    chart.set_title({"name": [sheet.name, HEAD + 1 + line, 0], "overlay": False, "name_font": {"size": 11}})
    small = {"num_format": "#,##0", "num_font": {"size": 8}, "name_font": {"size": 8, "bold": False}}
    across = {
        "name": sheet.book.say("summary.chart.across"),
        "min": 0,
        "major_unit": _few_marks(float(model.work.curves.stock[line, last - HEAD - 1])),
        "major_gridlines": {"visible": False},
    }
    up = {"name": sheet.book.say("summary.chart.up"), "major_gridlines": {"visible": True, "line": {"color": PALE}}}
    chart.set_x_axis(small | across)
    chart.set_y_axis(small | up)
    chart.set_legend({"position": "bottom", "font": {"size": 8}})
    chart.set_size({"width": 505, "height": 290})
    return chart


def _few_marks(most: float) -> float:
    """Distance of about five marks on an axis: one, two or five with zeros, so that their numbers need no turning."""
    rough = most / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    return unit * next(step for step in (1, 2, 5, 10) if rough <= step * unit)


def curve_columns(model: Model, line: int) -> dict[str, int]:
    """Columns of a line's curves on the sheet Curves."""
    names = list(curve_names(line, model.layout.cases))
    first = line * (len(names) + 1)
    return {name: first + place for place, name in enumerate(names)}
