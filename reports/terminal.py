"""The plan and the fit on a terminal, within 100 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mmm.messages import said
from optimizer.plan import Plan
from reports import sections
from reports.sections import Cell, Column, Kind, Section, cell_words
from reports.words import (
    Lang,
    amount_words,
    label_words,
    money_words,
    plain,
    quarter_words,
    roi_words,
    say,
    share_words,
    signed,
    term,
)
from reports.wrapping import wrapped

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
    _print(console, *_findings(fit, lang))
    notes = (*sections.note_words(plan, lang), *table.note.splitlines())
    _print(console, *_bullets(say(lang, "terminal.notes"), notes))
    _print(console, *_bullets(say(lang, "terminal.files"), files))


def show_infeasible(plan: Plan, lang: Lang, console: Console) -> None:
    """Print the rules that cannot hold together and the least changes that would make a plan possible."""
    clash, cures = sections.conflict(plan, lang), sections.relaxation(plan, lang)
    _print(console, Text(say(lang, "title.infeasible"), style="bold red"), Text(sections.period(plan, lang)))
    _print(console, Text(clash.title, style="bold"), _table(clash, lang))
    if cures.rows:
        _print(console, Text(cures.title, style="bold"), Text(cures.sentence), _table(cures, lang))
    _print(console, Text(say(lang, f"cure.{plan.status.word}")))
    _print(console, *_bullets(say(lang, "terminal.notes"), sections.note_words(plan, lang)))


def show_fit(fit: Mapping[str, Any], lang: Lang, console: Console) -> None:
    """Print ROI with 90% intervals, the diagnostics, the verdict and what it rests on."""
    roi, checks = sections.channel_roi(fit, lang), sections.health(fit["health"], lang, sections.fit_labels(fit, lang))
    _print(console, Text(say(lang, "title.fit"), style="bold"), Text(roi.sentence), _table(roi, lang))
    diagnostics = sections.diagnostics(fit, lang)
    _print(console, Text(diagnostics.title, style="bold"), _table(diagnostics, lang))
    _print(console, Text(checks.sentence, style=_VERDICT_STYLES.get(str(fit["health"]["verdict"]), "")))
    _print(console, *_findings(fit, lang))


def _print(console: Console, *parts: RenderableType) -> None:
    width = min(console.width, WIDTH)
    for part in parts:
        console.print(wrapped(part, width) if isinstance(part, Text) else part, width=width, highlight=False)


def _table(section: Section, lang: Lang) -> Table:
    table = Table(box=box.SIMPLE, show_footer=bool(section.total), pad_edge=False, padding=(0, 1, 0, 0))
    footers = ["" if cell is None else cell for cell in section.total] or [""] * len(section.columns)
    rows = [_cells(section, row, lang) for row in section.rows]
    for place, (column, footer) in enumerate(zip(section.columns, _cells(section, footers, lang), strict=True)):
        _add_column(table, column, footer, [row[place] for row in rows])
    for row in rows:
        table.add_row(*map(Text, row))  # Text, not str: a name such as [red] must not be read as markup
    return table


def _cells(section: Section, cells: Sequence[Cell], lang: Lang) -> list[str]:
    return [cell_words(cell, column.kind, lang) for column, cell in zip(section.columns, cells, strict=True)]


def _add_column(table: Table, column: Column, footer: str, cells: Sequence[str]) -> None:
    """Add a column: numbers and short names stay whole, titles and longer words take more lines where room is short."""
    words = column.kind is Kind.TEXT
    widest = max(map(cell_len, (footer, *cells)), default=0)
    longest = max(map(cell_len, column.title.split()), default=0)
    name = column.key == "line" and widest <= LONGEST_NAME
    table.add_column(
        Text(column.title),
        Text(footer),
        justify="left" if words else "right",
        overflow="fold",
        no_wrap=name,
        min_width=LEAST_WORDS if words else widest if column.pair else max(widest, min(longest, LONGEST_TITLE)),
    )


LONGEST_NAME = 30
"""Marks of a line's name that is never broken."""

LONGEST_TITLE = 12
"""Marks of a word in a title over numbers that is never broken."""

LEAST_WORDS = 6


def _fact(label: str, words: str, lang: Lang) -> Text:
    return Text.assemble((say(lang, "terminal.fact", label=label), "bold"), words)


def _bullets(title: str, lines: Sequence[str]) -> list[RenderableType]:
    if not lines:
        return []
    return [Text(title, style="bold"), *(_Bullet(plain(line)) for line in lines)]


