"""The picture around a plan: curves through the plan's own point, peaks where the calendar has them."""

from dataclasses import replace
from datetime import date

import markets
import numpy as np
import pytest

from mmm.calendar import Calendar, Peak
from optimizer.assemble import evaluate_plan, settled
from optimizer.learning import worth_knowing
from optimizer.outlook import BEYOND, outlook

FEN = np.array([[900_000, 800_000, 700_000], [0, 0, 0], [400_000, 500_000, 600_000], [300_000, 300_000, 300_000]])
CALENDAR = Calendar(
    "made",
    (
        Peak("double11", date(2027, 10, 12), date(2027, 10, 19), 1.0, "estimate"),
        Peak("far", date(2028, 5, 1), date(2028, 5, 9), 1.0, "estimate"),
        Peak("a name only", date(2027, 10, 4), date(2027, 10, 5), 0.0, "estimate"),
    ),
)


@pytest.fixture
def unsettled():
    return markets.problem(markets.curves(4), 3)


@pytest.fixture
def problem(unsettled):
    return settled(unsettled)


@pytest.fixture
def plan(unsettled):
    return evaluate_plan(unsettled, FEN)[0]


def test_curves_pass_through_the_plan(problem, plan):
    curves = outlook(problem, plan, CALENDAR).curves
    assert [curve.name for curve in curves] == [line.name for line in plan.lines[:4]]
    for line, curve in zip(plan.lines, curves, strict=True):
        if line.spend_fen == 0:
            continue
        mean = np.interp(line.spend_fen / 100, curve.spend, curve.mean)
        assert mean == pytest.approx(line.gmv.mean, rel=1e-9)
        assert np.interp(line.spend_fen / 100, curve.spend, curve.low) == pytest.approx(line.gmv.p05, rel=1e-9)


def test_curves_begin_at_nothing_and_rise(problem, plan):
    for curve in outlook(problem, plan, CALENDAR).curves:
        assert (curve.spend[0], curve.mean[0], curve.high[0]) == (0.0, 0.0, 0.0)
        assert (np.diff(curve.mean)[np.diff(curve.spend) > 0] > 0).all()
        assert (curve.low <= curve.mean).all()
        assert (curve.mean <= curve.high).all()


def test_curves_reach_past_plan_last_year_and_near_optimal_spend(problem, plan):
    near = replace(plan.lines[0], near_optimal=(0.0, 1e6))
    curves = outlook(problem, replace(plan, lines=(near, *plan.lines[1:])), CALENDAR).curves
    assert curves[0].spend[-1] == pytest.approx(BEYOND * 1e6)
    for line, curve in zip(plan.lines[1:], curves[1:], strict=True):
        assert curve.spend[-1] > max(line.spend_fen / 100, line.history_spend)


def test_peaks_of_the_weeks(problem, plan):
    (peak,) = outlook(problem, plan, CALENDAR).peaks
    assert (peak.name, peak.first, peak.last) == ("double11", 1, 2)


def test_a_peak_that_comes_back_is_told_twice(problem, plan):
    first, *_ = CALENDAR.peaks
    twice = replace(
        CALENDAR,
        peaks=(replace(first, end=date(2027, 10, 12)), replace(first, start=date(2027, 10, 4), end=date(2027, 10, 5))),
    )
    found = outlook(problem, plan, twice).peaks
    assert [(peak.first, peak.last) for peak in found] == [(0, 1)]
    apart = replace(
        CALENDAR,
        peaks=(
            replace(first, start=date(2027, 10, 18), end=date(2027, 10, 18)),
            replace(first, start=date(2027, 10, 4), end=date(2027, 10, 5)),
        ),
    )
    assert [(peak.first, peak.last) for peak in outlook(problem, plan, apart).peaks] == [(0, 0), (2, 2)]


def test_knowing_is_worth_nothing_where_nothing_is_unknown(problem):
    curves = problem.response.curves
    names = ("weights", "half_saturation", "slope", "tail", "ceiling", "kappa", "long_term")
    known = replace(curves, **{name: np.repeat(getattr(curves, name)[:1], 50, axis=0) for name in names})
    response = replace(problem.response, curves=known)
    assert worth_knowing(replace(problem, response=response), FEN / 100) == pytest.approx(np.zeros(4), abs=1e-6)


def test_knowing_is_never_worth_less_than_nothing_and_needs_money_to_move(problem):
    values = worth_knowing(problem, FEN / 100)
    assert (values >= -1e-9).all()
    assert values[1] == 0.0


def test_knowing_is_worth_what_enumeration_says():
    """Two markets, equally likely: the line earns 1 or 5, the other always 3; a fifth of 1,000 may move."""
    base = markets.problem(markets.curves(2, draws=2), 3)
    spend = np.array([[1000 / 3] * 3, [1000 / 3] * 3])

    def response(earns):
        class Straight:
            curves = base.response.curves

            def thinned(self, _):
                return self

            def incremental(self, plan):
                return earns * plan.sum(axis=0)

            def mean_and_gradient(self, plan):
                return None, np.repeat(earns.mean(axis=0)[:, None, None], len(plan), axis=2)

        return Straight()

    unsure = replace(base, response=response(np.array([[1.0, 3.0], [5.0, 3.0]])))
    # Knowing moves 200 out at 1 (gains 400) or in at 5 (gains 400); guessing gains nothing.
    assert worth_knowing(unsure, spend) == pytest.approx([400.0, 0.0])
