"""The price of every kind of rule is what moving its number earns, by solving again on both sides."""

from dataclasses import replace

import numpy as np
import pytest
from markets import curves, problem

from optimizer import jumps
from optimizer.assemble import make_plan
from optimizer.constraints import Cardinality, WeeksOn
from optimizer.jumps import one_looser
from optimizer.planner import SolveOptions, optimise
from optimizer.prices import row_prices

CURVES = curves(draws=10)
TIGHT = SolveOptions(gap=1e-7, seconds=20)
FINE = SolveOptions(gap=1e-6, seconds=120)  # two integer programs, however busy the machine is
FACTS = {
    "抖音直播": {"groups": ("social",), "category": "promo", "visits_per_cny": 2.0},
    "search": {"category": "content", "visits_per_cny": 3.0},
    "小红书": {"groups": ("social",), "category": "promo", "visits_per_cny": 1.0},
    "kol": {"category": "content", "visits_per_cny": 0.5},
}


def constraint(kind, **fields):
    return lambda value, key: {"constraints": [{"kind": kind, "name": "R"} | fields | {key: value}]}


def one_phase(value, key):
    rule = {"kind": "phases", "name": "R", "phases": [{"name": "opening", "weeks": 1, key: value}]}
    return {"constraints": [rule]}


def held_reserve(value, key):
    top_up = {"kind": "top_up", "name": "R", "roi_at_least": 9, "window": "peak", "from": "reserve"}
    return {"rules": [top_up | {"reserve": "tools 0", key: value}], "reserves": 1}


def moved(value, key):
    before = np.repeat(np.array([8_000.0, 12_000.0, 9_000.0, 11_000.0])[:, None], 4, axis=1)
    return {"rules": [{"kind": "move_cap", "name": "R", key: value}], "previous": before, "total": 160_000.0}


# what is asked, which number, where it stands, how far it is moved, and the side that binds
CASES = {
    "bounds": (constraint("bounds", lines="kol"), "max", 10_000.0, 50.0, "<="),
    "bounds of one week": (constraint("bounds", lines="kol", per="horizon"), "min", 60_000.0, 100.0, ">="),
    "fixed": (constraint("fixed", lines="kol"), "total", 20_000.0, 50.0, "=="),
    "budget in money": (constraint("budget", month="2027-10", group="social"), "max", 30_000.0, 100.0, "<="),
    "budget in a share": (constraint("budget", window="peak", of="share"), "min", 0.6, 0.002, ">="),
    "phases": (one_phase, "share", 0.35, 0.002, "=="),
    "category_share": (constraint("category_share", category="promo"), "share", 0.35, 0.002, "=="),
    "group_share of spend": (constraint("group_share", group="social"), "max", 0.35, 0.002, "<="),
    "group_share of visits": (constraint("group_share", group="social", of="visits"), "min", 0.7, 0.002, ">="),
    "group_share of GMV, most": (constraint("group_share", group="social", of="gmv"), "max", 0.4, 0.002, "<="),
    "group_share of GMV, least": (constraint("group_share", group="social", of="gmv"), "min", 0.8, 0.002, ">="),
    "concentration": (constraint("concentration", lines="抖音直播"), "max", 0.2, 0.002, "<="),
    "roi": (constraint("roi", lines="kol"), "min", 2.6, 0.004, ">="),
    "cost_ceiling": (constraint("cost_ceiling"), "max", 0.5, 0.002, "<="),
    "pilot": (constraint("pilot", line="kol", max=90_000), "min", 50_000.0, 100.0, ">="),
    "either_or": (constraint("either_or", either="kol", **{"or": "search"}), "allow", 4_000.0, 50.0, "<="),
    "top_up": (held_reserve, "add", 5_000.0, 50.0, ">="),
    "move_cap": (moved, "max", 0.05, 0.001, "<="),
}


def solved(case, value):
    make, key, *_ = CASES[case]
    more = make(value, key)
    return optimise(problem(CURVES, 4, facts=FACTS, windows={"peak": (1, 2)}, **more), TIGHT)


@pytest.mark.parametrize("case", CASES)
def test_a_price_is_what_moving_the_number_earns(case):
    _, _, value, step, sense = CASES[case]
    prices = row_prices(solved(case, value))
    (price,) = [price for (name, _, side, _), price in prices.items() if (name, side) == ("R", sense)]
    low, high = (solved(case, value + sign * step).objective for sign in (-1, 1))
    assert price == pytest.approx((high - low) / (2 * step), rel=0.03)
    assert abs(price) * step > 1e-5 * high  # the rule binds, so the test says something


