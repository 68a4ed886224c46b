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
