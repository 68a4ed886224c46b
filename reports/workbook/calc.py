"""The sheet Calc: from the Plan sheet to carry-over, response, GMV and what the next unit of spend earns, all live.

One block a step, one formula a row, one column a week.
"""

from __future__ import annotations

from xlsxwriter.utility import xl_range, xl_range_abs, xl_rowcol_to_cell

from reports.sections import Kind
from reports.sheets import HEAD, Formula, Sheet
from reports.workbook.inputs import case_label, curve_names
from reports.workbook.model import Model

RESULTS = ("gmv", "week", "segment", "mean", "low", "high", "gmv_low", "gmv_high", "next")
"""Columns of the lines' results, from column C."""


def fill_calc(sheet: Sheet, model: Model) -> None:
    """Fill Calc from top to bottom."""
    book, layout = sheet.book, model.layout
    sheet.text(book.say("calc.title"), "title")
    sheet.text(book.say("calc.sentence"), "sentence")
    span = model.span_weeks
    _titles(sheet, layout.spend_head, "spend", 2, [*model.opening_weeks, *span])
    for head, what in (
        (layout.stock_head, "stock"),
        (layout.segment_head, "segment"),
        (layout.response_head, "response"),
        (layout.slope_head, "slope"),
        (layout.weekly_head, "weekly"),
    ):
        _titles(sheet, head, what, layout.column(0), span)
    _titles(sheet, layout.next_head, "next", layout.column(0), span[: layout.weeks])
    _titles(sheet, layout.result_head, "result", 2, [book.say(f"result.{name}") for name in RESULTS])
    for line in range(layout.responding):
        _spend(sheet, model, line)
        for case in range(layout.cases):
            _case_rows(sheet, model, line, case)
        _weekly(sheet, model, line)
        _next(sheet, model, line)
        _results(sheet, model, line)
    sheet.widths |= dict.fromkeys(range(2, layout.column(layout.span)), 12) | {0: 26, 1: 20}
    sheet.finish(freeze=(HEAD + 1, 2))


def _titles(sheet: Sheet, head: int, what: str, first: int, titles: list[str]) -> None:
    """Write a block's heading and titles; the first block's heading stands beside its titles."""
    book = sheet.book
    if head > HEAD:
        sheet.block(head, book.say(f"calc.{what}"), book.say(f"calc.{what}.note"))
    sheet.table(head, 0, [book.say("column.line"), book.say(f"calc.{what}")])
    sheet.table(head, first, titles, range(first, first + len(titles)))


def _named(sheet: Sheet, row: int, label: str, case: str = "") -> None:
    sheet.put(row, 0, label, Kind.TEXT)
    if case:
        sheet.put(row, 1, case, Kind.TEXT)


def _spend(sheet: Sheet, model: Model, line: int) -> None:
    """Opening weeks and weeks after from Inputs, planned weeks from Plan; text in Plan counts as nothing."""
    layout, row = model.layout, model.layout.spend_head + 1 + line
    _named(sheet, row, model.label(line))
    for week in range(-layout.lags, layout.span):
        value = float(model.work.values.money[line, week + layout.lags])
        if week < 0:
            cell = xl_rowcol_to_cell(layout.opening_head + 1 + line, layout.column(week))
            text = f"=Inputs!{cell}"
        elif week < layout.weeks:
            text = f"=N({layout.cell(line, week)})"
        else:
            text = f"={layout.fact(line, 'after')}"
        sheet.put(row, layout.column(week), Formula(text, value), Kind.ESTIMATE, "linked")


def _case_rows(sheet: Sheet, model: Model, line: int, case: int) -> None:
    """Carry-over, piece of the curve, response and slope of one carry-over case."""
    layout, values = model.layout, model.work.values
    heads = (layout.stock_head, layout.segment_head, layout.response_head, layout.slope_head)
    rows = [head + layout.case_row(line, case) for head in heads]
    for row in rows:
        _named(sheet, row, model.label(line), case_label(sheet, model, line, case))
    for week in range(layout.span):
        texts = _case_formulas(model, line, case, week, rows)
        found = (values.stock, values.segment, values.response, values.slope)
        for row, text, array, kind in zip(
            rows, texts, found, (Kind.ESTIMATE, Kind.ESTIMATE, Kind.ESTIMATE, Kind.NUMBER), strict=True
        ):
            sheet.put(row, layout.column(week), Formula(text, float(array[line, case, week])), kind)


