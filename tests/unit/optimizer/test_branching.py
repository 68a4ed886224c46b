"""S-curves: the plan against exact dynamic programming, and a bound that no plan passes."""

from dataclasses import replace

import numpy as np
import pytest
from markets import curves, problem

from optimizer.planner import SolveOptions, optimise

OPTIONS = SolveOptions(gap=1e-4, seconds=30)
STEPS = 1500
WITHIN_30 = {"kind": "bounds", "name": "30%", "relative_to": "history", "min": 0.7, "max": 1.3}


def instance(seed, *, bounded):
    """Six channels with slopes of 1 to 3.5, one period, a few draws; the total is last year's."""
    shape = curves(6, draws=(1, 3, 20)[seed % 3], slopes=(1.0, 3.5), seed=seed)
    rng = np.random.default_rng([seed, 1])
    at_once = replace(
        shape,
        weights=np.ones((shape.draws, 6, 1)),
        half_saturation=shape.half_saturation * np.exp(rng.normal(0, 0.5, 6)),
    )
    return problem(at_once, weeks=1, constraints=[WITHIN_30] if bounded else [])


def best_by_dynamic_programming(given):
    """The best worth of plans in whole steps of the total: lines of one period touch each other in the total only."""
    step = given.total / STEPS
    spend = step * np.arange(STEPS + 1)
    earned = np.array([given.response.mean(np.full((1, 6), money))[:, 0] for money in spend]).T
    if given.settings.constraints:
        usual = np.array([line.reference.sum() for line in given.lines])
        inside = (spend >= 0.7 * usual[:, None] - 1e-9) & (spend <= 1.3 * usual[:, None] + 1e-9)
        earned = np.where(inside, earned, -np.inf)
    best = earned[0]
    for line in earned[1:]:
        best = np.array([(best[: k + 1] + line[k::-1]).max() for k in range(STEPS + 1)])
    return float(best[STEPS] - given.response.mean(np.zeros((1, 6))).sum())


def regret(seed, *, bounded):
    given = instance(seed, bounded=bounded)
    found = optimise(given, OPTIONS)
    tried = best_by_dynamic_programming(given)
    assert found.bound >= tried
    assert found.gap <= found.target
    assert not found.timed_out
    return 1 - found.objective / tried


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("bounded", [False, True])
def test_regret_against_dynamic_programming_is_small(seed, bounded):
    assert regret(seed, bounded=bounded) <= 0.005


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1100))
@pytest.mark.parametrize("bounded", [False, True])
def test_regret_is_small_on_two_hundred_instances(seed, bounded):
    assert regret(seed, bounded=bounded) <= 0.005
