"""The pool of tangents: valid whatever the total, rules and money after the plan; a warm solve is the cold one."""

from dataclasses import replace

import numpy as np
import pytest
from markets import curves, grouped, problem, share

from optimizer.assemble import make_plan
from optimizer.cuts import CutPool, tangent_cuts
from optimizer.planner import SolveOptions, optimise

OPTIONS = SolveOptions(gap=1e-5, seconds=20)


@pytest.mark.parametrize("slopes", [(0.5, 1.0), (1.2, 2.5)])
def test_tangents_stay_above_the_response_when_later_spend_and_history_change(slopes):
    given = problem(curves(slopes=slopes))
    rng = np.random.default_rng(3)
    names = range(given.responding)
    _, cuts = tangent_cuts(given.response, rng.uniform(0, 2e4, (3, 4)), names)
    reference = given.response.curves.reference[:, None, None]
    for _ in range(20):
        other = replace(
            given.response, after=rng.uniform(0, 3e4, 4), carry_in=rng.uniform(0, 3e4, given.response.carry_in.shape)
        )
        spend = rng.uniform(0, 4e4, (3, 4))
        lags, mean = other.lags(spend) * reference, other.mean(spend)
        for name in names:
            above = cuts[name].constant + (cuts[name].slopes * lags[name]).sum(axis=1)
            assert (above >= mean[name] * (1 - 1e-12)).all()


@pytest.mark.parametrize("slopes", [(0.5, 1.0), (1.2, 2.5)])
def test_a_warm_solve_is_as_good_as_a_cold_one_and_proven_as_well(slopes):
    pool = CutPool()
    base = problem(curves(slopes=slopes), facts=grouped("抖音直播", "小红书"))
    capped = base.settings.model_copy(
        update={"constraints": problem(constraints=[share("cap", "social", max=0.3)]).settings.constraints}
    )
    changed = [replace(base, total_fen=round(base.total_fen * m)) for m in (0.8, 1.1)]
    for given in (base, *changed, replace(base, settings=capped)):
        cold, warm = optimise(given, OPTIONS), optimise(given, OPTIONS, pool=pool)
        assert warm.search_gap <= OPTIONS.gap
        assert warm.objective == pytest.approx(cold.objective, rel=2 * max(OPTIONS.gap, cold.gap))
        assert warm.bound >= cold.objective
        assert cold.bound >= warm.objective


def test_the_same_problem_again_takes_one_round():
    pool, given = CutPool(), problem()
    optimise(given, OPTIONS, pool=pool)
    assert optimise(given, OPTIONS, pool=pool).rounds == 1


def test_a_curve_that_changed_gets_tangents_of_its_own_and_the_others_keep_theirs():
    pool, given = CutPool(), problem()
    optimise(given, OPTIONS, pool=pool)
    known = set(pool.shelves)
    old = given.response.curves
    weaker = replace(old, ceiling=old.ceiling * np.array([1.0, 0.5, 1.0, 1.0]))
    shocked = replace(given, response=replace(given.response, curves=weaker))
    warm, cold = optimise(shocked, OPTIONS, pool=pool), optimise(shocked, OPTIONS)
    assert len(set(pool.shelves) - known) == 1
    assert warm.objective == pytest.approx(cold.objective, rel=2e-5)
    assert warm.bound >= cold.objective


def test_very_many_tangents_are_trimmed_and_the_newest_kept():
    pool, given = CutPool(), problem()
    optimise(given, OPTIONS, pool=pool)
    shelf = next(iter(pool.shelves.values()))
    newest = shelf.constant[-1].copy()
    shelf.constant = np.repeat(shelf.constant, 60, axis=0)
    shelf.slopes = np.repeat(shelf.slopes, 60, axis=0)
    pool.trim()
    assert len(shelf.constant) == len(shelf.slopes) == 200
    assert (shelf.constant[-1] == newest).all()


def test_a_plan_for_a_scenario_leaves_the_ranges_out():
    pool, given = CutPool(), problem()
    full, light = make_plan(given, OPTIONS), make_plan(given, OPTIONS, pool=pool, ranges=False)
    assert all(line.near_optimal is None for line in light.lines)
    assert light.gmv.mean == pytest.approx(full.gmv.mean, rel=2e-5)


def test_a_copy_of_a_pool_grows_on_its_own():
    pool, given = CutPool(), problem()
    optimise(given, OPTIONS, pool=pool)
    before = {curve: len(shelf.constant) for curve, shelf in pool.shelves.items()}
    plans = dict(pool.plans)
    more = replace(given, total_fen=round(given.total_fen * 1.1))
    found = [optimise(more, OPTIONS, pool=pool.copy()) for _ in range(2)]
    assert (found[0].spend == found[1].spend).all()
    assert {curve: len(shelf.constant) for curve, shelf in pool.shelves.items()} == before
    assert all(pool.plans[curve] is plan for curve, plan in plans.items())


def test_a_plan_without_reasons_is_the_same_plan():
    given = problem()
    told, brief = make_plan(given, OPTIONS), make_plan(given, OPTIONS, reasons=False)
    assert [line.weekly_fen for line in brief.lines] == [line.weekly_fen for line in told.lines]
    assert brief.status is told.status
    assert brief.proof.gap == told.proof.gap
    assert all(line.reason is not None for line in told.lines)
    assert all(line.reason is None for line in brief.lines)
