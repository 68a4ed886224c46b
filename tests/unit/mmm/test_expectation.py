"""The baseline forecast: exact where last year repeats, and honest about its error where it does not."""

from datetime import timedelta

import numpy as np
import pytest

from mmm.calendar import week_range
from mmm.expectation import baseline_of
from mmm.play import play
from mmm.simulate import FIRST_WEEK, baseline, contribution, demo_market, simulate

WEEKS = week_range(FIRST_WEEK, 156)
SEASON = 100 + 30 * np.sin(2 * np.pi * np.arange(156) / 52)
MEDIA = np.full(156, 20.0)


def test_a_year_that_repeats_with_growth_is_foretold_exactly():
    kpi = SEASON * 1.1 ** (np.arange(156) // 52) + MEDIA
    found = baseline_of(WEEKS, kpi, MEDIA)
    assert found.growth == pytest.approx(1.1)
    assert found.expected(WEEKS[-1] + timedelta(weeks=3)) == pytest.approx(1.1 * (kpi - MEDIA)[106])


def test_short_history_says_nothing():
    assert baseline_of(WEEKS[:90], SEASON[:90], MEDIA[:90]) is None
    assert baseline_of(WEEKS[:91], SEASON[:91], MEDIA[:91]) is not None


def test_a_week_whose_last_year_is_unknown():
    found = baseline_of(WEEKS, SEASON + MEDIA, MEDIA)
    assert found.expected(WEEKS[-1] + timedelta(weeks=53)) is None


def test_error_is_the_size_of_the_noise():
    noise = np.random.default_rng(1).normal(0, 0.05, 156)
    found = baseline_of(WEEKS, SEASON * (1 + noise) + MEDIA, MEDIA)
    assert 0.05 < found.relative_sd(1) < 0.10  # this year's noise and last year's
    assert found.relative_sd(4) < found.relative_sd(1)


def test_the_demo_quarter_lies_within_its_errors():
    market = demo_market()
    seen = simulate(market)
    found = baseline_of(seen.weeks, seen.kpi, contribution(market).sum(axis=1))
    played = play(market, np.zeros((13, len(market.channels))))
    expected = np.array([found.expected(week) for week in played.weeks])
    actual = played.kpi - played.contribution.sum(axis=1)
    z = (actual / expected - 1) / found.relative_sd(1)
    assert np.abs(z).max() < 3
    assert (np.abs(z) < 1.645).mean() > 0.7
    assert baseline(market).min() > 0
