"""Why each line wins or loses money, in one sentence with its numbers, in English and Chinese."""

from __future__ import annotations

from typing import Any

from optimizer.plan import LinePlan, Plan, Reason
from reports.words import Lang, line_label, money_words, say

Document = dict[str, Any]


def reason_sentence(line: LinePlan, lang: Lang) -> str:
    """One sentence; empty for a line of a plan that was not solved for."""
    reason = line.reason
    if reason is None:
        return ""
    started = reason.before <= 0 < reason.after
    return say(
        lang,
        "reason.starts" if started else f"reason.{reason.verdict}",
        line=line_label(line, lang),
        after=money_words(reason.after, lang),
        before=money_words(reason.before, lang),
        change="" if reason.before <= 0 else f"{abs(reason.after / reason.before - 1):.0%}",
        basis=say(lang, f"reason.basis.{reason.basis}"),
        why=_why(reason, lang),
    )


def _why(reason: Reason, lang: Lang) -> str:
    """The clause that says what decides."""
    then = reason.cause in {"earns_more", "earns_less"}
    own = reason.next_before if then else reason.next_after
    others = reason.others_before if then else reason.others_after
    held = say(lang, "list.join").join(reason.rules)
    alone = "_alone" if others is None and reason.cause in {"alike", "rules"} else ""
    clause = say(lang, f"reason.cause.{reason.cause}{alone}", own=_ratio(own), others=_ratio(others), rules=held)
    within = reason.cause in {"earns_more", "earns_less"} and held
    return clause + (say(lang, "reason.within", rules=held) if within else "")


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"1:{value:.2f}"


def reason_document(line: LinePlan) -> Document | None:
    """The reason for plan.json: its parts, and the sentence in both languages."""
    reason = line.reason
    if reason is None:
        return None
    return {
        "verdict": reason.verdict,
        "cause": reason.cause,
        "basis": reason.basis,
        "before": round(reason.before, 2),
        "after": round(reason.after, 2),
        "next_before": reason.next_before,
        "others_before": reason.others_before,
        "next_after": reason.next_after,
        "others_after": reason.others_after,
        "rules": list(reason.rules),
        "sentence": {"en": reason_sentence(line, "en"), "zh": reason_sentence(line, "zh")},
    }


def reason_sentences(plan: Plan, lang: Lang) -> tuple[str, ...]:
    """The sentences of all lines that have one, those that move most money first."""
    known = [line for line in plan.lines if line.reason is not None]
    known.sort(key=lambda line: -abs(line.reason.after - line.reason.before) if line.reason else 0.0)
    return tuple(reason_sentence(line, lang) for line in known)
