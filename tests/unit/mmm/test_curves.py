"""Response curves: value and gradient, concave hulls, carry-in, and the file they are kept in."""

import json
import zipfile
from dataclasses import fields, replace
from datetime import date, timedelta

import numpy as np
import pytest

from mmm.calendar import week_range
from mmm.curves import ResponseCurves, load_curves
from mmm.problems import InputError
from mmm.transforms import geometric_weights

START = date(2027, 10, 4)
HISTORY, WEEKS, MAX_LAG = 20, 5, 3
SPAN = WEEKS + MAX_LAG
NAMES = ("抖音直播", "search", "小红书")
PER_DRAW = ("weights", "half_saturation", "slope", "tail", "ceiling", "kappa", "long_term")


def make_curves(slopes=(0.6, 1.0, 2.2), draws=30, seed=5, saturation=("hill",) * 3):
    rng = np.random.default_rng(seed)
    shape = (draws, 3)
    spend = 10_000 * np.exp(rng.normal(0, 0.3, (HISTORY, 3)))
    return ResponseCurves(
        names=NAMES,
        channels=NAMES,
        units=("national",) * 3,
        weights=geometric_weights(rng.uniform(0.1, 0.7, shape), MAX_LAG),
        saturation=saturation,
        half_saturation=np.exp(rng.normal(0.2, 0.2, shape)),
        slope=np.array(slopes) * np.exp(rng.normal(0, 0.02, shape)),
        tail=np.exp(np.linspace(0.0, 1.0, shape[0] * shape[1])).reshape(shape),
        ceiling=np.exp(rng.normal(10.5, 0.3, shape)),
        kappa=rng.normal(0.3, 0.1, shape),
        long_term=np.full(shape, 1.2),
        reference=spend.mean(axis=0),
        weeks=week_range(START - timedelta(weeks=HISTORY), HISTORY),
        spend=spend,
        visits=np.full_like(spend, np.nan),
        attributed=2 * spend,
        modelled=1.1 * spend,
        prior_only=(False, False, True),
        currency="CNY",
        fingerprint="made by hand",
    )


def window(curves, after=(9_000.0, 0.0, 12_000.0)):
    intensity = np.linspace(0, 1, SPAN)
    return curves.over(week_range(START, WEEKS), intensity, np.array(after))


def some_plan(seed=6):
    return np.random.default_rng(seed).uniform(3_000, 25_000, (WEEKS, 3))


def by_hand(curves, spend, after):
    """GMV of every (draw, name, span), one number at a time from the formulas."""
    path = np.concatenate([curves.spend, spend, np.tile(after, (MAX_LAG, 1))])
    intensity = np.linspace(0, 1, SPAN)
    found = np.empty((curves.draws, 3, SPAN))
    for draw, name, week in np.ndindex(found.shape):
        stock = sum(curves.weights[draw, name, lag] * path[HISTORY + week - lag, name] for lag in range(MAX_LAG + 1))
        stock /= curves.reference[name]
        n, k = curves.slope[draw, name], curves.half_saturation[draw, name]
        peak = np.exp(curves.kappa[draw, name] * intensity[week])
        found[draw, name, week] = curves.ceiling[draw, name] * peak * stock**n / (stock**n + k**n)
    return found


# ---- value


def test_value_with_carry_in_and_tail_equals_a_loop():
    curves, plan, after = make_curves(), some_plan(), (9_000.0, 0.0, 12_000.0)
    found = window(curves, after).value(plan)
    np.testing.assert_allclose(found, by_hand(curves, plan, after), rtol=1e-10)
    np.testing.assert_allclose(window(curves, after).mean(plan), found.mean(axis=0), rtol=1e-12)


def test_incremental_is_what_the_plan_adds_to_history_and_later_spend():
    curves, plan, after = make_curves(), some_plan(), (9_000.0, 0.0, 12_000.0)
    gain = by_hand(curves, plan, after) - by_hand(curves, np.zeros_like(plan), after)
    np.testing.assert_allclose(window(curves, after).incremental(plan), gain.sum(axis=2), rtol=1e-6)
    assert (window(curves, after).incremental(np.zeros_like(plan)) == 0.0).all()


