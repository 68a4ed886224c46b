"""The baseline: its columns, and that the diagonal likelihood and Matheron's draws equal the dense formulas."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mmm.baseline import Baseline, baseline_draws, build_baseline, frame_of, rotate, seasons, walk_basis, walk_steps
from mmm.calendar import Calendar, Peak, week_range
from mmm.panel import Panel
from mmm.settings import EventSettings, ModelSettings

WEEKS = 60


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(3)
    shape = (2, WEEKS)
    return Panel(
        weeks=week_range(date(2026, 10, 5), WEEKS),
        units=("北京", "上海"),
        channels=("抖音",),
        controls=("竞争", "constant"),
        kpi=rng.uniform(50, 150, shape),
        value_per_kpi=np.ones(shape),
        spend=rng.uniform(1, 2, (*shape, 1)),
        control=np.stack([rng.normal(100, 7, shape), np.full(shape, 3.0)], axis=2),
        visits=np.full((*shape, 1), np.nan),
        attributed=np.full((*shape, 1), np.nan),
    )


@pytest.fixture(scope="module")
def baseline(panel):
    peaks = Calendar("own", (Peak("双十一", date(2026, 11, 1), date(2026, 11, 11), 1.0, "estimate"),))
    events = [EventSettings(name="policy", start=date(2027, 3, 1))]
    return build_baseline(panel, peaks, events, ModelSettings(harmonics=2))


@pytest.fixture(scope="module")
def tame(baseline):
    """The same columns with priors as narrow as the noise, so that dense formulas lose no digits."""
    sds = np.full(len(baseline.names), 1.5)
    turned = [rotate(columns, sds, baseline.slow) for columns in baseline.fixed]
    return replace(
        baseline,
        fixed_sd=sds,
        rotation=np.stack([one for one, _ in turned]),
        spread=np.stack([one for _, one in turned]),
    )


def dense_covariance(base: Baseline, unit: int, sigma: float, walk: float):
    """Covariance of one unit's KPI given media, as the module's text states it."""
    columns = base.fixed[unit] * base.fixed_sd
    fixed = sigma**2 * (np.eye(columns.shape[0]) + columns @ columns.T)
    return fixed + walk**2 * base.slow @ base.slow.T


def diagonal_log_density(base: Baseline, unit: int, residual, sigma: float, walk: float):
    """The expression of the model's likelihood."""
    variance = sigma**2 + walk**2 * base.spread[unit]
    return -0.5 * ((base.rotation[unit] @ residual) ** 2 / variance + np.log(variance)).sum()


# ---- columns


def test_columns_are_named_and_parted(baseline):
    assert baseline.names == (
        *("intercept", "trend", "sin1", "sin2", "cos1", "cos2"),
        *("双十一", "policy", "竞争", "constant"),
    )
    assert baseline.parts == ("intercept", "trend", *["season"] * 4, "event", "event", "control", "control")
    assert baseline.fixed.shape == (2, WEEKS, 10)
    np.testing.assert_allclose(baseline.fixed[:, 0, baseline.names.index("双十一")], 0.0)  # 5 to 11 October
    np.testing.assert_allclose(baseline.fixed[:, 4, baseline.names.index("双十一")], 1.0)  # 2 to 8 November
    np.testing.assert_allclose(baseline.fixed[:, 5, baseline.names.index("双十一")], 3 / 7)  # 9 to 15 November


def test_seasons_repeat_after_a_year():
    weeks_a_year = 365.25 / 7
    here = np.arange(20.0)
    np.testing.assert_allclose(seasons(here, 3), seasons(here + weeks_a_year, 3), atol=1e-12)
    assert seasons(here, 3).shape == (20, 6)


