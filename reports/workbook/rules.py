"""The sheets Limits and Checks: every rule as live formulas over the plan, 0 = holds, and the master check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from xlsxwriter.utility import xl_col_to_name, xl_range, xl_range_abs, xl_rowcol_to_cell

from optimizer.limits import Choice, Limit, RuleLimits
from optimizer.rules import WeakRoiCut
from reports.sections import Cell, Kind
from reports.sheets import HEAD, Formula, Sheet, widest
from reports.words import plain, term
from reports.workbook.inputs import TOLERANCE
from reports.workbook.layout import absolute
from reports.workbook.model import Model
from reports.workbook.review import ReviewPlaces

Floats = npt.NDArray[np.float64]

FIRST = HEAD + 1
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
    sheet.table(HEAD, 0, [book.say(f"column.{key}") for key in titles])
    row, places = FIRST, {}
    for rule in model.work.rules:
        first, broken = row, 0
        items: tuple[Limit | Choice, ...] = (*rule.limits, *rule.choices)
        for item in items:
            broken += _row(sheet, model, row, item)
            row += 1
        places[rule.rule.name] = RulePlace(first, row - 1, broken)
    sheet.page.conditional_format(FIRST, CHECK, max(row - 1, FIRST), CHECK, sheet.unless_zero())
    sheet.page.autofilter(HEAD, 0, max(row - 1, FIRST), CHECK)
    sheet.widths[3] = min(sheet.widths.get(3, 20), 60)
    sheet.finish(freeze=(FIRST, 2))
    return places


def _row(sheet: Sheet, model: Model, row: int, item: Limit | Choice) -> int:
    """Write one limit, or two that a switch joins; returns 1 when it is broken."""
    limit = item if isinstance(item, Limit) else item.limits[0]
    line = "" if limit.line is None else model.label(limit.line)
    shown = [limit.rule.name, term(model.lang, "kind", limit.rule.kind), line, limit.name]
    for place, words in enumerate(shown):
        sheet.put(row, place, words, Kind.TEXT)
        sheet.widen(place, plain(words))
    broken = (
        _write_limit(sheet, model, row, item) if isinstance(item, Limit) else _write_choice(sheet, model, row, item)
    )
    for place in (VALUE, LEAST, MOST):
        sheet.widen(place, "10,000,000.00")
    return broken


def _write_limit(sheet: Sheet, model: Model, row: int, limit: Limit) -> int:
    shares = limit.share is not None and limit.whole is not None
    kind = Kind.SHARE if shares else Kind.MONEY
    value = _share_value(limit, model.work.spend) if shares else limit.value(model.work.spend)
    text = _share_formula(model, limit) if shares else f"={combination(model, limit.cells)}"
    low, high = limit.lower is not None, limit.upper is not None
    tolerance = Formula(_tolerance_formula(model, limit), _tolerance(model, limit))
    sheet.put(row, VALUE, Formula(text, value), kind)
    for place, asked, end, field in ((LEAST, low, limit.lower, "min"), (MOST, high, limit.upper, "max")):
        if asked:
            _end(sheet, model, row, place, limit, limit.share if shares else end, field, kind)
        else:
            sheet.put(row, place, None, kind)
    sheet.put(row, SLACK, tolerance, Kind.TEXT)
    least = limit.share if shares and low else limit.lower
    most = limit.share if shares and high else limit.upper
    slack = float(tolerance.value)
    broken = int((low and value < float(least or 0) - slack) or (high and value > float(most or 0) + slack))
    sheet.put(row, CHECK, Formula(_check_formula(row), broken), Kind.ESTIMATE)
    return broken


def _end(
    sheet: Sheet, model: Model, row: int, place: int, limit: Limit, end: float | None, field: str, kind: Kind
) -> None:
    """One end of a limit: linked to the rule's number in Inputs where it is that number, or a multiple by history."""
    link = _linked(model, limit, float(end or 0.0), field)
    if link is None:
        sheet.put(row, place, end, kind)
    else:
        sheet.put(row, place, Formula(f"={link}", float(end or 0.0)), kind, "linked")


def _linked(model: Model, limit: Limit, end: float, field: str) -> str | None:
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


