"""The quarter played forward: GMV as the curves say, the rule obeyed in every path, and its price on the same paths."""

from dataclasses import replace

import numpy as np
import pytest
from markets import curves, problem

from optimizer.assemble import make_plan
from optimizer.forward import USUAL_SCATTER, attributed_scatter, earned, play_forward
from optimizer.planner import SolveOptions


def cut(roi, **more):
    return {"kind": "cut", "name": "weak ROI", "roi_below": roi, "roi": "model"} | more


def flat(given):
    return np.full((len(given.lines), len(given.weeks)), given.total / len(given.lines) / len(given.weeks))


def test_gmv_of_a_path_is_what_its_draw_earns():
    given = problem(weeks=4)
    spend = np.random.default_rng(1).uniform(0, 3e4, (4, 4))
    value = given.response.value(spend.T)
    for name in range(4):
        paths = np.tile(spend[name], (100, 1))
        by_path = earned(given.response, name, paths)
        assert by_path == pytest.approx(np.tile(value[:, name].sum(axis=1), 2))


def test_a_line_that_always_is_weak_is_cut_every_week_after_the_streak():
    given = problem(weeks=5, rules=[cut(1e6)])
    spend = flat(given)
    found = play_forward(given, spend)
    after = spend[0, 0] * (2 + 0.8 + 0.64 + 0.512)
    assert (found.prob_cut == 1).all()
    assert found.spend_after == pytest.approx(np.full(4, after))
    assert found.saved == pytest.approx(np.full(found.saved.size, spend.sum() - 4 * after))
    assert (found.gmv < 0).all()


def test_weak_weeks_of_history_count():
    facts = {"search": {"weak_weeks": 1}}
    given = problem(weeks=2, facts=facts, rules=[cut(1e6)])
    assert play_forward(given, flat(given)).prob_cut.tolist() == [0.0, 1.0, 0.0, 0.0]


def test_a_plan_that_already_cuts_loses_nothing_more():
    given = problem(weeks=4, rules=[cut(1e6)])
    falling = flat(given) * np.array([1.0, 1.0, 0.8, 0.64])
    found = play_forward(given, falling)
    assert found.prob_cut.tolist() == [0.0] * 4
    assert not found.saved.any()


def test_a_line_that_never_is_weak_keeps_its_money_and_without_a_rule_nothing_is_played():
    given = problem(weeks=4, rules=[cut(1e-6)])
    found = play_forward(given, flat(given))
    assert not found.prob_cut.any()
    assert found.spend_after == pytest.approx(flat(given).sum(axis=1))
    assert play_forward(problem(), flat(problem())) is None


def test_the_probability_of_a_cut_is_the_share_of_draws_whose_first_two_weeks_are_weak():
    given = problem(curves(draws=200), weeks=3)
    spend = flat(given)
    weekly = given.response.value(spend.T)[:, :, :3] / spend.T[None].transpose(0, 2, 1)
    threshold = float(np.median(weekly[:, 1, 1]))
    ruled = problem(curves(draws=200), weeks=3, rules=[cut(threshold)])
    by_hand = (weekly[:, :, :2] < threshold).all(axis=2).mean(axis=0)
    found = play_forward(ruled, spend)
    assert found.prob_cut == pytest.approx(by_hand)
    assert 0.2 < by_hand[1] < 0.8


def test_attributed_roi_scatters_as_in_history():
    known = curves()
    noisy = known.modelled * np.exp(np.random.default_rng(2).normal(0, 0.4, known.modelled.shape))
    response = problem(replace(known, attributed=noisy)).response
    assert attributed_scatter(response, 0) == pytest.approx(0.4, abs=0.1)
    assert attributed_scatter(problem().response, 0) == USUAL_SCATTER


def test_a_plan_tells_what_the_rule_will_do_and_the_same_each_time():
    given = problem(weeks=4, rules=[cut(1.5)])
    one, other = (make_plan(given, SolveOptions()) for _ in range(2))
    assert one.rule_value == other.rule_value
    assert one.rule_value.saved.mean >= 0
    for line in one.lines:
        assert 0 <= line.prob_cut <= 1
        assert line.spend_after_cuts <= line.spend_fen / 100 + 1e-6
    light = make_plan(given, SolveOptions(), ranges=False)
    assert light.rule_value is None


