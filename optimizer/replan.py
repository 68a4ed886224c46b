"""The rest of a quarter after a review: the plan that moves least, the best one, and which of them is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from mmm.problems import TimeLimitReached
from optimizer.assemble import evaluate_plan, findings_of, interval, make_plan, settled
from optimizer.constraints import Bounds, Constraint
from optimizer.elastic import GaveWay, made_possible
from optimizer.lines import Line
from optimizer.nearest import nearest_plan
from optimizer.plan import Interval, Plan
from optimizer.planner import Infeasible, SolveOptions
from optimizer.problem import PlanProblem
from optimizer.remainder import Past, remaining
from optimizer.rounding import proportional_fen
from optimizer.rules import Action, LogicRule, ReserveRelease, StrongRoiTopUp
from optimizer.standing import Figures, LineStanding, Paid
from optimizer.surprise import Surprise
from optimizer.verify import broken

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Verdict = Literal["keep", "replan", "refit"]

WORTH_SHARE, WORTH_SURE = 0.005, 0.8  # gain over the kept plan, of what it earns, from which on a new plan is worth it
RELEASED = "released now"


@dataclass(frozen=True, slots=True)
class Request:
    """What to review and how.

    Attributes
    ----------
    week : int
        Position of the week on the board; at most the last decided one.
    force : str or None
        ``keep`` or ``replan``: somebody decides against the verdict.
    options : SolveOptions
    """

    week: int
    force: Literal["keep", "replan"] | None = None
    options: SolveOptions = field(default_factory=SolveOptions)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a line's money in the weeks that are left.

    Attributes
    ----------
    line : str
    before, after : float
        Currency: under the plan kept as it was, and under the plan now in force.
    gain : Interval or None
        Change of its expected GMV, currency; None for reserve lines.
    """

    line: str
    before: float
    after: float
    gain: Interval | None


def money_left(problem: PlanProblem, figures: Figures) -> Floats:
    """What the plan in force still holds for each line, currency, array (line,): over- and underspending counted."""
    whole = figures.in_force.sum(axis=1) - figures.spent.sum(axis=1)
    if figures.decided == len(problem.weeks):
        whole = np.zeros_like(whole)
    return np.asarray(np.maximum(whole, 0) / 100)


