"""The sheets Inputs, Curves and Season: every constant that the workings read, in its own cell."""

from __future__ import annotations

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from optimizer.live import LiveCurves
from reports.sections import Cell, Kind
from reports.sheets import HEAD, Formula, Sheet
from reports.words import term
from reports.workbook.layout import LINE_FACTS, SETTINGS
from reports.workbook.model import Model

UNITS = (1, 10_000)
"""What amounts may be counted in: one unit of currency, or ten thousand (万)."""

TOLERANCE = 0.02
"""Currency: sums of whole fen are known to less than this."""
_LEAST_WEAK_TOLERANCE = 0.002


def fill_inputs(sheet: Sheet, model: Model) -> None:
    """Fill Inputs: settings, rule limits, facts of lines, carry-over weights, opening weeks."""
    book, layout = sheet.book, model.layout
    sheet.text(book.say("inputs.title"), "title")
    sheet.text(book.say("inputs.sentence"), "sentence")
    sheet.table(HEAD, 0, [book.say(f"column.{key}") for key in ("key", "item", "value", "note")], [2])
    _settings(sheet, model)
    _limits(sheet, model)
    _facts(sheet, model)
    _weights(sheet, model)
    _opening(sheet, model)
    sheet.widths |= {0: 36, 1: 26, 2: 15}
    for column in range(3, 3 + max(len(LINE_FACTS), layout.lags + 1)):
        sheet.widths.setdefault(column, 12)
    sheet.finish(freeze=(HEAD + 1, 2))


def weak_tolerance(model: Model) -> float:
    """How far below its threshold a week's ROI must be to count as weak here: more than the curves' own error."""
    return max(_LEAST_WEAK_TOLERANCE, 2 * model.work.weekly_error)


def _settings(sheet: Sheet, model: Model) -> None:
    curves = model.work.curves
    values: dict[str, tuple[float, Kind]] = {
        "total": (model.work.problem.total, Kind.MONEY),
        "tolerance": (TOLERANCE, Kind.MONEY),
        "display_unit": (1.0, Kind.ESTIMATE),
        "weeks": (float(model.layout.weeks), Kind.ESTIMATE),
        "total_low": (curves.total_low, Kind.NUMBER),
        "total_high": (curves.total_high, Kind.NUMBER),
        "weak_tolerance": (weak_tolerance(model), Kind.NUMBER),
    }
    names = {"total": "TotalBudget", "tolerance": "Tolerance", "display_unit": "DisplayUnit"}
    for name in SETTINGS:
        row, (value, kind) = model.layout.setting_row(name), values[name]
        sheet.put(row, 0, "plan.total" if name == "total" else "", Kind.TEXT, "static")
        sheet.put(row, 1, sheet.book.say(f"inputs.{name}"), Kind.TEXT)
        sheet.put(row, 2, value, kind, "input" if name in {"total", "display_unit"} else "cell")
        note = sheet.book.say(f"inputs.{name}.note")
        sheet.page.write_string(row, 3, note, sheet.book.style("sentence", align="indent"))
        if name in names:
            sheet.book.file.define_name(names[name], f"={model.layout.setting(name)}")
    total, unit = model.layout.setting_row("total"), model.layout.setting_row("display_unit")
    sheet.page.data_validation(total, 2, total, 2, {"validate": "decimal", "criteria": ">", "value": 0})
    sheet.page.data_validation(unit, 2, unit, 2, {"validate": "list", "source": list(UNITS)})


def _limits(sheet: Sheet, model: Model) -> None:
    head = model.layout.limit_head
    sheet.block(head, sheet.book.say("inputs.limits"))
    sheet.table(head, 0, [sheet.book.say(f"column.{key}") for key in ("key", "rule", "value", "field", "kind")], [2])
    for row, field in enumerate(model.fields, start=head + 1):
        kind = Kind.SHARE if field.unit == "share" else Kind.NUMBER
        sheet.put(row, 0, field.key, Kind.TEXT, "static")
        sheet.put(row, 1, field.rule.name, Kind.TEXT)
        sheet.put(row, 2, field.value, kind, "input")
        sheet.put(row, 3, field.field, Kind.TEXT)
        sheet.put(row, 4, term(model.lang, "kind", field.rule.kind), Kind.TEXT)
        sheet.page.data_validation(row, 2, row, 2, {"validate": "decimal", "criteria": ">=", "value": 0})


