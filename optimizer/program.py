"""The growing linear program: variables, business rows, one theta per line and week, and the tangents that bound it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo

from optimizer.cuts import CutPool, tangent_cuts
from optimizer.decision import Decision, HeldRule, ReserveRule, Seen, TotalRule, past_shares
from optimizer.logic import hold_weeks, logic_rows, released_lines, streak_rows
from optimizer.objectives import Worth, worth_of
from optimizer.problem import PlanProblem, Rulebook
from optimizer.risk import PlanHulls, Risk
from optimizer.softness import Softness
from optimizer.solver import Ints, Master

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int_]

START_MULTIPLES = (0.1, 0.4, 0.8, 1.2, 2.0)
KNOWN_MULTIPLES = (0.1, 0.5, 1.0, 1.5, 2.5)


@dataclass(frozen=True, slots=True)
class Scales:
    """What plans that are no answers earn: the sizes that a program is written in.

    Attributes
    ----------
    idle : array (name, span)
        Expected GMV without any planned spend, currency.
    kpi_unit : float
        Mean expected GMV of a line and week when the total is divided like last year, currency: a line without a past
        changes neither it nor what soft rules cost.
    usual : float
        Expected GMV that the total adds when it is divided like last year, currency.
    """

    idle: Floats
    kpi_unit: float
    usual: float

    @classmethod
    def of(cls, problem: PlanProblem) -> Scales:
        """Evaluate them on all draws."""
        usual = problem.response.mean(usual_plan(problem)[: problem.responding].T)
        idle = problem.response.mean(np.zeros((len(problem.weeks), problem.responding)))
        return cls(idle, float(usual.sum()) / usual.size or 1.0, float(usual.sum() - idle.sum()))


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
    known : array (name, span, lag)
        Spend of every lag that is no decision: history's, and what goes on after the plan.
    lag_columns : array (name, span, lag) of int
        Column of the spend of every lag; -1 where it is no decision.
    scales : Scales
    pool : CutPool
    curves : tuple of bytes
        Identity of every curve in the pool.
    off, on : array (switch,)
        Least and most of the 0/1 variables as they are held now.
    softness : Softness
        What soft rules cost where they are violated.
    worth : Worth
        What GMV and money count in the objective.
    risk : Risk or None
        Where bad outcomes count more than good ones.
    starts : tuple of array (line, week)
        Plans at which new responses get their first tangents.
    inside : set of (name, cut, week)
        The pool's tangents that are rows of the program.
    parts : list of (columns, values, most)
        Rows ``values @ columns <= most`` proven of single lines with their logic; they hold where switches are whole.
    part_rows : list of int
        Their row numbers.
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
    known: Floats
    lag_columns: Ints
    scales: Scales
    pool: CutPool
    curves: tuple[bytes, ...]
    off: Floats
    on: Floats
    softness: Softness
    worth: Worth
    risk: Risk | None = None
    starts: tuple[Floats, ...] = ()
    inside: set[tuple[int, int, int]] = field(default_factory=set)
    parts: list[tuple[Ints, Floats, float]] = field(default_factory=list)
    part_rows: list[int] = field(default_factory=list)

    @property
    def has_logic(self) -> bool:
        """True when the weak-ROI logic of some lines is in the program."""
        return bool(self.weak_columns)

    def spend_of(self, columns: Floats) -> Floats:
        """Spend in currency from a solution, array (line, week)."""
        return np.asarray(np.maximum(columns[self.spend_columns], 0.0) * self.decision.unit)

    def limit_switches(self, off: Floats, on: Floats) -> None:
        """Hold the 0/1 variables between a least and a most."""
        self.off, self.on = off, on
        self.master.set_columns(self.switches, off, on)

    def objective_costs(self) -> tuple[Ints, Floats]:
        """Columns and costs of the plan's own objective, in the solver's units."""
        if self.risk is None:
            response, gain = self.theta_columns.ravel(), self.worth.gmv.ravel()
        else:
            response, gain = np.array([self.risk.column], dtype=np.int32), np.ones(1)
        columns = np.concatenate([response, self.spend_columns.ravel(), self.softness.columns])
        money = -self.worth.money.ravel() * self.decision.unit / self.kpi_unit
        return columns, np.concatenate([gain, money, -self.softness.costs / self.kpi_unit])

    def set_objective(self) -> None:
        """Put the plan's own objective into the solver."""
        self.master.set_costs(*self.objective_costs())

    def respond(self, spend: Floats, *, hull: bool) -> tuple[Floats, Floats]:
        """Expected response (name, span) and its gradient (name, span, week) at a plan (line, week)."""
        return self.problem.response.mean_and_gradient(spend[: self.problem.responding].T, hull=hull)

    def objective_of(self, spend: Floats, mean: Floats) -> float:
        """The objective in currency, from a plan and its expected response."""
        return self.worth.of(spend, mean) - self.carried - self.penalty(spend, mean)

    def value_of(self, spend: Floats) -> float:
        """The true objective of a plan in currency, risk included."""
        plan = spend[: self.problem.responding].T
        mean = self.problem.response.mean(plan)
        if self.risk is None:
            return self.objective_of(spend, mean)
        gains = self.problem.response.totals(plan, self.worth.gmv) - self.risk.idle
        return self.risk.value(gains) - float((self.worth.money * spend).sum()) - self.penalty(spend, mean)

    def penalty(self, spend: Floats, mean: Floats) -> float:
        """What the soft rules that a plan violates cost, currency of the objective."""
        if not self.softness.columns.size:
            return 0.0
        return self.softness.penalty(self.columns_at(spend, mean))

    def columns_at(self, spend: Floats, mean: Floats) -> Floats:
        """The solver's columns at a plan, its switches and response included, slacks and helpers at zero."""
        columns = np.zeros(self.softness.size)
        columns[self.spend_columns] = spend / self.decision.unit
        columns[self.theta_columns] = mean / self.kpi_unit
        columns[self.switches] = [0.0 if is_on is None else float(is_on(spend)) for is_on in self.decision.is_on]
        return columns

    def cut_at(self, spend: Floats, names: Sequence[int] | None = None) -> float:
        """Add the tangents of every line and week at a plan, here and to the pool.

        Returns the objective on the concave hulls; of ``names`` alone where they are given.
        """
        wanted = range(self.problem.responding) if names is None else names
        mean, cuts = tangent_cuts(self.problem.response, spend[: self.problem.responding].T, wanted)
        for name, each in zip(wanted, cuts, strict=True):
            number = self.pool.add(self.curves[name], each)
            self.inside |= {(name, number, week) for week in range(self.problem.response.span)}
        weeks = self.problem.response.span
        at = (np.repeat(wanted, weeks), np.tile(np.arange(weeks), len(wanted)))
        self.add_rows(*at, np.concatenate([c.constant for c in cuts]), np.concatenate([c.slopes for c in cuts]))
        if self.risk is None or names is not None:
            return self.objective_of(spend, mean)
        value = self.risk.cut_at(self, spend)
        return value - float((self.worth.money * spend).sum()) - self.penalty(spend, mean)

    def add_known(self, spend: Floats) -> int:
        """Add for every line and week the pool's tightest tangent at a plan; returns how many were not yet in."""
        lags = self.problem.response.lags(spend[: self.problem.responding].T) * self._reference
        added = 0
        for name, curve in enumerate(self.curves):
            if (shelf := self.pool.of(curve)) is None:
                continue
            tightest = shelf.above(lags[name]).argmin(axis=0)
            new = {(name, int(cut), week) for week, cut in enumerate(tightest)} - self.inside
            weeks = np.array(sorted(week for _, _, week in new), dtype=np.int64)
            cuts = tightest[weeks]
            if new:
                at = (np.full(weeks.size, name), weeks)
                self.add_rows(*at, shelf.constant[cuts, weeks], shelf.slopes[cuts, weeks])
            self.inside |= new
            added += len(new)
        return added

    @property
    def _reference(self) -> Floats:
        """Currency of one unit of stock, array (name, 1, 1)."""
        return self.problem.response.curves.reference[:, None, None]

    def add_rows(
        self,
        names: Places,
        weeks: Places,
        constant: Floats,
        slopes: Floats,
        theta: Ints | None = None,
        *,
        floor: bool = False,
    ) -> None:
        """Bound theta by tangents: constant (row,) currency, slopes (row, lag) GMV per unit of spend.

        ``theta`` are the columns (name, span) to bound, where they are not the expected response's; ``floor`` bounds
        them from below.
        """
        upper = (constant + np.einsum("rl,rl->r", slopes, self.known[names, weeks])) / self.kpi_unit
        bounded = self.theta_columns if theta is None else theta
        index = np.concatenate([bounded[names, weeks][:, None], self.lag_columns[names, weeks]], axis=1)
        value = np.concatenate([np.ones((upper.size, 1)), slopes * (-self.decision.unit / self.kpi_unit)], axis=1)
        keep = (index >= 0) & (value != 0.0)
        starts = np.concatenate([[0], np.cumsum(keep.sum(axis=1))[:-1]]).astype(np.int32)
        none = np.full(upper.size, np.inf)
        least, most = (upper, none) if floor else (-none, upper)
        self.master.add_rows(least, most, starts, index[keep].astype(np.int32), value[keep])

    def add_part(self, columns: Ints, values: Floats, most: float) -> None:
        """Add a row that is proven of one line alone."""
        self.parts.append((columns, values, most))
        self._put_in(columns, values, most)

    def _put_in(self, columns: Ints, values: Floats, most: float) -> None:
        self.part_rows.append(self.master.rows)
        self.master.add_rows(np.array([-np.inf]), np.array([most]), np.zeros(1, dtype=np.int32), columns, values)

    def drop_parts(self) -> None:
        """Free the rows proven of single lines: they rest on rules that may now change, and would take their prices."""
        for row in self.part_rows:
            self.master.set_row(row, None, None)
        self.parts.clear()
        self.part_rows.clear()

    def start(self, flat: Floats) -> None:
        """Add what the pool knows near its last plan; new curves get tangents at multiples of a flat one."""
        new = [name for name, curve in enumerate(self.curves) if self.pool.of(curve) is None]
        self.starts = tuple(multiple * flat for multiple in START_MULTIPLES)
        for plan in self.starts if new else ():
            self.cut_at(plan, new)
        if len(new) < len(self.curves):
            guess = self.guess(flat)
            for multiple in KNOWN_MULTIPLES:
                self.add_known(multiple * guess)

    def start_again(self, plan: Floats) -> None:
        """Let all tangents go but the pool's tightest near a plan: a small program that is exact there."""
        self.master.keep_rows(len(self.decision.rows))
        self.inside.clear()
        self.part_rows.clear()
        for part in self.parts:
            self._put_in(*part)
        for multiple in KNOWN_MULTIPLES:
            self.add_known(multiple * plan)

    def guess(self, flat: Floats) -> Floats:
        """Where the best plan may lie: the last plans of these curves, scaled to the total; else a flat plan."""
        plan = flat.copy()
        for name, curve in enumerate(self.curves):
            last = self.pool.plans.get(curve)
            if last is not None and last.shape == plan[name].shape:
                plan[name] = last
        return np.asarray(plan * (flat.sum() / max(plan.sum(), 1e-300)))

    def remember(self, spend: Floats) -> None:
        """Tell the pool the best plan found, where the next search on these curves begins."""
        for name, curve in enumerate(self.curves):
            self.pool.plans[curve] = spend[name]


