"""The sheet Checks of the workbook: one row a rule, 0 = holds, and the master check that the cover shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell

from optimizer.plan import ConstraintReport, Plan
from reports import sections
from reports.documents import currency
from reports.sections import Cell, Kind
from reports.sheets import HEAD, Area, Formula, Sheet, widest
from reports.words import Lang, say, shown, term

# a row that joins several cells may be off by half a cent in each of them
_CENTS, _RELATIVE = 0.05, 1e-6

_COLUMNS = ("rule", "kind", "line", "value", "least", "most", "tolerance", "check", "binding")
_VALUE, _LEAST, _MOST, _TOLERANCE, _CHECK = range(3, 8)


@dataclass(frozen=True, slots=True)
class _Check:
    """A rule as a row: a value between limits."""

    rule: str
    kind: str
    value: float | Formula
    least: float | None = None
    most: float | None = None
    tolerance: float = 0.0
    unit: Kind = Kind.MONEY
    line: str | None = None
    binding: bool = False

    @property
    def broken(self) -> bool:
        """Whether the value now lies outside its limits, said as the sheet's own formula says it."""
        now = self.value.value if isinstance(self.value, Formula) else self.value
        if not shown(now):
            return True
        low = self.least is not None and now < self.least - self.tolerance
        return low or (self.most is not None and now > self.most + self.tolerance)


def fill_checks(sheet: Sheet, plan: Plan, grid: Area) -> Formula:
    """Fill the sheet; return the master check.

    Parameters
    ----------
    sheet : Sheet
        The empty sheet Checks.
    plan : Plan
        The plan.
    grid : Area
        Where the sheet Plan holds its table; the name Plan_Grid must be defined.

    Returns
    -------
    Formula
        Number of broken rules.
    """
    checks = (*_live(plan, grid, sheet.book.lang), *(_limit(report, sheet.book.lang) for report in plan.constraints))
    sheet.text(sheet.book.say("section.constraints"), "title")
    sheet.text(sheet.book.say("checks.live"), "sentence")
    sheet.row = HEAD + 1
    first, last = sheet.row + 1, sheet.row + len(checks)
    master = _master(sheet, checks, xl_range(first, _CHECK, last, _CHECK))
    for place, key in enumerate(_COLUMNS):
        title = sheet.book.say(f"column.{key}")
        sheet.put(sheet.row, place, title, Kind.TEXT, "head")
        sheet.widen(place, title, most=16)
    for row, check in enumerate(checks, start=first):
        _row(sheet, row, check)
    sheet.page.conditional_format(first, _CHECK, last, _CHECK, sheet.unless_zero())
    sheet.page.autofilter(first - 1, 0, last, len(_COLUMNS) - 1)
    sheet.finish(freeze=(first, 1))
    return master


def _master(sheet: Sheet, checks: tuple[_Check, ...], cells: str) -> Formula:
    row = HEAD - 1
    broken = sum(check.broken for check in checks)
    sheet.put(row, 0, sheet.book.say("checks.master"), Kind.TEXT, "total")
    sheet.put(row, 1, Formula(f"=SUM({cells})", broken), Kind.ESTIMATE, "total")
    sheet.page.conditional_format(row, 1, row, 1, sheet.unless_zero())
    cell = xl_rowcol_to_cell(row, 1, row_abs=True, col_abs=True)
    sheet.book.file.define_name("MasterCheck", f"={sheet.name}!{cell}")
    return Formula("=MasterCheck", broken)


def _row(sheet: Sheet, row: int, check: _Check) -> None:
    cells: tuple[tuple[Cell | Formula, Kind], ...] = (
        (check.rule, Kind.TEXT),
        (check.kind, Kind.TEXT),
        (check.line, Kind.TEXT),
        (check.value, check.unit),
        (check.least, check.unit),
        (check.most, check.unit),
        (check.tolerance, Kind.TEXT),
        (Formula(_formula(row), int(check.broken)), Kind.ESTIMATE),
        (sheet.book.say("yes" if check.binding else "no"), Kind.TEXT),
    )
    for place, (cell, kind) in enumerate(cells):
        sheet.put(row, place, cell, kind)
        if not isinstance(cell, Formula):
            sheet.widen(place, widest(cell, kind))


def _formula(row: int) -> str:
    value, least, most, tolerance = (xl_rowcol_to_cell(row, place) for place in (_VALUE, _LEAST, _MOST, _TOLERANCE))
    low = f"AND(ISNUMBER({least}),{value}<{least}-{tolerance})"
    high = f"AND(ISNUMBER({most}),{value}>{most}+{tolerance})"
    return f"=IF(OR({low},{high}),1,0)"


def _live(plan: Plan, grid: Area, lang: Lang) -> tuple[_Check, ...]:
    """Return the checks that follow the sheet Plan: its sum, that all cells are numbers, that none is negative."""
    corner = xl_rowcol_to_cell(grid.total, grid.columns["total"], row_abs=True, col_abs=True)
    total, spent = currency(plan.total_fen), sections.spent(plan)
    cells = [fen for line in plan.lines for fen in line.weekly_fen]
    numbers = Formula("=COUNT(Plan_Grid)", len(cells))
    smallest = Formula("=MIN(Plan_Grid)", currency(min(cells)))
    kind = term(lang, "kind", "total")
    # money may be left over only where the solver's own plan leaves some
    sums = _Check(say(lang, "checks.grid_total"), kind, Formula(f"=Plan!{corner}", spent), most=total, tolerance=0.005)
    return (
        sums if sum(cells) < plan.total_fen else replace(sums, least=total),
        _Check(say(lang, "checks.grid_numbers"), kind, numbers, least=len(cells), most=len(cells), unit=Kind.ESTIMATE),
        _Check(say(lang, "checks.grid_positive"), kind, smallest, least=0.0),
    )


def _limit(report: ConstraintReport, lang: Lang) -> _Check:
    share = report.unit == "share"
    return _Check(
        report.name,
        term(lang, "kind", report.kind),
        report.value,
        report.limit if report.sense in {">=", "=="} and not report.soft else None,
        report.limit if report.sense in {"<=", "=="} and not report.soft else None,
        _RELATIVE if share else round(_CENTS + _RELATIVE * abs(report.limit), 4),
        Kind.SHARE if share else Kind.MONEY,
        report.line,
        report.binding,
    )
