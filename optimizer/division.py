"""Money of the weeks left divided among lines by equal marginal return, for many quarters at once.

Within each budget category money goes, step by step, where the next step earns most: the optimum where curves are
concave, and an array program where the planner would need a linear program for each quarter.

Source: Fox 1966, "Discrete Optimization via Marginal Analysis".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.quarters import Curves, Quarters

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS = 32  # a line's range is divided into so many steps of equal money
LEAST, MOST = 0.5, 1.6  # how far a re-plan may take a line's quarter from its plan


@dataclass(frozen=True, slots=True)
class Limits:
    """Least and most of each line in the weeks left, and what each category has; arrays (quarter, name or pool)."""

    least: Floats
    most: Floats
    pool: Ints
    money: Floats


def limits(quarters: Quarters, spend: Floats, cap: Floats, week: int) -> Limits:
    """What lines and categories have left; a cut line's least gives way to its cut."""
    names = [line.category or "" for line in quarters.problem.lines[: quarters.problem.responding]]
    pool = np.array([sorted(set(names)).index(name) for name in names])
    whole, spent = quarters.plan.sum(axis=0), spend[:, :week].sum(axis=1)
    held = cap * (quarters.weeks - week)
    most = np.minimum(np.maximum(MOST * whole - spent, 0.0), held)
    least = np.minimum(np.maximum(LEAST * whole - spent, 0.0), most)
    left = spend[:, week:].sum(axis=1)
    money = np.stack([left[:, pool == one].sum(axis=1) for one in range(pool.max() + 1)], axis=1)
    return Limits(least, most, pool, money)


def _profile(quarters: Quarters, week: int) -> Floats:
    """Shape of each line's weeks left, array (week left, name), summing to one."""
    shape = quarters.plan[week:] + 1e-9 * quarters.plan.mean()
    return np.asarray(shape / shape.sum(axis=0))


def flighted(quarters: Quarters, spend: Floats, totals: Floats, cap: Floats, week: int) -> Floats:
    """Line totals put into weeks: the plan's shape, flat where a line is held down."""
    shape = np.broadcast_to(_profile(quarters, week), (len(spend), quarters.weeks - week, spend.shape[2]))
    flat = np.isfinite(cap)[:, None, :]
    shape = np.where(flat, 1 / (quarters.weeks - week), shape)
    return np.concatenate([spend[:, :week], totals[:, None, :] * shape], axis=1)


def in_proportion(quarters: Quarters, spend: Floats, limits: Limits, week: int) -> Floats:
    """Lines go on as they are; what held lines give up goes to their category in proportion."""
    del quarters
    left = spend[:, week:].sum(axis=1)
    kept = np.minimum(left, limits.most)
    return _spread(kept, limits)


def _spread(totals: Floats, limits: Limits) -> Floats:
    """Scale what can still move so that each category's money is used; more than its lines may have goes over."""
    found = totals.copy()
    for one in range(limits.money.shape[1]):
        inside = limits.pool == one
        part, most = found[:, inside], limits.most[:, inside]
        missing = limits.money[:, one] - part.sum(axis=1)
        room = np.maximum(np.where(np.isfinite(most), most - part, 0.0), 0.0)
        weight = np.where(room.sum(axis=1, keepdims=True) > 1e-6, room, np.maximum(part, 1e-9))
        found[:, inside] = part + missing[:, None] * weight / weight.sum(axis=1, keepdims=True)
    return found


def divide(
    quarters: Quarters, curves: Curves, spend: Floats, limits: Limits, week: int, worth: Floats, *, paired: bool = False
) -> Floats:
    """Divide each category's money by equal marginal return.

    Parameters
    ----------
    quarters : Quarters
    curves : Curves
        What is believed; with ``paired``, draw n is quarter n's own.
    spend : array (quarter, week, name)
        The weeks before ``week`` are fixed.
    limits : Limits
    week : int
        First week that is left.
    worth : array (quarter, name, 1 or span)
        Multiplies each line's response.
    paired : bool

    Returns
    -------
    array (quarter, name)
        Money of each line in the weeks left, currency.
    """
    step = (limits.most - limits.least) / STEPS
    gains = np.empty((len(spend), spend.shape[2], STEPS))
    for name in range(spend.shape[2]):
        value = _curve_of_money(quarters, curves, spend, limits, week, name, worth[:, name], paired=paired)
        # Where a draw is S-shaped the running minimum keeps later steps from passing earlier ones.
        gains[:, name] = np.minimum.accumulate(np.diff(value, axis=1), axis=1)
    totals = limits.least.copy()
    for one in range(limits.money.shape[1]):
        inside = np.flatnonzero(limits.pool == one)
        money = limits.money[:, one] - totals[:, inside].sum(axis=1)
        totals[:, inside] += _filled(gains[:, inside], step[:, inside], money)
    return _spread(totals, limits)


def _curve_of_money(
    quarters: Quarters,
    curves: Curves,
    spend: Floats,
    limits: Limits,
    week: int,
    name: int,
    worth: Floats,
    *,
    paired: bool,
) -> Floats:
    """Expected GMV of a line at each step of money, array (quarter, step + 1)."""
    profile = np.zeros((1, quarters.weeks, spend.shape[2]))
    profile[0, week:] = _profile(quarters, week)
    fixed = spend.copy()
    fixed[:, week:] = 0.0
    own = slice(name, name + 1)
    per_unit = _unit_lags(profile[:, :, own], quarters)
    base = quarters.lags(fixed)[:, name]
    if paired:
        weights = curves.source.weights[curves.draws, name] / curves.source.reference[name]
        carried, slope = np.einsum("nsl,nl->sn", base, weights), np.einsum("sl,nl->sn", per_unit, weights)
        scale = (curves.scale[:, name] * worth).T
    else:
        carried, slope = curves.carry(name, base), curves.carry(name, per_unit)
        scale = curves.scale[:, name].T
    found = np.empty((len(spend), STEPS + 1))
    for at in range(STEPS + 1):
        money = limits.least[:, name] + (limits.most[:, name] - limits.least[:, name]) * at / STEPS
        money = np.where(np.isfinite(money), money, 0.0)
        if paired:
            found[:, at] = (curves.level(name, carried + slope * money) * scale).sum(axis=0)
        else:
            stock = carried + slope[None] * money[:, None, None]
            value = (curves.level(name, stock) * scale).mean(axis=-1)
            found[:, at] = (value * worth).sum(axis=1)
    return found


def _unit_lags(profile: Floats, quarters: Quarters) -> Floats:
    """Lags of one unit of money in the plan's shape, array (span, lag)."""
    depth = quarters.problem.response.curves.max_lag
    whole = np.concatenate([np.zeros(depth), profile[0, :, 0], np.zeros(depth)])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(whole, depth + 1)[:, ::-1])


def _filled(gains: Floats, step: Floats, money: Floats) -> Floats:
    """Buy steps in the order of what they earn per unit of money until it is spent; array (quarter, name)."""
    count, names, steps = gains.shape
    each = np.repeat(step[:, :, None], steps, axis=2).reshape(count, -1)
    rate = (gains / np.maximum(step[:, :, None], 1e-12)).reshape(count, -1)
    order = np.argsort(-rate, axis=1, kind="stable")
    cost = np.take_along_axis(each, order, axis=1)
    bought = np.clip(money[:, None] - (np.cumsum(cost, axis=1) - cost), 0.0, cost)
    found = np.zeros_like(each)
    np.put_along_axis(found, order, bought, axis=1)
    return np.asarray(found.reshape(count, names, steps).sum(axis=2))
