"""What the market would sell without the plan's spend in a coming week, from last year and how that fared before.

The response curves say what spend adds. What is left of the KPI after taking the model's media off is the baseline; it
is carried over by a seasonal naive forecast: the same week of last year times the growth since. Its error is not
assumed but measured, on the weeks of history for which the same forecast could have been made. Needs numpy alone, so a
weekly review loads no sampler.

Source: Hyndman & Athanasopoulos 2021, Forecasting: Principles and Practice, 5.2 (seasonal naive) and 5.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

YEAR = 52
SEASON = 13  # weeks whose mean is held against the same weeks a year earlier, for growth
LEAST_ERRORS = 13


@dataclass(frozen=True, slots=True)
class Baseline:
    """Baseline of every week of history, and how well the year before foretold it.

    Attributes
    ----------
    weeks : tuple of date
        Mondays.
    values : array (week,)
        Currency.
    growth : float
        The last ``SEASON`` weeks over the same weeks a year earlier.
    errors : array (week,)
        Relative errors of the forecast on the last weeks of history, made a quarter ahead.
    """

    weeks: tuple[date, ...]
    values: Floats
    growth: float
    errors: Floats

    def expected(self, week: date) -> float | None:
        """The baseline to expect in a week, currency; None where history does not hold the week a year before."""
        known = dict(zip(self.weeks, self.values, strict=True))
        before = known.get(week - timedelta(weeks=YEAR))
        return None if before is None else float(before * self.growth)

    def relative_sd(self, weeks: int) -> float:
        """Relative error to expect of the sum of some weeks in a row: errors of neighbouring weeks go together."""
        span = min(weeks, self.errors.size)
        means = np.convolve(self.errors, np.full(span, 1 / span), mode="valid")
        return float(np.sqrt(np.mean(means**2)))


def baseline_of(weeks: Sequence[date], kpi: Floats, media: Floats) -> Baseline | None:
    """Learn the baseline from history; None when it is too short to tell how wrong the forecast is.

    Parameters
    ----------
    weeks : sequence of date
        Mondays in a row.
    kpi : array (week,)
        Currency.
    media : array (week,)
        What the model credits to media, currency.
    """
    left = np.asarray(kpi - media, dtype=np.float64)
    first = YEAR + 2 * SEASON  # before it, growth a quarter earlier is unknown
    if left.size < first + LEAST_ERRORS:
        return None
    foretold = np.array([left[t - YEAR] * _growth(left, t - SEASON) for t in range(first, left.size)])
    return Baseline(tuple(weeks), left, _growth(left, left.size), left[first:] / foretold - 1)


def _growth(values: Floats, end: int) -> float:
    """Mean of the season that ends before a week over that of the same weeks a year earlier."""
    now, then = values[end - SEASON : end].mean(), values[end - YEAR - SEASON : end - YEAR].mean()
    return float(now / then)
