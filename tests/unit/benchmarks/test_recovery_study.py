"""The studies' own arithmetic: planning, scoring, the markets' truth, and that the oracle is calibrated."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.evidence.experiments import ERRORS, experiments
from benchmarks.evidence.markets import BURN_IN, FAMILIES, LONGEST_LAG, OWN, PLAN_WEEKS, market, response
from benchmarks.evidence.oracle import sample, scale_draws, see
from benchmarks.evidence.report import summarise
from benchmarks.evidence.scoring import MULTIPLES, best_multiples, bootstrap, plan_scores, worth_at
from mmm.model import prepare
from mmm.settings import ChannelSettings, ModelSettings

# ---- the best division


def worth_of(*curves):
    return np.stack([curve(MULTIPLES) for curve in curves], axis=1)


def test_the_best_division_of_roots_is_known():
    """Two equal lines earning a sqrt(m): marginals meet where m1 / m2 = (a1 / a2)^2."""
    found = best_multiples(worth_of(lambda m: 1.2 * np.sqrt(m), np.sqrt), np.array([100.0, 100.0]))
    assert found.sum() == pytest.approx(2.0)
    assert found[0] / found[1] == pytest.approx(1.44, rel=0.05)  # worth is straight between twentieths


def test_bounds_hold_and_an_s_curve_takes_all_or_little():
    worth = worth_of(lambda m: 3 * m**4 / (m**4 + 1.2**4), lambda m: 1.0 * m, lambda m: 1.1 * m)
    base = np.array([100.0, 300.0, 50.0])
    found = best_multiples(worth, base)
    assert (found >= 0.5 - 1e-9).all()
    assert (found <= 1.5 + 1e-9).all()
    assert found @ base == pytest.approx(base.sum(), rel=2e-3)
    grid = [0.5 + 0.05 * k for k in range(21)]
    most = max(
        worth_at(worth, np.array([a, b, (base.sum() - a * 100 - b * 300) / 50]))
        for a, b in itertools.product(grid, grid)
        if 0.5 <= (base.sum() - a * 100 - b * 300) / 50 <= 1.5
    )
    assert worth_at(worth, found) >= most - 1e-3 * most


def test_a_line_without_money_stays_without_effect():
    found = best_multiples(worth_of(np.sqrt, np.sqrt, np.zeros_like), np.array([10.0, 10.0, 0.0]))
    assert np.isfinite(found).all()
    assert found[:2].sum() == pytest.approx(2.0, abs=0.01)


def test_captured_share_on_a_known_case():
    """Worth is linear: moving half of the second line's money to the first is best, the other way is worst."""
    true = worth_of(lambda m: 3.0 * m, lambda m: 1.0 * m)
    base = np.array([1.0, 1.0])
    right = plan_scores(np.stack([true, true]), true, base)
    assert right["captured"] == pytest.approx(1.0)
    assert (right["keep"], right["best"]) == pytest.approx((4.0, 5.0))
    assert (right["promised"], right["promised_gain"], right["prob_better"]) == pytest.approx((5.0, 1.0, 1.0))
    wrong = plan_scores(np.stack([true[:, ::-1]] * 2), true, base)
    assert wrong["captured"] == pytest.approx(-1.0)
    assert wrong["beats"] == 0.0
    assert wrong["prob_better"] == 1.0


def test_the_bootstrap_interval_holds_the_mean_of_a_sample():
    values = np.random.default_rng(1).normal(2.0, 1.0, (200, 1))
    value, low, high = bootstrap(values, lambda table: float(table.mean()))
    assert value == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.645 / np.sqrt(200), rel=0.15)


# ---- markets


@pytest.mark.parametrize("family", [*FAMILIES, OWN])
@pytest.mark.parametrize("units", [1, 3])
def test_a_market_is_its_seed_and_has_what_was_drawn(family, units):
    one, same, other = market(family, 1, units=units), market(family, 1, units=units), market(family, 2, units=units)
    np.testing.assert_array_equal(one.panel.kpi, same.panel.kpi)
    assert one.panel.kpi.shape != other.panel.kpi.shape or (one.panel.kpi != other.panel.kpi).any()
    assert one.contribution.sum() / one.panel.kpi.sum() == pytest.approx(one.share, rel=0.1)
    assert (one.panel.spend >= 0).all()
    np.testing.assert_allclose(one.shapes() * one.scale[:, None], one.contribution, rtol=1e-4, atol=1.0)


@pytest.mark.parametrize("family", [*FAMILIES, OWN])
def test_what_a_plan_adds_is_the_difference_of_two_simulations(family):
    seen = market(family, 3)
    base, history = seen.base[0] / seen.usual[0], seen.history[0] / seen.usual[0]

    def run(level):
        path = np.concatenate([history, np.tile(level * base, (PLAN_WEEKS, 1)), np.tile(base, (LONGEST_LAG, 1))])
        return response(seen.levels, seen.weights, seen.effect, path[None])[0, len(history) :].sum(axis=0)

    np.testing.assert_allclose(seen.planned(np.array([1.3]))[0, 0], run(1.3) - run(0.0))
    assert (seen.planned(np.array([0.0])) == 0.0).all()