def back(weeks=1, **more):
    return {"kind": "recovery", "name": "win it back", "after": "weak ROI", "weeks": weeks} | more


def weak_then_strong(given, strong_from):
    """The same market with a peak that makes every week from one on very strong."""
    known = given.response.curves
    peaked = replace(known, kappa=np.ones_like(known.kappa))
    weeks = np.arange(given.response.span)
    return replace(given, response=replace(given.response, curves=peaked, intensity=9.0 * (weeks >= strong_from)))


def test_what_was_cut_comes_back_after_enough_strong_weeks():
    """Two weak weeks cut the third; the third and fourth are strong, so the fifth has all its money again."""
    given = weak_then_strong(problem(weeks=6, rules=[cut(50.0), back(2)]), 2)
    spend = flat(given)
    week = spend[0, 0]
    found = play_forward(given, spend)
    assert (found.prob_cut == 1).all()
    assert found.spend_after == pytest.approx(np.full(4, week * (2 + 0.8 + 0.8 + 1 + 1)))


def test_recovery_may_ask_for_more_and_give_back_less():
    strict = weak_then_strong(problem(weeks=6, rules=[cut(50.0), back(1, roi_at_least=1e9)]), 2)
    week = flat(strict)[0, 0]
    found = play_forward(strict, flat(strict))
    assert found.spend_after == pytest.approx(np.full(4, week * (2 + 4 * 0.8)))
    half = weak_then_strong(problem(weeks=6, rules=[cut(50.0), back(3, restore=0.5)]), 2)
    found = play_forward(half, flat(half))
    assert found.spend_after == pytest.approx(np.full(4, week * (2 + 3 * 0.8 + 0.9)))


def test_without_a_recovery_rule_as_many_strong_weeks_as_weak_ones_win_it_back():
    given = weak_then_strong(problem(weeks=6, rules=[cut(50.0)]), 2)
    week = flat(given)[0, 0]
    assert play_forward(given, flat(given)).spend_after == pytest.approx(np.full(4, week * (2 + 2 * 0.8 + 2)))


def top_up(**more):
    boost = {"kind": "top_up", "name": "strength", "roi_at_least": 1e-6, "window": "peak", "add": 1000, "roi": "model"}
    return boost | more


def test_a_strong_window_is_topped_up_once_as_far_as_the_reserve_reaches():
    given = problem(weeks=5, reserves=1, rules=[top_up()], windows={"peak": (1, 2)})
    spend = np.vstack([flat(given)[:4], np.full((1, 5), 500.0)])
    found = play_forward(given, spend)
    # Weeks 2, 3 and 4 of the reserve, 1,500 in all, are left when the first line is paid, and one line follows it.
    assert found.topped_up == pytest.approx([1000.0, 500.0, 0.0, 0.0])
    assert found.prob_top_up.tolist() == [1.0, 1.0, 0.0, 0.0]
    assert not found.prob_cut.any()
    assert not found.saved.any()


def test_extra_money_tops_every_strong_line_up_and_a_weak_window_none():
    extra = problem(weeks=5, rules=[top_up(**{"from": "extra"})], windows={"peak": (1, 2)})
    assert play_forward(extra, flat(extra)).topped_up.tolist() == [1000.0] * 4
    weak = problem(weeks=5, rules=[top_up(roi_at_least=1e9)], windows={"peak": (1, 2)})
    assert not play_forward(weak, flat(weak)).prob_top_up.any()
    late = problem(weeks=3, rules=[top_up(**{"from": "extra"})], windows={"peak": (2,)})
    assert not play_forward(late, flat(late)).prob_top_up.any()


def test_a_plan_with_top_ups_alone_tells_their_probability_and_no_value_of_a_cut():
    given = problem(weeks=4, rules=[top_up(**{"from": "extra"})], windows={"peak": (1, 2)})
    plan = make_plan(given, SolveOptions())
    assert plan.rule_value is None
    assert all(line.prob_cut is None and line.prob_top_up == 1.0 for line in plan.lines)
