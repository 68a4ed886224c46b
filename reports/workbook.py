"""The planning workbook: what finance opens. Text is never turned into formulas; every formula carries its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range_abs

from optimizer.plan import Plan
from reports import sections
from reports.checks import fill_checks
from reports.sections import Kind, Section
from reports.sheets import HEAD, Area, Book, Formula, Sheet, stack, titled
from reports.words import NOTHING, Lang, plain, say

COVER_CHARACTERS = 92  # of a line of words on the cover
SHEETS = ("Cover", "Summary", "Plan", "Checks", "Solver", "Health", "Assumptions", "Manifest")
"""Sheet names, English in every language, so that formulas and readers find them."""

_FONTS: Mapping[Lang, str] = {"en": "Arial", "zh": "Microsoft YaHei"}
_SOLVER: tuple[Callable[[Plan, Lang], Section], ...] = (
    sections.proof,
    sections.prices,
    sections.versus,
    sections.rules,
    sections.weekly,
)


def write_workbook(plan: Plan, fit: Mapping[str, Any], manifest: Mapping[str, Any], path: Path, lang: Lang) -> None:
    """Write plan.xlsx.

    Parameters
    ----------
    plan : Plan
        A plan with lines.
    fit : mapping
        fit.json.
    manifest : mapping
        manifest.json; ``run_id`` and ``fingerprint`` appear on the cover.
    path : Path
        Where to write; the caller makes it atomic.
    lang : {"en", "zh"}
        Language of titles and words; sheet names stay English.
    """
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": {"font_name": _FONTS[lang], "font_size": 10},
    }
    with Workbook(str(path), options) as file:
        book = Book(file, lang)
        sheets = {name: Sheet(book, name, file.add_worksheet(name)) for name in SHEETS}
        _describe(file, plan, fit, manifest, lang)
        _summary(sheets["Summary"], plan)
        grid = _plan(sheets["Plan"], plan)
        master = fill_checks(sheets["Checks"], plan, grid)
        stack(sheets["Solver"], *(make(plan, lang) for make in _SOLVER))
        checks = sections.health(fit["health"], lang)
        stack(sheets["Health"], checks, sections.diagnostics(fit, lang), sections.channel_roi(fit, lang))
        stack(sheets["Assumptions"], sections.notes(plan, lang))
        stack(sheets["Manifest"], sections.manifest(manifest, lang))
        _cover(sheets["Cover"], sections.headline(plan, fit["health"], lang), _identity(fit, manifest), master)


def _identity(fit: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, str]:
    return {
        "run_id": str(manifest.get("run_id", NOTHING)),
        "fingerprint": str(manifest.get("fingerprint", fit["fingerprint"])),
    }


def _describe(file: Any, plan: Plan, fit: Mapping[str, Any], manifest: Mapping[str, Any], lang: Lang) -> None:
    file.set_properties({"title": say(lang, "title", quarter=plain(plan.quarter))})
    for key, value in _identity(fit, manifest).items():
        file.set_custom_property(key, value, "text")


def _summary(sheet: Sheet, plan: Plan) -> None:
    section = sections.allocation(plan, sheet.book.lang).without("key")
    area = titled(sheet, section)
    sheet.text(sheet.book.say("summary.static"), "sentence")
    chart = sheet.book.file.add_chart({"type": "bar"})
    chart.add_series(_series(sheet.name, area, "spend", "line") | {"gap": 40, "fill": {"color": "#1F3864"}})
    chart.set_legend({"none": True})
    chart.set_title({"name": sheet.book.say("page.bars"), "overlay": False})
    chart.set_y_axis({"reverse": True})
    chart.set_size({"width": 900, "height": 120 + 24 * len(plan.lines)})
    sheet.page.insert_chart(sheet.row + 1, 0, chart)
    sheet.finish(freeze=(HEAD + 1, 1))


def _series(name: str, area: Area, values: str, categories: str) -> dict[str, Any]:
    return {
        "name": [name, area.first - 1, area.columns[values]],
        "categories": [name, area.first, area.columns[categories], area.last, area.columns[categories]],
        "values": [name, area.first, area.columns[values], area.last, area.columns[values]],
    }


def _plan(sheet: Sheet, plan: Plan) -> Area:
    weeks = tuple(week.isoformat() for week in plan.weeks)
    section = sections.weekly(plan, sheet.book.lang)
    area = titled(sheet, replace(section, sentence=sheet.book.say("plan.how")), editable=weeks)
    columns = [area.columns[week] for week in weeks]
    box = (area.first, columns[0], area.last, columns[-1])
    sheet.page.data_validation(*box, {"validate": "decimal", "criteria": ">=", "value": 0})
    sheet.page.protect("", {"format_columns": True, "format_rows": True})
    sheet.book.file.define_name("Plan_Grid", f"={sheet.name}!{xl_range_abs(*box)}")
    sheet.page.insert_chart(sheet.row + 1, 0, _flighting(sheet, area, columns))
    sheet.finish(freeze=(HEAD + 1, 2))
    return area


def _flighting(sheet: Sheet, area: Area, columns: list[int]) -> Any:
    chart = sheet.book.file.add_chart({"type": "column", "subtype": "stacked"})
    for row in range(area.first, area.last + 1):
        chart.add_series(
            {
                "name": [sheet.name, row, area.columns["line"]],
                "categories": [sheet.name, area.first - 1, columns[0], area.first - 1, columns[-1]],
                "values": [sheet.name, row, columns[0], row, columns[-1]],
                "gap": 30,
            }
        )
    chart.set_title({"name": sheet.book.say("page.chart"), "overlay": False})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 1000, "height": 380})
    return chart


def _cover(sheet: Sheet, head: Section, identity: Mapping[str, str], master: Formula) -> None:
    """Fill the cover: title, status from the master check, the answer in words, identity, map of the sheets."""
    book = sheet.book
    sheet.text(head.title, "title")
    sheet.text(head.sentence, "sentence")
    sheet.row += 1
    _status(sheet, master)
    for label, words in head.rows:
        _pair_row(sheet, str(label), str(words))
    for key, value in identity.items():
        _pair_row(sheet, book.say(f"cover.{key}"), value)
    _map(sheet)
    _colours(sheet)
    sheet.widths = {0: 24, 1: COVER_CHARACTERS + 8}
    sheet.finish()


def _map(sheet: Sheet) -> None:
    sheet.row += 1
    sheet.text(sheet.book.say("cover.sheets"), "subtitle")
    for name in SHEETS[1:]:
        sheet.page.write_url(sheet.row, 0, f"internal:'{name}'!A1", sheet.book.style("link"), name)
        sheet.put(sheet.row, 1, sheet.book.say(f"sheet.{name}"), Kind.TEXT)
        sheet.row += 1


def _colours(sheet: Sheet) -> None:
    sheet.row += 1
    sheet.text(sheet.book.say("cover.key"), "subtitle")
    for style, key in (("input", "input"), ("cell", "formula"), ("failed", "failed")):
        sheet.put(sheet.row, 0, sheet.book.say(f"cover.key.{key}"), Kind.TEXT, style)
        sheet.row += 1


def _status(sheet: Sheet, master: Formula) -> None:
    book = sheet.book
    fine, failed = book.say("cover.pass"), book.say("cover.fail")
    formula = f'=IF(MasterCheck=0,"{fine}",MasterCheck&"{failed}")'
    words = fine if master.value == 0 else f"{master.value:.0f}{failed}"
    sheet.put(sheet.row, 0, book.say("cover.checks"), Kind.TEXT)
    sheet.page.write_formula(sheet.row, 1, formula, book.style("status"), words)
    rule = {"type": "formula", "criteria": "=MasterCheck<>0", "format": book.style("failed")}
    sheet.page.conditional_format(sheet.row, 1, sheet.row, 1, rule)
    sheet.row += 1


def _pair_row(sheet: Sheet, label: str, words: str) -> None:
    sheet.put(sheet.row, 0, label, Kind.TEXT)
    sheet.put(sheet.row, 1, words, Kind.TEXT)
    # Viewers do not all make room for wrapped text by themselves.
    sheet.page.set_row(sheet.row, 15.5 * max(1, -(-cell_len(words) // COVER_CHARACTERS)))
    sheet.row += 1
