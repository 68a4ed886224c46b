"""Shares of expected GMV that nobody reaches end as a named clash with a way out, not as a search without an end."""

import pytest
from markets import curves, grouped, problem, share

from optimizer.assemble import make_plan
from optimizer.plan import PlanStatus
from optimizer.planner import SolveOptions
from optimizer.unreachable import unreachable_shares

SOCIAL = grouped("抖音直播", "小红书")
LEAST = {
    "kind": "bounds",
    "name": "least",
    "lines": ["抖音直播", "小红书"],
    "relative_to": "history",
    "min": 0.8,
    "max": 1.5,
}
OTHERS = {
    "kind": "bounds",
    "name": "others",
    "lines": ["search", "kol"],
    "relative_to": "history",
    "min": 0.5,
    "max": 1.2,
}
INNOCENT = {"kind": "concentration", "name": "innocent", "max": 0.95}
CAP = share("gmv cap", "social", of="gmv", max=0.10)
ALONE = [
    {"kind": "bounds", "name": "floor", "lines": ["抖音直播", "小红书"], "min": 40_000, "max": 60_000},
    {"kind": "bounds", "name": "little", "lines": ["search", "kol"], "max": 15_000},
]


def asked(constraints, more=None, **shape):
    return problem(curves(**shape), 4, facts=SOCIAL, constraints=constraints, **(more or {}))


def raised(constraints, way):
    """The same rules with the one that gives way at the limit that was told."""
    return [rule | {"max": way.to} if rule["name"] == way.name else rule for rule in constraints]


@pytest.mark.parametrize("slopes", [(0.5, 1.0), (1.2, 2.5)], ids=["concave", "S-shaped"])
def test_a_cap_that_no_plan_reaches_is_a_clash_and_its_way_out_leads_out(slopes):
    rules = [LEAST, OTHERS, INNOCENT, CAP]
    plan = make_plan(asked(rules, slopes=slopes), SolveOptions(gap=1e-3, seconds=20))
    assert plan.status is PlanStatus.INFEASIBLE
    named = {conflict.name for conflict in plan.conflict}
    assert "gmv cap" in named
    assert "innocent" not in named
    (way,) = plan.relaxation
    assert way.from_ == 0.10
    assert 0.10 < way.to < 1.0
    mended = make_plan(asked(raised(rules, way), slopes=slopes), SolveOptions(gap=1e-2, seconds=20, branch=False))
    assert mended.lines
    assert all(limit.violation == 0 for limit in mended.constraints)


def test_the_total_is_named_only_where_it_is_needed():
    clash = unreachable_shares(asked([*ALONE, INNOCENT, CAP], {"total": 600_000.0, "total_rule": "at_most"})).conflict
    assert {one.name for one in clash} == {"floor", "gmv cap"}


def test_a_share_that_is_reached_is_no_clash():
    assert unreachable_shares(asked([LEAST, OTHERS, share("gmv cap", "social", of="gmv", max=0.7)])) is None
    assert unreachable_shares(asked([LEAST, OTHERS])) is None
