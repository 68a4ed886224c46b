"""Logic rules inside the plan: what they put on it is obeyed to the fen, and the plan says what they do."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from markets import curves, mondays, problem

from optimizer.assemble import expected_weekly, findings_of, make_plan
from optimizer.planner import Infeasible, SolveOptions, optimise
from optimizer.verify import broken, verify

PEAK = {"peak": (1, 2)}
ALIVE = {"kind": "bounds", "name": "alive", "per": "week", "relative_to": "history", "min": 0.4, "max": 1.6}
RELEASE = {"kind": "release", "name": "seats", "line": "tools 0", "window": "peak"}
TOP_UP = {"kind": "top_up", "name": "strength", "roi_at_least": 0.1, "window": "peak", "add": 5_000.0, "roi": "model"}


def held(least, line="tools 0"):
    return {"kind": "bounds", "name": "held", "lines": line, "min": least, "max": least}


def planned(**wanted):
    given = problem(weeks=4, **wanted)
    plan = make_plan(given, SolveOptions(gap=1e-3, seconds=20))
    fen = np.array([line.weekly_fen for line in plan.lines])
    assert broken(findings_of(given, fen)) == ()
    return given, plan, fen


def faults(given, fen):
    return {one.name for one in broken(findings_of(given, np.asarray(fen)))}


def said(plan, name):
    return next(rule for rule in plan.rules if rule.name == name)


def test_a_release_puts_the_reserve_into_the_window_s_weeks():
    given, plan, fen = planned(reserves=2, windows=PEAK, constraints=[held(3_000.01)], rules=[RELEASE])
    assert fen[4].tolist() == [0, 150_000, 150_001, 0] or fen[4].tolist() == [0, 150_001, 150_000, 0]
    assert np.ptp(fen[5]) <= 1  # the other reserve line stays even
    assert said(plan, "seats").fired
    assert "3,000.01 is released in the weeks of 2027-10-11, 2027-10-18" in said(plan, "seats").effect
    moved = fen.copy()
    moved[4] += [1, -1, 0, 0]
    assert faults(given, moved) == {"seats"}


def test_a_window_outside_the_plan_releases_nothing():
    _, plan, fen = planned(reserves=1, windows={"peak": ()}, constraints=[held(4_000)], rules=[RELEASE])
    assert fen[4].tolist() == [100_000] * 4
    assert not said(plan, "seats").fired


def test_a_top_up_s_reserve_is_held_until_the_window():
    rule = TOP_UP | {"from": "reserve", "reserve": "tools 0"}
    given, plan, fen = planned(reserves=1, windows=PEAK, rules=[rule, RELEASE])
    assert fen[4].tolist() == [0, 250_000, 250_000, 0]
    report = next(one for one in plan.constraints if one.name == "strength")
    assert report.binding
    assert report.price < 0  # the reserve earns nothing, so holding it costs
    less = fen.copy()
    less[4, 1] -= 1
    less[0, 0] += 1
    assert "strength" in faults(given, less)


def test_a_projected_top_up_is_told_with_its_payer():
    rules = [TOP_UP | {"from": "extra"}, TOP_UP | {"name": "never", "roi_at_least": 99}]
    _, plan, _ = planned(windows=PEAK, rules=rules)
    assert said(plan, "strength").fired
    assert "5,000.00 is added as extra money" in said(plan, "strength").effect
    assert not said(plan, "never").fired


def test_a_line_that_starts_cut_is_held_until_it_can_have_recovered():
    cut = {"kind": "cut", "name": "weak ROI", "roi_below": 0.01, "roi": "model"}
    back = {"kind": "recovery", "name": "back", "after": "weak ROI", "weeks": 3}
    given, plan, fen = planned(facts={"kol": {"weak_weeks": 2}}, rules=[cut, back])
    most = round(80 * given.lines[3].recent[-1])
    assert fen[3, :3].max() <= most + 1
    assert said(plan, "back").lines == ("kol",)
    fen[3] = [most, most, most + 200, 0]
    assert "back" in faults(given, fen)


@pytest.mark.parametrize("weeks", [1, 2])
def test_a_cut_inside_the_plan_holds_as_long_as_recovery_takes(weeks):
    cut = {"kind": "cut", "name": "weak ROI", "roi_below": 2.0, "weeks": 1, "roi": "model"}
    back = {"kind": "recovery", "name": "back", "after": "weak ROI", "weeks": weeks}
    _, plan, _ = planned(constraints=[ALIVE], rules=[cut, back])
    assert said(plan, "weak ROI").fired


def test_a_new_plan_moves_no_more_than_the_cap():
    usual = problem(weeks=4)
    before = np.array([line.reference for line in usual.lines])
    cap = {"kind": "move_cap", "name": "a tenth", "max": 0.1}
    free, _, loose = planned(constraints=[ALIVE])
    given, plan, fen = planned(constraints=[ALIVE], rules=[cap], previous=before)
    gained = np.maximum(fen.sum(axis=1) - 100 * before.sum(axis=1), 0).sum()
    assert gained == pytest.approx(10 * before.sum(), abs=len(fen))
    assert said(plan, "a tenth").fired
    assert next(one for one in plan.constraints if one.name == "a tenth").price > 0
    assert free.total_fen == given.total_fen
    assert faults(given, loose) == {"a tenth"}


def test_a_first_plan_is_not_capped():
    _, plan, _ = planned(rules=[{"kind": "move_cap", "name": "a tenth", "max": 0.1}])
    assert not said(plan, "a tenth").fired


# --- the weak-ROI cut's rows, over every four-week sequence

ROI = 2.0
RATIOS = {"below": 0.99, "equal": 1.0, "above": 1.01}
SPEND = 1000.0


def line_with_known_rois(states):
    """A plan of one line whose four weeks' spends are settled, and with them every week's ROI: no carry-over."""
    one = curves(1, draws=1)
    level = one.ceiling[0, 0] * (SPEND / one.reference[0]) ** one.slope[0, 0]
    level /= (SPEND / one.reference[0]) ** one.slope[0, 0] + one.half_saturation[0, 0] ** one.slope[0, 0]
    known = replace(
        one,
        weights=np.ones((1, 1, 1)),
        kappa=np.ones((1, 1)),
        ceiling=one.ceiling * ROI * SPEND / level,
    )
    weekly = {
        monday.isoformat(): 0.0 if state == "missing" else SPEND
        for monday, state in zip(mondays(4), states, strict=True)
    }
    settled = {"kind": "fixed", "name": "settled", "lines": "抖音直播", "weekly": weekly}
    cut = {"kind": "cut", "name": "weak ROI", "roi_below": ROI, "roi": "model"}
    total = {"total": max(1.0, sum(weekly.values())), "total_rule": "at_most"}
    given = problem(known, 4, constraints=[settled], rules=[cut], **total)
    peaks = np.log([RATIOS.get(state, 1.0) for state in states])
    return replace(given, response=known.over(given.weeks, peaks, np.zeros(1)))


def must_be_cut(states, weak):
    """Whether two weak weeks in a row are followed by a week that is not cut."""
    return any(
        states[t] in weak and states[t + 1] in weak and states[t + 2] != "missing" for t in range(len(states) - 2)
    )


def can_hold(given):
    try:
        optimise(given, SolveOptions(gap=1e-3, seconds=10))
    except Infeasible:
        return False
    return True


@pytest.mark.parametrize("first", ["below", "equal", "above", "missing"])
def test_truth_table_of_the_cut_s_rows(first):
    """What the rule forbids no plan does; a week exactly at the threshold is kept off, as fen could turn it."""
    for rest in product(["below", "equal", "above", "missing"], repeat=3):
        states = (first, *rest)
        given = line_with_known_rois(states)
        rois = expected_weekly(given, np.full((1, 4), SPEND))[0] / SPEND
        assert rois == pytest.approx([ROI * RATIOS.get(state, 1.0) for state in states])
        holds = can_hold(given)
        assert holds == (not must_be_cut(states, {"below", "equal"})), states
        fen = np.array([[0 if state == "missing" else round(100 * SPEND) for state in states]])
        by_rule = must_be_cut(states, {"below"})
        gmv = np.array([[ROI * RATIOS.get(state, 0.0) * SPEND for state in states]])
        found = verify(given.settings, given.lines, given.weeks, given.total_fen, fen.tolist(), gmv)
        assert ("weak ROI" in {one.name for one in broken(found)}) == by_rule, states
        assert not (holds and by_rule)
