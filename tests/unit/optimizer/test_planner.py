"""The planner against brute force, against what must hold of any best plan, and its prices against solving again."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from markets import curves, grouped, permuted, problem, scaled, share

from mmm.problems import TimeLimitReached
from optimizer.assemble import findings_of
from optimizer.logic import broken_cuts
from optimizer.planner import LOGIC_GAP, PATIENCE, Infeasible, SolveOptions, _Rounds, optimise
from optimizer.prices import row_prices
from optimizer.problem import History, Identity, build_lines
from optimizer.program import flat_plan
from optimizer.ranges import near_optimal_ranges
from optimizer.rounding import round_to_fen
from optimizer.rules import WeakRoiCut
from optimizer.solver import Solved
from optimizer.verify import broken

TIGHT = SolveOptions(gap=1e-6, seconds=20)
S_SHAPED = {"slopes": (1.2, 2.5)}
THIRTY = {"kind": "change", "name": "30% a week", "week_on_week": 0.3}
HALF_TO_DOUBLE = {"kind": "bounds", "name": "half to double", "relative_to": "history", "min": 0.5, "max": 2.0}
SOCIAL_CAP = share("social cap", "social", max=0.4)
SOCIAL = grouped("抖音直播", "小红书")
RULES = [HALF_TO_DOUBLE, THIRTY, {"kind": "concentration", "name": "no line above 40%", "max": 0.4}]


def worth(given, spend):
    """Expected GMV of a plan (line, week) beyond what comes without it."""
    spend = np.asarray(spend)[: given.responding].T
    return float((given.response.mean(spend) - given.response.mean(np.zeros_like(spend))).sum())


def best_on_a_grid(given, steps, obeys=lambda _line, _spend, _earned: True):
    """The best worth of plans whose cells are multiples of total/steps, by trying all.

    Lines do not touch each other's response; ``obeys(line, weekly, earned)`` tells whether a line's weeks are allowed.
    """
    weeks, step = len(given.weeks), given.total / steps
    table = np.full((given.responding, steps + 1), -np.inf)
    for cells in itertools.product(range(steps + 1), repeat=weeks):
        if sum(cells) <= steps:
            weekly = step * np.array(cells, dtype=float)
            earned = given.response.mean(np.repeat(weekly[:, None], given.responding, axis=1))
            for line in range(given.responding):
                if obeys(line, weekly, earned[line, :weeks]):
                    table[line, sum(cells)] = max(table[line, sum(cells)], earned[line].sum())
    best = table[0]
    for line in table[1:]:
        best = np.array([max(best[k] + line[total - k] for k in range(total + 1)) for total in range(steps + 1)])
    return best[steps] - given.response.mean(np.zeros((weeks, given.responding))).sum()


def line_totals(found):
    return found.spend.sum(axis=1)


# --- against brute force


def test_one_week_of_two_lines_agrees_with_trying_every_split():
    given = problem(curves(2, draws=60), weeks=1)
    splits = np.linspace(0, given.total, 4001)
    tried = [worth(given, [[first], [given.total - first]]) for first in splits]
    found = optimise(given, TIGHT)
    assert found.objective == pytest.approx(max(tried), rel=2e-6)
    assert found.bound >= max(tried)
    assert found.spend[0, 0] == pytest.approx(splits[np.argmax(tried)], abs=0.005 * given.total)


@pytest.mark.parametrize("slopes", [(0.5, 1.0), (1.2, 2.5)])
def test_two_weeks_of_two_lines_agree_with_a_grid(slopes):
    given = problem(curves(2, draws=30, slopes=slopes), weeks=2)
    tried = best_on_a_grid(given, 40)
    found = optimise(given, TIGHT)
    assert found.bound >= tried
    assert found.objective >= tried * (1 - max(1e-6, found.gap))
    if slopes[1] <= 1:
        assert found.objective == pytest.approx(tried, rel=2e-3)


def test_the_best_plan_earns_the_same_on_the_next_unit_everywhere():
    found = optimise(problem(), SolveOptions(gap=1e-7))
    _, gradient = found.search.respond(found.spend, hull=False)
    assert gradient.sum(axis=1) == pytest.approx(np.full(found.spend.shape, gradient.sum(axis=1).mean()), rel=2e-3)


# --- the proof


@pytest.mark.parametrize("weeks", [1, 4, 13])
@pytest.mark.parametrize("rules", [[], RULES])
def test_concave_curves_are_proven_to_the_gap(weeks, rules):
    found = optimise(problem(weeks=weeks, constraints=rules), SolveOptions(gap=1e-4))
    assert 0 <= found.gap <= 1e-4
    assert found.objective == pytest.approx(worth(found.search.problem, found.spend), rel=1e-9)
    assert found.spend.sum() == pytest.approx(found.search.problem.total, rel=1e-9)
    assert found.rounds < 30


@pytest.mark.parametrize("shape", [{}, S_SHAPED])
def test_no_plan_passes_the_bound(shape):
    given = problem(curves(**shape))
    found = optimise(given, TIGHT)
    rng = np.random.default_rng(11)
    tried = [found.spend] + [given.total * rng.dirichlet(np.full(12, 0.7)).reshape(4, 3) for _ in range(150)]
    tried += [0.5 * (found.spend + plan) for plan in tried]
    assert max(worth(given, plan) for plan in tried) <= found.bound * (1 + 1e-12)
    assert found.objective <= found.hull_objective * (1 + 1e-12)


def test_branching_closes_the_gap_that_s_shaped_draws_leave_and_the_gap_is_honest():
    given = problem(curves(**S_SHAPED))
    found = optimise(given, SolveOptions(gap=1e-4))
    assert found.gap <= found.target == 5e-3
    assert found.gap == pytest.approx((found.bound - found.objective) / found.objective)
    assert found.objective == pytest.approx(worth(given, found.spend), rel=1e-9)


def test_integer_programs_that_bring_nothing_are_left_before_the_time_is_up():
    """S-shaped draws may spoil every plan that the integer program finds; then neither bound nor plan moves."""
    given = problem(curves(channels=2))
    search = optimise(given, SolveOptions()).search
    search.weak_columns = {(0, 0): 0}
    spend = flat_plan(given).T
    rounds = _Rounds(search, SolveOptions(seconds=60.0), time.monotonic() + 60.0, lambda _round, _gap: None, 0)
    rounds.best, rounds.hull = spend, 1.0
    answers = itertools.count(1.0)

    bound = (2.0 + search.carried) / search.kpi_unit

    def another(_self):
        return Solved("optimal", np.full(search.master.columns, next(answers)), bound)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Rounds, "solve", another)
        patch.setattr(_Rounds, "_cut", lambda _self, _columns: None)
        rounds.run()
    assert rounds.rounds == PATIENCE + 1
    assert not rounds.timed_out


def test_progress_is_told_and_never_gets_worse():
    told = []
    found = optimise(problem(), TIGHT, lambda number, gap: told.append((number, gap)))
    rounds, gaps = zip(*told, strict=True)
    assert rounds == tuple(range(1, found.rounds + 1))
    assert list(gaps) == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(found.search_gap, abs=1e-12)


def test_time_that_is_up_gives_the_best_plan_so_far_with_its_gap_or_says_so():
    given = problem(weeks=13, constraints=RULES)
    began = time.monotonic()
    try:
        found = optimise(given, SolveOptions(gap=1e-12, seconds=0.0))
    except TimeLimitReached:
        pass
    else:
        assert found.gap > 1e-12
        assert found.bound >= found.objective
    assert time.monotonic() - began < 5


# --- what must hold of any best plan


@pytest.mark.parametrize("rules", [[], [SOCIAL_CAP, THIRTY]])
def test_more_money_never_hurts_and_earns_less_and_less(rules):
    base = problem(facts=SOCIAL, constraints=rules)
    found = [optimise(replace(base, total_fen=round(base.total_fen * m)), TIGHT) for m in (0.8, 0.9, 1.0, 1.1)]
    gains = np.diff([one.objective for one in found])
    assert (gains > 0).all()
    if not rules:
        assert (np.diff(gains) < 0).all()


def test_more_money_never_lowers_the_bound_of_s_shaped_curves():
    base = problem(curves(**S_SHAPED))
    found = [optimise(replace(base, total_fen=round(base.total_fen * m)), TIGHT) for m in (0.5, 1.0, 1.5)]
    assert (np.diff([one.bound for one in found]) > 0).all()


def test_one_more_rule_never_helps():
    rules = [HALF_TO_DOUBLE, SOCIAL_CAP, {"kind": "concentration", "name": "top", "max": 0.35}, THIRTY]
    found = [optimise(problem(facts=SOCIAL, constraints=rules[:count]), TIGHT) for count in range(5)]
    for free, held in itertools.pairwise(found):
        assert held.objective <= free.bound
        assert held.bound <= free.bound * (1 + 1e-9)
    assert found[-1].objective < 0.995 * found[0].objective


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 2, 3, 0)])
def test_lines_in_another_order_give_the_same_plan(order):
    given = problem(facts=SOCIAL, constraints=[SOCIAL_CAP, *RULES])
    one, other = optimise(given, TIGHT), optimise(permuted(given, order), TIGHT)
    assert other.objective == pytest.approx(one.objective, rel=2e-6)
    assert line_totals(other) == pytest.approx(line_totals(one)[list(order)], abs=0.003 * given.total)


@pytest.mark.parametrize(("money", "kpi"), [(1e-9, 1.0), (1e9, 1.0), (1.0, 1e-9), (1.0, 1e9), (1e-9, 1e9), (1e9, 1e-9)])
@pytest.mark.parametrize("shape", [{}, S_SHAPED])
def test_units_of_money_and_kpi_do_not_change_the_plan(money, kpi, shape):
    given = problem(curves(**shape), facts=SOCIAL, constraints=[SOCIAL_CAP, *RULES])
    one, other = optimise(given, TIGHT), optimise(scaled(given, money, kpi), TIGHT)
    assert other.spend / money == pytest.approx(one.spend, rel=1e-6, abs=1e-6 * given.total)
    assert other.objective / kpi == pytest.approx(one.objective, rel=1e-9)
    assert other.bound / kpi == pytest.approx(one.bound, rel=1e-9)


def test_huge_money_obeys_the_weak_roi_logic_too():
    given = problem(weeks=4, constraints=[FLOORS], rules=[weak_rule(1.6)])
    one, other = optimise(given, SolveOptions()), optimise(scaled(given, 1e9, 1e9), SolveOptions())
    assert one.search.has_logic
    assert other.objective / 1e9 == pytest.approx(one.objective, rel=LOGIC_GAP)


def test_profit_leaves_money_unspent_where_it_earns_too_little():
    goal = {"maximise": "profit", "margin": 0.5}
    given = problem(total=2_000_000.0, total_rule="at_most", objective=goal)
    found = optimise(given, SolveOptions(gap=1e-7))
    spent = found.spend.sum()
    assert 0 < spent < 0.9 * given.total
    _, gradient = found.search.respond(found.spend, hull=False)
    earned = 0.5 * gradient.sum(axis=1)
    assert earned[found.spend > 0] == pytest.approx(1.0, rel=5e-3)
    assert (earned <= 1.005).all()
    assert found.objective == pytest.approx(0.5 * worth(given, found.spend) - spent, rel=1e-9)


def test_the_same_problem_gives_the_same_plan():
    first, second = (optimise(problem(constraints=RULES), TIGHT).spend for _ in range(2))
    assert (first == second).all()


def test_reserve_lines_are_even_and_get_what_the_category_asks():
    facts = {"tools 0": {"category": "tools"}}
    rule = {"kind": "category_share", "name": "tools 15%", "category": "tools", "share": 0.15}
    found = optimise(problem(reserves=2, facts=facts, constraints=[rule]), TIGHT)
    total = found.search.problem.total
    assert found.spend[4] == pytest.approx(np.full(3, 0.05 * total), rel=1e-7)
    assert found.spend[5] == pytest.approx(np.zeros(3), abs=1e-6 * total)


def test_a_line_without_a_past_is_still_found():
    given = problem(facts={"kol": {"reference": np.zeros(3), "recent": np.zeros(0), "average": 0.0}})
    assert flat_plan(given)[3].sum() > 0
    assert optimise(given, TIGHT).spend == pytest.approx(optimise(problem(), TIGHT).spend, abs=0.01 * given.total)


def test_rules_that_clash_are_infeasible():
    rules = [share("cap", "social", max=0.2), {"kind": "bounds", "name": "least", "lines": "小红书", "min": 50_000}]
    with pytest.raises(Infeasible):
        optimise(problem(facts=SOCIAL, total=100_000.0, constraints=rules), TIGHT)


# --- prices


def price(given, name, sense):
    prices = row_prices(optimise(given, SolveOptions(gap=1e-7)))
    return next(value for (rule, _, side, _), value in prices.items() if (rule, side) == (name, sense))


def slope(make, at, step):
    """Change of the objective per unit of a limit, by solving twice."""
    low, high = (optimise(make(value), SolveOptions(gap=1e-7)) for value in (at - step, at + step))
    return (high.objective - low.objective) / (2 * step)


def test_the_price_of_the_total_is_what_one_more_unit_earns():
    total = problem().total

    def make(money):
        return problem(total=money, constraints=RULES)

    assert price(make(total), "total", "==") == pytest.approx(slope(make, total, 0.01 * total), rel=0.02)


@pytest.mark.parametrize(
    ("rule", "sense", "limit"),
    [("max", "<=", 0.35), ("min", ">=", 0.93)],
)
@pytest.mark.parametrize("of", ["spend", "visits"])
def test_the_price_of_a_share_is_what_one_point_more_earns(rule, sense, limit, of):
    visits = dict(zip(problem().response.curves.names, (4.0, 1.0, 2.0, 0.5), strict=True))
    facts = {name: SOCIAL.get(name, {}) | {"visits_per_cny": each} for name, each in visits.items()}

    def make(share_of_it):
        return problem(facts=facts, constraints=[share("social", "social", of=of, **{rule: share_of_it})])

    assert price(make(limit), "social", sense) == pytest.approx(slope(make, limit, 0.004), rel=0.02)


def test_the_price_of_an_amount_is_per_unit_of_currency():
    def make(most):
        return problem(constraints=[{"kind": "bounds", "name": "most", "lines": "抖音直播", "max": most}])

    assert price(make(30_000.0), "most", "<=") == pytest.approx(slope(make, 30_000.0, 300.0), rel=0.02)


def test_rules_that_do_not_bind_have_no_price():
    given = problem(facts=SOCIAL, constraints=[share("loose", "social", max=0.95)])
    assert price(given, "loose", "<=") == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("shape", [{}, S_SHAPED])
def test_near_optimal_ranges_hold_the_plan_and_are_wider_than_it(shape):
    found = optimise(problem(curves(**shape), constraints=[HALF_TO_DOUBLE]), TIGHT)
    history = np.array([line.reference.sum() for line in found.search.problem.lines])
    ranges = near_optimal_ranges(found)
    for spent, base, (low, high) in zip(line_totals(found), history, ranges, strict=True):
        assert low - 1e-6 <= spent <= high + 1e-6
        assert 0.5 * base - 0.01 <= low <= high <= 2 * base + 0.01
    assert sum(high - low for low, high in ranges) > 0.1 * found.spend.sum()


def test_the_ends_of_near_optimal_ranges_are_within_reach_of_the_best():
    given = problem()
    found = optimise(given, TIGHT)
    low, high = near_optimal_ranges(found)[0]
    for end in (low, high):
        limit = {"min": end} if end > line_totals(found)[0] else {"max": end}
        held = problem(constraints=[{"kind": "bounds", "name": "end", "lines": "抖音直播"} | limit])
        assert optimise(held, TIGHT).objective >= 0.9899 * found.objective
    assert high > 1.1 * low


# --- weak-ROI logic


FLOORS = {"kind": "bounds", "name": "keep every line alive", "per": "week", "relative_to": "history", "min": 0.4}


def weak_rule(roi=1.6, **more):
    return {"kind": "cut", "name": "weak ROI", "roi_below": roi, "roi": "model"} | more


def broken_by_verifier(given, found):
    return broken(findings_of(given, round_to_fen(found)))


def test_a_line_weak_at_the_start_obeys_its_opening_cut():
    facts = {"抖音直播": {"weak_weeks": 2}}
    given = problem(facts=facts, rules=[weak_rule(0.01)])
    free, held = optimise(problem(), TIGHT), optimise(given, TIGHT)
    most = 0.8 * given.lines[0].recent[-1]
    assert free.spend[0, 0] > most
    assert held.spend[0, 0] == pytest.approx(most)
    assert held.objective < free.objective
    assert broken_by_verifier(given, held) == ()


def test_one_weak_week_of_history_is_no_opening_cut():
    given = problem(facts={"抖音直播": {"weak_weeks": 1}}, rules=[weak_rule(0.01)])
    assert optimise(given, TIGHT).spend == pytest.approx(optimise(problem(), TIGHT).spend)


@pytest.mark.parametrize("roi", [1.4, 1.6, 2.0])
@pytest.mark.parametrize("weeks", [1, 2])
def test_weak_weeks_inside_the_plan_are_cut_and_the_verifier_agrees(roi, weeks):
    given = problem(weeks=4, constraints=[FLOORS], rules=[weak_rule(roi, weeks=weeks)])
    free = optimise(replace(given, settings=given.settings.model_copy(update={"rules": ()})), TIGHT)
    held = optimise(given, SolveOptions(gap=1e-4, seconds=20))
    weekly = given.response.mean(free.spend.T)[:, :4]
    assert broken_cuts(given.settings.rules[0], given.lines, free.spend, weekly)  # else the case proves nothing
    assert broken_by_verifier(given, held) == ()
    assert held.objective <= free.bound
    assert held.gap <= LOGIC_GAP


def test_the_weak_roi_logic_is_as_good_as_trying_every_plan_on_a_grid():
    given = problem(curves(2, draws=20), rules=[weak_rule(2.2)])
    rule = given.settings.rules[0]

    def obeys(line, weekly, earned):
        one = replace(given.lines[line])
        return not broken_cuts(rule, [one], weekly[None], earned[None])

    tried = best_on_a_grid(given, 14, obeys)
    found = optimise(given, SolveOptions(gap=1e-5, seconds=20))
    assert broken_by_verifier(given, found) == ()
    assert found.bound >= tried
    assert found.objective >= tried * (1 - LOGIC_GAP)


def test_a_rule_on_one_channel_knows_it_in_every_unit_and_no_part_of_its_name():
    known = curves(2)
    history = History(known.weeks, known.spend, known.visits, known.attributed, known.modelled)
    rule = WeakRoiCut(name="weak", roi_below=1e9, roi="model", lines="search")
    who = [Identity(name, None, (), {}) for name in ("sea", "search@east")]
    assert [line.weak_weeks for line in build_lines(who, history, problem().weeks, [rule])] == [0, len(known.weeks)]


def test_a_plan_that_is_never_weak_needs_no_switches():
    found = optimise(problem(rules=[weak_rule(0.01)]), TIGHT)
    assert found.search.switches.size == 0


# --- pilots


def pilot(low, high):
    return {"kind": "pilot", "name": "kol pilot", "line": "kol", "min": low, "max": high}


@pytest.mark.parametrize(
    ("low", "high", "spent"), [(20_000, 30_000, 20_000), (1_000, 2_000, 2_000), (10_000, 30_000, None)]
)
def test_a_pilot_is_used_within_its_range(low, high, spent):
    given = problem(constraints=[pilot(low, high)])
    free = line_totals(optimise(problem(), TIGHT))[3]
    found = optimise(given, TIGHT)
    assert line_totals(found)[3] == pytest.approx(free if spent is None else spent, rel=0.01)
    assert broken_by_verifier(given, found) == ()


def test_a_pilot_that_costs_more_than_it_earns_is_left_at_nothing():
    poor = curves()
    poor = replace(poor, ceiling=poor.ceiling * np.array([1, 1, 1, 0.05]))
    given = problem(poor, constraints=[pilot(20_000, 30_000)])
    found = optimise(given, TIGHT)
    assert line_totals(found)[3] == pytest.approx(0.0, abs=1e-6)
    assert broken_by_verifier(given, found) == ()
    forced = optimise(
        problem(poor, constraints=[{"kind": "bounds", "name": "least", "lines": "kol", "min": 20_000}]), TIGHT
    )
    assert found.objective > forced.objective
