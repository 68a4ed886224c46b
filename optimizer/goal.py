"""Goal-seek: the least money for a GMV target, and the most money while the next unit of it earns at least 1:N.

The best GMV as a function of the total is found by solving at a few totals on one pool of tangents. Every solve gives a
plan and a bound, so the answer has two sides: with ``total`` a plan reaches the goal, with ``proven`` or less (or more)
none does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo

from mmm.problems import TimeLimitReached
from optimizer.assemble import make_plan, settled
from optimizer.cuts import CutPool
from optimizer.plan import Plan, PlanStatus
from optimizer.planner import SolveOptions, optimise
from optimizer.problem import PlanProblem
from optimizer.program import build_decision
from optimizer.settings import Objective
from optimizer.solver import Master

Floats = npt.NDArray[np.float64]

MOST_SOLVES = 40
SHARES = 10  # no plan on the way takes more than this part of the time allowed
FIRST_STEP = 1.1
CEILING = 10.0  # totals of up to so many times the project's are looked at, unless told otherwise


@dataclass(frozen=True, slots=True)
class Goal:
    """What was sought and found.

    Attributes
    ----------
    kind : str
        ``least_money`` for a GMV target, or ``most_money`` while the next unit earns ``target``.
    target : float
        GMV in currency, or ROI 1:N.
    reached : bool
        Whether any total within the rules reaches it.
    total_fen : int
        The total found; the nearest to the goal when it cannot be reached.
    proven_fen : int
        Least money: no plan with less reaches the target. Most money: with the total found, no plan's GMV less N times
        its spend is above this plan's by more than its gap, so this is the total itself.
    most_gmv : float
        Bound on the GMV of any plan at the total found, in currency.
    plan : Plan
        The plan at the total found.
    """

    kind: Literal["least_money", "most_money"]
    target: float
    reached: bool
    total_fen: int
    proven_fen: int
    most_gmv: float
    plan: Plan


def least_money(
    problem: PlanProblem,
    gmv: float,
    options: SolveOptions,
    *,
    pool: CutPool | None = None,
    most: float | None = None,
) -> Goal:
    """Find the least total whose best plan is expected to earn ``gmv``.

    Parameters
    ----------
    problem : PlanProblem
        Its own total does not matter; its rules do.
    gmv : float
        Expected GMV in currency that the planned spend shall add.
    options : SolveOptions
    pool : CutPool, optional
        Tangents of earlier solves on these curves.
    most : float, optional
        Totals above this are not looked at, currency; ten times the project's when absent.
    """
    pool = CutPool() if pool is None else pool
    base = _for_gmv(problem)
    low, high = total_range(base, CEILING * base.total if most is None else most)
    tries = _Tries(base, gmv, options, pool)
    enough, proven = tries.bracket(low, high)
    if enough is None:
        return tries.goal(proven, proven, reached=False)
    short = proven  # no plan found with so little reaches the target, proven or not
    for _ in range(MOST_SOLVES):
        if enough - short <= 2 * tries.step(enough):
            break
        total = tries.between(short, enough)
        if tries.at(total).gmv >= gmv:
            enough = total
        else:
            short = total
            proven = total if tries.at(total).bound < gmv else proven
    return tries.goal(enough, proven, reached=True)


def most_money(
    problem: PlanProblem,
    roi: float,
    options: SolveOptions,
    *,
    pool: CutPool | None = None,
    most: float | None = None,
) -> Goal:
    """Find the total up to which the next unit of money earns at least ``roi``: GMV less ``roi`` x spend is largest.

    One solve, with the total a decision; then the plan at that total. Parameters as of :func:`least_money`.
    """
    pool = CutPool() if pool is None else pool
    base = _for_gmv(problem)
    _, high = total_range(base, CEILING * base.total if most is None else most)
    goal = Objective.model_construct(maximise="profit", margin=1.0 / roi)
    free = {"total_rule": "at_most", "objective": goal}
    wide = replace(base, total_fen=high, settings=base.settings.model_copy(update=free))
    found = optimise(wide, options, pool=pool)
    total = round(float(found.spend.sum()) * 100)
    tries = _Tries(base, roi, options, pool)
    return replace(tries.goal(total, total, reached=total > 0), kind="most_money")


def total_range(problem: PlanProblem, most: float) -> tuple[int, int]:
    """Least and most total that the rules allow, in fen, up to ``most`` in currency."""
    free = replace(
        problem,
        total_fen=floor(most * 100),
        settings=problem.settings.model_copy(update={"total_rule": "at_most"}),
    )
    decision = build_decision(free)
    decision.model.objective = pyo.Objective(expr=pyo.quicksum(decision.model.spend.values()), sense=pyo.maximize)
    master = Master(decision.model)
    ends = [master.solve(seconds=10.0, gap=0.0, maximise=most_of).bound for most_of in (False, True)]
    if not all(np.isfinite(ends)):
        return 0, free.total_fen
    low, high = (end * decision.unit * 100 for end in ends)
    return max(1, ceil(low - 1e-3)), floor(high + 1e-3)


def _for_gmv(problem: PlanProblem) -> PlanProblem:
    """The problem with expected GMV as its objective and all of its total spent.

    After the plan, spend goes on as after the project's own plan, whatever the total: else the GMV of two totals would
    not be comparable, and more money could seem to earn less.
    """
    goal = problem.settings.objective.model_copy(update={"maximise": "gmv"})
    update = {"objective": goal, "total_rule": "equal"}
    return settled(replace(problem, settings=problem.settings.model_copy(update=update)))


@dataclass(frozen=True, slots=True)
class _Try:
    gmv: float
    bound: float
    plan: Plan


class _Tries:
    """Plans by their total; each is made once."""

    def __init__(self, problem: PlanProblem, target: float, options: SolveOptions, pool: CutPool) -> None:
        self.problem, self.target, self.pool, self.patient = problem, target, pool, options
        self.options = replace(options, seconds=options.seconds / SHARES)
        self.made: dict[int, _Try] = {}

    def at(self, total: int) -> _Try:
        """The best plan with a total in fen; one that no plan can have is worth nothing."""
        if total not in self.made:
            plan = self._plan(replace(self.problem, total_fen=total))
            if plan.status is PlanStatus.INFEASIBLE or plan.gmv is None or plan.proof is None:
                self.made[total] = _Try(-np.inf, -np.inf, plan)
            else:
                self.made[total] = _Try(plan.gmv.mean, plan.gmv.mean * (1 + plan.proof.gap), plan)
        return self.made[total]

    def _plan(self, problem: PlanProblem) -> Plan:
        try:
            return make_plan(problem, self.options, pool=self.pool, ranges=False, settle=False)
        except TimeLimitReached:
            return make_plan(problem, self.patient, pool=self.pool, ranges=False, settle=False)

    def bracket(self, low: int, high: int) -> tuple[int | None, int]:
        """A total that is enough and one that is proven not to be, found from the project's own in growing steps.

        The first is None when no total up to ``high`` is enough; both are ``low`` when that is.
        """
        total = min(max(self.problem.total_fen, low), high)
        enough = total if self.at(total).gmv >= self.target else None
        factor = FIRST_STEP
        while True:
            total = round(total * factor) if enough is None else round(total / factor)
            total, factor = min(max(total, low), high), factor**2
            if self.at(total).gmv >= self.target:
                if enough is None or total == low:
                    return total, low if total == low else max(t for t in self.made if t < total)
                enough = total
            elif enough is not None or total == high:
                return enough, total

    def step(self, total: int) -> int:
        """How exactly a total is sought, fen."""
        return max(1, round(self.options.gap * total))

    def between(self, short: int, enough: int) -> int:
        """Where the chord between two plans reaches the target; short of an end that it comes too near."""
        less, more = self.at(short).gmv, self.at(enough).gmv
        share = (self.target - less) / (more - less) if np.isfinite(less) and more > less else 0.5
        step = self.step(enough)
        # GMV bends down, so the chord reaches the target too late: just below it the answer is likely proven.
        return max(short + step, min(round(short + share * (enough - short)), enough - step))

    def goal(self, total: int, proven: int, *, reached: bool) -> Goal:
        """The answer at a total."""
        found = self.at(total)
        return Goal("least_money", self.target, reached, total, proven, found.bound, found.plan)
