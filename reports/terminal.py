"""The plan and the fit on a terminal, within 100 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from optimizer.plan import Plan
from reports import sections
from reports.sections import Column, Kind, Section, cell_words
from reports.words import Lang, amount_words, plain, roi_words, say, term

WIDTH = 100
"""Columns used at most."""

WIDE = 95
"""Columns from which on what binds has a column of its own."""

_VERDICT_STYLES = {"PASS": "green", "REVIEW": "yellow", "FAIL": "bold red"}


def show_plan(plan: Plan, fit: Mapping[str, Any], lang: Lang, console: Console, files: Sequence[str] = ()) -> None:
    """Print the allocation and, under it, what it earns, how sure we are, notes and files.

    Parameters
    ----------
    plan : Plan
        A plan with lines.
    fit : mapping
        fit.json.
    lang : {"en", "zh"}
        Language.
    console : Console
        Where to print.
    files : sequence of str
        Files written, named last.
    """
    head = sections.headline(plan, fit["health"], lang)
    table = sections.allocation(plan, lang)
    _print(console, Text(head.title, style="bold"), Text(head.sentence))
    shown = ("line", "spend", "share", "gmv", "roi", "mroi", "binds")
    # On a narrow terminal what binds is named under the table only.
    _print(console, _table(table.only(*(shown if console.width >= WIDE else shown[:-1])), lang))
    _print(console, *(_fact(str(label), str(words), lang) for label, words in head.rows))
    _print(console, *_findings(fit["health"], lang))
    _print(console, *_bullets(say(lang, "terminal.notes"), (*plan.notes, *table.note.splitlines())))
    _print(console, *_bullets(say(lang, "terminal.files"), files))


def show_infeasible(plan: Plan, lang: Lang, console: Console) -> None:
    """Print the rules that cannot hold together and the least changes that would make a plan possible."""
    clash, cures = sections.conflict(plan, lang), sections.relaxation(plan, lang)
    _print(console, Text(say(lang, "title.infeasible"), style="bold red"), Text(sections.period(plan, lang)))
    _print(console, Text(clash.title, style="bold"), _table(clash, lang))
    if cures.rows:
        _print(console, Text(cures.title, style="bold"), Text(cures.sentence), _table(cures, lang))
    _print(console, Text(say(lang, f"cure.{plan.status.word}")))
    _print(console, *_bullets(say(lang, "terminal.notes"), plan.notes))


def show_fit(fit: Mapping[str, Any], lang: Lang, console: Console) -> None:
    """Print ROI with 90% intervals, the diagnostics, the verdict and what it rests on."""
    roi, checks = sections.channel_roi(fit, lang), sections.health(fit["health"], lang)
    _print(console, Text(say(lang, "title.fit"), style="bold"), Text(roi.sentence), _table(roi, lang))
    diagnostics = sections.diagnostics(fit, lang)
    _print(console, Text(diagnostics.title, style="bold"), _table(diagnostics, lang))
    _print(console, Text(checks.sentence, style=_VERDICT_STYLES.get(str(fit["health"]["verdict"]), "")))
    _print(console, *_findings(fit["health"], lang))


def _print(console: Console, *parts: RenderableType) -> None:
    for part in parts:
        console.print(part, width=min(console.width, WIDTH), highlight=False)


def _table(section: Section, lang: Lang) -> Table:
    table = Table(box=box.SIMPLE, show_footer=bool(section.total), pad_edge=False, padding=(0, 1, 0, 0))
    footers: Iterable[Any] = section.total or ("",) * len(section.columns)
    for column, footer in zip(section.columns, footers, strict=True):
        _add_column(table, column, "" if footer is None else cell_words(footer, column.kind, lang))
    for row in section.rows:
        cells = zip(section.columns, row, strict=True)
        # Text, not str: a name such as [red] must not be read as markup
        table.add_row(*(Text(cell_words(cell, column.kind, lang)) for column, cell in cells))
    return table


def _add_column(table: Table, column: Column, footer: str) -> None:
    words = column.kind is Kind.TEXT
    table.add_column(
        Text(column.title),
        Text(footer),
        justify="left" if words else "right",
        overflow="fold",
        no_wrap=column.key == "line" or (not words and not column.pair),
        min_width=6 if words else None,
    )


def _fact(label: str, words: str, lang: Lang) -> Text:
    return Text.assemble((say(lang, "terminal.fact", label=label), "bold"), words)


def _bullets(title: str, lines: Sequence[str]) -> list[RenderableType]:
    if not lines:
        return []
    table = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        table.add_row(Text("-"), Text(plain(line), overflow="fold"))
    return [Text(title, style="bold"), table]


def _findings(health: Mapping[str, Any], lang: Lang) -> list[Text]:
    said = []
    for check in sections.findings(health):
        verdict = str(check["verdict"])
        words = say(
            lang,
            "terminal.finding",
            verdict=term(lang, "verdict", verdict),
            name=plain(str(check["name"])),
            sentence=plain(str(check["sentence"])),
        )
        said.append(Text(words, style=_VERDICT_STYLES.get(verdict, "")))
    return said


def show_evaluation(document: Mapping[str, Any], lang: Lang, console: Console) -> None:
    """Print what a given plan is expected to earn and the rules it breaks.

    Parameters
    ----------
    document : mapping
        evaluation.json.
    lang : {"en", "zh"}
        Language.
    console : Console
        Where to print.
    """
    gmv, roi = document["expected"]["gmv"], document["expected"]["roi"]
    total = amount_words(document["total"], document["currency"], lang)
    earns = amount_words(gmv["mean"], document["currency"], lang)
    low, high = (amount_words(gmv[key], document["currency"], lang) for key in ("p05", "p95"))
    words = say(lang, "evaluation.earns", total=total, earns=earns, low=low, high=high)
    _print(console, Text(say(lang, "title.evaluation", source=document["source"]), style="bold"), Text(words))
    if roi is not None:
        _print(console, Text(f"ROI {roi_words(roi)}"))
    broken = [rule["sentence"] for rule in document["broken"]]
    _print(console, *_bullets(say(lang, "evaluation.broken"), broken))
    if not broken:
        _print(console, Text(say(lang, "evaluation.obeys"), style="green"))


def show_facts(facts: Mapping[str, Any], console: Console) -> None:
    """Print facts of data and project, one a line; a mapping as an indented list."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in facts.items():
        listed = [str(value)]
        if name == "believed":
            listed = _beliefs(value)
        elif isinstance(value, Mapping):
            listed = [f"{k}: {v:,.2f}" for k, v in value.items()]
        table.add_row(name, Text("\n".join(plain(words) for words in listed)))
    _print(console, table)


def _beliefs(believed: Mapping[str, Any]) -> list[str]:
    """The prior in finance's words, before the KPI is looked at."""
    share = believed["media_share"]
    lines = [f"media bring {share['p50']:.0%} of the KPI ({share['p05']:.0%} to {share['p95']:.0%})"]
    for name, channel in believed["channels"].items():
        roi, late = channel["roi"], channel["half_life_weeks"]
        lines.append(
            f"{name}: ROI 1:{roi['p50']:.2f} (1:{roi['p05']:.2f} to 1:{roi['p95']:.2f}), "
            f"half of the effect within {late['p50']:.1f} weeks"
        )
    return lines
