"""The review's tables as values, made from review.json: the terminal, the workbook and the page write the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from reports.sections import Cell, Column, Kind, Measured, Section
from reports.words import Lang, amount_words, label_words, quarter_words, say, share_words, signed, term

Document = Mapping[str, Any]


def _columns(lang: Lang, **kinds: Kind) -> tuple[Column, ...]:
    """Columns with the review's own titles, or those that every table shares."""
    own = "review.column."
    known = {"line", "spend", "change", "key", "rule", "kind", "note", "total", "item", "finding"}
    return tuple(
        Column(key, say(lang, f"column.{key}" if key in known else own + key), kind) for key, kind in kinds.items()
    )


def _label(document: Document, line: str, lang: Lang) -> str:
    found = next((one for one in document["board"] if one["line"] == line), None)
    return label_words((found or {}).get("label", {}), line, lang)


def headline(document: Document, lang: Lang) -> Section:
    """Build the first thing to read: verdict, spend, total GMV against what was expected, quarter's end."""
    rows = [
        (say(lang, "review.verdict"), verdict_words(document, lang)),
        (say(lang, "review.head.spend"), _spend_words(document, lang)),
        (say(lang, "review.head.gmv"), document["surprise"]["sentence"]),
        (say(lang, "review.head.pace"), _interval_words(document, document["pace"]["quarter_end"], "pace", lang)),
        (say(lang, "review.head.change"), _gain_words(document, lang)),
    ]
    return Section(
        "headline",
        say(lang, "review.title", quarter=quarter_words(document["quarter"], lang), week=document["week"]),
        _subtitle(document, lang),
        _columns(lang, item=Kind.TEXT, finding=Kind.TEXT),
        tuple((label, words) for label, words in rows if words),
    )


def verdict_words(document: Document, lang: Lang) -> str:
    """Return the verdict and why."""
    why = say(lang, "clause.join").join(one["sentence"] for one in document["reasons"])
    return say(lang, "review.verdict.words", verdict=term(lang, "review.verdict", document["verdict"]), why=why)


def _subtitle(document: Document, lang: Lang) -> str:
    week, plan = date.fromisoformat(document["week"]), document["plan"]
    return say(
        lang,
        "review.subtitle",
        first=week.isoformat(),
        last=(week + timedelta(days=6)).isoformat(),
        number=plan["weeks"].index(document["week"]) + 1,
        weeks=len(plan["weeks"]),
        total=amount_words(plan["total"], document["currency"], lang),
    )


def _spend_words(document: Document, lang: Lang) -> str:
    pace, plan = document["pace"], document["plan"]
    planned = pace["planned_to_date"]
    return say(
        lang,
        "review.head.spend.words",
        spent=amount_words(pace["spend_to_date"], document["currency"], lang),
        change=signed(share_words(pace["spend_to_date"] / planned - 1 if planned else 0.0)),
        left=amount_words(plan["remaining"], document["currency"], lang),
        weeks=len(plan["weeks"]) - plan["decided_weeks"],
    )


def _interval_words(document: Document, interval: Mapping[str, float] | None, key: str, lang: Lang, **more: str) -> str:
    if interval is None:
        return ""
    named = {"mean": "mean", "low": "p05", "high": "p95"}
    facts = {name: amount_words(interval[part], document["currency"], lang) for name, part in named.items()}
    return say(lang, f"review.head.{key}.words", **facts, **more)


def _gain_words(document: Document, lang: Lang) -> str:
    gain = document["gain"]
    if gain is None:
        return ""
    facts = {"gain": signed(amount_words(gain["mean"], document["currency"], lang))}
    return _interval_words(document, gain, "change", lang, prob=share_words(document["prob_better"]), **facts)


