"""What the logic rules will do to a plan: quarters drawn from the posterior, the rules firing week by week in each.

A plan obeys the rules on projected ROI. The quarter will show other numbers: each draw of the curves is a market that
may be the true one, and weekly attributed ROI scatters about it as it did in history. In every path each week's ROI is
held against the threshold; a full streak caps the next week's spend, and what the line had planned afterwards shrinks
in proportion, until enough strong weeks in a row give back what recovery restores. Money that is cut stays unspent. The
same paths without the rule say what the rule is worth. Top-ups are paid once in each path, on the ROI of the window's
weeks so far, as far as the reserve holds money; they are told apart from what the cuts do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmm.curves import WindowResponse
from optimizer.lines import Line, is_named
from optimizer.problem import YEAR_WEEKS, PlanProblem
from optimizer.rules import StrongRoiTopUp, WeakRoiCut
from optimizer.standing import payers_of, recovery_of

Floats = npt.NDArray[np.float64]

DRAWS = 1000  # of the posterior, at most
PATHS = 2000  # about so many quarters in all
FEWEST_WEEKS = 8  # of attributed GMV, to judge its scatter by
CUT_AT_ALL = 1e-6  # of the line's money: less is rounding
USUAL_SCATTER = 0.15  # log sd of weekly attributed GMV where history is too short to tell


@dataclass(frozen=True, slots=True)
class Forward:
    """What the rules do, over all paths.

    Attributes
    ----------
    prob_cut, spend_after : array (name,)
        Probability that a cut takes money from the line within the plan; expected spend after cuts and recoveries,
        currency.
    prob_top_up, topped_up : array (name,)
        Probability that the line gets a top-up, and the money expected of it, currency.
    gmv, saved : array (path,)
        GMV that the cuts add (mostly take away) in currency, and money that they leave unspent.
    """

    prob_cut: Floats
    spend_after: Floats
    prob_top_up: Floats
    topped_up: Floats
    gmv: Floats
    saved: Floats


def play_forward(problem: PlanProblem, spend: Floats, seed: int = 1) -> Forward | None:
    """Play a plan (line, week) in currency through the quarters that may come; None without a cut or top-up rule."""
    boosts = [rule for rule in problem.settings.rules if isinstance(rule, StrongRoiTopUp)]
    if not problem.settings.cuts and not boosts:
        return None
    response = problem.response.thinned(DRAWS)
    repeats = max(1, PATHS // response.curves.draws)
    rng = np.random.default_rng(seed)
    paths, names = response.curves.draws * repeats, problem.responding
    prob_cut, after, prob_top_up, topped_up = (
        np.zeros(names),
        spend[:names].sum(axis=1),
        np.zeros(names),
        np.zeros(names),
    )
    gmv, saved = np.zeros(paths), np.zeros(paths)
    reserves = {rule.name: np.zeros(paths) for rule in boosts}  # paid so far
    for name, line in enumerate(problem.lines[:names]):
        acting = [rule for rule in problem.settings.cuts if is_named(line.name, rule.lines)]
        boosting = [rule for rule in boosts if is_named(line.name, rule.lines)]
        if not (acting or boosting) or not spend[name].any():
            continue
        scatter = attributed_scatter(response, name)
        noise = np.exp(scatter * rng.standard_normal((paths, spend.shape[1])) - scatter**2 / 2)
        held = _held(problem, response, name, acting, spend[name], noise)
        gone = spend[name].sum() - held.sum(axis=1)
        planned = np.broadcast_to(spend[name], held.shape)
        gmv += earned(response, name, held) - earned(response, name, planned)
        saved += gone
        prob_cut[name] = float((held < planned * (1 - CUT_AT_ALL)).any(axis=1).mean())
        after[name] = float(held.sum(axis=1).mean())
        for rule in boosting:
            paid = _topped(problem, response, name, rule, held, noise, spend, reserves[rule.name])
            reserves[rule.name] += paid if rule.from_ == "reserve" else 0.0
            prob_top_up[name] = max(prob_top_up[name], float((paid > 0).mean()))
            topped_up[name] += float(paid.mean())
    return Forward(prob_cut, after, prob_top_up, topped_up, gmv, saved)


def _topped(
    problem: PlanProblem,
    response: WindowResponse,
    name: int,
    rule: StrongRoiTopUp,
    held: Floats,
    noise: Floats,
    spend: Floats,
    taken: Floats,
) -> Floats:
    """Money that a top-up pays a line in every path, array (path,): once, while its window is open."""
    line, window = problem.lines[name], sorted(problem.windows.get(rule.window, ()))
    paid, spent, shown = (np.zeros(held.shape[0]) for _ in range(3))
    payers = payers_of(problem, rule)
    for week in window:
        if week + 1 >= spend.shape[1]:
            break  # nothing is left to pay it in
        spent += held[:, week]
        shown += _seen(response, name, line, rule.roi, held, noise, week)
        left = np.full(paid.size, np.inf)
        if rule.from_ == "reserve":
            left = np.maximum(spend[payers, week + 1 :].sum() - taken, 0.0)
        strong = (paid == 0.0) & (spent > 0) & (shown >= rule.threshold(line) * spent)
        paid = np.where(strong, np.minimum(rule.add, left), paid)
    return paid


def _seen(
    response: WindowResponse, name: int, line: Line, basis: str, spend: Floats, noise: Floats, week: int
) -> Floats:
    """GMV of a week as the rule sees it, array (path,), on the scale of modelled GMV."""
    gmv = _weekly(response, name, spend, week)
    return np.asarray(gmv * noise[:, week] if basis == "attributed" and line.attributed_ratio else gmv)


def attributed_scatter(response: WindowResponse, name: int) -> float:
    """Log sd of weekly attributed over modelled GMV, over the last year of data."""
    attributed, modelled = (each[-YEAR_WEEKS:, name] for each in (response.curves.attributed, response.curves.modelled))
    known = (attributed > 0) & (modelled > 0)
    if known.sum() < FEWEST_WEEKS:
        return USUAL_SCATTER
    return float(np.log(attributed[known] / modelled[known]).std(ddof=1))


def earned(response: WindowResponse, name: int, spend: Floats) -> Floats:
    """GMV of one line in the plan's weeks and the tail, array (path,), at a spend (path, week) of every path."""
    return np.asarray(np.sum([_weekly(response, name, spend, week) for week in range(response.span)], axis=0))


