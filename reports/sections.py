"""What a reader sees, as values: titles, sentences and tables of raw numbers that every writer formats its own way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any

from mmm.messages import NOBODY, said
from mmm.sentences import HEALTH
from optimizer.plan import Comparison, ConstraintReport, Interval, LinePlan, Plan
from reports.documents import currency
from reports.words import (
    NOTHING,
    Lang,
    amount_words,
    currency_words,
    gap_words,
    label_words,
    line_label,
    money_words,
    number_words,
    plain,
    quarter_words,
    roi_words,
    say,
    share_words,
    shown,
    signed,
    term,
)


class Kind(Enum):
    """How a cell is read and formatted; an estimate is money that is not known to the cent."""

    TEXT = "text"
    MONEY = "money"
    ESTIMATE = "estimate"
    GAIN = "gain"
    SHARE = "share"
    CHANGE = "change"
    GAP = "gap"
    ROI = "roi"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Measured:
    """A cell whose kind differs from its column's."""

    value: float
    kind: Kind


Cell = str | float | tuple[float, float] | Measured | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a section.

    Attributes
    ----------
    key, title : str
        Identity, and the words over the column.
    kind : Kind
        How its cells are formatted.
    pair : bool
        Cells are (low, high).
    adds_down : bool
        The total row holds the sum of the column.
    adds_across : bool
        Each cell is the sum of the row's ``adds_down`` cells before it.
    """

    key: str
    title: str
    kind: Kind = Kind.TEXT
    pair: bool = False
    adds_down: bool = False
    adds_across: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A titled table of raw values with its sentence; ``note`` has a line per sentence, ``total`` is empty or a row."""

    key: str
    title: str
    sentence: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    total: tuple[Cell, ...] = ()

    def only(self, *keys: str) -> Section:
        """Return the section with these columns alone, in this order."""
        places = [self.place(key) for key in keys]
        return replace(
            self,
            columns=tuple(self.columns[i] for i in places),
            rows=tuple(tuple(row[i] for i in places) for row in self.rows),
            total=tuple(self.total[i] for i in places) if self.total else (),
        )

    def without(self, *keys: str) -> Section:
        """Return the section without these columns."""
        return self.only(*(column.key for column in self.columns if column.key not in keys))

    def place(self, key: str) -> int:
        """Position of a column."""
        return [column.key for column in self.columns].index(key)


_WORDS: Mapping[Kind, Callable[[float, Lang], str]] = MappingProxyType(
    {
        Kind.TEXT: lambda value, _: number_words(value),
        Kind.MONEY: lambda value, lang: money_words(value, lang, trim=False),
        Kind.ESTIMATE: lambda value, lang: money_words(value, lang, trim=False),
        Kind.GAIN: lambda value, lang: signed(money_words(value, lang, trim=False)),
        Kind.SHARE: lambda value, _: share_words(value),
        Kind.CHANGE: lambda value, _: signed(share_words(value)),
        Kind.GAP: lambda value, _: gap_words(value),
        Kind.ROI: lambda value, _: roi_words(value),
        Kind.NUMBER: lambda value, _: number_words(value),
    }
)


def cell_words(cell: Cell, kind: Kind, lang: Lang) -> str:
    """Return a cell as the words a reader sees."""
    if cell is None:
        return NOTHING
    if isinstance(cell, str):
        return plain(cell)
    if isinstance(cell, Measured):
        return cell_words(cell.value, cell.kind, lang)
    if isinstance(cell, tuple):
        # a dash beside a minus sign cannot be read
        dash = "–" if min(cell) >= 0 else say(lang, "pair.to")
        return dash.join(cell_words(value, kind, lang) for value in cell)
    return _WORDS[kind](cell, lang) if math.isfinite(cell) else NOTHING


def spent(plan: Plan) -> float:
    """Spend of the plan in currency."""
    return currency(sum(line.spend_fen for line in plan.lines))


def spent_with_history(plan: Plan) -> float:
    """Return the spend, in currency, of the lines that last year's figure speaks of: not the reserved ones."""
    return currency(sum(line.spend_fen for line in plan.lines if line.history_spend is not None))


