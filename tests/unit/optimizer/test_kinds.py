"""Every kind of constraint and rule: a clash names exactly it and what it clashes with, and each way out leads out."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from markets import curves, problem

from optimizer.assemble import make_plan, settled
from optimizer.constraints import Constraint
from optimizer.plan import PlanStatus
from optimizer.planner import Infeasible, SolveOptions, optimise
from optimizer.rules import LogicRule

WEEKS = 6
CURVES = curves(draws=8)
TOTAL = 150_000.0
PEAK = {"peak": (1, 2)}
FACTS = {
    "抖音直播": {"groups": ("social",), "category": "promo", "visits_per_cny": 2.0, "acquisitions_per_cny": 0.04},
    "search": {"category": "content", "visits_per_cny": 3.0},
    "小红书": {"groups": ("social",), "category": "promo", "visits_per_cny": 1.0, "acquisitions_per_cny": 0.05},
    "kol": {"category": "content", "visits_per_cny": 0.5, "weak_weeks": 2},
}
UNSEEN = {"kol": FACTS["kol"] | {"recent": np.zeros(4)}}
WEAK = {"kind": "cut", "name": "weak", "roi_below": 0.001, "roi": "model"}


def bounds(name, lines="kol", **limits):
    return {"kind": "bounds", "name": name, "lines": lines} | limits


def fixed(name, lines="kol", **weekly):
    return {"kind": "fixed", "name": name, "lines": lines, "weekly": weekly["weekly"]}


def phases(*parts, **more):
    named = [{"name": name, "weeks": weeks} | money for name, weeks, money in parts]
    return {"kind": "phases", "name": "R", "phases": named} | more


# kind, what is asked beside it, and the names that clash; "R" is the rule of the kind
CASES = {
    "bounds": ([bounds("R", min=90_000), bounds("other", "all", max=60_000)], {"R", "other"}),
    "fixed": (
        [{"kind": "fixed", "name": "R", "lines": "kol", "total": 50_000}, bounds("cap", max=40_000)],
        {"R", "cap"},
    ),
    "fixed week": (
        [fixed("R", weekly={"2027-10-11": 9_000}), bounds("cap", per="week", max=4_000)],
        {"R", "cap"},
    ),
    "budget of a month": (
        [{"kind": "budget", "name": "R", "month": "2027-10", "max": 20_000}, bounds("floor", per="week", min=6_000)],
        {"R", "floor"},
    ),
    "budget of a window": (
        [
            {"kind": "budget", "name": "R", "window": "peak", "of": "share", "min": 0.5},
            bounds("cap", "all", per="week", max=8_000),
        ],
        {"R", "cap", "total"},
    ),
    "budget every week": ([{"kind": "budget", "name": "R", "every": "week", "min": 30_000}], {"R", "total"}),
    "phases in shares": (
        [
            phases(("a", 2, {"share": 0.5}), ("b", 4, {"share": 0.5})),
            bounds("cap", "all", per="week", max=8_000),
        ],
        {"R", "cap", "total"},
    ),
    "phases in money": ([phases(("a", 2, {"budget": 80_000}), ("b", 4, {"budget": 80_000}))], {"R", "total"}),
    "category_share": (
        [
            {"kind": "category_share", "name": "R", "category": "promo", "share": 0.6},
            bounds("cap", ["抖音直播", "小红书"], max=30_000),
        ],
        {"R", "cap", "total"},
    ),
    "group_share": (
        [
            {"kind": "group_share", "name": "R", "group": "social", "max": 0.2},
            bounds("floor", "小红书", min=50_000),
        ],
        {"R", "floor", "total"},
    ),
    "concentration": ([{"kind": "concentration", "name": "R", "max": 0.2}], {"R", "total"}),
    "mix": (
        [
            {"kind": "mix", "name": "R", "category": "content", "shares": {"kol": 0.7}},
            bounds("cap", max=10_000),
            bounds("floor", "search", min=20_000),
        ],
        {"R", "cap", "floor"},
    ),
    "change on last quarter": (
        [{"kind": "change", "name": "R", "lines": ["kol"], "last_quarter": 0.1}, bounds("cap", max=10_000)],
        {"R", "cap"},
    ),
    "weeks_on in a row": (
        [
            {"kind": "weeks_on", "name": "R", "lines": "kol", "weeks": 4, "least": 5_000},
            bounds("floor", min=5_000),
            fixed("off", weekly={"2027-10-04": 0, "2027-10-25": 0, "2027-11-08": 0}),
        ],
        {"R", "floor", "off"},
    ),
    "weeks_on in all": (
        [
            {"kind": "weeks_on", "name": "R", "lines": "kol", "weeks": 5, "least": 5_000, "in_a_row": False},
            bounds("cap", max=20_000),
        ],
        {"R", "cap"},
    ),
    "pilot": (
        [{"kind": "pilot", "name": "R", "line": "kol", "min": 50_000, "max": 60_000}, bounds("low", min=1, max=20_000)],
        {"R", "low"},
    ),
    "cardinality at most": (
        [{"kind": "cardinality", "name": "R", "lines": "all", "max": 2}, bounds("cap", "all", max=60_000)],
        {"R", "cap", "total"},
    ),
    "cardinality at least": (
        [{"kind": "cardinality", "name": "R", "lines": "all", "min": 4, "active_from": 40_000}],
        {"R", "total"},
    ),
    "either_or": (
        [
            {"kind": "either_or", "name": "R", "either": "kol", "or": ["search"]},
            bounds("one", min=1_000),
            bounds("two", "search", min=2_000),
        ],
        {"R", "one", "two"},
    ),
    "roi of the plan": ([{"kind": "roi", "name": "R", "min": 4.0}], {"R", "total"}),
    "roi of a line": (
        [{"kind": "roi", "name": "R", "min": 6.0, "lines": "kol"}, bounds("floor", min=60_000)],
        {"R", "floor"},
    ),
    "cost_ceiling": (
        [{"kind": "cost_ceiling", "name": "R", "max": 0.4}, bounds("floor", min=60_000)],
        {"R", "floor", "total"},
    ),
    "cut": ([fixed("up", weekly={"2027-10-04": 7_000}), WEAK | {"name": "R"}], {"R", "up"}),
    "recovery": (
        [
            fixed("up", weekly={"2027-10-18": 20_000}),
            WEAK,
            {"kind": "recovery", "name": "R", "after": "weak", "weeks": 4},
        ],
        {"R", "up"},
    ),
    "top_up": (
        [
            bounds("cap", "tools 0", max=3_000),
            {
                "kind": "top_up", "name": "R", "roi_at_least": 5, "window": "peak", "add": 5_000,
                "from": "reserve", "reserve": "tools 0",
            },
        ],
        {"R", "cap"},
    ),
    "release": (
        [
            fixed("kept", "tools 0", weekly={"2027-10-04": 100}),
            {"kind": "release", "name": "R", "line": "tools 0", "window": "peak"},
        ],
        {"R", "kept"},
    ),
    "move_cap": ([bounds("floor", min=90_000), {"kind": "move_cap", "name": "R", "max": 0.1}], {"R", "floor"}),
}  # fmt: skip
LOGIC = {"cut", "recovery", "top_up", "release", "move_cap"}
NO_WAY_OUT = {"release"}  # it has no number that could give way; what it clashes with has


def asked(case, *, soft=None):
    rules, _ = CASES[case]
    constraints = [rule for rule in rules if rule["kind"] not in LOGIC]
    if soft:
        constraints = [rule | ({"soft": {"price": soft}} if rule["name"] == "R" else {}) for rule in constraints]
    settings = {"constraints": constraints, "rules": [rule for rule in rules if rule["kind"] in LOGIC]}
    more = {"reserves": 1} if case in {"top_up", "release"} else {}
    if case == "move_cap":
        more["previous"] = np.full((4, WEEKS), TOTAL / 4 / WEEKS)
    facts = FACTS | UNSEEN if case == "weeks_on in a row" else FACTS
    return problem(CURVES, WEEKS, total=TOTAL, facts=facts, windows=PEAK, **settings, **more)


def planned(given):
    return make_plan(given, SolveOptions(gap=1e-2, seconds=20))


def can_hold(given):
    """Whether there is a plan; nothing is told of it."""
    try:
        optimise(settled(given), SolveOptions(gap=0.1, seconds=20))
    except Infeasible:
        return False
    return True


@pytest.mark.parametrize("case", CASES)
def test_a_clash_names_exactly_the_rules_that_make_it(case):
    found = planned(asked(case))
    assert found.status is PlanStatus.INFEASIBLE
    assert {one.name for one in found.conflict} == CASES[case][1]
    offered = {one.name for one in found.relaxation}
    assert offered <= CASES[case][1]
    assert offered
    if case not in NO_WAY_OUT:
        assert "R" in offered


@pytest.mark.parametrize("case", CASES)
def test_every_way_out_leads_out(case):
    given = asked(case)
    for offered in planned(given).relaxation:
        eased = relaxed(given, offered)
        assert can_hold(eased), offered


@pytest.mark.parametrize("case", CASES)
def test_a_clash_needs_every_rule_that_it_names(case):
    given = asked(case)
    for name in CASES[case][1] - {"total"}:
        kept = {
            place: tuple(rule for rule in getattr(given.settings, place) if rule.name != name)
            for place in ("constraints", "rules")
        }
        settings = given.settings.model_copy(update=kept)
        assert can_hold(replace(given, settings=settings)), name


def test_every_kind_has_a_clash():
    kinds = {
        get_args(kind.model_fields["kind"].annotation)[0]
        for union in (Constraint, LogicRule)
        for kind in get_args(get_args(union)[0])
    }
    assert {next(rule["kind"] for rule in rules if rule["name"] == "R") for rules, _ in CASES.values()} == kinds


@pytest.mark.parametrize("case", [case for case in CASES if case not in LOGIC])
def test_a_soft_rule_does_not_clash_and_its_violation_is_told(case):
    given = asked(case, soft=3.0)
    found = planned(given)
    assert found.status is not PlanStatus.INFEASIBLE
    assert sum(one.violation for one in found.constraints if one.name == "R" and one.soft) > 0


def relaxed(given, offered):
    """The problem with one rule's number moved as the relaxation says."""
    if offered.name == "total":
        return replace(given, total_fen=round(100 * offered.to))
    settings = given.settings
    moved = {
        place: tuple(ease(rule, offered) if rule.name == offered.name else rule for rule in getattr(settings, place))
        for place in ("constraints", "rules")
    }
    return replace(given, settings=settings.model_copy(update=moved))


def ease(rule, offered):  # noqa: C901 - a branch per kind
    up = offered.to > offered.from_
    match rule.kind:
        case "fixed" if rule.total is not None:
            change = {"total": offered.to}
        case "fixed":
            change = {"weekly": dict.fromkeys(rule.weekly, offered.to)}
        case "phases" | "mix":
            change = {"tolerance": offered.to}
        case "change":
            # the bound moved; a step that wide reaches it
            base = 1 - rule.last_quarter if not up else 1 + rule.last_quarter
            change = {"last_quarter": abs(base * offered.to / offered.from_ - 1) + 1e-9}
        case "weeks_on" | "recovery":
            change = {"weeks": int(offered.to)}
        case "cut":
            change = {"cut": offered.to}
        case "either_or":
            change = {"allow": offered.to}
        case "top_up":
            change = {"add": offered.to}
        case "cardinality":
            change = {"max" if up else "min": int(offered.to)}
        case "category_share":
            change = {"share": offered.to}
        case _:
            change = {"max" if up else "min": offered.to}
    return rule.model_copy(update=change)
