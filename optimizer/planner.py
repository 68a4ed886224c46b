"""Finds the plan: outer approximation of the expected response, with a bound that proves how good it is.

The expected response of every (line, week) over all posterior draws is a concave function of spend (S-shaped draws go
through their concave hull), so tangents bound it from above. A linear program over the business rows and the tangents
seen so far gives a bound; evaluating the true response at its answer gives an incumbent; new tangents close the gap.

Source: Kelley 1960, "The Cutting-Plane Method for Solving Convex Programs"; Duran & Grossmann 1986 (outer
approximation). The in-out step between incumbent and answer follows Ben-Ameur & Neto 2007.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo

from mmm.problems import TimeLimitReached
from optimizer.decision import Decision, ReserveRule, TotalRule
from optimizer.logic import SAFE, broken_cuts, hold_weeks, logic_rows, released_lines, streak_rows, weak_weeks
from optimizer.problem import PlanProblem, Rulebook
from optimizer.solver import Ints, Master

Floats = npt.NDArray[np.float64]
OnRound = Callable[[int, float], None]

START_MULTIPLES = (0.1, 0.4, 0.8, 1.2, 2.0)
MOST_ROUNDS = 200
LOGIC_GAP = 2e-3
STALLED = 1e-7  # scaled money


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How hard to look."""

    gap: float = 1e-4
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Optimum:
    """What the search found, in currency, before rounding to fen.

    Attributes
    ----------
    spend : array (line, week)
    objective, bound : float
        Expected objective of the plan, and the bound no plan can pass.
    hull_objective : float
        The same through the draws' concave hulls: what the search itself could reach.
    rounds : int
        Linear programs solved.
    columns : array (column,)
        The solver's columns when the plan was found, for its switches.
    timed_out : bool
        The time was up before the search was done.
    search : Search
        The linear program as it stands, for prices and near-optimal ranges.
    """

    spend: Floats
    objective: float
    bound: float
    hull_objective: float
    rounds: int
    columns: Floats
    timed_out: bool
    search: Search

    @property
    def gap(self) -> float:
        """How much better a plan could be at most, as a share of this one."""
        return max(0.0, (self.bound - self.objective) / max(abs(self.objective), 1e-300))

    @property
    def search_gap(self) -> float:
        """The part of the gap that more rounds could still close."""
        return max(0.0, (self.bound - self.hull_objective) / max(abs(self.hull_objective), 1e-300))


class Infeasible(Exception):
    """No plan can obey all rows; carries the program for the diagnosis."""

    def __init__(self, search: Search) -> None:
        super().__init__("no plan can obey all rules")
        self.search = search


@dataclass(slots=True)
class Search:
    """The growing linear program.

    Attributes
    ----------
    spend_columns : array (line, week) of int
    theta_columns : array (name, span) of int
        theta is the expected response in units of ``kpi_unit``, so that no currency reaches the solver.
    switches : array (switch,) of int
        Columns of the 0/1 variables.
    carried : float
        The objective without any planned spend (what history carries in, what later spend earns); it is left out of
        every objective and bound, so that the gap is a share of what the plan itself adds.
    weak_columns : mapping of (rule's name, line) to array (week,) of int
        Switches of the weak-ROI logic, where it is in the program.
    """

    problem: PlanProblem
    decision: Decision
    master: Master
    spend_columns: Ints
    theta_columns: Ints
    switches: Ints
    kpi_unit: float
    carried: float
    weak_columns: Mapping[tuple[str, int], Ints]

    @property
    def has_logic(self) -> bool:
        """True when the weak-ROI logic of some lines is in the program."""
        return bool(self.weak_columns)

    def breaks_logic(self, spend: Floats) -> bool:
        """Whether a line whose logic is in the program breaks it by the true response; others get theirs later."""
        return bool(broken_lines(self.problem, spend) & {line for _, line in self.weak_columns})

    def spend_of(self, columns: Floats) -> Floats:
        """Spend in currency from a solution, array (line, week)."""
        return np.asarray(np.maximum(columns[self.spend_columns], 0.0) * self.decision.unit)

    def objective_costs(self) -> tuple[Ints, Floats]:
        """Columns and costs of the plan's own objective, in the solver's units."""
        per_gmv, per_money = objective_weights(self.problem)
        columns = np.concatenate([self.theta_columns.ravel(), self.spend_columns.ravel()])
        money = np.full(self.spend_columns.size, -per_money * self.decision.unit / self.kpi_unit)
        return columns, np.concatenate([np.full(self.theta_columns.size, per_gmv), money])

    def set_objective(self) -> None:
        """Put the plan's own objective into the solver."""
        self.master.set_costs(*self.objective_costs())

    def respond(self, spend: Floats, *, hull: bool) -> tuple[Floats, Floats]:
        """Expected response (name, span) and its gradient (name, span, week) at a plan (line, week)."""
        return self.problem.response.mean_and_gradient(spend[: self.problem.responding].T, hull=hull)

    def objective_of(self, spend: Floats, mean: Floats) -> float:
        """The objective in currency, from a plan and its expected response."""
        per_gmv, per_money = objective_weights(self.problem)
        return float(per_gmv * mean.sum() - per_money * spend.sum()) - self.carried

    def cut_at(self, spend: Floats) -> float:
        """Add the tangents of every line and week at a plan; returns the objective on the concave hulls."""
        mean, gradient = self.respond(spend, hull=True)
        names, span, _ = gradient.shape
        constant = (mean - np.einsum("ctw,cw->ct", gradient, spend[:names])) / self.kpi_unit
        slopes = gradient * (self.decision.unit / self.kpi_unit)
        columns = np.broadcast_to(self.spend_columns[:names, None, :], slopes.shape)
        index = np.concatenate([self.theta_columns[:, :, None], columns], axis=2)
        value = np.concatenate([np.ones((names, span, 1)), -slopes], axis=2)
        keep = value != 0.0
        starts = np.concatenate([[0], np.cumsum(keep.sum(axis=2).ravel())[:-1]]).astype(np.int32)
        upper = constant.ravel()
        lower = np.full(upper.size, -np.inf)
        self.master.add_rows(lower, upper, starts, index[keep].astype(np.int32), value[keep])
        return self.objective_of(spend, mean)


