"""How far the weeks are from what the model expected of the money really spent, and whether it still fits.

A week's score is its distance from the expected in standard deviations of the prediction: uncertain curves and the
noise of the measure together. One odd week is news; several in a row the same way, or too many outside their intervals,
say that the market has moved away from the model. Errors of the curves are the same in every week, so the sum of some
weeks is scored against the draws' own sums, not as if weeks were independent.

Source: West & Harrison 1997, Bayesian Forecasting and Dynamic Models, 11.4 (monitoring by cumulative evidence).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.problem import PlanProblem
from optimizer.standing import Figures

Floats = npt.NDArray[np.float64]

Z90 = 1.645
WINDOW = 4  # weeks taken together
DRIFT_TOTAL, DRIFT_LINE = 3.0, 3.5  # standard deviations; a line's is higher, for there are many lines
LEAST_COVERED = 0.5  # share of weeks inside their 90% interval, from WINDOW weeks on
NOISE_WEEKS = 52
LEAST_NOISE = 0.02


@dataclass(frozen=True, slots=True)
class Score:
    """What came against what was expected, currency.

    Attributes
    ----------
    actual, mean, sd : float
    """

    actual: float
    mean: float
    sd: float

    @property
    def z(self) -> float:
        """Distance from the expected in standard deviations."""
        return (self.actual - self.mean) / self.sd if self.sd > 0 else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """90% of what was to be expected."""
        return self.mean - Z90 * self.sd, self.mean + Z90 * self.sd

    @property
    def inside(self) -> bool:
        """Whether what came lies in the interval."""
        return abs(self.z) <= Z90


@dataclass(frozen=True, slots=True)
class Surprise:
    """Scores of the week and of the last weeks together.

    Attributes
    ----------
    total : Score or None
        The department's whole GMV; None without figures or without a baseline to expect.
    lines : mapping of line to Score
        Platform-attributed GMV.
    weeks : int
        Known weeks taken together in what follows.
    recent_total : Score or None
    recent_lines : mapping of line to Score
    covered : tuple of (int, int)
        Weeks of total GMV inside their interval, and all that could be scored.
    drifted : tuple of str
        What has moved away from the model: lines, and ``total`` or ``coverage``.
    """

    total: Score | None
    lines: Mapping[str, Score]
    weeks: int
    recent_total: Score | None
    recent_lines: Mapping[str, Score]
    covered: tuple[int, int]
    drifted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of the market beside media.

    Attributes
    ----------
    baseline : array (draw or 1, week)
        GMV without media of each of the quarter's weeks, currency, by draw of the curves where it is known by draw;
        NaN where unknown.
    noise : callable
        Sd of what some weeks together may differ from that by, currency, from their positions.
    """

    baseline: Floats
    noise: Callable[[Sequence[int]], float]

    def expects(self, weeks: Sequence[int]) -> bool:
        """Whether every one of some weeks has an expectation."""
        return bool(np.isfinite(self.baseline[:, list(weeks)]).all())

    def together(self, media: Floats, weeks: Sequence[int]) -> tuple[float, float]:
        """Mean and sd of the whole GMV of some weeks, given the draws of what media add to them together (draw,)."""
        draws = media + self.baseline[:, list(weeks)].sum(axis=1)
        return float(draws.mean()), float(np.hypot(draws.std(), self.noise(weeks)))


def surprise_of(problem: PlanProblem, figures: Figures, week: int, outlook: Outlook | None) -> Surprise:
    """Score a decided week, and the last known ones up to it."""
    spend = np.zeros((len(problem.weeks), problem.responding))
    spend[: figures.decided] = figures.spent[: problem.responding].T / 100
    media = problem.response.value(spend)[:, :, : figures.decided]
    known = [t for t in range(week + 1) if figures.known[t]]
    recent = known[-WINDOW:]
    totals = [_total(figures, outlook, media, [t]) for t in known]
    scored = [score for score in totals if score is not None]
    now = [week] if figures.known[week] else []
    lines, together = _lines(problem, figures, media, now), _lines(problem, figures, media, recent)
    recent_total = _total(figures, outlook, media, recent)
    covered = sum(score.inside for score in scored), len(scored)
    return Surprise(
        total=_total(figures, outlook, media, now),
        lines=lines,
        weeks=len(recent),
        recent_total=recent_total,
        recent_lines=together,
        covered=covered,
        drifted=_drifted(len(recent), recent_total, together, covered),
    )


def _drifted(weeks: int, total: Score | None, lines: Mapping[str, Score], covered: tuple[int, int]) -> tuple[str, ...]:
    """What several weeks together say; fewer than a window's are too few to tell."""
    if weeks < WINDOW:
        return ()
    found = [name for name, score in lines.items() if abs(score.z) > DRIFT_LINE]
    if total is not None and abs(total.z) > DRIFT_TOTAL:
        found.append("total")
    if covered[1] >= WINDOW and covered[0] < LEAST_COVERED * covered[1]:
        found.append("coverage")
    return tuple(found)


def _total(figures: Figures, outlook: Outlook | None, media: Floats, weeks: list[int]) -> Score | None:
    """Whole GMV of some weeks together."""
    if outlook is None or not weeks or not outlook.expects(weeks):
        return None
    actual = figures.gmv[weeks]
    if not np.isfinite(actual).all():
        return None
    return Score(float(actual.sum()), *outlook.together(media[:, :, weeks].sum(axis=(1, 2)), weeks))


def _lines(problem: PlanProblem, figures: Figures, media: Floats, weeks: list[int]) -> dict[str, Score]:
    """Attributed GMV of every line of which it is known in all of some weeks."""
    found = {}
    for index, line in enumerate(problem.lines[: problem.responding]):
        actual = figures.attributed[index, weeks]
        if not weeks or not line.attributed_ratio or not np.isfinite(actual).all():
            continue
        draws = line.attributed_ratio * media[:, index, weeks]
        expected = draws.mean(axis=0)
        noise = attribution_noise(problem, index) * float(np.sqrt((expected**2).sum()))
        sums = draws.sum(axis=1)
        found[line.name] = Score(float(actual.sum()), float(sums.mean()), float(np.hypot(sums.std(), noise)))
    return found


def attribution_noise(problem: PlanProblem, index: int) -> float:
    """How much a line's attributed GMV scatters around the model's, as a share of it, over the last year."""
    curves = problem.response.curves
    attributed, modelled = (part[-NOISE_WEEKS:, index] for part in (curves.attributed, curves.modelled))
    good = (attributed > 0) & (modelled > 0)
    if good.sum() < WINDOW:
        return 1.0
    return max(LEAST_NOISE, float(np.std(np.log(attributed[good] / modelled[good]))))
