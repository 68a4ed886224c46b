"""Any quarter under review: the past stays, the total holds, cuts bind, and the order of figures does not matter."""

import numpy as np
import pytest
import quarters
from generated import fast, slow
from hypothesis import given
from hypothesis import strategies as st

from optimizer.planner import SolveOptions
from optimizer.replan import Request
from optimizer.review import review

WEEKS = 5
BOUNDS = {"kind": "bounds", "name": "quarter to triple", "relative_to": "history", "min": 0.25, "max": 3.0}
STEPS = {"kind": "change", "name": "at most double", "week_on_week": 1.0}
MADE = quarters.problem(weeks=WEEKS, constraints=[BOUNDS, STEPS])
PLAN = quarters.even_plan(MADE)
NAMES = [line.name for line in MADE.lines[: MADE.responding]]
ROI = st.one_of(st.none(), st.floats(-1.0, 9.0, allow_nan=False), st.just(4.0))


@st.composite
def weeks_so_far(draw):
    count = draw(st.integers(1, WEEKS - 1))
    roi = {name: draw(st.lists(ROI, min_size=count, max_size=count)) for name in NAMES}
    factors = draw(st.lists(st.floats(0.0, 1.6), min_size=5 * count, max_size=5 * count))
    spent = np.rint(PLAN[:, :count] * np.reshape(factors, (5, count))).astype(np.int64)
    known = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    spent[:, ~np.array(known)] = PLAN[:, :count][:, ~np.array(known)]
    return quarters.figures(MADE, roi, plan=PLAN, spent=spent, known=known)


def test_reviews():
    fast("every_review_adds_up_and_obeys_its_cuts")(given(weeks_so_far())(every_review_adds_up_and_obeys_its_cuts))()


@pytest.mark.slow
def test_many_reviews():
    slow("every_review_adds_up_and_obeys_its_cuts")(given(weeks_so_far())(every_review_adds_up_and_obeys_its_cuts))()


def every_review_adds_up_and_obeys_its_cuts(seen):
    found = review(MADE, seen, Request(seen.decided - 1, options=SolveOptions(gap=1e-3, seconds=20)))
    count = seen.decided
    assert (found.weekly_fen[:, :count] == seen.spent).all()
    assert (found.weekly_fen >= 0).all()
    if seen.spent.sum() <= MADE.total_fen:
        assert found.weekly_fen.sum() == found.total_fen == MADE.total_fen
    for index, line in enumerate(found.board[: MADE.responding]):
        if line.held is not None:
            assert found.weekly_fen[index, count:].max() <= 100 * line.held.most + 1
    cut = {action.line for action in found.fired if action.kind == "cut"}
    assert cut == {line.line.name for line in found.board if line.weeks_weak >= 2}
    moved = sum(change.after - change.before for change in found.changes)
    left = MADE.total_fen - seen.spent.sum()
    carried = np.maximum(PLAN.sum(axis=1) - seen.spent.sum(axis=1), 0).sum()
    assert moved == pytest.approx((left - carried) / 100, abs=0.05)