def period(plan: Plan, lang: Lang) -> str:
    """Total, number of weeks and their dates, as a sentence."""
    return say(
        lang,
        "period",
        total=amount_words(currency(plan.total_fen), plan.currency, lang),
        weeks=len(plan.weeks),
        first=plan.weeks[0].isoformat(),
        last=(plan.weeks[-1] + timedelta(days=6)).isoformat(),
    )


def headline(plan: Plan, health: Mapping[str, Any], lang: Lang) -> Section:
    """Build the first thing to read: where the money goes, what it earns, how sure, what binds, what to test."""
    told = {
        "where": _where(plan, lang),
        "earns": _earns(plan, lang),
        "sure": _sure(plan, health, lang),
        "binds": _list(_binding(plan.constraints, lang), lang) or say(lang, "headline.nothing_binds"),
        "test": test_sentence(plan, lang),
        "last_year": _last_year(plan, lang),
    }
    return Section(
        "headline",
        say(lang, "title", quarter=quarter_words(plan.quarter, lang)),
        period(plan, lang),
        _columns(lang, item=Kind.TEXT, finding=Kind.TEXT),
        tuple((say(lang, f"headline.{key}"), words) for key, words in told.items() if words),
    )


def _where(plan: Plan, lang: Lang, most: int = 5) -> str:
    total = sum(line.spend_fen for line in plan.lines)
    if total == 0:
        return ""
    ranked = sorted(plan.lines, key=lambda line: -line.spend_fen)
    named = [
        say(lang, "headline.share", line=line_label(line, lang), share=share_words(line.spend_fen / total))
        for line in ranked[:most]
    ]
    rest = ranked[most:]
    if rest:
        share = share_words(sum(line.spend_fen for line in rest) / total)
        named.append(say(lang, "headline.rest", count=len(rest), share=share))
    return _list(named, lang)


def _earns(plan: Plan, lang: Lang) -> str:
    if plan.gmv is None:
        return say(lang, "headline.no_gmv")
    mean, low, high = (money_words(value, lang) for value in (plan.gmv.mean, plan.gmv.p05, plan.gmv.p95))
    told = [say(lang, "headline.gmv", mean=mean, low=low, high=high)]
    if plan.roi is not None:
        told.append(say(lang, "headline.roi", roi=roi_words(plan.roi)))
    if plan.profit is not None:
        told.append(say(lang, "headline.profit", profit=money_words(plan.profit, lang)))
    if plan.cvar is not None:
        told.append(say(lang, "headline.cvar", cvar=money_words(plan.cvar, lang)))
    return _list(told, lang)


def _sure(plan: Plan, health: Mapping[str, Any], lang: Lang) -> str:
    proof = plan.proof
    gap = say(lang, "headline.gap", gap=gap_words(proof.gap)) if proof and shown(proof.gap) else ""
    verdict = say(
        lang,
        "headline.verdict",
        verdict=term(lang, "verdict", str(health["verdict"])),
        findings=_findings_words(health, lang),
    )
    told = [say(lang, f"status.{plan.status.word}"), gap or say(lang, "headline.no_proof"), verdict]
    if plan.prob_target is not None:
        told.append(say(lang, "headline.target", prob=share_words(plan.prob_target)))
    return say(lang, "sentence.join").join(told)


MOST_TESTS = 3
NOTICED = 1e-3  # of the plan's GMV: a test worth less is not proposed


def worth_testing(plan: Plan) -> list[LinePlan]:
    """Return the lines that are worth testing next, the most worth first."""
    least = NOTICED * plan.gmv.mean if plan.gmv else 0.0
    known = [line for line in plan.lines if line.test_value is not None and line.test_value > least]
    return sorted(known, key=lambda line: -(line.test_value or 0.0))[:MOST_TESTS]