def flat_plan(problem: PlanProblem) -> Floats:
    """The total divided like last year's mix, every week alike, array (line, week).

    Lines without a past get a tenth of the mean line's weight.
    """
    past = np.array([float(line.reference.sum()) for line in problem.lines])
    new = 0.1 * past[past > 0].mean() if (past > 0).any() else 1.0
    weight = np.where(past > 0, past, new)
    per_week = problem.total * weight / weight.sum() / len(problem.weeks)
    return np.repeat(per_week[:, None], len(problem.weeks), axis=1)


def usual_plan(problem: PlanProblem) -> Floats:
    """The total divided like last year's mix, every week alike, array (line, week); nothing for lines without a past.

    A unit of a soft rule's violation is counted at this plan, so that a line without spend changes no price.
    """
    weekly = problem.total * past_shares(problem.lines) / len(problem.weeks)
    return np.repeat(weekly[:, None], len(problem.weeks), axis=1)


def build_decision(problem: Rulebook) -> Decision:
    """Variables and every business row that needs no response, the opening cuts of weak lines included."""
    decision = Decision(problem.lines, problem.weeks, problem.total, problem.windows, problem.previous)
    rules = problem.settings.rules
    exact = problem.settings.total_rule == "equal"
    decision.add(TotalRule(name="total", amount=problem.total, exact=exact).rows(decision))
    released = released_lines(rules, problem.windows)
    decision.add(ReserveRule(name="reserve lines spread evenly", released=released).rows(decision))
    if problem.held:
        decision.add(HeldRule(name="cells held as edited", cells=dict(problem.held)).rows(decision))
    for constraint in problem.settings.constraints:
        decision.add(constraint.rows(decision))
    decision.add(logic_rows(rules, decision))
    return decision


