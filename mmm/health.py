"""Trust gates: is this fit good enough to move money by? PASS, REVIEW or FAIL, each with a sentence and advice.

Sources: Vehtari et al. 2021 (R-hat, ESS); Gelman et al. 2013, ch. 6 (posterior predictive checks); Durbin & Watson
1951. The limits are stricter than those of common MMM packages on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mmm.messages import Message, joined, message_document
from mmm.sentences import tell

Floats = npt.NDArray[np.float64]
Verdict = Literal["PASS", "REVIEW", "FAIL"]

ORDER: tuple[Verdict, ...] = ("PASS", "REVIEW", "FAIL")


@dataclass(frozen=True, slots=True)
class Check:
    """One gate: its verdict, the value held against its limit, and what it means: a :class:`Message`."""

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


def holdout_checks(scores: Mapping[str, Mapping[str, float]], weeks: int) -> list[Check]:
    """The last weeks forecast from those before them: coverage of the interval, and error against a naive forecast.

    Parameters
    ----------
    scores : mapping
        ``model`` and ``seasonal_naive`` to their ``crps``, ``mape`` and ``coverage90``.
    weeks : int
        Weeks held out.
    """
    ours, naive = scores["model"], scores["seasonal_naive"]
    ratio = ours["crps"] / max(naive["crps"], 1e-12)
    return [
        advised(
            Check(
                "hold-out coverage",
                graded(ours["coverage90"], 0.7, 0.3),
                ours["coverage90"],
                0.7,
                tell("health.holdout_coverage", weeks=weeks, share=ours["coverage90"]),
            ),
            tell("health.holdout_coverage.advice"),
        ),
        advised(
            Check(
                "hold-out error",
                "PASS" if ratio <= 1.1 else "REVIEW",
                ratio,
                1.1,
                tell("health.holdout_error", weeks=weeks, error=ours["mape"], ratio=ratio),
            ),
            tell("health.holdout_error.advice"),
        ),
    ]


def convergence_checks(diagnostics: Mapping[str, Any]) -> list[Check]:
    """R-hat, effective sample sizes of every ROI, and divergences."""
    rhat, bulk, tail = (float(diagnostics[k]) for k in ("max_rhat", "min_ess_bulk", "min_ess_tail"))
    divergences, kept = int(diagnostics["divergences"]), int(diagnostics["draws"]) * int(diagnostics["chains"])
    advice = tell("health.sample_more")
    return [
        advised(Check("R-hat", graded(rhat, 1.01, 1.05), rhat, 1.01, tell("health.rhat", rhat=rhat)), advice),
        advised(
            Check("ESS bulk", graded(bulk, 400, 100), bulk, 400, tell("health.bulk", draws=bulk)),
            advice,
        ),
        advised(
            Check("ESS tail", graded(tail, 400, 100), tail, 400, tell("health.tail", draws=tail)),
            advice,
        ),
        advised(
            Check(
                "divergences",
                graded(divergences, 0, 0.01 * kept),
                divergences,
                0,
                tell("health.divergences", count=divergences, draws=kept),
            ),
            tell("health.divergences.advice"),
        ),
    ]


def advised(check: Check, advice: Message) -> Check:
    """The check with its advice, where it did not pass."""
    if check.verdict == "PASS":
        return check
    return replace(check, sentence=joined("sentences", (check.sentence, advice)))


def fit_checks(quality: Mapping[str, float], p_value: float, p_negative: float) -> list[Check]:
    """Posterior predictive p-value, coverage, residual autocorrelation and negative baseline."""
    watson = quality["durbin_watson"]
    off = abs(watson - 2.0)
    return [
        advised(
            Check(
                "posterior predictive p",
                "PASS" if 0.05 <= p_value <= 0.95 else "REVIEW",
                p_value,
                0.05,
                tell("health.spread", share=p_value),
            ),
            tell("health.spread.advice"),
        ),
        advised(
            Check(
                "coverage",
                "PASS" if quality["coverage90"] >= 0.8 else "REVIEW",
                quality["coverage90"],
                0.8,
                tell("health.coverage", share=quality["coverage90"]),
            ),
            tell("health.coverage.advice"),
        ),
        advised(
            Check(
                "residual autocorrelation",
                graded(off, 0.6, 1.2),
                watson,
                1.4,
                tell("health.watson", value=watson),
            ),
            tell("health.watson.alike" if watson < 2 else "health.watson.opposed"),
        ),
        advised(
            Check(
                "negative baseline",
                graded(p_negative, 0.2, 0.8),
                p_negative,
                0.2,
                tell("health.negative", share=p_negative),
            ),
            tell("health.negative.advice"),
        ),
    ]


def finite_or_none(value: float | None) -> float | None:
    """The number; None for one that JSON cannot hold."""
    return value if value is not None and np.isfinite(value) else None


def document(checks: Sequence[Check]) -> dict[str, Any]:
    """The ``health`` of fit.json."""
    told = [
        asdict(check) | {"value": finite_or_none(check.value), "message": message_document(check.sentence)}
        for check in checks
    ]
    return {"verdict": overall(checks), "checks": told}
