"""The policy lab: whole quarters played on markets with known truth, under one weekly policy and another.

Every quarter takes one posterior draw as its truth; the plan knows the posterior alone, so it is as wrong as the data
leave it. Platforms count with noise, their claims drift, and shocks and surges come that no plan foresaw. A policy sees
what a department sees: spend and attributed GMV of each week. All policies see the same quarters and the same luck.

Planning within the lab divides each budget category's money among its lines by equal marginal return, in the issued
plan's weekly shape: the planner's answer but for the finer rules, at a speed that allows thousands of plans. Every
policy begins with that division, so that none gains from mending the plan it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from optimizer.division import divide, flighted, in_proportion, limits
from optimizer.problem import PlanProblem
from optimizer.quarters import Curves, Quarters
from optimizer.rules import WeakRoiCut
from optimizer.surprise import attribution_noise

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BELIEF_DRAWS = 12
SHOCK_CHANCE, SHOCK_EFFECT, SHOCK_WEEKS = 0.25, (0.4, 0.8), (3, 9)
SURGE_CHANCE, SURGE_EFFECT, SURGE_WEEKS = 0.15, (1.2, 1.7), (1, 4)
CLAIM_SD = 0.15  # log-scale drift of a platform's claims, by line and quarter
LEARN_SD = 0.15  # log-scale change of a line's effect a week that a learning re-plan reckons with


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done each week.

    Attributes
    ----------
    key, value : str
        What sets it apart: a kind, and the number that was changed.
    cut : WeakRoiCut or None
        The rule, with its threshold, length and size.
    factor : float
        Multiplies the threshold of every line, those with a threshold of their own included.
    replan : str
        When the weeks left are divided anew: ``never`` (a cut line's money goes to its category in proportion),
        ``cut`` (after every cut and recovery), ``weekly``.
    learn : bool
        Re-planning corrects each line's curve by what attribution has shown, as a weekly re-fit would.
    """

    key: str
    value: str = ""
    cut: WeakRoiCut | None = None
    factor: float = 1.0
    replan: Literal["never", "cut", "weekly"] = "cut"
    learn: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """What a policy earned.

    Attributes
    ----------
    policy : Policy
    gmv : array (quarter,)
        True incremental GMV of the quarter's spend, currency.
    best : array (quarter,)
        The same of the clairvoyant plan: true curves, shocks foreseen, same limits.
    cuts, false_cuts, missed_cuts : array (quarter,)
        Cuts made; those that the true ROI, without the platform's noise, did not call for; and those that it called
        for and that were not made.
    """

    policy: Policy
    gmv: Floats
    best: Floats
    cuts: Ints
    false_cuts: Ints
    missed_cuts: Ints

    @property
    def regret(self) -> Floats:
        """Share of the clairvoyant plan's GMV that was missed, array (quarter,)."""
        return np.asarray(1 - self.gmv / self.best)


def standard_policies(rule: WeakRoiCut) -> tuple[Policy, ...]:
    """The rule as it is, without it, and with one thing changed at a time."""

    def changed(**fields: object) -> WeakRoiCut:
        return rule.model_copy(update=fields)

    factors = (0.625, 0.75, 0.875, 1.125, 1.25)
    sizes = (size for size in (0.1, 0.2, 0.4, 0.6) if abs(size - rule.cut) > 1e-9)
    return (
        Policy("none"),
        Policy("rule", cut=rule),
        Policy("proportion", cut=rule, replan="never"),
        *(Policy("threshold", f"1:{factor * rule.roi_below:g}", rule, factor) for factor in factors),
        *(Policy("weeks", str(weeks), changed(weeks=weeks)) for weeks in (1, 2, 3, 4) if weeks != rule.weeks),
        *(Policy("size", f"{size:.0%}", changed(cut=size)) for size in sizes),
        Policy("weekly_blind", replan="weekly"),
        Policy("weekly", replan="weekly", learn=True),
        Policy("weekly_rule", cut=rule, replan="weekly", learn=True),
    )


