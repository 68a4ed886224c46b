"""Differences are paired; a regret is what a plan loses in a scenario that it was not made for."""

from dataclasses import replace

import books
import numpy as np
import pytest

from mmm.curves import ResponseCurves
from optimizer.assemble import make_plan
from optimizer.planner import SolveOptions
from optimizer.whatif import difference, least_regret, regrets, solve_scenario

OPTIONS = SolveOptions(gap=1e-3)
RULES = [{"kind": "bounds", "name": "half to triple", "relative_to": "history", "min": 0.5, "max": 3.0}]


def given(total=None, factor=1.0, **others):
    problem = books.problem(weeks=4, rules=RULES, cuts=(), total=total, **others)
    curves: ResponseCurves = problem.response.curves
    hit = replace(curves, ceiling=curves.ceiling * np.array([factor, 1.0, 1.0]))
    return replace(problem, response=replace(problem.response, curves=hit))


@pytest.fixture(scope="module")
def base():
    return solve_scenario("base", given(), OPTIONS)


@pytest.fixture(scope="module")
def shocked():
    return solve_scenario("shock", given(factor=0.78), OPTIONS)


def test_an_answer_is_that_of_a_fresh_plan(base):
    fresh = make_plan(given(), OPTIONS)
    assert [line.weekly_fen for line in base.plan.lines] == [line.weekly_fen for line in fresh.lines]
    assert base.plan.gmv == fresh.gmv
    assert base.gains.sum(axis=1).mean() == pytest.approx(fresh.gmv.mean)


def test_a_difference_is_taken_draw_by_draw(base, shocked):
    found = difference(base, shocked)
    gain = shocked.gains.sum(axis=1) - base.gains.sum(axis=1)
    assert found.gmv.mean == pytest.approx(shocked.plan.gmv.mean - base.plan.gmv.mean)
    assert found.gmv.p05 == pytest.approx(np.quantile(gain, 0.05))
    assert found.prob_better == (gain > 0).mean()
    assert sum(move.spend for move in found.by_line) == pytest.approx(found.spend, abs=0.01)
    assert sum(move.gmv.mean for move in found.by_line if move.gmv) == pytest.approx(found.gmv.mean)
    assert found.by_line[-1].gmv is None
    unpaired = np.quantile(shocked.gains.sum(axis=1), 0.95) - np.quantile(base.gains.sum(axis=1), 0.05)
    assert found.gmv.p95 - found.gmv.p05 < unpaired


def test_keeping_the_base_plan_earns_no_more_than_planning_anew(base, shocked):
    found = difference(base, shocked)
    assert found.kept.mean <= shocked.plan.gmv.mean * (1 + 1e-3)


def test_the_same_problem_differs_by_nothing(base):
    found = difference(base, solve_scenario("again", given(), OPTIONS))
    assert (found.spend, found.gmv.mean, found.prob_better) == (0, 0, 0)


def test_regret_is_zero_at_home_and_no_less_elsewhere(base, shocked):
    table = regrets([base, shocked])
    assert len(table) == 4
    for row in table:
        assert row.breaks == ()
        assert row.regret >= -1e-3 * row.objective
        if row.plan == row.scenario:
            assert row.regret == 0
    assert least_regret(table) in {"base", "shock"}


def test_a_plan_that_breaks_a_scenarios_rules_is_not_least_bad(base):
    capped = [*RULES, {"kind": "bounds", "name": "no search", "lines": "=search", "max": 100.0}]
    tight = solve_scenario("tight", books.problem(weeks=4, rules=capped[1:], cuts=()), OPTIONS)
    table = regrets([base, tight])
    assert {row.breaks for row in table if (row.plan, row.scenario) == ("base", "tight")} == {("no search",)}


def test_an_impossible_scenario_has_no_difference(base):
    clash = [*RULES, {"kind": "bounds", "name": "far too much", "lines": "=search", "min": 1e9}]
    found = solve_scenario("clash", books.problem(weeks=4, rules=clash, cuts=()), OPTIONS)
    assert found.plan.status.word == "infeasible"
    assert difference(base, found) is None
    assert regrets([base, found]) == regrets([base])
