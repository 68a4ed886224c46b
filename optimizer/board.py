"""The weekly ROI board: every line this week and in the last weeks, against its plan and its threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from optimizer.assemble import interval
from optimizer.lines import Line
from optimizer.plan import Interval
from optimizer.problem import PlanProblem
from optimizer.standing import Figures, Held, LineStanding

Floats = npt.NDArray[np.float64]

SHOWN_WEEKS = 8
NEAR = 0.10  # a line this close above its threshold is watched
SURE = 0.9  # probability from which on the model contradicts attribution


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One line on the board.

    Attributes
    ----------
    line : Line
    spend, plan_spend : float
        Currency, of the week.
    visits, attributed : float or None
    roi_attributed : float or None
        Platform-attributed GMV over spend.
    roi_model : Interval or None
        Modelled GMV of the week, carry-over from before included, over its spend.
    threshold : float or None
        ROI under which a week is weak.
    distance : float or None
        Observed ROI over the threshold, less one.
    weeks_weak : int
    status : str
        ``reserve``, ``unknown`` (no figures), ``paused`` (no spend), ``cut`` (by this review), ``held`` (by an earlier
        one), ``weak``, ``near`` (within a tenth above the threshold) or ``ok``.
    disagrees : str or None
        ``model_strong`` where attribution says weak and the model is sure that it is not; ``model_weak`` the other way.
    held : Held or None
    to_date, quarter : float
        Currency: spent so far, and the line's money of the whole quarter under the plan in force before this review.
    history : tuple of (date, float or None, float or None)
        Week, spend and observed ROI of the last weeks, this one included.
    """

    line: Line
    spend: float
    plan_spend: float
    visits: float | None
    attributed: float | None
    roi_attributed: float | None
    roi_model: Interval | None
    threshold: float | None
    distance: float | None
    weeks_weak: int
    status: str
    disagrees: str | None
    held: Held | None
    to_date: float
    quarter: float
    history: tuple[tuple[date, float | None, float | None], ...]


def board(
    problem: PlanProblem, figures: Figures, standings: Sequence[LineStanding], week: int
) -> tuple[BoardLine, ...]:
    """Every line in a decided week."""
    spend = np.zeros((len(problem.weeks), problem.responding))
    spend[: figures.decided] = figures.spent[: problem.responding].T / 100
    media = problem.response.value(spend)[:, :, week]
    return tuple(
        _board_line(
            problem,
            figures,
            index,
            week,
            standings[index] if index < problem.responding else None,
            media[:, index] if index < problem.responding else None,
        )
        for index in range(len(problem.lines))
    )


def _board_line(
    problem: PlanProblem,
    figures: Figures,
    index: int,
    week: int,
    standing: LineStanding | None,
    media: Floats | None,
) -> BoardLine:
    line, spent = problem.lines[index], float(figures.spent[index, week] / 100)
    attributed, visits = (_known(part[index, week]) for part in (figures.attributed, figures.visits))
    observed = None if standing is None else _known(standing.roi[week])
    threshold = None if standing is None else standing.threshold
    model = interval(media / spent) if media is not None and spent > 0 else None
    return BoardLine(
        line=line,
        spend=spent,
        plan_spend=float(figures.planned[index, week] / 100),
        visits=visits,
        attributed=attributed,
        roi_attributed=attributed / spent if attributed is not None and spent > 0 else None,
        roi_model=model,
        threshold=threshold,
        distance=observed / threshold - 1 if observed is not None and threshold else None,
        weeks_weak=int(standing.weak_weeks[week]) if standing is not None else 0,
        status=_status(figures, standing, spent, observed, week),
        disagrees=_disagrees(line, media, spent, observed, threshold),
        held=None if standing is None else standing.held,
        to_date=float(figures.spent[index, : week + 1].sum() / 100),
        quarter=float(figures.in_force[index].sum() / 100),
        history=_history(problem, figures, index, week, standing),
    )


def _status(figures: Figures, standing: LineStanding | None, spent: float, observed: float | None, week: int) -> str:
    if standing is None:
        return "reserve"
    acted = _acted(figures, standing, week)
    if acted or not figures.known[week]:
        return acted or "unknown"
    if observed is None:
        return "paused" if spent == 0 else "unknown"
    if standing.threshold is None or observed >= standing.threshold * (1 + NEAR):
        return "ok"
    return "weak" if observed < standing.threshold else "near"


def _acted(figures: Figures, standing: LineStanding, week: int) -> str:
    """What a rule does to the line: cut after this week, or held by an earlier cut; empty when nothing."""
    if any(action.kind == "cut" for action in standing.fired(week)):
        return "cut"
    return "held" if week == figures.decided - 1 and standing.held is not None else ""


def _disagrees(
    line: Line, media: Floats | None, spent: float, observed: float | None, threshold: float | None
) -> str | None:
    """Where the model, brought to the platform's scale by last year's ratio, is sure of the other side."""
    if media is None or observed is None or threshold is None or not line.attributed_ratio or spent <= 0:
        return None
    strong = float((line.attributed_ratio * media / spent >= threshold).mean())
    if observed < threshold and strong >= SURE:
        return "model_strong"
    return "model_weak" if observed >= threshold and strong <= 1 - SURE else None


def _history(
    problem: PlanProblem, figures: Figures, index: int, week: int, standing: LineStanding | None
) -> tuple[tuple[date, float | None, float | None], ...]:
    found = []
    for at in range(max(0, week - SHOWN_WEEKS + 1), week + 1):
        paid = float(figures.spent[index, at] / 100) if figures.known[at] else None
        found.append((problem.weeks[at], paid, None if standing is None else _known(standing.roi[at])))
    return tuple(found)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
