"""Noise that the residuals ask for is found, and noise that they do not ask for is not made up."""

from datetime import date

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mmm.baseline import build_baseline
from mmm.calendar import NO_PEAKS, Calendar, week_range
from mmm.noise import Noise, noise_of
from mmm.panel import Panel
from mmm.settings import ModelSettings

WEEKS = 156
SIGMA, WALK = 0.05, 0.01


def market(seed, units=1, noise=None, media=0.2):
    """Scaled KPI with a season, a given root of noise, and known media."""
    rng = np.random.default_rng(seed)
    weeks = np.arange(WEEKS)
    shape = (units, WEEKS)
    added = media * rng.uniform(0.5, 1.5, shape)
    level = 0.8 + 0.3 * np.sin(2 * np.pi * weeks / 52.18) + added
    white = rng.standard_normal(shape)
    kpi = level + SIGMA * (white if noise is None else noise(white, level, rng))
    panel = Panel(
        weeks=week_range(date(2026, 10, 5), WEEKS),
        units=tuple(f"u{k}" for k in range(units)),
        channels=(),
        controls=(),
        kpi=kpi.copy(),
        value_per_kpi=np.ones(shape),
        spend=np.ones((*shape, 0)),
        control=np.empty((*shape, 0)),
        visits=np.empty((*shape, 0)),
        attributed=np.empty((*shape, 0)),
    )
    return kpi, added, build_baseline(panel, Calendar(NO_PEAKS, ()), (), ModelSettings())


def asked(seed, **how):
    kpi, added, baseline = market(seed, **how)
    return noise_of(kpi, added, baseline, np.full(len(kpi), SIGMA), WALK)


def remembered(memory):
    def noise(white, _level, _rng):
        out = white.copy()
        for week in range(1, WEEKS):
            out[:, week] = memory * out[:, week - 1] + np.sqrt(1 - memory**2) * white[:, week]
        return out

    return noise


def test_independent_noise_stays_plain():
    found = [asked(seed) for seed in range(12)]
    assert sum(one.plain for one in found) >= 11


def test_remembered_noise_is_found():
    found = [asked(seed, noise=remembered(0.6)) for seed in range(6)]
    assert all(one.memory >= 0.3 for one in found)
    assert np.mean([one.memory for one in found]) == pytest.approx(0.6, abs=0.15)


def test_noise_that_grows_with_the_level_is_found():
    found = [asked(seed, noise=lambda white, level, _: level**2 * white, media=0.6) for seed in range(6)]
    assert sum(one.growth >= 1.0 for one in found) >= 5
    assert all(one.memory == 0.0 for one in found)


def test_weeks_far_out_count_less():
    def outliers(white, _level, rng):
        out = white.copy()
        out[:, rng.choice(WEEKS, 4, replace=False)] += 8.0
        return out

    for seed in range(4):
        found = asked(seed, noise=outliers)
        assert 3 <= found.heavy_weeks <= 8
        sizes = np.sqrt((found.root[0] ** 2).sum(axis=1))
        assert sizes.max() > 2.0
        assert np.median(sizes) == pytest.approx(1.0)


def test_units_share_the_kind_of_noise():
    found = asked(1, units=3, noise=remembered(0.45))
    assert found.memory > 0
    assert found.root.shape == (3, WEEKS, WEEKS)


def test_drawing_and_whitening_undo_each_other():
    noise = Noise(memory=0.5, size=np.array([[1.0, 2.0, 0.5, 1.0, 3.0]]))
    white = np.random.default_rng(3).standard_normal((4, 1, 5))
    np.testing.assert_allclose(noise.whitened(noise.drawn(white)), white, atol=1e-12)
    assert Noise().drawn(white) is white
    assert Noise().plain
    assert not noise.plain


def test_the_rotated_baseline_has_the_density_of_the_richer_noise():
    kpi, added, baseline = market(5, noise=remembered(0.6))
    root = np.linalg.cholesky(0.6 ** np.abs(np.subtract.outer(np.arange(WEEKS), np.arange(WEEKS))))[None]
    turned = baseline.with_noise(root)

    def gap(sigma, walk):
        columns = baseline.fixed[0] * baseline.fixed_sd
        steps = baseline.slow * walk
        whole = sigma**2 * (root[0] @ root[0].T + columns @ columns.T) + steps @ steps.T
        dense = multivariate_normal(np.zeros(WEEKS), whole).logpdf(kpi[0] - added[0])
        variance = sigma**2 + walk**2 * turned.spread[0]
        turned_residual = turned.rotation[0] @ (kpi[0] - added[0])
        return dense + 0.5 * (turned_residual**2 / variance + np.log(variance)).sum()

    # A constant is left out of the graph.
    assert gap(0.05, 0.01) == pytest.approx(gap(0.08, 0.03), abs=1e-4)
