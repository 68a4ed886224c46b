"""What the data can and cannot tell: collinear, silent, young, unvarying, demand-driven and confounded channels.

Sources: Chan & Perry 2017, "Challenges and Opportunities in Media Mix Modeling" (demand-driven spend and selection
bias); Belsley, Kuh & Welsch 1980 (variance inflation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmm.health import Check, Verdict, advised, graded
from mmm.messages import Message
from mmm.sentences import tell

Floats = npt.NDArray[np.float64]

COLLINEAR = 0.9
INFLATED = 10.0
FAR_REVIEW, FAR_FAIL = 2.0, 4.0  # prior standard deviations
FOLLOWS = 0.35  # share of a channel's movement that seasons, trend, peaks, events and controls explain
INCREASING = 0.9
HARDLY_VARIES = 0.05
SHORT_WEEKS = 104
OFF_REVIEW, OFF_FAIL = 2.0, 4.0  # standard errors


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks look at.

    Attributes
    ----------
    names : tuple of str
        Learnt channels.
    spend : array (unit, week, channel)
        Their spend.
    demand : array (unit, week, column)
        What moves the baseline: seasons, trend, peaks, events, controls.
    own_effect : array (draw, channel)
        Each channel's deviation from its prior centre, standard normal before the data.
    increasing : mapping of name to float
        Probability that the next unit of spend earns more than the average one.
    tested : tuple of str
        Channels with a lift test.
    lift_off : array (test,)
        Measured less modelled effect of the lift tests, in standard errors of both together.
    prior_only : tuple of str
        Channels with too little history.
    """

    names: tuple[str, ...]
    spend: Floats
    demand: Floats
    own_effect: Floats
    increasing: Mapping[str, float]
    tested: tuple[str, ...]
    lift_off: Floats
    prior_only: tuple[str, ...]


def identification_checks(found: Evidence) -> list[Check]:
    """Every check of what the data could not tell."""
    return [
        _collinear(found),
        _demand_driven(found),
        _increasing_returns(found),
        _implausible(found),
        _silent(found),
        _varies(found),
        _little_history(found),
        _short(found),
        *_lift_tests(found),
    ]


def _review(name: str, value: float, limit: float, bad: Message, good: Message, *, trouble: bool) -> Check:
    """REVIEW with one sentence, or PASS with the other."""
    return Check(name, "REVIEW" if trouble else "PASS", value, limit, bad if trouble else good)


def _collinear(found: Evidence) -> Check:
    pairs = collinear_pairs(found.names, found.spend)
    told = [tell("health.pair", first=a, second=b, r=r) for a, b, r in pairs]
    inside = {name for a, b, _ in pairs for name in (a, b)}
    vif = inflation(found.spend)
    several = [n for n, v in zip(found.names, vif, strict=True) if v > INFLATED and n not in inside]
    if several:
        told.append(tell("health.together", names=several))
    return _review(
        "collinear channels",
        float(np.abs(np.triu(correlations(found.spend), 1)).max(initial=0.0)),
        COLLINEAR,
        tell("health.collinear", told=told),
        tell("health.collinear.none"),
        trouble=bool(told),
    )


def _demand_driven(found: Evidence) -> Check:
    shares = follows_demand(found.spend, found.demand)
    late = {n: s for n, s in zip(found.names, shares, strict=True) if s > FOLLOWS and n not in found.tested}
    told = [tell("health.share", name=name, share=float(share)) for name, share in late.items()]
    return _review(
        "spend follows demand",
        float(shares.max(initial=0.0)),
        FOLLOWS,
        tell("health.demand", told=told),
        tell("health.demand.none"),
        trouble=bool(late),
    )


def _increasing_returns(found: Evidence) -> Check:
    odd = {n: p for n, p in found.increasing.items() if p > INCREASING and n not in found.tested}
    return _review(
        "increasing returns",
        max(found.increasing.values(), default=0.0),
        INCREASING,
        tell("health.increasing", names=list(odd)),
        tell("health.increasing.none"),
        trouble=bool(odd),
    )


def _implausible(found: Evidence) -> Check:
    far = dict(zip(found.names, np.abs(found.own_effect.mean(axis=0)), strict=True))
    farthest = float(max(far.values(), default=0.0))
    odd = [name for name, mean in far.items() if mean > FAR_REVIEW]
    verdict: Verdict = graded(farthest, FAR_REVIEW, FAR_FAIL)
    sentence = tell("health.implausible", names=odd) if odd else tell("health.implausible.none")
    return Check("implausible ROI", verdict, farthest, FAR_REVIEW, sentence)


