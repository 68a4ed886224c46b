"""Goal-seek: enough money reaches the target, less is proven not to; money is spent while it earns what is asked."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from markets import curves, problem

from optimizer.assemble import make_plan, settled
from optimizer.goal import least_money, most_money, total_range
from optimizer.planner import SolveOptions

OPTIONS = SolveOptions(gap=1e-5, seconds=30)


@pytest.mark.parametrize("multiple", [0.7, 1.3])
@pytest.mark.parametrize("slopes", [(0.5, 1.0), (1.2, 2.5)])
def test_the_least_money_for_the_gmv_of_a_plan_is_the_plan_s_money(multiple, slopes):
    base = problem(curves(slopes=slopes))
    changed = replace(settled(base), total_fen=round(base.total_fen * multiple))
    known = make_plan(changed, OPTIONS, ranges=False, settle=False)
    found = least_money(base, known.gmv.mean, OPTIONS)
    assert found.reached
    assert found.plan.gmv.mean >= known.gmv.mean
    assert found.proven_fen <= known.total_fen * (1 + 1e-6)
    # A plan that is proven to a gap leaves the money open by about as much.
    loose = 1e-4 if slopes[1] <= 1 else 0.02
    assert found.total_fen == pytest.approx(known.total_fen, rel=loose)
    assert found.total_fen - found.proven_fen <= 10 * loose * found.total_fen
    assert sum(line.spend_fen for line in found.plan.lines) == found.total_fen


def test_a_target_beyond_what_the_rules_allow_is_said_to_be_out_of_reach():
    most = {"kind": "bounds", "name": "most", "relative_to": "history", "max": 1.5}
    base = problem(constraints=[most])
    found = least_money(base, 1e12, OPTIONS)
    assert not found.reached
    assert found.total_fen == total_range(base, 1e9)[1]
    assert found.most_gmv < 1e12


def test_a_target_that_the_least_plan_reaches_needs_no_more():
    least = {"kind": "bounds", "name": "least", "relative_to": "history", "min": 0.5}
    base = problem(constraints=[least])
    found = least_money(base, 1.0, OPTIONS)
    assert found.reached
    assert found.total_fen == found.proven_fen == total_range(base, 1e9)[0]


def test_totals_that_the_rules_allow():
    both = {"kind": "bounds", "name": "half to double", "relative_to": "history", "min": 0.5, "max": 2.0}
    base = problem(constraints=[both])
    usual = sum(line.reference.sum() for line in base.lines)
    low, high = total_range(base, 1e9)
    assert low == pytest.approx(50 * usual, abs=2)
    assert high == pytest.approx(200 * usual, abs=2)


@pytest.mark.parametrize("roi", [0.8, 1.4])
def test_money_is_spent_up_to_where_the_next_unit_earns_what_is_asked(roi):
    base = problem()
    found = most_money(base, roi, SolveOptions(gap=1e-6, seconds=30))
    assert found.reached
    assert [line.mroi for line in found.plan.lines] == pytest.approx([roi] * 4, rel=0.02)


def test_the_higher_the_return_asked_for_the_less_is_spent():
    spent = [most_money(problem(), roi, OPTIONS).total_fen for roi in (0.7, 1.0, 1.5)]
    assert all(more > less for more, less in itertools.pairwise(spent))
    assert np.all(np.array(spent) > 0)
