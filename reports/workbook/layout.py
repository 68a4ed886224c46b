"""Where everything stands in the planning workbook: one place that knows rows and columns, so formulas cannot drift."""

from __future__ import annotations

from dataclasses import dataclass

from xlsxwriter.utility import xl_col_to_name, xl_range, xl_range_abs, xl_rowcol_to_cell

from reports.sheets import HEAD

SETTINGS = (
    "total",
    "tolerance",
    "display_unit",
    "weeks",
    "total_low",
    "total_high",
    "weak_tolerance",
)
"""Rows of the first block of Inputs, in their order."""

LINE_FACTS = (
    "category",
    "history",
    "after",
    "fitted_range",
    "carried",
    "true_up",
    "low_factor",
    "high_factor",
    "weak_so_far",
    "last_week",
    "own_threshold",
    "ratio",
)
"""Columns of the lines' block of Inputs, from column C."""


def absolute(sheet: str, row: int, column: int) -> str:
    """Reference to a cell of another sheet, both parts fixed."""
    return f"{sheet}!{xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows and columns (from 0) of every block.

    Attributes
    ----------
    lines, responding : int
        Budget lines, and those with a response, which come first.
    weeks, lags, cases : int
        Weeks of the plan, weeks that carry over, carry-over cases.
    limits : int
        Rule fields listed in Inputs.
    """

    lines: int
    responding: int
    weeks: int
    lags: int
    cases: int
    limits: int

    # Plan and Solver hold the same grid at the same cells ------------------------------------------------------------

    @property
    def grid_first(self) -> int:
        """Row of the first line."""
        return HEAD + 1

    @property
    def grid_last(self) -> int:
        """Row of the last line."""
        return HEAD + self.lines

    @property
    def total_column(self) -> int:
        """Column of the lines' totals."""
        return 2 + self.weeks

    def cell(self, line: int, week: int, sheet: str = "Plan") -> str:
        """A cell of the grid."""
        return f"{sheet}!{xl_rowcol_to_cell(self.grid_first + line, 2 + week)}"

    def row(self, line: int, first: int = 0, last: int | None = None, sheet: str = "Plan") -> str:
        """Some weeks of a line."""
        row, end = self.grid_first + line, self.weeks - 1 if last is None else last
        return f"{sheet}!{xl_range(row, 2 + first, row, 2 + end)}"

    def line_total(self, line: int, sheet: str = "Plan") -> str:
        """A line's total."""
        return f"{sheet}!{xl_rowcol_to_cell(self.grid_first + line, self.total_column, col_abs=True)}"

    @property
    def grand_total(self) -> str:
        """The plan's total."""
        return absolute("Plan", self.grid_last + 1, self.total_column)

    # Inputs ----------------------------------------------------------------------------------------------------------

    def setting(self, name: str) -> str:
        """A setting's cell."""
        return absolute("Inputs", self.setting_row(name), 2)

    def setting_row(self, name: str) -> int:
        """A setting's row."""
        return HEAD + 1 + SETTINGS.index(name)

    @property
    def limit_head(self) -> int:
        """Row of the titles of the rule fields."""
        return HEAD + len(SETTINGS) + 3

    @property
    def line_head(self) -> int:
        """Row of the titles of the lines' facts."""
        return self.limit_head + self.limits + 3

    def fact(self, line: int, name: str) -> str:
        """A fact of a line."""
        return absolute("Inputs", self.line_head + 1 + line, 2 + LINE_FACTS.index(name))

    @property
    def weights_head(self) -> int:
        """Row of the titles of the carry-over weights."""
        return self.line_head + self.lines + 3

    @property
    def backwards_head(self) -> int:
        """Row of the titles of the same weights, oldest week first."""
        return self.weights_head + self.responding * self.cases + 3

    @property
    def opening_head(self) -> int:
        """Row of the titles of the opening weeks."""
        return self.backwards_head + self.responding * self.cases + 3

    def case_row(self, line: int, case: int) -> int:
        """Place of a line's case within a block that has a row for each."""
        return 1 + line * self.cases + case

    def weights(self, line: int, case: int, head: int) -> str:
        """Weights of a case, from the block under a title row."""
        row = head + self.case_row(line, case)
        return f"Inputs!{xl_range_abs(row, 2, row, 2 + self.lags)}"

    # Season and Calc: a column a week, the same in both --------------------------------------------------------------

    @property
    def span(self) -> int:
        """Weeks with a response: the plan's and the carry-over after it."""
        return self.weeks + self.lags

    def column(self, week: int) -> int:
        """Column of a week; the plan's first week is 0, opening weeks are negative."""
        return 2 + self.lags + week

    def season(self, line: int, week: int, curve: int) -> str:
        """What a week takes of the ordinary (0) or of the peak (1) curve."""
        return f"Season!{xl_col_to_name(self.column(week))}{HEAD + 3 + 2 * line + curve}"

    @property
    def spend_head(self) -> int:
        """Title row of Calc's first block."""
        return HEAD

    @property
    def stock_head(self) -> int:
        """Title row of effective spend."""
        return self.spend_head + self.responding + 3

    def _next(self, head: int) -> int:
        return head + self.responding * self.cases + 3

    @property
    def segment_head(self) -> int:
        """Title row of the pieces of the curves."""
        return self._next(self.stock_head)

    @property
    def response_head(self) -> int:
        """Title row of the response."""
        return self._next(self.segment_head)

    @property
    def slope_head(self) -> int:
        """Title row of the slopes."""
        return self._next(self.response_head)

    @property
    def weekly_head(self) -> int:
        """Title row of GMV by week."""
        return self._next(self.slope_head)

    @property
    def next_head(self) -> int:
        """Title row of what the next unit earns."""
        return self.weekly_head + self.responding + 3

    @property
    def result_head(self) -> int:
        """Title row of the lines' results."""
        return self.next_head + self.responding + 3

    @property
    def calc_last(self) -> int:
        """Last row of Calc."""
        return self.result_head + self.responding

    def calc(self, row: int, week: int) -> str:
        """A cell of Calc as other sheets write it."""
        return f"Calc!{xl_rowcol_to_cell(row, self.column(week))}"

    def result(self, line: int, column: int) -> str:
        """A cell of the lines' results."""
        return f"Calc!{xl_rowcol_to_cell(self.result_head + 1 + line, 2 + column)}"