@dataclass(frozen=True, slots=True)
class _Bullet:
    """One item of a list, its further lines set under the first."""

    words: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield wrapped(Text(f"- {self.words}"), options.max_width, "  ")


def _findings(fit: Mapping[str, Any], lang: Lang) -> list[Text]:
    told, labels = [], sections.fit_labels(fit, lang)
    for check in sections.findings(fit["health"]):
        verdict = str(check["verdict"])
        words = say(
            lang,
            "terminal.finding",
            verdict=term(lang, "verdict", verdict),
            name=sections.check_name(check, lang),
            sentence=sections.check_sentence(check, lang, labels),
        )
        told.append(Text(words, style=_VERDICT_STYLES.get(verdict, "")))
    return told


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
    for change in document.get("inputs_changed", ()):
        _print(console, Text(say(lang, "edits.input", input=f"{change['key']} = {change['value']}")))
    labels = {line["name"]: label_words(line["label"], line["name"], lang) for line in document["lines"]}
    broken = [sections.broken_sentence(rule, labels, lang) for rule in document["broken"]]
    _print(console, *_bullets(say(lang, "evaluation.broken"), broken))
    if not broken:
        _print(console, Text(say(lang, "evaluation.obeys"), style="green"))


def show_backtest(document: Mapping[str, Any], lang: Lang, console: Console) -> None:
    """Print how the model forecast held-out weeks, against other methods and origin by origin.

    Parameters
    ----------
    document : mapping
        backtest.json.
    lang : {"en", "zh"}
        Language.
    console : Console
        Where to print.
    """
    summary, origins = document["summary"], document["origins"]
    title = say(lang, "title.backtest", origins=len(origins), horizon=document["horizon"])
    scores, by_origin = sections.backtest_scores(document, lang), sections.backtest_origins(document, lang)
    better = summary["skill"] >= 0
    verdict = say(
        lang,
        "backtest.better" if better else "backtest.worse",
        share=share_words(abs(summary["skill"])),
        rival=term(lang, "method", summary["best_rival"]),
    )
    covered = say(lang, "backtest.coverage", share=share_words(summary["scores"]["model"]["coverage90"]))
    _print(console, Text(title, style="bold"), Text(verdict, style="green" if better else "yellow"), Text(covered))
    _print(console, Text(scores.sentence), _table(scores, lang))
    _print(console, Text(by_origin.title, style="bold"), _table(by_origin, lang))


def show_whatif(document: Mapping[str, Any], lang: Lang, console: Console, files: Sequence[str] = ()) -> None:
    """Print the comparison of scenarios and every further table that has rows.

    Parameters
    ----------
    document : mapping
        whatif.json.
    lang : {"en", "zh"}
        Language.
    console : Console
        Where to print.
    files : sequence of str
        Files written, named last.
    """
    from reports.whatif import biggest_moves, whatif_sections

    wide = {"moves", "regret"}  # a column a scenario: whatif.xlsx has the room
    for section in whatif_sections(document, lang):
        if section.key in wide and len(section.columns) > MOST_COLUMNS:
            continue
        shown = _fitting(section.only(*COMPARED), lang, console) if section.key == "whatif" else section
        _print(console, Text(section.title, style="bold"))
        _print(console, *(Text(words) for words in (section.sentence,) if words), _table(shown, lang))
        if section.key == "whatif":
            _print(console, Text(section.note))
            _print(console, *_bullets(say(lang, "whatif.biggest"), biggest_moves(document, lang)))
    _print(console, *_bullets(say(lang, "terminal.files"), files))


def _fitting(section: Section, lang: Lang, console: Console) -> Section:
    """Return the section without the columns that can be spared, as many as a terminal has no room for."""
    for key in SPARED:
        room = console.options.update(width=min(console.width, WIDTH))
        if Measurement.get(console, room, _table(section, lang)).minimum + ROOM_FOR_NAMES <= room.max_width:
            break
        section = section.without(key)
    return section


SPARED = ("mroi", "gain_range")
"""Columns of the comparison that a terminal drops first; whatif.xlsx has them all."""

ROOM_FOR_NAMES = 12
"""Marks that scenarios' names get beyond the least."""

COMPARED = ("line", "spend", "gmv", "mroi", "gain", "gain_range", "prob_better")
"""Columns of the comparison of scenarios that a terminal shows."""

MOST_COLUMNS = 6


