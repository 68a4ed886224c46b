"""What must hold of any two problems: more money or fewer rules never hurt, names and useless lines change nothing."""

from dataclasses import replace

import numpy as np
import pytest
from asking import requests
from generated import fast, slow
from hypothesis import given, reject
from hypothesis import strategies as st
from markets import NAMES, curves, permuted, problem, scaled

from mmm.problems import BudgetError
from optimizer.planner import Infeasible, SolveOptions, optimise
from optimizer.prices import row_prices

TIGHT = SolveOptions(gap=1e-5, seconds=10)
FREE = 5e-5  # both sides are known to their gap
NOTHING = 1e-6  # currency: a plan that earns nothing earns a rounding error more or less
SWITCHING = {"pilot", "cardinality", "either_or", "weeks_on"}
FREE_OF_UNITS = {"category_share", "concentration", "change", "mix", "phases", "weeks_on"}


def made(request, **changes):
    asked = request | changes
    shape = asked.pop("shape") | {"slopes": (0.5, 1.0)}  # concave, where the optimum is known to its gap
    return problem(curves(draws=6, **shape), **asked)


def best(given):
    """The best plan, or None where there is no plan; a search that ends without an answer says nothing."""
    try:
        return optimise(given, TIGHT)
    except Infeasible:
        return None
    except BudgetError:
        reject()


def most(found):
    """What a problem allows, as far as it is known.

    A limit on a share of GMV bounds a region that is not convex: its plan is known to the gap that is proven, no finer.
    So is one whose time was up.
    """
    rules = found.search.problem.settings.constraints
    is_open = found.timed_out or any(rule.kind == "group_share" and rule.of == "gmv" for rule in rules)
    return max(found.objective, found.bound) if is_open else found.objective


def assert_no_better(worse, better):
    assert worse.objective <= most(better) + FREE * abs(better.objective) + NOTHING


def assert_alike(one, other):
    assert (one is None) == (other is None)
    if one is not None:
        assert_no_better(one, other)
        assert_no_better(other, one)


def hardened(rule):
    return {key: value for key, value in rule.items() if key != "soft"}


def at_most(request):
    return made(request, total_rule="at_most", rules=[])


def more_money_never_hurts(request):
    less = at_most(request)
    more = replace(less, total_fen=round(1.2 * less.total_fen))
    relative = {"category_share", "group_share", "concentration", "mix", "phases", "budget", "cost_ceiling", "roi"}
    if relative & {one.kind for one in less.settings.constraints}:
        return  # a share of more money is more money: not the same rule
    low, high = best(less), best(more)
    if low is not None:
        assert high is not None
        assert_no_better(low, high)


def one_more_hard_rule_never_helps(request):
    request = request | {
        "constraints": [{k: v for k, v in one.items() if k != "soft"} for one in request["constraints"]]
    }
    if not request["constraints"]:
        return
    all_of_them = best(made(request, rules=[]))
    fewer = best(made(request, rules=[], constraints=request["constraints"][:-1]))
    if all_of_them is not None:
        assert fewer is not None
        assert_no_better(all_of_them, fewer)


def a_soft_rule_lies_between_a_hard_one_and_none(request):
    if not request["constraints"]:
        return
    *others, last = request["constraints"]
    last = hardened(last)
    with_last = [
        best(made(request, rules=[], constraints=[*others, last | soft])) for soft in ({}, {"soft": {"price": 2.0}})
    ]
    without = best(made(request, rules=[], constraints=others))
    hard, soft = with_last
    if hard is not None and soft is not None:
        assert_no_better(hard, soft)
    if soft is not None and without is not None:
        assert_no_better(soft, without)


def order_of_lines_changes_nothing(request):
    given = made(request, rules=[])
    count = request["shape"]["channels"]
    turned = permuted(given, list(range(count))[::-1])
    one, other = best(given), best(turned)
    assert_alike(one, other)


def a_useless_line_changes_nothing(request):
    request = request | {"reserves": 0, "total": request["total"] or 30_000.0}
    if any(one["kind"] in {"cardinality", "concentration"} for one in request["constraints"]):
        return  # rules that count lines
    given = made(request, rules=[])
    idle = made(request, rules=[], reserves=1)
    dead = {"kind": "bounds", "name": "idle", "lines": "tools 0", "max": 0.0}
    idle = replace(
        idle,
        settings=idle.settings.model_validate(
            idle.settings.model_dump(by_alias=True) | {"constraints": [*request["constraints"], dead]}
        ),
    )
    one, other = best(given), best(idle)
    assert_alike(one, other)


@st.composite
def units(draw):
    """Powers of ten that money and KPI are multiplied by."""
    return tuple(10.0 ** draw(st.integers(-9, 9)) for _ in range(2))


def is_free_of_units(rule):
    """Whether a rule names no amount of money or of KPI."""
    relative = rule.get("relative_to") is not None or rule.get("of") in {"share", "spend", "visits"}
    return (rule["kind"] in FREE_OF_UNITS or relative) and "least" not in rule and "soft" not in rule


def units_of_money_and_kpi_change_nothing(request, others):
    request = request | {"constraints": [one for one in request["constraints"] if is_free_of_units(one)]}
    if "margin" in request.get("objective", {}):
        request = request | {"objective": {"maximise": "gmv"}}  # profit weighs KPI against money
    given, (money, kpi) = made(request, rules=[]), others
    one, other = best(given), best(scaled(given, money, kpi))
    assert (one is None) == (other is None)
    if one is not None:
        assert other.objective / kpi == pytest.approx(one.objective, rel=FREE, abs=NOTHING)
        assert other.spend.sum() / money == pytest.approx(one.spend.sum(), rel=1e-6)