def objective_weights(problem: PlanProblem) -> tuple[float, float]:
    """What one unit of GMV, and one unit of money not spent, count in the objective."""
    goal = problem.settings.objective
    if goal.maximise == "profit":
        return goal.margin or 1.0, 1.0
    return 1.0, 0.0


def flat_plan(problem: PlanProblem) -> Floats:
    """The total divided like last year's mix, every week alike, array (line, week).

    Lines without a past get a tenth of the mean line's weight.
    """
    past = np.array([float(line.reference.sum()) for line in problem.lines])
    new = 0.1 * past[past > 0].mean() if (past > 0).any() else 1.0
    weight = np.where(past > 0, past, new)
    per_week = problem.total * weight / weight.sum() / len(problem.weeks)
    return np.repeat(per_week[:, None], len(problem.weeks), axis=1)


def build_decision(problem: Rulebook) -> Decision:
    """Variables and every business row that needs no response, the opening cuts of weak lines included."""
    decision = Decision(problem.lines, problem.weeks, problem.total, problem.windows, problem.previous)
    rules = problem.settings.rules
    exact = problem.settings.total_rule == "equal"
    decision.add(TotalRule(name="total", amount=problem.total, exact=exact).rows(decision))
    released = released_lines(rules, problem.windows)
    decision.add(ReserveRule(name="reserve lines spread evenly", released=released).rows(decision))
    for constraint in problem.settings.constraints:
        decision.add(constraint.rows(decision))
    decision.add(logic_rows(rules, decision))
    return decision


def build_search(problem: PlanProblem, caps: Mapping[int, Floats] | None = None) -> Search:
    """The first linear program: business rows, one theta per line and week, tangents at multiples of a flat plan.

    ``caps`` names the lines whose weak-ROI logic is put in, with the most each can spend in each week.
    """
    decision = build_decision(problem)
    start = flat_plan(problem)
    mean, _ = problem.response.mean_and_gradient(start[: problem.responding].T)
    names, span = mean.shape
    per_gmv, _ = objective_weights(problem)
    kpi_unit = float(mean.sum()) / mean.size or 1.0
    model = decision.model
    model.RESPONSES = pyo.RangeSet(0, names - 1)
    model.SPAN = pyo.RangeSet(0, span - 1)
    model.theta = pyo.Var(model.RESPONSES, model.SPAN)
    model.objective = pyo.Objective(expr=pyo.quicksum(model.theta.values()), sense=pyo.maximize)
    for rule in problem.settings.cuts if caps else ():
        hold = hold_weeks(rule, problem.settings.rules)
        decision.add(streak_rows(rule, decision, model.theta, kpi_unit, caps or {}, hold))
    master = Master(model)
    search = Search(
        problem=problem,
        decision=decision,
        master=master,
        spend_columns=master.columns_of(model.spend.values()).reshape(len(problem.lines), len(problem.weeks)),
        theta_columns=master.columns_of(model.theta.values()).reshape(names, span),
        switches=master.columns_of(model.switches.values()),
        kpi_unit=kpi_unit,
        carried=per_gmv * float(problem.response.mean(np.zeros((len(problem.weeks), names))).sum()),
        weak_columns={key: master.columns_of(weak) for key, weak in decision.weak.items()},
    )
    search.set_objective()
    for multiple in START_MULTIPLES:
        search.cut_at(multiple * start)
    return search


