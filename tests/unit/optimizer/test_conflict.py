"""Why there is no plan: exactly the rules that clash are named, and the first way out that is offered leads out."""

from dataclasses import replace

import numpy as np
import pytest
from markets import NAMES, grouped, problem, share

from mmm.messages import said
from optimizer import assemble, conflict
from optimizer.assemble import make_plan, rules_can_hold
from optimizer.conflict import _Elastic
from optimizer.plan import PlanStatus
from optimizer.planner import SolveOptions
from optimizer.program import build_decision
from optimizer.solver import Solved

SOCIAL = grouped("抖音直播", "小红书")
VISITS = {name: {"visits_per_cny": each} for name, each in zip(NAMES, (4.0, 1.0, 2.0, 0.5), strict=False)}


def bounds(name, lines="all", **limits):
    return {"kind": "bounds", "name": name, "lines": lines} | limits


def category(name, wanted, **limits):
    return {"kind": "category_share", "name": name, "category": wanted} | limits


def cut(roi=3.0, **more):
    return {"kind": "cut", "name": "weak ROI", "roi_below": roi, "roi": "model"} | more


INNOCENT = [
    bounds("innocent floor", "search", min=1.0),
    {"kind": "concentration", "name": "innocent cap", "max": 0.95},
    {"kind": "change", "name": "innocent change", "lines": "weibo", "week_on_week": 0.5},
]

# what is asked, and the rules that clash
CASES = {
    "a floor and a cap": (
        {
            "total": 90_000.0,
            "facts": SOCIAL,
            "constraints": [bounds("least", "小红书", min=50_000), share("social cap", "social", max=0.2)],
        },
        {"total", "least", "social cap"},
    ),
    "floors above the total": (
        {"total": 9_000.0, "constraints": [bounds("floor", "kol", per="week", min=10_000)]},
        {"total", "floor"},
    ),
    "caps below the total": (
        {"total": 90_000.0, "constraints": [bounds("caps", max=20_000)]},
        {"total", "caps"},
    ),
    "history far below the total": (
        {"total": 900_000.0, "constraints": [bounds("half to double", relative_to="history", min=0.5, max=2.0)]},
        {"total", "half to double"},
    ),
    "shares that add up to 110%": (
        {
            "facts": {"kol": {"category": "a"}, "search": {"category": "b"}},
            "constraints": [category("half", "a", share=0.5), category("most", "b", share=0.6)],
        },
        {"half", "most", "total"},
    ),
    "everybody at most a fifth": (
        {"constraints": [{"kind": "concentration", "name": "top", "max": 0.2}]},
        {"total", "top"},
    ),
    "a pilot above the total": (
        {
            "total": 90_000.0,
            "constraints": [
                {"kind": "pilot", "name": "trial", "line": "kol", "min": 95_000, "max": 99_000},
                bounds("kol at least", "kol", min=2.0),
            ],
        },
        {"total", "trial", "kol at least"},
    ),
    "visits that money cannot buy": (
        {
            "facts": VISITS | {"kol": VISITS["kol"] | {"groups": ("new",)}},
            "constraints": [share("new visits", "new", of="visits", min=0.4), bounds("kol cap", "kol", max=20_000)],
        },
        {"total", "new visits", "kol cap"},
    ),
    "steps too small for the total": (
        {"total": 400_000.0, "constraints": [{"kind": "change", "name": "slowly", "week_on_week": 0.1}]},
        {"total", "slowly"},
    ),
    "a first week that is floored and cut": (
        {
            "facts": {"kol": {"weak_weeks": 2}},
            "constraints": [bounds("kol floor", "kol", per="week", min=8_000)],
            "rules": [cut(0.01)],
        },
        {"kol floor", "weak ROI"},
    ),
    "weak weeks that may not be cut": (
        {
            "weeks": 4,
            "constraints": [
                bounds("kol floor", "kol", per="week", min=8_000),
                bounds("kol cap", "kol", per="week", max=10_000),
            ],
            "rules": [cut(lines="kol")],
        },
        {"kol floor", "kol cap", "weak ROI"},
    ),
}
LEADS_OUT = [case for case in CASES if "weak" not in case and case != "a first week that is floored and cut"]


