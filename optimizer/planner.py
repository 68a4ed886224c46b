"""Finds the plan: outer approximation of the expected response, with a bound that proves how good it is.

The expected response of every (line, week) over all posterior draws is a concave function of spend (S-shaped draws go
through their concave hull), so tangents bound it from above. A linear program over the business rows and the tangents
seen so far gives a bound; evaluating the true response at its answer gives an incumbent; new tangents close the gap.

Source: Kelley 1960, "The Cutting-Plane Method for Solving Convex Programs"; Duran & Grossmann 1986 (outer
approximation). The in-out step between incumbent and answer follows Ben-Ameur & Neto 2007.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mmm.problems import TimeLimitReached
from optimizer.branching import Tree
from optimizer.cuts import CutPool
from optimizer.parts import ImpossibleLine, Part, price_lines
from optimizer.problem import PlanProblem
from optimizer.program import Search, build_search, most_spend
from optimizer.repair import breaks_logic, broken_lines, mended_with_logic, repair, truly_weak
from optimizer.returns import keeps_returns
from optimizer.sentences import tell
from optimizer.solver import Solved

Floats = npt.NDArray[np.float64]
OnRound = Callable[[int, float], None]

MOST_ROUNDS = 200
LOGIC_GAP = 2e-3
HELD_GAP = 2e-4  # with the logic's switches held the program is linear
MOST_HELD_ROUNDS = 8  # S-shaped draws may keep a held plan from its hulls' bound for ever
MOST_PRICINGS = 30
SLOW = 0.05  # of the gap asked for: rounds that bring less are left to branching
STALLED = 1e-7  # scaled money
PATIENCE = 4  # integer programs in a row that bring next to nothing


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How hard to look."""

    gap: float = 1e-4
    """Where every draw is concave."""
    branch_gap: float = 5e-3
    """Where draws are S-shaped, unless ``gap`` is larger."""
    seconds: float = 60.0
    branch: bool = True
    """Whether to close by branching what S-shaped draws leave open; without, the plan says the gap of their hulls."""


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
    target : float
        The gap that was looked for.
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
    target: float
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