def test_sentence(plan: Plan, lang: Lang) -> str:
    """Return what to test next as one sentence; empty where nothing is worth it or nothing was asked."""
    found = worth_testing(plan)
    items = (
        say(lang, "page.test.item", line=line_label(line, lang), value=money_words(line.test_value or 0.0, lang))
        for line in found
    )
    return say(lang, "headline.test.sentence", lines=_list(items, lang)) if found else ""


def plan_labels(plan: Plan, lang: Lang) -> dict[str, str]:
    """Return what to show for the names in a plan's messages: lines by their labels, kinds of rules in words."""
    kinds = {rule.kind: term(lang, "kind", rule.kind) for rule in plan.conflict}
    return kinds | {line.name: line_label(line, lang) for line in plan.lines}


def fit_labels(fit: Mapping[str, Any], lang: Lang) -> dict[str, str]:
    """Return what to show for the names of the fitted channels."""
    return {one["name"]: label_words(one.get("label", {}), one["name"], lang) for one in fit["channels"]}


def check_name(check: Mapping[str, Any], lang: Lang) -> str:
    """Return the name of a health check in words."""
    return term(lang, "check", str(check["name"]))


def check_sentence(check: Mapping[str, Any], lang: Lang, labels: Mapping[str, str]) -> str:
    """Return what a health check says, in a language where it was saved with its values."""
    message = HEALTH.read(check.get("message"))
    return plain(str(check["sentence"]) if message is None else said(message, lang, labels))