def optimise(problem: PlanProblem, options: SolveOptions, on_round: OnRound = lambda _round, _gap: None) -> Optimum:
    """Solve to the gap asked for.

    Weak-ROI logic is put in only for the lines that would break it: where none does, the optimum without the logic is
    the optimum with it.

    Parameters
    ----------
    problem : PlanProblem
    options : SolveOptions
    on_round : callable
        Told the round and the gap so far.

    Returns
    -------
    Optimum

    Raises
    ------
    Infeasible
        No plan can obey all rules.
    TimeLimitReached
        No plan that obeys all rules was found in time.
    """
    ends = time.monotonic() + options.seconds
    caps: dict[int, Floats] = {}
    search = build_search(problem)
    found = approximate(search, options, ends, on_round)
    while broken := broken_lines(problem, found.spend) - set(caps):
        caps |= {line: most_spend(search, line, ends) for line in sorted(broken)}
        logical = build_search(problem, caps)
        logical.cut_at(found.spend)
        found = approximate(logical, options, ends, on_round, rounds=found.rounds)
    return found


def broken_lines(problem: PlanProblem, spend: Floats) -> set[int]:
    """Lines that break a weak-ROI rule at this plan, by the true expected response."""
    cuts, rules = problem.settings.cuts, problem.settings.rules
    if not cuts:
        return set()
    mean, _ = problem.response.mean_and_gradient(spend[: problem.responding].T)
    weekly = mean[:, : len(problem.weeks)]
    return set().union(*(broken_cuts(cut, problem.lines, spend, weekly, hold_weeks(cut, rules)) for cut in cuts))


def most_spend(search: Search, line: int, ends: float) -> Floats:
    """The most any plan can spend on a line in each week under the business rows, array (week,), currency."""
    most = np.empty(len(search.problem.weeks))
    for week, column in enumerate(search.spend_columns[line]):
        search.master.set_costs(np.array([column], dtype=np.int32), np.ones(1))
        solved = search.master.solve(seconds=ends - time.monotonic(), gap=0.0)
        most[week] = solved.bound * search.decision.unit if np.isfinite(solved.bound) else search.problem.total
    search.set_objective()
    return most


def approximate(search: Search, options: SolveOptions, ends: float, on_round: OnRound, rounds: int = 0) -> Optimum:
    """Cut until the bound and the best plan meet, or time is up.

    With 0/1 variables the tangents are first found with fractions allowed, which is a fast linear program; the integer
    program then needs few rounds.
    """
    if search.switches.size:
        search.master.set_integer(search.switches, integer=False)
        rounds = _Rounds(search, options, ends, on_round, rounds, relaxed=True).run().rounds
        search.master.set_integer(search.switches, integer=True)
    return _Rounds(search, options, ends, on_round, rounds, relaxed=False).run().optimum()