def optimise(
    problem: PlanProblem,
    options: SolveOptions,
    on_round: OnRound = lambda _round, _gap: None,
    pool: CutPool | None = None,
    against: Floats | None = None,
) -> Optimum:
    """Solve to the gap asked for.

    Weak-ROI logic is put in only for the lines that would break it: where none does, the optimum without the logic is
    the optimum with it.

    Parameters
    ----------
    problem : PlanProblem
    options : SolveOptions
    on_round : callable
        Told the round and the gap so far.
    pool : CutPool, optional
        Tangents of earlier solves to start from; what this one finds is added.
    against : array (draw,), optional
        What risk is measured against, in currency of the objective; doing nothing when absent.

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
    known = CutPool() if pool is None else pool
    search = build_search(problem, known, against=against)
    proven = not problem.settings.cuts
    found = approximate(search, options, ends, on_round, prove=proven)
    while True:
        if broken := broken_lines(problem, found.spend) - set(caps):
            caps |= dict(zip(sorted(broken), most_spend(problem, sorted(broken)), strict=True))
            search, proven = build_search(problem, known, caps, against, search.scales), False
        elif proven or found.search_gap <= found.target or found.timed_out:
            break
        else:
            # Which lines need the logic is first found without integer programs; these get the time that is left.
            proven = True
        found = approximate(search, options, ends, on_round, rounds=found.rounds, prove=proven)
    return branched(found, options, ends, on_round) if options.branch and bends(found) else found


def bends(found: Optimum) -> bool:
    """Whether S-shaped draws leave a gap that branching can close; with risk in the objective it stays as it is."""
    if found.timed_out or found.search.risk is not None or found.gap <= found.target:
        return False
    return not all(hull.is_curve for hull in found.search.problem.response.hulls)


def branched(found: Optimum, options: SolveOptions, ends: float, on_round: OnRound) -> Optimum:
    """The plan after branching on what S-shaped draws leave open."""
    search = found.search

    def accept(spend: Floats, columns: Floats) -> tuple[Floats, Floats] | None:
        held = repair(search, spend, columns, ends) if breaks_logic(search, spend) else (spend, columns)
        if held is not None and not keeps_returns(search.problem, held[0]):
            held = mended_with_logic(search, *held, best=None, ends=ends)
        return None if held is None or broken_lines(search.problem, held[0]) else held

    target = max(options.gap, options.branch_gap)
    tree = Tree(
        search, accept, target, options.gap, ends, found.spend, found.columns, found.objective, rounds=found.rounds
    )
    bound = min(found.bound, tree.run(found.bound, on_round))
    search.remember(tree.best)
    return replace(
        found,
        spend=tree.best,
        columns=tree.columns,
        objective=tree.objective,
        bound=max(bound, tree.objective),
        rounds=tree.rounds,
        target=target,
    )


def approximate(
    search: Search, options: SolveOptions, ends: float, on_round: OnRound, rounds: int = 0, *, prove: bool = True
) -> Optimum:
    """Cut until the bound and the best plan meet, or time is up.

    With 0/1 variables the tangents are first found with fractions allowed, which is a fast linear program; the integer
    program then needs few rounds. Without ``prove`` the plan with its switches held is enough, where there is one.
    """
    if not search.switches.size:
        return _Rounds(search, options, ends, on_round, rounds).run().optimum()
    relaxed = _Rounds(search, options, ends, on_round, rounds, relaxed=True)
    search.master.set_integer(search.switches, integer=False)
    relaxed.run()
    held = _held(relaxed)
    final = replace(held, held=False, bound=relaxed.bound, last=np.empty(0), timed_out=relaxed.timed_out)
    if search.has_logic and search.risk is None:
        line_by_line(final)
    search.master.set_integer(search.switches, integer=True)
    enough = final.gap <= final.target or (final.best is not None and not prove)
    return (final if enough else final.run()).optimum()


def line_by_line(found: _Rounds) -> None:
    """Better the bound and the plan by what each line would do on its own, as long as that brings much."""
    search = found.search
    for _ in range(MOST_PRICINGS):
        if found.gap <= found.target or found.timed_out:
            return
        before, found.rounds = found.gap, found.rounds + 1
        solved = found.solve()
        if solved.outcome == "infeasible":
            raise Infeasible(search)
        found.bound = min(found.bound, solved.bound * search.kpi_unit - search.carried)
        if not solved.columns.size:
            return
        broken = broken_lines(search.problem, search.spend_of(solved.columns))
        try:
            parts, added = price_lines(search, broken, solved.columns, found.target / 4, found.ends)
        except ImpossibleLine:
            raise Infeasible(search) from None
        _take_parts(found, solved.columns, parts)
        found.timed_out = time.monotonic() >= found.ends
        if not added or before - found.gap < SLOW * found.target:
            return


def _take_parts(found: _Rounds, columns: Floats, parts: Sequence[Part]) -> None:
    """Hold every switch where the lines on their own have it; the plan is taken if it is the best."""
    search = found.search
    wished = columns.copy()
    for part in parts:
        wished[part.columns] = part.answer
    spend = search.spend_of(wished)
    search.cut_at(search.spend_of(columns))
    search.cut_at(spend)
    told = _told(search, wished, spend)
    for part in parts:
        told[part.columns] = np.rint(part.answer)
    held = _with_switches(found, told[search.switches])
    found.rounds = held.rounds
    if held.best is not None and held.hull > found.hull:
        found.best, found.best_columns, found.hull = held.best, held.best_columns, held.hull


def _held(relaxed: _Rounds) -> _Rounds:
    """The best plan with every switch held where the relaxed program put it: often the best plan of all."""
    if relaxed.best is None:
        return _afresh(relaxed)
    told = _told(relaxed.search, relaxed.best_columns, relaxed.best)
    return _with_switches(relaxed, told[relaxed.search.switches])


def _told(search: Search, columns: Floats, spend: Floats) -> Floats:
    """The solver's columns with every switch a whole number.

    A switch is on where the plan spends, and a week weak where it truly is: fractions rounded down would forbid what
    the plan does.
    """
    told = np.rint(columns)
    for column, is_on in zip(search.switches, search.decision.is_on, strict=True):
        told[column] = told[column] if is_on is None else float(is_on(spend))
    for key, weak in truly_weak(search, spend).items():
        told[search.weak_columns[key]] = weak
    return told


def _with_switches(found: _Rounds, values: Floats) -> _Rounds:
    """The best plan with every switch held: a linear program."""
    search = found.search
    held = _afresh(found)
    search.limit_switches(values, values)
    with suppress(Infeasible):
        held.run()
    search.limit_switches(np.zeros(values.size), np.ones(values.size))
    return held


def _afresh(found: _Rounds) -> _Rounds:
    """A search without a plan or a bound, which goes on counting rounds."""
    return replace(found, relaxed=False, held=True, best=None, hull=-np.inf, bound=np.inf, last=np.empty(0))


@dataclass(slots=True)
class _Rounds:
    """The loop of outer approximation and what it has found so far."""

    search: Search
    options: SolveOptions
    ends: float
    on_round: OnRound
    rounds: int
    relaxed: bool = False
    best: Floats | None = None
    best_columns: Floats = field(default_factory=lambda: np.empty(0))
    hull: float = -np.inf
    bound: float = np.inf
    last: Floats = field(default_factory=lambda: np.empty(0))
    timed_out: bool = False
    held: bool = False

    @property
    def target(self) -> float:
        """The gap to stop at: integer programs with logic are proven less finely."""
        if not self.search.has_logic or self.relaxed:
            return self.options.gap
        return max(self.options.gap, HELD_GAP if self.held else LOGIC_GAP)

    def run(self) -> _Rounds:
        """Solve and cut until done."""
        most = MOST_HELD_ROUNDS if self.held and self.search.has_logic else MOST_ROUNDS
        idle = 0
        for _ in range(most):
            self.rounds += 1
            before = self.gap
            solved = self.solve()
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
            idle = 0 if before - self.gap > SLOW * self.target or self.best is None else idle + 1
            # S-shaped draws may spoil every plan an integer program finds: what is open then is left to branching.
            given_up = idle >= PATIENCE and self.search.has_logic and not self.relaxed
            if self.gap <= self.target or stalled or given_up or self.timed_out:
                return self
        self.timed_out = most == MOST_ROUNDS  # so many rounds are as good as no end
        return self

    @property
    def gap(self) -> float:
        """How far the best plan is from the bound, on the concave hulls."""
        if self.best is None:
            return np.inf
        return (self.bound - self.hull) / max(abs(self.hull), 1e-300)

    def solve(self) -> Solved:
        """Solve over all tangents that are known; those not in the program are looked up, which costs no draw."""
        while True:
            solved = self.search.master.solve(seconds=self.ends - time.monotonic(), gap=self.target / 4)
            if solved.outcome != "optimal" or not self.search.add_known(self.search.spend_of(solved.columns)):
                return solved

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
        if not self.relaxed and breaks_logic(self.search, spend):
            if repaired := repair(self.search, spend, columns, self.ends):
                spend, columns = repaired
                hull = self.search.cut_at(spend)
            if not repaired or hull <= self.hull:
                return
        if not self.relaxed and not keeps_returns(self.search.problem, spend):
            if (mended := mended_with_logic(self.search, spend, columns, self.best, self.ends)) is None:
                return
            spend, columns = mended
            hull = self.search.cut_at(spend)
            if hull <= self.hull:
                return
        self.best, self.best_columns, self.hull = spend, columns, hull

    def optimum(self) -> Optimum:
        """The best plan with its bound."""
        if self.best is None:
            raise TimeLimitReached(tell("error.time_limit" if self.timed_out else "error.not_met"))
        self.search.remember(self.best)
        return Optimum(
            spend=self.best,
            objective=self.search.value_of(self.best),
            bound=self.bound,
            hull_objective=self.hull,
            rounds=self.rounds,
            columns=self.best_columns,
            timed_out=self.timed_out,
            target=self.target,
            search=self.search,
        )
