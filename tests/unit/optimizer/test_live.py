"""Curves for a sheet: exact where the solver plans, a thousandth off elsewhere, and honest about it."""

from dataclasses import replace

import books
import numpy as np
import pytest
from markets import curves as made_curves

from mmm.transforms import adstock_weights
from optimizer.live import ENOUGH, carry_over_cases, carry_over_groups, fitted_range, live_curves, trial_plans

WEEKS = 8


def window(**others):
    response = books.problem(weeks=WEEKS, **others).response
    return response, np.repeat(response.curves.spend[-13:].mean(axis=0)[None], WEEKS, axis=0)


def held_out(response, spend, count=12, seed=5):
    """Plans that the curves were not tried on."""
    rng = np.random.default_rng(seed)
    most = fitted_range(response.curves, spend)
    for _ in range(count):
        shape = np.exp(rng.normal(0, 0.6, spend.shape)) * rng.uniform(0.2, 1.5, spend.shape[1])
        yield np.minimum(spend * shape * (rng.random(spend.shape) > 0.15), most)


def test_gmv_is_exact_at_the_plan_and_zero_without_spend():
    response, spend = window()
    live = live_curves(response, spend)
    assert live.at(spend).gmv == pytest.approx(response.incremental(spend).mean(axis=0), rel=1e-12)
    assert live.at(np.zeros_like(spend)).gmv == pytest.approx(0.0, abs=1e-6)


def test_interval_is_exact_at_the_plan():
    response, spend = window()
    live, gains = live_curves(response, spend), response.incremental(spend)
    values = live.at(spend)
    assert values.low == pytest.approx(np.quantile(gains, 0.05, axis=0), rel=1e-9)
    assert values.high == pytest.approx(np.quantile(gains, 0.95, axis=0), rel=1e-9)
    total, gmv = gains.sum(axis=1), values.gmv
    low = gmv.sum() - live.total_low * np.sqrt(((gmv - values.low) ** 2).sum())
    high = gmv.sum() + live.total_high * np.sqrt(((values.high - gmv) ** 2).sum())
    assert (low, high) == pytest.approx(tuple(np.quantile(total, [0.05, 0.95])), rel=1e-9)


@pytest.mark.parametrize("slopes", [(0.5, 1.0), (1.2, 2.0)])
def test_plans_inside_the_fitted_range_are_within_a_thousandth(slopes):
    response, spend = window(slopes=slopes)
    live = live_curves(response, spend)
    assert live.error <= ENOUGH
    for plan in held_out(response, spend):
        exact = response.incremental(plan).mean(axis=0)
        assert live.at(plan).gmv == pytest.approx(exact, rel=1e-3, abs=1.0)


@pytest.mark.parametrize("family", ["flexible", "michaelis_menten", "tanh", "power"])
def test_every_saturation_family_is_tabulated_by_its_own_formula(family):
    response, spend = window()
    curves = response.curves
    curves = replace(curves, saturation=(family,) * 3, slope=np.minimum(curves.slope, 0.9), tail=1.5 * curves.tail)
    response = curves.over(books.problem(weeks=WEEKS).weeks, response.intensity, response.after)
    live = live_curves(response, spend)
    plan = next(held_out(response, spend))
    assert live.at(plan).gmv == pytest.approx(response.incremental(plan).mean(axis=0), rel=1e-3)


def test_draws_that_agree_on_their_carry_over_need_one_case():
    response, spend = window()
    weights = np.repeat(response.curves.weights[:1], 60, axis=0)
    same = replace(response.curves, weights=weights).over(
        books.problem(weeks=WEEKS).weeks, response.intensity, response.after
    )
    assert live_curves(same, spend).cases == 1


@pytest.mark.parametrize(("family", "seed"), [("delayed", 2), ("delayed", 3), ("weibull", 2), ("weibull", 3)])
@pytest.mark.parametrize("slopes", [(0.5, 1.0), (1.2, 2.0)])
def test_carry_over_of_two_parameters_is_within_a_thousandth_and_says_its_error(family, seed, slopes):
    response, spend = window(slopes=slopes)
    # as wide as the model's priors: what a channel has that the data are silent about
    shape, rng = response.curves.ceiling.shape, np.random.default_rng(seed)
    retention = 1 / (1 + np.exp(0.5 - 0.9 * rng.standard_normal(shape)))
    weights = adstock_weights(family, retention, np.exp(0.45 * rng.standard_normal(shape)), 13)
    intensity = np.append(response.intensity, np.zeros(13 - response.curves.max_lag))
    other = replace(response.curves, weights=weights).over(books.problem(weeks=WEEKS).weeks, intensity, response.after)
    live = live_curves(other, spend)
    assert live.cases > 5
    tried = [
        np.abs(live.at(plan).gmv / other.incremental(plan).mean(axis=0) - 1).max()
        for plan in trial_plans(other.curves, spend)
    ]
    assert live.error == pytest.approx(max(tried), rel=1e-6)
    assert live.error <= 1e-3
    for plan in held_out(other, spend):
        assert live.at(plan).gmv == pytest.approx(other.incremental(plan).mean(axis=0), rel=1e-3, abs=1.0)


def test_groups_share_every_draw_out_and_are_as_many_as_asked():
    weights = books.named(made_curves(3, 200), books.NAMES).weights[:, 0]
    few = np.repeat(weights[:4], 50, axis=0)
    for given in (weights, few):
        groups, share = carry_over_groups(given, 12)
        assert groups.shape == (12, weights.shape[1])
        assert share.sum(axis=0) == pytest.approx(1.0)
        assert (np.diff(groups[:, 0]) <= 0).all()
    assert share.T @ groups == pytest.approx(few)


def test_cases_share_every_draw_and_their_weights_sum_to_one():
    weights = books.named(made_curves(3, 200), books.NAMES).weights[:, 0]
    cases, share = carry_over_cases(weights, 3)
    assert cases.sum(axis=1) == pytest.approx(1.0)
    assert (cases >= 0).all()
    assert share.sum(axis=0) == pytest.approx(1.0)
    assert share.T @ cases == pytest.approx(weights, abs=1e-2)


def test_parts_of_the_cases_add_up_to_the_mean_curve():
    response, spend = window()
    live = live_curves(response, spend)
    assert live.ordinary.sum(axis=1) == pytest.approx(live.mean, rel=1e-9)


def test_what_the_next_unit_earns_is_the_slope_of_the_gmv():
    response, spend = window()
    live = live_curves(response, spend)
    more = spend.copy()
    more[3, 1] += 0.01
    gained = (live.at(more).gmv - live.at(spend).gmv)[1] / 0.01
    assert gained == pytest.approx(live.at(spend).next_unit[1, 3], rel=1e-4)
    _, gradient = response.mean_and_gradient(spend)
    assert live.at(spend).next_unit == pytest.approx(gradient.sum(axis=1), rel=0.05)


def test_a_line_without_any_response_is_zero_everywhere():
    response, spend = window()
    ceiling = response.curves.ceiling * np.array([1.0, 0.0, 1.0])
    lost = replace(response.curves, ceiling=ceiling).over(
        books.problem(weeks=WEEKS).weeks, response.intensity, response.after
    )
    live = live_curves(lost, spend)
    assert live.at(2 * spend).gmv[1] == 0
    assert np.isfinite(live.at(2 * spend).low).all()
