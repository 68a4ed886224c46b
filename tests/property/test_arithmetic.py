"""Rules on numbers, against the plainest restatement of each: thousands of small cases."""

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from itertools import groupby

import numpy as np
import pytest
from generated import fast, slow
from hypothesis import given
from hypothesis import strategies as st
from markets import line, mondays

from optimizer.rules import MoveCap, Record, Recovery, StrongRoiTopUp, WeakRoiCut
from optimizer.settings import PlanSettings
from optimizer.verify import broken, verify

FOUND: Counter[str] = Counter()
CHECKS = {}


def checked(*strategies):
    """Register a check with what it is given; it runs on few cases in the fast suite, on many in the slow one."""

    def register(function):
        CHECKS[function.__name__] = function, strategies
        return function

    return register


ROIS = st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 3.0, 3.999, 4.0, 4.001, 6.0]))
SPENDS = st.one_of(st.none(), st.sampled_from([0.0, 0.01, 800.0, 1000.0]))
WEEKS = st.lists(st.tuples(SPENDS, ROIS), min_size=1, max_size=8)


def record(weeks):
    """Attributed ROI by week; None is a number that is missing."""
    spend = np.array([np.nan if paid is None else paid for paid, _ in weeks])
    gmv = np.array([np.nan if None in {paid, roi} else paid * roi for paid, roi in weeks])
    gmv[np.isnan(gmv)] = np.nan
    if np.isnan(gmv).all():
        gmv = np.append(gmv[:-1], 0.0) * np.nan
    return Record(line("a"), mondays(len(weeks)), spend, gmv, np.full(len(weeks), np.nan))


def at_the_end(weeks, good):
    """Weeks in a row, up to the last, for which a plain question is answered yes."""
    run = 0
    for paid, roi in reversed(weeks):
        if not paid or roi is None or not good(roi):
            return run
        run += 1
    return run


@checked(WEEKS, st.integers(1, 4), st.sampled_from([0.1, 0.2, 0.5]))
def a_cut_is_what_a_person_would_decide(weeks, needed, share):
    found = WeakRoiCut(name="weak", roi_below=4.0, weeks=needed, cut=share).decide(record(weeks))
    run = at_the_end(weeks, lambda roi: roi < 4.0)
    assert (found is not None) == (run >= needed)
    if found:
        assert found.count == run
        assert found.to == (1 - share) * weeks[-1][0]


@checked(WEEKS, st.integers(1, 4), st.sampled_from([900.0, 1000.0, 2000.0]))
def a_recovery_is_what_a_person_would_decide(weeks, needed, before):
    cut = WeakRoiCut(name="weak", roi_below=4.0)
    found = Recovery(name="back", after="weak", weeks=needed).decide(record(weeks), cut, before)
    run = at_the_end(weeks, lambda roi: roi >= 4.0)
    last = weeks[-1][0]
    assert (found is not None) == (run >= needed and last is not None and last < before)


@checked(WEEKS, st.sets(st.integers(0, 9)), st.sampled_from([0.0, 500.0, 1e6]))
def a_top_up_is_what_a_person_would_decide(weeks, window, held):
    rule = StrongRoiTopUp(name="strong", roi_at_least=4.0, window="peak", add=800.0)
    mondays_of_it = [mondays(10)[week] for week in sorted(window)]
    found = rule.decide(record(weeks), mondays_of_it, held=held)
    counted = [(paid, roi) for t, (paid, roi) in enumerate(weeks) if t in window and paid and roi is not None]
    spent, earned = sum(paid for paid, _ in counted), sum(paid * roi for paid, roi in counted)
    assert (found is not None) == (spent > 0 and earned >= 4.0 * spent and held > 0)
    if found:
        assert found.to == min(800.0, held)
        assert all(week > mondays(len(weeks))[-1] for week in found.weeks)


@checked(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=6), st.integers(1, 100))
def what_one_line_gains_another_loses(lines, percent):
    before, after = (np.array(side, dtype=float) for side in zip(*lines, strict=True))
    rule = MoveCap(name="cap", max=percent / 100)
    gained = sum(max(new - old, 0) for old, new in lines)
    assert rule.moved(before, after) == gained
    assert rule.decide(before, after) == (100 * gained <= percent * sum(old for old, _ in lines) + 0.5)


# --- the verifier

LINES = (
    line("a", 6, groups=("g",), category="c"),
    line("b", 6, category="c", recent=np.array([5.0, 0.0])),
    line("d", 6),
)
FENS = st.lists(st.lists(st.sampled_from([0, 0, 100, 101, 250, 400]), min_size=6, max_size=6), min_size=3, max_size=3)


