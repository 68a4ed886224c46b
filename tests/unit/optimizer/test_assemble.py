"""What an issued plan says of itself."""

import numpy as np
from markets import curves, problem, share
from threadpoolctl import threadpool_info

from optimizer.assemble import make_plan, settled
from optimizer.planner import SolveOptions

TIGHT = SolveOptions(gap=1e-5, seconds=20)
SOCIAL = {"抖音直播": {"groups": ("social",)}, "search": {"groups": ("social",)}}


def plan_of(cap):
    return make_plan(problem(facts=SOCIAL, constraints=[share("social cap", "social", max=cap)]), TIGHT)


def test_a_plan_that_rules_make_worse_than_last_years_mix_says_which_rules():
    held = plan_of(0.05)
    assert held.pro_rata.prob_better < 0.8
    (note,) = [note for note in held.notes if note.startswith("By the model alone")]
    assert "breaks these rules, which the plan obeys: social cap." in note


def test_a_plan_clearly_better_than_last_years_mix_makes_no_excuses():
    free = plan_of(1.0)
    assert free.pro_rata.prob_better >= 0.8
    assert not [note for note in free.notes if note.startswith("By the model alone")]


def test_after_the_plan_spend_goes_on_at_the_plans_own_level():
    given = problem(curves(), weeks=8)
    after = settled(given).response.after
    plan = make_plan(given, TIGHT)
    means = np.array([sum(line.weekly_fen) / 100 / 8 for line in plan.lines])
    np.testing.assert_allclose(after, means, rtol=0.25)


def test_the_last_weeks_are_not_piled_with_money():
    plan = make_plan(problem(curves(), weeks=10), TIGHT)
    weekly = np.array([line.weekly_fen for line in plan.lines], dtype=float)
    middle, last = weekly[:, 3:7].mean(axis=1), weekly[:, -2:].mean(axis=1)
    assert (last < 1.25 * middle).all()


def test_blas_threads_are_given_back():
    before = [pool["num_threads"] for pool in threadpool_info()]
    plan_of(0.5)
    assert [pool["num_threads"] for pool in threadpool_info()] == before