def board(document: Document, lang: Lang) -> Section:
    """Build the ROI board."""
    columns = _columns(
        lang,
        key=Kind.TEXT,
        line=Kind.TEXT,
        status=Kind.TEXT,
        spend=Kind.MONEY,
        plan_spend=Kind.MONEY,
        against_plan=Kind.CHANGE,
        roi_attributed=Kind.ROI,
        roi_model=Kind.ROI,
        roi_model_range=Kind.ROI,
        threshold=Kind.ROI,
        distance=Kind.CHANGE,
        weeks_weak=Kind.NUMBER,
        to_date=Kind.MONEY,
    )
    sums, pairs = ("spend", "plan_spend", "to_date"), ("roi_model_range",)
    rows = tuple(_board_row(one, lang) for one in document["board"])
    marked = tuple(replace(one, adds_down=one.key in sums, pair=one.key in pairs) for one in columns)
    return Section(
        "board",
        say(lang, "review.section.board"),
        say(lang, "review.section.board.sentence"),
        marked,
        rows,
        "\n".join(one["sentence"] for one in document["board"] if one["sentence"]),
        _board_total(document, lang),
    )


def _board_row(one: Mapping[str, Any], lang: Lang) -> tuple[Cell, ...]:
    model = one["roi_model"]
    return (
        one["line"],
        label_words(one["label"], one["line"], lang),
        term(lang, "review.status", one["status"]),
        one["spend"],
        one["plan_spend"],
        _against(one["spend"], one["plan_spend"]),
        one["roi_attributed"],
        model["mean"] if model else None,
        (model["p05"], model["p95"]) if model else None,
        one["threshold"],
        one["distance"],
        one["weeks_weak"],
        one["spend_to_date"],
    )


def _board_total(document: Document, lang: Lang) -> tuple[Cell, ...]:
    spend, planned, to_date = (
        round(sum(one[key] for one in document["board"]), 2) for key in ("spend", "plan_spend", "spend_to_date")
    )
    blank: tuple[Cell, ...] = (None,) * 6
    return ("", say(lang, "total"), "", spend, planned, _against(spend, planned), *blank, to_date)


def _against(now: float, planned: float) -> float | None:
    return now / planned - 1 if planned else None


def history(document: Document, lang: Lang) -> Section:
    """Build the observed ROI of the last weeks by line."""
    weeks = [one["week"] for one in document["board"][0]["history"]] if document["board"] else []
    names = _columns(lang, key=Kind.TEXT, line=Kind.TEXT)
    return Section(
        "history",
        say(lang, "review.section.history"),
        say(lang, "review.section.history.sentence"),
        (*names, *(Column(week, week, Kind.ROI) for week in weeks)),
        tuple(
            (one["line"], label_words(one["label"], one["line"], lang), *(past["roi"] for past in one["history"]))
            for one in document["board"]
            if one["status"] != "reserve"
        ),
    )


def fired(document: Document, lang: Lang) -> Section:
    """Build the rules that fired, each with its sentence."""
    rows = tuple(
        (one["rule"], term(lang, "kind", one["kind"]), _label(document, one["line"], lang), one["sentence"])
        for one in document["fired"]
    )
    return Section(
        "fired",
        say(lang, "review.section.fired"),
        say(lang, "review.section.fired.sentence" if rows else "review.section.fired.none"),
        _columns(lang, rule=Kind.TEXT, kind=Kind.TEXT, line=Kind.TEXT, sentence=Kind.TEXT),
        rows,
    )


def changes(document: Document, lang: Lang) -> Section:
    """Build what becomes of each line's money in the weeks that are left."""
    columns = _columns(
        lang,
        key=Kind.TEXT,
        line=Kind.TEXT,
        before=Kind.MONEY,
        after=Kind.MONEY,
        moved=Kind.GAIN,
        worth=Kind.GAIN,
        worth_range=Kind.GAIN,
    )
    marked = tuple(
        replace(one, adds_down=one.key in {"before", "after", "moved"}, pair=one.key == "worth_range")
        for one in columns
    )
    rows = tuple(_change_row(document, one, lang) for one in document["change"])
    sums = [round(sum(one[key] for one in document["change"]), 2) for key in ("before", "after", "change")]
    return Section(
        "changes",
        say(lang, "review.section.changes"),
        say(lang, "review.section.changes.sentence" if rows else "review.section.changes.none"),
        marked,
        rows,
        total=("", say(lang, "total"), *sums, None, None) if rows else (),
    )


