"""Whole fen: the total and exact shares hold to the fen, no limit is passed, and the plan hardly moves."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from markets import curves, grouped, problem, share

from mmm.problems import BudgetError
from optimizer.assemble import findings_of
from optimizer.planner import SolveOptions, optimise
from optimizer.rounding import round_to_fen
from optimizer.verify import broken

CATEGORIES = {
    "抖音直播": {"category": "promotion"},
    "search": {"category": "promotion"},
    "小红书": {"category": "content"},
    "kol": {"category": "content"},
    "tools 0": {"category": "tools"},
    "tools 1": {"category": "incentives"},
}
SPLIT = {"promotion": 0.40, "content": 0.35, "tools": 0.15, "incentives": 0.10}
EXACT = [{"kind": "category_share", "name": name, "category": name, "share": part} for name, part in SPLIT.items()]
THIRTY = {"kind": "change", "name": "30% a week", "week_on_week": 0.3}
SOCIAL = grouped("抖音直播", "小红书")


def rounded(given):
    """The optimum and the plan in fen, which the verifier must not fault."""
    found = optimise(given, SolveOptions())
    fen = round_to_fen(found)
    assert fen.dtype == np.int64
    assert broken(findings_of(given, fen)) == ()
    return found, fen


def with_total(given, total_fen):
    return replace(given, total_fen=total_fen)


def in_category(given, fen, name):
    return int(sum(row.sum() for row, line in zip(fen, given.lines, strict=True) if line.category == name))


@pytest.mark.parametrize("total_fen", [10_000_000, 10_000_001, 33_333_333, 500_000_000, 420_000_007])
@pytest.mark.parametrize("rules", [[], [THIRTY, share("cap", "social", max=0.45)]])
def test_the_total_is_exact_to_the_fen(total_fen, rules):
    _, fen = rounded(with_total(problem(weeks=4, facts=SOCIAL, constraints=rules[1:]), total_fen))
    assert fen.sum() == total_fen
    assert fen.min() >= 0


def test_five_million_splits_40_35_15_10_exactly():
    given = with_total(problem(weeks=13, reserves=2, facts=CATEGORIES, constraints=EXACT), 500_000_000)
    _, fen = rounded(given)
    split = {name: in_category(given, fen, name) for name in SPLIT}
    assert split == {"promotion": 200_000_000, "content": 175_000_000, "tools": 75_000_000, "incentives": 50_000_000}


def test_exact_shares_of_an_uneven_total_are_off_by_less_than_a_fen():
    given = with_total(problem(reserves=2, facts=CATEGORIES, constraints=EXACT), 100_000_037)
    _, fen = rounded(given)
    assert fen.sum() == 100_000_037
    for name, part in SPLIT.items():
        assert abs(in_category(given, fen, name) - Fraction(str(part)) * 100_000_037) < 1


@pytest.mark.parametrize("total_fen", [10_000_000, 10_000_001, 9_999_999, 12_345_679])
@pytest.mark.parametrize("limit", [{"max": 0.45}, {"max": 0.3333333}, {"min": 0.75}])
def test_a_binding_share_is_reached_to_a_fen_or_two_and_never_passed(total_fen, limit):
    given = with_total(problem(facts=SOCIAL, constraints=[share("social", "social", **limit)]), total_fen)
    _, fen = rounded(given)
    inside, (sense, part) = int(fen[[0, 2]].sum()), next(iter(limit.items()))
    room = Fraction(str(part)) * total_fen - inside
    assert 0 <= (room if sense == "max" else -room) < 2


def test_a_binding_share_of_visits_is_kept():
    visits = dict(zip(problem().response.curves.names, (4.1, 1.03, 2.7, 0.51), strict=True))
    facts = {name: SOCIAL.get(name, {}) | {"visits_per_cny": each} for name, each in visits.items()}
    found, _ = rounded(problem(facts=facts, constraints=[share("social", "social", of="visits", max=0.5)]))
    by_line = found.spend.sum(axis=1) * list(visits.values())
    assert by_line[[0, 2]].sum() == pytest.approx(0.5 * by_line.sum())


def test_money_may_be_left_when_the_total_is_a_ceiling():
    goal = {"maximise": "profit", "margin": 0.5}
    given = problem(total=2_000_000.0, total_rule="at_most", objective=goal)
    _, fen = rounded(given)
    assert 0 < fen.sum() < given.total_fen


def test_reserve_lines_stay_even_to_the_fen():
    _, fen = rounded(with_total(problem(weeks=4, reserves=2, facts=CATEGORIES, constraints=EXACT), 100_000_037))
    assert np.ptp(fen[4:], axis=1).max() <= 1


def test_cells_hardly_move():
    found, fen = rounded(problem(weeks=13, facts=SOCIAL, constraints=[THIRTY, share("cap", "social", max=0.4)]))
    moved = np.abs(fen - 100 * found.spend)
    assert moved.max() <= 4
    assert moved.mean() < 1


def test_free_cells_are_rounded_to_the_nearest_fen_but_for_the_total():
    found, fen = rounded(problem())
    off = np.abs(fen - 100 * found.spend)
    assert off.max() < 1
    assert (off > 0.5).sum() <= 6


@pytest.mark.parametrize("weeks", [3, 13])
@pytest.mark.parametrize("limits", [(20_000, 30_000), (1_000, 2_000), (40_000, 90_000), (1_234.5, 1_234.5)])
def test_a_pilot_at_its_limit_is_not_pushed_over_it(weeks, limits):
    low, high = limits
    pilot = {"kind": "pilot", "name": "kol pilot", "line": "kol", "min": low, "max": high}
    _, fen = rounded(problem(weeks=weeks, constraints=[pilot]))
    assert fen[3].sum() == 0 or 100 * low <= fen[3].sum() <= 100 * high


@pytest.mark.parametrize("roi", [1.4, 2.0])
def test_cuts_inside_the_plan_survive_rounding(roi):
    floors = {"kind": "bounds", "name": "alive", "per": "week", "relative_to": "history", "min": 0.4}
    cut = {"kind": "cut", "name": "weak ROI", "roi_below": roi, "roi": "model"}
    found, _ = rounded(problem(weeks=4, constraints=[floors], rules=[cut]))
    assert found.search.has_logic


@pytest.mark.parametrize("money", [0.12, 1.0, 37.0])
def test_pocket_money_is_divided_too(money):
    given = problem(curves(3), total=money, constraints=[{"kind": "concentration", "name": "top", "max": 0.6}])
    _, fen = rounded(given)
    assert fen.sum() == round(100 * money)


def test_large_money_is_exact_to_the_fen():
    given = problem(total=98_765_432_109.87, facts=SOCIAL, constraints=[share("cap", "social", max=0.45)])
    _, fen = rounded(given)
    assert fen.sum() == 9_876_543_210_987


def test_limits_that_leave_no_whole_fen_are_told():
    # two lines of at most half each, and an odd number of fen
    given = with_total(
        problem(curves(2), constraints=[{"kind": "concentration", "name": "half", "max": 0.5}]), 10_000_001
    )
    with pytest.raises(BudgetError, match="cannot be rounded to whole fen within its rules"):
        round_to_fen(optimise(given, SolveOptions()))