def _facts(sheet: Sheet, model: Model) -> None:
    head, book = model.layout.line_head, sheet.book
    sheet.block(head, book.say("inputs.lines"))
    titles = [book.say("column.key"), book.say("column.line")]
    facts = [book.say(f"fact.{name}") for name in LINE_FACTS]
    sheet.table(head, 0, [*titles, *facts], range(3, 2 + len(facts)))
    for index, line in enumerate(model.plan.lines):
        row = head + 1 + index
        sheet.put(row, 0, line.name, Kind.TEXT, "static")
        sheet.put(row, 1, model.label(index), Kind.TEXT)
        for place, (cell, kind) in enumerate(_facts_of(model, index), start=2):
            sheet.put(row, place, cell, kind)


def _facts_of(model: Model, index: int) -> list[tuple[Cell, Kind]]:
    """Facts of a line in the order of LINE_FACTS; nothing where a line has no response or no such rule."""
    line, work = model.plan.lines[index], model.work
    curves, media = work.curves, index < model.layout.responding
    weak = next((each for each in work.weak if each.line == index), None)
    return [
        (line.category or "", Kind.TEXT),
        (line.history_spend, Kind.MONEY),
        *((float(values[index]) if media else None, Kind.MONEY) for values in (curves.after, curves.fitted_range)),
        (float(curves.carried[index]) if media else None, Kind.ESTIMATE),
        *(
            (float(values[index]) if media else None, Kind.NUMBER)
            for values in (curves.true_up, curves.low_factor, curves.high_factor)
        ),
        (float(weak.weak_so_far) if weak else None, Kind.ESTIMATE),
        (weak.last_week if weak else None, Kind.MONEY),
        (weak.own_threshold if weak else None, Kind.NUMBER),
        (weak.ratio if weak else None, Kind.NUMBER),
    ]


def _weights(sheet: Sheet, model: Model) -> None:
    """Carry-over weights by case, and the same again oldest week first, which is how sums of products need them."""
    layout, book = model.layout, sheet.book
    lags = [book.say("inputs.lag", lag=lag) for lag in range(layout.lags + 1)]
    for head, order in ((layout.weights_head, lags), (layout.backwards_head, lags[::-1])):
        sheet.block(head, book.say("inputs.weights" if order is lags else "inputs.backwards"))
        sheet.table(head, 0, [book.say("column.key"), book.say("column.case"), *order], range(2, 2 + len(order)))
    for line in range(layout.responding):
        for case in range(layout.cases):
            _case(sheet, model, line, case)


def _case(sheet: Sheet, model: Model, line: int, case: int) -> None:
    layout, weights = model.layout, model.work.curves.weights[line, case]
    row, back = (head + layout.case_row(line, case) for head in (layout.weights_head, layout.backwards_head))
    for place in (row, back):
        sheet.put(place, 0, model.plan.lines[line].name, Kind.TEXT, "static")
        sheet.put(place, 1, case_label(sheet, model, line, case), Kind.TEXT)
    for lag, weight in enumerate(weights):
        sheet.put(row, 2 + lag, float(weight), Kind.NUMBER)
        link = Formula(f"={xl_rowcol_to_cell(row, 2 + layout.lags - lag)}", float(weights[layout.lags - lag]))
        sheet.put(back, 2 + lag, link, Kind.NUMBER)


def case_label(sheet: Sheet, model: Model, line: int, case: int) -> str:
    """Name of a line's carry-over case."""
    return sheet.book.say("inputs.case", line=model.label(line), case=case + 1, cases=model.layout.cases)


def _opening(sheet: Sheet, model: Model) -> None:
    layout, head = model.layout, model.layout.opening_head
    sheet.block(head, sheet.book.say("inputs.opening"))
    titles = [sheet.book.say("column.key"), sheet.book.say("column.line")]
    sheet.table(head, 0, [*titles, *model.opening_weeks], range(2, 2 + layout.lags))
    for line in range(layout.responding):
        sheet.put(head + 1 + line, 0, model.plan.lines[line].name, Kind.TEXT, "static")
        sheet.put(head + 1 + line, 1, model.label(line), Kind.TEXT)
        for place, amount in enumerate(model.work.curves.opening[line], start=2):
            sheet.put(head + 1 + line, place, float(amount), Kind.MONEY)


