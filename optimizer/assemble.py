"""From a problem to an issued plan: solve, round, verify, and say what it earns and why."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from mmm.messages import joined
from mmm.problems import BudgetError, TimeLimitReached
from optimizer.conflict import Reasons, explain, feasible
from optimizer.constraints import CategoryShare
from optimizer.cuts import CutPool
from optimizer.effects import rule_reports
from optimizer.forward import Forward, play_forward
from optimizer.jumps import jump_prices
from optimizer.learning import worth_knowing
from optimizer.lines import is_named
from optimizer.logic import weak_weeks
from optimizer.objectives import line_margins
from optimizer.plan import (
    Comparison,
    Interval,
    LinePlan,
    Plan,
    PlanStatus,
    Proof,
    RuleValue,
)
from optimizer.planner import Infeasible, OnRound, Optimum, SolveOptions, optimise
from optimizer.prices import Key, limit_report, row_prices
from optimizer.problem import PlanProblem, Rulebook
from optimizer.program import build_decision
from optimizer.ranges import near_optimal_ranges
from optimizer.reasons import line_reasons
from optimizer.returns import expected_gain
from optimizer.risk import worst_mean
from optimizer.rounding import round_to_fen
from optimizer.safe import best_plan, last_mix
from optimizer.sentences import tell
from optimizer.unreachable import unreachable_shares
from optimizer.verify import Finding, broken, verify

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]

CLEARLY = 0.8  # probability from which on a plan is called better than another
ROUGH_DRAWS = 100
ROUGH_GAP = 1e-2
ROUGH_SECONDS = 10.0
INTERNAL_KINDS = {"sign", "reserve", "cut", "release", "recovery"}


class PlanRefused(BudgetError):
    """The finished plan broke one of its own rules; it is not issued."""


def make_plan(
    problem: PlanProblem,
    options: SolveOptions,
    on_round: OnRound = lambda _round, _gap: None,
    notes: Sequence[str] = (),
    *,
    pool: CutPool | None = None,
    ranges: bool = True,
    settle: bool = True,
    reasons: bool = True,
) -> Plan:
    """Find, round, verify and describe the plan.

    Parameters
    ----------
    problem : PlanProblem
    options : SolveOptions
    on_round : callable
        Told the round and the gap so far.
    notes : sequence of str
        Sentences the reader must see; the plan adds its own.
    pool : CutPool, optional
        Tangents of earlier plans on these curves to start from: a changed total or rule then solves warm.
    ranges : bool
        Look for near-optimal ranges and prices of counts, and play the quarter forward, which a scenario among many
        need not have.
    reasons : bool
        Say why every line gets what it gets, how the plan compares with last year and the mix of then, how likely weak
        weeks are, and what the reader must know of it.
    settle : bool
        Ask a rough plan how spend goes on afterwards (:func:`settled`); else it goes on as the problem says.

    Returns
    -------
    Plan
        With status infeasible, and the rules that clash, when no plan can obey all rules.

    Raises
    ------
    TimeLimitReached
        No plan that obeys every rule was found in time.
    PlanRefused
        The verifier found a broken rule.
    """
    began = time.monotonic()
    # The products here are small: more BLAS threads only cost time, and one makes the answer the same everywhere.
    with threadpool_limits(limits=1, user_api="blas"):
        problem = settled(problem) if settle else problem
        try:
            optimum = best_plan(problem, options, on_round, pool)
        except Infeasible as found:
            # Where the rules clash whatever the response, they are told apart without it, which is much faster.
            return rules_can_hold(problem) or _impossible(problem, explain(found.search.decision, found.search))
        except TimeLimitReached:
            if (clash := unreachable_shares(problem)) is None:
                raise
            return _impossible(problem, clash)
        fen = round_to_fen(optimum)
        findings = check(problem, fen)
        plan = _describe(problem, options, optimum, fen, findings, ranges=ranges, compared=reasons)
        if reasons:
            plan = _explained(problem, plan, fen, (*notes, *_notes(problem, options, optimum, fen / 100, plan)))
        goes_on = tuple(problem.response.after.tolist())
        status, proof = _status(optimum, options), _proof(problem, optimum, fen, began)
        return replace(plan, status=status, proof=proof, goes_on=goes_on)


def settled(problem: PlanProblem) -> PlanProblem:
    """The problem with spend going on, after the plan, at the weekly mean of a first rough plan.

    What the last weeks carry over is worth what it adds to the spend that follows. Were that spend lower than the
    plan's own, every plan would pile money into its last weeks. The rough plan needs few draws and no rules on ROI;
    where it cannot be made the problem stays as it is.
    """
    rough = replace(
        problem,
        held={},  # a plan that is edited or scored is seen in the same surroundings as the one it came from
        settings=problem.settings.on_spend().for_the_mean(),
        response=problem.response.thinned(ROUGH_DRAWS),
    )
    try:
        found = optimise(rough, SolveOptions(gap=ROUGH_GAP, seconds=ROUGH_SECONDS, branch=False))
    except (Infeasible, TimeLimitReached):
        return problem
    goes_on = found.spend[: problem.responding].mean(axis=1)
    return replace(problem, response=replace(problem.response, after=goes_on))


def followed(problem: PlanProblem, plan: Plan) -> PlanProblem:
    """The problem with spend going on as the plan made for it takes it to: settled without a rough plan."""
    if len(plan.goes_on) != problem.responding:
        return settled(problem)
    return replace(problem, response=replace(problem.response, after=np.array(plan.goes_on)))


def rules_can_hold(problem: Rulebook) -> Plan | None:
    """None when some plan obeys all rules; else the infeasible plan that says which clash. Needs no fitted response."""
    if feasible(build_decision(problem)):
        return None
    return _impossible(problem, explain(build_decision(problem)))


def expected_weekly(problem: PlanProblem, spend: Floats) -> Floats:
    """Expected GMV that falls in each plan week, carry-in included, array (line, week); zeros for reserve lines."""
    weekly = np.zeros(spend.shape)
    mean = problem.response.mean(spend[: problem.responding].T)
    weekly[: problem.responding] = mean[:, : spend.shape[1]]
    return weekly


def check(problem: PlanProblem, fen: Fen) -> tuple[Finding, ...]:
    """Hold a whole-fen plan against every rule, by the verifier that knows nothing of the solver.

    Raises
    ------
    PlanRefused
        When a rule is broken.
    """
    findings = findings_of(problem, fen)
    moved = [place for place, given in problem.held.items() if fen[place] != given]
    if moved:
        raise PlanRefused(f"the plan moved {len(moved)} of the cells it was to hold; please report this")
    faults = broken(findings)
    if faults:
        told = "\n".join(f"- {fault.sentence}" for fault in faults)
        raise PlanRefused(f"the plan breaks its own rules and is not issued; please report this:\n{told}")
    return findings


def findings_of(problem: PlanProblem, fen: Fen) -> tuple[Finding, ...]:
    """Every limit and what a whole-fen plan (line, week) makes of it."""
    weekly = expected_weekly(problem, fen / 100)
    return verify(
        problem.settings,
        problem.lines,
        problem.weeks,
        problem.total_fen,
        fen.tolist(),
        weekly,
        windows=problem.windows,
        previous=problem.previous,
        earned=expected_gain(problem, fen / 100),
    )


def interval(draws: Floats) -> Interval:
    """Mean and quantiles of draws."""
    p05, p50, p95 = np.quantile(draws, [0.05, 0.5, 0.95])
    return Interval(float(draws.mean()), float(p05), float(p50), float(p95))


def _impossible(problem: Rulebook, reasons: Reasons) -> Plan:
    """The plan that cannot be, with its reasons."""
    return Plan(
        status=PlanStatus.INFEASIBLE,
        quarter=problem.quarter,
        weeks=problem.weeks,
        currency=problem.currency,
        total_fen=problem.total_fen,
        lines=(),
        gmv=None,
        roi=None,
        profit=None,
        cvar=None,
        proof=None,
        constraints=(),
        rules=(),
        last_quarter_spend=None,
        last_quarter=None,
        pro_rata=None,
        notes=() if reasons.irreducible else (tell("note.not_narrowed"),),
        conflict=reasons.conflict,
        relaxation=reasons.relaxation,
    )


def _describe(
    problem: PlanProblem,
    options: SolveOptions,
    optimum: Optimum,
    fen: Fen,
    findings: Sequence[Finding],
    *,
    ranges: bool,
    compared: bool,
) -> Plan:
    """What a plan that was solved for does and earns."""
    prices = {**row_prices(optimum), **(jump_prices(problem, optimum, findings, options) if ranges else {})}
    reach = near_optimal_ranges(optimum) if ranges else None
    scored = _scored(problem, fen, findings, prices, reach, compared=compared)
    scored = _with_test_values(problem, with_forward(problem, scored, fen), fen) if ranges else scored
    return replace(scored, total_fen=problem.total_fen)


def _explained(problem: PlanProblem, plan: Plan, fen: Fen, notes: Sequence[str]) -> Plan:
    """The plan with a reason for every line, and its notes."""
    why = line_reasons(problem, fen / 100, plan.constraints, plan.rules)
    lines = tuple(replace(line, reason=reason) for line, reason in zip(plan.lines, why, strict=True))
    return replace(plan, lines=lines, notes=tuple(notes))


def _notes(problem: PlanProblem, options: SolveOptions, optimum: Optimum, spend: Floats, plan: Plan) -> list[str]:
    """Every sentence that the reader must see."""
    return [
        *_safe_note(problem, plan.pro_rata),
        *_pro_rata_note(problem, spend, plan.pro_rata),
        *_own_notes(problem, options, optimum, spend),
    ]


def _scored(
    problem: PlanProblem,
    fen: Fen,
    findings: Sequence[Finding],
    prices: Mapping[Key, float] | None = None,
    ranges: Sequence[tuple[float, float]] | None = None,
    *,
    compared: bool = True,
) -> Plan:
    """What can be said of any whole-fen plan, solved for or given."""
    spend = fen / 100
    gains = problem.response.incremental(spend[: problem.responding].T)
    total, spent = gains.sum(axis=1), float(spend.sum())
    goal = problem.settings.objective
    return Plan(
        status=PlanStatus.FEASIBLE,
        quarter=problem.quarter,
        weeks=problem.weeks,
        currency=problem.currency,
        total_fen=int(fen.sum()),
        lines=describe_lines(problem, fen, gains, ranges, weak=_weak_fortnight(problem, spend) if compared else {}),
        gmv=interval(total),
        roi=float(total.mean()) / spent if spent > 0 else None,
        profit=float(gains.mean(axis=0) @ line_margins(problem)) - spent if goal.margin else None,
        cvar=worst_mean(total, goal.cvar.level),
        prob_target=None if goal.target_gmv is None else float((total >= goal.target_gmv).mean()),
        proof=None,
        constraints=tuple(limit_report(problem, f, prices) for f in findings if f.kind not in INTERNAL_KINDS),
        rules=rule_reports(problem, spend, expected_weekly(problem, spend)),
        last_quarter_spend=float(sum(line.reference.sum() for line in problem.lines)),
        last_quarter=_against(problem, total, _last_year(problem)) if compared else None,
        pro_rata=_against(problem, total, last_mix(problem, spend)) if compared else None,
        notes=(),
    )


def with_forward(problem: PlanProblem, plan: Plan, fen: Fen) -> Plan:
    """The plan with what its logic rules will do to it in the quarters that may come."""
    found = play_forward(problem, fen / 100)
    if found is None:
        return plan
    names, has_cuts = problem.responding, bool(problem.settings.cuts)
    has_top_ups = any(rule.kind == "top_up" for rule in problem.settings.rules)
    lines = [
        replace(
            line,
            prob_cut=float(found.prob_cut[i]) if has_cuts else None,
            spend_after_cuts=float(found.spend_after[i]) if has_cuts else None,
            prob_top_up=float(found.prob_top_up[i]) if has_top_ups else None,
            topped_up=float(found.topped_up[i]) if has_top_ups else None,
        )
        for i, line in enumerate(plan.lines[:names])
    ]
    value = _rule_value(found) if has_cuts else None
    return replace(plan, lines=(*lines, *plan.lines[names:]), rule_value=value)


def _rule_value(found: Forward) -> RuleValue:
    saved = float(found.saved.mean())
    return RuleValue(
        gmv=interval(found.gmv),
        saved=interval(found.saved),
        lost_per_unit=-float(found.gmv.mean()) / saved if saved > 0 else None,
        paths=found.gmv.size,
    )


def _with_test_values(problem: PlanProblem, plan: Plan, fen: Fen) -> Plan:
    """The plan with what a test of each line would be worth."""
    values = worth_knowing(problem, fen / 100)
    tested = [replace(line, test_value=float(values[i])) for i, line in enumerate(plan.lines[: values.size])]
    return replace(plan, lines=(*tested, *plan.lines[values.size :]))


def _status(optimum: Optimum, options: SolveOptions) -> PlanStatus:
    if optimum.gap <= optimum.target:
        return PlanStatus.OPTIMAL
    unfinished = optimum.timed_out and optimum.search_gap > options.gap
    return PlanStatus.TIME_LIMIT if unfinished else PlanStatus.FEASIBLE


def _proof(problem: PlanProblem, optimum: Optimum, fen: Fen, began: float) -> Proof:
    """Objective of the rounded plan against the bound."""
    spend = fen / 100
    objective = optimum.search.value_of(spend)
    bound = max(optimum.bound, objective)
    return Proof(
        objective=objective,
        bound=bound,
        gap=(bound - objective) / max(abs(objective), 1e-300),
        rounds=optimum.rounds,
        draws=problem.response.curves.draws,
        solver="HiGHS",
        seconds=time.monotonic() - began,
    )


def describe_lines(
    problem: PlanProblem,
    fen: Fen,
    gains: Floats,
    ranges: Sequence[tuple[float, float]] | None,
    *,
    weak: Mapping[int, float],
) -> tuple[LinePlan, ...]:
    """What each line gets and earns; ``weak`` is the probability of a weak streak by line."""
    spend = fen / 100
    _, gradient = problem.response.mean_and_gradient(spend[: problem.responding].T)
    next_unit = gradient.sum(axis=1)
    described = []
    for index, line in enumerate(problem.lines):
        paid = float(spend[index].sum())
        gmv = None if line.reserve else gains[:, index]
        marginal = None
        if gmv is not None:
            weights = spend[index] / paid if paid > 0 else np.full(spend.shape[1], 1 / spend.shape[1])
            marginal = float(next_unit[index] @ weights)
        described.append(
            LinePlan(
                name=line.name,
                category=line.category,
                groups=line.groups,
                label=dict(line.label),
                reserve=line.reserve,
                weekly_fen=tuple(int(cell) for cell in fen[index]),
                history_spend=None if line.reserve else float(line.reference.sum()),
                gmv=None if gmv is None else interval(gmv),
                roi=interval(gmv / paid) if gmv is not None and paid > 0 else None,
                mroi=marginal,
                prob_weak=weak.get(index),
                near_optimal=ranges[index] if ranges else None,
                prior_only=line.prior_only,
            )
        )
    return tuple(described)


def _weak_fortnight(problem: PlanProblem, spend: Floats) -> dict[int, float]:
    """Probability, over the curves' uncertainty, that a line has a weak streak in the plan; by line."""
    found: dict[int, float] = {}
    if not problem.settings.cuts:
        return found
    weekly = problem.response.value(spend[: problem.responding].T)[:, :, : spend.shape[1]]
    for rule in problem.settings.cuts:
        for index, line in enumerate(problem.lines):
            if line.reserve or not is_named(line.name, rule.lines):
                continue
            weak = weak_weeks(rule, line, spend[index], weekly[:, index])
            if rule.weeks > weak.shape[1]:
                continue  # the plan is too short for a streak
            windows = np.lib.stride_tricks.sliding_window_view(weak, rule.weeks, axis=1)
            found[index] = max(found.get(index, 0.0), float(np.mean(np.any(np.all(windows, axis=2), axis=1))))
    return found


