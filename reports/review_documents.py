"""The review as review.json: the contract's names, facts first, sentences filled in for the language asked for."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.board import BoardLine
from optimizer.plan import Interval, Plan
from optimizer.problem import PlanProblem
from optimizer.replan import Change
from optimizer.review import Review
from optimizer.rules import Action
from optimizer.standing import Paid
from optimizer.surprise import Score, Surprise
from reports.documents import currency, plan_document
from reports.words import Lang, amount_words, label_words, plain, roi_words, say, share_words, signed

Document = dict[str, Any]
KEPT_OF_PLAN = ("status", "expected", "proof", "constraints", "rules", "notes", "conflict", "relaxation")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a review's document says beside the review itself.

    Attributes
    ----------
    plan_id : str
        The plan that the quarter's reviews began from.
    kind : str
        Kind of the ledger entry.
    supersedes : int or None
        Number of the entry whose decision is taken anew.
    notes : tuple of (str, dict)
        Keys of ``review.note.*`` words and what fills them.
    who, why : str
    """

    plan_id: str
    kind: str
    supersedes: int | None
    notes: tuple[tuple[str, Document], ...]
    who: str
    why: str


def review_document(review: Review, problem: PlanProblem, about: Circumstances) -> Document:
    """Build review.json without its sentences, ready for the ledger.

    Parameters
    ----------
    review : Review
    problem : PlanProblem
        Of the whole quarter.
    about : Circumstances

    Returns
    -------
    dict
        JSON-ready; money in currency, rounded to the cent where it is spend.
    """
    return {
        "week": review.week.isoformat(),
        "as_of": review.as_of.isoformat(),
        "quarter": problem.quarter,
        "currency": problem.currency,
        "kind": about.kind,
        "supersedes": about.supersedes,
        "who": about.who,
        "why": about.why,
        "verdict": review.verdict,
        "reasons": [{"code": code} for code in review.reasons],
        "board": [_board_line(line) for line in review.board],
        "fired": [_fired(action, review.paid) for action in review.fired],
        "surprise": _surprise(review.surprise),
        "pace": {
            "spend_to_date": _cent(review.pace.spent),
            "planned_to_date": _cent(review.pace.planned),
            "gmv_to_date": _cent(review.pace.gmv),
            "quarter_end": _interval(review.pace.quarter_end),
        },
        "change": [_change(change) for change in review.changes],
        "gain": _interval(review.gain),
        "prob_better": review.prob_better,
        "gave_way": [{"rule": one.rule, "line": one.line, "by": _cent(one.by)} for one in review.gave_way],
        "notes": [{"code": code, "facts": facts} for code, facts in about.notes],
        "plan": _plan(review, problem, about.plan_id),
    }


def _board_line(line: BoardLine) -> Document:
    return {
        "line": line.line.name,
        "label": dict(line.line.label),
        "category": line.line.category,
        "spend": _cent(line.spend),
        "plan_spend": _cent(line.plan_spend),
        "visits": line.visits,
        "attributed": _cent(line.attributed),
        "roi_attributed": line.roi_attributed,
        "roi_model": _interval(line.roi_model),
        "threshold": line.threshold,
        "distance": line.distance,
        "weeks_weak": line.weeks_weak,
        "status": line.status,
        "disagrees": line.disagrees,
        "attributed_ratio": line.line.attributed_ratio,
        "held": None
        if line.held is None
        else {
            "rule": line.held.rule,
            "since": line.held.since.isoformat(),
            "most": _cent(line.held.most),
            "before": _cent(line.held.before),
        },
        "spend_to_date": _cent(line.to_date),
        "quarter_spend": _cent(line.quarter),
        "history": [{"week": week.isoformat(), "spend": _cent(spend), "roi": roi} for week, spend, roi in line.history],
    }


def _fired(action: Action, paid: Sequence[Paid]) -> Document:
    reserves = [
        {"line": line, "amount": currency(fen)}
        for one in paid
        if action.kind == "top_up" and (one.rule, one.line) == (action.rule, action.line)
        for line, fen in one.reserves
    ]
    return {
        "rule": action.rule,
        "kind": action.kind,
        "line": action.line,
        "weeks": [week.isoformat() for week in action.weeks],
        "from": _cent(action.from_),
        "to": _cent(action.to),
        "roi": action.roi,
        "threshold": action.threshold,
        "count": action.count,
        "paid_by": reserves,
    }