def test_walk_starts_at_zero_takes_unit_steps_and_is_straight_between_knots():
    basis = walk_basis(53, 13)
    assert basis.shape == (53, 4)
    np.testing.assert_allclose(basis[0], 0.0)
    np.testing.assert_allclose(basis[[0, 13, 26, 39, 52]], np.tril(np.ones((5, 5)))[:, 1:], atol=1e-12)
    path = basis @ np.array([1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(np.diff(path, 2)[np.arange(51) % 13 != 12], 0.0, atol=1e-12)


def test_controls_are_standardised_by_unit_and_a_constant_one_says_nothing(baseline):
    control = baseline.fixed[:, :, baseline.names.index("竞争")]
    np.testing.assert_allclose(control.mean(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(control.std(axis=1), 1.0)
    assert (baseline.fixed[:, :, baseline.names.index("constant")] == 0.0).all()


def test_columns_go_on_after_the_data(panel, baseline):
    """The frame gives the data's own columns for the data's weeks, and the same waves, trend and peaks after them."""

    def peak(year):
        return Calendar("own", (Peak("双十一", date(year, 11, 1), date(year, 11, 11), 1.0, "estimate"),))

    events = [EventSettings(name="policy", start=date(2027, 3, 1))]
    names, parts, seen = baseline.frame.columns(panel.weeks, peak(2026), events)
    assert (names, parts) == (baseline.names[:-2], baseline.parts[:-2])
    np.testing.assert_array_equal(seen, baseline.fixed[:, :, :-2])
    later = week_range(date(2028, 10, 23), 3)
    names, _, after = baseline.frame.columns(later, peak(2028), events)
    for unit in (0, 1):
        np.testing.assert_allclose(after[unit, :, names.index("双十一")], [0.0, 5 / 7, 6 / 7])
        np.testing.assert_allclose(after[unit, :, names.index("policy")], 1.0)
        np.testing.assert_allclose(after[unit, :, 1], np.arange(107, 110) / WEEKS - 0.5)


def growing_panel(panel, swing):
    """Three years in which the level doubles in the first unit and stays in the second; ``swing(level, wave)``."""
    weeks = week_range(date(2024, 10, 7), 156)
    position = np.arange(156.0)
    level = np.stack([100.0 * (1.0 + 2 / 3 * (position / 156 - 0.5)), np.full(156, 100.0)])
    wave = 0.2 * np.sin(2 * np.pi * position * 7 / 365.25)
    noise = np.random.default_rng(5).standard_normal(level.shape)
    unknown = np.full((2, 156, 1), np.nan)
    return replace(
        panel,
        weeks=weeks,
        controls=(),
        kpi=swing(level, wave) + noise,
        value_per_kpi=np.ones(level.shape),
        spend=np.ones((2, 156, 1)),
        control=np.empty((2, 156, 0)),
        visits=unknown,
        attributed=unknown.copy(),
    )


def test_seasons_grow_with_the_level_where_that_fits_better(panel):
    settings = ModelSettings(harmonics=2)
    grown = growing_panel(panel, lambda level, wave: level * (1.0 + wave))
    frame = frame_of(grown, Calendar("none", ()), (), settings)
    np.testing.assert_allclose(frame.rise, [2 / 3, 0.0], atol=0.05)
    later = week_range(date(2027, 10, 4), 8)
    _, parts, ahead = frame.columns(later, Calendar("none", ()), ())
    swinging = np.array(parts) == "season"
    np.testing.assert_allclose(ahead[0][:, swinging], 1.35 * ahead[1][:, swinging], rtol=0.05)
    np.testing.assert_array_equal(ahead[0][:, ~swinging], ahead[1][:, ~swinging])


def test_seasons_of_one_size_stay_of_one_size(panel):
    steady = growing_panel(panel, lambda level, wave: level + 100.0 * wave)
    frame = frame_of(steady, Calendar("none", ()), (), ModelSettings(harmonics=2))
    np.testing.assert_array_equal(frame.rise, 0.0)


def test_peaks_grow_too_and_each_strength_of_a_peak_has_its_column(panel):
    peaks = tuple(
        Peak("618", date(year, 6, first), date(year, 6, last), strength, "estimate")
        for year in (2025, 2026, 2027)
        for first, last, strength in ((1, 15, 0.6), (16, 20, 1.0))
    )
    frame = replace(
        frame_of(growing_panel(panel, lambda level, _: level), Calendar("own", peaks), (), ModelSettings()),
        rise=np.array([0.5, 0.0]),
    )
    names, _, columns = frame.columns([date(2026, 6, 8), date(2026, 6, 15)], Calendar("own", peaks), ())
    before, sale = names.index("618 (0.6)"), names.index("618 (1)")
    np.testing.assert_allclose(columns[1][:, [before, sale]], [[1.0, 0.0], [1 / 7, 5 / 7]])
    level = 1.0 + 0.5 * (np.array([87, 88]) / 156 - 0.5)
    np.testing.assert_allclose(columns[0][:, [before, sale]], level[:, None] * columns[1][:, [before, sale]])


def test_the_walk_stays_at_its_last_knot_until_new_steps_are_drawn():
    ahead = walk_steps(np.arange(60.0), 13.0, 5)
    np.testing.assert_array_equal(ahead[:53, :4], walk_basis(53, 13))
    np.testing.assert_array_equal(ahead[53:, :4], 1.0)
    np.testing.assert_allclose(ahead[53:, 4], np.arange(1, 8) / 13)


# ---- likelihood


@pytest.mark.parametrize("unit", [0, 1])
def test_diagonal_likelihood_is_the_dense_one_up_to_a_constant(tame, unit):
    rng = np.random.default_rng(4)
    scales = [(0.05, 0.01), (0.05, 0.3), (0.2, 0.01), (0.4, 2.0), (1.0, 1e-6)]
    gaps = []
    for sigma, walk in scales:
        residual = rng.normal(0, 0.5, WEEKS)
        dense = multivariate_normal(np.zeros(WEEKS), dense_covariance(tame, unit, sigma, walk)).logpdf(residual)
        gaps.append(dense - diagonal_log_density(tame, unit, residual, sigma, walk))
    # The constant is the log determinant of the whitening, whatever sigma, walk and data.
    constant = np.linalg.slogdet(tame.rotation[unit])[1] - 0.5 * WEEKS * np.log(2 * np.pi)
    np.testing.assert_allclose(gaps, constant, rtol=1e-8)


def test_rotation_makes_the_covariance_diagonal_under_the_real_priors(baseline):
    for sigma, walk in [(0.05, 0.01), (0.1, 0.5)]:
        for unit in (0, 1):
            turn = baseline.rotation[unit]
            seen = turn @ dense_covariance(baseline, unit, sigma, walk) @ turn.T
            # The widest prior is 1,000 sigma, so the dense matrix itself keeps about ten digits.
            np.testing.assert_allclose(seen, np.diag(sigma**2 + walk**2 * baseline.spread[unit]), atol=1e-6 * sigma**2)


def test_spread_is_never_negative(baseline):
    assert (baseline.spread >= 0).all()


# ---- conditional draws


def conditional(base: Baseline, unit: int, residual, sigma: float, walk: float):
    """Mean and covariance of every component's weekly path given the residual, by the dense Gaussian formulas."""
    inverse = np.linalg.inv(dense_covariance(base, unit, sigma, walk))
    parts = np.array(base.parts)
    found = {}
    for part in (*dict.fromkeys(base.parts), "slow"):
        if part == "slow":
            prior = walk**2 * base.slow @ base.slow.T
        else:
            columns = (base.fixed[unit] * base.fixed_sd)[:, parts == part]
            prior = sigma**2 * columns @ columns.T
        found[part] = prior @ inverse @ residual, prior - prior @ inverse @ prior
    return found


def test_draws_have_the_conditional_mean_and_spread(tame):
    draws, sigma, walk = 6_000, (0.3, 0.2), (0.4, 0.1)
    residual = np.random.default_rng(5).normal(0.2, 0.6, (2, WEEKS))
    wide = (draws, 2)
    found = baseline_draws(
        tame,
        np.broadcast_to(residual, (draws, 2, WEEKS)),
        np.broadcast_to(sigma, wide),
        np.broadcast_to(walk, wide),
        np.random.default_rng(6),
    )
    assert set(found) == {"intercept", "trend", "season", "event", "control", "slow"}
    for unit in (0, 1):
        for part, (mean, covariance) in conditional(tame, unit, residual[unit], sigma[unit], walk[unit]).items():
            sd = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
            drawn = found[part][:, unit]
            assert (np.abs(drawn.mean(axis=0) - mean) <= 5 * sd / np.sqrt(draws) + 1e-12).all(), part
            np.testing.assert_allclose(drawn.std(axis=0), sd, rtol=0.04, atol=1e-12, err_msg=part)


def test_the_baseline_as_a_whole_has_the_conditional_covariance(tame):
    draws, sigma, walk = 6_000, 0.3, 0.4
    residual = np.random.default_rng(7).normal(0, 0.6, (1, 2, WEEKS))
    found = baseline_draws(
        tame,
        np.repeat(residual, draws, axis=0),
        np.full((draws, 2), sigma),
        np.full((draws, 2), walk),
        np.random.default_rng(8),
    )
    drawn = np.sum(list(found.values()), axis=0)[:, 0]
    # baseline = residual - noise, and noise given the residual is normal.
    noise = sigma**2 * np.eye(WEEKS)
    gain = noise @ np.linalg.inv(dense_covariance(tame, 0, sigma, walk))
    np.testing.assert_allclose(drawn.mean(axis=0), residual[0, 0] - gain @ residual[0, 0], atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), noise - gain @ noise, atol=0.007)


def test_draws_come_from_their_seed(tame):
    scale = np.full((3, 2), 0.1)
    residual = np.zeros((3, 2, WEEKS))
    one, two = (baseline_draws(tame, residual, scale, scale, np.random.default_rng(9)) for _ in range(2))
    for part in one:
        np.testing.assert_array_equal(one[part], two[part])