def test_a_mix_s_price_is_told_by_line():
    def made(share):
        mix = {"kind": "mix", "name": "R", "shares": {"kol": share, "search": 0.2}}
        return optimise(problem(CURVES, 4, facts=FACTS, constraints=[mix]), TIGHT)

    by_part = {part: price for (name, _, _, part), price in row_prices(made(0.7)).items() if name == "R"}
    assert by_part.keys() == {"kol", "search"}


def test_weeks_have_prices_of_their_own():
    given = problem(
        CURVES, 4, constraints=[{"kind": "bounds", "name": "R", "lines": "kol", "per": "week", "max": 4_000}]
    )
    prices = {part: price for (name, _, _, part), price in row_prices(optimise(given, TIGHT)).items() if name == "R"}
    assert len(prices) == 4
    assert len({round(price, 6) for price in prices.values()}) > 1


def test_a_soft_rule_that_is_violated_costs_its_price():
    soft = {"kind": "bounds", "name": "R", "lines": "kol", "max": 5_000, "soft": {"price": 0.25}}
    found = optimise(problem(CURVES, 4, constraints=[soft]), TIGHT)
    beyond = found.spend[3].sum() - 5_000
    assert beyond > 0
    (price,) = [price for (name, _, side, _), price in row_prices(found).items() if (name, side) == ("R", "<=")]
    assert price == pytest.approx(0.25)
    mean, _ = found.search.respond(found.spend, hull=False)
    assert found.search.penalty(found.spend, mean) == pytest.approx(0.25 * beyond, rel=1e-6)
    assert found.objective == pytest.approx(mean.sum() - found.search.carried - 0.25 * beyond)


@pytest.mark.parametrize("case", ["budget in money", "group_share of spend", "roi", "cost_ceiling", "phases"])
def test_a_very_dear_soft_rule_is_as_good_as_hard(case):
    make, key, value, *_ = CASES[case]
    more = make(value, key)
    (rule,) = more["constraints"]
    hard, soft = (
        optimise(problem(CURVES, 4, facts=FACTS, windows={"peak": (1, 2)}, constraints=[one]), TIGHT)
        for one in (rule, rule | {"soft": {"price": 1e7}})
    )
    assert soft.objective == pytest.approx(hard.objective, rel=1e-4)


# --- rules whose rows are told in currency of a line, and rules that switch


def sold(more, **facts):
    """A plan of four weeks under more settings, and its prices; ``facts`` are added to those of kol."""
    given = problem(CURVES, 4, facts=FACTS | {"kol": FACTS["kol"] | facts}, windows={"peak": (1, 2)}, **more)
    found = optimise(given, TIGHT)
    return found, {key: price for key, price in row_prices(found).items() if key[0] == "R"}


def slope(make, at, step):
    """Change of the objective per unit, by solving twice."""
    low, high = (make(at + sign * step).objective for sign in (-1, 1))
    return (high - low) / (2 * step)


def test_the_price_of_a_change_limit_is_per_unit_of_the_line_s_money():
    def made(step):
        rule = {"kind": "change", "name": "R", "lines": "kol", "last_year": step}
        return sold({"constraints": [rule]})

    found, prices = made(0.01)
    last_year = float(found.search.problem.lines[3].reference.sum())
    ((side, price),) = [(side, price) for (_, _, side, _), price in prices.items()]
    outward = 1 if side == "<=" else -1  # a wider step raises the ceiling and lowers the floor
    earned = outward * price * last_year
    assert earned == pytest.approx(slope(lambda step: made(step)[0], 0.01, 0.002), rel=0.03)
    assert earned > 0.01 * last_year


def test_the_prices_of_a_cut_and_its_recovery_add_up_to_what_the_level_earns():
    """A line that starts cut and stays cut: every week's bound stands at the level of the cut."""

    def made(last):
        rules = [
            {"kind": "cut", "name": "weak", "roi_below": 0.01, "weeks": 2, "cut": 0.2, "roi": "model"},
            {"kind": "recovery", "name": "R", "after": "weak", "weeks": 3},
        ]
        given = problem(CURVES, 4, facts=FACTS | {"kol": {"weak_weeks": 2, "recent": np.full(4, last)}}, rules=rules)
        return optimise(given, TIGHT)

    found = made(4_000.0)
    earned = sum(price for (name, *_), price in row_prices(found).items() if name in {"R", "weak"})
    assert 0.8 * earned == pytest.approx(slope(made, 4_000.0, 20.0), rel=0.03)
    assert earned > 0.01


SWITCHED = {
    "cardinality": {"kind": "cardinality", "name": "R", "max": 2, "active_from": 1_000},
    "either_or": {"kind": "either_or", "name": "R", "either": "kol", "or": "search", "allow": 0},
    "weeks_on": {"kind": "weeks_on", "name": "R", "lines": "kol", "weeks": 3, "least": 9_000},
    "pilot": {"kind": "pilot", "name": "R", "line": "kol", "min": 45_000, "max": 90_000},
}


