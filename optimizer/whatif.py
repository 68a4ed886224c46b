"""What-if: plans of changed problems held against each other on paired draws, and which plan is least bad in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from optimizer.assemble import findings_of, interval, make_plan, settled
from optimizer.cuts import CutPool
from optimizer.objectives import worth_of
from optimizer.plan import Interval, Plan
from optimizer.planner import SolveOptions
from optimizer.problem import PlanProblem
from optimizer.verify import broken

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A problem and its plan.

    Attributes
    ----------
    name : str
    problem : PlanProblem
        Settled.
    plan : Plan
        Infeasible, with its reasons, when the rules clash.
    gains : array (draw, name) or None
        GMV that the plan adds, currency; None without a plan.
    """

    name: str
    problem: PlanProblem
    plan: Plan
    gains: Floats | None

    @property
    def spend(self) -> Floats:
        """Currency by line and week."""
        return np.array([line.weekly_fen for line in self.plan.lines], dtype=np.float64) / 100


@dataclass(frozen=True, slots=True)
class LineMove:
    """How one line differs between two plans; ``gmv`` is on paired draws, None without a response."""

    line: str
    spend: float
    gmv: Interval | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A plan against the base plan, draw by draw.

    Attributes
    ----------
    spend : float
        Currency.
    gmv : Interval
    prob_better : float
        Probability that it earns more than the base plan does in the base.
    by_line : tuple of LineMove
    kept : Interval or None
        GMV of the base plan in this scenario, scaled to its money; None where that cannot be said.
    """

    spend: float
    gmv: Interval
    prob_better: float
    by_line: tuple[LineMove, ...]
    kept: Interval | None


@dataclass(frozen=True, slots=True)
class Regret:
    """One plan in one scenario: its objective there, what is lost against the best plan, and the rules it breaks."""

    plan: str
    scenario: str
    objective: float
    regret: float
    breaks: tuple[str, ...]


def solve_scenario(name: str, problem: PlanProblem, options: SolveOptions, pool: CutPool | None = None) -> Outcome:
    """Plan a changed problem; the answer is that of a fresh plan, to the gap it states where ``pool`` starts it warm.

    Parameters
    ----------
    name : str
    problem : PlanProblem
        As the changed project gives it.
    options : SolveOptions
    pool : CutPool, optional
        Tangents of earlier plans on the same curves; what this one finds is added.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        ready = settled(problem)
        plan = make_plan(ready, options, pool=pool, ranges=False, settle=False, reasons=False)
        gains = None
        if plan.lines:
            spend = np.array([line.weekly_fen for line in plan.lines], dtype=np.float64) / 100
            gains = ready.response.incremental(spend[: ready.responding].T)
    return Outcome(name, ready, plan, gains)


def difference(base: Outcome, other: Outcome) -> Difference | None:
    """A scenario's plan against the base plan; None where either has none."""
    if base.gains is None or other.gains is None:
        return None
    gain = other.gains.sum(axis=1) - base.gains.sum(axis=1)
    spend = other.spend.sum(axis=1) - base.spend.sum(axis=1)
    return Difference(
        spend=float(spend.sum()),
        gmv=interval(gain),
        prob_better=float((gain > 0).mean()),
        by_line=tuple(_moves(base, other, spend)),
        kept=_kept(base, other),
    )


def _moves(base: Outcome, other: Outcome, spend: Floats) -> list[LineMove]:
    if base.gains is None or other.gains is None:
        return []
    each = other.gains - base.gains
    media = each.shape[1]
    return [
        LineMove(line.name, float(spend[i]), interval(each[:, i]) if i < media else None)
        for i, line in enumerate(base.problem.lines)
    ]


def _kept(base: Outcome, other: Outcome) -> Interval | None:
    scaled = scaled_to(base.spend, other.problem)
    return interval(other.problem.response.incremental(scaled[: other.problem.responding].T).sum(axis=1))


def scaled_to(spend: Floats, problem: PlanProblem) -> Floats:
    """A plan (line, week) with its money brought to the problem's total, line by line alike."""
    paid = float(spend.sum())
    return np.asarray(spend * (problem.total / paid) if paid > 0 else spend)


def regrets(outcomes: Sequence[Outcome]) -> tuple[Regret, ...]:
    """Every plan in every scenario: what is lost against the scenario's own plan.

    A plan made for other money is scaled to the scenario's total. Rules that it breaks there are named; the totals'
    own rounding is not held against it.
    """
    known = [outcome for outcome in outcomes if outcome.gains is not None]
    table = []
    with threadpool_limits(limits=1, user_api="blas"):
        for scenario in known:
            best = _objective(scenario.problem, scenario.spend)
            for other in known:
                spend = scaled_to(other.spend, scenario.problem)
                value = best if other is scenario else _objective(scenario.problem, spend)
                table.append(Regret(other.name, scenario.name, value, best - value, _breaks(scenario.problem, spend)))
    return tuple(table)


def _objective(problem: PlanProblem, spend: Floats) -> float:
    """Expected objective of a plan, what history carries in left out."""
    worth, media = worth_of(problem), spend[: problem.responding].T
    gain = problem.response.mean(media) - problem.response.mean(np.zeros_like(media))
    return worth.of(spend, gain)


def _breaks(problem: PlanProblem, spend: Floats) -> tuple[str, ...]:
    """Names of the rules that a plan breaks; whole fen break none, and money on a lost line is lost, no more."""
    fen = np.rint(spend * 100).astype(np.int64)
    lost = {problem.lines[i].name for i, scale in enumerate(problem.response.curves.ceiling.T) if not scale.any()}
    real = [
        fault
        for fault in broken(findings_of(problem, fen))
        if abs(fault.value - fault.limit) > (1e-6 if fault.unit == "share" else 1.0)
        and not (fault.line in lost and fault.limit == 0)
    ]
    return tuple(dict.fromkeys(fault.name for fault in real))


def least_regret(table: Sequence[Regret]) -> str | None:
    """The plan whose largest regret is smallest, among those that break rules in the fewest scenarios."""
    found: dict[str, tuple[int, float]] = {}
    for row in table:
        breaks, regret = found.get(row.plan, (0, 0.0))
        found[row.plan] = (breaks + bool(row.breaks), max(regret, row.regret))
    return min(found, key=lambda name: found[name]) if found else None


def total_price(plan: Plan) -> float | None:
    """What one more unit of the total would add to the objective; None where there is no plan."""
    prices = [report.price for report in plan.constraints if report.kind == "total"]
    return prices[0] if prices else None