def _silent(found: Evidence) -> Check:
    silent = [n for n, told in zip(found.names, informed(found.own_effect), strict=True) if not told]
    return _review(
        "silent data",
        float(len(silent)),
        0,
        tell("health.silent", names=silent),
        tell("health.silent.none"),
        trouble=bool(silent),
    )


def _varies(found: Evidence) -> Check:
    spread = variation(found.spend)
    still = [name for name, v in zip(found.names, spread, strict=True) if v < HARDLY_VARIES]
    return _review(
        "constant spend",
        float(spread.min()),
        HARDLY_VARIES,
        tell("health.constant", names=still),
        tell("health.constant.none"),
        trouble=bool(still),
    )


def _little_history(found: Evidence) -> Check:
    return _review(
        "little history",
        float(len(found.prior_only)),
        0,
        tell("health.little", names=list(found.prior_only)),
        tell("health.little.none"),
        trouble=bool(found.prior_only),
    )


def _short(found: Evidence) -> Check:
    weeks = found.spend.shape[1]
    return _review(
        "short series",
        float(weeks),
        SHORT_WEEKS,
        tell("health.short", weeks=weeks),
        tell("health.short.none", weeks=weeks),
        trouble=weeks < SHORT_WEEKS,
    )


def _lift_tests(found: Evidence) -> list[Check]:
    if not found.lift_off.size:
        return []
    worst = float(np.abs(found.lift_off).max())
    check = Check(
        "lift tests",
        graded(worst, OFF_REVIEW, OFF_FAIL),
        worst,
        OFF_REVIEW,
        tell("health.lift", worst=worst),
    )
    return [advised(check, tell("health.lift.advice"))]


def collinear_pairs(names: Sequence[str], spend: Floats) -> list[tuple[str, str, float]]:
    """Pairs of channels whose spends correlate above 0.9 from week to week, within units."""
    r = correlations(spend)
    return [(names[a], names[b], float(r[a, b])) for a, b in np.argwhere(np.triu(np.abs(r), 1) > COLLINEAR)]


def correlations(spend: Floats) -> Floats:
    """Correlation of every pair of channels over weeks, within units: array (channel, channel); 0 for constant ones."""
    scaled = _scaled(spend)
    return np.asarray(scaled.T @ scaled / scaled.shape[0])


def inflation(spend: Floats) -> Floats:
    """Variance inflation factor of every channel's spend given the others', array (channel,)."""
    r = correlations(spend)
    # A constant channel correlates with nothing; a ridge keeps perfect copies finite.
    np.fill_diagonal(r, 1.0 + 1e-9)
    return np.asarray(np.diag(np.linalg.inv(r)))


def _scaled(spend: Floats) -> Floats:
    """Spend over its unit's mean, all units' weeks in one axis, standardised: what sets weeks apart, not units."""
    mean = spend.mean(axis=1, keepdims=True)
    flat = (spend / np.where(mean > 0, mean, 1.0) - (mean > 0)).reshape(-1, spend.shape[-1])
    spread = flat.std(axis=0)
    return np.asarray(flat / np.where(spread > 0, spread, 1.0))


def follows_demand(spend: Floats, demand: Floats) -> Floats:
    """Share of each channel's movement that the baseline's columns explain, array (channel,): adjusted R2.

    Parameters
    ----------
    spend : array (unit, week, channel)
    demand : array (unit, week, column)
        The intercept among them.
    """
    left, total = np.zeros(spend.shape[2]), np.zeros(spend.shape[2])
    weeks = spend.shape[1]
    for columns, paid in zip(demand, spend, strict=True):
        fitted, _, rank, _ = np.linalg.lstsq(columns, paid, rcond=None)
        left += ((paid - columns @ fitted) ** 2).sum(axis=0) / max(weeks - rank, 1)
        total += ((paid - paid.mean(axis=0)) ** 2).sum(axis=0) / (weeks - 1)
    return np.where(total > 0, 1.0 - left / np.where(total > 0, total, 1.0), 0.0)


def variation(spend: Floats) -> Floats:
    """Largest coefficient of variation over units, array (channel,)."""
    mean = spend.mean(axis=1)
    return np.asarray((spend.std(axis=1) / np.where(mean > 0, mean, 1.0)).max(axis=0))


def informed(own_effect: Floats) -> npt.NDArray[np.bool_]:
    """Whether the data narrowed a standard normal by a tenth, or moved it by a quarter: array (channel,)."""
    narrowed = own_effect.std(axis=0) < 0.9
    moved = np.abs(own_effect.mean(axis=0)) > 0.25
    return np.asarray(narrowed | moved)
