"""Backtests: how the past is cut, what the rivals forecast, how methods are scored. The model's own part is slow."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

import mmm.backtest
import mmm.model
from mmm.backtest import LEAST_TRAINING, backtest, cut, last_year_with_growth, ridge, scored, seasonal_naive, splits
from mmm.calendar import NO_PEAKS, Calendar, week_range
from mmm.lift import LiftTest
from mmm.panel import Panel
from mmm.problems import InputError
from mmm.settings import BacktestSettings, ChannelSettings, EventSettings, ModelSettings

WEEKS = 140
NOTHING = Calendar(NO_PEAKS, ())
MODEL = ModelSettings(harmonics=1)


def panel_of(kpi, spend=None):
    kpi = np.atleast_2d(kpi).astype(float)
    units, weeks = kpi.shape
    spend = np.ones((units, weeks, 1)) if spend is None else spend
    return Panel(
        weeks=week_range(date(2024, 1, 1), weeks),
        units=tuple(f"u{u}" for u in range(units)),
        channels=("抖音",),
        controls=(),
        kpi=kpi,
        value_per_kpi=np.ones(kpi.shape),
        spend=spend,
        control=np.empty((units, weeks, 0)),
        visits=np.full(spend.shape, np.nan),
        attributed=np.full(spend.shape, np.nan),
    )


@pytest.fixture
def noise():
    return panel_of(100 + np.random.default_rng(2).normal(0, 5, (2, WEEKS)))


def split_of(panel, horizon=13):
    return splits(panel, BacktestSettings(origins=1, horizon=horizon))[0]


# ---- origins


def test_origins_are_a_horizon_apart_and_reach_the_end(noise):
    found = splits(noise, BacktestSettings(origins=4, horizon=13))
    assert [len(split.past.weeks) for split in found] == [88, 101, 114, 127]
    for split in found:
        assert split.later.weeks[0] - split.past.weeks[-1] == timedelta(weeks=1)
        np.testing.assert_array_equal(np.concatenate([split.past.kpi, split.later.kpi], 1), cut_kpi(noise, split))
    assert found[-1].later.weeks[-1] == noise.weeks[-1]


def cut_kpi(panel, split):
    return panel.kpi[:, : len(split.past.weeks) + len(split.later.weeks)]


def test_too_little_history_is_refused_with_what_would_do(noise):
    with pytest.raises(InputError, match="at most 4 origins"):
        splits(noise, BacktestSettings(origins=5, horizon=13))
    with pytest.raises(InputError, match="shorter horizon"):
        splits(cut(noise, 0, LEAST_TRAINING), BacktestSettings(origins=1, horizon=13))
    assert len(splits(cut(noise, 0, LEAST_TRAINING + 13), BacktestSettings(origins=1, horizon=13))) == 1


# ---- rivals


def forecast_mean(rule, panel):
    split = split_of(panel)
    draws = rule(split, NOTHING, (), MODEL)
    assert draws.shape[1:] == split.later.kpi.shape
    return draws.mean(axis=0), split.later.kpi


def test_seasonal_naive_is_exact_where_years_repeat():
    told, real = forecast_mean(seasonal_naive, panel_of(np.tile(np.arange(52.0) + 10, 3)[:WEEKS]))
    np.testing.assert_allclose(told, real)


def test_seasonal_naive_is_as_wide_as_it_was_wrong(noise):
    split = split_of(noise)
    draws = seasonal_naive(split, NOTHING, (), MODEL)
    np.testing.assert_allclose(draws.std(axis=0).mean(axis=1), 5 * np.sqrt(2), rtol=0.3)


def test_last_year_with_growth_follows_steady_growth():
    years = np.arange(WEEKS) / 52
    told, real = forecast_mean(last_year_with_growth, panel_of((100 + np.arange(WEEKS) % 52) * 1.1 ** np.floor(years)))
    # The growth is that of the last 13 weeks over the same weeks a year before: 10% exactly.
    np.testing.assert_allclose(told, real, rtol=1e-9)


def test_ridge_finds_spend_season_and_event():
    rng = np.random.default_rng(3)
    spend = rng.uniform(0.2, 3.0, (1, WEEKS, 1))
    event = EventSettings(name="policy", start=date(2024, 1, 1) + timedelta(weeks=60))
    kpi = 100 + 20 * np.log1p(spend[:, :, 0] / spend[:, :127, 0].mean()) - 10 * (np.arange(WEEKS) >= 60)
    split = split_of(panel_of(kpi, spend))
    draws = ridge(split, NOTHING, [event], MODEL)
    np.testing.assert_allclose(draws.mean(axis=0), split.later.kpi, rtol=0.01)


def test_ridge_knows_nothing_of_the_held_out_kpi(noise):
    split = split_of(noise)
    other = replace(split, later=replace(split.later, kpi=split.later.kpi * 7))
    np.testing.assert_array_equal(ridge(split, NOTHING, (), MODEL), ridge(other, NOTHING, (), MODEL))


# ---- scores and the document


def test_scores_are_relative_to_each_units_mean():
    kpi = np.array([[90.0, 110.0], [900.0, 1100.0]])
    draws = np.broadcast_to(np.array([[100.0, 100.0], [1000.0, 1000.0]]), (30, 2, 2))
    found = scored(draws, kpi)
    assert found["crps"] == pytest.approx(0.1)
    assert found["mape"] == pytest.approx((10 / 90 + 10 / 110) / 2)
    assert found["coverage90"] == 0.0


@pytest.fixture
def all_knowing(monkeypatch):
    """A model that forecasts what came, with an error of one."""

    def knows(split, *_):
        draws = split.later.kpi + np.random.default_rng(1).normal(0, 1.0, (200, *split.later.kpi.shape))
        return draws, {"max_rhat": 1.0, "min_ess_bulk": 800.0, "divergences": 0}

    monkeypatch.setattr(mmm.backtest, "forecast_split", knows)


def run(panel, lift_tests=()):
    stages = []
    settings = BacktestSettings(origins=2, horizon=13)
    channels = {name: ChannelSettings() for name in panel.channels}
    found = backtest(panel, channels, NOTHING, (), MODEL, settings, lift_tests, on_stage=stages.append)
    return found, stages


@pytest.mark.usefixtures("all_knowing")
def test_the_document_holds_every_origin_and_the_best_rival(noise):
    found, stages = run(noise)
    assert stages == ["Origin 1 of 2", "Origin 2 of 2"]
    assert [origin["trained_to"] for origin in found["origins"]] == [
        noise.weeks[113].isoformat(),
        noise.weeks[126].isoformat(),
    ]
    assert set(found["summary"]["scores"]) == {"model", "seasonal_naive", "last_year", "ridge"} == set(found["methods"])
    for origin in found["origins"]:
        assert len(origin["kpi"]) == len(origin["weeks"]) == len(origin["forecast"]["ridge"]["p95"]) == 13
    scores = found["summary"]["scores"]
    best = min(("seasonal_naive", "last_year", "ridge"), key=lambda name: scores[name]["crps"])
    assert found["summary"]["best_rival"] == best
    assert found["summary"]["skill"] == pytest.approx(1 - scores["model"]["crps"] / scores[best]["crps"])
    assert found["summary"]["skill"] > 0.5


class Prepared(Exception):
    """Raised in place of a fit."""


def test_a_lift_test_counts_only_after_its_end(noise, monkeypatch):
    def prepare(*given):
        raise Prepared([test.kpi_change for test in given[5]])

    def ended(week, change):
        return LiftTest("抖音", noise.weeks[week - 5], noise.weeks[week], None, 10.0, change, 1.0)

    monkeypatch.setattr(mmm.model, "prepare", prepare)
    tests = [ended(80, 1.0), ended(113, 2.0), ended(114, 3.0)]
    with pytest.raises(Prepared) as stopped:
        run(noise, tests)
    assert stopped.value.args[0] == [1.0, 2.0]  # the first origin trains up to week 113