def asked(**fields):
    return st.fixed_dictionaries({name.rstrip("_"): values for name, values in fields.items()})


LIMITS = st.one_of(
    asked(kind=st.just("budget"), month=st.sampled_from(["2027-10", "2027-11"]), max=st.integers(0, 30)),
    asked(kind=st.just("budget"), every=st.just("week"), min=st.integers(0, 8)),
    asked(kind=st.just("budget"), window=st.just("peak"), of=st.just("share"), min=st.sampled_from([0.1, 0.3, 1.0])),
    asked(kind=st.just("weeks_on"), lines=st.sampled_from(["a", "b"]), weeks=st.integers(1, 4), least=st.just(1)),
    asked(kind=st.just("cardinality"), lines=st.just("all"), max=st.integers(0, 3)),
    asked(kind=st.just("either_or"), either=st.just("a"), or_=st.just(["b", "d"]), allow=st.integers(0, 9)),
    asked(kind=st.just("mix"), shares=st.just({"a": 0.5, "b": 0.5}), tolerance=st.sampled_from([0.0, 0.1, 0.3])),
)


@checked(FENS, LIMITS)
def the_verifier_counts_as_a_person_would(fen, limit):
    wanted = PlanSettings.model_validate({"constraints": [limit | {"name": "R"}], "total_rule": "at_most"})
    weeks, money = mondays(6), sum(map(sum, fen))
    found = verify(wanted, LINES, weeks, money, fen, np.zeros((3, 6)), windows={"peak": (1, 2)})
    faulty = any(one.name == "R" for one in broken(found))
    assert faulty == is_broken(limit, fen)
    FOUND[f"{limit['kind']} {faulty}"] += 1


def is_broken(limit, fen):
    by_line, by_week = [sum(row) for row in fen], [sum(column) for column in zip(*fen, strict=True)]
    if limit["kind"] == "budget":
        return is_broken_budget(limit, by_week)
    if limit["kind"] == "weeks_on":
        states = [False, limit["lines"] == "a"] + [cell > 0 for cell in fen["ab".index(limit["lines"])]]
        return short_flight(states, limit["weeks"], past=4 if limit["lines"] == "a" else 0)
    if limit["kind"] == "cardinality":
        return sum(paid > 0 for paid in by_line) > limit["max"]
    if limit["kind"] == "either_or":
        return min(by_line[0], by_line[1] + by_line[2]) >= 100 * limit["allow"] + 1
    return mix_is_broken(by_line[0], by_line[1], limit["tolerance"])


def is_broken_budget(limit, by_week):
    if "month" in limit:
        thursdays = [(monday + timedelta(days=3)).strftime("%Y-%m") for monday in mondays(6)]
        inside = sum(paid for paid, month in zip(by_week, thursdays, strict=True) if month == limit["month"])
        return inside >= 100 * limit["max"] + 1
    if "every" in limit:
        return any(paid <= 100 * limit["min"] - 1 for paid in by_week)
    return 10 * (by_week[1] + by_week[2]) < round(10 * limit["min"]) * sum(by_week)


def short_flight(states, needed, *, past):
    """Whether a run that ends inside the plan is too short; history's run counts its ``past`` weeks."""
    at = -2
    for is_on, run in groupby(states):
        length = len(list(run))
        begun, at = at, at + length
        if is_on and at < 6 and at > 0 and (length + (past - 1 if begun < 0 and past else 0)) < needed:
            return True
        if is_on and at == 0 and past and past < needed:
            return True
    return False


def mix_is_broken(one, other, tolerance):
    whole, half = one + other, Fraction(1, 2)
    low, high = half - Fraction(str(tolerance)), half + Fraction(str(tolerance))
    if low == high:
        return abs(one - half * whole) >= 1
    return any(not low * whole <= part <= high * whole for part in (one, other))


def run(name, how):
    function, strategies = CHECKS[name]

    @how
    @given(st.tuples(*strategies))
    def holds(case):
        function(*case)

    holds()


@pytest.mark.parametrize("name", CHECKS)
def test_few(name):
    run(name, fast(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_many(name):
    run(name, slow(name))


def test_both_verdicts_are_met_for_every_kind():
    test_few("the_verifier_counts_as_a_person_would")
    for limit in ("budget", "weeks_on", "cardinality", "either_or", "mix"):
        assert FOUND[f"{limit} True"] >= 2
        assert FOUND[f"{limit} False"] >= 2