def _surprise(surprise: Surprise) -> Document:
    return {
        "total": _score(surprise.total),
        "lines": [{"line": name} | (_score(score) or {}) for name, score in surprise.lines.items()],
        "recent": {
            "weeks": surprise.weeks,
            "total": _score(surprise.recent_total),
            "lines": [{"line": name} | (_score(score) or {}) for name, score in surprise.recent_lines.items()],
        },
        "coverage": {"inside": surprise.covered[0], "weeks": surprise.covered[1]},
        "drifted": list(surprise.drifted),
    }


def _score(score: Score | None) -> Document | None:
    if score is None:
        return None
    low, high = score.interval
    expected = {"mean": score.mean, "p05": low, "p95": high}
    return {"actual": score.actual, "expected": expected, "z": score.z, "inside": score.inside}


def _change(change: Change) -> Document:
    return {
        "line": change.line,
        "before": _cent(change.before),
        "after": _cent(change.after),
        "change": _cent(change.after - change.before),
        "gain": _interval(change.gain),
    }


def _plan(review: Review, problem: PlanProblem, plan_id: str) -> Document:
    """The whole quarter as it now is: weeks that are over as spent, the others as planned."""
    decided = problem.weeks.index(review.as_of) + 1
    spent, left = int(review.weekly_fen[:, :decided].sum()), int(review.weekly_fen[:, decided:].sum())
    rest = None if review.rest is None else plan_document(review.rest, {}, "", [])
    document: Document = {
        "from_plan": plan_id,
        "quarter": problem.quarter,
        "weeks": [week.isoformat() for week in problem.weeks],
        "decided_weeks": decided,
        "currency": problem.currency,
        "total": currency(review.total_fen),
        "spent": currency(spent),
        "remaining": currency(left),
        "unspent": currency(review.total_fen - spent - left),
        "lines": [_plan_line(review, problem, index, decided) for index in range(len(problem.lines))],
    }
    document |= {key: None if rest is None else rest[key] for key in KEPT_OF_PLAN}
    return {"id": _identity(document)} | document


def _plan_line(review: Review, problem: PlanProblem, index: int, decided: int) -> Document:
    line, weekly = problem.lines[index], review.weekly_fen[index]
    rest = _rest_of(review.rest, line.name)
    return {
        "name": line.name,
        "label": dict(line.label),
        "category": line.category,
        "groups": list(line.groups),
        "reserve": line.reserve,
        "spend": currency(int(weekly.sum())),
        "weekly": [currency(int(fen)) for fen in weekly],
        "spent": currency(int(weekly[:decided].sum())),
        "remaining": currency(int(weekly[decided:].sum())),
    } | rest


def _rest_of(plan: Plan | None, name: str) -> Document:
    """What the weeks left are expected to bring."""
    line = next((line for line in plan.lines if line.name == name), None) if plan is not None else None
    if line is None:
        return {"gmv": None, "roi": None, "mroi": None}
    return {"gmv": _interval(line.gmv), "roi": _interval(line.roi), "mroi": line.mroi}


def _identity(document: Document) -> str:
    """Identity of the plan by its money alone."""
    money = {"weeks": document["weeks"], "lines": [[line["name"], line["weekly"]] for line in document["lines"]]}
    return hashlib.sha256(json.dumps(money, ensure_ascii=False).encode()).hexdigest()[:12]


def _interval(interval: Interval | None) -> Document | None:
    if interval is None:
        return None
    return {name: float(getattr(interval, name)) for name in ("mean", "p05", "p50", "p95")}


def _cent(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 2)


# Sentences ------------------------------------------------------------------------------------------------------------


def said(document: Mapping[str, Any], lang: Lang) -> Document:
    """The document with a sentence wherever something happened, in a language."""
    words = _Words(document, lang)
    return {
        **document,
        "reasons": [one | {"sentence": words.reason(one["code"])} for one in document["reasons"]],
        "fired": [one | {"sentence": words.fired(one)} for one in document["fired"]],
        "board": [one | {"sentence": words.disagreement(one)} for one in document["board"]],
        "gave_way": [one | {"sentence": words.gave_way(one)} for one in document["gave_way"]],
        "notes": [one | {"sentence": words.note(one)} for one in document["notes"]],
        "surprise": document["surprise"] | {"sentence": words.surprise()},
    }