def _share_value(limit: Limit, spend: Floats) -> float:
    counts = np.asarray(limit.whole)
    whole = float((counts[:, None] * spend).sum())
    return (limit.value(spend) / whole + float(limit.share or 0.0)) if whole > 0 else 0.0


def _share_formula(model: Model, limit: Limit) -> str:
    """Part over whole, zero of nothing; the row itself is ``part - share * whole``."""
    counts = np.asarray(limit.whole)
    inside = limit.cells[:, 0] + float(limit.share or 0.0) * counts
    part = _weighted(model, np.where(np.abs(inside) < 1e-9, 0.0, inside))
    whole = model.layout.grand_total if np.all(counts == 1.0) else _weighted(model, counts)
    return f"=IF({whole}>0,({part})/({whole}),0)"


def _weighted(model: Model, counts: Floats) -> str:
    parts = [_term(float(count), model.layout.line_total(i)) for i, count in enumerate(counts) if count != 0]
    return _joined(parts)


def combination(model: Model, cells: Floats) -> str:
    """Formula of ``sum(cells * plan)``: whole lines by their totals, neighbouring weeks alike as sums."""
    layout, parts = model.layout, []
    if np.all(cells == cells[0, 0]) and cells[0, 0] != 0:
        return _joined([_term(float(cells[0, 0]), layout.grand_total)])
    for line, row in enumerate(cells):
        if row[0] != 0 and np.all(row == row[0]):
            parts.append(_term(float(row[0]), layout.line_total(line)))
            continue
        for first, last in _runs(row):
            where = layout.cell(line, first) if first == last else f"SUM({layout.row(line, first, last)})"
            parts.append(_term(float(row[first]), f"N({where})" if first == last else where))
    return _joined(parts)


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


def _tolerance(model: Model, limit: Limit) -> float:
    spent, base = float(model.work.spend.sum()), TOLERANCE
    if limit.share is not None:
        return base * _widest_count(limit) / max(1.0, spent)
    ends = [abs(end) for end in (limit.lower, limit.upper) if end is not None]
    return base + 1e-9 * max(ends, default=0.0)


def _widest_count(limit: Limit) -> float:
    return max(1.0, float(np.max(limit.whole))) if limit.whole is not None else 1.0


def _tolerance_formula(model: Model, limit: Limit) -> str:
    """Two cents; of a share what they make of the whole; of huge amounts a billionth, as sums are no finer."""
    if limit.share is not None:
        return f"=Tolerance*{_widest_count(limit)!r}/MAX(1,{model.layout.grand_total})"
    return f"=Tolerance+{1e-9 * max((abs(e) for e in (limit.lower, limit.upper) if e is not None), default=0.0)!r}"


def _check_formula(row: int) -> str:
    value, least, most, tolerance = (xl_rowcol_to_cell(row, place) for place in (VALUE, LEAST, MOST, SLACK))
    low = f"AND(ISNUMBER({least}),{value}<{least}-{tolerance})"
    high = f"AND(ISNUMBER({most}),{value}>{most}+{tolerance})"
    return f"=IF(OR({low},{high}),1,0)"


def _write_choice(sheet: Sheet, model: Model, row: int, choice: Choice) -> int:
    """A line that is off or within its range: broken when neither side holds."""
    off, on = _range(choice, 0), _range(choice, 1)
    limit, spend = choice.limits[0], model.work.spend
    sheet.put(row, VALUE, Formula(f"={combination(model, limit.cells)}", limit.value(spend)), Kind.MONEY)
    for place, end, field in ((LEAST, on[0], "min"), (MOST, on[1], "max")):
        if np.isfinite(end):
            _end(sheet, model, row, place, limit, end, field, Kind.MONEY)
    sheet.put(row, SLACK, Formula("=Tolerance", TOLERANCE), Kind.TEXT)
    value, least, most, slack = (xl_rowcol_to_cell(row, place) for place in (VALUE, LEAST, MOST, SLACK))
    outside_on = f"OR(AND(ISNUMBER({least}),{value}<{least}-{slack}),AND(ISNUMBER({most}),{value}>{most}+{slack}))"
    outside_off = [
        *([f"{value}<{off[0]!r}-{slack}"] if np.isfinite(off[0]) else []),
        *([f"{value}>{off[1]!r}+{slack}"] if np.isfinite(off[1]) else []),
    ]
    broken = int(not choice.holds(spend, TOLERANCE))
    text = f"=IF(AND({outside_on},OR({','.join(outside_off) or 'FALSE'})),1,0)"
    sheet.put(row, CHECK, Formula(text, broken), Kind.ESTIMATE)
    return broken


