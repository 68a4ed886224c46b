"""Trust gates: is this fit good enough to move money by? PASS, REVIEW or FAIL, each with a sentence and advice.

Sources: Vehtari et al. 2021 (R-hat, ESS); Gelman et al. 2013, ch. 6 (posterior predictive checks); Durbin & Watson
1951. The limits are stricter than those of common MMM packages on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Verdict = Literal["PASS", "REVIEW", "FAIL"]

ORDER: tuple[Verdict, ...] = ("PASS", "REVIEW", "FAIL")


@dataclass(frozen=True, slots=True)
class Check:
    """One gate: its verdict, the value held against its limit, and what it means."""

    name: str
    verdict: Verdict
    value: float | None
    limit: float | None
    sentence: str


def graded(value: float, review: float, fail: float) -> Verdict:
    """PASS up to ``review``, REVIEW up to ``fail``, FAIL beyond (or the other way round when fail < review)."""
    if not np.isfinite(value):
        return "FAIL"
    sign = 1.0 if fail >= review else -1.0
    if sign * value <= sign * review:
        return "PASS"
    return "REVIEW" if sign * value <= sign * fail else "FAIL"


def overall(checks: Sequence[Check]) -> Verdict:
    """The worst verdict."""
    return max((check.verdict for check in checks), key=ORDER.index, default="PASS")


def convergence_checks(diagnostics: Mapping[str, Any]) -> list[Check]:
    """R-hat, effective sample sizes of every ROI, and divergences."""
    rhat, bulk, tail = (float(diagnostics[k]) for k in ("max_rhat", "min_ess_bulk", "min_ess_tail"))
    divergences, kept = int(diagnostics["divergences"]), int(diagnostics["draws"]) * int(diagnostics["chains"])
    advice = "Raise model.draws and model.tune, or give channels an roi_prior."
    return [
        _stated(Check("R-hat", graded(rhat, 1.01, 1.05), rhat, 1.01, f"The chains agree to R-hat {rhat:.3f}."), advice),
        _stated(
            Check("ESS bulk", graded(bulk, 400, 100), bulk, 400, f"Every ROI rests on at least {bulk:.0f} draws."),
            advice,
        ),
        _stated(
            Check("ESS tail", graded(tail, 400, 100), tail, 400, f"Every ROI interval rests on {tail:.0f} draws."),
            advice,
        ),
        _stated(
            Check(
                "divergences",
                graded(divergences, 0, 0.01 * kept),
                divergences,
                0,
                f"{divergences} of {kept} draws diverged.",
            ),
            "A handful seldom moves the answer; raise model.target_accept to 0.98 to be sure.",
        ),
    ]


def _stated(check: Check, advice: str) -> Check:
    """The check with its advice, where it did not pass."""
    if check.verdict == "PASS":
        return check
    return Check(check.name, check.verdict, check.value, check.limit, f"{check.sentence} {advice}")


def fit_checks(quality: Mapping[str, float], p_value: float, p_negative: float) -> list[Check]:
    """Posterior predictive p-value, coverage, residual autocorrelation and negative baseline."""
    watson = quality["durbin_watson"]
    off = abs(watson - 2.0)
    return [
        _stated(
            Check(
                "posterior predictive p",
                "PASS" if 0.05 <= p_value <= 0.95 else "REVIEW",
                p_value,
                0.05,
                f"Data simulated from the model spread wider than the real ones in {p_value:.0%} of the draws "
                "(5% to 95% is fine).",
            ),
            "The residuals have another spread than the model thinks: look for missing events or controls.",
        ),
        _stated(
            Check(
                "coverage",
                "PASS" if quality["coverage90"] >= 0.8 else "REVIEW",
                quality["coverage90"],
                0.8,
                f"{quality['coverage90']:.0%} of the weeks lie in their 90% interval.",
            ),
            "The model is too sure of itself: look for missing events or controls.",
        ),
        _stated(
            Check(
                "residual autocorrelation",
                graded(off, 0.6, 1.2),
                watson,
                1.4,
                f"Durbin-Watson of the residuals is {watson:.2f} (2 is none).",
            ),
            "Neighbouring weeks err together: a control or an event is missing, or model.knot_weeks is too long."
            if watson < 2
            else "Neighbouring weeks err against each other: sales moved between weeks, such as orders booked late.",
        ),
        _stated(
            Check(
                "negative baseline",
                graded(p_negative, 0.2, 0.8),
                p_negative,
                0.2,
                f"The baseline of some quarter is negative in {p_negative:.0%} of the draws.",
            ),
            "Media are credited with more than the KPI: lower model.media_share or give ROI priors.",
        ),
    ]


def identification_checks(
    names: Sequence[str], spend: Floats, own_effect: Floats, prior_only: Sequence[str]
) -> list[Check]:
    """What the data could not tell: collinear channels, channels unmoved from their prior, channels without history.

    Parameters
    ----------
    names : sequence of str
        Learnt channels.
    spend : array (unit, week, channel)
        Their spend.
    own_effect : array (draw, channel)
        Each channel's deviation from its prior centre, standard normal before the data.
    prior_only : sequence of str
        Channels with too little history.
    """
    pairs = collinear_pairs(names, spend)
    worst = float(np.abs(np.triu(correlations(spend), 1)).max(initial=0.0))
    told = "; ".join(f"{a} and {b} ({r:.2f})" for a, b, r in pairs)
    far = {name: float(mean) for name, mean in zip(names, own_effect.mean(axis=0), strict=True)}
    farthest = max((abs(mean) for mean in far.values()), default=0.0)
    odd = [name for name, mean in far.items() if abs(mean) > FAR_REVIEW]
    silent = [name for name, told in zip(names, informed(own_effect), strict=True) if not told]
    return [
        Check(
            "collinear channels",
            "REVIEW" if pairs else "PASS",
            worst,
            COLLINEAR,
            f"These channels' spends move together, so the data cannot tell them apart: {told}. Vary one of them "
            "alone, or run a lift test."
            if pairs
            else "No two channels' spends move so closely together that they cannot be told apart.",
        ),
        Check(
            "implausible ROI",
            graded(farthest, FAR_REVIEW, FAR_FAIL),
            farthest,
            FAR_REVIEW,
            f"The ROI of {', '.join(odd)} lies far from what was believed of any channel. A channel that runs when "
            "demand is high takes credit for the demand: give the model that season, event or control, or an "
            "roi_prior."
            if odd
            else "No channel's ROI lies far from what was believed.",
        ),
        Check(
            "silent data",
            "REVIEW" if silent else "PASS",
            float(len(silent)),
            0,
            f"The data say next to nothing about {', '.join(silent)} on their own: their ROI is what is believed of "
            "all channels together. A lift test of one of them would tell."
            if silent
            else "The data tell something of every channel's own ROI.",
        ),
        Check(
            "little history",
            "REVIEW" if prior_only else "PASS",
            float(len(prior_only)),
            0,
            f"Too little history to learn from: {', '.join(prior_only)}. They are planned from their prior."
            if prior_only
            else "Every channel has history to learn from.",
        ),
    ]


COLLINEAR = 0.9
FAR_REVIEW, FAR_FAIL = 2.0, 4.0  # prior standard deviations


def collinear_pairs(names: Sequence[str], spend: Floats) -> list[tuple[str, str, float]]:
    """Pairs of channels whose spends correlate above 0.9 over all units and weeks."""
    r = correlations(spend)
    return [(names[a], names[b], float(r[a, b])) for a, b in np.argwhere(np.triu(np.abs(r), 1) > COLLINEAR)]


def correlations(spend: Floats) -> Floats:
    """Correlation of every pair of channels over all units and weeks, array (channel, channel); 0 for constant ones."""
    flat = spend.reshape(-1, spend.shape[-1])
    spread = flat.std(axis=0)
    scaled = (flat - flat.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.asarray(scaled.T @ scaled / flat.shape[0])


def informed(own_effect: Floats) -> npt.NDArray[np.bool_]:
    """Whether the data narrowed a standard normal by a tenth, or moved it by a quarter: array (channel,)."""
    narrowed = own_effect.std(axis=0) < 0.9
    moved = np.abs(own_effect.mean(axis=0)) > 0.25
    return np.asarray(narrowed | moved)


def finite_or_none(value: float | None) -> float | None:
    """The number; None for one that JSON cannot hold."""
    return value if value is not None and np.isfinite(value) else None


def document(checks: Sequence[Check]) -> dict[str, Any]:
    """The ``health`` of fit.json."""
    told = [asdict(check) | {"value": finite_or_none(check.value)} for check in checks]
    return {"verdict": overall(checks), "checks": told}