def _last_year(problem: PlanProblem) -> Floats:
    """Spend of the same weeks last year, array (line, week)."""
    return np.array([line.reference for line in problem.lines])


def _against(problem: PlanProblem, total: Floats, other: Floats) -> Comparison | None:
    """The plan against another, draw by draw; None when there is nothing to compare with."""
    if other.sum() <= 0:
        return None
    theirs = problem.response.incremental(other[: problem.responding].T).sum(axis=1)
    gain = total - theirs
    return Comparison(
        spend=float(other.sum()),
        gmv=interval(theirs),
        gmv_gain=interval(gain),
        prob_better=float((gain > 0).mean()),
    )


def _safe_note(problem: PlanProblem, pro_rata: Comparison | None) -> list[str]:
    """How safe a plan is that was asked to be, and how sure that is."""
    safe = problem.settings.objective.safe
    if safe is None or pro_rata is None:
        return []
    chance, draws = pro_rata.prob_better, problem.response.curves.draws
    error = (chance * (1 - chance) / draws) ** 0.5
    kept = chance >= safe.probability
    held = tell("note.safe.kept") if kept else tell("note.safe.short", probability=safe.probability)
    return [tell("note.safe", chance=chance, held=held, draws=draws, error=error)]


def _pro_rata_note(problem: PlanProblem, spend: Floats, pro_rata: Comparison | None) -> list[str]:
    """Which rules last year's mix would break, where the plan is not clearly better than it."""
    if pro_rata is None or pro_rata.prob_better >= CLEARLY:
        return []
    mix = last_mix(problem, spend)
    reserved = np.array([line.reserve for line in problem.lines])
    mix[reserved] = spend[reserved]
    faults = broken(findings_of(problem, np.rint(mix * 100).astype(np.int64)))
    names = dict.fromkeys(fault.name for fault in faults if fault.kind not in {"total", "reserve", "sign"})
    gain = pro_rata.gmv_gain
    told = tell("note.pro_rata", mean=gain.mean, low=gain.p05, high=gain.p95, currency=problem.currency)
    return [joined("sentences", (told, tell("note.pro_rata.breaks", names=list(names))))] if names else [told]


