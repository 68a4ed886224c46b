"""Adstock and saturation: their identities, and that numpy and PyTensor compute the same."""

import os
import warnings

import numpy as np
import pytest

from mmm.transforms import (
    ADSTOCKS,
    SATURATIONS,
    SMALLEST_STOCK,
    adstock_weights,
    geometric_weights,
    half_life_weeks,
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


@pytest.mark.parametrize("family", ADSTOCKS)
def test_every_adstock_family_sums_to_one_and_is_never_negative(family):
    weights = adstock_weights(family, np.array([0.02, 0.5, 0.97]), np.array([0.5, 1.0, 3.0]), 13)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-12)
    assert (weights >= 0).all()


def test_delayed_adstock_peaks_at_its_delay():
    weights = adstock_weights("delayed", np.array([0.3, 0.6]), np.array([2.0, 4.0]), 13)
    assert weights.argmax(axis=-1).tolist() == [2, 4]


def test_weibull_of_shape_one_is_geometric_and_above_one_comes_later():
    retention = np.array([0.3, 0.8])
    geometric = adstock_weights("geometric", retention, retention, 13)
    np.testing.assert_allclose(adstock_weights("weibull", retention, np.ones(2), 13), geometric, rtol=1e-12)
    assert adstock_weights("weibull", np.array(0.8), np.array(2.5), 13).argmax() > 0


def test_binomial_adstock_fades_to_nothing_at_the_last_lag():
    weights = adstock_weights("binomial", np.array([0.2, 0.5]), np.ones(2), 13)
    left = np.arange(14, 0, -1) / 14
    np.testing.assert_allclose(weights, np.stack([left**4, left]) / np.stack([left**4, left]).sum(axis=1)[:, None])


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

TAILS = (0.5, 1.0, 6.0)
CURVES = [
    *(("hill", k, n, 1.0) for k, n in SHAPES),
    *(("flexible", k, n, q) for k, n in SHAPES for q in TAILS),
    *((family, k, 1.0, 1.0) for family in ("michaelis_menten", "logistic", "tanh") for k, _ in SHAPES),
    *(("power", k, n, 1.0) for k in (0.5, 2.0) for n in (0.3, 0.9)),
]


def level_of(curve, stock):
    family, *shape = curve
    return SATURATIONS[family].level(stock, *map(np.array, shape), np)


def steepness_of(curve, stock):
    family, *shape = curve
    return SATURATIONS[family].steepness(stock, level_of(curve, stock), *map(np.array, shape))


def touch_of(curve):
    family, *shape = curve
    return SATURATIONS[family].touch(*map(np.array, shape))


def test_every_family_is_tested():
    assert {family for family, *_ in CURVES} == set(SATURATIONS)


@pytest.mark.parametrize("curve", CURVES)
def test_every_family_is_zero_at_zero_half_at_the_half_point_and_monotone(curve):
    family, k, n, _ = curve
    stock = np.linspace(0, 5 * k, 2_001)
    level = level_of(curve, stock)
    assert level[0] < 1e-3
    assert level_of(curve, np.array(k)) == pytest.approx(0.5)
    assert (np.diff(level) > 0).all()
    if family != "power":
        assert level[-1] < 1.0
    if family == "hill":
        np.testing.assert_allclose(level[1:], stock[1:] ** n / (stock[1:] ** n + k**n), rtol=1e-12)


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_is_concave_just_where_its_family_says_so(curve):
    level = level_of(curve, np.linspace(1e-3, 5 * curve[1], 4_000))
    assert (np.diff(level, 2) < 1e-12).all() == (touch_of(curve) == 0.0)


@pytest.mark.parametrize("curve", CURVES)
def test_steepness_equals_finite_differences(curve):
    stock, step = np.array([0.01, 0.3, 1.0, 2.0]), 1e-6
    rise = level_of(curve, stock + step) - level_of(curve, stock - step)
    np.testing.assert_allclose(steepness_of(curve, stock), rise / (2 * step), rtol=1e-5)


@pytest.mark.parametrize("curve", [curve for curve in CURVES if touch_of(curve) > 0])
def test_the_chord_from_the_origin_touches_the_curve_at_the_hull_point(curve):
    touch = touch_of(curve)
    chord = level_of(curve, touch) / touch
    assert steepness_of(curve, touch) == pytest.approx(chord, rel=1e-9)
    # A tangent through the origin is the steepest of all chords, so the curve stays below it.
    stock = np.linspace(SMALLEST_STOCK, 10 * curve[1], 5_000)
    assert (level_of(curve, stock) <= chord * stock + 1e-12).all()


@pytest.mark.parametrize(("k", "n"), SHAPES)
def test_the_flexible_family_holds_hill_and_the_exponential(k, n):
    stock = np.linspace(0.01, 4 * k, 50)
    np.testing.assert_allclose(level_of(("flexible", k, n, 1.0), stock), level_of(("hill", k, n, 1.0), stock))
    exponential = 1 - 2.0 ** -((stock / k) ** n)
    np.testing.assert_allclose(level_of(("flexible", k, n, 1e7), stock), exponential, rtol=1e-5)


def test_logistic_is_the_textbook_one():
    stock, k = np.linspace(0, 3, 20), 0.8
    rate = 2 * np.arctanh(0.5) / k
    textbook = (1 - np.exp(-rate * stock)) / (1 + np.exp(-rate * stock))
    np.testing.assert_allclose(level_of(("logistic", k, 1.0, 1.0), stock), textbook, atol=1e-14)


# ---- one formula for the model and the planner


def test_numpy_and_pytensor_agree(evaluate):
    import pytensor.tensor as pt

    rng = np.random.default_rng(2)
    retention, stock = rng.uniform(0.05, 0.95, 3), np.concatenate([np.zeros((1, 3)), rng.random((4, 3))])
    k, n = rng.uniform(0.3, 3.0, 3), rng.uniform(0.5, 2.5, 3)
    np.testing.assert_allclose(
        evaluate(geometric_weights(pt.as_tensor(retention), 13)), geometric_weights(retention, 13), rtol=1e-12
    )
    q = rng.uniform(0.5, 5.0, 3)
    for family in SATURATIONS.values():
        in_graph = family.level(pt.as_tensor(stock), *map(pt.as_tensor, (k, n, q)), pt)
        np.testing.assert_allclose(evaluate(in_graph), family.level(stock, k, n, q, np), rtol=1e-12)
    for family in ADSTOCKS:
        in_graph = adstock_weights(family, pt.as_tensor(retention), pt.as_tensor(k), 13)
        np.testing.assert_allclose(evaluate(in_graph), adstock_weights(family, retention, k, 13), rtol=1e-9)
