"""The plan as plan.json and plan.csv: the contract's names, money exact to the cent."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmm.messages import message_document
from optimizer.plan import (
    Comparison,
    Conflict,
    ConstraintReport,
    Interval,
    LinePlan,
    Plan,
    Proof,
    Relaxation,
    RuleReport,
    RuleValue,
)
from optimizer.verify import Finding
from reports.reasons import reason_document

Document = dict[str, Any]

# Excel also reads the full-width forms as the start of a formula
_DANGEROUS = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def plan_document(plan: Plan, health: Mapping[str, Any], fingerprint: str, files: Sequence[str]) -> Document:
    """Build plan.json.

    Parameters
    ----------
    plan : Plan
        The plan; money in fen.
    health : mapping
        ``health`` of fit.json: verdict and checks.
    fingerprint : str
        Identity of data, settings and versions.
    files : sequence of str
        Names of the files written beside it.

    Returns
    -------
    dict
        JSON-ready; money in currency, spends rounded to the cent; numbers that do not exist are None.
    """
    return {
        "status": plan.status.word,
        "quarter": plan.quarter,
        "weeks": [week.isoformat() for week in plan.weeks],
        "currency": plan.currency,
        "total": currency(plan.total_fen),
        "lines": [_line(line) for line in plan.lines],
        "expected": _expected(plan),
        "proof": _proof(plan.proof),
        "constraints": [_constraint(report) for report in plan.constraints],
        "rules": [_rule(report) for report in plan.rules],
        "rule_value": _rule_value(plan.rule_value),
        "versus": _versus(plan),
        "health": dict(health),
        "notes": list(plan.notes),
        "note_messages": [message_document(note) for note in plan.notes],
        "files": list(files),
        "fingerprint": fingerprint,
        "conflict": [_conflict(conflict) for conflict in plan.conflict],
        "relaxation": [_relaxation(relaxation) for relaxation in plan.relaxation],
    }


def plan_csv(plan: Plan) -> str:
    """Write week,line,spend, a row per line and week, spend with two decimals; encode as UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("week", "line", "spend"))
    for line in plan.lines:
        for week, fen in zip(plan.weeks, line.weekly_fen, strict=True):
            writer.writerow((week.isoformat(), guarded(line.name), cents(fen)))
    return text.getvalue()


