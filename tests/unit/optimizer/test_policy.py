"""The policy lab: the same luck for all, limits obeyed, and known answers where there is no luck."""

from dataclasses import replace

import numpy as np
import pytest
import quarters

from optimizer.division import _filled, divide, limits
from optimizer.policy import Policy, clairvoyant, make_quarters, play_policy, run_lab, standard_policies
from optimizer.quarters import Quarters
from optimizer.rules import WeakRoiCut

RULE = WeakRoiCut(**quarters.CUT)
COUNT = 12


@pytest.fixture(scope="module")
def made():
    return quarters.problem(weeks=8, reserves=1, facts={name: {"category": "a"} for name in ("search", "kol")})


@pytest.fixture(scope="module")
def batch(made):
    return make_quarters(made, quarters.even_plan(made) / 100, COUNT, seed=3)


def calm(batch):
    """The same quarters without noise, drift or shocks."""
    ratio = np.full(batch.claim.shape, quarters.RATIO)
    return replace(
        batch, effect=np.ones_like(batch.effect), claim=ratio, claimed=np.repeat(ratio[:, :, None], 8, axis=2)
    )


def test_true_gmv_is_the_curves_own(made, batch):
    spend = np.broadcast_to(batch.plan, (COUNT, *batch.plan.shape)) * 1.3
    response = replace(made.response, after=batch.plan.mean(axis=0))
    found = calm(batch).true_gmv(spend)
    for quarter, draw in enumerate(batch.truth.draws):
        assert found[quarter] == pytest.approx(response.value(spend[quarter])[draw])


def test_every_policy_spends_the_same_money(made, batch):
    best = clairvoyant(batch)
    for policy in standard_policies(RULE):
        played = play_policy(batch, policy, best)
        assert played.gmv.shape == (COUNT,)
        assert (played.gmv > 0).all()
    total = batch.plan.sum()
    assert batch.start.sum() == pytest.approx(total)
    for pool in (["search", "kol"], ["抖音直播", "小红书"]):
        inside = [i for i, line in enumerate(made.lines[:4]) if line.name in pool]
        assert batch.start[:, inside].sum() == pytest.approx(batch.plan[:, inside].sum())


def test_the_lab_is_repeatable_and_policies_do_not_touch_each_other(made):
    plan = quarters.even_plan(made) / 100
    alone = run_lab(made, plan, [Policy("rule", cut=RULE)], 6, 5)
    among = run_lab(made, plan, standard_policies(RULE), 6, 5)
    assert np.array_equal(alone[0].gmv, among[1].gmv)
    assert not np.array_equal(alone[0].gmv, run_lab(made, plan, [Policy("rule", cut=RULE)], 6, 6)[0].gmv)


def test_the_start_beats_the_even_plan_on_average(batch):
    quiet = calm(batch)
    start = np.broadcast_to(batch.start, (COUNT, *batch.start.shape))
    even = np.broadcast_to(batch.plan, (COUNT, *batch.plan.shape))
    assert quiet.earned(start).mean() >= quiet.earned(even).mean()


def test_nobody_beats_the_clairvoyant_by_much(batch):
    """Its grid of steps and the common weekly shape leave it a thousandth."""
    best = clairvoyant(batch)
    for policy in (Policy("none"), Policy("rule", cut=RULE), Policy("weekly", replan="weekly", learn=True)):
        assert play_policy(batch, policy, best).regret.min() > -5e-3


def test_without_noise_every_cut_is_called_for(batch):
    played = play_policy(calm(batch), Policy("rule", cut=RULE), np.ones(COUNT))
    assert played.false_cuts.sum() == 0
    assert played.missed_cuts.sum() == 0


def test_a_threshold_that_nothing_reaches_cuts_every_line_every_week(batch):
    always = RULE.model_copy(update={"roi_below": 1e9, "weeks": 1})
    played = play_policy(batch, Policy("rule", cut=always), np.ones(COUNT))
    assert (played.cuts == 4 * 8).all()
    never = RULE.model_copy(update={"roi_below": 1e-9})
    assert play_policy(batch, Policy("rule", cut=never), np.ones(COUNT)).cuts.sum() == 0


def test_learning_finds_a_line_that_fell(batch):
    quiet = calm(batch)
    effect = quiet.effect.copy()
    effect[:, 1, :8] = 0.3  # "search" is worth less than a third throughout
    fallen = replace(quiet, effect=effect)
    blind = play_policy(fallen, Policy("weekly_blind", replan="weekly"), np.ones(COUNT))
    learnt = play_policy(fallen, Policy("weekly", replan="weekly", learn=True), np.ones(COUNT))
    assert (learnt.gmv > blind.gmv).all()


def test_a_division_obeys_its_limits(batch):
    spend = np.broadcast_to(batch.start, (COUNT, *batch.start.shape)).copy()
    cap = np.full((COUNT, 4), np.inf)
    cap[:, 1] = 500.0
    allowed = limits(batch, spend, cap, 3)
    found = divide(batch, batch.belief, spend, allowed, 3, np.ones((COUNT, 4, 1)))
    assert (found[:, 1] <= 2500.0 + 1e-6).all()
    for pool in range(allowed.money.shape[1]):
        assert found[:, allowed.pool == pool].sum(axis=1) == pytest.approx(allowed.money[:, pool])


def test_money_goes_where_the_next_step_earns_most():
    gains = np.array([[[10.0, 4.0, 1.0], [6.0, 5.0, 2.0]]])
    step = np.array([[2.0, 2.0]])
    for money, expected in ((2.0, [2.0, 0.0]), (4.0, [2.0, 2.0]), (7.0, [3.0, 4.0]), (12.0, [6.0, 6.0])):
        assert _filled(gains, step, np.array([money]))[0].tolist() == expected


def test_quarters_are_as_many_as_asked(batch):
    assert isinstance(batch, Quarters)
    assert batch.count == COUNT
    assert batch.weeks == 8