def _change_row(document: Document, one: Mapping[str, Any], lang: Lang) -> tuple[Cell, ...]:
    gain = one["gain"]
    return (
        one["line"],
        _label(document, one["line"], lang),
        one["before"],
        one["after"],
        one["change"],
        gain["mean"] if gain else None,
        (gain["p05"], gain["p95"]) if gain else None,
    )


def weekly(document: Document, lang: Lang) -> Section:
    """Build the line x week grid of the whole quarter."""
    plan = document["plan"]
    weeks = tuple(Column(week, week, Kind.MONEY, adds_down=True) for week in plan["weeks"])
    total = Column("total", say(lang, "column.total"), Kind.MONEY, adds_down=True, adds_across=True)
    sums = [round(sum(line["weekly"][t] for line in plan["lines"]), 2) for t in range(len(weeks))]
    return Section(
        "weekly",
        say(lang, "review.section.plan"),
        say(lang, "review.section.plan.sentence", as_of=document["as_of"]),
        (*_columns(lang, key=Kind.TEXT, line=Kind.TEXT), *weeks, total),
        tuple(
            (line["name"], _label(document, line["name"], lang), *line["weekly"], line["spend"])
            for line in plan["lines"]
        ),
        total=("", say(lang, "total"), *sums, round(sum(sums), 2)),
    )


def surprise(document: Document, lang: Lang) -> Section:
    """Build the lines' attributed GMV against what the model expected of the money spent."""
    recent = {one["line"]: one["z"] for one in document["surprise"]["recent"]["lines"]}
    columns = _columns(
        lang,
        line=Kind.TEXT,
        actual=Kind.ESTIMATE,
        expected=Kind.ESTIMATE,
        expected_range=Kind.ESTIMATE,
        z=Kind.NUMBER,
    )
    weeks = document["surprise"]["recent"]["weeks"]
    together = Column("z_recent", say(lang, "review.column.z_recent", weeks=weeks), Kind.NUMBER)
    return Section(
        "surprise",
        say(lang, "review.section.surprise"),
        say(lang, "review.section.surprise.sentence"),
        (*(replace(one, pair=one.key == "expected_range") for one in columns), together),
        tuple(
            (
                _label(document, one["line"], lang),
                one["actual"],
                one["expected"]["mean"],
                (one["expected"]["p05"], one["expected"]["p95"]),
                Measured(round(one["z"], 1), Kind.NUMBER),
                None if one["line"] not in recent else Measured(round(recent[one["line"]], 1), Kind.NUMBER),
            )
            for one in document["surprise"]["lines"]
        ),
    )


def notes(document: Document, lang: Lang) -> Section:
    """Build what stands behind the decisions: rules that gave way, missing figures, the rest of the plan's notes."""
    said: Sequence[str] = [one["sentence"] for one in (*document["gave_way"], *document["notes"])]
    said = [*said, *(document["plan"]["notes"] or ())]
    return Section(
        "notes",
        say(lang, "review.section.notes"),
        say(lang, "review.section.notes.sentence"),
        _columns(lang, note=Kind.TEXT),
        tuple((note,) for note in said),
    )


def ledger(document: Document, lang: Lang) -> Section:
    """Build the ledger's list of entries."""
    keys = ("number", "week", "kind", "verdict", "fired", "who", "why", "time")
    rows = tuple(_ledger_row(one, lang) for one in document["entries"])
    return Section(
        "ledger",
        say(lang, "ledger.title", quarter=quarter_words(document["quarter"], lang), count=len(rows)),
        say(lang, "ledger.intact" if document["intact"] else "ledger.broken"),
        tuple(Column(key, say(lang, f"ledger.column.{key}"), Kind.TEXT) for key in keys),
        rows,
    )


def _ledger_row(one: Mapping[str, Any], lang: Lang) -> tuple[Cell, ...]:
    acted = say(lang, "list.join").join(f"{term(lang, 'kind', kind)} {line}" for _, kind, line in one["fired"])
    return (
        str(one["number"]),
        one["week"],
        term(lang, "ledger.kind", one["kind"]),
        term(lang, "review.verdict", one["verdict"]),
        acted,
        one["who"],
        one["why"],
        one["time"].removesuffix("+00:00"),
    )
