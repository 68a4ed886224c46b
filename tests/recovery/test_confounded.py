"""Hidden demand drives a channel's spend and the sales alike: its ROI is overstated, a lift test repairs it."""

from datetime import date, timedelta

import numpy as np
import pytest

from mmm.calendar import NO_PEAKS, Calendar, week_range
from mmm.fit import fit
from mmm.lift import LiftTest
from mmm.panel import NATIONAL, Panel
from mmm.settings import ChannelSettings, ModelSettings

pytestmark = pytest.mark.slow

WEEKS, FIRST = 130, date(2025, 1, 6)
CHANNELS = {"driven": ChannelSettings(), "free": ChannelSettings()}
SETTINGS = ModelSettings(draws=500, tune=500, chains=2, holdout_weeks=0)
TEST_WEEKS = slice(60, 68)


def earned(spend):
    """GMV of a week's spend on the driven channel: half of it is reached at twice the usual 100."""
    return 300.0 * spend / (spend + 200.0)


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(12)
    demand = rng.standard_normal(WEEKS)
    for week in range(1, WEEKS):
        demand[week] = 0.5 * demand[week - 1] + np.sqrt(0.75) * demand[week]
    driven = 100.0 * np.exp(0.3 * demand + 0.1 * rng.standard_normal(WEEKS))
    free = 100.0 * np.exp(0.4 * rng.standard_normal(WEEKS))
    kpi = 1000.0 + 60.0 * demand + earned(driven) + 150.0 * free / (free + 100.0) + 15.0 * rng.standard_normal(WEEKS)
    shape = (1, WEEKS)
    return Panel(
        weeks=week_range(FIRST, WEEKS),
        units=(NATIONAL,),
        channels=tuple(CHANNELS),
        controls=(),
        kpi=kpi[None].copy(),
        value_per_kpi=np.ones(shape),
        spend=np.stack([driven, free], axis=1)[None].copy(),
        control=np.empty((*shape, 0)),
        visits=np.full((*shape, 2), np.nan),
        attributed=np.full((*shape, 2), np.nan),
    )


def roi_of(market, tests=()):
    found = fit(market, CHANNELS, Calendar(NO_PEAKS, ()), (), SETTINGS, tests)
    (driven,) = [one for one in found.document["channels"] if one["name"] == "driven"]
    return driven["roi_all"]


def test_a_lift_test_repairs_what_hidden_demand_distorts(market):
    spend = market.spend[0, :, 0]
    truth = earned(spend).sum() / spend.sum()
    alone = roi_of(market)
    assert alone["p05"] > truth, "the market is not confounded enough to show anything"
    span = spend[TEST_WEEKS]
    lost = (earned(0.2 * span) - earned(span)).sum()
    start = FIRST + timedelta(weeks=TEST_WEEKS.start)
    test = LiftTest("driven", start, start + timedelta(weeks=7), None, -0.8 * span.sum(), lost, 0.15 * abs(lost))
    tested = roi_of(market, (test,))
    assert abs(tested["mean"] - truth) < 0.5 * abs(alone["mean"] - truth)
    assert tested["p05"] < 1.15 * truth
