"""Lift tests: what experiments measured, read from a table and checked against the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from mmm.calendar import week_of
from mmm.cells import as_word
from mmm.faults import fault
from mmm.files import read_table
from mmm.panel import Panel
from mmm.problems import InputError
from mmm.tables import ABOVE_ZERO, NO_NAME, SIGNED, Table, suggest

SMALLEST_ERROR = 1e-3  # of the measured change: a test known more exactly than that is a slip of the pen


@dataclass(frozen=True, slots=True)
class LiftTest:
    """One experiment on one channel.

    Attributes
    ----------
    channel : str
    start, end : date
        Mondays of its first and last week, both inside.
    unit : str or None
        The unit it ran in; None means all of them.
    spend_change : float
        Change of the channel's spend over the whole test against what the data record, currency; negative for a
        holdout. It is divided over the weeks like the recorded spend.
    kpi_change : float
        What that change did to the KPI in the weeks of the test, in the KPI's own unit.
    kpi_se : float
        Its standard error.
    """

    channel: str
    start: date
    end: date
    unit: str | None
    spend_change: float
    kpi_change: float
    kpi_se: float


def read_lift_tests(name: str, folder: Path, panel: Panel, week_starts: str = "monday") -> tuple[LiftTest, ...]:
    """Read the tests of a project.

    Parameters
    ----------
    name : str
        A .csv, .parquet or .xlsx file with the columns channel, start, end, unit (optional), spend_change, kpi_change
        and kpi_se, a row per test.
    folder : Path
        What the name is relative to.
    panel : Panel
        The data that the tests belong to.
    week_starts : str
        Weekday on which the data's weeks begin.

    Raises
    ------
    InputError
        With every problem found, each naming file, row, column, value and cure.
    """
    table = read_table(name, None, folder)
    rows = range(len(table.rows))
    channels = table.parsed("channel", "lift_tests", as_word, NO_NAME)
    days = {
        column: [day and week_of(day, week_starts) for day in table.days(column, "lift_tests")]
        for column in ("start", "end")
    }
    numbers = {
        column: table.numbers(column, "lift_tests", rows, ABOVE_ZERO if column == "kpi_se" else SIGNED)
        for column in ("spend_change", "kpi_change", "kpi_se")
    }
    units = [str(cell or "").strip() or None for cell in table.columns.get("unit", [""] * len(rows))]
    found = []
    for row in rows:
        channel, start, end = channels[row], days["start"][row], days["end"][row]
        change, gain, error = (float(numbers[column][row]) for column in ("spend_change", "kpi_change", "kpi_se"))
        if channel is None or start is None or end is None or not np.isfinite([change, gain]).all() or not error > 0:
            continue  # reported already
        test = LiftTest(channel, start, end, units[row], change, gain, error)
        _check(table, row, test, panel)
        found.append(test)
    if table.problems:
        raise InputError(dict.fromkeys(table.problems))
    return tuple(found)


def _check(table: Table, row: int, test: LiftTest, panel: Panel) -> None:
    """Everything a test must be for the model to answer it."""

    def report(what: str, column: str, cure: str) -> None:
        table.report(table.problem(what, column, [row], cure))

    if test.channel not in panel.channels:
        report("there is no such channel", "channel", suggest(test.channel, panel.channels))
        return
    if test.unit is not None and test.unit not in panel.units:
        report("there is no such unit", "unit", suggest(test.unit, panel.units))
        return
    if test.end < test.start:
        report("the test ends before it starts", "end", "Swap the dates.")
        return
    if test.start < panel.weeks[0] or test.end > panel.weeks[-1]:
        cure = fault(
            "The data hold {first} to {last}; tests outside them cannot be used.",
            first=f"{panel.weeks[0]}",
            last=f"{panel.weeks[-1]}",
        )
        report("the test lies outside the data", "start", cure)
        return
    if test.kpi_se < SMALLEST_ERROR * abs(test.kpi_change):
        report(
            "the standard error is next to nothing", "kpi_se", "Write the standard error of kpi_change, in KPI units."
        )
    if test.spend_change == 0:
        report("the test changed no spend", "spend_change", "Write by how much the spend was changed over the test.")
    elif recorded_spend(test, panel) + test.spend_change < -0.005:
        report(
            "the test took away more than was spent",
            "spend_change",
            fault(
                "The data record {spend:,.2f} in these weeks; the change is against that.",
                spend=recorded_spend(test, panel),
            ),
        )


def recorded_spend(test: LiftTest, panel: Panel) -> float:
    """Spend that the data record on the test's channel, in its units and weeks."""
    first, last = ((day - panel.weeks[0]).days // 7 for day in (test.start, test.end))
    units: Sequence[int] = [panel.units.index(test.unit)] if test.unit else range(len(panel.units))
    return float(panel.spend[units, first : last + 1, panel.channels.index(test.channel)].sum())