def test_mean_and_gradient_gives_the_mean():
    response, plan = window(make_curves()), some_plan()
    mean, gradient = response.mean_and_gradient(plan)
    np.testing.assert_allclose(mean, response.mean(plan), rtol=1e-12)
    assert gradient.shape == (3, SPAN, WEEKS)


# ---- gradient


SHAPES = (
    {},
    {"saturation": ("flexible", "logistic", "power"), "slopes": (1.7, 1.0, 0.6)},
    {"saturation": ("michaelis_menten", "tanh", "flexible"), "slopes": (1.0, 1.0, 0.7)},
)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("hull", [False, True])
def test_gradient_equals_finite_differences(hull, shapes):
    response, plan, step = window(make_curves(**shapes)), some_plan(), 0.01
    _, gradient = response.mean_and_gradient(plan, hull=hull)
    for week, name in np.ndindex(plan.shape):
        ends = []
        for sign in (1, -1):
            moved = plan.copy()
            moved[week, name] += sign * step
            ends.append(response.mean_and_gradient(moved, hull=hull)[0])
        rise = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(gradient[name, :, week], rise[name], rtol=1e-5, atol=1e-8)
        # Other lines do not move.
        np.testing.assert_array_equal(np.delete(rise, name, axis=0), 0.0)


def test_a_weeks_spend_moves_nothing_before_it_and_nothing_beyond_its_last_lag():
    _, gradient = window(make_curves()).mean_and_gradient(some_plan())
    for week in range(WEEKS):
        moved = (gradient[:, :, week] != 0).all(axis=0)
        np.testing.assert_array_equal(np.flatnonzero(moved), np.arange(week, week + MAX_LAG + 1))


def test_gradient_at_zero_spend_is_finite():
    curves = replace(make_curves(slopes=(0.3, 0.9, 3.0)), spend=np.zeros((HISTORY, 3)))
    for hull in (False, True):
        mean, gradient = window(curves, (0.0, 0.0, 0.0)).mean_and_gradient(np.zeros((WEEKS, 3)), hull=hull)
        assert np.isfinite(mean).all()
        assert np.isfinite(gradient).all()
        assert (gradient >= 0).all()


# ---- hull


def test_hull_is_above_the_curve_and_equal_where_it_is_concave():
    response = window(make_curves(slopes=(0.6, 0.9, 2.2)))
    for size in (0.01, 0.3, 1.0, 5.0):
        plan = size * some_plan()
        curve, hull = (response.mean_and_gradient(plan, hull=flag)[0] for flag in (False, True))
        assert (hull >= curve * (1 - 1e-12)).all()
        np.testing.assert_array_equal(hull[:2], curve[:2])
    small = 0.01 * some_plan()
    curve, hull = (response.mean_and_gradient(small, hull=flag)[0] for flag in (False, True))
    assert (hull[2] > 1.01 * curve[2]).any()


def test_hull_is_concave_in_the_plan():
    response = window(make_curves(slopes=(0.6, 1.3, 3.0)), after=(9_000.0, 500.0, 12_000.0))
    rng = np.random.default_rng(8)
    for _ in range(20):
        one, other = rng.uniform(10, 30_000, (2, WEEKS, 3))
        share = rng.uniform(0.1, 0.9)
        ends = [response.mean_and_gradient(plan, hull=True)[0] for plan in (one, other)]
        between, _ = response.mean_and_gradient(share * one + (1 - share) * other, hull=True)
        assert (between >= (share * ends[0] + (1 - share) * ends[1]) * (1 - 1e-12)).all()


@pytest.mark.parametrize("least", [0.0, 10.0])
@pytest.mark.parametrize("shapes", [{"slopes": (0.6, 1.3, 3.0)}, *SHAPES[1:]])
def test_no_plan_earns_more_than_a_tangent_of_the_hull_says(least, shapes):
    response = window(make_curves(**shapes), after=(0.0, 0.0, 0.0))
    rng = np.random.default_rng(9)
    for _ in range(20):
        here, there = rng.uniform(10, 30_000, (2, WEEKS, 3))
        here[rng.random(here.shape) < 0.3] = least
        at_here, slope = response.mean_and_gradient(here, hull=True)
        tangent = at_here + np.einsum("ctw,wc->ct", slope, there - here)
        assert (tangent >= response.mean(there) * (1 - 1e-12)).all()


