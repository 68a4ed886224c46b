"""Logic rules decide on what has happened: every weak-ROI sequence, windows, releases, recovery and the move cap."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import numpy as np
import pytest
from markets import line, mondays
from pydantic import TypeAdapter, ValidationError

from optimizer.rules import (
    LogicRule,
    MoveCap,
    Record,
    Recovery,
    ReserveRelease,
    StrongRoiTopUp,
    WeakRoiCut,
    strong_run,
    weak_run,
)

CUT = WeakRoiCut(name="weak ROI", roi_below=4.0, weeks=2, cut=0.2)
STATES = {"below": 3.99, "equal": 4.0, "above": 4.01, "missing": np.nan}
SEQUENCES = list(product(STATES, repeat=4))
FIRST = date(2027, 11, 29)
DOUBLE12 = (date(2027, 12, 6), date(2027, 12, 13))


def record(rois, spend=1000.0, *, first=FIRST, **facts):
    """Weeks with these attributed ROIs."""
    rois, spends = np.asarray(rois, dtype=float), np.broadcast_to(np.asarray(spend, dtype=float), len(rois)).copy()
    return Record(line("kol", **facts), mondays(len(rois), first), spends, rois * spends, np.full(len(rois), np.nan))


# --- the cut


@pytest.mark.parametrize("states", SEQUENCES, ids="-".join)
def test_truth_table_of_the_weak_roi_cut(states):
    """All 256 four-week sequences: it acts when the last two weeks are below, and on nothing else."""
    acts = states[2:] == ("below", "below")
    found = CUT.decide(record([STATES[state] for state in states]))
    assert (found is not None) == acts
    if found:
        run = next((n for n, state in enumerate(reversed(states)) if state != "below"), 4)
        assert (found.from_, found.to, found.count) == (1000.0, pytest.approx(800.0), run)
        assert found.weeks == (FIRST + timedelta(weeks=4),)
        assert (found.roi, found.threshold) == (pytest.approx(3.99), 4.0)


@pytest.mark.parametrize("states", SEQUENCES, ids="-".join)
def test_truth_table_of_three_weeks(states):
    acts = states[1:] == ("below", "below", "below")
    assert (CUT.model_copy(update={"weeks": 3}).decide(record([STATES[s] for s in states])) is not None) == acts


def test_weeks_without_spend_prove_nothing():
    assert CUT.decide(record([1.0, 1.0, 1.0], spend=[1000.0, 1000.0, 0.0])) is None
    assert CUT.decide(record([1.0, 1.0, 1.0], spend=[1000.0, 0.0, 1000.0])) is None
    assert CUT.decide(record([1.0, 1.0, 1.0], spend=[0.0, 1000.0, 1000.0])).count == 2


def test_a_missing_spend_ends_the_row():
    assert CUT.decide(record([1.0, 1.0], spend=[np.nan, 1000.0])) is None


def test_refunds_beyond_sales_are_weak():
    assert CUT.decide(record([-0.5, -2.0])).roi == pytest.approx(-2.0)


def test_a_line_s_own_threshold_comes_first():
    assert CUT.decide(record([3.0, 3.0], weak_roi=2.0)) is None
    assert CUT.decide(record([5.5, 5.9], weak_roi=6.0)).threshold == 6.0  # member day must bring 1:6


def test_the_model_s_roi_stands_in_where_nothing_is_attributed():
    seen = record([np.nan, np.nan])
    assert CUT.decide(replace(seen, modelled=np.array([3000.0, 3000.0]))).count == 2
    assert CUT.decide(seen) is None
    mixed = replace(record([5.0, np.nan]), modelled=np.array([1000.0, 1000.0]))
    assert CUT.decide(mixed) is None
    by_model = CUT.model_copy(update={"roi": "model"})
    assert by_model.decide(mixed).count == 2


def test_no_weeks_no_run():
    nothing = np.zeros(0)
    assert weak_run(nothing, nothing, 4.0) == strong_run(nothing, nothing, 4.0) == 0


# --- the top-up

TOP_UP = StrongRoiTopUp.model_validate(
    {"name": "Double-12 strength", "roi_at_least": 5.2, "window": "double12", "add": 800_000, "from": "reserve"}
)


def test_a_strong_first_week_of_the_window_is_topped_up_in_the_rest():
    found = TOP_UP.decide(record([3.0, 5.2]), DOUBLE12)
    assert (found.to, found.weeks, found.roi, found.count) == (800_000, DOUBLE12[1:], pytest.approx(5.2), 1)


def test_after_the_window_the_next_week_is_topped_up():
    found = TOP_UP.decide(record([3.0, 5.0, 5.6]), DOUBLE12)
    assert found.weeks == (date(2027, 12, 20),)
    assert found.roi == pytest.approx(5.3)  # both weeks of the window together


@pytest.mark.parametrize(
    "case",
    [
        {"record": record([9.0])},  # before the window
        {"record": record([3.0, 5.19])},
        {"record": record([3.0, np.nan])},
        {"record": record([3.0, 9.0], spend=[1000.0, 0.0])},
        {"record": record([3.0, 9.0]), "paid": True},
        {"record": record([3.0, 9.0]), "held": 0.0},
    ],
)
def test_no_top_up(case):
    assert TOP_UP.decide(case.pop("record"), DOUBLE12, **case) is None


def test_the_reserve_pays_as_far_as_it_reaches_and_extra_money_in_full():
    strong = record([3.0, 6.0])
    assert TOP_UP.decide(strong, DOUBLE12, held=300_000.0).to == 300_000
    assert TOP_UP.model_copy(update={"from_": "extra"}).decide(strong, DOUBLE12, held=0.0).to == 800_000


# --- release, recovery, move cap


def test_the_calendar_releases_week_by_week():
    rule = ReserveRelease(name="seats", line="support", window="double12")
    before, during, last = FIRST, DOUBLE12[0], DOUBLE12[1]
    assert rule.decide(before, 90_000.0, window=DOUBLE12).to == 45_000
    assert rule.decide(during, 45_000.0, window=DOUBLE12).to == 45_000
    assert rule.decide(last, 45_000.0, window=DOUBLE12) is None
    assert rule.decide(before, 0.0, window=DOUBLE12) is None


def test_a_surge_of_visits_releases_what_is_left():
    rule = ReserveRelease(name="seats", line="support", visits_at_least=3.0)
    assert rule.decide(FIRST, 90_000.0, visits=3000.0, usual=1000.0).to == 90_000
    assert rule.decide(FIRST, 90_000.0, visits=2999.0, usual=1000.0) is None
    assert rule.decide(FIRST, 90_000.0, visits=np.nan, usual=1000.0) is None


@pytest.mark.parametrize(
    ("rois", "back"),
    [
        ([4.0, 4.0], 1000.0),
        ([3.9, 4.5], None),
        ([4.5, 3.9], None),
        ([np.nan, 4.5], None),
        ([1.0, 4.0, 9.0], 1000.0),
    ],
)
def test_two_weeks_at_the_threshold_win_the_money_back(rois, back):
    found = Recovery(name="back", after="weak ROI", weeks=2).decide(record(rois, spend=800.0), CUT, before=1000.0)
    assert (found and found.to) == back


def test_recovery_may_ask_for_more_and_give_back_less():
    rule = Recovery(name="back", after="weak ROI", weeks=1, roi_at_least=5.0, restore=0.5)
    assert rule.decide(record([4.9], spend=800.0), CUT, before=1000.0) is None
    assert rule.decide(record([5.0], spend=800.0), CUT, before=1000.0).to == 900
    assert rule.decide(record([5.0], spend=1000.0), CUT, before=1000.0) is None


def test_moved_money_is_what_lines_gain():
    rule = MoveCap(name="a tenth a week", max=0.1)
    before = np.array([500.0, 300.0, 200.0])
    assert rule.moved(before, np.array([450.0, 400.0, 150.0])) == 100
    assert rule.decide(before, np.array([450.0, 400.0, 150.0]))
    assert not rule.decide(before, np.array([450.0, 401.0, 149.0]))


# --- the schema


def test_every_rule_is_read_from_yaml_by_its_kind():
    parse = TypeAdapter(LogicRule).validate_python
    assert parse(
        {"kind": "top_up", "name": "a", "roi_at_least": 5, "window": "w", "add": 1, "from": "extra"}
    ).from_ == ("extra")
    assert parse({"kind": "recovery", "name": "a", "after": "weak"}).weeks == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kind": "release", "line": "a"}, "give either window or visits_at_least"),
        ({"kind": "release", "line": "a", "window": "w", "visits_at_least": 2.0}, "give either window"),
        (
            {"kind": "top_up", "roi_at_least": 5, "window": "w", "add": 1, "from": "extra", "reserve": "tools"},
            "extra money is not paid by a reserve line",
        ),
    ],
)
def test_half_rules_are_refused(wrong, told):
    with pytest.raises(ValidationError, match=told):
        TypeAdapter(LogicRule).validate_python({"name": "x"} | wrong)
