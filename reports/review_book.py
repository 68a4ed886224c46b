"""review.xlsx: what fired, the board, what moves, the quarter week by week."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

from reports import review_sections as parts
from reports.sheets import HEAD, Book, Sheet, stack, titled
from reports.words import Lang

SHEETS = ("Summary", "Board", "Changes", "Plan", "Surprise", "Notes")
"""Sheet names, English in every language, so that formulas and readers find them."""

_FONTS: Mapping[Lang, str] = {"en": "Arial", "zh": "Microsoft YaHei"}


def review_workbook(document: Mapping[str, Any], lang: Lang) -> bytes:
    """Write review.xlsx.

    Parameters
    ----------
    document : mapping
        review.json with its sentences.
    lang : {"en", "zh"}

    Returns
    -------
    bytes
        The file; text in it is never a formula, sums are live.
    """
    options = {
        "in_memory": True,  # no temporary files, which a full disk would refuse halfway
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": {"font_name": _FONTS[lang], "font_size": 10},
    }
    made = BytesIO()
    with Workbook(made, options) as file:
        book = Book(file, lang)
        _fill({name: Sheet(book, name, file.add_worksheet(name)) for name in SHEETS}, document, lang)
    return made.getvalue()


def _fill(sheets: Mapping[str, Sheet], document: Mapping[str, Any], lang: Lang) -> None:
    stack(sheets["Summary"], parts.headline(document, lang), parts.fired(document, lang))
    stack(sheets["Board"], parts.board(document, lang), parts.history(document, lang))
    stack(sheets["Changes"], parts.changes(document, lang))
    titled(sheets["Plan"], parts.weekly(document, lang))
    sheets["Plan"].finish(freeze=(HEAD + 1, 2))
    stack(sheets["Surprise"], parts.surprise(document, lang))
    stack(sheets["Notes"], parts.notes(document, lang))
