"""The sheets Cover, Assumptions and Log: what this is, what it rests on, and who changed what."""

from __future__ import annotations

from collections.abc import Mapping

from reports import sections
from reports.sections import Kind, Section
from reports.sheets import HEAD, Formula, Sheet
from reports.workbook.model import Model

COVER_CHARACTERS = 92  # of a line of words on the cover
LOG_ROWS = 24


def fill_cover(sheet: Sheet, head: Section, identity: Mapping[str, str], master: Formula, names: list[str]) -> None:
    """Fill the cover: title, status from the master check, the answer in words, identity, map of the sheets.

    Parameters
    ----------
    sheet : Sheet
    head : Section
        The headline.
    identity : mapping
        Word's key to text.
    master : Formula
        The master check.
    names : list of str
        The other sheets.
    """
    sheet.text(head.title, "title")
    sheet.text(head.sentence, "sentence")
    sheet.row += 1
    _status(sheet, master)
    sheet.row += 1
    sheet.text(sheet.book.say("cover.answer"), "subtitle")
    for label, words in head.rows:
        _pair_row(sheet, str(label), str(words))
    sheet.row += 1
    for key, value in identity.items():
        _pair_row(sheet, sheet.book.say(f"cover.{key}"), value)
    sheet.row += 1
    sheet.text(sheet.book.say("cover.how"), "subtitle")
    for step in ("1", "2", "3"):
        _pair_row(sheet, step, sheet.book.say(f"cover.how.{step}"))
    _map(sheet, names)
    _colours(sheet)
    sheet.widths = {0: 34, 1: COVER_CHARACTERS + 8}  # the key of colours on one line
    sheet.finish(pages=1)


def _map(sheet: Sheet, names: list[str]) -> None:
    sheet.row += 1
    sheet.text(sheet.book.say("cover.sheets"), "subtitle")
    for name in names:
        sheet.page.write_url(sheet.row, 0, f"internal:'{name}'!A1", sheet.book.style("link"), name)
        sheet.put(sheet.row, 1, sheet.book.say(f"sheet.{name}"), Kind.TEXT)
        sheet.row += 1


def _colours(sheet: Sheet) -> None:
    sheet.row += 1
    sheet.text(sheet.book.say("cover.key"), "subtitle")
    for style in ("input", "cell", "linked", "static", "changed", "failed"):
        sheet.put(
            sheet.row, 0, sheet.book.say(f"cover.key.{style}"), Kind.TEXT, "shown_input" if style == "input" else style
        )
        sheet.row += 1


def _status(sheet: Sheet, master: Formula) -> None:
    book = sheet.book
    fine, failed = book.say("cover.pass"), book.say("cover.fail")
    formula = f'=IF(MasterCheck=0,"{fine}",MasterCheck&"{failed}")'
    words = fine if master.value == 0 else f"{float(master.value):.0f}{failed}"
    sheet.put(sheet.row, 0, book.say("cover.checks"), Kind.TEXT, "status")
    sheet.page.write_formula(sheet.row, 1, formula, book.style("status_ok"), words)
    rule = {"type": "formula", "criteria": "=MasterCheck<>0", "format": book.style("failed")}
    sheet.page.conditional_format(sheet.row, 1, sheet.row, 1, rule)
    sheet.row += 1


def _pair_row(sheet: Sheet, label: str, words: str) -> None:
    sheet.put(sheet.row, 0, label, Kind.TEXT)
    sheet.put(sheet.row, 1, words, Kind.TEXT)
    sheet.row += 1


def fill_assumptions(sheet: Sheet, model: Model) -> None:
    """Fill Assumptions: each with where it comes from, then the plan's own notes."""
    book, work = sheet.book, model.work
    sheet.text(book.say("assumptions.title"), "title")
    sheet.text(book.say("assumptions.sentence"), "sentence")
    sheet.table(HEAD, 0, [book.say(f"column.{key}") for key in ("item", "finding", "source_of")])
    facts = {
        "draws": work.problem.response.curves.draws,
        "error": f"{100 * work.curves.error:.3f}%",
        "weekly": f"{100 * work.weekly_error:.2f}%",
        "cases": work.curves.cases,
        "lags": model.layout.lags,
        "last": work.problem.response.curves.weeks[-1].isoformat(),
    }
    row = HEAD + 1
    for key in ("curves", "cases", "error", "interval", "next", "opening", "after", "season", "weak", "history"):
        cells = [book.say(f"assume.{key}{part}", **facts) for part in ("", ".said", ".from")]
        for place, words in enumerate(cells):
            sheet.put(row, place, words, Kind.TEXT)
        row += 1
    for note in sections.note_words(model.plan, model.lang):
        for place, words in enumerate((book.say("assume.note"), note, book.say("assume.note.from"))):
            sheet.put(row, place, words, Kind.TEXT)
        row += 1
    sheet.widths = {0: 26, 1: 96, 2: 34}
    sheet.finish(freeze=(HEAD + 1, 1))


def fill_log(sheet: Sheet, about: Mapping[str, str]) -> None:
    """Fill Log: this version, then empty rows for those who edit.

    Parameters
    ----------
    sheet : Sheet
    about : mapping
        ``created``, ``id``, ``parent``, ``author`` and ``note`` of the plan.
    """
    keys = ("created", "id", "parent", "author", "note")
    sheet.text(sheet.book.say("log.title"), "title")
    sheet.text(sheet.book.say("log.sentence"), "sentence")
    sheet.table(HEAD, 0, [sheet.book.say(f"log.{key}") for key in keys])
    for place, key in enumerate(keys):
        sheet.put(HEAD + 1, place, about.get(key, ""), Kind.TEXT)
        for row in range(HEAD + 2, HEAD + 2 + LOG_ROWS):
            sheet.put(row, place, None, Kind.TEXT, "input")
    sheet.widths = {0: 26, 1: 16, 2: 16, 3: 20, 4: 70}
    sheet.finish(freeze=(HEAD + 1, 0))
