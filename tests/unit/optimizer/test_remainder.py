"""The rest of a quarter: every limit counts what is spent, rules give way least, money moves least."""

from dataclasses import replace

import numpy as np
import pytest
import quarters
from markets import grouped, share

from optimizer.assemble import findings_of, make_plan
from optimizer.constraints import Bounds, CategoryShare, Concentration, GroupShare, Pilot
from optimizer.elastic import made_possible
from optimizer.nearest import nearest_plan
from optimizer.planner import Infeasible, SolveOptions
from optimizer.remainder import Past, remaining, spent_curves
from optimizer.verify import broken, verify

FACTS = grouped("抖音直播", "小红书") | {"search": {"category": "b"}, "kol": {"category": "b"}}
FACTS = {name: {"category": "a"} | FACTS.get(name, {}) for name in ("抖音直播", "search", "小红书", "kol", "tools 0")}
RULES = [
    {"kind": "category_share", "name": "b half", "category": "b", "share": 0.5},
    share("social cap", "social", max=0.45),
    {"kind": "bounds", "name": "half to double", "relative_to": "history", "min": 0.5, "max": 2.0},
    {"kind": "concentration", "name": "no line above half", "max": 0.5},
    {"kind": "bounds", "name": "tools", "lines": "tools 0", "min": 20_000, "max": 20_000},
]


def whole(**others):
    return quarters.problem(**{"facts": FACTS, "constraints": RULES, "rules": ()} | others)


def planned(made):
    return np.array([line.weekly_fen for line in make_plan(made, SolveOptions()).lines])


def past_of(made, spent, **others):
    return Past(spent, **{"moved": np.zeros(len(made.lines)), "weak_weeks": (0,) * len(made.lines)} | others)


def test_what_was_planned_and_what_is_left_make_the_quarter():
    made = whole()
    plan = planned(made)
    rng = np.random.default_rng(3)
    spent = np.rint(plan[:, :3] * rng.uniform(0.9, 1.1, (5, 3))).astype(np.int64)
    rest = remaining(made, past_of(made, spent))
    assert spent.sum() + rest.total_fen == made.total_fen
    assert rest.weeks == made.weeks[3:]
    again = planned(rest)
    quarter = np.concatenate([spent, again], axis=1)
    weekly = np.zeros(quarter.shape)
    # The verifier of whole plans, which knows nothing of rests: only the reserve's even weeks cannot hold.
    faults = broken(verify(made.settings, made.lines, made.weeks, made.total_fen, quarter.tolist(), weekly))
    assert {fault.kind for fault in faults} <= {"reserve"}


def test_what_was_spent_carries_over():
    made = whole()
    spent = planned(made)[:, :2] * 3
    curves = spent_curves(made, past_of(made, spent))
    assert curves.weeks[-2:] == made.weeks[:2]
    assert curves.spend[-2:] == pytest.approx(spent[:4].T / 100)
    rest = remaining(made, past_of(made, spent))
    assert rest.response.carry_in[-1] == pytest.approx(spent[:4, 1] / 100)
    usual = remaining(made, past_of(made, planned(made)[:, :2]))
    nothing = np.zeros((len(rest.weeks), 4))
    assert (rest.response.mean(nothing)[:, 0] > usual.response.mean(nothing)[:, 0]).all()


def test_a_gap_between_data_and_plan_is_filled_with_the_usual():
    made = whole()
    curves = made.response.curves
    shorter = replace(
        curves,
        **{name: getattr(curves, name)[:-2] for name in ("spend", "visits", "attributed", "modelled")},
        weeks=curves.weeks[:-2],
    )
    cut_off = replace(made, response=shorter.over(made.weeks, made.response.intensity, made.response.after))
    found = spent_curves(cut_off, past_of(made, quarters.even_plan(made)[:, :1]))
    assert len(found.weeks) == len(set(found.weeks)) == len(curves.weeks) + 1
    assert found.spend[-3] == pytest.approx(shorter.spend[-13:].mean(axis=0))


def rules_left(made, spent, **others):
    rest = remaining(made, past_of(made, spent, **others))
    return {rule.name: rule for rule in rest.settings.constraints}, rest


def test_limits_in_numbers():
    made = whole(constraints=[*RULES, {"kind": "pilot", "name": "trial", "line": "kol", "min": 9000, "max": 12_000}])
    spent = np.zeros((5, 1), dtype=np.int64)
    spent[:, 0] = [1_000_000, 0, 0, 500_000, 0]
    found, rest = rules_left(made, spent)
    total, left = made.total, rest.total
    assert isinstance(found["b half"], CategoryShare)
    assert found["b half"].share * left == pytest.approx(0.5 * total - 5000)
    assert isinstance(found["social cap"], GroupShare)
    assert found["social cap"].max * left == pytest.approx(0.45 * total - 10_000)
    assert isinstance(found["trial"], Bounds)
    assert (found["trial"].min, found["trial"].max) == (4000, 7000)
    assert isinstance(found["no line above half"], Concentration)
    first = next(r for r in rest.settings.constraints if r.name == "half to double" and r.lines == "抖音直播")
    assert first.max == pytest.approx(2 * made.lines[0].reference.sum() - 10_000)


