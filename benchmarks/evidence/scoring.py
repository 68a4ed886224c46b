"""The arithmetic of the studies: scores of ROI, the best division of money, captured share, bootstrap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mmm.scores import covered, crps

Floats = npt.NDArray[np.float64]

MULTIPLES = np.linspace(0.5, 1.5, 21)  # of a line's base: where its worth is evaluated, straight between
STEPS = 1000  # into which the money above the lower bounds is cut


def best_multiples(worth: Floats, base: Floats) -> Floats:
    """The best division of the money that the bases spend, each line at 0.5 to 1.5 of its base.

    Exact by dynamic programming on money in steps of a two-thousandth of the total; curves may have any shape.

    Parameters
    ----------
    worth : array (multiple, line)
        Value of each line at :data:`MULTIPLES` of its base.
    base : array (line,)
        Money of each line today.

    Returns
    -------
    array (line,)
        Multiples, their money summing to the bases' (to half a step a line).
    """
    step = 0.5 * base.sum() / STEPS
    most = np.floor(base / step + 0.5).astype(int)
    best, choice = np.full(STEPS + 1, -np.inf), np.zeros((base.size, STEPS + 1), dtype=int)
    best[0] = 0.0
    for line, top in enumerate(most):
        share = np.minimum(0.5 + np.arange(top + 1) * step / max(base[line], step), 1.5)
        value = np.interp(share, MULTIPLES, worth[:, line])
        options = np.full((top + 1, STEPS + 1), -np.inf)
        for taken in range(min(top, STEPS) + 1):
            options[taken, taken:] = best[: STEPS + 1 - taken] + value[taken]
        choice[line] = options.argmax(axis=0)
        best = options.max(axis=0)
    left, found = STEPS if np.isfinite(best[STEPS]) else int(np.flatnonzero(np.isfinite(best))[-1]), np.empty(base.size)
    for line in range(base.size - 1, -1, -1):
        taken = choice[line, left]
        found[line] = min(0.5 + taken * step / max(base[line], step), 1.5)
        left -= taken
    return found


def worth_at(worth: Floats, multiples: Floats) -> float:
    """Value of a plan: the lines' worth (multiple, line) read at its multiples (line,)."""
    return float(sum(np.interp(m, MULTIPLES, worth[:, c]) for c, m in enumerate(multiples)))


def plan_scores(believed: Floats, true: Floats, base: Floats) -> dict[str, float]:
    """Score the plan that beliefs lead to by what it truly earns.

    Parameters
    ----------
    believed : array (draw, multiple, line)
        What the lines are thought to add.
    true : array (multiple, line)
        What they do add.
    base : array (line,)

    Returns
    -------
    dict
        True value of keeping the mix, of the plan, of the best plan; the share of the possible gain captured;
        promised value and gain, and the believed probability that the plan beats keeping the mix.
    """
    mean = believed.mean(axis=0)
    plan, best, same = best_multiples(mean, base), best_multiples(true, base), np.ones(base.size)
    keep, got, most = (worth_at(true, m) for m in (same, plan, best))
    gains = [worth_at(draw, plan) - worth_at(draw, same) for draw in believed[:: max(1, len(believed) // 400)]]
    return {
        "keep": keep,
        "plan": got,
        "best": most,
        "captured": (got - keep) / (most - keep),
        "beats": float(got > keep),
        "promised": worth_at(mean, plan),
        "promised_gain": worth_at(mean, plan) - worth_at(mean, same),
        "prob_better": float((np.array(gains) > 0).mean()),
    }


def roi_scores(draws: Floats, truth: Floats) -> dict[str, float]:
    """Relative CRPS, relative error and coverage of the channels' ROI: draws (draw, channel), truth (channel,)."""
    return {
        "crps": float((crps(draws, truth) / truth).mean()),
        "error": float((np.abs(draws.mean(axis=0) - truth) / truth).mean()),
        "coverage": float(covered(draws, truth).mean()),
    }


def bootstrap(values: Floats, statistic: Callable[[Floats], float], draws: int = 1000, seed: int = 1) -> list[float]:
    """A statistic of markets (market, ...) with its 90% bootstrap interval: [value, low, high]."""
    rng = np.random.default_rng(seed)
    again = [statistic(values[rng.integers(0, len(values), len(values))]) for _ in range(draws)]
    low, high = np.quantile(again, [0.05, 0.95])
    return [float(statistic(values)), float(low), float(high)]