def _case_formulas(model: Model, line: int, case: int, week: int, rows: list[int]) -> tuple[str, str, str, str]:
    layout, names = model.layout, curve_names(line, model.layout.cases)
    column, money = layout.column(week), layout.spend_head + 1 + line
    stock, piece = (xl_rowcol_to_cell(row, column) for row in rows[:2])
    window = xl_range(money, column - layout.lags, money, column)
    ends = {what: (f"INDEX({names[what]},{piece})", f"INDEX({names[what]},{piece}+1)") for what in names}
    ordinary, peak = f"ordinary{case}", f"peak{case}"

    def read(what: str) -> str:
        return f"FORECAST({stock},{':'.join(ends[what])},{':'.join(ends['x'])})"

    def rise(what: str) -> str:
        return f"({ends[what][1]}-{ends[what][0]})"

    takes = [layout.season(line, week, curve) for curve in (0, 1)]
    return (
        f"=MAX(0,SUMPRODUCT({window},{layout.weights(line, case, layout.backwards_head)}))",
        f"=MIN(MATCH({stock},{names['x']},1),ROWS({names['x']})-1)",
        f"={takes[0]}*{read(ordinary)}+{takes[1]}*{read(peak)}",
        f"=({takes[0]}*{rise(ordinary)}+{takes[1]}*{rise(peak)})/{rise('x')}",
    )


def _weekly(sheet: Sheet, model: Model, line: int) -> None:
    """Expected GMV that falls in each week, what earlier spend carries in included."""
    layout, row = model.layout, model.layout.weekly_head + 1 + line
    first = layout.response_head + layout.case_row(line, 0)
    _named(sheet, row, model.label(line))
    for week in range(layout.span):
        column = layout.column(week)
        cases = xl_range(first, column, first + layout.cases - 1, column)
        text = f"={layout.fact(line, 'true_up')}*SUM({cases})"
        sheet.put(row, column, Formula(text, float(model.work.values.weekly[line, week])), Kind.ESTIMATE)


def _next(sheet: Sheet, model: Model, line: int) -> None:
    """What one more unit of spend in a week earns, in that week and later."""
    layout, row = model.layout, model.layout.next_head + 1 + line
    _named(sheet, row, model.label(line))
    for week in range(layout.weeks):
        column = layout.column(week)
        parts = []
        for case in range(layout.cases):
            slope = layout.slope_head + layout.case_row(line, case)
            window = xl_range(slope, column, slope, column + layout.lags)
            parts.append(f"SUMPRODUCT({window},{layout.weights(line, case, layout.weights_head)})")
        text = f"={layout.fact(line, 'true_up')}*({'+'.join(parts)})"
        sheet.put(row, column, Formula(text, float(model.work.values.next_unit[line, week])), Kind.NUMBER)


def _results(sheet: Sheet, model: Model, line: int) -> None:
    """GMV the plan adds, its interval, the mean week's place on the curve, and the next unit's ROI."""
    row = model.layout.result_head + 1 + line
    _named(sheet, row, model.label(line))
    kinds = (Kind.ESTIMATE, Kind.ESTIMATE, Kind.ESTIMATE, *(Kind.ESTIMATE,) * 5, Kind.ROI)
    for place, (name, kind) in enumerate(zip(RESULTS, kinds, strict=True)):
        text = _result_formula(model, line, name, row)
        sheet.put(row, 2 + place, Formula(text, result_value(model, line, name)), kind)


def result_value(model: Model, line: int, name: str) -> float:
    """Value of a line's result at the solver's plan."""
    values = model.work.values
    if name == "next":
        paid = model.work.spend[line]
        known = paid.sum() > 0
        return float(values.next_unit[line] @ paid / paid.sum() if known else values.next_unit[line].mean())
    if name in {"mean", "low", "high"}:
        return float(values.curves[("mean", "low", "high").index(name), line])
    found = {
        "gmv": values.gmv,
        "week": values.week,
        "segment": values.week_segment,
        "gmv_low": values.low,
        "gmv_high": values.high,
    }
    return float(found[name][line])


def _result_formula(model: Model, line: int, name: str, row: int) -> str:
    layout, names = model.layout, curve_names(line, model.layout.cases)
    cell = {each: xl_rowcol_to_cell(row, 2 + place) for place, each in enumerate(RESULTS)}
    first = layout.response_head + layout.case_row(line, 0)
    everything = xl_range_abs(first, layout.column(0), first + layout.cases - 1, layout.column(layout.span - 1))
    total = layout.line_total(line)
    if name in {"mean", "low", "high"}:
        ends = [
            f"INDEX({names[what]},{cell['segment']}):INDEX({names[what]},{cell['segment']}+1)" for what in (name, "x")
        ]
        return f"=FORECAST({cell['week']},{ends[0]},{ends[1]})"
    if name in {"gmv_low", "gmv_high"}:
        end = name.removeprefix("gmv_")
        ratio = f"IF({cell['mean']}>0,{cell[end]}/{cell['mean']},1)"
        return f"={cell['gmv']}*{ratio}*{layout.fact(line, f'{end}_factor')}"
    earns = xl_range(
        layout.next_head + 1 + line, layout.column(0), layout.next_head + 1 + line, layout.column(layout.weeks - 1)
    )
    return {
        "gmv": f"={layout.fact(line, 'true_up')}*(SUM({everything})-{layout.fact(line, 'carried')})",
        "week": f"=MAX(0,{total}/{layout.setting('weeks')})",
        "segment": f"=MIN(MATCH({cell['week']},{names['x']},1),ROWS({names['x']})-1)",
        "next": f"=IF({total}>0,SUMPRODUCT({earns},{layout.row(line)})/{total},AVERAGE({earns}))",
    }[name]
