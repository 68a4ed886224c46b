"""What is maximised: margins, discounted value, and aversion to bad outcomes, each against brute force or by hand."""

from dataclasses import replace

import numpy as np
import pytest
from markets import curves, problem, scaled

from optimizer.assemble import make_plan
from optimizer.objectives import discount, worth_of
from optimizer.plan import PlanStatus
from optimizer.planner import SolveOptions, optimise
from optimizer.ranges import near_optimal_ranges
from optimizer.risk import worst_mean

TIGHT = SolveOptions(gap=1e-5, seconds=30)
FREE = {"total": 2_000_000.0, "total_rule": "at_most"}


def averse(weight, level=0.2, **more):
    return {"maximise": "gmv", "cvar": {"level": level, "weight": weight}} | more


def gains(given, spend):
    """GMV that a plan adds, array (draw,)."""
    return given.response.incremental(np.asarray(spend)[: given.responding].T).sum(axis=1)


# --- margins and value


def test_profit_spends_where_a_line_s_own_margin_earns_the_money_back():
    goal = {"maximise": "profit", "margin": 0.5, "margins": {"search": 0.9, "kol": 0.2}}
    found = optimise(problem(objective=goal, **FREE), SolveOptions(gap=1e-7))
    _, gradient = found.search.respond(found.spend, hull=False)
    margin = np.array([0.5, 0.9, 0.5, 0.2])[:, None]
    earned = margin * gradient.sum(axis=1)
    assert earned[found.spend > 1.0] == pytest.approx(1.0, rel=5e-3)
    assert (earned <= 1.005).all()


def test_the_plan_s_profit_counts_every_line_s_margin():
    goal = {"maximise": "profit", "margin": 0.5, "margins": {"search": 0.9}}
    plan = make_plan(problem(objective=goal), TIGHT)
    by_hand = sum(line.gmv.mean * (0.9 if line.name == "search" else 0.5) for line in plan.lines)
    assert plan.profit == pytest.approx(by_hand - plan.total_fen / 100)
    assert plan.proof.objective == pytest.approx(plan.profit)


def test_value_discounts_and_adds_what_comes_in_the_long_run():
    given = problem(objective={"maximise": "value", "margin": 0.4, "discount": {"rate": 0.2, "repurchase_weeks": 52}})
    lasting = replace(given.response.curves, long_term=np.full((50, 4), 1.5))
    worth = worth_of(replace(given, response=replace(given.response, curves=lasting)))
    assert worth.gmv[0, 0] == pytest.approx(0.4 * (1 + 0.5 / 1.2))
    assert worth.gmv[2, 3] == pytest.approx(0.4 * (1 + 0.5 / 1.2) * 1.2 ** (-3 / 52))
    assert worth.money[1] == pytest.approx(discount(0.2, np.arange(3)))


def test_a_line_whose_customers_come_back_gets_more_under_value():
    goal = {"maximise": "value", "margin": 1.0}
    plain = problem(objective=goal)
    lasting = replace(plain.response.curves, long_term=np.tile([1.0, 1.6, 1.0, 1.0], (50, 1)))
    loyal = replace(plain, response=replace(plain.response, curves=lasting))
    less, more = (optimise(given, TIGHT).spend.sum(axis=1) for given in (plain, loyal))
    assert more[1] > 1.1 * less[1]


# --- aversion to bad outcomes


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_two_lines_under_risk_agree_with_trying_every_split(weight):
    shape = curves(2, draws=20)
    risky = replace(shape, ceiling=shape.ceiling * np.stack([np.linspace(0.2, 2.0, 20), np.ones(20)], axis=1))
    given = problem(risky, weeks=1, objective=averse(weight))
    splits = np.linspace(0, given.total, 2001)
    draws = [gains(given, [[first], [given.total - first]]) for first in splits]
    tried = [(1 - weight) * each.mean() + weight * worst_mean(each, 0.2) for each in draws]
    found = optimise(given, TIGHT)
    assert found.objective == pytest.approx(max(tried), rel=2e-5)
    assert found.bound >= max(tried) * (1 - 1e-9)
    assert found.gap <= 1e-5
    assert found.spend[0, 0] == pytest.approx(splits[np.argmax(tried)], abs=0.01 * given.total)


@pytest.mark.parametrize("slopes", [(0.5, 1.0), (1.2, 2.5)])
def test_no_plan_passes_the_bound_under_risk(slopes):
    given = problem(curves(slopes=slopes), objective=averse(0.7))
    found = optimise(given, SolveOptions(gap=1e-4, seconds=30))
    rng = np.random.default_rng(3)
    for _ in range(200):
        each = gains(given, given.total * rng.dirichlet(np.full(12, 0.7)).reshape(4, 3))
        assert 0.3 * each.mean() + 0.7 * worst_mean(each, 0.2) <= found.bound


def test_more_aversion_gives_up_mean_for_better_bad_outcomes():
    plans = [optimise(problem(objective=averse(weight)), TIGHT) for weight in (0.0, 0.5, 1.0)]
    drawn = [gains(found.search.problem, found.spend) for found in plans]
    means, worst = [each.mean() for each in drawn], [worst_mean(each, 0.2) for each in drawn]
    assert means == sorted(means, reverse=True)
    assert worst == sorted(worst)
    assert worst[2] > worst[0]


