"""CPU seconds to plan again after the total or a cap has changed: warm on one pool of tangents, and from nothing."""

from __future__ import annotations

import time
from dataclasses import replace

from cases import plan_problem, random_curves, show

from optimizer.assemble import make_plan
from optimizer.cuts import CutPool
from optimizer.planner import SolveOptions
from optimizer.problem import PlanProblem

LINES, DRAWS = 20, 1_000
CONCAVE = (0.6, 1.0)
MULTIPLES = (0.9, 1.1, 1.01)
CAPS = (0.25, 0.4)


def timed(problem: PlanProblem, pool: CutPool) -> tuple[float, str, str]:
    """CPU seconds of a scenario's plan, its rounds and gap."""
    began = time.process_time()
    plan = make_plan(problem, SolveOptions(), pool=pool, ranges=False, reasons=False)  # as a scenario is planned
    seconds = time.process_time() - began
    if plan.proof is None:
        raise RuntimeError("the benchmark's rules clash")
    return seconds, str(plan.proof.rounds), f"{plan.proof.gap:.1e}"


def capped(base: PlanProblem, share: float) -> PlanProblem:
    """The same plan under another social cap."""
    bounds, cap, *rest = base.settings.constraints
    other = (bounds, cap.model_copy(update={"max": share}), *rest)
    return replace(base, settings=base.settings.model_copy(update={"constraints": other}))


def main() -> None:
    """Plan the base, then what-ifs on its pool and from nothing; print."""
    base = plan_problem(random_curves(LINES, DRAWS, CONCAVE))
    changed = {f"total x {m:g}": replace(base, total_fen=round(base.total_fen * m)) for m in MULTIPLES}
    changed |= {f"cap {share:.0%}": capped(base, share) for share in CAPS}
    pool = CutPool()
    first, *_ = timed(base, pool)
    rows: dict[str, list[str]] = {"seconds, warm": [], "rounds, warm": [], "gap, warm": [], "seconds, cold": []}
    for problem in changed.values():
        warm, cold = timed(problem, pool), timed(problem, CutPool())
        for values, text in zip(rows.values(), (f"{warm[0]:.2f}", *warm[1:], f"{cold[0]:.2f}"), strict=True):
            values.append(text)
    title = f"what-if: {LINES} lines x 13 weeks x {DRAWS:,} draws; the base took {first:.2f} s"
    show(title, rows, list(changed))


if __name__ == "__main__":
    main()
