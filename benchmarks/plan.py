"""Seconds, rounds and proven gap of plans: 20 lines x 13 weeks and 50 x 52, S-shaped draws, risk, rules and pilots."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from cases import WEEKS, plan_problem, random_curves, show
from threadpoolctl import threadpool_limits

from optimizer.assemble import make_plan, settled
from optimizer.planner import SolveOptions, optimise

CONCAVE, S_SHAPED = (0.6, 1.0), (0.8, 1.8)
PILOTS = [
    {"kind": "pilot", "name": f"pilot {line}", "line": f"line {line}", "min": 60_000, "max": 400_000}
    for line in (18, 19)
]
WEAK = {"kind": "cut", "name": "weak ROI", "roi_below": 1.9, "weeks": 2, "cut": 0.2, "roi": "model"}
LOGIC = {"constraints": PILOTS, "rules": [WEAK]}
AVERSE = {"objective": {"maximise": "gmv", "cvar": {"level": 0.1, "weight": 0.5}}}


@dataclass(frozen=True, slots=True)
class Case:
    """What is planned, and the gap asked for."""

    draws: int
    slopes: tuple[float, float] = CONCAVE
    lines: int = 20
    weeks: int = WEEKS
    extra: dict[str, Any] = field(default_factory=dict)
    gap: float = 1e-4


CASES = {
    "1,000 draws": Case(1_000),
    "4,000 draws": Case(4_000),
    "50 x 52, 1,000": Case(1_000, lines=50, weeks=52),
    "weak rule, pilots": Case(1_000, extra=LOGIC),
    "S-shaped": Case(1_000, S_SHAPED),
    "CVaR 0.5": Case(1_000, extra=AVERSE, gap=1e-3),
}


def measure(case: Case) -> dict[str, str]:
    """One case: the search alone, then the whole plan with rounding, verification, prices and ranges."""
    problem = plan_problem(random_curves(case.lines, case.draws, case.slopes), case.weeks, case.extra)
    options = SolveOptions(gap=case.gap)
    began = time.perf_counter()
    with threadpool_limits(limits=1, user_api="blas"):  # as every plan is made
        optimum = optimise(settled(problem), options)
    searched = time.perf_counter()
    plan = make_plan(problem, options)
    planned = time.perf_counter()
    if plan.proof is None:
        raise RuntimeError("the benchmark's rules clash")
    return {
        "status": plan.status.word,
        "seconds, search": f"{searched - began:.2f}",
        "seconds, whole plan": f"{planned - searched:.2f}",
        "rounds": str(optimum.rounds),
        "switches": str(optimum.search.switches.size),
        "objective, million": f"{plan.proof.objective / 1e6:.4f}",
        "bound, million": f"{plan.proof.bound / 1e6:.4f}",
        "gap": f"{plan.proof.gap:.1e}",
    }


def main() -> None:
    """Run every case, print."""
    found = [measure(case) for case in CASES.values()]
    rows = {name: [one[name] for one in found] for name in found[0]}
    show("plan: 20 lines x 13 weeks unless said otherwise", rows, list(CASES))


if __name__ == "__main__":
    main()
