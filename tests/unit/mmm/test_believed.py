"""The prior predictive summary is the model's own prior, its guard included."""

from dataclasses import replace

import numpy as np
import pytest
from test_model import NOTHING, SETTINGS, make_panel, settings_of

from mmm.believed import believed
from mmm.model import prepare
from mmm.settings import ModelSettings


@pytest.fixture(scope="module")
def panel():
    return make_panel()


def summary(panel, settings=SETTINGS, **own):
    return believed(prepare(panel, settings_of(**own), NOTHING, (), settings))


def test_the_guard_holds_total_media_near_its_share(panel):
    share = summary(panel)["media_share"]
    assert share["p50"] == pytest.approx(0.2, rel=0.1)
    # The guard's own 90% interval is 0.11 to 0.36; channels' spread adds nothing outside it.
    assert 0.09 < share["p05"] < 0.14
    assert 0.28 < share["p95"] < 0.40


def test_a_stated_roi_is_what_is_believed(panel):
    stated = {"roi_prior": {"median": 0.02, "sigma": 0.3}}
    roi = summary(panel, weibo=stated)["channels"]["weibo"]["roi"]
    assert roi["p50"] == pytest.approx(0.02, rel=0.15)
    assert roi["p95"] / roi["p05"] < np.exp(2 * 1.645 * 0.45)


def test_without_a_guard_the_stated_default_stands(panel):
    one = replace(
        panel,
        units=("north",),
        **{
            n: getattr(panel, n)[:1].copy()
            for n in ("kpi", "value_per_kpi", "spend", "control", "visits", "attributed")
        },
    )
    settings = ModelSettings(harmonics=1, roi_prior={"median": 2.0, "sigma": 0.9})
    roi = summary(one, settings)["channels"]["search"]["roi"]
    assert roi["p50"] == pytest.approx(2.0, rel=0.08)
    assert np.log(roi["p95"] / roi["p05"]) == pytest.approx(2 * 1.645 * 0.97, rel=0.12)


def test_half_lives_are_those_of_the_family(panel):
    late = summary(panel, weibo={"adstock": {"family": "delayed"}})["channels"]
    assert late["weibo"]["half_life_weeks"]["p50"] > late["search"]["half_life_weeks"]["p50"]
