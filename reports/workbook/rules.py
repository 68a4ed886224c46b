"""The sheets Limits and Checks: every rule as live formulas over the plan, 0 = holds, and the master check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from xlsxwriter.utility import xl_col_to_name, xl_range, xl_range_abs, xl_rowcol_to_cell

from optimizer.constraints import Limit
from optimizer.limits import BEYOND, GMV_TOLERANCE, CellLimit, Choice, RuleLimits
from optimizer.rules import WeakRoiCut
from reports.sections import Cell, Kind
from reports.sheets import HEAD, Formula, Sheet, widest
from reports.words import plain, term
from reports.workbook.calc import RESULTS
from reports.workbook.inputs import TOLERANCE
from reports.workbook.layout import absolute
from reports.workbook.model import Model
from reports.workbook.review import ReviewPlaces

Floats = npt.NDArray[np.float64]

FIRST = HEAD + 1
UNITS = {"share": Kind.SHARE, "roi": Kind.ROI, "cost": Kind.NUMBER}
VALUE, LEAST, MOST, SLACK, CHECK = 4, 5, 6, 7, 8


@dataclass(frozen=True, slots=True)
class RulePlace:
    """Rows of Limits that belong to a rule; ``first > last`` when it has none."""

    first: int
    last: int
    broken: int

    @property
    def count(self) -> int:
        """Number of limits."""
        return self.last - self.first + 1


# Limits ---------------------------------------------------------------------------------------------------------------


def fill_limits(sheet: Sheet, model: Model) -> dict[str, RulePlace]:
    """Fill Limits, a row for every single limit of every rule; returns where each rule's rows are."""
    book = sheet.book
    sheet.text(book.say("limits.title"), "title")
    sheet.text(book.say("limits.sentence"), "sentence")
    titles = ("rule", "kind", "line", "limit_name", "value", "least", "most", "tolerance", "check")
    sheet.table(HEAD, 0, [book.say(f"column.{key}") for key in titles], range(VALUE, CHECK + 1))
    row, places = FIRST, {}
    for rule in model.work.rules:
        first, broken = row, 0
        items: tuple[CellLimit | Choice, ...] = (*rule.limits, *rule.choices)
        for item in items:
            broken += _row(sheet, model, row, item)
            row += 1
        places[rule.rule.name] = RulePlace(first, row - 1, broken)
    sheet.page.conditional_format(FIRST, CHECK, max(row - 1, FIRST), CHECK, sheet.unless_zero())
    sheet.page.autofilter(HEAD, 0, max(row - 1, FIRST), CHECK)
    sheet.widths[3] = min(sheet.widths.get(3, 20), 60)
    sheet.finish(freeze=(FIRST, 2))
    return places


def _row(sheet: Sheet, model: Model, row: int, item: CellLimit | Choice) -> int:
    """Write one limit, or several that a switch joins; returns 1 when it is broken."""
    limit = item if isinstance(item, CellLimit) else item.limits[0]
    line = "" if limit.line is None else model.label(limit.line)
    shown = [limit.rule.name, term(model.lang, "kind", limit.rule.kind), line, limit.name]
    for place, words in enumerate(shown):
        sheet.put(row, place, words, Kind.TEXT)
        sheet.widen(place, plain(words))
    if isinstance(item, CellLimit):
        broken = _write_limit(sheet, model, row, item)
    else:
        broken = _write_choice(sheet, model, row, item)
    for place in (VALUE, LEAST, MOST):
        sheet.widen(place, "10,000,000.00")
    return broken


def _gmv(model: Model) -> Floats:
    """Added GMV of every line at the solver's plan, by the workbook's curves; zero without a response."""
    found = np.zeros(model.layout.lines)
    found[: model.layout.responding] = model.work.values.gmv
    return found


def _write_limit(sheet: Sheet, model: Model, row: int, limit: CellLimit) -> int:
    kind = UNITS.get(limit.unit, Kind.MONEY)
    value = limit.value(model.work.spend, _gmv(model))
    sheet.put(row, VALUE, Formula(f"={_value_formula(model, limit)}", value), kind)
    for place, end, field in ((LEAST, limit.least, "min"), (MOST, limit.most, "max")):
        _end(sheet, model, row, place, limit, end, field, kind)
    slack = _slack(model, limit)
    sheet.put(row, SLACK, slack, Kind.NUMBER if kind is Kind.MONEY else Kind.TEXT)
    allowed = float(slack.value)
    low = limit.least is not None and value < limit.least - allowed
    broken = int(low or (limit.most is not None and value > limit.most + allowed))
    sheet.put(row, CHECK, Formula(_check_formula(row), broken), Kind.ESTIMATE)
    return broken