def test_an_unused_pilot_stays_a_pilot():
    pilot = {"kind": "pilot", "name": "trial", "line": "kol", "min": 9000, "max": 12_000}
    found, _ = rules_left(whole(constraints=[pilot]), np.zeros((5, 1), dtype=np.int64))
    assert isinstance(found["trial"], Pilot)


def test_money_that_a_top_up_moved_moves_the_category_split():
    made = whole()
    moved = np.array([0.0, 3000.0, 0.0, 0.0, -3000.0])
    found, rest = rules_left(made, np.zeros((5, 1), dtype=np.int64), moved=moved)
    assert found["b half"].share * rest.total == pytest.approx(0.5 * made.total + 3000)
    assert found["tools"].max == pytest.approx(17_000)


def test_extra_money_is_for_the_line_that_earned_it():
    made = whole()
    moved = np.array([0.0, 3000.0, 0.0, 0.0, 0.0])
    found, rest = rules_left(made, np.zeros((5, 1), dtype=np.int64), moved=moved, extra=3000.0)
    assert rest.total == pytest.approx(made.total + 3000)
    assert found["b half"].share * rest.total == pytest.approx(0.5 * made.total + 3000)
    assert found["social cap"].max * rest.total == pytest.approx(0.45 * rest.total)


# --- nearest


def test_a_plan_that_obeys_stays_as_it_is():
    made = whole()
    plan = planned(made)
    found = nearest_plan(made, plan / 100)
    assert np.abs(found - plan).max() <= 1  # which week of an even line gets the odd fen is free
    assert found.sum() == plan.sum()


def test_no_plan_is_nearer():
    made = whole(
        constraints=[RULES[0] | {"share": 0.6}], reserves=0, facts={n: f for n, f in FACTS.items() if n != "tools 0"}
    )
    wanted = np.full((4, 6), made.total / 24)
    found = nearest_plan(made, wanted)
    assert found.sum() == made.total_fen
    # b holds half and must hold 60%: a tenth of the total leaves two lines and enters the two others.
    assert np.abs(found / 100 - wanted).sum() == pytest.approx(0.2 * made.total, abs=0.05)
    assert not broken(findings_of(made, found))


# --- giving way


def test_a_past_that_cannot_be_mended_is_said_and_the_rest_still_holds():
    made = whole()
    spent = planned(made)[:, :3].copy()
    # Three tenths of all money more went to one social line in three weeks: the cap of the quarter is passed.
    spent[0] += round(0.1 * made.total_fen)
    rest = remaining(made, past_of(made, spent))
    with pytest.raises(Infeasible):
        nearest_plan(rest, np.ones((5, 3)))
    mended, gave_way = made_possible(rest)
    assert gave_way
    assert all(one.by > 0 for one in gave_way)
    found = nearest_plan(mended, np.full((5, 3), rest.total / 15))
    assert found.sum() == rest.total_fen
    assert not broken(findings_of(mended, found))


def test_only_what_must_gives_way():
    made = whole(constraints=[*RULES, {"kind": "bounds", "name": "kol most", "lines": "kol", "max": 6000}])
    held = [Bounds(name="held", lines="search", per="week", max=100.0)]
    rest = remaining(made, past_of(made, np.zeros((5, 1), dtype=np.int64)), held=held)
    mended, gave_way = made_possible(rest, held)
    # Category b is search and kol: held to 500 and 6,000, it cannot have its half.
    assert {one.rule for one in gave_way} <= {"b half", "half to double", "kol most", "no line above half", "tools"}
    assert held[0] in mended.settings.constraints
    found = nearest_plan(mended, np.full((5, 5), rest.total / 25))
    assert found[1].max() <= 10_000


def test_limits_that_never_give_way_may_leave_nothing():
    made = whole(constraints=[])
    held = [Bounds(name="held", lines=line.name, max=1.0) for line in made.lines]
    rest = remaining(made, past_of(made, np.zeros((5, 1), dtype=np.int64)), held=held)
    assert made_possible(rest, held) == (rest, ())


# --- every other kind, in numbers


def left(rule, spent, windows=None, **past):
    """The rule in the weeks left, after the first weeks of a quarter of six."""
    made = whole(constraints=[rule])
    made = replace(made, windows=windows or {})
    return remaining(made, past_of(made, np.array(spent), **past)).settings.constraints, made


