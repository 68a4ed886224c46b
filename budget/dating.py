"""Which seven days a dated row of weekly data stands for: its week's first day, its last, or the calendar's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from budget import vocabulary as words
from mmm.calendar import WEEKDAYS, first_day, intensity, read_calendar, week_of
from mmm.cells import is_span

Floats = npt.NDArray[np.float64]

_AROUND = 4  # weeks to either side against which a week is high or low
_CLEAR = 0.3  # correlation of peaks and KPI from which the peaks are seen at all
_APART = 0.1  # and by which one reading must beat the other
_USUALLY_LAST = (4, 5, 6)  # weeks dated on these days mostly end on them: trade weeks, and Monday weeks by their Sunday


@dataclass(frozen=True, slots=True)
class Dating:
    """How the dates of weekly rows are read.

    Attributes
    ----------
    weekday : int
        On which all rows are dated, 0 for Monday.
    starts : str
        Weekday on which the weeks begin.
    why : str
        "name" (of the column), "cells" (which hold both ends), "peaks" (of the calendar, which the KPI follows) or
        "usual".
    """

    weekday: int
    starts: str
    why: Literal["name", "cells", "peaks", "usual"]

    @property
    def plain(self) -> bool:
        """Whether rows are dated on the Mondays that name their weeks, so that nothing needs to be said."""
        return self.weekday == 0 and self.starts == "monday"

    @property
    def place(self) -> Literal["first", "last", "inside"]:
        """What the date is of its week."""
        first = WEEKDAYS.index(self.starts)
        return "first" if first == self.weekday else "last" if (first - 1) % 7 == self.weekday else "inside"


def dating_of(
    column: str, cells: Sequence[object], days: Sequence[date | None], kpi: Mapping[date, float], calendar: str
) -> Dating | None:
    """Read off what a column's dates are of their weeks; None where rows are dated on several weekdays.

    Parameters
    ----------
    column : str
        Its header.
    cells, days : sequence
        Its cells, and the days that they are read as.
    kpi : mapping of day to float
        Outcome of each dated week.
    calendar : str
        Name of a shipped calendar, or "none".
    """
    weekdays = {day.weekday() for day in days if day}
    if len(weekdays) != 1:
        return None
    (weekday,) = weekdays
    first, last = WEEKDAYS[weekday], WEEKDAYS[(weekday + 1) % 7]
    header = words.folded(column)
    if 2 * sum(map(is_span, cells)) > len(cells):
        return Dating(weekday, first, "cells")
    if words.WEEK_ENDS.search(header):
        return Dating(weekday, last, "name")
    if weekday == 0 or words.WEEK_STARTS.search(header):
        return Dating(weekday, first, "name" if weekday else "usual")
    if found := _by_peaks(kpi, calendar, (first, last)):
        return Dating(weekday, found, "peaks")
    return Dating(weekday, last if weekday in _USUALLY_LAST else "monday", "usual")


def _by_peaks(kpi: Mapping[date, float], calendar: str, readings: tuple[str, str]) -> str | None:
    """Choose the reading under which the KPI rises in the calendar's peak weeks; None where neither is clear."""
    if calendar == "none" or len(kpi) <= 2 * _AROUND or min(kpi.values()) <= 0:
        return None
    days = sorted(kpi)
    level = _against_neighbours(np.log([kpi[day] for day in days]))
    peaks = read_calendar(calendar, Path())
    scores = {}
    for starts in readings:
        inside = intensity(replace(peaks, first_day=first_day(starts)), [week_of(day, starts) for day in days])
        scores[starts] = _correlation(level, _against_neighbours(inside))
    best, other = sorted(readings, key=lambda starts: -scores[starts])
    return best if scores[best] >= _CLEAR and scores[best] - scores[other] >= _APART else None


def _against_neighbours(values: Floats) -> Floats:
    """How far each week stands above the median of those around it."""
    padded = np.pad(values, _AROUND, mode="edge")
    return values - np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1), axis=1)


def _correlation(one: Floats, other: Floats) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if one.std() > 0 and other.std() > 0 else 0.0
