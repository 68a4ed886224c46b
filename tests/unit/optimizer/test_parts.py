"""Line by line: what a line's own program proves never forbids a plan, and the plan is nearly the best of all."""

import itertools
import time

import numpy as np
import pytest
from markets import curves, problem

from optimizer.cuts import CutPool
from optimizer.planner import LOGIC_GAP, Infeasible, SolveOptions, approximate, optimise
from optimizer.prices import row_prices
from optimizer.program import build_search
from optimizer.repair import broken_lines

FLOORS = {"kind": "bounds", "name": "kept alive", "relative_to": "history", "min": 0.6, "max": 2.0}
PILOT = {"kind": "pilot", "name": "trial", "line": "kol", "min": 9_000, "max": 20_000}
HUGE = 1e12


def weak_rule(roi, **more):
    return {"kind": "cut", "name": "weak ROI", "roi_below": roi, "roi": "model"} | more


def cases():
    """Markets of two and three lines over four weeks in which the rule bites, one with a trial."""
    yield problem(curves(2, seed=3), 4, constraints=[FLOORS], rules=[weak_rule(1.7)])
    yield problem(curves(2, seed=11), 4, constraints=[FLOORS], rules=[weak_rule(2.6)])
    yield problem(curves(3, draws=20), 3, constraints=[FLOORS], rules=[weak_rule(1.8)])
    yield problem(curves(2, seed=5), 4, constraints=[FLOORS], rules=[weak_rule(3.2, cut=0.4)])


def best_of_all_patterns(given):
    """The best objective over every pattern of weak weeks, each pattern a linear program cut until it is exact.

    The last week's switches are left on: nothing follows that they could cut.
    """
    names, weeks = range(given.responding), len(given.weeks)
    search = build_search(given, CutPool(), {name: np.full(weeks, given.total) for name in names})
    search.master.set_integer(search.switches, integer=False)
    best = -np.inf
    for pattern in itertools.product((0.0, 1.0), repeat=given.responding * (weeks - 1)):
        free = np.array(pattern).reshape(given.responding, weeks - 1)
        held = np.concatenate([free, np.ones((given.responding, 1))], axis=1).ravel()
        search.limit_switches(held, held)
        for _ in range(30):
            solved = search.master.solve(seconds=10.0, gap=0.0)
            if not solved.columns.size or solved.bound * search.kpi_unit - search.carried <= best:
                break
            spend = search.spend_of(solved.columns)
            reached = search.cut_at(spend)
            if not broken_lines(given, spend):
                best = max(best, reached)
    return best


@pytest.mark.parametrize("given", list(cases()), ids=["two lines", "other two", "three lines", "deep cut"])
def test_bound_and_plan_hold_against_every_pattern_of_weak_weeks(given):
    found = optimise(given, SolveOptions())
    assert found.search.has_logic
    exact = best_of_all_patterns(given)
    assert found.bound >= exact * (1 - 1e-6)
    assert found.objective >= exact * (1 - LOGIC_GAP)
    assert found.objective <= found.bound
    assert not broken_lines(given, found.spend)


def test_many_lines_are_proven_without_an_integer_program():
    """Relaxed, the rule's switches leave more than a percent open; line by line next to nothing."""
    given = problem(curves(6, draws=30, seed=2), 8, constraints=[FLOORS, PILOT], rules=[weak_rule(1.9)])
    search = build_search(given, CutPool(), {name: np.full(8, given.total / 4) for name in range(6)})
    found = approximate(search, SolveOptions(), time.monotonic() + 30, lambda _round, _gap: None, prove=False)
    assert search.parts
    assert found.gap <= LOGIC_GAP
    assert not broken_lines(given, found.spend)


def test_prices_rest_on_the_rules_alone():
    given = problem(curves(3, draws=20), 3, constraints=[FLOORS], rules=[weak_rule(1.8)])
    found = optimise(given, SolveOptions())
    lower, upper = found.search.master.bounds()
    assert row_prices(found)
    assert found.search.parts == []
    assert found.search.part_rows == []
    freed = found.search.master.bounds()
    changed = (freed[0] != lower) | (freed[1] != upper)
    assert not changed[: len(found.search.decision.rows)].any()


def test_a_line_that_cannot_obey_the_rule_is_infeasible():
    """Every week is weak whatever is spent, and no week may fall: the line on its own has no plan."""
    held = {"kind": "bounds", "name": "as ever", "relative_to": "history", "per": "week", "min": 0.95, "max": 1.05}
    with pytest.raises(Infeasible):
        optimise(problem(curves(3, draws=20), 4, constraints=[held], rules=[weak_rule(HUGE)]), SolveOptions())