def test_units_do_not_change_a_plan_under_risk():
    given = problem(objective=averse(0.5))
    one, other = (optimise(each, TIGHT) for each in (given, scaled(given, 1e-9, 1e9)))
    assert other.objective / 1e9 == pytest.approx(one.objective, rel=2e-5)


def test_a_plan_under_risk_is_issued_with_ranges_and_its_proof():
    plan = make_plan(problem(objective=averse(0.5, target_gmv=1.0)), SolveOptions(gap=1e-4))
    assert plan.proof.gap <= 1e-4
    assert plan.prob_target == 1.0
    assert plan.proof.objective < plan.gmv.mean
    assert all(line.near_optimal is not None for line in plan.lines)


def test_the_probability_of_a_target_is_the_share_of_draws_that_reach_it():
    middle = make_plan(problem(), TIGHT).gmv.p50
    plan = make_plan(problem(objective={"target_gmv": middle}), TIGHT)
    assert plan.prob_target == pytest.approx(0.5, abs=0.04)


def test_ranges_under_profit_count_money():
    found = optimise(problem(objective={"maximise": "profit", "margin": 0.9}, **FREE), TIGHT)
    for (low, high), spent in zip(near_optimal_ranges(found), found.spend.sum(axis=1), strict=True):
        assert low - 1e-6 <= spent <= high + 1e-6


# --- hardly ever worse than the current mix


def safe(probability, **more):
    """Two lines with less uncertain curves than the others: caution has somewhere to go."""
    shape = curves(draws=200, seed=3)
    rng = np.random.default_rng(5)
    spread = np.array([0.6, 0.05, 0.6, 0.05])
    risky = replace(shape, ceiling=shape.ceiling * np.exp(rng.normal(0, spread, (200, 4)) - spread**2 / 2))
    return problem(risky, objective={"safe": {"probability": probability}} | more)


def test_a_safe_plan_beats_last_year_s_mix_as_often_as_asked_and_its_gap_holds_the_price():
    options = SolveOptions(gap=1e-4, seconds=60)
    free = make_plan(problem(safe(0.9).response.curves), options)
    asked = round(min(0.99, free.pro_rata.prob_better + 0.05), 2)
    plan = make_plan(safe(asked), options)
    assert free.pro_rata.prob_better < asked  # else the case proves nothing
    assert plan.pro_rata.prob_better >= asked
    assert plan.gmv.mean <= free.proof.bound
    assert plan.proof.bound >= free.proof.objective
    assert any("as asked" in note for note in plan.notes)


def test_a_plan_that_is_safe_anyway_stays_as_it_is():
    given = safe(0.51)
    plain = optimise(problem(given.response.curves), TIGHT)
    assert optimise(given, TIGHT).spend == pytest.approx(plain.spend)


def test_safety_that_cannot_be_had_is_said_so():
    given = safe(0.9)
    usual = np.array([line.reference.sum() for line in given.lines])
    rules = [
        {"kind": "bounds", "name": one.name, "lines": one.name, "max": 0.3 * spent if i == 0 else 10 * spent}
        for i, (one, spent) in enumerate(zip(given.lines, usual, strict=True))
    ]
    held = given.settings.model_copy(
        update={
            "constraints": problem(constraints=rules).settings.constraints,
            "objective": given.settings.objective.model_copy(
                update={"safe": given.settings.objective.safe.model_copy(update={"probability": 0.999})}
            ),
        }
    )
    plan = make_plan(replace(given, settings=held), SolveOptions(gap=1e-3))
    assert any("short of the 100% asked for" in note for note in plan.notes)


def test_risk_on_s_curves_states_its_gap_and_does_not_call_itself_optimal():
    """With risk in the objective S-shaped draws are not branched: the proof goes by their hulls, as the plan says."""
    averse = {"maximise": "gmv", "cvar": {"level": 0.1, "weight": 0.5}}
    given = problem(curves(draws=20, slopes=(1.5, 2.5)), 3, total=30_000.0, objective=averse)
    plan = make_plan(given, SolveOptions(gap=1e-3, seconds=2))
    assert plan.proof.bound >= plan.proof.objective
    assert plan.proof.gap > 1e-3
    assert plan.status is not PlanStatus.OPTIMAL
    (told,) = [note for note in plan.notes if "S-shaped" in note]
    assert f"{plan.proof.gap:.2%}" in told


def test_risk_on_s_curves_is_bounded_between_the_ends_of_what_plans_spend():
    """Hulls between the least and the most of every week leave little open, and no plan passes their bound."""
    week = {"kind": "bounds", "name": "w", "per": "week", "relative_to": "history", "min": 0.6, "max": 1.5}
    given = problem(curves(draws=60, slopes=(1.2, 2.0)), 6, objective=averse(0.5, 0.1), constraints=[week])
    found = optimise(given, TIGHT)
    within = found.search.risk.within
    assert not any(hull.is_curve for hull in given.response.hulls)
    assert found.gap - found.search_gap < 2e-4
    assert (found.spend[:4] >= within.low - 1e-6 * given.total).all()
    assert (found.spend[:4] <= within.high + 1e-6 * given.total).all()
    rng, usual = np.random.default_rng(1), np.array([line.reference for line in given.lines])
    for _ in range(100):
        plan = usual * rng.uniform(0.75, 1.2, usual.shape)
        assert found.search.value_of(plan * given.total / plan.sum()) <= found.bound
