"""The calibration study's own arithmetic: its prior, its data, its bands."""

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.evidence.sbc import (
    CHANNELS,
    RANKED,
    STEP,
    band,
    prior_draw,
    quantities,
    simulated,
    small_model,
    summarise,
)
from mmm.extract import contribution_draws
from mmm.media import media_parameters, parameter_shapes


@pytest.fixture(scope="module")
def model():
    return small_model(3)


def log_share(model, z):
    roi = media_parameters(z, model.form, np)["roi"][:, 0]
    return np.log((roi * model.spend_share[0]).sum(axis=1))


def test_the_prior_holds_the_guard_on_total_media(model):
    """Against importance weights: plain prior draws weighted by the guard have the same mean log share."""
    rng = np.random.default_rng(1)
    drawn = np.array([log_share(model, prior_draw(model, rng))[0] for _ in range(1500)])
    plain = {name: rng.standard_normal((40_000, *shape)) for name, shape in parameter_shapes(model.form).items()}
    free = log_share(model, plain)
    centre, sd = model.prior.total
    weight = np.exp(-0.5 * ((free - centre) / sd) ** 2)
    mean = (weight * free).sum() / weight.sum()
    spread = np.sqrt((weight * (free - mean) ** 2).sum() / weight.sum())
    assert drawn.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(1500))
    assert drawn.std() == pytest.approx(spread, rel=0.08)
    assert spread < 0.8 * free.std()


def test_data_are_media_baseline_and_noise_of_the_drawn_size(model):
    """Rotated, what is left of the KPI without media has the variance that the likelihood says."""
    rng = np.random.default_rng(2)
    squares = []
    for _ in range(40):
        z = prior_draw(model, rng)
        parameters, media = contribution_draws(z, model)
        seen = simulated(model, z, rng)
        left = model.baseline.rotation[0] @ (seen.scaled_kpi - media[0].sum(axis=2))[0]
        variance = parameters["sigma"][0, 0] ** 2 + parameters["walk"][0, 0] ** 2 * model.baseline.spread[0]
        squares.append((left**2 / variance).mean())
    assert np.mean(squares) == pytest.approx(1.0, abs=4 * np.sqrt(2 / (40 * left.size)))


def test_ranked_quantities_are_roi_and_the_worth_of_one_per_cent_more(model):
    rng = np.random.default_rng(4)
    z = prior_draw(model, rng)
    found = quantities(z, model)
    parameters, _ = contribution_draws(z, model)
    for c in range(CHANNELS):
        assert found[f"roi_{c + 1}"][0] == pytest.approx(parameters["roi"][0, 0, c])
        assert 0 < found[f"mroi_{c + 1}"][0] < (1 + 5 * STEP) * 3 * found[f"roi_{c + 1}"][0]
    assert found["media_share"][0] == pytest.approx(np.exp(log_share(model, z)[0]))


def rows_of(ranks):
    return [{"ranks": {"roi": int(rank)}, "divergences": 0, "version": "x"} for rank in ranks]


def test_uniform_ranks_stay_in_the_band_and_others_leave_it():
    rng = np.random.default_rng(5)
    low, high = band(200, 0.95)
    inside = 0
    for _ in range(300):
        ecdf = np.bincount(rng.integers(0, RANKED + 1, 200), minlength=RANKED + 1).cumsum()[:-1] / 200
        inside += bool(((ecdf >= low) & (ecdf <= high)).all())
    assert inside / 300 == pytest.approx(0.95, abs=0.04)
    overconfident = np.clip(np.round(RANKED * norm.cdf(1.6 * rng.standard_normal(200))), 0, RANKED)
    found = summarise(rows_of(overconfident))["quantities"]["roi"]
    assert not found["inside_99%"]
    assert found["mean_rank"] == pytest.approx(0.5, abs=0.1)