def findings(health: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the health checks that did not pass."""
    return tuple(check for check in health["checks"] if check["verdict"] != "PASS")


def _findings_words(health: Mapping[str, Any], lang: Lang) -> str:
    count = len(findings(health))
    return say(lang, "headline.findings.some", count=count) if count else say(lang, "headline.findings.none")


def _last_year(plan: Plan, lang: Lang) -> str:
    if not plan.last_quarter_spend or not plan.lines:
        return ""
    change = spent_with_history(plan) / plan.last_quarter_spend - 1
    spend = amount_words(plan.last_quarter_spend, plan.currency, lang)
    return say(lang, "headline.spend_change", change=signed(share_words(change)), spend=spend)


def _binding(reports: Iterable[ConstraintReport], lang: Lang) -> list[str]:
    """Names of binding rules, the rows of one rule counted once: ``at most 30% a week x5``."""
    counts = Counter(rule_words(report, lang) for report in reports if report.binding)
    return [name if count == 1 else f"{name} ×{count}" for name, count in counts.items()]


def rule_name(report: ConstraintReport) -> str:
    """Return the name of the rule that a limit belongs to."""
    # rows of one rule are named "rule: line" and "rule: line week"
    return plain(report.name.split(f": {report.line}")[0] if report.line else report.name)


def rule_words(report: ConstraintReport, lang: Lang) -> str:
    """Return the name of a limit's rule to show; that of the total is ours and not the project's."""
    return term(lang, "kind", "total") if report.kind == "total" else rule_name(report)


def binding_words(plan: Plan, line: str, lang: Lang) -> str:
    """Return the names of the rules that hold one line."""
    return _list(_binding((report for report in plan.constraints if report.line == line), lang), lang)


def allocation(plan: Plan, lang: Lang) -> Section:
    """Build the table of lines: spend, share, expected GMV, ROI, change, near-optimal range, what binds."""
    columns = _columns(
        lang,
        key=Kind.TEXT,
        line=Kind.TEXT,
        category=Kind.TEXT,
        spend=Kind.MONEY,
        share=Kind.SHARE,
        gmv=Kind.ESTIMATE,
        gmv_range=Kind.ESTIMATE,
        roi=Kind.ROI,
        roi_range=Kind.ROI,
        mroi=Kind.ROI,
        history=Kind.MONEY,
        change=Kind.CHANGE,
        near_optimal=Kind.ESTIMATE,
        prob_weak=Kind.SHARE,
        prob_cut=Kind.SHARE,
        after_cuts=Kind.ESTIMATE,
        prob_top_up=Kind.SHARE,
        topped_up=Kind.ESTIMATE,
        test_value=Kind.ESTIMATE,
        binds=Kind.TEXT,
    )
    pairs, sums = ("gmv_range", "roi_range", "near_optimal"), ("spend", "share", "gmv", "history")
    return Section(
        "allocation",
        say(lang, "section.allocation"),
        say(lang, "section.allocation.sentence"),
        _marked(columns, pair=pairs, adds=sums),
        tuple(_allocation_row(plan, line, lang) for line in plan.lines),
        "\n".join(_allocation_notes(plan, lang)),
        _allocation_total(plan, lang),
    )


def _allocation_row(plan: Plan, line: LinePlan, lang: Lang) -> tuple[Cell, ...]:
    spend, total = currency(line.spend_fen), spent(plan)
    return (
        line.name,
        line_label(line, lang),
        line.category,
        spend,
        spend / total if total else None,
        line.gmv.mean if line.gmv else None,
        _pair(line.gmv),
        line.roi.mean if line.roi else None,
        _pair(line.roi),
        line.mroi,
        line.history_spend,
        _change(spend, line.history_spend),
        line.near_optimal,
        line.prob_weak,
        line.prob_cut,
        line.spend_after_cuts,
        line.prob_top_up,
        line.topped_up,
        line.test_value,
        binding_words(plan, line.name, lang),
    )


def _allocation_total(plan: Plan, lang: Lang) -> tuple[Cell, ...]:
    total = spent(plan)
    history = [line.history_spend for line in plan.lines if line.history_spend is not None]
    return (
        "",
        say(lang, "total"),
        "",
        total,
        1.0 if total else None,
        plan.gmv.mean if plan.gmv else None,
        _pair(plan.gmv),
        plan.roi,
        None,
        None,
        sum(history) if history else None,
        _change(spent_with_history(plan), plan.last_quarter_spend),
        *(None,) * len(RISK),
        "",
    )


def _allocation_notes(plan: Plan, lang: Lang) -> list[str]:
    told = [say(lang, "note.rounded")]
    for key, picked in (
        ("reserve", [line for line in plan.lines if line.reserve]),
        ("prior", [line for line in plan.lines if line.prior_only]),
    ):
        if picked:
            told.append(say(lang, f"note.{key}", lines=_list([line_label(line, lang) for line in picked], lang)))
    return told


RISK = ("near_optimal", "prob_weak", "prob_cut", "after_cuts", "prob_top_up", "topped_up", "test_value")
"""Columns of the lines that have a table of their own."""


def risk(plan: Plan, lang: Lang) -> Section:
    """Build what may become of each line: room, chances of a cut and of a top-up, worth of a test; what is known."""
    lines = allocation(plan, lang)
    known = [key for key in RISK if any(row[lines.place(key)] is not None for row in lines.rows)]
    title, sentence = say(lang, "section.risk"), say(lang, "section.risk.sentence")
    return replace(lines.only("line", "spend", *known), key="risk", title=title, sentence=sentence, total=(), note="")


def weekly(plan: Plan, lang: Lang) -> Section:
    """Build the line x week grid of spend."""
    weeks = tuple(Column(week.isoformat(), week.isoformat(), Kind.MONEY, adds_down=True) for week in plan.weeks)
    names = _columns(lang, key=Kind.TEXT, line=Kind.TEXT)
    total = Column("total", say(lang, "column.total"), Kind.MONEY, adds_down=True, adds_across=True)
    sums = [sum(line.weekly_fen[t] for line in plan.lines) for t in range(len(plan.weeks))]
    return Section(
        "weekly",
        say(lang, "section.weekly"),
        say(lang, "section.weekly.sentence"),
        (*names, *weeks, total),
        tuple(
            (line.name, line_label(line, lang), *(currency(fen) for fen in line.weekly_fen), currency(line.spend_fen))
            for line in plan.lines
        ),
        total=("", say(lang, "total"), *(currency(fen) for fen in sums), spent(plan)),
    )


def constraints(plan: Plan, lang: Lang) -> Section:
    """Build the table of all limits: value against limit, binding or not, price."""
    return _constraint_section(plan, plan.constraints, lang)


def prices(plan: Plan, lang: Lang) -> Section:
    """Build the table of binding limits alone, dearest first within a price unit."""
    binding = [report for report in plan.constraints if report.binding]
    binding.sort(key=lambda report: (report.price is None, report.price_unit or "", -abs(report.price or 0.0)))
    slack = len(plan.constraints) - len(binding)
    note = say(lang, "note.slack", count=slack) if slack else ""
    section = _constraint_section(plan, binding, lang).without("kind", "binding")
    return replace(section, key="prices", title=say(lang, "section.prices"), note=note)


UNIT_KINDS = {"share": Kind.SHARE, "roi": Kind.ROI, "lines": Kind.NUMBER, "weeks": Kind.NUMBER}


def _constraint_section(plan: Plan, reports: Sequence[ConstraintReport], lang: Lang) -> Section:
    labels = {line.name: line_label(line, lang) for line in plan.lines}
    return Section(
        "constraints",
        say(lang, "section.constraints"),
        say(lang, "section.constraints.sentence"),
        _columns(
            lang,
            rule=Kind.TEXT,
            kind=Kind.TEXT,
            line=Kind.TEXT,
            value=Kind.NUMBER,
            sense=Kind.TEXT,
            limit=Kind.NUMBER,
            binding=Kind.TEXT,
            price=Kind.NUMBER,
            price_unit=Kind.TEXT,
        ),
        tuple(_constraint_row(report, labels, lang) for report in reports),
    )


def _constraint_row(report: ConstraintReport, labels: Mapping[str, str], lang: Lang) -> tuple[Cell, ...]:
    kind = UNIT_KINDS.get(report.unit, Kind.MONEY)
    return (
        f"{report.name}: {report.part}" if report.part else report.name if report.line else rule_words(report, lang),
        term(lang, "kind", report.kind),
        report.line and labels.get(report.line, report.line),
        Measured(report.value, kind),
        term(lang, "sense", report.sense),
        Measured(report.limit, kind),
        _yes(report.binding, lang),
        report.price,
        price_unit_words(report, lang),
    )


def price_unit_words(report: ConstraintReport, lang: Lang) -> str | None:
    """Return what of a limit its price is told for: a percentage point, a unit of money."""
    if report.price_unit is None or report.unit in UNIT_KINDS:
        return report.price_unit and say(lang, f"price_unit.{report.unit}")
    return say(lang, "price_unit.money", currency=currency_words(report.price_unit.removeprefix("one "), lang))


def broken_sentence(rule: Mapping[str, Any], labels: Mapping[str, str], lang: Lang) -> str:
    """Return a broken rule of evaluation.json as a sentence in a language."""
    if lang == "en":
        return plain(str(rule["sentence"]))
    kind = UNIT_KINDS.get(str(rule["unit"]), Kind.MONEY)
    about = [labels.get(str(rule["line"]), str(rule["line"] or "")), str(rule["week"] or ""), str(rule["part"] or "")]
    return say(
        lang,
        "evaluation.rule.total" if rule["kind"] == "total" else "evaluation.rule",
        name=plain(str(rule["name"])),
        kind=term(lang, "kind", str(rule["kind"])),
        about="".join(f"{plain(part)} " for part in about if part),
        sense=term(lang, "sense", str(rule["sense"])),
        **{key: cell_words(float(rule[key]), kind, lang) for key in ("value", "limit", "violation")},
    )


def rules(plan: Plan, lang: Lang) -> Section:
    """Build the table of logic rules: whether each acts, on which lines, with what effect."""
    names = plan_labels(plan, lang)
    labels = {line.name: line_label(line, lang) for line in plan.lines}
    return Section(
        "rules",
        say(lang, "section.rules"),
        say(lang, "section.rules.sentence" if plan.rules else "section.rules.none"),
        _columns(lang, rule=Kind.TEXT, kind=Kind.TEXT, fired=Kind.TEXT, lines=Kind.TEXT, effect=Kind.TEXT),
        tuple(
            (
                rule.name,
                term(lang, "kind", rule.kind),
                _yes(rule.fired, lang),
                _list([labels.get(name, name) for name in rule.lines], lang),
                plain(said(rule.effect, lang, names)),
            )
            for rule in plan.rules
        ),
    )


def rule_value(plan: Plan, lang: Lang) -> Section:
    """Build what the weak-ROI rule is worth; without rows where it was not played."""
    value = plan.rule_value
    columns = _columns(lang, item=Kind.TEXT, mean=Kind.GAIN, range=Kind.GAIN)
    title, marked = say(lang, "section.rule_value"), _marked(columns, pair=("range",))
    if value is None:
        return Section("rule_value", title, say(lang, "section.rule_value.none"), marked, ())
    rows = tuple(
        (say(lang, f"rule_value.{key}"), part.mean, _pair(part))
        for key, part in (("gmv", value.gmv), ("saved", value.saved))
    )
    sentence = say(lang, "section.rule_value.sentence", paths=f"{value.paths:,}")
    lost = None if value.lost_per_unit is None else number_words(value.lost_per_unit)
    note = (
        ""
        if lost is None
        else say(lang, "section.rule_value.lost", currency=currency_words(plan.currency, lang), lost=lost)
    )
    return Section("rule_value", title, sentence, marked, rows, note)


def proof(plan: Plan, lang: Lang) -> Section:
    """Build the proof: objective, the bound no plan can pass, and the gap between them."""
    status = f"{say(lang, f'status.{plan.status.word}')} {say(lang, f'cure.{plan.status.word}')}".strip()
    rows: list[tuple[Cell, ...]] = [(say(lang, "proof.status"), say(lang, f"outcome.{plan.status.word}"))]
    if plan.proof is not None:
        facts: dict[str, Cell] = {
            "objective": Measured(plan.proof.objective, Kind.ESTIMATE),
            "bound": Measured(plan.proof.bound, Kind.ESTIMATE),
            "gap": Measured(plan.proof.gap, Kind.GAP),
            "rounds": plan.proof.rounds,
            "draws": plan.proof.draws,
            "solver": plan.proof.solver,
            "seconds": plan.proof.seconds,
        }
        rows += [(say(lang, f"proof.{key}"), cell) for key, cell in facts.items()]
    if plan.prob_target is not None:
        rows.append((say(lang, "proof.target"), Measured(plan.prob_target, Kind.SHARE)))
    columns = _columns(lang, item=Kind.TEXT, value=Kind.NUMBER)
    return Section("proof", say(lang, "section.proof"), status, columns, tuple(rows))


def versus(plan: Plan, lang: Lang) -> Section:
    """Build the comparisons with last year's and the pro-rata division, on paired draws."""
    compared = {"last_quarter": plan.last_quarter, "pro_rata": plan.pro_rata}
    rows = tuple(_versus_row(key, other, lang) for key, other in compared.items() if other is not None)
    columns = _columns(
        lang,
        against=Kind.TEXT,
        spend=Kind.MONEY,
        gmv=Kind.ESTIMATE,
        gain=Kind.GAIN,
        gain_range=Kind.GAIN,
        prob_better=Kind.SHARE,
    )
    return Section(
        "versus",
        say(lang, "section.versus"),
        say(lang, "section.versus.sentence" if rows else "section.versus.none"),
        _marked(columns, pair=("gain_range",)),
        rows,
    )


def _versus_row(key: str, other: Comparison, lang: Lang) -> tuple[Cell, ...]:
    gain = other.gmv_gain
    return (
        say(lang, f"versus.{key}"),
        other.spend,
        other.gmv.mean,
        gain.mean,
        _pair(gain),
        other.prob_better,
    )


def health(document: Mapping[str, Any], lang: Lang, labels: Mapping[str, str] = NOBODY) -> Section:
    """Build the health checks of the fitted model, those that did not pass first.

    Parameters
    ----------
    document : mapping
        ``health`` of fit.json.
    lang : {"en", "zh"}
        Language.
    labels : mapping
        Names to show for channels.
    """
    ranked = sorted(document["checks"], key=lambda check: check["verdict"] == "PASS")
    verdict = term(lang, "verdict", str(document["verdict"]))
    return Section(
        "health",
        say(lang, "section.health"),
        say(lang, "section.health.sentence", verdict=verdict, findings=_findings_words(document, lang)),
        _columns(lang, item=Kind.TEXT, verdict=Kind.TEXT, value=Kind.NUMBER, limit=Kind.NUMBER, finding=Kind.TEXT),
        tuple(
            (
                check_name(check, lang),
                term(lang, "verdict", str(check["verdict"])),
                _loose(check["value"]),
                _loose(check["limit"]),
                check_sentence(check, lang, labels),
            )
            for check in ranked
        ),
    )


def note_words(plan: Plan, lang: Lang) -> tuple[str, ...]:
    """Return the plan's notes in a language; the project's own stays as it is."""
    labels = plan_labels(plan, lang)
    return tuple(plain(said(note, lang, labels)) for note in plan.notes)


def notes(plan: Plan, lang: Lang) -> Section:
    """Build the plan's notes: reference weeks, honest gap, simulated data, lines planned from their prior."""
    return Section(
        "notes",
        say(lang, "section.notes"),
        say(lang, "section.notes.sentence" if plan.notes else "section.notes.none"),
        _columns(lang, note=Kind.TEXT),
        tuple((note,) for note in note_words(plan, lang)),
    )


def manifest(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the manifest as item and value, nested keys joined by dots."""
    return Section(
        "manifest",
        say(lang, "section.manifest"),
        say(lang, "section.manifest.sentence"),
        _columns(lang, item=Kind.TEXT, value=Kind.TEXT),
        tuple(_flat(document)),
    )


def _flat(value: Any, path: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{place}]")
    else:
        yield path, "" if value is None else str(value)


def conflict(plan: Plan, lang: Lang) -> Section:
    """Build the rules that cannot hold together."""
    labels = plan_labels(plan, lang) if lang == "zh" else NOBODY
    return Section(
        "conflict",
        say(lang, "section.conflict"),
        say(lang, "status.infeasible"),
        _columns(lang, rule=Kind.TEXT, kind=Kind.TEXT, finding=Kind.TEXT),
        tuple((row.name, term(lang, "kind", row.kind), said(row.sentence, lang, labels)) for row in plan.conflict),
    )


def relaxation(plan: Plan, lang: Lang) -> Section:
    """Build the least changes that would make a plan possible."""
    columns = _columns(lang, rule=Kind.TEXT, proposal=Kind.TEXT, to=Kind.NUMBER)
    columns = (columns[0], Column("from", say(lang, "column.from"), Kind.NUMBER), columns[2], columns[1])
    return Section(
        "relaxation",
        say(lang, "section.relaxation"),
        say(lang, "section.relaxation.sentence"),
        columns,
        tuple((row.name, row.from_, row.to, said(row.sentence, lang)) for row in plan.relaxation),
    )


def channel_roi(fit: Mapping[str, Any], lang: Lang) -> Section:
    """Build the fitted ROI table from fit.json: last 52 weeks with 90% intervals."""
    columns = _columns(
        lang,
        channel=Kind.TEXT,
        roi=Kind.ROI,
        roi_range=Kind.ROI,
        mroi=Kind.ROI,
        contribution=Kind.ESTIMATE,
        half_life=Kind.NUMBER,
        source=Kind.TEXT,
    )
    silent = _silent_channels(fit["health"])
    return Section(
        "roi",
        say(lang, "section.roi"),
        say(lang, "section.roi.sentence"),
        _marked(columns, pair=("roi_range",)),
        tuple(_channel_row(channel, silent, lang) for channel in fit["channels"]),
    )


def _silent_channels(health: Mapping[str, Any]) -> frozenset[str]:
    """Channels that the health check says the data tell next to nothing about."""
    messages = (check.get("message") or {} for check in health["checks"])
    told = [message["values"]["names"] for message in messages if message.get("key") == "health.silent"]
    return frozenset(name for names in told for name in names)


def _channel_row(channel: Mapping[str, Any], silent: Collection[str], lang: Lang) -> tuple[Cell, ...]:
    roi = channel["roi"]
    learnt = "prior" if channel["prior_only"] else "silent" if channel["name"] in silent else "data"
    return (
        label_words(channel.get("label", {}), channel["name"], lang),
        roi["mean"],
        (roi["p05"], roi["p95"]),
        channel["mroi"]["mean"],
        channel["contribution"]["mean"],
        round(channel["half_life_weeks"]["mean"], 1),
        say(lang, f"source.{learnt}"),
    )


def diagnostics(fit: Mapping[str, Any], lang: Lang) -> Section:
    """Build the sampling diagnostics and fit quality of fit.json."""
    wanted = {
        "diagnostics": ("max_rhat", "min_ess_bulk", "min_ess_tail", "divergences", "draws", "chains"),
        "quality": ("r2", "mape", "coverage90", "durbin_watson"),
    }
    found = {"diagnostics": fit["diagnostics"], "quality": fit["fit_quality"]}
    shares = ("mape", "coverage90")
    rows = tuple(
        (
            say(lang, f"{family}.{key}"),
            Measured(found[family][key], Kind.SHARE if key in shares else Kind.NUMBER)
            if shown(found[family][key])
            else None,
        )
        for family, keys in wanted.items()
        for key in keys
    )
    columns = _columns(lang, item=Kind.TEXT, value=Kind.NUMBER)
    return Section("diagnostics", say(lang, "section.diagnostics"), "", columns, rows)


def backtest_scores(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the mean scores of every method of backtest.json, best first."""
    scores = document["summary"]["scores"]
    order = sorted(scores, key=lambda name: float(scores[name]["crps"]))
    keys = ("crps", "mape", "coverage90")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (term(lang, "method", name), *(float(scores[name][key]) for key in keys)) for name in order
    )
    columns = _columns(lang, method=Kind.TEXT, crps=Kind.SHARE, mape=Kind.SHARE, coverage90=Kind.SHARE)
    sentence = say(lang, "backtest.scores.sentence")
    return Section("backtest", say(lang, "section.backtest"), sentence, columns, rows)


def backtest_origins(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build what the model and the best other method scored at every origin of backtest.json."""
    rival = document["summary"]["best_rival"]
    rows = tuple(
        (
            str(origin["trained_to"]),
            float(origin["scores"]["model"]["crps"]),
            float(origin["scores"][rival]["crps"]),
            float(origin["scores"]["model"]["coverage90"]),
        )
        for origin in document["origins"]
    )
    columns = _columns(
        lang, trained_to=Kind.TEXT, crps_model=Kind.SHARE, crps_rival=Kind.SHARE, coverage_model=Kind.SHARE
    )
    return Section("backtest_origins", say(lang, "section.backtest_origins"), "", columns, rows)


def _columns(lang: Lang, **kinds: Kind) -> tuple[Column, ...]:
    return tuple(Column(key, say(lang, f"column.{key}"), kind) for key, kind in kinds.items())


def _marked(columns: Iterable[Column], pair: Sequence[str] = (), adds: Sequence[str] = ()) -> tuple[Column, ...]:
    return tuple(replace(column, pair=column.key in pair, adds_down=column.key in adds) for column in columns)


def _pair(interval: Interval | None) -> tuple[float, float] | None:
    return None if interval is None else (interval.p05, interval.p95)


def _change(now: float, before: float | None) -> float | None:
    return now / before - 1 if before else None


def _yes(flag: bool, lang: Lang) -> str:
    return say(lang, "yes" if flag else "no")


def _list(items: Iterable[str], lang: Lang) -> str:
    return say(lang, "list.join").join(items)


def _loose(value: Any) -> Cell:
    return value if value is None or isinstance(value, int | float) else str(value)
