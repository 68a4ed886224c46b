"""One week's review: what came, which rules fire, and what becomes of the rest of the quarter.

The past is fixed at what was spent. Two plans for the rest are made: the one that moves as little as the rules allow
from the plan in force, and the best one under the same rules. The verdict says which is followed, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from optimizer.board import BoardLine, board
from optimizer.elastic import GaveWay
from optimizer.plan import Interval, Plan
from optimizer.problem import PlanProblem
from optimizer.replan import Change, Request, Rest, Verdict, money_left
from optimizer.rules import Action
from optimizer.standing import Figures, Paid, modelled_weekly, record_of, releases, standing_of, top_ups
from optimizer.surprise import Z90, Outlook, Surprise, surprise_of

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pace:
    """Where the quarter is heading, currency.

    Attributes
    ----------
    spent, planned : float
        Up to the last decided week; planned as each week was planned when it came.
    gmv : float or None
        Whole GMV so far; None where a week's is unknown.
    quarter_end : Interval or None
        Whole GMV of the quarter: what came, and what is expected of the weeks that are left.
    """

    spent: float
    planned: float
    gmv: float | None
    quarter_end: Interval | None


@dataclass(frozen=True, slots=True)
class Review:
    """A review as a value.

    Attributes
    ----------
    week, as_of : date
        The week on the board, and the last decided week, from which the rest is planned.
    board : tuple of BoardLine
    fired : tuple of Action
    paid : tuple of Paid
        Top-ups that this review pays.
    surprise : Surprise
    pace : Pace
    verdict : str
    reasons : tuple of str
        ``drift``, ``fired``, ``broken``, ``gain``, ``forced``, ``over``, ``overspent`` or ``none``.
    gain : Interval or None
        Expected GMV of the best plan over the kept one, currency, whether or not it is followed.
    prob_better : float or None
    weekly_fen : array (line, week)
        The whole quarter: weeks that are over as spent, the others as now planned.
    total_fen : int
        Quarter's total, extra money included.
    rest : Plan or None
        The plan of the weeks that are left; None when none is.
    changes : tuple of Change
    gave_way : tuple of GaveWay
        Rules that the rest of the quarter cannot keep.
    """

    week: date
    as_of: date
    board: tuple[BoardLine, ...]
    fired: tuple[Action, ...]
    paid: tuple[Paid, ...]
    surprise: Surprise
    pace: Pace
    verdict: Verdict
    reasons: tuple[str, ...]
    gain: Interval | None
    prob_better: float | None
    weekly_fen: Fen
    total_fen: int
    rest: Plan | None
    changes: tuple[Change, ...]
    gave_way: tuple[GaveWay, ...]


def review(problem: PlanProblem, figures: Figures, request: Request, outlook: Outlook | None = None) -> Review:
    """Review a week.

    Parameters
    ----------
    problem : PlanProblem
        Of the whole quarter, as it was planned.
    figures : Figures
    request : Request
    outlook : Outlook, optional
        What to expect of the market beside media.

    Returns
    -------
    Review
    """
    modelled = modelled_weekly(problem, figures)
    records = [record_of(problem, figures, modelled, index) for index in range(problem.responding)]
    standings = [standing_of(problem, figures, record) for record in records]
    last = figures.decided - 1
    left = money_left(problem, figures)
    new = [action for one in standings for action in one.fired(last)]
    raised = top_ups(problem, figures, records, left)
    paid = tuple(one for _, one in raised)
    surprise = surprise_of(problem, figures, request.week, outlook)
    fired = (*new, *(action for action, _ in raised), *releases(problem, figures, left))
    chosen = Rest(problem, figures, standings, paid, fired, surprise, request).decide()
    return Review(
        week=problem.weeks[request.week],
        as_of=problem.weeks[last],
        board=board(problem, figures, standings, request.week),
        fired=fired,
        paid=paid,
        surprise=surprise,
        pace=_pace(problem, figures, chosen, outlook),
        verdict=chosen.verdict,
        reasons=chosen.reasons,
        gain=chosen.gain,
        prob_better=chosen.prob_better,
        weekly_fen=np.concatenate([figures.spent, chosen.fen], axis=1),
        total_fen=problem.total_fen + figures.extra_fen + sum(one.extra_fen for one in paid),
        rest=chosen.rest,
        changes=chosen.changes,
        gave_way=chosen.gave_way,
    )


def _pace(problem: PlanProblem, figures: Figures, chosen: Rest, outlook: Outlook | None) -> Pace:
    """Spend and GMV so far, and where they lead."""
    gmv = float(figures.gmv.sum()) if np.isfinite(figures.gmv).all() else None
    return Pace(
        spent=float(figures.spent.sum() / 100),
        planned=float(figures.planned[:, : figures.decided].sum() / 100),
        gmv=gmv,
        quarter_end=None if gmv is None or outlook is None else _end(problem, figures, chosen.fen, gmv, outlook),
    )


def _end(problem: PlanProblem, figures: Figures, fen: Fen, gmv: float, outlook: Outlook) -> Interval | None:
    """Whole GMV of the quarter: what came, and what is expected of the weeks left under the plan now in force."""
    left = range(figures.decided, len(problem.weeks))
    if not left:
        return Interval(gmv, gmv, gmv, gmv)
    if not outlook.expects(left):
        return None
    spend = np.concatenate([figures.spent, fen], axis=1)[: problem.responding].T / 100
    media = problem.response.value(spend)[:, :, list(left)].sum(axis=(1, 2))
    mean, sd = outlook.together(media, left)
    return Interval(gmv + mean, gmv + mean - Z90 * sd, gmv + mean, gmv + mean + Z90 * sd)
