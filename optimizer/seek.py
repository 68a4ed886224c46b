"""Goal-seek on the total: the least money for a GMV, or the most while the next unit still earns enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from optimizer.whatif import Outcome

Solve = Callable[[float], Outcome]
Goal = Literal["gmv", "mroi"]

MOST_SOLVES = 24
WIDEST = 16.0  # how many times the project's total is looked at, at most
MONEY = 5e-4  # of the total: as near as the money is sought


@dataclass(frozen=True, slots=True)
class Sought:
    """What a goal-seek found.

    Attributes
    ----------
    goal : str
        ``gmv``: the least money whose plan is expected to add that GMV. ``mroi``: the most money while the next unit
        of it earns that much.
    target : float
    outcome : Outcome or None
        The plan found; None when no total that the rules allow reaches the goal.
    solves : int
        Plans made on the way.
    """

    goal: Goal
    target: float
    outcome: Outcome | None
    solves: int


def marginal_roi(outcome: Outcome) -> float | None:
    """What one more unit of the total would earn; None where the total has no price."""
    prices = [report.price for report in outcome.plan.constraints if report.kind == "total"]
    return prices[0] if prices else None


def seek(goal: Goal, target: float, start: float, solve: Solve) -> Sought:
    """Look for the total that reaches a goal.

    Expected GMV rises with the total and what its next unit earns falls, so the answer is bracketed and halved.

    Parameters
    ----------
    goal : {"gmv", "mroi"}
    target : float
        GMV in currency, or GMV per unit of money.
    start : float
        The project's total, currency.
    solve : callable
        Plans a total (currency).
    """
    search = _Search(goal, target, solve)
    low, high = search.bracket(start)
    while low is not None and high is not None and high - low > MONEY * high and search.solves < MOST_SOLVES:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if search.enough(middle) else (middle, high)
    return Sought(goal, target, search.best, search.solves)


@dataclass(slots=True)
class _Search:
    """Plans made so far, and the best that reaches the goal."""

    goal: Goal
    target: float
    solve: Solve
    solves: int = 0
    best: Outcome | None = None

    def enough(self, total: float) -> bool:
        """Whether the answer is at this total or below it; a total that the rules forbid for its size is too much."""
        self.solves += 1
        outcome = self.solve(round(total, 2))
        plan = outcome.plan
        if plan.gmv is None:
            return False
        if self.goal == "gmv":
            reached = plan.gmv.mean >= self.target
            if reached and (self.best is None or plan.total_fen < self.best.plan.total_fen):
                self.best = outcome
            return reached
        price = marginal_roi(outcome)
        earns = price is not None and price >= self.target
        if earns and (self.best is None or plan.total_fen > self.best.plan.total_fen):
            self.best = outcome
        return not earns

    def bracket(self, start: float) -> tuple[float | None, float | None]:
        """A total below the answer and one above it; None where there is none within reach."""
        if self.enough(start):
            high, low = start, start / 2
            while low > start / WIDEST:
                if not self.enough(low):
                    return low, high
                high, low = low, low / 2
            return None, high
        low, high = start, start * 2
        while high < start * WIDEST:
            if self.enough(high):
                return low, high
            low, high = high, high * 2
        return low, None
