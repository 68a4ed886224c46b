"""Scores of probabilistic forecasts, against closed forms."""

import numpy as np
import pytest
from scipy.stats import norm

from mmm.scores import covered, crps


@pytest.mark.parametrize(("mean", "sd", "truth"), [(0.0, 1.0, 0.0), (2.0, 0.5, 1.0), (-1.0, 3.0, 4.0)])
def test_crps_of_a_normal_is_the_closed_form(mean, sd, truth):
    draws = norm.ppf((np.arange(4000) + 0.5) / 4000, mean, sd)
    z = (truth - mean) / sd
    closed = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps(draws, np.array(truth)) == pytest.approx(closed, rel=2e-3)


def test_crps_of_a_certain_forecast_is_its_error():
    np.testing.assert_allclose(crps(np.full((50, 2), 3.0), np.array([3.0, 5.0])), [0.0, 2.0])


def test_crps_does_not_depend_on_the_order_of_the_draws():
    draws = np.random.default_rng(1).normal(size=(200, 3))
    truth = np.array([0.0, 1.0, -2.0])
    np.testing.assert_allclose(crps(draws, truth), crps(draws[::-1], truth), rtol=1e-12)


def test_the_interval_covers_between_its_quantiles():
    draws = np.linspace(0.0, 1.0, 1001)[:, None] * np.ones(4)
    np.testing.assert_array_equal(covered(draws, np.array([0.04, 0.06, 0.94, 0.96])), [False, True, True, False])