TWO_WEEKS = [[100_000, 100_000], [0, 0], [0, 0], [50_000, 0], [0, 0]]  # fen


def test_fixed_money_is_what_is_left_of_it():
    rule = {"kind": "fixed", "name": "contract", "lines": ["抖音直播", "kol"], "total": 5000}
    found, _ = left(rule, TWO_WEEKS)
    assert [(one.lines, one.total) for one in found] == [("抖音直播", 3000), ("kol", 4500)]
    rule = {"kind": "fixed", "name": "booked", "lines": "kol", "weekly": {"2027-10-04": 500, "2027-10-25": 700}}
    (one,), made = left(rule, TWO_WEEKS)
    assert one.weekly == {made.weeks[3]: 700}
    gone = {"kind": "fixed", "name": "booked", "lines": "kol", "weekly": {"2027-10-04": 500}}
    assert left(gone, TWO_WEEKS)[0] == ()


def test_a_budget_counts_the_weeks_of_its_time_alone():
    rule = {"kind": "budget", "name": "October", "month": "2027-10", "max": 10_000}
    (one,), made = left(rule, TWO_WEEKS)
    assert (one.start, one.max) == (made.weeks[2], 7500)
    rule = {"kind": "budget", "name": "push", "window": "peak", "of": "share", "min": 0.25, "lines": "抖音直播"}
    (one,), made = left(rule, TWO_WEEKS, windows={"peak": (1, 2)})
    assert one.min == pytest.approx(0.25 * made.total - 1000)
    assert (one.start, one.of) == (made.weeks[2], "currency")
    over = {"kind": "budget", "name": "opening", "start": "2027-10-04", "end": "2027-10-17", "max": 10_000}
    assert left(over, TWO_WEEKS)[0] == ()
    every = {"kind": "budget", "name": "never quiet", "every": "week", "min": 100}
    assert left(every, TWO_WEEKS)[0][0].every == "week"


def test_phases_go_on_where_they_stand():
    phases = [{"name": "build-up", "weeks": 3, "budget": 9000}, {"name": "harvest", "weeks": 3, "budget": 12_000}]
    found, made = left({"kind": "phases", "name": "programme", "phases": phases}, TWO_WEEKS)
    assert [(one.name, one.min, one.start) for one in found] == [
        ("programme: build-up", 6500, made.weeks[2]),
        ("programme: harvest", 12_000, made.weeks[3]),
    ]


def test_what_is_on_counts():
    weeks_on = {"kind": "weeks_on", "name": "on air", "lines": "kol", "weeks": 4, "least": 10, "in_a_row": False}
    assert left(weeks_on, TWO_WEEKS)[0][0].weeks == 3
    most = {"kind": "cardinality", "name": "two at most", "lines": ["抖音直播", "kol", "search"], "max": 2}
    (one,), _ = left(most, TWO_WEEKS)
    assert (one.lines, one.max) == (("search",), 0)
    least = {"kind": "cardinality", "name": "two at least", "lines": ["抖音直播", "kol", "search"], "min": 2}
    assert left(least, TWO_WEEKS)[0] == ()


def test_the_side_that_was_taken_stays_taken():
    rule = {"kind": "either_or", "name": "one of them", "either": "kol", "or": ["search", "小红书"]}
    (one,), made = left(rule, TWO_WEEKS)
    assert (one.kind, one.lines, one.max, one.start) == ("budget", ("search", "小红书"), 0.0, made.weeks[2])
    assert left(rule, np.zeros((5, 1), dtype=np.int64))[0][0].kind == "either_or"


def test_change_against_the_past_counts_the_quarter():
    rule = {"kind": "change", "name": "calm", "lines": "kol", "last_year": 0.5, "week_on_week": 0.3}
    (step, total), made = left(rule, TWO_WEEKS)
    assert (step.kind, step.last_year) == ("change", None)
    assert total.max == pytest.approx(1.5 * made.lines[3].reference.sum() - 500)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "roi", "name": "pays", "min": 0.5},
        {"kind": "cost_ceiling", "name": "visits", "max": 9.0},
        {"kind": "group_share", "name": "visits", "group": "social", "of": "visits", "max": 0.9},
        {"kind": "mix", "name": "mix", "shares": {"kol": 0.5, "search": 0.5}, "tolerance": 0.1},
    ],
)
def test_what_the_past_is_no_constant_of_holds_in_the_weeks_left(rule):
    (one,), made = left(rule, TWO_WEEKS)
    assert one == made.settings.constraints[0]


def test_a_soft_limit_stays_soft():
    rule = {"kind": "bounds", "name": "soft", "lines": "kol", "max": 9000, "soft": {"price": 2.0}}
    (one,), _ = left(rule, TWO_WEEKS)
    assert one.soft.price == 2.0