def no_total_earns_more_than_the_price_says(request):
    """The best objective is concave in the money: no step of it earns more than the price of the total.

    Least returns are left out: a plan is mended to keep them, and its prices are those of the program before.
    """
    concave = [
        hardened(one)
        for one in request["constraints"]
        if one["kind"] not in {*SWITCHING, "roi", "cost_ceiling"} and one.get("of") != "gmv"
    ]
    given = made(request, rules=[], constraints=concave)
    found = best(given)
    if found is None:
        return
    (price,) = [price for (name, *_), price in row_prices(found).items() if name == "total"] or [0.0]
    for factor in (0.9, 0.98, 1.02, 1.1):
        other = replace(given, total_fen=round(given.total_fen * factor))
        if (stepped := best(other)) is not None:
            most_earned = found.bound + price * (other.total - given.total)
            assert stepped.objective <= most_earned + FREE * abs(found.objective) + NOTHING


PROPERTIES = [
    more_money_never_hurts,
    one_more_hard_rule_never_helps,
    a_soft_rule_lies_between_a_hard_one_and_none,
    order_of_lines_changes_nothing,
    a_useless_line_changes_nothing,
    units_of_money_and_kpi_change_nothing,
    no_total_earns_more_than_the_price_says,
]


def asked(holds):
    """What a property is given: a small project, and units where it asks for them."""
    projects = requests(cuts=False)
    return given(projects, units()) if holds is units_of_money_and_kpi_change_nothing else given(projects)


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda function: function.__name__)
def test_order(holds):
    fast(holds.__name__)(asked(holds)(holds))()


def found(*constraints, group=(), **asked):
    """A request that once broke an order."""
    bare = {"category": None, "groups": (), "visits_per_cny": None, "weak_weeks": 0, "attributed_ratio": None}
    first, second = NAMES[:2]
    small = {"shape": {"channels": 2, "seed": 0}, "weeks": 2, "total": None, "reserves": 0, "windows": {"peak": (0,)}}
    facts = {first: bare, second: bare | {"groups": group}}
    named = [{"name": f"rule {number}"} | one for number, one in enumerate(constraints)]
    return small | {"facts": facts, "constraints": named, "rules": []} | asked


NO_LINE = {"kind": "cardinality", "lines": "all", "max": 0}
NO_GMV_OF_G = {"kind": "group_share", "group": "g", "of": "gmv", "max": 0.0, "soft": {"price": 50.0}}
FOUND = {
    "nothing to spend is worth nothing, but for rounding": (
        a_soft_rule_lies_between_a_hard_one_and_none,
        found(
            NO_LINE,
            {"kind": "roi", "min": 0.5, "soft": {"price": 0.3}},
            NO_LINE | {"min": 0},
            total=50_000.01,
            total_rule="at_most",
        ),
    ),
    "a line without a past leaves the price of a point of GMV share as it is": (
        a_useless_line_changes_nothing,
        found({"kind": "change", "lines": "all", "week_on_week": 0.3}, NO_GMV_OF_G, group=("g",), total_rule="equal"),
    ),
    "a line without a past leaves that price as it is where the money is little against what history carries in": (
        a_useless_line_changes_nothing,
        found(
            {"kind": "bounds", "lines": "all", "per": "horizon", "min": 0.0, "max": 5_000.0},
            NO_GMV_OF_G,
            {"kind": "phases", "phases": [{"name": "opening", "weeks": 1, "share": 0.0}], "tolerance": 0.1},
            group=("g",),
            total=7_777.77,
            total_rule="equal",
        ),
    ),
    "a narrow range for a share of GMV is known to its proven gap": (
        a_useless_line_changes_nothing,
        found(
            NO_GMV_OF_G | {"min": 0.85, "max": 0.86, "soft": None},
            {"kind": "change", "lines": NAMES[0], "last_year": 0.5, "soft": {"price": 50.0}},
            group=("g",),
            weeks=4,
            total_rule="at_most",
        ),
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_an_order_once_broken_holds(case):
    holds, request = FOUND[case]
    holds(request)


@pytest.mark.slow
@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda function: function.__name__)
def test_order_of_many(holds):
    slow(holds.__name__)(asked(holds)(holds))()


def test_presolve():
    fast("presolve_on_and_off_agree")(given(st.data())(presolve_on_and_off_agree))()


@pytest.mark.slow
def test_presolve_of_many():
    slow("presolve_on_and_off_agree")(given(st.data())(presolve_on_and_off_agree))()


def presolve_on_and_off_agree(data):
    """Random small programs with switches: the same outcome and bound whatever presolve does."""
    import pyomo.environ as pyo

    from optimizer.solver import Master

    size, rows = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    numbers = st.integers(-5, 5)
    made = pyo.ConcreteModel()
    made.x = pyo.Var(range(size), bounds=(0, 10))
    made.on = pyo.Var(range(size), domain=pyo.Binary)
    made.rows = pyo.ConstraintList()
    for _ in range(rows):
        body = sum(data.draw(numbers) * made.x[i] + data.draw(numbers) * made.on[i] for i in range(size))
        made.rows.add(body + 0 * made.x[0] + made.on[0] <= data.draw(st.integers(-3, 20)))
    made.objective = pyo.Objective(expr=sum(data.draw(numbers) * made.x[i] for i in range(size)) + made.x[0], sense=-1)
    master = Master(made)
    found = [master._run(seconds=5.0, gap=0.0, maximise=True, presolve=word) for word in ("on", "off")]
    assert found[0].outcome == found[1].outcome
    if found[0].outcome == "optimal":
        assert found[0].bound == pytest.approx(found[1].bound, abs=1e-6)
        assert np.isfinite(found[0].bound)