def guarded(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would read as a formula; :func:`unguarded` takes it off.

    Source: OWASP, CSV Injection.
    """
    return f"'{text}" if _DANGEROUS.match(text) else text


def unguarded(text: str) -> str:
    """Give back the text that :func:`guarded` was given."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text) else text


def currency(fen: int) -> float:
    """Return fen as currency, the float nearest to the exact cents."""
    return fen / 100


def cents(fen: int) -> str:
    """Return fen as decimal text with two places, exact at any size."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _number(value: float | None) -> float | None:
    # JSON knows neither NaN nor infinity
    return float(value) if value is not None and math.isfinite(value) else None


def _cent(value: float | None) -> float | None:
    number = _number(value)
    return None if number is None else round(number, 2)


def interval_document(interval: Interval | None) -> Document | None:
    """Build mean and quantiles; None where there is no interval."""
    if interval is None:
        return None
    return {name: _number(getattr(interval, name)) for name in ("mean", "p05", "p50", "p95")}


def _line(line: LinePlan) -> Document:
    return {
        "name": line.name,
        "label": dict(line.label),
        "category": line.category,
        "groups": list(line.groups),
        "reserve": line.reserve,
        "prior_only": line.prior_only,
        "spend": currency(line.spend_fen),
        "weekly": [currency(fen) for fen in line.weekly_fen],
        "history_spend": _cent(line.history_spend),
        "gmv": interval_document(line.gmv),
        "roi": interval_document(line.roi),
        "mroi": _number(line.mroi),
        "prob_weak": _number(line.prob_weak),
        "prob_cut": _number(line.prob_cut),
        "expected_spend_after_cuts": _cent(line.spend_after_cuts),
        "prob_top_up": _number(line.prob_top_up),
        "expected_top_up": _cent(line.topped_up),
        "test_value": _cent(line.test_value),
        "near_optimal": None if line.near_optimal is None else [_cent(spend) for spend in line.near_optimal],
        "reason": reason_document(line),
    }


def _expected(plan: Plan) -> Document:
    return {
        "gmv": interval_document(plan.gmv),
        "profit": _number(plan.profit),
        "roi": _number(plan.roi),
        "cvar": _number(plan.cvar),
        "prob_target": _number(plan.prob_target),
    }


def _proof(proof: Proof | None) -> Document | None:
    if proof is None:
        return None
    return {
        "objective": _number(proof.objective),
        "bound": _number(proof.bound),
        "gap": _number(proof.gap),
        "rounds": proof.rounds,
        "draws": proof.draws,
        "solver": proof.solver,
        "seconds": _number(proof.seconds),
    }


def _constraint(report: ConstraintReport) -> Document:
    return {
        "name": report.name,
        "kind": report.kind,
        "line": report.line,
        "sense": report.sense,
        "value": _number(report.value),
        "limit": _number(report.limit),
        "unit": report.unit,
        "binding": bool(report.binding),
        "price": _number(report.price),
        "price_unit": report.price_unit,
        "part": report.part,
        "soft": report.soft,
        "violation": report.violation,
    }


def _rule(report: RuleReport) -> Document:
    return {
        "name": report.name,
        "kind": report.kind,
        "fired": bool(report.fired),
        "lines": list(report.lines),
        "effect": report.effect,
        "message": message_document(report.effect),
    }


def _rule_value(value: RuleValue | None) -> Document | None:
    if value is None:
        return None
    return {
        "gmv": interval_document(value.gmv),
        "saved": interval_document(value.saved),
        "lost_per_unit": _number(value.lost_per_unit),
        "paths": value.paths,
    }


def _versus(plan: Plan) -> Document:
    last = _comparison(plan.last_quarter)
    if plan.last_quarter_spend is not None:
        last = (last or _comparison_unknown()) | {"history_spend": _cent(plan.last_quarter_spend)}
    return {"last_quarter": last, "pro_rata": _comparison(plan.pro_rata)}


def _comparison(comparison: Comparison | None) -> Document | None:
    if comparison is None:
        return None
    return {
        "spend": _cent(comparison.spend),
        "gmv": interval_document(comparison.gmv),
        "gmv_gain": interval_document(comparison.gmv_gain),
        "prob_better": _number(comparison.prob_better),
    }


def _comparison_unknown() -> Document:
    return dict.fromkeys(("spend", "gmv", "gmv_gain", "prob_better"))


def _conflict(conflict: Conflict) -> Document:
    said = {"sentence": conflict.sentence, "message": message_document(conflict.sentence)}
    return {"name": conflict.name, "kind": conflict.kind} | said


def _relaxation(relaxation: Relaxation) -> Document:
    return {
        "name": relaxation.name,
        "from": _number(relaxation.from_),
        "to": _number(relaxation.to),
        "sentence": relaxation.sentence,
        "message": message_document(relaxation.sentence),
    }


def finding_document(found: Finding) -> Document:
    """One limit and what a plan makes of it, ready for JSON."""
    return {
        "name": found.name,
        "kind": found.kind,
        "line": found.line,
        "week": None if found.week is None else found.week.isoformat(),
        "part": found.part,
        "sense": found.sense,
        "value": found.value,
        "limit": found.limit,
        "unit": found.unit,
        "violation": found.violation,
        "sentence": found.sentence,
    }


def evaluation_document(
    evaluation: tuple[Plan, Sequence[Finding]], health: Mapping[str, Any], fingerprint: str, source: str
) -> Document:
    """Build evaluation.json: a given plan's lines and expectations as in plan.json, and the rules it breaks.

    Parameters
    ----------
    evaluation : (Plan, sequence of Finding)
        The scored plan and every limit held against it.
    health : mapping
        ``health`` of fit.json.
    fingerprint : str
        Of the fitted model.
    source : str
        Name of the file that held the plan.
    """
    plan, findings = evaluation
    kept = (
        "quarter",
        "weeks",
        "currency",
        "total",
        "lines",
        "expected",
        "constraints",
        "rules",
        "versus",
        "notes",
        "note_messages",
    )
    document = plan_document(plan, health, fingerprint, [])
    broken = [finding_document(f) for f in findings if f.broken]
    return (
        {"source": source, "obeys_rules": not broken, "broken": broken}
        | {key: document[key] for key in kept}
        | {"health": dict(health), "fingerprint": fingerprint}
    )
