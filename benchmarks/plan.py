"""Seconds, rounds and proven gap of a plan: 20 lines x 13 weeks, with bounds and a group cap."""

from __future__ import annotations

import time

from cases import plan_problem, random_curves, show
from threadpoolctl import threadpool_limits

from optimizer.assemble import make_plan, settled
from optimizer.planner import SolveOptions, optimise

LINES = 20
CONCAVE, S_SHAPED = (0.6, 1.0), (0.8, 1.8)
CASES = {
    "1,000 draws": (1_000, CONCAVE),
    "4,000 draws": (4_000, CONCAVE),
    "1,000, S-shaped": (1_000, S_SHAPED),
}


def measure(draws: int, slopes: tuple[float, float]) -> dict[str, str]:
    """One case: the search alone, then the whole plan with rounding, verification, prices and ranges."""
    problem = plan_problem(random_curves(LINES, draws, slopes))
    began = time.perf_counter()
    with threadpool_limits(limits=1, user_api="blas"):  # as every plan is made
        optimum = optimise(settled(problem), SolveOptions())
    searched = time.perf_counter()
    plan = make_plan(problem, SolveOptions())
    planned = time.perf_counter()
    if plan.proof is None:
        raise RuntimeError("the benchmark's rules clash")
    return {
        "status": plan.status.word,
        "seconds, search": f"{searched - began:.2f}",
        "seconds, whole plan": f"{planned - searched:.2f}",
        "rounds": str(optimum.rounds),
        "objective, million": f"{plan.proof.objective / 1e6:.4f}",
        "bound, million": f"{plan.proof.bound / 1e6:.4f}",
        "gap": f"{plan.proof.gap:.1e}",
    }


def main() -> None:
    """Run every case, print."""
    found = [measure(*case) for case in CASES.values()]
    rows = {name: [one[name] for one in found] for name in found[0]}
    show(f"plan: {LINES} lines x 13 weeks, gap asked 1e-4", rows, list(CASES))


if __name__ == "__main__":
    main()