def _weekly(response: WindowResponse, name: int, spend: Floats, week: int) -> Floats:
    """GMV of one line in one week, array (path,); paths run through the draws over and over."""
    curves, (paths, weeks) = response.curves, spend.shape
    repeats = paths // curves.draws
    weights = np.tile(response.by_name[name], (repeats, 1))
    stock = np.zeros(paths)
    for lag in range(curves.max_lag + 1):
        at = week - lag
        if at < 0:
            paid: Floats | float = float(response.carry_in[at, name])
        else:
            paid = spend[:, at] if at < weeks else float(response.after[name])
        stock += weights[:, lag] * paid
    family, shape = curves.family(name)
    each = tuple(np.tile(part[:, 0], repeats) for part in shape)
    level = family.level(stock / curves.reference[name], *each, np)
    return np.asarray(np.tile(response.scale[name][:, week], repeats) * level)


def _held(
    problem: PlanProblem,
    response: WindowResponse,
    name: int,
    rules: Sequence[WeakRoiCut],
    plan: Floats,
    noise: Floats,
) -> Floats:
    """Spend of every path once cuts and recoveries have acted, array (path, week)."""
    line, paths = problem.lines[name], noise.shape[0]
    spend = np.tile(plan, (paths, 1))
    weak = {rule.name: np.full(paths, line.weak_weeks) for rule in rules}
    strong = {rule.name: np.zeros(paths) for rule in rules}
    share = {rule.name: np.ones(paths) for rule in rules}  # of the plan that a rule leaves
    for week in range(plan.size - 1):
        for rule in rules:
            seen, paid = _seen(response, name, line, rule.roi, spend, noise, week), spend[:, week]
            back, threshold = recovery_of(problem, rule), rule.threshold(line)
            again = threshold * (back.roi_at_least or 0.0) / (line.weak_roi or rule.roi_below) or threshold
            is_weak, is_strong = (paid > 0) & (seen < threshold * paid), (paid > 0) & (seen >= again * paid)
            weak[rule.name] = np.where(is_weak, weak[rule.name] + 1, 0)
            strong[rule.name] = np.where(is_strong, strong[rule.name] + 1, 0)
            most = np.where(weak[rule.name] >= rule.weeks, (1 - rule.cut) * paid, np.inf)
            planned = spend[:, week + 1]
            left = np.divide(np.minimum(planned, most), planned, out=np.ones_like(planned), where=planned > 0)
            earned_back = (strong[rule.name] >= back.weeks) & (share[rule.name] < 1)
            given = np.where(earned_back, back.restore * (1 - share[rule.name]), 0.0)
            share[rule.name] = share[rule.name] * left + given
            spend[:, week + 1 :] = plan[week + 1 :] * np.prod(list(share.values()), axis=0)[:, None]
    return spend
