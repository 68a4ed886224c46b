"""Lift tests and attribution: read with every problem, and in the likelihood as their formulas say."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from mmm.calendar import Calendar, Peak, week_range
from mmm.evidence import lift_response, log_attribution, log_lift
from mmm.lift import LiftTest, read_lift_tests
from mmm.media import channel_weights, media_parameters, media_shape, parameter_shapes
from mmm.model import prepare
from mmm.panel import Panel
from mmm.problems import InputError
from mmm.settings import AdstockSettings, ChannelSettings, ModelSettings
from mmm.transforms import geometric_weights

WEEKS, LAG = 60, 3
NAMES = ("抖音直播", "search")
START = date(2026, 10, 5)
PEAKS = Calendar("own", (Peak("双十一", date(2027, 1, 4), date(2027, 1, 17), 1.0, "estimate"),))
SETTINGS = ModelSettings(harmonics=1, adstock=AdstockSettings(max_lag=LAG))
HEADER = "channel,start,end,unit,spend_change,kpi_change,kpi_se\n"


def monday(week):
    return START + timedelta(weeks=week)


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(31)
    shape = (2, WEEKS)
    return Panel(
        weeks=week_range(START, WEEKS),
        units=("north", "south"),
        channels=NAMES,
        controls=(),
        kpi=rng.uniform(800, 1200, shape) * np.array([[1.0], [3.0]]),
        value_per_kpi=np.full(shape, 2.0),
        spend=rng.uniform(20, 90, (*shape, 2)),
        control=np.empty((*shape, 0)),
        visits=np.full((*shape, 2), np.nan),
        attributed=np.full((*shape, 2), np.nan),
    )


def lift_test(first=12, last=15, unit="north", change=-50.0, channel="search", gain=-300.0, error=60.0):
    return LiftTest(channel, monday(first), monday(last), unit, change, gain, error)


def drawn(model, seed=3):
    rng = np.random.default_rng(seed)
    z = {name: rng.standard_normal(shape) for name, shape in parameter_shapes(model.form).items()}
    found = media_parameters(z, model.form, np)
    stock = (model.stock_lags * channel_weights(found, model.form, np)).sum(axis=-1)
    shape = media_shape(found, stock, model.intensity, model.form, np)
    return found, found["roi"] * model.spend_share / shape.mean(axis=1)


def earned(spend, model, found, scale, unit, span):
    """KPI of the second channel in some weeks of a unit, one number at a time from the formulas."""
    weights = geometric_weights(found["retention"], LAG)[1]
    k, n, kappa = (found[name][1] for name in ("half_saturation", "slope", "kappa"))
    opening = spend[:4].mean()
    total = 0.0
    for week in span:
        path = [spend[week - lag] if week >= lag else opening for lag in range(LAG + 1)]
        stock = np.dot(weights, path) / model.reference[unit, 1]
        level = stock**n / (stock**n + k**n)
        total += scale[unit, 1] * np.exp(kappa * model.intensity[week]) * level * model.kpi_mean[unit]
    return total


@pytest.mark.parametrize("change", [-50.0, 80.0])
def test_the_models_answer_to_a_test_is_its_response_with_and_without_the_change(panel, change):
    test = lift_test(change=change)
    model = prepare(panel, dict.fromkeys(NAMES, ChannelSettings()), PEAKS, (), SETTINGS, (test,))
    found, scale = drawn(model)
    recorded, span = panel.spend[0, :, 1], range(12, 16)
    moved = recorded.copy()
    moved[12:16] += change * recorded[12:16] / recorded[12:16].sum()
    wanted = earned(moved, model, found, scale, 0, span) - earned(recorded, model, found, scale, 0, span)
    answer = lift_response(model.lift, model.lift.arrays(), found, scale, model.form, np)
    whole = model.kpi_mean.sum()
    assert answer * whole == pytest.approx([wanted], rel=1e-9)
    assert np.sign(answer[0]) == np.sign(change)
    log = log_lift(model.lift, model.lift.arrays(), found, scale, model.form, np)
    assert log == pytest.approx(-0.5 * ((-300.0 - wanted) / 60.0) ** 2, rel=1e-9)


def test_a_test_of_all_units_adds_them_up_and_tests_of_other_lengths_stand_beside_it(panel):
    spent = panel.spend[:, 12:16, 1].sum(axis=1)
    both = lift_test(unit=None, change=-60.0)
    alone = [
        lift_test(unit=unit, change=-60.0 * part) for unit, part in zip(panel.units, spent / spent.sum(), strict=True)
    ]
    tests = (both, *alone, lift_test(first=20, last=20, channel="抖音直播", change=10.0))
    model = prepare(panel, dict.fromkeys(NAMES, ChannelSettings()), PEAKS, (), SETTINGS, tests)
    found, scale = drawn(model)
    answer = lift_response(model.lift, model.lift.arrays(), found, scale, model.form, np)
    assert answer[0] == pytest.approx(answer[1] + answer[2], rel=1e-9)
    assert answer[3] > 0


def test_a_dark_channel_is_tested_by_an_even_change(panel):
    spend = panel.spend.copy()
    spend[0, 12:16, 1] = 0.0
    dark = replace(panel, spend=spend)
    model = prepare(dark, dict.fromkeys(NAMES, ChannelSettings()), PEAKS, (), SETTINGS, (lift_test(change=40.0),))
    added = model.lift.changed[0, :, 0] - model.lift.recorded[0, :, 0]
    np.testing.assert_allclose(added * model.reference[0, 1], 10.0)


def test_tests_of_channels_without_history_wait_for_it(panel):
    spend = panel.spend.copy()
    spend[:, 3:, 1] = 0.0
    young = replace(panel, spend=spend)
    model = prepare(young, dict.fromkeys(NAMES, ChannelSettings()), PEAKS, (), SETTINGS, (lift_test(change=5.0),))
    assert model.lift is None


# ---- reading


def read(tmp_path, panel, rows):
    (tmp_path / "tests.csv").write_text(HEADER + rows, encoding="utf-8")
    return read_lift_tests("tests.csv", tmp_path, panel)


def test_tests_are_read_with_any_day_of_their_weeks(tmp_path, panel):
    rows = f"search,{monday(12) + timedelta(days=3)},{monday(15) + timedelta(days=6)},north,-50,-300,60\n"
    assert read(tmp_path, panel, rows) == (lift_test(),)
    (both,) = read(tmp_path, panel, rows.replace("north", ""))
    assert both.unit is None
    rows = f"search,{monday(12) - timedelta(days=1)},{monday(15) + timedelta(days=5)},north,-50,-300,60\n"
    (tmp_path / "tests.csv").write_text(HEADER + rows, encoding="utf-8")
    assert read_lift_tests("tests.csv", tmp_path, panel, "sunday") == (lift_test(),)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("serch,2027-01-04,2027-01-25,,1,1,1", 'there is no such channel (found: serch). Did you mean "search"'),
        ("search,2027-01-04,2027-01-25,nord,1,1,1", 'there is no such unit (found: nord). Did you mean "north"'),
        ("search,2027-02-04,2027-01-25,,1,1,1", "column end: the test ends before it starts"),
        ("search,2029-02-05,2029-02-12,,1,1,1", "column start: the test lies outside the data"),
        ("search,2027-01-04,2027-01-25,,0,1,1", "column spend_change: the test changed no spend"),
        ("search,2027-01-04,2027-01-25,,-99999,1,1", "column spend_change: the test took away more than was spent"),
        ("search,2027-01-04,2027-01-25,,1,1,0", "column kpi_se: the number is not above zero"),
        ("search,2027-01-04,2027-01-25,,1,5000,1", "column kpi_se: the standard error is next to nothing"),
        ("search,2027-01-04,soon,,1,1,1", "column end: the date cannot be read"),
        ("search,2027-01-04,2027-01-25,,many,1,1", "column spend_change: this is not a number"),
    ],
)  # fmt: skip
def test_a_test_that_cannot_be_used_is_refused_with_its_row(tmp_path, panel, row, fault):
    with pytest.raises(InputError) as error:
        read(tmp_path, panel, row + "\n")
    (problem,) = map(str, error.value.problems)
    assert problem.startswith("tests.csv, row 2, ")
    assert fault in problem


# ---- attribution


def attributed_panel(panel, factor, known_weeks=WEEKS):
    attributed = np.full_like(panel.attributed, np.nan)
    attributed[:, :known_weeks, 0] = factor * panel.spend[:, :known_weeks, 0]
    return replace(panel, attributed=attributed)


@pytest.mark.parametrize("known_weeks", [WEEKS, 20])
def test_attribution_moves_roi_by_its_own_and_the_common_error(panel, known_weeks):
    settings = SETTINGS.model_copy(
        update={"attributed_evidence": ModelSettings(attributed_evidence={"overstated": 2.0}).attributed_evidence}
    )
    channels = dict.fromkeys(NAMES, ChannelSettings())
    model = prepare(attributed_panel(panel, 6.0, known_weeks), channels, PEAKS, (), settings)
    assert model.attribution.known.tolist() == [1.0, 0.0]
    data = model.attribution.arrays() | {"value_weight": model.value_weight}

    def log(roi, bias=0.0):
        return log_attribution(data, np.array([bias]), np.full((2, 2), roi) * model.spend_share, np).item()

    # Attributed 6 per unit of spend, overstated twice: an incremental 3 is what it says.
    assert log(3.0) == pytest.approx(0.0, abs=1e-12)
    assert log(3.0 * np.exp(0.6)) == pytest.approx(-0.5)
    assert log(3.0 * np.exp(0.5), bias=-1.0) == pytest.approx(0.0, abs=1e-12)


def test_attribution_counts_only_when_asked_for_and_known(panel):
    channels = dict.fromkeys(NAMES, ChannelSettings())
    assert prepare(attributed_panel(panel, 6.0), channels, PEAKS, (), SETTINGS).attribution is None
    asked = SETTINGS.model_copy(
        update={"attributed_evidence": ModelSettings(attributed_evidence={}).attributed_evidence}
    )
    assert prepare(panel, channels, PEAKS, (), asked).attribution is None