def test_s_shaped_curves_themselves_are_not_concave():
    response = window(make_curves(slopes=(3.0, 3.0, 3.0)), after=(0.0, 0.0, 0.0))
    low, high = np.full((WEEKS, 3), 10.0), np.full((WEEKS, 3), 6_000.0)
    middle = response.mean((low + high) / 2).sum()
    assert middle < (response.mean(low).sum() + response.mean(high).sum()) / 2


# ---- history around the plan


def test_gaps_before_the_plan_take_the_last_quarters_mean_and_the_far_past_the_first_weeks():
    curves = make_curves()
    np.testing.assert_array_equal(curves.before(START), curves.spend[-MAX_LAG:])
    later = curves.before(START + timedelta(weeks=2))
    np.testing.assert_array_equal(later[0], curves.spend[-1])
    np.testing.assert_allclose(later[1:], np.tile(curves.spend[-13:].mean(axis=0), (2, 1)))
    early = curves.before(curves.weeks[1])
    np.testing.assert_array_equal(early[2], curves.spend[0])
    np.testing.assert_allclose(early[:2], np.tile(curves.spend[:4].mean(axis=0), (2, 1)))


def test_thinning_keeps_every_nth_draw_of_everything():
    curves = make_curves()
    thin = curves.thinned(10)
    assert thin.draws == 10
    for name in PER_DRAW:
        np.testing.assert_array_equal(getattr(thin, name), getattr(curves, name)[::3])
    assert curves.thinned(1_000).draws == 30


def test_curves_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        make_curves().ceiling[0, 0] = 1.0


# ---- file


def saved(folder, curves):
    path = folder / "curves.npz"
    path.write_bytes(curves.to_bytes())
    return path


def test_save_and_load_change_nothing(tmp_path):
    curves = make_curves()
    again = load_curves(saved(tmp_path, curves))
    for one in fields(curves):
        was, found = getattr(curves, one.name), getattr(again, one.name)
        assert type(was) is type(found), one.name
        if isinstance(was, np.ndarray):
            assert was.dtype == found.dtype
            np.testing.assert_array_equal(was, found)
        else:
            assert was == found
    plan = some_plan()
    np.testing.assert_array_equal(window(curves).value(plan), window(again).value(plan))
    with pytest.raises(ValueError, match="read-only"):
        again.spend[0, 0] = 1.0


def test_the_same_curves_are_the_same_bytes():
    assert make_curves().to_bytes() == make_curves().to_bytes()


def test_the_file_holds_no_pickle(tmp_path):
    path = saved(tmp_path, make_curves())
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                np.lib.format.read_magic(member)
                _, _, kind = np.lib.format.read_array_header_1_0(member)
                assert not kind.hasobject, name


def assert_refused(path, *, reason=""):
    with pytest.raises(InputError, match="the saved response curves cannot be read") as caught:
        load_curves(path)
    (problem,) = caught.value.problems
    assert problem.where == path.name
    assert reason in problem.value
    assert "run budget fit again" in problem.cure


