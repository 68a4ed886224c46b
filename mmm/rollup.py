"""Daily rows made weekly: whole weeks of seven days, sums of what flows and means of what stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from mmm.calendar import first_day, week_of

Floats = npt.NDArray[np.float64]
Key = tuple[str, date]

_WEEK = 7


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers by name, each array (row,), and the row that holds each unit and week (or day).

    ``left_out`` are the first and last days of incomplete weeks at the ends.
    """

    index: dict[Key, int]
    values: dict[str, Floats]
    left_out: tuple[tuple[date, date], ...] = ()


def weekly(daily: Series, how: Mapping[str, str], starts: str = "monday") -> tuple[Series, tuple[Key, ...]]:
    """Add days up to weeks.

    Parameters
    ----------
    daily : Series
        Its index goes by unit and day.
    how : mapping of name to "sum", "mean" or another name
        Another name means an average in which each day counts by that column.
    starts : str
        Weekday on which weeks begin.

    Returns
    -------
    Series
        Its index goes by unit and Monday; rows are weeks.
    tuple of (unit, day)
        Days that lack between the first and the last whole week.
    """
    days: dict[Key, dict[date, int]] = {}
    for (unit, day), row in daily.index.items():
        days.setdefault((unit, week_of(day, starts)), {})[day] = row
    parts = _ends(days)
    whole = sorted(key for key in days if key not in parts)
    rows = [[days[key][day] for day in sorted(days[key])] for key in whole]
    values = {
        name: np.array([_of_week(daily.values, name, how[name], week) for week in rows], dtype=float)
        for name in daily.values
    }
    first = first_day(starts)
    lacking = tuple(
        (unit, week + timedelta(days=step))
        for unit, week in whole
        for step in range(first, first + _WEEK)
        if week + timedelta(days=step) not in days[unit, week]
    )
    left_out = sorted({(min(days[key]), max(days[key])) for key in parts})
    return Series({key: row for row, key in enumerate(whole)}, values, tuple(left_out)), lacking


def _ends(days: Mapping[Key, Mapping[date, int]]) -> set[Key]:
    """Incomplete weeks that are the first or the last of their unit."""
    found = set()
    for unit in {unit for unit, _ in days}:
        weeks = [week for own, week in days if own == unit]
        found |= {(unit, week) for week in (min(weeks), max(weeks)) if len(days[unit, week]) < _WEEK}
    return found


def _of_week(values: Mapping[str, Floats], name: str, how: str, rows: list[int]) -> float:
    numbers = values[name][rows]
    if how == "sum":
        return float(numbers.sum())
    weights = None if how == "mean" else values[how][rows]
    return float(np.average(numbers, weights=weights if weights is not None and weights.sum() > 0 else None))
