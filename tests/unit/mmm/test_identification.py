"""What the data cannot tell is named, with the right sentence, and honest data are left in peace."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.health import overall
from mmm.identification import (
    COLLINEAR,
    Evidence,
    collinear_pairs,
    follows_demand,
    identification_checks,
    inflation,
    informed,
    variation,
)

NAMES = ("抖音直播", "search", "weibo")
WEEKS = 120


def independent(channels=3, weeks=WEEKS, seed=1):
    return np.random.default_rng(seed).uniform(1, 2, (1, weeks, channels))


def seasons(weeks=WEEKS):
    angle = 2 * np.pi * np.arange(weeks) / 52.18
    return np.stack([np.ones(weeks), np.sin(angle), np.cos(angle)], axis=1)[None]


def own_effects(means=(0.6, -0.5, 0.4), sds=(0.5, 0.5, 0.5), seed=2):
    drawn = np.random.default_rng(seed).standard_normal((4_000, 3))
    drawn = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    return np.array(means) + np.array(sds) * drawn


GOOD = Evidence(
    names=NAMES,
    spend=independent(),
    demand=seasons(),
    own_effect=own_effects(),
    increasing=dict.fromkeys(NAMES, 0.1),
    tested=(),
    lift_off=np.array([0.4, -1.2]),
    prior_only=(),
)


def check_of(name, **changed):
    (found,) = [check for check in identification_checks(replace(GOOD, **changed)) if check.name == name]
    return found


def test_well_identified_channels_pass_every_check_in_whole_sentences():
    checks = identification_checks(GOOD)
    assert overall(checks) == "PASS"
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert check.sentence[0].isupper() or check.sentence[0].isdigit()
        assert check.sentence.endswith(".")


# ---- collinear


def test_collinear_channels_are_named_with_their_correlation():
    spend = independent()
    spend[:, :, 2] = 3.0 * spend[:, :, 0] + 0.05 * independent(1, seed=9)[..., 0]
    found = check_of("collinear channels", spend=spend)
    assert found.verdict == "REVIEW"
    assert found.value > COLLINEAR
    assert "抖音直播 and weibo (1.00)" in found.sentence
    assert "search" not in found.sentence


def test_a_channel_that_the_others_make_up_together_is_named():
    spend = independent(channels=3)
    spend[:, :, 2] = spend[:, :, 0] + spend[:, :, 1] + 0.01 * independent(1, seed=9)[..., 0]
    assert not collinear_pairs(NAMES, spend)
    assert "with the others together" in check_of("collinear channels", spend=spend).sentence


def test_inflation_is_that_of_the_regression_on_the_others():
    spend = np.random.default_rng(5).normal(10, 1, (1, 400, 3))
    spend[..., 2] += 2 * spend[..., 0]
    x = spend[0] - spend[0].mean(axis=0)
    fitted = x[:, :2] @ np.linalg.lstsq(x[:, :2], x[:, 2], rcond=None)[0]
    share = (fitted**2).sum() / (x[:, 2] ** 2).sum()
    assert inflation(spend)[2] == pytest.approx(1 / (1 - share), rel=1e-6)


def test_channels_that_move_against_each_other_are_collinear_too():
    spend = independent(channels=2)
    spend[:, :, 1] = 5.0 - spend[:, :, 0]
    assert collinear_pairs(("a", "b"), spend) == [("a", "b", pytest.approx(-1.0))]


def test_a_constant_channel_is_no_ones_twin():
    spend = independent()
    spend[:, :, 1] = 7.0
    assert collinear_pairs(NAMES, spend) == []
    assert collinear_pairs(("a",), independent(channels=1)) == []
    assert np.isfinite(inflation(spend)).all()


def test_units_of_other_sizes_make_no_channels_collinear():
    # Large units spend more on everything; within each of them the channels go their own ways.
    spend = np.concatenate([independent(2, seed=1), 50 * independent(2, seed=2)])
    assert collinear_pairs(("a", "b"), spend) == []


# ---- demand and confounding


def test_a_channel_that_follows_the_seasons_is_named_unless_a_test_speaks_for_it():
    spend = independent()
    spend[:, :, 1] += 0.8 * seasons()[:, :, 1]
    found = check_of("spend follows demand", spend=spend)
    assert found.verdict == "REVIEW"
    assert "search (" in found.sentence
    assert "weibo" not in found.sentence
    assert check_of("spend follows demand", spend=spend, tested=("search",)).verdict == "PASS"


def test_how_much_follows_demand_is_adjusted_for_the_columns():
    noise = independent(channels=2, weeks=60, seed=8)
    many = np.concatenate([seasons(60), np.random.default_rng(4).standard_normal((1, 60, 20))], axis=2)
    assert np.abs(follows_demand(noise, many)).max() < 0.3
    exact = seasons(60)[:, :, 1:] + 2.0
    np.testing.assert_allclose(follows_demand(exact, many), 1.0)
    assert follows_demand(np.ones((1, 60, 1)), many).tolist() == [0.0]


def test_increasing_returns_are_doubted_unless_tested():
    increasing = dict.fromkeys(NAMES, 0.1) | {"weibo": 0.97}
    found = check_of("increasing returns", increasing=increasing)
    assert (found.verdict, found.value) == ("REVIEW", 0.97)
    assert "on weibo seems" in found.sentence
    assert check_of("increasing returns", increasing=increasing, tested=("weibo",)).verdict == "PASS"


# ---- what the data say


@pytest.mark.parametrize(
    ("mean", "sd", "told"),
    [(0.0, 1.0, False), (0.2, 0.95, False), (0.3, 1.0, True), (-0.3, 1.0, True), (0.0, 0.85, True)],
)
def test_data_inform_by_narrowing_or_moving_a_standard_normal(mean, sd, told):
    assert informed(own_effects((mean,) * 3, (sd,) * 3)).tolist() == [told] * 3


def test_silent_channels_are_named():
    found = check_of("silent data", own_effect=own_effects((0.6, 0.0, 0.4), (0.5, 1.0, 0.5)))
    assert (found.verdict, found.value) == ("REVIEW", 1.0)
    assert "about search on their own" in found.sentence
    assert "抖音直播" not in found.sentence


@pytest.mark.parametrize(("mean", "verdict"), [(1.9, "PASS"), (-2.5, "REVIEW"), (4.5, "FAIL")])
def test_an_roi_far_from_belief_is_named(mean, verdict):
    found = check_of("implausible ROI", own_effect=own_effects((0.6, mean, 0.4)))
    assert (found.verdict, found.value) == (verdict, pytest.approx(abs(mean)))
    assert ("search" in found.sentence) == (verdict != "PASS")


def test_channels_with_little_history_are_named():
    found = check_of("little history", prior_only=("B站", "门店"))
    assert (found.verdict, found.value) == ("REVIEW", 2.0)
    assert "B站, 门店" in found.sentence


def test_a_channel_that_hardly_varies_is_named():
    spend = independent()
    spend[:, :, 0] = 7.0 + 0.01 * spend[:, :, 0]
    found = check_of("constant spend", spend=spend)
    assert found.verdict == "REVIEW"
    assert "抖音直播" in found.sentence
    # One unit that varies is enough to learn from.
    assert variation(np.concatenate([spend, independent(seed=6)]))[0] > 0.05


def test_a_series_of_less_than_two_years_is_short():
    found = check_of("short series", spend=independent(weeks=103), demand=seasons(103))
    assert (found.verdict, found.value) == ("REVIEW", 103)
    assert check_of("short series", spend=independent(weeks=104), demand=seasons(104)).verdict == "PASS"


@pytest.mark.parametrize(("off", "verdict"), [(1.9, "PASS"), (-2.5, "REVIEW"), (4.5, "FAIL")])
def test_a_lift_test_that_the_model_cannot_follow_is_told(off, verdict):
    assert check_of("lift tests", lift_off=np.array([0.3, off])).verdict == verdict
    names = [check.name for check in identification_checks(replace(GOOD, lift_off=np.empty(0)))]
    assert "lift tests" not in names