def show_versions(found: Sequence[Mapping[str, Any]], lang: Lang, console: Console) -> None:
    """Print budget versions, oldest first."""
    if not found:
        _print(console, Text(say(lang, "versions.none")))
        return
    kinds = {"total": Kind.MONEY, "gmv": Kind.ESTIMATE}
    everything = ("id", "parent", "created", "author", "quarter", "total", "gmv", "note")
    keys = [key for key in everything if any(entry.get(key) not in {None, ""} for entry in found)]
    columns = tuple(Column(key, say(lang, f"column.{key}"), kinds.get(key, Kind.TEXT)) for key in keys)
    rows = tuple(tuple(_told(entry, key, lang) for key in keys) for entry in found)
    _print(console, Text(say(lang, "versions.title"), style="bold"))
    _print(console, _table(Section("versions", "", "", columns, rows), lang))


def _told(entry: Mapping[str, Any], key: str, lang: Lang) -> Any:
    """A field of a version; when it was written, to the minute."""
    value = entry.get(key)
    if key == "created" and value:
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M}"
    return quarter_words(value, lang) if key == "quarter" and value else value


def show_comparison(document: Mapping[str, Any], lang: Lang, console: Console) -> None:
    """Print two plans side by side."""
    first, second, gain = document["first"], document["second"], document["gmv_gain"]
    keys = {"line": Kind.TEXT, "first": Kind.MONEY, "second": Kind.MONEY, "change": Kind.GAIN, "gmv_change": Kind.GAIN}
    columns = tuple(Column(key, say(lang, f"column.{key}"), kind) for key, kind in keys.items())
    rows = tuple(
        (
            label_words(line["label"], line["name"], lang),
            line["first"],
            line["second"],
            line["change"],
            line["gmv_change"]["mean"] if line["gmv_change"] else None,
        )
        for line in document["lines"]
    )
    total = (say(lang, "total"), first["total"], second["total"], second["total"] - first["total"], gain["mean"])
    names = {"first": first["name"], "second": second["name"]}
    sentence = say(
        lang,
        "compare.more" if gain["mean"] >= 0 else "compare.less",
        gain=amount_words(abs(gain["mean"]), document["currency"], lang),
        **{end: signed(money_words(gain[part], lang)) for end, part in (("low", "p05"), ("high", "p95"))},
        prob=share_words(document["prob_better"]),
        **names,
    )
    title = say(lang, "compare.title", **names)
    _print(console, Text(title, style="bold"), Text(sentence))
    _print(console, _table(Section("compare", "", "", columns, rows, total=total), lang))
    for plan in (first, second):
        _print(console, *_bullets(say(lang, "compare.broken", name=plan["name"]), plan["broken"]))


def show_verified(folder: str, checks: Sequence[tuple[str, bool, str]], lang: Lang, console: Console) -> None:
    """Print what was checked of a plan's files."""
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for key in ("check_name", "verdict", "finding"):
        table.add_column(Text(say(lang, f"column.{key}")), overflow="fold")
    for name, holds, found in checks:
        verdict = Text(say(lang, f"verify.{'holds' if holds else 'fails'}"), style="green" if holds else "bold red")
        table.add_row(Text(plain(said(name, lang))), verdict, Text(plain(said(found, lang))))
    _print(console, Text(say(lang, "verify.title", folder=folder), style="bold"), table)


_COUNTED = frozenset({"kpi", "rules", "lift_tests"})


def show_facts(facts: Mapping[str, Any], lang: Lang, console: Console) -> None:
    """Print facts of data and project, one a line; a mapping as an indented list."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in facts.items():
        listed = [said(value, lang) if isinstance(value, str) else f"{value:,}" if name in _COUNTED else str(value)]
        if name == "believed":
            listed = _beliefs(value, lang)
        elif isinstance(value, Mapping):
            listed = [f"{k}: {v:,.2f}" for k, v in value.items()]
        table.add_row(term(lang, "fact", name), Text("\n".join(plain(words) for words in listed)))
    _print(console, table)


def _beliefs(believed: Mapping[str, Any], lang: Lang) -> list[str]:
    """The prior in finance's words, before the KPI is looked at."""
    share = {name: share_words(believed["media_share"][name]) for name in ("p05", "p50", "p95")}
    lines = [say(lang, "belief.share", **share)]
    for name, channel in believed["channels"].items():
        roi = {key: roi_words(channel["roi"][key]) for key in ("p05", "p50", "p95")}
        lines.append(say(lang, "belief.roi", name=name, weeks=f"{channel['half_life_weeks']['p50']:.1f}", **roi))
    return lines