def most_spend(problem: Rulebook, lines: Sequence[int]) -> Floats:
    """The most any plan can spend on lines in each week, array (line, week), currency."""
    return _ends(problem, lines, most=True)


def spend_reach(problem: PlanProblem) -> tuple[Floats, Floats]:
    """The least and the most any plan can spend on each responding line in each week, currency."""
    lines = range(problem.responding)
    return _ends(problem, lines, most=False), _ends(problem, lines, most=True)


def _ends(problem: Rulebook, lines: Sequence[int], *, most: bool) -> Floats:
    """One end of what plans can spend, array (line, week): a linear program over the rules for every cell."""
    decision = build_decision(problem)
    decision.model.objective = pyo.Objective(expr=0.0, sense=pyo.maximize)
    master = Master(decision.model)
    switches = master.columns_of(decision.model.switches.values())
    if switches.size:
        master.set_integer(switches, integer=False)
    shape = (len(problem.lines), len(problem.weeks))
    columns = master.columns_of(decision.model.spend.values()).reshape(shape)[list(lines)]
    ends = master.extremes(columns.ravel(), most=most).reshape(columns.shape)
    return np.asarray(np.clip(ends, 0.0, decision.money(problem.total)) * decision.unit)


def lag_columns(spend_columns: Ints, span: int, lags: int) -> Ints:
    """Column of the spend of every lag of every week, array (name, span, lag); -1 where it is no decision."""
    names, weeks = spend_columns.shape
    found = np.full((names, span, lags), -1, dtype=np.int32)
    for lag in range(lags):
        at = np.arange(lag, min(span, lag + weeks))
        found[:, at, lag] = spend_columns[:, at - lag]
    return found