# Curves ---------------------------------------------------------------------------------------------------------------


def curve_names(line: int, cases: int) -> dict[str, str]:
    """Defined names of a line's columns by what they hold."""
    number = f"{line + 1:02d}"
    each = {f"{curve}{case}": f"{curve}_{number}_{case + 1}" for curve in ("ordinary", "peak") for case in range(cases)}
    return {"x": f"x_{number}"} | each | {band: f"{band}_{number}" for band in ("mean", "low", "high")}


def fill_curves(sheet: Sheet, model: Model) -> None:
    """Fill Curves: breakpoints of every line side by side, each column with a defined name."""
    book, curves = sheet.book, model.work.curves
    sheet.text(book.say("curves.title"), "title")
    sheet.text(book.say("curves.sentence", error=f"{100 * curves.error:.3f}%"), "sentence")
    column = 0
    for line in range(model.layout.responding):
        names = curve_names(line, model.layout.cases)
        sheet.put(HEAD - 1, column, model.label(line), Kind.TEXT, "subtitle")
        for place, (what, name) in enumerate(names.items(), start=column):
            _curve_column(sheet, place, _curve_title(sheet, what), curve_values(curves, line, what))
            cells = xl_range_abs(HEAD + 1, place, HEAD + curves.stock.shape[1], place)
            book.file.define_name(name, f"={sheet.name}!{cells}")
        column += len(names) + 1
    sheet.finish(freeze=(HEAD + 1, 0))


def _curve_title(sheet: Sheet, what: str) -> str:
    curve = what.rstrip("0123456789")
    return sheet.book.say(f"curves.{curve}", case=int(what[len(curve) :] or 0) + 1)


def curve_values(curves: LiveCurves, line: int, what: str) -> list[float]:
    """Values of a column of Curves."""
    if what == "x":
        return [float(value) for value in curves.stock[line]]
    if what in {"mean", "low", "high"}:
        return [float(value) for value in getattr(curves, what)[line]]
    curve = what.rstrip("0123456789")
    return [float(value) for value in getattr(curves, curve)[line, int(what[len(curve) :])]]


def _curve_column(sheet: Sheet, column: int, title: str, values: list[float]) -> None:
    sheet.put(HEAD, column, title, Kind.TEXT, "head")
    sheet.widths[column] = 13
    for row, value in enumerate(values, start=HEAD + 1):
        sheet.put(row, column, value, Kind.ESTIMATE)


# Season ---------------------------------------------------------------------------------------------------------------


def fill_season(sheet: Sheet, model: Model) -> None:
    """Fill Season: what each week takes of the ordinary and of the peak curve, a column a week as in Calc."""
    book, layout, curves = sheet.book, model.layout, model.work.curves
    sheet.text(book.say("season.title"), "title")
    sheet.text(book.say("season.sentence"), "sentence")
    sheet.table(HEAD, 0, [book.say("column.line"), book.say("column.curve")])
    sheet.table(HEAD, layout.column(0), model.span_weeks, range(layout.column(0), layout.column(layout.span)))
    sheet.put(HEAD + 1, 0, book.say("season.intensity"), Kind.TEXT)
    for week, value in enumerate(model.work.problem.response.intensity):
        sheet.put(HEAD + 1, layout.column(week), float(value), Kind.NUMBER)
    for line in range(layout.responding):
        for curve, blends in enumerate((curves.blend_ordinary, curves.blend_peak)):
            row = HEAD + 2 + 2 * line + curve
            sheet.put(row, 0, model.label(line), Kind.TEXT)
            sheet.put(row, 1, book.say("season.peak" if curve else "season.ordinary"), Kind.TEXT)
            for week, value in enumerate(blends[line]):
                sheet.put(row, layout.column(week), float(value), Kind.NUMBER)
    hide_unused(sheet, model)


def hide_unused(sheet: Sheet, model: Model) -> None:
    """Set widths; the opening weeks' columns stay narrow where a sheet has nothing in them."""
    sheet.widths |= {0: 26, 1: 16}
    for week in range(-model.layout.lags, 0):
        sheet.widths[model.layout.column(week)] = 1.5
    sheet.finish(freeze=(HEAD + 1, 2))
