"""What the weak-ROI rule will do to a plan: quarters drawn from the posterior, the rule firing week by week in each.

A plan obeys the rule on projected ROI. The quarter will show other numbers: each draw of the curves is a market that
may be the true one, and weekly attributed ROI scatters about it as it did in history. In every path each week's ROI is
held against the threshold; a full streak caps the next week's spend, and what the line had planned afterwards shrinks
in proportion. Money that is cut stays unspent. The same paths without the rule say what the rule is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmm.curves import WindowResponse
from optimizer.lines import Line, is_named
from optimizer.problem import YEAR_WEEKS, PlanProblem
from optimizer.rules import WeakRoiCut

Floats = npt.NDArray[np.float64]

DRAWS = 1000  # of the posterior, at most
PATHS = 2000  # about so many quarters in all
FEWEST_WEEKS = 8  # of attributed GMV, to judge its scatter by
CUT_AT_ALL = 1e-6  # of the line's money: less is rounding
USUAL_SCATTER = 0.15  # log sd of weekly attributed GMV where history is too short to tell


@dataclass(frozen=True, slots=True)
class Forward:
    """What the rule does, over all paths.

    Attributes
    ----------
    prob_cut, spend_after : array (name,)
        Probability that the rule takes money from the line within the plan; expected spend in currency.
    gmv, saved : array (path,)
        GMV that the rule adds (mostly takes away) in currency, and money that it leaves unspent.
    """

    prob_cut: Floats
    spend_after: Floats
    gmv: Floats
    saved: Floats


def play_forward(problem: PlanProblem, spend: Floats, seed: int = 1) -> Forward | None:
    """Play a plan (line, week) in currency through the quarters that may come; None without a weak-ROI rule."""
    rules = problem.settings.cuts
    if not rules:
        return None
    response = problem.response.thinned(DRAWS)
    repeats = max(1, PATHS // response.curves.draws)
    rng = np.random.default_rng(seed)
    paths, names = response.curves.draws * repeats, problem.responding
    prob_cut, after = np.zeros(names), spend[:names].sum(axis=1)
    gmv, saved = np.zeros(paths), np.zeros(paths)
    for name, line in enumerate(problem.lines[:names]):
        acting = [rule for rule in rules if is_named(line.name, rule.lines)]
        if not acting or not spend[name].any():
            continue
        scatter = attributed_scatter(response, name)
        noise = np.exp(scatter * rng.standard_normal((paths, spend.shape[1])) - scatter**2 / 2)
        held = _held(response, name, line, acting, spend[name], noise)
        gone = spend[name].sum() - held.sum(axis=1)
        planned = np.broadcast_to(spend[name], held.shape)
        gmv += earned(response, name, held) - earned(response, name, planned)
        saved += gone
        prob_cut[name] = float((gone > CUT_AT_ALL * spend[name].sum()).mean())
        after[name] = float(held.sum(axis=1).mean())
    return Forward(prob_cut, after, gmv, saved)


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
    response: WindowResponse, name: int, line: Line, rules: Sequence[WeakRoiCut], plan: Floats, noise: Floats
) -> Floats:
    """Spend of every path once the rules have acted, array (path, week)."""
    spend = np.tile(plan, (noise.shape[0], 1))
    streak = {rule.name: np.full(noise.shape[0], line.weak_weeks) for rule in rules}
    for week in range(plan.size - 1):
        gmv = _weekly(response, name, spend, week)
        for rule in rules:
            seen = gmv * noise[:, week] if rule.roi == "attributed" and line.attributed_ratio else gmv
            weak = (spend[:, week] > 0) & (seen < rule.threshold(line) * spend[:, week])
            streak[rule.name] = np.where(weak, streak[rule.name] + 1, 0)
            most = np.where(streak[rule.name] >= rule.weeks, (1 - rule.cut) * spend[:, week], np.inf)
            planned = spend[:, week + 1]
            left = np.divide(np.minimum(planned, most), planned, out=np.ones_like(planned), where=planned > 0)
            spend[:, week + 1 :] *= left[:, None]
    return spend