def _own_notes(problem: PlanProblem, options: SolveOptions, optimum: Optimum, spend: Floats) -> list[str]:
    """What the reader must know of this plan."""
    notes: list[str] = []
    if optimum.gap > max(options.gap, optimum.target):
        # A share of next to nothing says nothing.
        left = optimum.bound - optimum.objective
        notes.append(
            tell("note.hulls", above=optimum.gap)
            if optimum.gap < 1
            else tell("note.hulls.money", above=left, currency=problem.currency)
        )
    shares = [c.share for c in problem.settings.constraints if isinstance(c, CategoryShare) and c.share is not None]
    if len(shares) > 1 and abs(sum(shares) - 1) < 1e-9:
        notes.append(tell("note.shares"))
    if not all(line.has_reference for line in problem.lines if not line.reserve):
        notes.append(tell("note.history"))
    prior_only = [line.name for line in problem.lines if line.prior_only]
    if prior_only:
        notes.append(tell("note.prior", names=prior_only))
    history = problem.response.curves.spend.max(axis=0)
    beyond = [
        line.name
        for index, line in enumerate(problem.lines[: problem.responding])
        if spend[index].max() > 1.05 * history[index] and not line.prior_only
    ]
    if beyond:
        notes.append(tell("note.beyond", names=beyond))
    last = problem.response.curves.weeks[-1]
    if (problem.weeks[0] - last).days > 7:
        notes.append(tell("note.data_end", week=last.isoformat()))
    return notes


def evaluate_plan(problem: PlanProblem, fen: Fen, notes: Sequence[str] = ()) -> tuple[Plan, tuple[Finding, ...]]:
    """Score a given plan, array (line, week) of fen, and hold it against every rule."""
    plan, findings = score(settled(problem), fen)
    return replace(plan, notes=tuple(notes)), findings


def score(problem: PlanProblem, fen: Fen) -> tuple[Plan, tuple[Finding, ...]]:
    """Score a given plan of a settled problem, as :func:`evaluate_plan` does of any."""
    with threadpool_limits(limits=1, user_api="blas"):
        findings = findings_of(problem, fen)
        return _scored(problem, fen, findings), findings