def _end(
    sheet: Sheet, model: Model, row: int, place: int, limit: CellLimit, end: float | None, field: str, kind: Kind
) -> None:
    """One end of a limit: linked to the rule's number in Inputs where it is that number, or a multiple by history."""
    link = None if end is None else _linked(model, limit, end, field)
    if end is None or link is None:
        sheet.put(row, place, end, kind)
    else:
        sheet.put(row, place, Formula(f"={link}", end), kind, "linked")


def _linked(model: Model, limit: CellLimit, end: float, field: str) -> str | None:
    if limit.rule.kind == "total":
        return model.layout.setting("total")
    for name in ("share", field):
        row, given = model.field_row(limit.rule.name, name), getattr(limit.rule, name, None)
        if row is None or not given:
            continue
        cell = absolute("Inputs", row, 2)
        if np.isclose(end, given, rtol=1e-9, atol=0):
            return cell
        if getattr(limit.rule, "relative_to", None):
            return f"{cell}*{end / given!r}"
    return None


def _value_formula(model: Model, limit: CellLimit) -> str:
    """Part, or part over whole; of no whole as :meth:`CellLimit.value` has it."""
    part = _joined([*_spend_terms(model, limit.cells), *_gmv_terms(model, limit.gmv)])
    if limit.whole is None or limit.whole_gmv is None:
        return part
    whole = _whole(model, limit)
    return f"IF({whole}>0,({part})/({whole}),IF({part}>0,{BEYOND!r},{limit.end!r}))"


def _whole(model: Model, limit: CellLimit) -> str:
    """Formula of what a ratio is of."""
    if limit.whole is None or limit.whole_gmv is None:
        return "1"
    if np.all(limit.whole == 1.0):
        return model.layout.grand_total
    totals = [_term(float(count), model.layout.line_total(i)) for i, count in enumerate(limit.whole) if count != 0]
    return _joined([*totals, *_gmv_terms(model, limit.whole_gmv)])


def _gmv_terms(model: Model, counts: Floats) -> list[str]:
    """Terms of the lines' added GMV, as Calc holds it."""
    return [
        _term(float(count), model.layout.result(i, RESULTS.index("gmv")))
        for i, count in enumerate(counts[: model.layout.responding])
        if count != 0
    ]


def _slack(model: Model, limit: CellLimit) -> Formula:
    """Two cents; of a ratio what they make of the whole; on GMV a thousandth, as curves in a sheet are no finer."""
    spend, gmv = model.work.spend, _gmv(model)
    end = max((abs(end) for end in (limit.least, limit.most) if end is not None), default=0.0)
    if limit.on_gmv:
        finest = max(GMV_TOLERANCE, 2 * model.work.curves.error) * end
        return Formula(f"={finest!r}", finest)
    if limit.whole is None:
        return Formula(f"=Tolerance+{1e-9 * end!r}", TOLERANCE + 1e-9 * end)
    counts = float(max(1.0, np.abs(limit.cells).max(initial=0.0), end * np.abs(limit.whole).max(initial=0.0)))
    size = limit.size(spend, gmv)
    value = TOLERANCE * counts / max(1e-9, size) + 1e-9 * end
    return Formula(f"=Tolerance*{counts!r}/MAX(0.000000001,{_whole(model, limit)})+{1e-9 * end!r}", value)


def _spend_terms(model: Model, cells: Floats) -> list[str]:
    """Terms of ``sum(cells * plan)``: whole lines by their totals, neighbouring weeks alike as sums."""
    layout, parts = model.layout, []
    if cells[0, 0] != 0 and np.all(cells == cells[0, 0]):
        return [_term(float(cells[0, 0]), layout.grand_total)]
    for line, row in enumerate(cells):
        if row[0] != 0 and np.all(row == row[0]):
            parts.append(_term(float(row[0]), layout.line_total(line)))
            continue
        for first, last in _runs(row):
            where = f"N({layout.cell(line, first)})" if first == last else f"SUM({layout.row(line, first, last)})"
            parts.append(_term(float(row[first]), where))
    return parts


def _runs(row: Floats) -> Iterator[tuple[int, int]]:
    """First and last place of every run of equal factors that are not zero."""
    edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), row.size]
    for first, end in pairwise(edges):
        if row[first] != 0:
            yield first, end - 1


def _term(factor: float, where: str) -> str:
    if factor == 1:
        return f"+{where}"
    return f"-{where}" if factor == -1 else f"{factor:+.15g}*{where}"


def _joined(parts: list[str]) -> str:
    return "".join(parts).removeprefix("+") or "0"


def _check_formula(row: int) -> str:
    value, least, most, tolerance = (xl_rowcol_to_cell(row, place) for place in (VALUE, LEAST, MOST, SLACK))
    low = f"AND(ISNUMBER({least}),{value}<{least}-{tolerance})"
    high = f"AND(ISNUMBER({most}),{value}>{most}+{tolerance})"
    return f"=IF(OR({low},{high}),1,0)"


