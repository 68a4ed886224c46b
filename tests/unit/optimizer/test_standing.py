"""What follows from a quarter's figures: the truth table of the weak-ROI rule, holds, recoveries, top-ups, releases."""

from datetime import timedelta
from itertools import product

import numpy as np
import pytest
import quarters
from quarters import CUT, TOP_UP

from optimizer.standing import (
    Paid,
    Waiver,
    modelled_weekly,
    record_of,
    releases,
    standing_of,
    top_ups,
)

WEEK_KINDS = {"below": 3.99, "equal": 4.0, "above": 5.0, "missing": None}
LINE = "search"
TABLE = tuple(product(WEEK_KINDS, repeat=4))


def records(made, seen):
    modelled = modelled_weekly(made, seen)
    return [record_of(made, seen, modelled, index) for index in range(made.responding)]


def stand(made, seen, line=LINE):
    index = [one.name for one in made.lines].index(line)
    return standing_of(made, seen, records(made, seen)[index])


def fired_weeks(standing, kind="cut"):
    return [week for week, action in standing.actions if action.kind == kind]


@pytest.mark.parametrize("sequence", TABLE, ids=lambda sequence: "-".join(kind[0] for kind in sequence))
def test_the_cut_fires_exactly_after_two_known_weeks_below(sequence):
    made = quarters.problem()
    seen = quarters.figures(made, {LINE: [WEEK_KINDS[kind] for kind in sequence]})
    standing = stand(made, seen)
    expected = [week for week in range(1, 4) if sequence[week - 1 : week + 1] == ("below", "below")]
    assert fired_weeks(standing) == expected
    streak, found = 0, []
    for kind in sequence:
        streak = streak + 1 if kind == "below" else 0
        found.append(streak)
    assert standing.weak_weeks.tolist() == found


@pytest.mark.parametrize("sequence", TABLE, ids=lambda sequence: "-".join(kind[0] for kind in sequence))
def test_a_cut_holds_until_two_known_weeks_are_not_below(sequence):
    """Held after the four weeks: cut, and since then no two weeks in a row at or above the threshold."""
    made = quarters.problem()
    standing = stand(made, quarters.figures(made, {LINE: [3.0, 3.0, *(WEEK_KINDS[kind] for kind in sequence)]}))
    held = True
    for before, now in zip(("below", *sequence), sequence, strict=False):
        held = held or (before, now) == ("below", "below")
        if {before, now} <= {"equal", "above"}:
            held = False
    assert (standing.held is not None) == held


def test_every_further_weak_week_cuts_again():
    made = quarters.problem()
    plan = quarters.even_plan(made)
    standing = stand(made, quarters.figures(made, {LINE: [3.0] * 4}))
    assert fired_weeks(standing) == [1, 2, 3]
    assert standing.held.most == pytest.approx(0.8 * plan[1, 0] / 100)
    assert standing.held.before == pytest.approx(plan[1, 0] / 100)


def test_history_counts():
    made = quarters.problem()
    curves = made.response.curves
    attributed = curves.attributed.copy()
    attributed[-1, 1] = 3.0 * curves.spend[-1, 1]
    object.__setattr__(curves, "attributed", attributed)
    assert fired_weeks(stand(made, quarters.figures(made, {LINE: [3.0, 5.0]}))) == [0]


def test_late_figures_close_the_gap():
    made = quarters.problem()
    roi = {LINE: [3.0, 3.0, 5.0]}
    late = quarters.figures(made, roi, known=[True, False, True])
    assert fired_weeks(stand(made, late)) == []
    assert fired_weeks(stand(made, quarters.figures(made, roi))) == [1]


def test_a_week_without_spend_proves_nothing():
    made = quarters.problem()
    spent = quarters.even_plan(made)[:, :3].copy()
    spent[1, 1] = 0
    standing = stand(made, quarters.figures(made, {LINE: [3.0, 3.0, 3.0]}, spent=spent))
    assert fired_weeks(standing) == []
    assert np.isnan(standing.roi[1])


def test_refunds_that_outweigh_sales_are_weak():
    made = quarters.problem()
    standing = stand(made, quarters.figures(made, {LINE: [-0.5, -0.1]}))
    assert fired_weeks(standing) == [1]
    assert standing.actions[0][1].roi == pytest.approx(-0.1)


def test_a_lines_own_threshold_comes_first():
    made = quarters.problem(facts={LINE: {"weak_roi": 2.0}})
    assert fired_weeks(stand(made, quarters.figures(made, {LINE: [3.0, 3.0]}))) == []
    assert fired_weeks(stand(made, quarters.figures(made, {LINE: [1.9, 1.9]}))) == [1]


def test_a_rule_by_the_model_ignores_the_platform():
    by_model = CUT | {"roi": "model", "roi_below": 0.01}
    made = quarters.problem(rules=[by_model])
    assert fired_weeks(stand(made, quarters.figures(made, {LINE: [0.001, 0.001]}))) == []
    made = quarters.problem(rules=[by_model | {"roi_below": 1000.0}])
    assert fired_weeks(stand(made, quarters.figures(made, {LINE: [2000.0, 2000.0]}))) == [0, 1]


