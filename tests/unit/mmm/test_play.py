"""A market played on after its data: same truth, same luck, and shocks that do what they say."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from mmm.actuals import read_actuals
from mmm.calendar import week_range
from mmm.play import play, write_week
from mmm.settings import ChannelSettings, DataSettings
from mmm.simulate import MAX_LAG, Shock, demo_market, random_market, true_value

MARKET = random_market(5, weeks=60, channels=3)
SPEND = np.round(np.tile(MARKET.spend[-13:].mean(axis=0), (13, 1)), 2)


def test_weeks_follow_the_data():
    played = play(MARKET, SPEND)
    assert played.weeks == week_range(MARKET.weeks[-1], 14)[1:]
    assert played.kpi.shape == (13,)
    assert (played.spend == SPEND).all()


def test_a_week_does_not_depend_on_the_weeks_after_it():
    longer, shorter = play(MARKET, SPEND), play(MARKET, SPEND[:4])
    for name in ("kpi", "visits", "attributed", "controls", "contribution"):
        assert np.array_equal(getattr(longer, name)[:4], getattr(shorter, name))


def test_it_earns_what_the_plan_is_truly_worth():
    padded = np.concatenate([SPEND, np.zeros((MAX_LAG, 3))])
    gain = play(MARKET, padded).contribution - play(MARKET, np.zeros_like(padded)).contribution
    assert gain.sum(axis=0) == pytest.approx(true_value(MARKET, SPEND))


def test_two_ways_of_spending_see_the_same_luck():
    more = play(MARKET, SPEND * [2.0, 1.0, 1.0])
    usual = play(MARKET, SPEND)
    assert np.array_equal(more.attributed[:, 1:], usual.attributed[:, 1:])
    assert (more.attributed[:, 0] > usual.attributed[:, 0]).all()
    assert np.allclose(more.kpi - usual.kpi, (more.contribution - usual.contribution).sum(axis=1), atol=0.02)


def test_a_shock_hits_its_channel_in_its_weeks():
    week = play(MARKET, SPEND).weeks[3]
    name = MARKET.names[1]
    shock = Shock("policy", week, date(2099, 1, 1), baseline=0.0, effect={name: 0.5}, visits={name: 0.25})
    hit, usual = play(MARKET, SPEND, [shock]), play(MARKET, SPEND)
    ratio = hit.contribution / usual.contribution
    assert ratio[:3] == pytest.approx(1.0)
    assert ratio[3:, 1] == pytest.approx(0.5)
    assert ratio[:, [0, 2]] == pytest.approx(1.0)
    assert hit.visits[5, 1] == pytest.approx(0.25 * usual.visits[5, 1], rel=1e-3)


def test_the_demo_peaks_at_double_eleven():
    market = demo_market()
    played = play(market, np.tile(market.spend[-13:].mean(axis=0), (13, 1)))
    assert played.weeks[int(np.argmax(played.kpi))] in {date(2027, 11, 1), date(2027, 11, 8)}


def test_a_written_week_is_read_back_to_the_cent(tmp_path: Path):
    played = play(MARKET, SPEND)
    path = tmp_path / "week.csv"
    write_week(played, 2, {"tools": 1234.56}, path)
    channels = {name: ChannelSettings() for name in MARKET.names}
    data = DataSettings(file="data.csv", kpi="gmv", controls=("control",))
    lines = dict.fromkeys((*MARKET.names, "tools"), ())
    found = read_actuals(path, played.weeks[2], lines, ["tools"], channels, data)
    assert [found.spend_fen[name] for name in MARKET.names] == [round(100 * paid) for paid in SPEND[2]]
    assert found.spend_fen["tools"] == 123456
    assert found.gmv == played.kpi[2]
    assert found.controls == {"control": played.controls[2, 0]}
    assert [found.attributed[name] for name in MARKET.names] == played.attributed[2].tolist()


def test_another_seed_is_other_luck():
    other = play(replace(MARKET, seed=6), SPEND)
    assert not np.array_equal(other.attributed, play(MARKET, SPEND).attributed)
