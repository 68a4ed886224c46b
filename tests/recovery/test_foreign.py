"""Markets of families that are not the fitted one: truth inside the intervals, plans that gain, and honest refits."""

import numpy as np
import pytest

from benchmarks.evidence.markets import market
from benchmarks.evidence.recovery import SETTINGS, study
from benchmarks.evidence.refit import refit
from mmm.backtest import backtest
from mmm.refit import CompiledModels
from mmm.scores import covered
from mmm.settings import BacktestSettings, ChannelSettings

pytestmark = pytest.mark.slow

# One compilation: six channels each, no peaks.
MARKETS = [("logistic", 1), ("logistic", 5), ("flighted", 1), ("flighted", 5)]
# Of 24 independent 90% intervals, 18 or more hold the truth with probability 0.99.
LEAST_COVERED = 18


@pytest.fixture(scope="module")
def compiled():
    return CompiledModels()


@pytest.fixture(scope="module")
def fits(compiled):
    seen = [market(*which) for which in MARKETS]
    return [(one, refit(one, compiled, SETTINGS)) for one in seen]


def test_ninety_per_cent_intervals_hold_the_true_roi(fits):
    held = np.concatenate([covered(fit.roi, seen.roi) for seen, fit in fits])
    assert held.size == 24
    assert held.sum() >= LEAST_COVERED


def test_total_media_are_neither_missed_nor_doubled(fits):
    for seen, fit in fits:
        assert 0.5 < fit.media.mean() / seen.contribution.sum() < 2.0


def test_the_sampler_converges(fits):
    for _, fit in fits:
        assert fit.diagnostics["max_rhat"] <= 1.03
        assert fit.diagnostics["min_ess_bulk"] >= 150
        assert fit.diagnostics["divergences"] <= 10


def test_plans_gain_on_the_whole(compiled):
    gains = []
    for which in MARKETS:
        scores = study(market(*which), compiled, ())["model"]
        gains.append(scores["plan"] / scores["keep"] - 1)
    assert np.mean(gains) > 0.02


def test_one_structure_is_compiled_once_and_a_refit_is_a_fresh_fit(fits, compiled):
    assert len(compiled.by_structure) == 1
    seen, first = fits[-1]  # its weeks are not those of the market that was compiled for
    assert len(seen.panel.weeks) != len(fits[0][0].panel.weeks)
    fresh = refit(seen, CompiledModels(), SETTINGS)
    assert fresh.curves.to_bytes() == first.curves.to_bytes()


def test_backtests_beat_last_year_and_know_their_own_error():
    seen = market("logistic", 1)
    channels = {name: ChannelSettings() for name in seen.panel.channels}
    found = backtest(seen.panel, channels, seen.calendar, (), SETTINGS, BacktestSettings(origins=3, draws=300))
    scores = found["summary"]["scores"]
    assert scores["model"]["crps"] < min(scores["seasonal_naive"]["crps"], scores["last_year"]["crps"])
    assert 0.75 <= scores["model"]["coverage90"] <= 1.0
    assert found["compilations"] == 1