def _write_choice(sheet: Sheet, model: Model, row: int, choice: Choice) -> int:
    """A sum that is within its range, or what it is when switched off: broken when neither holds."""
    off, on = choice.span(0), choice.span(1)
    limit, spend = choice.limits[0], model.work.spend
    value = float((limit.cells * spend).sum())
    sheet.put(row, VALUE, Formula(f"={_joined(_spend_terms(model, limit.cells))}", value), Kind.MONEY)
    for place, end, field in ((LEAST, on[0], "min"), (MOST, on[1], "max")):
        _end(sheet, model, row, place, limit, end if np.isfinite(end) else None, field, Kind.MONEY)
    sheet.put(row, SLACK, Formula("=Tolerance", TOLERANCE), Kind.NUMBER)
    at, least, most, slack = (xl_rowcol_to_cell(row, place) for place in (VALUE, LEAST, MOST, SLACK))
    outside_on = f"OR(AND(ISNUMBER({least}),{at}<{least}-{slack}),AND(ISNUMBER({most}),{at}>{most}+{slack}))"
    outside_off = [
        *([f"{at}<{off[0]!r}-{slack}"] if np.isfinite(off[0]) else []),
        *([f"{at}>{off[1]!r}+{slack}"] if np.isfinite(off[1]) else []),
    ]
    broken = int(not choice.holds(spend, TOLERANCE))
    text = f"=IF(AND({outside_on},OR({','.join(outside_off) or 'FALSE'})),1,0)"
    sheet.put(row, CHECK, Formula(text, broken), Kind.ESTIMATE)
    return broken


# Checks ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """One row of Checks: number of limits, how many are broken, how it is known, and of a single limit its figures."""

    name: str
    kind: str
    limits: int
    broken: Formula
    how: str
    binding: bool | None = None
    soft: bool = False
    shown: tuple[tuple[Formula, ...], Kind] | None = None

    @property
    def failed(self) -> bool:
        """Whether the row counts as a failed check: a soft rule may be broken at its price."""
        return not self.soft and float(self.broken.value) > 0


MONEY_WIDTH = 16  # hundreds of millions with their cents
COLUMNS = ("rule", "kind", "value", "least", "most", "limits", "broken", "check", "binding", "how")
_FAILS = COLUMNS.index("check")


def fill_checks(sheet: Sheet, model: Model, places: dict[str, RulePlace], review: ReviewPlaces) -> Formula:
    """Fill Checks; returns the master check, the number of rows that fail."""
    book = sheet.book
    checks = [*_structure(model, sheet), *(_rule(model, sheet, rule, places, review) for rule in model.work.rules)]
    sheet.text(book.say("checks.title"), "title")
    sheet.text(book.say("checks.sentence"), "sentence")
    head = HEAD + 1
    master = _master(sheet, checks, xl_range(head + 1, _FAILS, head + len(checks), _FAILS))
    sheet.table(head, 0, [book.say(f"column.{key}") for key in COLUMNS], range(2, _FAILS + 1))
    for row, check in enumerate(checks, start=head + 1):
        _check_row(sheet, row, check)
    sheet.page.conditional_format(head + 1, _FAILS, head + len(checks), _FAILS, sheet.unless_zero())
    passed = {"type": "cell", "criteria": "==", "value": 0, "format": book.style("passed")}
    sheet.page.conditional_format(head + 1, _FAILS, head + len(checks), _FAILS, passed)
    sheet.page.autofilter(head, 0, head + len(checks), len(COLUMNS) - 1)
    sheet.widths |= dict.fromkeys(range(2, 5), MONEY_WIDTH) | {0: max(30, sheet.widths.get(0, 0)), len(COLUMNS) - 1: 62}
    sheet.finish(freeze=(head + 1, 1))
    return master


def _master(sheet: Sheet, checks: list[Check], cells: str) -> Formula:
    row, broken = HEAD - 1, sum(check.failed for check in checks)
    sheet.put(row, 0, sheet.book.say("checks.master"), Kind.TEXT, "total")
    sheet.put(row, 1, Formula(f"=SUM({cells})", broken), Kind.ESTIMATE, "total")
    sheet.page.conditional_format(row, 1, row, 1, sheet.unless_zero())
    sheet.book.file.define_name("MasterCheck", f"={absolute(sheet.name, row, 1)}")
    return Formula("=MasterCheck", broken)