@dataclass(frozen=True, slots=True)
class _Words:
    """Turns facts of a review into sentences."""

    document: Mapping[str, Any]
    lang: Lang

    def label(self, line: str) -> str:
        """A line's name to show."""
        labels: Document = next((one["label"] for one in self.document["board"] if one["line"] == line), {})
        return label_words(labels, line, self.lang)

    def money(self, amount: float | None) -> str:
        """An amount with its currency."""
        return amount_words(amount or 0.0, self.document["currency"], self.lang)

    def listed(self, names: Sequence[str]) -> str:
        """Names joined."""
        return say(self.lang, "list.join").join(names)

    def reason(self, code: str) -> str:
        """Why the verdict."""
        drifted = [
            say(self.lang, f"review.drifted.{name}") if name in {"total", "coverage"} else self.label(name)
            for name in self.document["surprise"]["drifted"]
        ]
        gain = self.document["gain"]
        facts = {"drifted": self.listed(drifted), "gain": self.money(gain["mean"] if gain else 0.0)}
        return say(self.lang, f"review.reason.{code}", **facts)

    def fired(self, one: Mapping[str, Any]) -> str:
        """What a rule did, with its numbers."""
        taken = 1 - one["to"] / one["from"] if one["from"] else 0.0
        return say(
            self.lang,
            f"review.fired.{one['kind']}",
            line=self.label(one["line"]),
            roi=roi_words(one["roi"] or 0.0),
            threshold=roi_words(one["threshold"] or 0.0),
            count=one["count"],
            week=one["weeks"][0] if one["weeks"] else "",
            to=self.money(one["to"]),
            spent=self.money(one["from"]),
            share=share_words(taken),
            paid_by=self._paid_by(one),
        )

    def _paid_by(self, one: Mapping[str, Any]) -> str:
        if one["kind"] != "top_up":
            return ""
        names = [f"{self.label(each['line'])} {self.money(each['amount'])}" for each in one["paid_by"]]
        if not names:
            return say(self.lang, "review.fired.top_up.extra")
        return say(self.lang, "review.fired.top_up.reserve", reserves=self.listed(names))

    def disagreement(self, one: Mapping[str, Any]) -> str:
        """Where attribution and model say different things of a line; empty where they do not."""
        if one["disagrees"] is None:
            return ""
        model, ratio = one["roi_model"], one["attributed_ratio"]
        return say(
            self.lang,
            f"review.disagrees.{one['disagrees']}",
            line=self.label(one["line"]),
            roi=f"{one['roi_attributed'] or 0.0:.2f}",
            model=roi_words(model["mean"]),
            low=roi_words(model["p05"]),
            high=roi_words(model["p95"]),
            scaled=roi_words(model["mean"] * ratio),
        )

    def gave_way(self, one: Mapping[str, Any]) -> str:
        """Which rule could not be kept."""
        if not one["rule"]:
            return say(self.lang, "review.gave_way.all")
        line = f" ({self.label(one['line'])})" if one["line"] else ""
        if one["by"] is None:
            return say(self.lang, "review.gave_way.whole", rule=plain(one["rule"]), line=line)
        return say(self.lang, "review.gave_way", rule=plain(one["rule"]), line=line, by=self.money(one["by"]))

    def note(self, one: Mapping[str, Any]) -> str:
        """A note."""
        facts = {
            key: self.money(value)
            if isinstance(value, float)
            else self.listed([self.label(name) for name in value])
            if isinstance(value, list)
            else self.label(value)
            if key == "line"
            else value
            for key, value in one["facts"].items()
        }
        return say(self.lang, f"review.note.{one['code']}", **facts)

    def surprise(self) -> str:
        """Total GMV against what was to be expected."""
        total = self.document["surprise"]["total"]
        if total is None:
            return say(self.lang, "review.head.gmv.unknown")
        expected = total["expected"]
        words = say(
            self.lang,
            "review.head.gmv.words",
            actual=self.money(total["actual"]),
            mean=self.money(expected["mean"]),
            low=self.money(expected["p05"]),
            high=self.money(expected["p95"]),
            z=signed(f"{total['z']:.1f}"),
        )
        verdict = say(self.lang, f"review.head.gmv.{'inside' if total['inside'] else 'outside'}")
        return say(self.lang, "clause.join").join([words, verdict])