def asked(case, *extra):
    given = CASES[case][0]
    return problem(**given | {"constraints": [*given["constraints"], *extra]})


def planned(given):
    return make_plan(given, SolveOptions(gap=1e-3, seconds=20))


def can_hold(given):
    """Whether some plan obeys all rules; only weak-ROI logic needs the response for that."""
    if given.settings.rules:
        return planned(given).status is not PlanStatus.INFEASIBLE
    return rules_can_hold(given) is None


@pytest.mark.parametrize("case", CASES)
def test_exactly_the_clashing_rules_are_named(case):
    found = planned(asked(case, *INNOCENT))
    assert found.status is PlanStatus.INFEASIBLE
    assert {one.name for one in found.conflict} == CASES[case][1]
    assert {one.name for one in found.relaxation} <= CASES[case][1]
    assert found.relaxation


@pytest.mark.parametrize("case", CASES)
def test_every_named_rule_is_needed_for_the_clash(case):
    given = asked(case)
    for name in CASES[case][1] - {"total"}:
        rules = {
            key: [one for one in getattr(given.settings, key) if one.name != name] for key in ("constraints", "rules")
        }
        settings = given.settings.model_copy(update=rules)
        assert can_hold(replace(given, settings=settings)), name


def relaxed(given, relaxation):
    """The problem with the numbers of one rule moved as the relaxation says."""
    if relaxation.name == "total":
        return replace(given, total_fen=round(100 * relaxation.to))
    factor = relaxation.to / relaxation.from_ if relaxation.from_ else None
    moved = [
        move(rule, relaxation, factor) if rule.name == relaxation.name else rule for rule in given.settings.constraints
    ]
    return replace(given, settings=given.settings.model_copy(update={"constraints": tuple(moved)}))


def move(rule, relaxation, factor):
    """Rules in currency or shares move to the number told; multiples of history by the same factor."""
    up = relaxation.to > relaxation.from_
    keys = ("max", "share", "week_on_week") if up else ("min", "share")
    key = next(key for key in keys if getattr(rule, key, None) is not None)
    relative = getattr(rule, "relative_to", None) is not None
    # Outward by a little: a factor of history is no number that anybody typed.
    new = getattr(rule, key) * factor * (1 + (1e-6 if up else -1e-6)) if relative else relaxation.to
    return rule.model_copy(update={key: new})


@pytest.mark.parametrize("case", [case for case in LEADS_OUT if case != "steps too small for the total"])
def test_each_way_out_that_is_offered_leads_out(case):
    given = asked(case)
    for offered in planned(given).relaxation:
        assert can_hold(relaxed(given, offered)), offered


@pytest.mark.parametrize("case", LEADS_OUT)
def test_the_total_that_is_offered_is_the_nearest_that_works(case):
    given = asked(case)
    offered = next((one for one in planned(given).relaxation if one.name == "total"), None)
    if offered is None:
        return
    assert can_hold(relaxed(given, offered))
    back = round(100 * offered.to) + (100 if offered.to < offered.from_ else -100)
    assert not can_hold(replace(given, total_fen=back))


def test_the_way_out_of_a_first_week_is_a_lower_floor():
    given = asked("a first week that is floored and cut")
    offered = next(one for one in planned(given).relaxation if one.name == "kol floor")
    assert offered.to == pytest.approx(0.8 * given.lines[3].recent[-1], abs=0.01)
    assert can_hold(relaxed(given, offered))


def test_the_way_out_of_weak_weeks_is_the_room_for_the_cut():
    offered = {one.name: one.to for one in planned(asked("weak weeks that may not be cut")).relaxation}
    assert offered["kol floor"] == pytest.approx(0.8 * 0.8 * 10_000)  # two cuts under the cap
    assert offered["kol cap"] == pytest.approx(8_000 / 0.8 / 0.8)