def test_the_noise_is_white_once_whitened():
    """Two markets that differ in noise alone: what differs, whitened, is independent with the drawn sd."""
    for seed in (1, 2):
        seen = market("logistic", seed)
        mean = seen.panel.kpi.mean()
        columns = np.vander(np.linspace(-1, 1, len(seen.panel.weeks)), 2)
        turn = 2 * np.pi * np.arange(len(columns))[:, None] * 7 / 365.25 * np.array([1, 2])
        columns = np.concatenate([columns, np.sin(turn), np.cos(turn), seen.panel.control[0]], axis=1)
        left = (seen.panel.kpi - seen.contribution.sum(axis=2))[0] / mean
        left = left - columns @ np.linalg.lstsq(columns, left, rcond=None)[0]
        white = seen.whitener[0] @ left
        assert white.std() == pytest.approx(seen.noise, rel=0.2)
        assert abs(np.corrcoef(white[1:], white[:-1])[0, 1]) < 0.25


def test_experiments_measure_the_true_effect_with_their_error():
    off = []
    for family, seed in itertools.product(FAMILIES, range(6)):
        seen = market(family, seed)
        found = experiments(seen)
        assert len(found) == -(-seen.panel.spend.shape[2] // 3)
        for one in found:
            effect = (one.per_scale * seen.scale).sum()
            assert ERRORS[0] <= one.test.kpi_se / abs(effect) <= ERRORS[1]
            assert np.sign(effect) == np.sign(one.test.spend_change)
            off.append((one.test.kpi_change - effect) / one.test.kpi_se)
    assert np.std(off) == pytest.approx(1.0, abs=0.35)


def test_curves_without_a_ceiling_have_the_elasticity_of_their_power():
    seen = market("demand", 2)
    powered = replace(seen, levels=tuple((lambda stock: stock**0.6) for _ in seen.levels))
    powered = replace(powered, contribution=powered.shapes() * seen.scale[:, None])
    np.testing.assert_allclose(powered.elasticity, (1.01**0.6 - 1) / 0.01)


# ---- the oracle


def oracle_of(seen, tests=()):
    channels = {name: ChannelSettings() for name in seen.panel.channels}
    return see(seen, prepare(seen.panel, channels, seen.calendar, (), ModelSettings()).baseline, tests)


def test_the_oracle_samples_a_normal_exactly(monkeypatch):
    """With a likelihood that is normal in z, the sampler's moments are the known ones."""
    oracle = oracle_of(market("logistic", 0))
    precision = 1.0 + np.arange(oracle.dims)
    monkeypatch.setattr(type(oracle), "log_density", lambda _, z: -0.5 * ((z - 0.3) ** 2 * precision).sum(axis=1))
    draws = sample(oracle)
    np.testing.assert_allclose(draws.mean(axis=0), 0.3, atol=0.1)
    np.testing.assert_allclose(draws.std(axis=0), precision**-0.5, rtol=0.12)


@pytest.mark.slow
def test_the_oracle_is_calibrated():
    """Total media of 30 markets by rank in the oracle's draws: uniform, and its intervals cover."""
    ranks = []
    for seed in range(30):
        seen = market("logistic", seed)
        media = np.einsum("nuc,utc->n", scale_draws(oracle_of(seen), seen), seen.shapes())
        ranks.append((media < seen.contribution.sum()).mean())
    assert 0.35 < np.mean(ranks) < 0.65
    assert np.mean([0.05 < rank < 0.95 for rank in ranks]) >= 0.75


def test_lift_tests_narrow_the_oracle():
    seen = market("flighted", 1)
    tests = tuple(replace(one, test=replace(one.test, kpi_se=one.test.kpi_se / 3)) for one in experiments(seen))
    plain, told = (scale_draws(oracle_of(seen, given), seen)[:, 0] for given in ((), tests))
    tested = [seen.panel.channels.index(one.test.channel) for one in tests]
    assert (told[:, tested].std(axis=0) < 0.7 * plain[:, tested].std(axis=0)).all()


# ---- the summary


def test_the_summary_counts_markets_and_holds_the_model_against_the_limit():
    scores = {
        **dict.fromkeys(("crps", "error", "coverage", "beats", "prob_better", "total_media"), 1.0),
        "keep": 10.0,
        "plan": 11.0,
        "best": 12.0,
        "captured": 0.5,
        "promised": 11.0,
        "promised_gain": 0.5,
    }
    sampled = {"max_rhat": 1.0, "min_ess_bulk": 500.0, "divergences": 0, "seconds": 1.0}
    better = scores | {"plan": 12.0, "captured": 1.0}
    rows = [
        {"family": f, "seed": 1, "version": "x", "share": 0.2, "model": scores, "oracle": better, "sampling": sampled}
        for f in FAMILIES
    ]
    found = summarise(rows)
    assert found["all"]["markets"] == 3
    assert found["demand"]["model"]["captured"] == pytest.approx([0.5, 0.5, 0.5])
    assert [found["all"][name][0] for name in ("of_limit", "of_limit_pooled")] == pytest.approx([0.5, 0.5])
    assert found["all"]["model"]["promised_gain"][0] == pytest.approx(0.5)
    assert found["all"]["oracle"]["captured_pooled"][0] == pytest.approx(1.0)


def test_burn_in_weeks_are_not_shown():
    seen = market("demand", 0)
    assert seen.history.shape[1] == BURN_IN + len(seen.panel.weeks)
    np.testing.assert_array_equal(seen.history[:, BURN_IN:], seen.panel.spend)
