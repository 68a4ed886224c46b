"""Forecasts from a stored baseline and curves: what goes on, what is new, and what the file keeps."""

from dataclasses import replace
from datetime import date, timedelta

import markets
import numpy as np
import pytest

from mmm.baseline import Frame
from mmm.calendar import NO_PEAKS, Calendar, Peak, week_range
from mmm.forecast import StoredBaseline, baseline_ahead, forecast, load_baseline
from mmm.problems import InputError
from mmm.settings import EventSettings

NOTHING = Calendar(NO_PEAKS, ())
DRAWS = 50


@pytest.fixture
def curves():
    return markets.curves(channels=3, draws=DRAWS)


def stored_for(curves, *, weights=(1.0, 0.3), names=("intercept", "trend"), controls=(), **scales):
    scales = dict.fromkeys(("walk", "sigma", "last", "memory", "growth", "heavy"), 0.0) | scales
    weeks = len(curves.weeks)
    weights = np.array(weights)
    return StoredBaseline(
        units=("national",),
        names=(*names, *controls),
        controls=controls,
        frame=Frame(
            first=curves.weeks[0],
            weeks=weeks,
            harmonics=0,
            knot_spacing=13.0,
            control_mean=np.full((1, len(controls)), 10.0),
            control_spread=np.full((1, len(controls)), 2.0),
            rise=np.zeros(1),
        ),
        weights=np.broadcast_to(weights, (DRAWS, 1, weights.size)).copy(),
        steps=np.full((DRAWS, 1, 4), 0.01),
        **{name: np.full((DRAWS, 1), scales[name]) for name in ("sigma", "walk", "last")},
        memory=scales["memory"],
        growth=scales["growth"],
        heavy=bool(scales["heavy"]),
        kpi_mean=np.array([1000.0]),
        value_per_kpi=np.array([2.0]),
    )


def days_after(curves, count):
    return week_range(curves.weeks[-1], count + 1)[1:]


def ahead(stored, days, calendar=NOTHING, events=(), controls=None):
    return baseline_ahead(stored, days, calendar, events, controls, np.random.default_rng(1))


def test_intercept_trend_and_the_steps_taken_go_on(curves):
    found = ahead(stored_for(curves), days_after(curves, 5))
    position = len(curves.weeks) + np.arange(5)
    expected = 1000.0 * (1.0 + 0.3 * (position / len(curves.weeks) - 0.5) + 4 * 0.01)
    np.testing.assert_allclose(found[:, 0], np.broadcast_to(expected, (DRAWS, 5)))


def test_the_walk_takes_new_steps_beyond_its_last_knot(curves):
    stored = stored_for(curves, walk=0.05)
    # Knots every 13 weeks from 0 to 52: week 65 of the frame is one new step further, week 78 two.
    days = [curves.weeks[0] + timedelta(weeks=w) for w in (52, 65, 78)]
    spread = np.mean([ahead_with(stored, days, seed).var(axis=0)[0] for seed in range(40)], axis=0) / 1000.0**2
    np.testing.assert_allclose(spread, [0.0, 0.05**2, 2 * 0.05**2], rtol=0.1, atol=1e-12)


def ahead_with(stored, days, seed):
    return baseline_ahead(stored, days, NOTHING, (), None, np.random.default_rng(seed))


def test_a_known_event_adds_what_it_did_and_an_unknown_one_nothing(curves):
    days = days_after(curves, 3)
    stored = stored_for(curves, names=("intercept", "trend", "policy"), weights=[1.0, 0.0, -0.2])
    known = EventSettings(name="policy", start=days[1])
    unknown = EventSettings(name="new", start=days[0])
    plain = ahead(stored, days)
    np.testing.assert_allclose((ahead(stored, days, events=[known]) - plain)[:, 0], [[0, -200, -200]] * DRAWS)
    np.testing.assert_array_equal(ahead(stored, days, events=[unknown]), plain)


def test_controls_are_scaled_as_in_the_data_and_are_at_their_mean_when_not_given(curves):
    days = days_after(curves, 2)
    stored = stored_for(curves, controls=("price",), weights=[1.0, 0.0, 0.1])
    told = ahead(stored, days, controls=np.array([[[12.0], [10.0]]]))
    np.testing.assert_allclose(told[:, 0, 0] - told[:, 0, 1], 0.1 * 1000.0)
    np.testing.assert_allclose(ahead(stored, days)[:, 0], told[:, 0, [1, 1]])


