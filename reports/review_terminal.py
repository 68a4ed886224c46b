"""The review and the ledger on a terminal, within 100 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from reports import review_sections as parts
from reports.terminal import _bullets, _fact, _print, _table
from reports.words import Lang, plain, say

_STYLES: Mapping[str, str] = {"keep": "bold green", "replan": "bold yellow", "refit": "bold red"}
LEAST_SHOWN = 1.0  # currency: smaller changes are what rounding and over- or underspending leave
SHOWN = ("line", "status", "spend", "against_plan", "roi_attributed", "roi_model", "threshold", "weeks_weak")


def show_review(document: Mapping[str, Any], lang: Lang, console: Console, files: Sequence[str] = ()) -> None:
    """Print the board, what fired, what moves, and why.

    Parameters
    ----------
    document : mapping
        review.json with its sentences.
    lang : {"en", "zh"}
        Language.
    console : Console
        Where to print.
    files : sequence of str
        Files written, named last.
    """
    head, board = parts.headline(document, lang), parts.board(document, lang)
    _print(console, Text(head.title, style="bold"), Text(head.sentence))
    _print(console, _table(board.only(*SHOWN), lang))
    verdict, *others = head.rows
    label = say(lang, "terminal.fact", label=str(verdict[0]))
    _print(console, Text(f"{label}{verdict[1]}", style=_STYLES[document["verdict"]]))
    _print(console, *(_fact(str(label), str(words), lang) for label, words in others))
    fired = [one["sentence"] for one in document["fired"]]
    _print(console, *_bullets(say(lang, "review.section.fired"), fired or [say(lang, "review.section.fired.none")]))
    moved = parts.changes(document, lang)
    if any(abs(one["change"]) >= LEAST_SHOWN for one in document["change"]):
        _print(console, Text(moved.title, style="bold"), _table(moved.without("key", "worth_range"), lang))
    notes = [*board.note.splitlines(), *(one["sentence"] for one in (*document["gave_way"], *document["notes"]))]
    _print(console, *_bullets(say(lang, "review.section.notes"), notes))
    if document["ledger"] is not None:
        _print(console, Text(_entry(document, lang), style="dim"))
    _print(console, *_bullets(say(lang, "review.files"), files))


def _entry(document: Mapping[str, Any], lang: Lang) -> str:
    entry = document["ledger"]
    kind = say(lang, f"ledger.kind.{entry['kind']}")
    return say(lang, "review.entry", number=entry["number"], kind=kind, who=plain(document["who"]))


def show_ledger(document: Mapping[str, Any], lang: Lang, console: Console) -> None:
    """Print the ledger's entries and whether it is as it was written."""
    section = parts.ledger(document, lang)
    _print(console, Text(section.title, style="bold"))
    if section.rows:
        _print(console, _table(section, lang))
    elif document["intact"]:
        _print(console, Text(say(lang, "ledger.empty")))
    _print(console, Text(section.sentence, style="green" if document["intact"] else "bold red"))
    faults = [f"{one['where']}: {one['what']}. {one['cure']}" for one in document["problems"]]
    _print(console, *_bullets(say(lang, "terminal.notes"), faults))