def plan_hulls(problem: PlanProblem) -> PlanHulls:
    """Hulls that hold for every plan the rules allow: of S-shaped draws they are tighter than over any spend."""
    response = problem.response
    if all(hull.is_curve for hull in response.hulls):
        shape = (problem.responding, len(problem.weeks))
        return PlanHulls(np.zeros(shape), np.full(shape, np.inf), response.hulls)
    low, high = spend_reach(problem)
    hulls = (response.hull_between(name, low[name], high[name]) for name in range(problem.responding))
    return PlanHulls(low, high, tuple(hulls))


def build_search(
    problem: PlanProblem,
    pool: CutPool,
    caps: Mapping[int, Floats] | None = None,
    against: Floats | None = None,
    scales: Scales | None = None,
) -> Search:
    """The first linear program: business rows, one theta per line and week, the pool's tangents.

    Parameters
    ----------
    problem : PlanProblem
    pool : CutPool
    caps : mapping of line to array (week,), optional
        The lines whose weak-ROI logic is put in, with the most each can spend in each week.
    against : array (draw,), optional
        What risk is measured against, in currency of the objective; doing nothing when absent.
    scales : Scales, optional
        Of an earlier program of the problem.
    """
    pool.trim()
    decision, rules = build_decision(problem), problem.settings.rules
    response, flat = problem.response, flat_plan(problem)
    scales = Scales.of(problem) if scales is None else scales
    idle, kpi_unit = scales.idle, scales.kpi_unit
    names, span = idle.shape
    worth = worth_of(problem)
    model = decision.model
    model.RESPONSES = pyo.RangeSet(0, names - 1)
    model.SPAN = pyo.RangeSet(0, span - 1)
    model.theta = pyo.Var(model.RESPONSES, model.SPAN)
    model.objective = pyo.Objective(expr=pyo.quicksum(model.theta.values()), sense=pyo.maximize)
    nothing = np.zeros((len(problem.weeks), names))
    decision.seen = Seen(model.theta, kpi_unit, idle.sum(axis=1), scales.usual, span)
    for constraint in problem.settings.constraints:
        decision.add(constraint.response_rows(decision))
    for rule in problem.settings.cuts if caps else ():
        hold = hold_weeks(rule, rules)
        decision.add(streak_rows(rule, decision, model.theta, kpi_unit, caps or {}, hold))
    master = Master(model)
    spend_columns = master.columns_of(model.spend.values()).reshape(len(problem.lines), len(problem.weeks))
    search = Search(
        problem=problem,
        decision=decision,
        master=master,
        spend_columns=spend_columns,
        theta_columns=master.columns_of(model.theta.values()).reshape(names, span),
        switches=master.columns_of(model.switches.values()),
        kpi_unit=kpi_unit,
        carried=float((worth.gmv * idle).sum()),
        weak_columns={key: master.columns_of(weak) for key, weak in decision.weak.items()},
        known=response.lags(nothing) * response.curves.reference[:, None, None],
        lag_columns=lag_columns(spend_columns[:names], span, response.curves.max_lag + 1),
        scales=scales,
        pool=pool,
        off=np.zeros(len(model.switches)),
        on=np.ones(len(model.switches)),
        curves=tuple(response.identity(name) for name in range(names)),
        softness=Softness.of(decision, master),
        worth=worth,
    )
    search.start(flat)
    goal = problem.settings.objective.cvar
    if goal.weight > 0:
        carried = response.totals(nothing, worth.gmv) if against is None else against
        search.risk = Risk(goal.level, goal.weight, master.add_free_columns(1), carried, plan_hulls(problem))
        search.carried = 0.0
        search.risk.cut_at(search, search.guess(flat))
    search.set_objective()
    return search