@pytest.mark.parametrize("kind", SWITCHED)
def test_prices_beside_a_switching_rule_are_those_of_its_decisions_held(kind):
    """What is on stays on when the total moves a little, so the total's price is what solving again gives."""
    usual = problem(CURVES, 4).total

    def made(total):
        return sold({"constraints": [SWITCHED[kind]], "total": total})[0]

    prices = row_prices(made(usual))
    (price,) = [price for (name, *_), price in prices.items() if name == "total"]
    assert price == pytest.approx(slope(made, usual, 0.002 * usual), rel=0.03)


THREE = {"kind": "weeks_on", "name": "R", "lines": "kol", "weeks": 3, "least": 12_000, "in_a_row": False}
ALL_ON = {"kind": "cardinality", "name": "R", "min": 4, "active_from": 12_000}
# a rule that counts, its number, one step looser, and the side that binds
COUNTED = {
    "most lines": (SWITCHED["cardinality"], "max", 3, "<="),
    "least lines": (ALL_ON, "min", 3, ">="),
    "weeks on": (THREE, "weeks", 2, ">="),
    "weeks in a row": (SWITCHED["weeks_on"] | {"least": 14_000}, "weeks", 2, ">="),
}
KEPT_ON = {"cardinality": [], "weeks_on": [{"kind": "bounds", "name": "on at all", "lines": "kol", "min": 1_000}]}


@pytest.mark.parametrize("case", COUNTED)
def test_the_price_of_a_count_is_what_one_step_earns(case, monkeypatch):
    """One line or week more is a jump, not a slope: no dual tells it, solving again does."""
    monkeypatch.setattr(jumps, "SECONDS", FINE.seconds)
    rule, number, looser, sense = COUNTED[case]
    poor = np.array([1.0, 1.0, 1.0, 0.1 if case == "least lines" else 1.0])  # a line that nobody would use unasked
    made = replace(CURVES, ceiling=CURVES.ceiling * poor)

    def given(rule):
        return problem(made, 4, facts=FACTS, constraints=[*KEPT_ON[rule["kind"]], rule])

    found = optimise(given(rule), FINE)
    assert not any(name == "R" for name, *_ in row_prices(found))
    plan = make_plan(given(rule), FINE, settle=False)
    (report,) = [one for one in plan.constraints if one.name == "R" and one.binding and one.unit in {"lines", "weeks"}]
    jump = optimise(given(rule | {number: looser}), FINE).objective - found.objective
    assert report.sense == sense
    assert report.price == pytest.approx(jump if sense == "<=" else -jump, rel=0.02)
    assert jump > 1e-4 * found.objective  # the rule holds the plan back, so the test says something


def test_a_count_is_priced_only_where_a_plan_is_told_in_full():
    given = problem(CURVES, 4, facts=FACTS, constraints=[SWITCHED["cardinality"]])
    full, brief = make_plan(given, TIGHT), make_plan(given, TIGHT, ranges=False)
    prices = [[one.price for one in plan.constraints if one.unit == "lines" and one.binding] for plan in (full, brief)]
    assert prices[0][0] > 0
    assert prices[1] == [None]


def test_a_count_that_cannot_be_looser_or_holds_nothing_back_has_no_price_or_zero():
    assert one_looser(Cardinality(name="R", min=0), ">=") is None
    assert one_looser(WeeksOn(name="R", lines="kol", weeks=1, least=5.0), ">=") is None
    idle = {"kind": "cardinality", "name": "R", "max": 4, "active_from": 1.0}  # all four lines are used anyway
    plan = make_plan(problem(CURVES, 4, facts=FACTS, constraints=[idle]), TIGHT)
    assert [one.price for one in plan.constraints if one.name == "R" and one.unit == "lines"] == [0.0]


@pytest.mark.parametrize("name", ["total", "social"])
def test_prices_after_branching_are_what_solving_again_earns(name):
    shape, fine = curves(draws=10, slopes=(1.2, 2.2)), SolveOptions(gap=1e-6, branch_gap=1e-6, seconds=30)
    usual = problem(shape, 2).total

    def made(total=usual, cap=0.2):
        rule = {"kind": "group_share", "name": "social", "group": "social", "max": cap}
        return optimise(problem(shape, 2, facts=FACTS, total=total, constraints=[rule]), fine)

    found = made()
    assert not all(hull.is_curve for hull in found.search.problem.response.hulls)
    (price,) = [price for (rule, *_), price in row_prices(found).items() if rule == name]
    if name == "total":
        assert price == pytest.approx(slope(made, usual, 0.002 * usual), rel=0.03)
    else:
        assert price == pytest.approx(slope(lambda cap: made(cap=cap), 0.2, 0.002), rel=0.03)
    assert price > 0.01
