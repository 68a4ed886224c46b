"""The picture around a plan: what each line would earn at other spends, and the shopping peaks of its weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from mmm.calendar import Calendar, window_weeks
from optimizer.plan import Plan
from optimizer.problem import PlanProblem

Floats = npt.NDArray[np.float64]

DRAWS = 1000  # of the posterior, at most
POINTS = 17
BEYOND = 1.25  # how far a curve is drawn past the most the line spends here, last year or in near-optimal plans
FLOOR = 0.25  # of an average line: so much of a curve is drawn for a line without money


@dataclass(frozen=True, slots=True)
class LineCurve:
    """What a line would earn in the plan's weeks at other spends, each week's share of it kept.

    Attributes
    ----------
    name : str
    spend : array (point,)
        Currency over the horizon, from nothing, the plan's own among them.
    mean, low, high : array (point,)
        GMV that the spend adds, currency: its expectation and the ends of its 90% interval.
    """

    name: str
    spend: Floats
    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class PeakWeeks:
    """A shopping peak in the plan: its name and the positions of the first and last week that it touches."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """Curves of the lines with a response in the plan's order, and peaks in time's."""

    curves: tuple[LineCurve, ...]
    peaks: tuple[PeakWeeks, ...]


def outlook(problem: PlanProblem, plan: Plan, calendar: Calendar) -> Outlook:
    """Look around a plan of a settled problem."""
    lines = plan.lines[: problem.responding]
    spend = np.array([line.weekly_fen for line in lines], dtype=np.float64).T / 100
    near = np.array([line.near_optimal[1] if line.near_optimal else 0.0 for line in lines])
    with threadpool_limits(limits=1, user_api="blas"):
        curves = _curves(problem, spend, near)
    return Outlook(curves, _peaks(problem, calendar))


def _curves(problem: PlanProblem, spend: Floats, near: Floats) -> tuple[LineCurve, ...]:
    """All lines at once: a line's GMV depends on its own spend alone."""
    lines = problem.lines[: problem.responding]
    paid = spend.sum(axis=0)
    last_year = np.array([line.reference.sum() for line in lines])
    most = BEYOND * np.maximum.reduce([paid, last_year, near, np.full_like(paid, FLOOR * paid.mean())])
    even = np.full_like(spend, 1 / spend.shape[0])
    shape = np.divide(spend, paid, out=even, where=paid > 0)
    # The plan's own spend is a point of the curve, which bends most where spend is small.
    points = np.sort(np.vstack([np.linspace(np.zeros_like(most), most, POINTS), paid]), axis=0)  # (point, name)
    response = problem.response.thinned(DRAWS)
    gains = np.stack([response.incremental(shape * totals) for totals in points])  # (point, draw, name)
    low, high = np.quantile(gains, (0.05, 0.95), axis=1)
    mean = gains.mean(axis=1)
    return tuple(LineCurve(line.name, points[:, i], mean[:, i], low[:, i], high[:, i]) for i, line in enumerate(lines))


def _peaks(problem: PlanProblem, calendar: Calendar) -> tuple[PeakWeeks, ...]:
    strong = dict.fromkeys(peak.name for peak in calendar.peaks if peak.intensity > 0)
    touched = {name: window_weeks(calendar, name, problem.weeks) for name in strong}
    found = [PeakWeeks(name, run[0], run[-1]) for name, weeks in touched.items() for run in _runs(weeks)]
    return tuple(sorted(found, key=lambda peak: (peak.first, peak.last)))


def _runs(weeks: Sequence[int]) -> list[list[int]]:
    """Positions in a row, apart where weeks lie between: a plan of a year holds a peak twice."""
    runs: list[list[int]] = []
    for week in weeks:
        if runs and week == runs[-1][-1] + 1:
            runs[-1].append(week)
        else:
            runs.append([week])
    return runs
