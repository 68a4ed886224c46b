"""The plan as a value: what was decided, what it is expected to earn, and how good it is proven to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Literal

Verdict = Literal["wins", "loses", "keeps"]
Cause = Literal["earns_more", "earns_less", "alike", "cut", "held_up", "held_down", "rules", "reserved"]
Basis = Literal["last_year", "previous"]


class PlanStatus(Enum):
    """How the search ended; each member carries a sentence and a cure."""

    OPTIMAL = ("optimal", "The plan is proven best within the stated gap.", "")
    FEASIBLE = (
        "feasible",
        "The plan obeys every rule; the bound shows how much better a plan could be at most.",
        "Some response draws are S-shaped, so the bound is not tight. The gap printed is the honest one.",
    )
    INFEASIBLE = (
        "infeasible",
        "No plan can obey all rules at once.",
        "Relax one of the rules listed, as proposed.",
    )
    TIME_LIMIT = (
        "time_limit",
        "The time limit came before a plan was proven.",
        "Raise --time-limit, or accept a larger gap with --gap.",
    )

    @property
    def word(self) -> str:
        """The word used in plan.json."""
        return self.value[0]

    @property
    def sentence(self) -> str:
        """What the status means."""
        return self.value[1]

    @property
    def cure(self) -> str:
        """What to do about it; empty when nothing needs doing."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean and quantiles over posterior draws."""

    mean: float
    p05: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line has the money it has.

    Attributes
    ----------
    verdict : str
        Whether it wins, loses or keeps money against ``before``.
    cause : str
        What decides: its next yuan earns more (less) than the others' did at ``before``; a weak-ROI cut; rules hold it
        up (down) though its next yuan earns less (more) than the others'; other rules; or it is reserved.
    basis : str
        What ``before`` is: the plan that is replaced, or last year's mix scaled to this plan's money.
    before, after : float
        Currency.
    next_before, others_before : float or None
        What one more unit of money earned at ``before``: on this line, and on the other lines on average.
    next_after, others_after : float or None
        The same in this plan.
    rules : tuple of str
        Names of the rules that hold it.
    """

    verdict: Verdict
    cause: Cause
    basis: Basis
    before: float
    after: float
    next_before: float | None
    others_before: float | None
    next_after: float | None
    others_after: float | None
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One budget line.

    Attributes
    ----------
    name, category : str
        Identity in the project file.
    groups : tuple of str
    label : mapping of language to name to show
    reserve : bool
        Money without a response (tools, elastic cost): ``gmv``, ``roi``, ``mroi`` are then None.
    weekly_fen : tuple of int
        Spend per week in fen (cents).
    history_spend : float or None
        Currency spent in the same weeks last year; None where history does not reach.
    gmv, roi : Interval or None
        Incremental GMV of the planned spend (currency, carry-over tail included) and GMV per unit of spend.
    mroi : float or None
        What the next unit of spend earns, spread over the weeks like the plan.
    prob_weak : float or None
        Probability of two weak weeks in a row; None without a weak-ROI rule on the line.
    near_optimal : (low, high) or None
        Spends of the line among plans within 1% of the best.
    prior_only : bool
        The line has too little history; its curve is its prior.
    reason : Reason or None
        Why it has this money; None in a plan that was not solved for.
    prob_cut : float or None
        Probability that the weak-ROI rule takes money from the line during the plan; None where it was not simulated.
    spend_after_cuts : float or None
        Expected spend once the rule and its recovery have acted, currency.
    prob_top_up, topped_up : float or None
        Probability that the line gets a top-up, and the money expected of it, currency; None without such a rule.
    test_value : float or None
        GMV that knowing the line's true response would earn in this plan, currency; None where it was not asked for.
    """

    name: str
    category: str | None
    groups: tuple[str, ...]
    label: dict[str, str]
    reserve: bool
    weekly_fen: tuple[int, ...]
    history_spend: float | None
    gmv: Interval | None
    roi: Interval | None
    mroi: float | None
    prob_weak: float | None
    near_optimal: tuple[float, float] | None
    prior_only: bool
    reason: Reason | None = None
    prob_cut: float | None = None
    spend_after_cuts: float | None = None
    prob_top_up: float | None = None
    topped_up: float | None = None
    test_value: float | None = None

    @property
    def spend_fen(self) -> int:
        """Spend over the horizon in fen."""
        return sum(self.weekly_fen)


@dataclass(frozen=True, slots=True)
class ConstraintReport:
    """One row of business logic as the plan leaves it.

    ``value`` and ``limit`` are in ``unit`` (the currency, "share", "roi", "cost", "lines" or "weeks"); ``price`` is
    what one unit of ``price_unit`` more of the limit would add to the objective, None when the solver gives none.
    ``part`` is which of the rule's own limits it is, where it has several. A ``soft`` rule may be beyond its limit, by
    ``violation`` in ``unit``.
    """

    name: str
    kind: str
    line: str | None
    sense: str  # "<=", ">=", "=="
    value: float
    limit: float
    unit: str
    binding: bool
    price: float | None
    price_unit: str | None
    part: str = ""
    soft: bool = False
    violation: float = 0.0


@dataclass(frozen=True, slots=True)
class RuleReport:
    """A logic rule: whether it acts in this plan, on which lines, and what it did."""

    name: str
    kind: str
    fired: bool
    lines: tuple[str, ...]
    effect: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Objective of the plan, the bound no plan can pass, and how they were found."""

    objective: float
    bound: float
    gap: float
    rounds: int
    draws: int
    solver: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Conflict:
    """One of the rules that cannot hold together."""

    name: str
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The least change of one rule that makes a plan possible, all others kept."""

    name: str
    from_: float
    to: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The plan against another division of the same money, on paired draws."""

    spend: float
    gmv: Interval
    gmv_gain: Interval
    prob_better: float


@dataclass(frozen=True, slots=True)
class RuleValue:
    """What the weak-ROI rule is worth: quarters that may come, played with it and without it.

    Attributes
    ----------
    gmv : Interval
        GMV that the rule adds; it mostly takes some away.
    saved : Interval
        Money that it leaves unspent.
    lost_per_unit : float or None
        GMV lost per unit of money saved: what the money that is cut would have earned. None when nothing is cut.
    paths : int
        Quarters played.
    """

    gmv: Interval
    saved: Interval
    lost_per_unit: float | None
    paths: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A division of the budget by line and week.

    ``prob_target`` is the probability of reaching the GMV target, where there is one. ``notes`` are plain sentences
    the reader must see: which reference weeks were used, which gap is honest, which channel says nothing.
    ``goes_on`` is the weekly spend of each responding line that the plan takes to follow it, currency.
    """

    status: PlanStatus
    quarter: str
    weeks: tuple[date, ...]
    currency: str
    total_fen: int
    lines: tuple[LinePlan, ...]
    gmv: Interval | None
    roi: float | None
    profit: float | None
    cvar: float | None
    proof: Proof | None
    constraints: tuple[ConstraintReport, ...]
    rules: tuple[RuleReport, ...]
    last_quarter_spend: float | None
    last_quarter: Comparison | None
    pro_rata: Comparison | None
    notes: tuple[str, ...]
    conflict: tuple[Conflict, ...] = ()
    relaxation: tuple[Relaxation, ...] = ()
    prob_target: float | None = None
    rule_value: RuleValue | None = None
    goes_on: tuple[float, ...] = ()