@dataclass(slots=True)
class Rest:
    """The plan of the weeks that are left, as it comes about."""

    problem: PlanProblem
    figures: Figures
    standings: Sequence[LineStanding]
    paid: tuple[Paid, ...]
    fired: tuple[Action, ...]
    surprise: Surprise
    request: Request
    fen: Fen = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    rest: Plan | None = None
    verdict: Verdict = "keep"
    reasons: tuple[str, ...] = ("none",)
    gain: Interval | None = None
    prob_better: float | None = None
    changes: tuple[Change, ...] = ()
    gave_way: tuple[GaveWay, ...] = ()
    earns: float = 0.0

    def decide(self) -> Rest:
        """Make both plans and choose."""
        count = len(self.problem.weeks) - self.figures.decided
        self.fen = np.zeros((len(self.problem.lines), count), dtype=np.int64)
        drift = ("drift",) if self.surprise.drifted else ()
        self.verdict = "refit" if drift else "keep"
        if count == 0:
            self.reasons = (*drift, "over")
        elif self.left_fen <= 0:
            self.reasons = (*drift, "overspent")
        else:
            self._plan(drift)
        return self

    @property
    def left_fen(self) -> int:
        """Money for the weeks that are left."""
        extra = self.figures.extra_fen + sum(one.extra_fen for one in self.paid)
        return self.problem.total_fen + extra - int(self.figures.spent.sum())

    def _plan(self, drift: tuple[str, ...]) -> None:
        wanted, held = self._wanted(), self._held()
        rest = self._rest(wanted, held)
        kept, rest = self._kept(rest, wanted, held)
        compared = settled(rest)
        breaks = bool(broken(findings_of(compared, kept)))
        best = self._best(rest)
        self._compare(compared, kept, best)
        self.reasons = (*drift, *self._why(breaks=breaks)) or ("none",)
        moves = self._moves(best)
        if not drift:
            self.verdict = "replan" if moves else "keep"
        follow_best = moves and best is not None
        self.fen = _fen_of(best) if best is not None and follow_best else kept
        self.rest = best if follow_best else evaluate_plan(rest, kept)[0]
        self.changes = _changes(compared, self._carried(), self.fen)

    def _why(self, *, breaks: bool) -> tuple[str, ...]:
        if self.request.force is not None:
            return ("forced",)
        found = []
        if any(action.kind != "release" or self._surged(action) for action in self.fired):
            found.append("fired")
        if breaks:
            found.append("broken")
        if self.gain is not None and self.prob_better is not None and self._worth_it(self.gain, self.prob_better):
            found.append("gain")
        return tuple(found)

    def _surged(self, action: Action) -> bool:
        """Whether a release came from a surge; the calendar's is in the plan already."""
        rule = next(rule for rule in self.problem.settings.rules if rule.name == action.rule)
        return isinstance(rule, ReserveRelease) and rule.visits_at_least is not None

    def _moves(self, best: Plan | None) -> bool:
        """Whether the best plan is to be followed; a model that has drifted moves money only where a rule says so."""
        if self.request.force is not None:
            return self.request.force == "replan"
        if best is None:
            return False
        needed = {"fired", "broken"} & set(self.reasons)
        return bool(needed) or ("gain" in self.reasons and "drift" not in self.reasons)

    def _worth_it(self, gain: Interval, prob_better: float) -> bool:
        return self.earns > 0 and gain.mean >= WORTH_SHARE * self.earns and prob_better >= WORTH_SURE

    # what is asked of the rest

    def _moved(self) -> Floats:
        """Currency that top-ups gave to each line, or took from a reserve line."""
        names = [line.name for line in self.problem.lines]
        moved = np.zeros(len(names))
        for one in (*self.figures.paid, *self.paid):
            moved[names.index(one.line)] += one.fen / 100
            for reserve, fen in one.reserves:
                moved[names.index(reserve)] -= fen / 100
        return moved

    def _carried(self) -> Floats:
        """The plan in force as it goes on, currency, array (line, week left): every line keeps its quarter's money."""
        return self._by_week(money_left(self.problem, self.figures))

    def _wanted(self) -> Floats:
        """The same with what this review gives and takes."""
        names = [line.name for line in self.problem.lines]
        totals = money_left(self.problem, self.figures)
        for one in self.paid:
            totals[names.index(one.line)] += one.fen / 100
            for reserve, fen in one.reserves:
                totals[names.index(reserve)] -= fen / 100
        wanted = self._by_week(totals)
        for index, standing in enumerate(self.standings):
            if standing.held is not None:
                wanted[index] = np.minimum(wanted[index], standing.held.most)
        return wanted

    def _by_week(self, totals: Floats) -> Floats:
        """Line totals in the weekly shape of the plan in force; evenly where it had nothing."""
        weights = self.figures.in_force[:, self.figures.decided :].astype(np.float64)
        weights[weights.sum(axis=1) == 0] = 1.0
        return np.asarray(weights * (totals / weights.sum(axis=1))[:, None])

    def _held(self) -> list[Constraint]:
        """Limits of the review's own: lines that were cut, lines that were topped up, money that is reserved."""
        wanted = self._wanted().sum(axis=1)
        found: list[Constraint] = []
        for index, line in enumerate(self.problem.lines):
            if line.reserve:
                amount = round(float(wanted[index]), 2)
                found.append(Bounds(name=f"{line.name} as planned", lines=line.name, min=amount, max=amount))
            elif (held := self.standings[index].held) is not None:
                name = f"{held.rule}: held since {held.since.isoformat()}"
                found.append(Bounds(name=name, lines=line.name, per="week", max=held.most))
        names = [line.name for line in self.problem.lines]
        for one in self.paid:
            least = round(float(wanted[names.index(one.line)]), 2)
            found.append(Bounds(name=f"{one.rule}: paid", lines=one.line, min=least))
        return found

    def _rest(self, wanted: Floats, held: Sequence[Constraint]) -> PlanProblem:
        extra = self.figures.extra_fen + sum(one.extra_fen for one in self.paid)
        streaks = [
            0 if self._is_waived(line) else int(standing.weak_weeks[-1])
            for line, standing in zip(self.problem.lines, self.standings, strict=False)
        ]
        reserves = [0] * (len(self.problem.lines) - len(streaks))
        in_force = self.figures.in_force.sum(axis=1) / 100
        past = Past(self.figures.spent, self._moved(), (*streaks, *reserves), extra / 100, in_force)
        rules = [self._rule_left(rule) for rule in self.problem.settings.rules]
        return remaining(
            self.problem,
            past,
            held=held,
            rules=[rule for rule in rules if rule is not None],
            windows={RELEASED: (0,)},
            previous=wanted,
        )

    def _is_waived(self, line: Line) -> bool:
        last = self.problem.weeks[self.figures.decided - 1]
        return any((one.line, one.week) == (line.name, last) for one in self.figures.waived)

    def _rule_left(self, rule: LogicRule) -> LogicRule | None:
        """The rule as the rest of the quarter has it."""
        match rule:
            case StrongRoiTopUp():
                # Its money is held until the window opens; from then on the reviews decide.
                window = self.problem.windows.get(rule.window, ())
                begun = not window or window[0] < self.figures.decided
                paid = any(one.rule == rule.name for one in (*self.figures.paid, *self.paid))
                return None if begun or paid else rule
            case ReserveRelease() if rule.visits_at_least is not None:
                if not any(action.rule == rule.name for action in self.fired):
                    return rule
                return rule.model_copy(update={"window": RELEASED, "visits_at_least": None})
            case _:
                return rule

    # the two plans

    def _kept(self, rest: PlanProblem, wanted: Floats, held: Sequence[Constraint]) -> tuple[Fen, PlanProblem]:
        """The plan that moves least, and the problem with the rules that it obeys."""
        try:
            return nearest_plan(rest, wanted), rest
        except Infeasible:
            rest, self.gave_way = made_possible(rest, held)
        try:
            return nearest_plan(rest, wanted), rest
        except Infeasible:
            # The review's own limits clash: what they leave over goes to the lines as they are, in proportion.
            self.gave_way = (*self.gave_way, GaveWay("", None, None))
            return proportional_fen(wanted, self.left_fen), rest

    def _best(self, rest: PlanProblem) -> Plan | None:
        try:
            found = make_plan(rest, self.request.options, ranges=False)
        except TimeLimitReached:
            return None
        return found if found.lines else None

    def _compare(self, rest: PlanProblem, kept: Fen, best: Plan | None) -> None:
        """What the best plan earns over the kept one, draw by draw."""
        if best is None:
            return
        theirs = rest.response.incremental(kept[: rest.responding].T / 100).sum(axis=1)
        ours = rest.response.incremental(_fen_of(best)[: rest.responding].T / 100).sum(axis=1)
        self.gain = interval(ours - theirs)
        self.prob_better = float((ours > theirs).mean())
        self.earns = float(theirs.mean())


def _fen_of(plan: Plan) -> Fen:
    return np.array([line.weekly_fen for line in plan.lines], dtype=np.int64)


def _changes(rest: PlanProblem, before: Floats, fen: Fen) -> tuple[Change, ...]:
    """Line by line: what the plan in force held for the weeks left, what the new one does, and what that is worth."""
    names = rest.responding
    gained = rest.response.incremental(fen[:names].T / 100) - rest.response.incremental(before[:names].T)
    return tuple(
        Change(
            line=line.name,
            before=float(before[index].sum()),
            after=float(fen[index].sum() / 100),
            gain=interval(gained[:, index]) if index < names else None,
        )
        for index, line in enumerate(rest.lines)
    )
