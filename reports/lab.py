"""What the policy lab found: a document, and a table on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from optimizer.policy import Played, Policy
from optimizer.problem import PlanProblem
from reports.sections import Column, Kind, Section
from reports.terminal import _bullets, _print, _table
from reports.words import Lang, amount_words, quarter_words, say, signed

Document = dict[str, Any]


def lab_document(
    played: Sequence[Played], problem: PlanProblem, quarters: int, seed: int, seconds: float, lang: Lang
) -> Document:
    """Build policy-lab.json.

    Parameters
    ----------
    played : sequence of Played
        The first one's policy is the one that the others are held against.
    problem : PlanProblem
    quarters, seed : int
    seconds : float
    lang : {"en", "zh"}
        Language of the policies' names and of the findings.
    """
    base = played[0].gmv
    document: Document = {
        "quarter": problem.quarter,
        "currency": problem.currency,
        "quarters": quarters,
        "seed": seed,
        "draws": problem.response.curves.draws,
        "seconds": seconds,
        "policies": [_policy(one, base, lang) for one in played],
    }
    return document | {"findings": _findings(document, lang)}


def policy_name(policy: Policy, lang: Lang) -> str:
    """The policy in words."""
    rule = policy.cut
    facts = {"value": policy.value}
    if rule is not None:
        facts |= {"threshold": f"{rule.roi_below:g}", "weeks": str(rule.weeks), "size": f"{rule.cut:.0%}"}
    return say(lang, f"lab.policy.{policy.key}", **facts)


def _policy(one: Played, base: Any, lang: Lang) -> Document:
    gain = one.gmv - base
    return {
        "name": policy_name(one.policy, lang),
        "key": one.policy.key,
        "value": one.policy.value,
        "replan": one.policy.replan,
        "learns": one.policy.learn,
        "gmv": float(one.gmv.mean()),
        "gain": {
            "mean": float(gain.mean()),
            "se": float(gain.std(ddof=1) / np.sqrt(gain.size)),
            "p05": float(np.quantile(gain, 0.05)),
            "p95": float(np.quantile(gain, 0.95)),
        },
        "prob_better": float((gain > 0).mean()),
        "regret": float(one.regret.mean()),
        "cuts": float(one.cuts.mean()),
        "false_cuts": float(one.false_cuts.mean()),
        "missed_cuts": float(one.missed_cuts.mean()),
    }


def _findings(document: Document, lang: Lang) -> list[str]:
    """What the rule earns, what earns most, and which threshold does."""
    table = document["policies"]
    rule = next(one for one in table if one["key"] == "rule")
    best = max(table, key=lambda one: one["gain"]["mean"])
    thresholds = [one for one in table if one["key"] in {"threshold", "rule"}]
    found = [("lab.earns", rule), ("lab.better", best)]
    found.append(("lab.threshold", max(thresholds, key=lambda one: one["gain"]["mean"])))
    return [_finding(key, one, document["currency"], lang) for key, one in found]


def _finding(key: str, one: Document, currency: str, lang: Lang) -> str:
    gain, se = (amount_words(one["gain"][part], currency, lang) for part in ("mean", "se"))
    return say(lang, key, policy=one["name"], gain=signed(gain), se=se)


def lab_section(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the table of policies."""
    kinds = {
        "policy": Kind.TEXT,
        "gmv": Kind.ESTIMATE,
        "gain": Kind.GAIN,
        "se": Kind.ESTIMATE,
        "better": Kind.SHARE,
        "regret": Kind.GAP,
        "cuts": Kind.NUMBER,
        "false_cuts": Kind.NUMBER,
        "missed_cuts": Kind.NUMBER,
    }
    return Section(
        "lab",
        say(lang, "lab.title", quarter=quarter_words(document["quarter"], lang), count=document["quarters"]),
        say(lang, "lab.sentence"),
        tuple(Column(key, say(lang, f"lab.column.{key}"), kind) for key, kind in kinds.items()),
        tuple(
            (
                one["name"],
                one["gmv"],
                one["gain"]["mean"],
                one["gain"]["se"],
                one["prob_better"],
                round(one["regret"], 4),
                *(round(one[key], 1) for key in ("cuts", "false_cuts", "missed_cuts")),
            )
            for one in document["policies"]
        ),
        say(lang, "lab.counts"),
    )


def show_lab(document: Mapping[str, Any], lang: Lang, console: Console) -> None:
    """Print the table of policies and what follows from it."""
    section = lab_section(document, lang)
    _print(console, Text(section.title, style="bold"), Text(section.sentence))
    _print(console, _table(section, lang))
    _print(console, *_bullets(say(lang, "terminal.notes"), (*document["findings"], section.note)))