def test_a_waived_cut_is_not_made():
    made = quarters.problem()
    waived = (Waiver("weak ROI", LINE, made.weeks[1]),)
    standing = stand(made, quarters.figures(made, {LINE: [3.0, 3.0, 5.0]}, waived=waived))
    assert fired_weeks(standing) == []
    assert standing.held is None


def test_recovery_gives_back_what_was_cut():
    made = quarters.problem()
    plan = quarters.even_plan(made)
    spent = plan[:, :4].copy()
    spent[1, 2:] = round(0.8 * plan[1, 0])
    standing = stand(made, quarters.figures(made, {LINE: [3.0, 3.0, 5.0, 4.0]}, spent=spent))
    assert fired_weeks(standing, "recovery") == [3]
    assert standing.actions[-1][1].to == pytest.approx(plan[1, 0] / 100)
    assert standing.held is None


def test_a_recovery_rule_sets_its_own_terms():
    terms = {"kind": "recovery", "name": "win it back", "after": "weak ROI", "weeks": 1, "restore": 0.5}
    made = quarters.problem(rules=[CUT, terms])
    plan = quarters.even_plan(made)
    spent = plan[:, :3].copy()
    spent[1, 2] = round(0.8 * plan[1, 0])
    standing = stand(made, quarters.figures(made, {LINE: [3.0, 3.0, 4.5]}, spent=spent))
    assert fired_weeks(standing, "recovery") == [2]
    assert standing.held.most == pytest.approx(0.9 * plan[1, 0] / 100, rel=1e-6)


# --- top-ups and releases

WINDOW = {"double12": (2, 3)}


def raised(made, seen, left=1e6):
    money = np.array([left if line.reserve else 0.0 for line in made.lines])
    return top_ups(made, seen, records(made, seen), money)


@pytest.mark.parametrize(
    ("roi", "weeks", "pays"),
    [
        ([6.0, 6.0], 2, False),  # before the window
        ([1.0, 1.0, 5.2], 3, True),  # exactly the threshold, in the window
        ([9.0, 9.0, 5.19], 3, False),
        ([1.0, 1.0, 4.0, 6.4], 4, True),  # the window's weeks taken together
        ([1.0, 1.0, 1.0, 1.0, 9.0], 5, False),  # after the window
        ([1.0, 1.0, None], 3, False),
    ],
)
def test_a_top_up_only_in_its_window_and_from_its_threshold(roi, weeks, pays):
    made = quarters.problem(rules=[TOP_UP], windows=WINDOW)
    found = raised(made, quarters.figures(made, {LINE: roi}))
    assert len(roi) == weeks
    assert bool(found) == pays
    if pays:
        ((action, paid),) = found
        assert (action.kind, action.line, action.to) == ("top_up", LINE, 5000.0)
        assert paid.reserves == (("tools 0", 500_000),)
        assert paid.extra_fen == 0


def test_a_top_up_only_once():
    made = quarters.problem(rules=[TOP_UP], windows=WINDOW)
    paid = (Paid("Double-12 strength", LINE, made.weeks[2], 500_000, (("tools 0", 500_000),)),)
    assert raised(made, quarters.figures(made, {LINE: [6.0] * 4}, paid=paid)) == ()


@pytest.mark.parametrize(("left", "pays"), [(0.0, None), (1200.5, 120_050), (9000.0, 500_000)])
def test_a_top_up_only_while_the_reserve_lasts(left, pays):
    made = quarters.problem(rules=[TOP_UP], windows=WINDOW)
    found = raised(made, quarters.figures(made, {LINE: [6.0] * 3}), left)
    assert [paid.fen for _, paid in found] == ([] if pays is None else [pays])


def test_two_lines_share_what_the_reserve_holds():
    made = quarters.problem(rules=[TOP_UP | {"lines": "all"}], windows=WINDOW)
    roi = dict.fromkeys(("抖音直播", LINE), [6.0] * 3)
    found = raised(made, quarters.figures(made, roi), 7000.0)
    assert [(paid.line, paid.fen) for _, paid in found] == [("抖音直播", 500_000), (LINE, 200_000)]


def test_extra_money_needs_no_reserve():
    made = quarters.problem(rules=[TOP_UP | {"from": "extra"}], windows=WINDOW, reserves=0)
    ((_, paid),) = raised(made, quarters.figures(made, {LINE: [6.0] * 3}))
    assert (paid.extra_fen, paid.reserves) == (500_000, ())


@pytest.mark.parametrize(("visits", "released"), [(3.0, False), (9.01, True), (np.nan, False)])
def test_a_surge_of_visits_releases_the_reserve(visits, released):
    rule = {"kind": "release", "name": "seats", "line": "tools 0", "visits_at_least": 3.0}
    made = quarters.problem(rules=[rule])
    usual = made.response.curves.visits[-13:].sum(axis=1).mean()
    spent = quarters.even_plan(made)[:, :1]
    scale = visits * usual / (3.0 * spent[:4].sum() / 100)
    seen = quarters.figures(made, {LINE: [5.0]}, spent=spent, visits=scale)
    found = releases(made, seen, np.array([0.0, 0.0, 0.0, 0.0, 800.0]))
    assert [action.to for action in found] == ([800.0] if released else [])
    if released:
        assert found[0].weeks == (made.weeks[0] + timedelta(weeks=1),)