@pytest.mark.parametrize("kept", [0, 1, 100, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, kept):
    path = saved(tmp_path, make_curves())
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    assert_refused(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = saved(tmp_path, make_curves())
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(whole))
    assert_refused(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "curves.npz"
    assert_refused(path)
    path.write_text("week,spend\n", encoding="utf-8")
    assert_refused(path)
    with path.open("wb") as out:
        np.save(out, np.zeros(3))
    assert_refused(path)
    np.savez(path, spend=np.zeros(3))
    assert_refused(path, reason="head")


def test_a_pickled_object_is_refused(tmp_path):
    path = tmp_path / "curves.npz"
    np.savez(path, head=np.array([{"format": 1}], dtype=object))
    assert_refused(path, reason="allow_pickle=False")


def test_another_format_is_refused(tmp_path):
    path = saved(tmp_path, make_curves())
    with np.load(path) as stored:
        arrays = dict(stored)
    head = json.loads(bytes(arrays["head"]).decode()) | {"format": 999}
    arrays["head"] = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    np.savez(path, **arrays)
    assert_refused(path, reason="written by another version")


# --- hulls between two plans


@pytest.mark.parametrize("saturation", ["hill", "flexible"])
@pytest.mark.parametrize(("low", "high"), [(0.0, 60_000.0), (1_000.0, 4_000.0), (0.0, 500.0), (20_000.0, 90_000.0)])
def test_a_hull_between_two_plans_is_concave_above_the_curves_and_meets_them_at_both_ends(saturation, low, high):
    seen = window(make_curves(slopes=(0.6, 1.4, 3.2), saturation=(saturation,) * 3), after=(0.0, 0.0, 0.0))
    for name in range(3):
        hull = seen.hull_between(name, np.full(WEEKS, low), np.full(WEEKS, high))
        along = np.linspace(0, 1, 41)[:, None, None]
        ends = [np.maximum(seen._stock(name, np.full(WEEKS, end)), 1e-6) for end in (low, high)]
        values = []
        for stock in ends[0] + along * (ends[1] - ends[0]):
            level, steep = seen._curve(name, stock, hull)
            true, _ = seen._curve(name, stock, None)
            assert (level >= true - 1e-9).all()
            values.append(level)
            # Its slope there is a tangent of the whole hull.
            for other in ends:
                there, _ = seen._curve(name, other, hull)
                assert (there <= level + steep * (other - stock) + 1e-9).all()
        assert (np.diff(values, n=2, axis=0) <= 1e-9).all()
        for end, value in zip(ends, (values[0], values[-1]), strict=True):
            true, _ = seen._curve(name, end, None)
            assert value == pytest.approx(true, abs=2e-4)


def test_a_tangent_at_an_end_holds_inside_even_where_the_solver_oversteps_the_end():
    seen = window(make_curves(slopes=(0.6, 1.4, 3.2)), after=(0.0, 0.0, 0.0))
    low, high = np.full(WEEKS, 2_000.0), np.full(WEEKS, 5_000.0)
    for name in range(3):
        hull, least, most = seen.hull_between(name, low, high), seen._stock(name, low), seen._stock(name, high)
        for end in (least * (1 - 1e-9), least, most, most * (1 + 1e-9)):
            level, steep = seen._curve(name, end, hull)
            for stock in (least, 0.5 * (least + most), most):
                true, _ = seen._curve(name, stock, None)
                assert (level + steep * (stock - end) >= true - 1e-7).all()


def test_a_hull_between_two_plans_beyond_the_bend_is_the_curve():
    seen = window(make_curves(slopes=(1.3, 1.3, 1.3)))
    assert not seen.hulls[0].is_curve
    assert seen.hull_between(0, np.full(WEEKS, 60_000.0), np.full(WEEKS, 90_000.0)).is_curve


def test_values_that_are_kept_belong_to_their_own_window():
    """The same spend, asked of windows that differ in what follows, in draws and in peaks."""
    spend = some_plan()
    plain = window(make_curves(), (9_000.0, 0.0, 12_000.0))
    later = replace(plain, after=plain.after + 300.0)
    peaked = replace(plain, intensity=plain.intensity + 1.0)
    for one in (plain, later, peaked, plain.thinned(2)):
        first = one.value(spend)
        assert (replace(one).value(spend) == first).all()
        assert (one.value(spend) == first).all()
    assert (later.mean(spend)[:, WEEKS:] > plain.mean(spend)[:, WEEKS:]).all()
    assert (peaked.mean(spend) != plain.mean(spend)).all()


@pytest.mark.parametrize("least", [0.0, 4_000.0])
def test_no_plan_of_a_box_earns_less_than_its_chords(least):
    """Concave and S-shaped curves alike, whatever history carries in."""
    one = window(make_curves(), (9_000.0, 0.0, 12_000.0))
    names = len(one.curves.names)
    low, high = np.full(WEEKS, least), np.full(WEEKS, 40_000.0)
    rng = np.random.default_rng(1)
    for _ in range(40):
        spend = rng.uniform(low[:, None], high[:, None], (WEEKS, names))
        mean, lags = one.mean(spend), one.lags(spend) * one.curves.reference[:, None, None]
        for name in range(names):
            constant, slopes = one.chords(name, low, high)
            assert (constant + (slopes * lags[name]).sum(axis=1) <= mean[name] * (1 + 1e-9)).all()