def _range(choice: Choice, on: int) -> tuple[float, float]:
    """What the common sum of the limits may be with the switch off or on."""
    low = [limit.lower - on * limit.switch for limit in choice.limits if limit.lower is not None]
    high = [limit.upper - on * limit.switch for limit in choice.limits if limit.upper is not None]
    return float(max(low, default=-np.inf)), float(min(high, default=np.inf))


# Checks ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """One row of Checks: number of limits, how many are broken, and how it is known."""

    name: str
    kind: str
    limits: int
    broken: Formula
    how: str
    binding: bool | None = None


COLUMNS = ("rule", "kind", "limits", "broken", "check", "binding", "how")


def fill_checks(sheet: Sheet, model: Model, places: dict[str, RulePlace], review: ReviewPlaces) -> Formula:
    """Fill Checks; returns the master check, the number of rows that fail."""
    book = sheet.book
    checks = [*_structure(model, sheet), *(_rule(model, sheet, rule, places, review) for rule in model.work.rules)]
    sheet.text(book.say("checks.title"), "title")
    sheet.text(book.say("checks.sentence"), "sentence")
    head = HEAD + 1
    master = _master(sheet, checks, xl_range(head + 1, 4, head + len(checks), 4))
    sheet.table(head, 0, [book.say(f"column.{key}") for key in COLUMNS])
    for row, check in enumerate(checks, start=head + 1):
        _check_row(sheet, row, check)
    sheet.page.conditional_format(head + 1, 4, head + len(checks), 4, sheet.unless_zero())
    passed = {"type": "cell", "criteria": "==", "value": 0, "format": book.style("passed")}
    sheet.page.conditional_format(head + 1, 4, head + len(checks), 4, passed)
    sheet.page.autofilter(head, 0, head + len(checks), len(COLUMNS) - 1)
    sheet.widths |= {0: max(30, sheet.widths.get(0, 0)), 6: 62}
    sheet.finish(freeze=(head + 1, 1))
    return master


def _master(sheet: Sheet, checks: list[Check], cells: str) -> Formula:
    row, broken = HEAD - 1, sum(float(check.broken.value) > 0 for check in checks)
    sheet.put(row, 0, sheet.book.say("checks.master"), Kind.TEXT, "total")
    sheet.put(row, 1, Formula(f"=SUM({cells})", broken), Kind.ESTIMATE, "total")
    sheet.page.conditional_format(row, 1, row, 1, sheet.unless_zero())
    sheet.book.file.define_name("MasterCheck", f"={absolute(sheet.name, row, 1)}")
    return Formula("=MasterCheck", broken)


def _check_row(sheet: Sheet, row: int, check: Check) -> None:
    binding = "" if check.binding is None else sheet.book.say("yes" if check.binding else "no")
    failed = Formula(f"=IF({xl_rowcol_to_cell(row, 3)}=0,0,1)", int(float(check.broken.value) > 0))
    cells: tuple[tuple[Cell | Formula, Kind], ...] = (
        (check.name, Kind.TEXT),
        (check.kind, Kind.TEXT),
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
    how = "checks.how.review" if cut is not None else "checks.how.limits" if rule.complete else "checks.how.none"
    shown = name if name not in {"total", "reserve lines spread evenly"} else say(f"checks.{rule.rule.kind}")
    binding = {report.name.split(":")[0] for report in model.plan.constraints if report.binding}
    return Check(
        shown,
        term(model.lang, "kind", rule.rule.kind),
        place.count + (len(model.work.weak) if logic else 0),
        Formula(f"={'+'.join(parts) or '0'}", broken),
        say(how),
        name in binding,
    )