def make_quarters(problem: PlanProblem, plan: Floats, count: int, seed: int) -> Quarters:
    """Draw a batch of quarters.

    Parameters
    ----------
    problem : PlanProblem
    plan : array (line, week)
        Currency, as planned.
    count, seed : int
    """
    rng = np.random.default_rng([seed, 11])
    names, weeks, span = problem.responding, len(problem.weeks), problem.response.span
    draws = problem.response.curves.draws
    noise = np.array([attribution_noise(problem, index) for index in range(names)])
    ratio = np.array([line.attributed_ratio or 1.0 for line in problem.lines[:names]])
    claim = ratio * np.exp(CLAIM_SD * rng.standard_normal((count, names)))
    weekly = np.exp(noise[:, None] * rng.standard_normal((count, names, weeks)))
    effect = np.ones((count, names, span))
    for chance, size, length in (
        (SHOCK_CHANCE, SHOCK_EFFECT, SHOCK_WEEKS),
        (SURGE_CHANCE, SURGE_EFFECT, SURGE_WEEKS),
    ):
        effect *= _spells(rng, (count, names, span), weeks, chance, size, length)
    belief = np.linspace(0, draws - 1, min(draws, BELIEF_DRAWS)).astype(np.int64)
    batch = Quarters(
        problem=problem,
        plan=plan[:names].T,
        start=plan[:names].T,
        truth=Curves.of(problem, rng.integers(draws, size=count)),
        belief=Curves.of(problem, belief),
        effect=effect,
        claimed=claim[:, :, None] * weekly,
        claim=claim,
    )
    return replace(batch, start=_start(batch))


def _start(quarters: Quarters) -> Floats:
    """The issued plan's money divided the lab's way by the belief, array (week, name): the same in every quarter."""
    one = quarters.subset(np.zeros(1, dtype=np.int64))
    spend, free = quarters.plan[None], np.full((1, quarters.plan.shape[1]), np.inf)
    allowed = limits(one, spend, free, 0)
    totals = divide(one, one.belief, spend, allowed, 0, np.ones((1, quarters.plan.shape[1], 1)))
    return np.asarray(flighted(one, spend, totals, free, 0)[0])


def _spells(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    weeks: int,
    chance: float,
    size: tuple[float, float],
    length: tuple[int, int],
) -> Floats:
    """At most one spell a line and quarter, as a multiplier of its effect."""
    hit = rng.random(shape[:2]) < chance
    start, lasts = rng.integers(weeks, size=shape[:2]), rng.integers(*length, size=shape[:2])
    factor = rng.uniform(*size, size=shape[:2])
    at = np.arange(shape[2])
    inside = (at >= start[:, :, None]) & (at < (start + lasts)[:, :, None]) & hit[:, :, None]
    return np.where(inside, factor[:, :, None], 1.0)


# A quarter under a policy ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _State:
    """Where every quarter of the batch stands; arrays (quarter, ...)."""

    spend: Floats
    cap: Floats
    weak: Ints
    strong: Ints
    truly_weak: Ints
    shift: Floats
    trust: Floats
    cuts: Ints
    false_cuts: Ints
    missed_cuts: Ints
    thresholds: Floats


def play_policy(quarters: Quarters, policy: Policy, best: Floats) -> Played:
    """Play every quarter under a policy; ``best`` (quarter,) is what the clairvoyant plan earns."""
    state = _opening(quarters, policy)
    for week in range(quarters.weeks):
        claims = quarters.true_gmv(state.spend)[:, :, week]
        changed = _judge(quarters, policy, state, week, claims) if policy.cut else np.zeros(quarters.count, np.bool_)
        if policy.learn:
            _learn(quarters, state, week, claims)
        if week + 1 < quarters.weeks:
            _go_on(quarters, policy, state, week + 1, changed)
    earned = quarters.earned(state.spend)
    return Played(policy, earned, best, state.cuts, state.false_cuts, state.missed_cuts)


def _opening(quarters: Quarters, policy: Policy) -> _State:
    lines = quarters.problem.lines[: quarters.problem.responding]
    shape = (quarters.count, len(lines))
    rule = policy.cut
    named = np.array([policy.factor * rule.observed_threshold(line) if rule else 0.0 for line in lines])
    before = np.array([line.weak_weeks for line in lines]) if rule and policy.factor == 1.0 else np.zeros(len(lines))
    streak = np.broadcast_to(before, shape).astype(np.int64)
    nothing = np.zeros(quarters.count, dtype=np.int64)
    return _State(
        spend=np.broadcast_to(quarters.start, (quarters.count, *quarters.plan.shape)).copy(),
        cap=np.full(shape, np.inf),
        weak=streak.copy(),
        strong=np.zeros(shape, dtype=np.int64),
        truly_weak=streak.copy(),
        shift=np.zeros(shape),
        trust=np.full(shape, CLAIM_SD**2),
        cuts=nothing.copy(),
        false_cuts=nothing.copy(),
        missed_cuts=nothing.copy(),
        thresholds=named,
    )


