"""From draws to curves and to fit.json: contributions are ROI times spend, and priors are called priors."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from mmm.calendar import Calendar, Peak, intensity, week_range
from mmm.extract import YEAR, channel_report, contribution_draws, extract_curves, interval
from mmm.media import parameter_shapes
from mmm.model import prepare
from mmm.panel import Panel
from mmm.priors import GROUP_SPREAD
from mmm.settings import AdstockSettings, ChannelSettings, ModelSettings
from mmm.transforms import half_life_weeks

WEEKS, DRAWS = 60, 40
NAMES = ("抖音直播", "新渠道", "search", "never")
LEARNT = ("抖音直播", "search")
PEAKS = Calendar("own", (Peak("双十一", date(2026, 11, 1), date(2026, 11, 11), 1.0, "estimate"),))
SETTINGS = ModelSettings(harmonics=1, adstock=AdstockSettings(max_lag=3))
CHANNELS = {
    "抖音直播": ChannelSettings(long_term={"mean": 1.3, "sd": 0.1}),
    "新渠道": ChannelSettings(roi_prior={"median": 3.0, "sigma": 0.2}),
    "search": ChannelSettings(),
    "never": ChannelSettings(),
}


def make_panel(units):
    """Two channels with a full history, one with five weeks of it, one that never ran."""
    rng = np.random.default_rng(21)
    shape = (units, WEEKS)
    spend = rng.uniform(20, 90, (*shape, 4))
    spend[:, :-5, 1] = 0.0
    spend[:, :, 3] = 0.0
    return Panel(
        weeks=week_range(date(2026, 10, 5), WEEKS),
        units=("north", "south")[:units],
        channels=NAMES,
        controls=(),
        kpi=rng.uniform(800, 1200, shape),
        value_per_kpi=rng.uniform(1.4, 1.6, shape),
        spend=spend,
        control=np.empty((*shape, 0)),
        visits=rng.uniform(0, 9, (*shape, 4)),
        attributed=np.full((*shape, 4), np.nan),
    )


class Extracted:
    """Everything from one set of made-up draws."""

    def __init__(self, units, channels=CHANNELS, seed=1):
        self.panel = make_panel(units)
        self.model = prepare(self.panel, channels, PEAKS, (), SETTINGS)
        rng = np.random.default_rng(22)
        z = {name: rng.standard_normal((DRAWS, *shape)) for name, shape in parameter_shapes(self.model.form).items()}
        self.parameters, self.contribution = contribution_draws(z, self.model)
        self.curves = extract_curves(
            self.parameters,
            self.contribution,
            self.model,
            self.panel,
            channels,
            currency="CNY",
            fingerprint="made up",
            seed=seed,
        )
        self.report = {
            one["name"]: one
            for one in channel_report(self.curves, self.parameters, self.contribution, self.model, self.panel)
        }

    @property
    def money(self):
        """Contribution in currency, array (draw, unit, week, learnt channel)."""
        return self.contribution * (self.model.kpi_mean * self.model.value_per_kpi)[:, None, None]


@pytest.fixture(scope="module", params=[1, 2], ids=["one unit", "two units"])
def found(request):
    return Extracted(request.param)


# ---- contributions


def test_contributions_sum_to_roi_times_spend(found):
    kept = [NAMES.index(name) for name in LEARNT]
    paid = found.panel.spend[:, :, kept].sum(axis=1)
    np.testing.assert_allclose(found.money.sum(axis=2), found.parameters["roi"] * paid, rtol=1e-10)


def test_curves_give_back_the_contributions(found):
    """The planner's formulas on history are the model's: nothing is lost between the rooms."""
    curves, lag = found.curves, found.curves.max_lag
    weeks = curves.weeks[lag:]
    window = curves.over(weeks, np.append(intensity(PEAKS, weeks), np.zeros(lag)))
    found_value = window.value(curves.spend[lag:])[:, :, : len(weeks)]
    for column, (channel, unit) in enumerate(zip(curves.channels, curves.units, strict=True)):
        if channel in LEARNT:
            wanted = found.money[:, found.panel.units.index(unit), lag:, LEARNT.index(channel)]
            np.testing.assert_allclose(found_value[:, column], wanted, rtol=1e-9)


def test_modelled_history_is_the_mean_contribution(found):
    for column, (channel, unit) in enumerate(zip(found.curves.channels, found.curves.units, strict=True)):
        wanted = 0.0
        if channel in LEARNT:
            wanted = found.money[:, found.panel.units.index(unit), :, LEARNT.index(channel)].mean(axis=0)
        np.testing.assert_allclose(found.curves.modelled[:, column], wanted, rtol=1e-12)


def test_names_and_history_lie_together(found):
    units = found.panel.units
    if len(units) == 1:
        assert found.curves.names == NAMES
    else:
        assert found.curves.names[:5] == (
            "抖音直播@north",
            "新渠道@north",
            "search@north",
            "never@north",
            "抖音直播@south",
        )
    assert found.curves.prior_only == (False, True, False, True) * len(units)
    for column, (channel, unit) in enumerate(zip(found.curves.channels, found.curves.units, strict=True)):
        here = (units.index(unit), slice(None), NAMES.index(channel))
        np.testing.assert_array_equal(found.curves.spend[:, column], found.panel.spend[here])
        np.testing.assert_array_equal(found.curves.visits[:, column], found.panel.visits[here])


# ---- channels without history


def roi_at_reference(curves, column):
    k, n = curves.half_saturation[:, column], curves.slope[:, column]
    return curves.ceiling[:, column] / (1 + k**n) / curves.reference[column]


def test_a_channel_without_history_earns_its_prior_roi_at_its_reference():
    many = Extracted(1)
    seeds = [extract_again(many, seed) for seed in range(50)]
    roi = np.concatenate([roi_at_reference(curves, 1) for curves in seeds])
    assert np.median(roi) == pytest.approx(3.0, rel=0.03)
    assert np.log(roi).std() == pytest.approx(0.2, rel=0.05)
    # Without a prior of its own a channel is one more of the pooled ones, as each draw knows them.
    spread = np.hypot(many.parameters["roi_spread"], GROUP_SPREAD)[:, 0]
    off = [(np.log(roi_at_reference(one, 3)) - many.parameters["centre"][:, 0]) / spread for one in seeds]
    assert np.mean(off) == pytest.approx(0.0, abs=0.06)
    assert np.std(off) == pytest.approx(1.0, rel=0.05)


def extract_again(given, seed):
    return extract_curves(
        given.parameters,
        given.contribution,
        given.model,
        given.panel,
        CHANNELS,
        currency="CNY",
        fingerprint="",
        seed=seed,
    )


def test_a_channel_that_never_ran_is_planned_around_a_fiftieth_of_the_spend(found):
    weekly = found.panel.spend.sum(axis=2).mean(axis=1)
    columns = [column for column, channel in enumerate(found.curves.channels) if channel == "never"]
    np.testing.assert_allclose(found.curves.reference[columns], 0.02 * weekly)
    short = [column for column, channel in enumerate(found.curves.channels) if channel == "新渠道"]
    np.testing.assert_allclose(found.curves.reference[short], found.panel.spend[:, -5:, 1].mean(axis=1))


def test_the_report_calls_a_prior_a_prior(found):
    assert [name for name, one in found.report.items() if one["prior_only"]] == ["新渠道", "never"]
    short, never = found.report["新渠道"], found.report["never"]
    assert (short["active_weeks"], short["least_active_weeks"]) == (5, 8)
    spent = found.panel.spend[:, :, 1].sum()
    assert short["spend_last_year"] == pytest.approx(spent)
    assert short["contribution"]["mean"] == pytest.approx(short["roi"]["mean"] * spent)
    assert (never["active_weeks"], never["contribution"]["mean"]) == (0, 0.0)
    assert short["roi"] == short["roi_all"] == pytest.approx(interval(roi_at_reference(found.curves, 1)))


def test_prior_draws_come_from_the_seed():
    one, again, other = extract_again(Extracted(1), 1), extract_again(Extracted(1), 1), extract_again(Extracted(1), 2)
    assert one.to_bytes() == again.to_bytes()
    assert not np.array_equal(one.ceiling[:, 1], other.ceiling[:, 1])
    np.testing.assert_array_equal(one.ceiling[:, 0], other.ceiling[:, 0])


# ---- the report


def test_the_report_is_of_the_last_year_summed_over_units(found):
    for index, name in enumerate(LEARNT):
        one = found.report[name]
        last = found.money[:, :, -YEAR:, index].sum(axis=(1, 2))
        paid = found.panel.spend[:, -YEAR:, NAMES.index(name)].sum()
        assert one["contribution"] == pytest.approx(interval(last))
        assert one["roi"] == pytest.approx(interval(last / paid))
        every = found.money[:, :, :, index].sum(axis=(1, 2)) / found.panel.spend[:, :, NAMES.index(name)].sum()
        assert one["roi_all"] == pytest.approx(interval(every))
        assert one["spend_last_year"] == pytest.approx(paid)
        assert not one["prior_only"]


def test_half_life_is_that_of_the_adstock(found):
    for name in LEARNT:
        weights = found.curves.weights[:, found.curves.channels.index(name)]
        assert found.report[name]["half_life_weeks"] == pytest.approx(interval(half_life_weeks(weights)))


def test_marginal_roi_is_what_one_per_cent_more_would_earn():
    """Recomputed through the curves: all spend up by one per cent, last year's weeks counted."""
    found = Extracted(1)
    curves, lag = found.curves, found.curves.max_lag
    weeks = curves.weeks[-YEAR:]
    before = replace(curves, spend=1.01 * curves.spend)
    strength = np.append(intensity(PEAKS, weeks), np.zeros(lag))
    more, now = (c.over(weeks, strength).value(c.spend[-YEAR:])[:, :, :YEAR].sum(axis=2) for c in (before, curves))
    for name in LEARNT:
        column = NAMES.index(name)
        gain = (more - now)[:, column] / (0.01 * curves.spend[-YEAR:, column].sum())
        assert found.report[name]["mroi"] == pytest.approx(interval(gain), rel=1e-6)


def test_long_term_value_is_reported_apart(found):
    one = found.report["抖音直播"]
    assert one["roi_long_term"] / one["roi"]["mean"] == pytest.approx(1.3, rel=0.05)
    assert found.report["search"]["roi_long_term"] == pytest.approx(found.report["search"]["roi"]["mean"])
    assert (found.curves.long_term[:, 2] == 1.0).all()


def test_long_term_multipliers_are_never_negative():
    wild = CHANNELS | {"search": ChannelSettings(long_term={"mean": 0.1, "sd": 5.0})}
    long_term = Extracted(1, wild).curves.long_term[:, 2]
    assert long_term.min() == 0.0
    assert long_term.max() > 1.0


def test_interval_is_mean_and_quantiles():
    assert interval(np.arange(101.0)) == pytest.approx({"mean": 50.0, "p05": 5.0, "p50": 50.0, "p95": 95.0})
