"""Seconds to plan again after the total has changed: every what-if is a fresh plan."""

from __future__ import annotations

import time
from dataclasses import replace

from cases import plan_problem, random_curves, show

from optimizer.assemble import make_plan
from optimizer.planner import SolveOptions

LINES, DRAWS = 20, 1_000
CONCAVE = (0.6, 1.0)
MULTIPLES = (1.0, 0.9, 1.1, 1.01)


def main() -> None:
    """Plan the base and three other totals, print."""
    base = plan_problem(random_curves(LINES, DRAWS, CONCAVE))
    rows: dict[str, list[str]] = {"status": [], "seconds": [], "rounds": [], "gap": [], "GMV, million": []}
    for multiple in MULTIPLES:
        began = time.perf_counter()
        plan = make_plan(replace(base, total_fen=round(base.total_fen * multiple)), SolveOptions())
        seconds = time.perf_counter() - began
        if plan.proof is None or plan.gmv is None:
            raise RuntimeError("the benchmark's rules clash")
        told = (plan.status.word, f"{seconds:.2f}", str(plan.proof.rounds), f"{plan.proof.gap:.1e}")
        for values, text in zip(rows.values(), (*told, f"{plan.gmv.mean / 1e6:.3f}"), strict=True):
            values.append(text)
    columns = [f"total x {multiple:g}" for multiple in MULTIPLES]
    show(f"what-if: {LINES} lines x 13 weeks x {DRAWS:,} draws, another total", rows, columns)


if __name__ == "__main__":
    main()
