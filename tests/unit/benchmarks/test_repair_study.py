"""What the lift-test page is made from."""

import numpy as np
import pytest

from benchmarks.evidence.repair import CUT, TEST_WEEKS, demo_test, page
from mmm.simulate import contribution, demo_market

INTERVAL = {"mean": 2.0, "p05": 1.0, "p50": 1.9, "p95": 3.5}


def test_a_holdout_of_the_demo_loses_what_the_truth_says():
    market = demo_market()
    for channel, name in enumerate(market.names):
        test = demo_test(channel)
        earned = contribution(market)[TEST_WEEKS, channel].sum()
        spent = market.spend[TEST_WEEKS, channel].sum()
        assert test.channel == name
        assert test.spend_change == pytest.approx(-CUT * spent)
        assert -earned < test.kpi_change < 0.0, "a holdout loses some of what the channel earned"
        assert test.kpi_se > 0.0


def test_other_spend_changes_only_its_own_channel():
    market = demo_market()
    other = market.spend.copy()
    other[TEST_WEEKS, 0] = 0.0
    change = contribution(market, other) - contribution(market)
    assert np.all(change[:, 1:] == 0.0)
    assert np.all(change[: TEST_WEEKS.start] == 0.0)


def test_the_page_names_the_tested_channel_and_every_finding():
    one = {"verdict": "REVIEW", "roi": {"a": INTERVAL, "b": INTERVAL}, "findings": {"silent data": "says nothing"}}
    two = one | {"roi": {"x1": INTERVAL, "x2": INTERVAL}}
    test = {"start": "2026-11-16", "end": "2027-01-04"}
    told = {
        "demo": {
            "truth": {"a": 1.5, "b": 2.5},
            "tested": "a",
            "test": test,
            "alone": one,
            "with the test": one,
        },
        "roas": {"alone": two, "50%": two},
    }
    text = page(told)
    assert "| **a** | 1.50 | 2.00 (1.00 to 3.50) |" in text
    assert "a test that finds 50% of it" in text
    assert "- **silent data**: says nothing" in text