def test_media_are_the_curves_answer_in_units_of_the_kpi(curves):
    spend = np.tile(curves.spend[-13:].mean(axis=0), (6, 1))
    found = forecast(stored_for(curves), curves, spend, NOTHING, ())
    days = week_range(curves.weeks[-1], 6 + curves.max_lag + 1)[1:]
    value = curves.over(days[:6], np.zeros(6 + curves.max_lag)).value(spend)[:, :, :6].sum(axis=1)
    np.testing.assert_allclose(found.media[:, 0], value / 2.0)
    np.testing.assert_allclose(found.kpi, found.baseline + found.media)  # no noise asked for
    assert found.weeks == days[:6]


def test_media_work_harder_in_a_peak_to_come(curves):
    curves = replace(curves, kappa=np.full_like(curves.kappa, 0.4))
    spend = np.tile(curves.spend[-13:].mean(axis=0), (4, 1))
    first = days_after(curves, 1)[0]
    peaks = Calendar("own", (Peak("double11", first, first + timedelta(days=6), 1.0, "estimate"),))
    gain = (
        forecast(stored_for(curves), curves, spend, peaks, ()).media
        / forecast(stored_for(curves), curves, spend, NOTHING, ()).media
    )
    np.testing.assert_allclose(gain[:, 0, 0], np.exp(0.4))
    np.testing.assert_allclose(gain[:, 0, 1:], 1.0)


def test_noise_has_the_fitted_spread_and_comes_from_the_seed(curves):
    spend = np.tile(curves.spend[-1], (40, 1))
    one, same, other = (forecast(stored_for(curves, sigma=0.1), curves, spend, NOTHING, (), seed=s) for s in (1, 1, 2))
    assert (one.kpi - one.baseline - one.media).std() == pytest.approx(100.0, rel=0.1)
    np.testing.assert_array_equal(one.kpi, same.kpi)
    assert (one.kpi != other.kpi).any()


def noise_of(curves, **kind):
    spend = np.tile(curves.spend[-1], (12, 1))
    found = [forecast(stored_for(curves, sigma=0.1, **kind), curves, spend, NOTHING, (), seed=s) for s in range(40)]
    noise = np.concatenate([one.kpi - one.baseline - one.media for one in found])[:, 0]
    return noise / 100.0, (found[0].baseline + found[0].media)[:, 0] / 1000.0


def test_noise_remembers_the_last_week_it_was_seen_in(curves):
    noise, _ = noise_of(curves, last=2.0, memory=0.6)
    np.testing.assert_allclose(noise.mean(axis=0)[:3], [1.2, 0.72, 0.432], atol=0.1)
    np.testing.assert_allclose(noise.std(axis=0)[[0, -1]], [0.8, 1.0], rtol=0.08)
    assert np.corrcoef(noise[:, -1], noise[:, -2])[0, 1] == pytest.approx(0.6, abs=0.06)


def test_noise_grows_with_the_level(curves):
    noise, level = noise_of(curves, growth=1.0)
    assert noise.std(axis=0).mean() == pytest.approx(level.mean(), rel=0.08)


def test_the_file_keeps_everything_without_pickle(curves, tmp_path):
    stored = stored_for(curves, walk=0.1, sigma=0.2, controls=("价格",), weights=[1.0, 0.0, 0.1])
    path = tmp_path / "baseline.npz"
    path.write_bytes(stored.to_bytes())
    again = load_baseline(path)
    assert (again.units, again.names, again.controls) == (stored.units, stored.names, stored.controls)
    assert (again.frame.first, again.frame.knot_spacing) == (stored.frame.first, stored.frame.knot_spacing)
    spend = np.tile(curves.spend[-1], (5, 1))
    np.testing.assert_array_equal(
        forecast(again, curves, spend, NOTHING, ()).kpi, forecast(stored, curves, spend, NOTHING, ()).kpi
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", None])
def test_a_file_that_cannot_be_read_is_named_with_a_cure(tmp_path, content):
    path = tmp_path / "baseline.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="baseline") as told:
        load_baseline(path)
    assert "budget fit --again" in str(told.value)


def test_days_need_not_be_the_first_after_the_data(curves):
    stored = stored_for(curves)
    later = week_range(date(2028, 5, 1), 3)
    position = (later[0] - curves.weeks[0]).days / 7
    expected = 1000.0 * (1.0 + 0.3 * (position / len(curves.weeks) - 0.5) + 0.04)
    np.testing.assert_allclose(ahead(stored, later)[:, 0, 0], expected)
