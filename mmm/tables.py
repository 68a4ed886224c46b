"""Tables read cell by cell: every number, date and name in its own words of refusal, all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from mmm.cells import Number, day_reader, is_blank, read_number
from mmm.faults import fault
from mmm.problems import InputError, Problem

Floats = npt.NDArray[np.float64]
_T = TypeVar("_T")

SHOWN = 5

# Cells ----------------------------------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """What is wrong with a cell, and the cure."""

    what: str
    cure: str


BAD_DATE = Fault("the date cannot be read", "Write year, month, day, such as 2027-10-04; other orders are ambiguous.")
NO_NAME = Fault("the cell is empty", "Name the unit or channel of every row.")
_BLANK = Fault("the cell is empty", "Write a number; 0 where there was none.")
_TEXT = Fault("this is not a number", "Write a plain number, such as 1234.5.")
_PERCENT = Fault("an amount cannot be a percentage", "Write the amount itself.")
_SOME_PERCENT = Fault("some cells of the column are percentages and others are not", "Write all of them one way.")
_CURRENCIES = Fault("the column holds several currencies", "Convert all of it to the project's currency.")
_INFINITE = Fault("the number is not finite", "Write a finite number.")
_NEGATIVE = Fault("the number is negative", "Write 0 or more; book refunds and credits in the week they belong to.")
_NOT_ABOVE_ZERO = Fault("the number is not above zero", "Write the currency value of one KPI unit.")


class Demand(NamedTuple):
    """What a column's numbers must be."""

    least: float = -np.inf
    blank: bool = False
    above_zero: bool = False
    percent: bool = False

    def fault(self, number: float) -> Fault | None:
        """Name what is wrong with a number, if anything is."""
        if np.isnan(number):
            return None if self.blank else _BLANK
        if np.isinf(number):
            return _INFINITE
        if self.above_zero and number <= 0:
            return _NOT_ABOVE_ZERO
        return _NEGATIVE if number < self.least else None


AMOUNT = Demand(least=0.0)
SIGNED = Demand()
CONTROL = Demand(percent=True)
ABOVE_ZERO = Demand(above_zero=True)
OPTIONAL = Demand(least=0.0, blank=True)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file's cells by column, before any of them is believed, and the problems found in them.

    ``rows`` are spreadsheet row numbers; positions in ``rows`` and in the columns agree.
    """

    name: str
    rows: Sequence[int]
    columns: Mapping[str, Sequence[object]]
    problems: list[Problem] = field(default_factory=list)

    def report(self, problem: Problem) -> None:
        """Keep a problem until all are known."""
        self.problems.append(problem)

    def problem(self, what: str, column: str, found: Sequence[int], cure: str) -> Problem:
        """Name the first cells at fault and how many more there are."""
        rows = f"{'row' if len(found) == 1 else 'rows'} {listed([self.rows[row] for row in found])}"
        cells = [self.columns[column][row] for row in found]
        shown = listed([str(cell)[:40] for cell in cells if not is_blank(cell)])
        return Problem(what, f"{self.name}, {rows}, column {column}", shown, cure)

    def cells(self, column: str, key: str) -> Sequence[object]:
        """Cells of a column; none, and a problem that names the setting ``key``, if there is no such column."""
        if column not in self.columns:
            near = suggest(column, list(self.columns))
            cure = fault("{near} It is named by {key}.", near=near, key=key)
            self.report(Problem("the column is missing", f"{self.name}, column {column}", cure=cure))
        return self.columns.get(column, ())

    def parsed(self, column: str, key: str, read: Callable[[object], _T], fault: Fault) -> list[_T | None]:
        """Every cell of a column as ``read`` understands it, None where it does not."""
        values: list[_T | None] = [None] * len(self.rows)
        wrong = []
        for row, cell in enumerate(self.cells(column, key)):
            try:
                values[row] = read(cell)
            except ValueError:
                wrong.append(row)
        if wrong:
            self.report(self.problem(fault.what, column, wrong, fault.cure))
        return values

    def days(self, column: str, key: str) -> list[date | None]:
        """Every day of a column, None where there is none; the column settles what a cell leaves open."""
        return self.parsed(column, key, day_reader(self.columns.get(column, ())), BAD_DATE)

    def numbers(self, column: str, key: str, rows: Iterable[int], demand: Demand) -> Floats:
        """Numbers of a column at ``rows``, array (row,); NaN elsewhere and where there is no number."""
        values = np.full(len(self.rows), np.nan)
        cells = self.cells(column, key)
        faults: dict[Fault, list[int]] = {}
        found: dict[int, Number] = {}
        for row in rows if cells else ():
            try:
                found[row] = read_number(cells[row])
                values[row] = found[row].value
                fault = demand.fault(values[row])
            except (ValueError, OverflowError):
                fault = _TEXT
            if fault:
                faults.setdefault(fault, []).append(row)
        for fault, wrong in (faults | _marks(found, demand)).items():
            self.report(self.problem(fault.what, column, wrong, fault.cure))
        return values


def _marks(found: Mapping[int, Number], demand: Demand) -> dict[Fault, list[int]]:
    """Rows whose percent or currency sign does not go with the rest of the column."""
    percent = [row for row, number in found.items() if number.percent]
    first = next((number.currency for number in found.values() if number.currency), None)
    foreign = [row for row, number in found.items() if number.currency not in {None, first}]
    plain = any(abs(number.value) > 1 for number in found.values() if not number.percent)
    faults = {_CURRENCIES: foreign}
    if not demand.percent:
        faults[_PERCENT] = percent
    elif plain:
        faults[_SOME_PERCENT] = percent
    return {fault: rows for fault, rows in faults.items() if rows}


# Words ----------------------------------------------------------------------------------------------------------------


def refusal(what: str, where: str, value: str, cure: str) -> InputError:
    """An error of one problem."""
    return InputError([Problem(what, where, value, cure)])


def listed(items: Sequence[object]) -> str:
    """Join the first items and say how many more there are."""
    shown = ", ".join(map(str, items[:SHOWN]))
    return fault("{shown} and {count} more", shown=shown, count=len(items) - SHOWN) if len(items) > SHOWN else shown


def suggest(name: str, known: Sequence[str]) -> str:
    """Nearest known name, whatever its case, or what there is."""
    folded = {other.casefold(): other for other in known}
    if close := get_close_matches(name.casefold(), folded, n=1):
        return fault('Did you mean "{name}"?', name=folded[close[0]])
    return fault("There are: {names}{more}.", names=list(known[:12]), more=" ..." if len(known) > 12 else "")