def _check_row(sheet: Sheet, row: int, check: Check) -> None:
    binding = "" if check.binding is None else sheet.book.say("yes" if check.binding else "no")
    count = xl_rowcol_to_cell(row, COLUMNS.index("broken"))
    failed = Formula(f"=IF({count}=0,0,{0 if check.soft else 1})", int(check.failed))
    figures, unit = check.shown or ((), Kind.TEXT)
    blank: tuple[Cell | Formula, ...] = (None,) * (3 - len(figures))
    cells: tuple[tuple[Cell | Formula, Kind], ...] = (
        (check.name, Kind.TEXT),
        (check.kind, Kind.TEXT),
        *((figure, unit) for figure in (*figures, *blank)),
        (check.limits, Kind.NUMBER),
        (check.broken, Kind.ESTIMATE),
        (failed, Kind.ESTIMATE),
        (binding, Kind.TEXT),
        (check.how, Kind.TEXT),
    )
    for place, (cell, kind) in enumerate(cells):
        sheet.put(row, place, cell, kind)
        if not isinstance(cell, Formula):
            sheet.widen(place, widest(cell, kind), most=44)


def _structure(model: Model, sheet: Sheet) -> Iterator[Check]:
    """What every plan must be: numbers alone, none negative, inside the fitted range, no error anywhere."""
    layout, say = model.layout, sheet.book.say
    cells = layout.lines * layout.weeks
    kind = say("checks.structure")
    yield Check(say("checks.numbers"), kind, cells, Formula(f"={cells}-COUNT(Plan_Grid)", 0), say("checks.numbers.how"))
    yield Check(say("checks.positive"), kind, cells, Formula('=COUNTIF(Plan_Grid,"<0")', 0), say("checks.positive.how"))
    yield Check(say("checks.range"), kind, layout.responding, _beyond(model), say("checks.range.how"))
    pages = f"Calc!{xl_range_abs(HEAD + 1, 2, layout.calc_last, layout.column(layout.span - 1))}"
    errors = Formula(f"=SUMPRODUCT(--ISERROR({pages}))", 0)
    yield Check(say("checks.errors"), kind, 1, errors, say("checks.errors.how"))


def _beyond(model: Model) -> Formula:
    """Lines with a week beyond the range their curve was fitted on."""
    layout = model.layout
    parts = [f"(MAX({layout.row(i)})>{layout.fact(i, 'fitted_range')}+Tolerance)" for i in range(layout.responding)]
    return Formula(f"={'+'.join(parts)}", 0)


def _rule(model: Model, sheet: Sheet, rule: RuleLimits, places: dict[str, RulePlace], review: ReviewPlaces) -> Check:
    name, place, say = rule.rule.name, places[rule.rule.name], sheet.book.say
    parts = []
    broken = place.broken
    if place.count:
        column = xl_col_to_name(CHECK)
        parts.append(f"SUM(Limits!${column}${place.first + 1}:${column}${place.last + 1})")
    cut = review.broken.get(name)
    if cut is not None:
        parts.append(str(cut.text).removeprefix("="))
        broken += int(float(cut.value))
    logic = isinstance(rule.rule, WeakRoiCut)
    soft = isinstance(rule.rule, Limit) and rule.rule.soft is not None
    shown = name if name not in {"total", "reserve lines spread evenly"} else say(f"checks.{rule.rule.kind}")
    binding = {report.name for report in model.plan.constraints if report.binding}
    return Check(
        shown,
        term(model.lang, "kind", rule.rule.kind),
        place.count + (len(model.work.weak) if logic else 0),
        Formula(f"={'+'.join(parts) or '0'}", broken),
        say(f"checks.how.{_how(rule, model)}"),
        name in binding,
        soft,
        _figures(model, rule, place),
    )


def _figures(model: Model, rule: RuleLimits, place: RulePlace) -> tuple[tuple[Formula, ...], Kind] | None:
    """Value and ends of a rule that is one limit, linked to its row on Limits; None where there are more."""
    if place.count != 1 or not rule.limits:
        return None
    limit = rule.limits[0]
    found: tuple[float | str | None, ...] = (limit.value(model.work.spend, _gmv(model)), limit.least, limit.most)
    cells = [xl_rowcol_to_cell(place.first, column) for column in (VALUE, LEAST, MOST)]
    figures = tuple(
        Formula(f'=IF(Limits!{cell}="","",Limits!{cell})', "" if value is None else value)
        for cell, value in zip(cells, found, strict=True)
    )
    return figures, UNITS.get(limit.unit, Kind.MONEY)


def _how(rule: RuleLimits, model: Model) -> str:
    """How a rule is checked: by formulas on Limits or Review, at a price, or by nothing in this workbook."""
    if isinstance(rule.rule, WeakRoiCut):
        return "review"
    if isinstance(rule.rule, Limit) and rule.rule.soft is not None:
        return "soft"
    if not rule.complete:
        return "none"
    return "partial" if rule.rule in model.work.problem.settings.rules else "limits"