def _judge(quarters: Quarters, policy: Policy, state: _State, week: int, claims: Floats) -> Flags:
    """Cut and release lines by the week's attributed ROI; returns the quarters in which something changed."""
    rule = policy.cut
    if rule is None:
        return np.zeros(quarters.count, dtype=np.bool_)
    paid = state.spend[:, week]
    wanted = state.thresholds * paid
    weak = (paid > 0) & (claims * quarters.claimed[:, :, week] < wanted)
    truly = (paid > 0) & (claims * quarters.claim < wanted)
    state.weak = np.where(weak, state.weak + 1, 0)
    state.strong = np.where(~weak & (paid > 0), state.strong + 1, 0)
    state.truly_weak = np.where(truly, state.truly_weak + 1, 0)
    cut, due = state.weak >= rule.weeks, state.truly_weak >= rule.weeks
    state.cuts += cut.sum(axis=1)
    state.false_cuts += (cut & ~due).sum(axis=1)
    state.missed_cuts += (due & ~cut).sum(axis=1)
    back = np.isfinite(state.cap) & (state.strong >= rule.weeks) & ~cut
    state.cap = np.where(cut, np.minimum(state.cap, (1 - rule.cut) * paid), np.where(back, np.inf, state.cap))
    return np.asarray((cut | back).any(axis=1))


def _learn(quarters: Quarters, state: _State, week: int, claims: Floats) -> None:
    """Follow the log of each line's effect on the platform's scale by what it claims (a local-level filter)."""
    names = quarters.problem.responding
    expected = np.stack([_believed(quarters, state.spend, name)[:, week] for name in range(names)], axis=1) * _ratios(
        quarters
    )
    noise = np.array([attribution_noise(quarters.problem, index) for index in range(names)]) ** 2
    prior = state.trust + LEARN_SD**2
    gain = prior / (prior + noise)
    seen = claims * quarters.claimed[:, :, week]
    good = (seen > 0) & (expected > 0) & (state.spend[:, week] > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(good, np.log(seen / expected), state.shift) - state.shift
    state.shift = state.shift + gain * away
    state.trust = np.where(good, (1 - gain) * prior, prior)


def _ratios(quarters: Quarters) -> Floats:
    lines = quarters.problem.lines[: quarters.problem.responding]
    return np.array([line.attributed_ratio or 1.0 for line in lines])


def _believed(quarters: Quarters, spend: Floats, name: int) -> Floats:
    """Expected GMV of one line by the belief, array (quarter, span)."""
    stock = quarters.belief.carry(name, quarters.lags(spend)[:, name])
    return np.asarray((quarters.belief.level(name, stock) * quarters.belief.scale[:, name].T).mean(axis=-1))


def _go_on(quarters: Quarters, policy: Policy, state: _State, week: int, changed: Flags) -> None:
    """The weeks left after a judged week: as planned, in proportion, or divided anew."""
    if policy.replan == "weekly":
        changed = np.ones_like(changed)
    rows = np.flatnonzero(changed)
    if not rows.size:
        return
    chosen = quarters.subset(rows)
    worth = np.exp(state.shift[rows]) if policy.learn else np.ones((rows.size, quarters.plan.shape[1]))
    allowed = limits(chosen, state.spend[rows], state.cap[rows], week)
    if policy.replan == "never":
        totals = in_proportion(chosen, state.spend[rows], allowed, week)
    else:
        totals = divide(chosen, chosen.belief, state.spend[rows], allowed, week, worth[:, :, None])
    state.spend[rows] = flighted(chosen, state.spend[rows], totals, state.cap[rows], week)


def clairvoyant(quarters: Quarters) -> Floats:
    """What the plan earns that knows the true curves and every shock, under the lab's limits; array (quarter,)."""
    spend = np.broadcast_to(quarters.plan, (quarters.count, *quarters.plan.shape)).copy()
    free = np.full((quarters.count, spend.shape[2]), np.inf)
    allowed = limits(quarters, spend, free, 0)
    totals = divide(quarters, quarters.truth, spend, allowed, 0, quarters.effect, paired=True)
    return quarters.earned(flighted(quarters, spend, totals, free, 0))


def run_lab(problem: PlanProblem, plan: Floats, policies: Sequence[Policy], count: int, seed: int) -> list[Played]:
    """Play every policy on the same quarters."""
    quarters = make_quarters(problem, plan, count, seed)
    best = clairvoyant(quarters)
    return [play_policy(quarters, policy, best) for policy in policies]
