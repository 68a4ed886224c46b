"""Fits of simulated markets whose truth is known: is it found, do the gates pass, and is the fit repeatable?"""

import numpy as np
import pytest

import mmm.fit
import mmm.refit
from mmm.calendar import NO_PEAKS, Calendar
from mmm.panel import NATIONAL, Panel
from mmm.priors import CENTRE_SPREAD, ROI_SPREAD
from mmm.settings import ChannelSettings, ModelSettings
from mmm.simulate import random_market, simulate, truth

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)
CHANNELS = 4
SETTINGS = ModelSettings(draws=1000, tune=1000, chains=2)

# Of 12 independent 90% intervals, 8 or more hold the truth with probability 0.996.
LEAST_COVERED = 8


def panel_of(seen):
    kpi = seen.kpi[None].copy()
    return Panel(
        weeks=seen.weeks,
        units=(NATIONAL,),
        channels=seen.market.names,
        controls=tuple(seen.market.baseline.controls),
        kpi=kpi,
        value_per_kpi=np.ones_like(kpi),
        spend=seen.spend[None].copy(),
        control=seen.controls[None].copy(),
        visits=seen.visits[None].copy(),
        attributed=seen.attributed[None].copy(),
    )


def fit_of(seen, settings=SETTINGS):
    channels = {name: ChannelSettings() for name in seen.market.names}
    return mmm.fit.fit(panel_of(seen), channels, Calendar(NO_PEAKS, ()), (), settings)


@pytest.fixture(scope="module")
def compiled():
    """What was compiled for each fit, in order."""
    return []


@pytest.fixture(scope="module")
def fits(compiled):
    """Each market with its fit."""
    compile_model = mmm.refit.compile_model

    def remembered(graph):
        compiled.append(compile_model(graph))
        return compiled[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmm.refit, "compile_model", remembered)
        seen = [simulate(random_market(seed, weeks=156, channels=CHANNELS)) for seed in SEEDS]
        return [(one, fit_of(one)) for one in seen]


def reported(fit):
    return {one["name"]: one for one in fit.document["channels"]}


def test_ninety_per_cent_intervals_hold_the_true_roi(fits):
    held = []
    for seen, fit in fits:
        for one in truth(seen)["channels"]:
            roi = reported(fit)[one["name"]]["roi_all"]
            held.append(roi["p05"] <= one["roi_all"] <= roi["p95"])
    assert len(held) == len(SEEDS) * CHANNELS
    assert sum(held) >= LEAST_COVERED


def test_contributions_of_the_last_year_are_found_too(fits):
    held = []
    for seen, fit in fits:
        for one in truth(seen)["channels"]:
            money = reported(fit)[one["name"]]["contribution"]
            held.append(money["p05"] <= one["contribution_52"] <= money["p95"])
    assert sum(held) >= LEAST_COVERED


def test_intervals_are_narrower_than_the_prior(fits):
    """Covering by knowing nothing is no recovery: the prior's 90% interval spans a factor of about 17."""
    prior = np.exp(2 * 1.645 * np.hypot(CENTRE_SPREAD, ROI_SPREAD[0]))
    spans = [one["roi_all"]["p95"] / one["roi_all"]["p05"] for _, fit in fits for one in reported(fit).values()]
    assert np.median(spans) < 0.5 * prior


def test_total_media_is_neither_missed_nor_doubled(fits):
    for seen, fit in fits:
        share = truth(seen)["media_share_of_kpi"]
        assert 0.5 * share < fit.document["media_share"]["mean"] < 2.0 * share


def test_the_sampler_converges(fits):
    for _, fit in fits:
        found = fit.document["diagnostics"]
        assert found["max_rhat"] <= 1.02
        assert found["min_ess_bulk"] >= 200
        assert found["divergences"] <= 10


def test_the_gates_find_no_fault_with_an_honest_market(fits):
    for seen, fit in fits:
        checks = {check["name"]: check for check in fit.document["health"]["checks"]}
        assert checks["negative baseline"]["value"] < 0.01
        assert fit.document["health"]["verdict"] != "FAIL"
        # The mean of normal noise without its sign is 0.8 of its sd: nothing but noise is left.
        assert fit.document["fit_quality"]["mape"] < seen.market.baseline.noise_sd
        assert 0.8 <= fit.document["fit_quality"]["coverage90"] <= 1.0


def test_seed_decides_the_draws_and_cores_do_not(fits, compiled, monkeypatch):
    """Run on one compiled model, so that only the sampling is repeated."""
    monkeypatch.setattr(mmm.refit, "compile_model", lambda _: compiled[0])
    seen = fits[0][0]
    short = SETTINGS.model_copy(update={"draws": 100, "tune": 200})

    def draws_with(**changed):
        return fit_of(seen, short.model_copy(update=changed)).curves.to_bytes()

    one_core, two_cores, other_seed = draws_with(cores=1), draws_with(cores=2), draws_with(cores=2, seed=2)
    assert one_core == two_cores == draws_with(cores=2)
    assert one_core != other_seed


def test_a_repeated_fit_gives_the_same_curves(fits, compiled, monkeypatch):
    monkeypatch.setattr(mmm.refit, "compile_model", lambda _: compiled[0])
    seen, first = fits[0]
    again = fit_of(seen)
    assert again.curves.to_bytes() == first.curves.to_bytes()
    kept = ("channels", "diagnostics", "health", "fit_quality", "media_share")
    assert {key: again.document[key] for key in kept} == {key: first.document[key] for key in kept}


def test_draws_are_saved_for_analysts(fits, tmp_path):
    import xarray

    _, fit = fits[0]
    fit.write_draws(tmp_path / "fit.nc")
    with xarray.open_dataset(tmp_path / "fit.nc", group="posterior", engine="h5netcdf") as posterior:
        assert posterior["roi"].sizes == {"chain": 2, "draw": 1000, "unit": 1, "channel": CHANNELS}
        mean = posterior["roi"].sel(channel="channel_2").mean().item()
    assert mean == pytest.approx(reported(fit)["channel_2"]["roi_all"]["mean"])
