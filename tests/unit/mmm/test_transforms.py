"""Adstock and saturation: their identities, and that numpy and PyTensor compute the same."""

import os
import warnings

import numpy as np
import pytest

from mmm.transforms import (
    SMALLEST_STOCK,
    geometric_weights,
    half_life_weeks,
    hill,
    hill_hull_point,
    hill_slope_at,
    lagged,
)

SHAPES = [(0.4, 0.6), (1.2, 1.0), (0.8, 1.5), (2.5, 2.7)]  # half-saturation, slope


@pytest.fixture(scope="module")
def evaluate():
    """Evaluates a PyTensor expression without any compiler."""
    os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytensor.compile.mode import Mode
    mode = Mode(linker="py", optimizer=None)
    return lambda expression: expression.eval(mode=mode)


# ---- adstock


def test_weights_sum_to_one_and_fall_by_the_retention():
    retention = np.array([[0.05, 0.5], [0.9, 0.999]])
    weights = geometric_weights(retention, 13)
    assert weights.shape == (2, 2, 14)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(weights[..., 1:] / weights[..., :-1], np.broadcast_to(retention[..., None], (2, 2, 13)))


@pytest.mark.parametrize(
    ("weights", "weeks"),
    [
        ([1.0, 0.0, 0.0], 0.5),  # all in the first week: half of it by midweek
        ([0.5, 0.5, 0.0], 1.0),
        ([0.25, 0.25, 0.25, 0.25], 2.0),
        ([0.2, 0.6, 0.2], 1.5),
    ],
)
def test_half_life_of_known_weights(weights, weeks):
    assert half_life_weeks(np.array(weights)) == pytest.approx(weeks)


def test_half_life_of_a_long_geometric_is_its_formula():
    # After n whole weeks 1 - r^n has arrived; r = 0.5^(1/n) puts the half exactly there.
    for weeks in (1, 3, 6):
        weights = geometric_weights(np.array(0.5 ** (1 / weeks)), 400)
        assert half_life_weeks(weights) == pytest.approx(weeks, abs=1e-6)


def test_half_life_keeps_the_leading_axes():
    weights = geometric_weights(np.linspace(0.1, 0.9, 6).reshape(2, 3), 13)
    found = half_life_weeks(weights)
    assert found.shape == (2, 3)
    assert (np.diff(found.ravel()) > 0).all()


def test_lagged_equals_a_loop():
    rng = np.random.default_rng(1)
    spend, before, max_lag = rng.random((2, 7, 3)), rng.random((2, 4, 3)), 4
    stacked = lagged(spend, max_lag, before)
    assert stacked.shape == (2, 7, 3, 5)
    for unit, week, channel, lag in np.ndindex(2, 7, 3, 5):
        past = week - lag
        # Week -1 is the last row of `before`.
        wanted = spend[unit, past, channel] if past >= 0 else before[unit, max_lag + past, channel]
        assert stacked[unit, week, channel, lag] == wanted


# ---- saturation


@pytest.mark.parametrize(("k", "n"), SHAPES)
def test_hill_is_zero_at_zero_half_at_the_half_point_and_monotone(k, n):
    stock = np.linspace(0, 20 * k, 2_001)
    level = hill(stock, np.array(k), np.array(n), np)
    assert level[0] < 1e-6
    assert hill(np.array(k), np.array(k), np.array(n), np) == pytest.approx(0.5)
    assert (np.diff(level) > 0).all()
    assert level[-1] < 1.0
    np.testing.assert_allclose(level[1:], stock[1:] ** n / (stock[1:] ** n + k**n), rtol=1e-12)


@pytest.mark.parametrize(("k", "n"), SHAPES)
def test_hill_is_concave_just_where_its_slope_says_so(k, n):
    level = hill(np.linspace(1e-3, 5 * k, 4_000), np.array(k), np.array(n), np)
    assert (np.diff(level, 2) < 1e-12).all() == (n <= 1)


@pytest.mark.parametrize(("k", "n"), SHAPES)
def test_slope_equals_finite_differences(k, n):
    stock, step = np.array([0.01, 0.3, 1.0, 4.0]), 1e-6
    level = hill(stock, np.array(k), np.array(n), np)
    rise = hill(stock + step, np.array(k), np.array(n), np) - hill(stock - step, np.array(k), np.array(n), np)
    np.testing.assert_allclose(hill_slope_at(stock, level, np.array(n)), rise / (2 * step), rtol=1e-6)


@pytest.mark.parametrize(("k", "n"), [shape for shape in SHAPES if shape[1] > 1])
def test_the_chord_from_the_origin_touches_the_curve_at_the_hull_point(k, n):
    touch = hill_hull_point(np.array(k), np.array(n))
    level = hill(touch, np.array(k), np.array(n), np)
    chord = level / touch
    assert hill_slope_at(touch, level, np.array(n)) == pytest.approx(chord, rel=1e-12)
    # A tangent through the origin is the steepest of all chords, so the curve stays below it.
    stock = np.linspace(SMALLEST_STOCK, 10 * k, 5_000)
    assert (hill(stock, np.array(k), np.array(n), np) <= chord * stock + 1e-12).all()


def test_concave_curves_are_their_own_hull():
    assert (hill_hull_point(np.array([0.5, 2.0]), np.array([1.0, 0.7])) == 0.0).all()


# ---- one formula for the model and the planner


def test_numpy_and_pytensor_agree(evaluate):
    import pytensor.tensor as pt

    rng = np.random.default_rng(2)
    retention, stock = rng.uniform(0.05, 0.95, 3), np.concatenate([np.zeros((1, 3)), rng.random((4, 3))])
    k, n = rng.uniform(0.3, 3.0, 3), rng.uniform(0.5, 2.5, 3)
    np.testing.assert_allclose(
        evaluate(geometric_weights(pt.as_tensor(retention), 13)), geometric_weights(retention, 13), rtol=1e-12
    )
    in_graph = hill(pt.as_tensor(stock), pt.as_tensor(k), pt.as_tensor(n), pt)
    np.testing.assert_allclose(evaluate(in_graph), hill(stock, k, n, np), rtol=1e-12)