@dataclass(slots=True)
class _Rounds:
    """The loop of outer approximation and what it has found so far."""

    search: Search
    options: SolveOptions
    ends: float
    on_round: OnRound
    rounds: int
    relaxed: bool
    best: Floats | None = None
    best_columns: Floats = field(default_factory=lambda: np.empty(0))
    hull: float = -np.inf
    bound: float = np.inf
    last: Floats = field(default_factory=lambda: np.empty(0))
    timed_out: bool = False

    @property
    def target(self) -> float:
        """The gap to stop at: integer programs with logic are proven less finely."""
        return max(self.options.gap, LOGIC_GAP) if self.search.has_logic and not self.relaxed else self.options.gap

    def run(self) -> _Rounds:
        """Solve and cut until done."""
        for _ in range(MOST_ROUNDS):
            self.rounds += 1
            solved = self.search.master.solve(seconds=self.ends - time.monotonic(), gap=self.target / 10)
            if solved.outcome == "infeasible":
                raise Infeasible(self.search)
            self.bound = min(self.bound, solved.bound * self.search.kpi_unit - self.search.carried)
            stalled = False
            if solved.columns.size:
                answer = solved.columns[self.search.spend_columns]
                # The same answer again brings no new tangent: what gap is left is the hulls', not the search's.
                stalled = self.last.shape == answer.shape and bool(np.abs(answer - self.last).max() < STALLED)
                self.last = answer
                self._cut(solved.columns)
            if self.best is not None:
                self.on_round(self.rounds, self.gap)
            self.timed_out = solved.outcome == "time_limit" or time.monotonic() >= self.ends
            if self.gap <= self.target or stalled or self.timed_out:
                return self
        self.timed_out = True  # so many rounds are as good as no end
        return self

    @property
    def gap(self) -> float:
        """How far the best plan is from the bound, on the concave hulls."""
        if self.best is None:
            return np.inf
        return (self.bound - self.hull) / max(abs(self.hull), 1e-300)

    def _cut(self, columns: Floats) -> None:
        """Tangents at the answer, and halfway to the best plan, where they are loosest."""
        answer = self.search.spend_of(columns)
        halfway = None if self.best is None else 0.5 * (answer + self.best)
        self._consider(answer, columns)
        # Halfway between two plans is a plan, unless a switch stands between them.
        if halfway is not None:
            self._consider(halfway, columns, a_plan=self.relaxed or not self.search.switches.size)

    def _consider(self, spend: Floats, columns: Floats, *, a_plan: bool = True) -> None:
        hull = self.search.cut_at(spend)
        if not a_plan or hull <= self.hull:
            return
        if not self.relaxed and self.search.breaks_logic(spend):
            if repaired := repair(self.search, spend, columns, self.ends):
                spend, columns = repaired
                hull = self.search.cut_at(spend)
            if not repaired or hull <= self.hull:
                return
        self.best, self.best_columns, self.hull = spend, columns, hull

    def optimum(self) -> Optimum:
        """The best plan with its bound."""
        if self.best is None:
            if self.timed_out:
                told = "No plan that obeys every rule was found within the time limit; raise --time-limit."
            else:
                told = (
                    "No plan was found that obeys the weak-ROI rule: by their concave hulls the S-shaped draws allow "
                    "one, by the curves themselves none was met. Loosen the rule, or what forces money into weak lines."
                )
            raise TimeLimitReached(told)
        mean, _ = self.search.respond(self.best, hull=False)
        return Optimum(
            spend=self.best,
            objective=self.search.objective_of(self.best, mean),
            bound=self.bound,
            hull_objective=self.hull,
            rounds=self.rounds,
            columns=self.best_columns,
            timed_out=self.timed_out,
            search=self.search,
        )


def repair(search: Search, spend: Floats, columns: Floats, ends: float) -> tuple[Floats, Floats] | None:
    """A plan near this one that obeys the weak-ROI logic by the true response; None when none is found.

    S-shaped draws look stronger through their hulls than they are, so the program may take a weak week for a strong
    one. Weeks that are truly weak are told to be weak, which cuts what follows, until the plan holds.
    """
    switches = search.switches
    told = columns.copy()
    found = None
    for _ in range(len(search.problem.weeks)):
        weak = truly_weak(search, spend)
        for key, where in search.weak_columns.items():
            told[where] = np.maximum(np.rint(told[where]), weak[key])
        held = np.rint(told[switches])
        search.master.set_columns(switches, held, held)
        solved = search.master.solve(seconds=ends - time.monotonic(), gap=0.0)
        if not solved.columns.size:
            break
        spend = search.spend_of(solved.columns)
        if not search.breaks_logic(spend):
            found = spend, solved.columns
            break
    search.master.set_columns(switches, np.zeros(switches.size), np.ones(switches.size))
    return found


def truly_weak(search: Search, spend: Floats) -> dict[tuple[str, int], Floats]:
    """For each rule and line of the logic, 1.0 in the weeks that are weak by the true response."""
    weekly = search.problem.response.mean(spend[: search.problem.responding].T)[:, : spend.shape[1]]
    rules = {rule.name: rule for rule in search.problem.settings.cuts}
    lines = search.problem.lines
    return {
        (name, line): weak_weeks(rules[name], lines[line], spend[line], weekly[line], SAFE).astype(np.float64)
        for name, line in search.weak_columns
    }