def test_sentences_speak_in_the_rules_own_names_and_numbers():
    found = planned(asked("a floor and a cap", *INNOCENT))
    told = {one.name: one.sentence for one in found.conflict}
    assert told == {
        "total": '"total" (total) asks for exactly 90,000.00.',
        "least": '"least" (bounds) asks for at least 50,000.00 (小红书).',
        "social cap": '"social cap" (group_share) asks for at most 20%.',
    }
    ways = {one.name: one.sentence for one in found.relaxation}
    assert ways["social cap"] == 'Raise "social cap" from 20% to 55.6%.'  # 50,000 of 90,000, rounded outward
    assert ways["least"] == 'Lower "least: 小红书" from 50,000.00 to 18,000.00.'  # 20% of the total


def test_only_the_lines_that_clash_are_told():
    given = problem(
        total=9_000.0, constraints=[bounds("floors", ["search", "kol"], min=1.0), bounds("big", "kol", min=9e4)]
    )
    told = {one.name: one.sentence for one in planned(given).conflict}
    assert told == {
        "total": '"total" (total) asks for exactly 9,000.00.',
        "big": '"big" (bounds) asks for at least 90,000.00 (kol).',
    }


def test_cheapest_first():
    given = problem(total=90_000.0, constraints=[bounds("caps", max=20_000)])
    names = [(one.name, one.from_, one.to) for one in planned(given).relaxation]
    assert names == [("total", 90_000.0, 80_000.0), ("caps", 20_000.0, 22_500.0)]


def test_clashes_are_found_before_anything_is_fitted():
    assert rules_can_hold(asked("caps below the total")).status is PlanStatus.INFEASIBLE
    assert rules_can_hold(problem(constraints=INNOCENT)) is None


def test_an_infeasible_plan_holds_no_numbers():
    found = planned(asked("caps below the total"))
    assert (found.lines, found.gmv, found.proof, found.constraints) == ((), None, None, ())
    assert np.isfinite([one.to for one in found.relaxation]).all()


def test_leaving_many_rows_out_at_once_finds_what_one_after_another_finds():
    """Sixteen caps and floors, of which three clash; the first set in their order that cannot be spared."""
    caps = [bounds(f"cap {n}", "小红书", max=50_000 - 1_000 * n) for n in range(8)]
    floors = [bounds(f"floor {n}", "小红书", min=30_000 + 2_000 * n) for n in range(8)]
    given = problem(total=90_000.0, constraints=[*caps, *floors])
    decision = build_decision(given)
    program = _Elastic(decision)
    every = [[number] for number in range(len(decision.rows))]
    at_once = program.needed(every)
    program.restore()
    alone = []
    for rows in every:
        program.master.set_row(rows[0], None, None)
        if program.solve().outcome != "infeasible":
            program.master.set_row(rows[0], float(program.lower[rows[0]]), float(program.upper[rows[0]]))
            alone.append(rows)
    assert at_once == alone
    assert 1 < len(alone) < 5


def test_a_clash_that_could_not_be_narrowed_down_in_time_says_so(monkeypatch):
    """Where no solve ends, every rule is named, and that some may not be needed is told in both languages."""
    rules = [
        {"kind": "bounds", "name": "much", "lines": "search", "min": 1e9},
        {"kind": "bounds", "name": "idle", "lines": "kol", "max": 1e9},
    ]
    given = problem(constraints=rules)
    full = rules_can_hold(given)
    assert {one.name for one in full.conflict} == {"much", "total"}
    assert full.notes == ()
    monkeypatch.setattr(_Elastic, "solve", lambda _: Solved("time_limit", np.empty(0), np.inf))
    reasons = conflict.explain(build_decision(given))
    assert not reasons.irreducible
    assert {"much", "idle", "total"} <= {one.name for one in reasons.conflict}
    (note,) = assemble._impossible(given, reasons).notes
    assert "perhaps not all of them" in note
    assert "未必" in said(note, "zh")


def test_no_share_of_nothing_is_a_way_out():
    """A mix within a category that has no lines: no tolerance lets a line that must be used in."""
    mix = {"kind": "mix", "name": "mix", "shares": {NAMES[0]: 0.0}, "category": "none such", "tolerance": 0.0}
    plan = make_plan(problem(constraints=[mix, bounds("used", NAMES[0], min=123.45)]), SolveOptions(seconds=20))
    assert plan.status is PlanStatus.INFEASIBLE
    assert {one.name for one in plan.conflict} == {"mix", "used"}
    assert [way.name for way in plan.relaxation] == ["used"]
