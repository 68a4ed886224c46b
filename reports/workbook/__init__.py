"""The planning workbook, a live model: text is never a formula, and every formula carries its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from optimizer.plan import Plan
from optimizer.workings import Workings
from reports import sections
from reports.sections import Section
from reports.sheets import Book, PlainSheet, Sheet, stack, titled
from reports.words import NOTHING, Lang, plain, quarter_words, say
from reports.workbook.calc import fill_calc
from reports.workbook.cover import fill_assumptions, fill_cover, fill_log
from reports.workbook.inputs import fill_curves, fill_inputs, fill_season
from reports.workbook.model import Model, build_model
from reports.workbook.review import fill_review
from reports.workbook.rules import fill_checks, fill_limits
from reports.workbook.summary import fill_plan, fill_summary

SHEETS = (
    "Cover",
    "Summary",
    "Plan",
    "Inputs",
    "Curves",
    "Season",
    "Calc",
    "Limits",
    "Checks",
    "Solver",
    "Review",
    "Health",
    "Assumptions",
    "Log",
    "Manifest",
)
"""Sheet names, English in every language, so that formulas and readers find them."""

IDENTITY = ("run_id", "fingerprint", "parent", "author", "note")
"""What the cover and the file's custom properties say of a plan, where the manifest holds it."""

FONTS: Mapping[Lang, str] = {"en": "Arial", "zh": "Microsoft YaHei"}
_TABS = {
    "#1F3864": ("Cover", "Summary", "Review"),
    "#FFC000": ("Plan", "Inputs", "Log"),
    "#7F7F7F": ("Curves", "Season", "Calc", "Limits"),
    "#C00000": ("Checks",),
}
_SOLVER: tuple[Callable[[Plan, Lang], Section], ...] = (
    sections.proof,
    sections.prices,
    sections.versus,
    sections.rules,
    sections.risk,
    sections.rule_value,
)


def write_workbook(
    plan: Plan, work: Workings, fit: Mapping[str, Any], manifest: Mapping[str, Any], path: Path | BytesIO, lang: Lang
) -> None:
    """Write plan.xlsx.

    Parameters
    ----------
    plan : Plan
        A plan with lines.
    work : Workings
        Of the same plan.
    fit : mapping
        fit.json.
    manifest : mapping
        manifest.json; its identity appears on the cover, in the log and in the file's properties.
    path : Path or BytesIO
        Where to write; the caller makes it atomic.
    lang : {"en", "zh"}
        Language of titles and words; sheet names stay English.
    """
    options = {
        "in_memory": True,  # no temporary files, which a full disk would refuse halfway
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": {"font_name": FONTS[lang], "font_size": 10},
    }
    model = build_model(plan, work, lang)
    with Workbook(path, options) as file:
        book = Book(file, lang)
        sheets = {name: Sheet(book, name, file.add_worksheet(name, PlainSheet)) for name in SHEETS}
        _describe(file, plan, fit, manifest, lang)
        _fill(sheets, model, fit, manifest)
        _protect(sheets)


def _fill(sheets: Mapping[str, Sheet], model: Model, fit: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    plan, lang = model.plan, model.lang
    fill_inputs(sheets["Inputs"], model)
    fill_curves(sheets["Curves"], model)
    fill_season(sheets["Season"], model)
    fill_calc(sheets["Calc"], model)
    fill_plan(sheets["Plan"], model)
    fill_summary(sheets["Summary"], model)
    places, review = fill_limits(sheets["Limits"], model), fill_review(sheets["Review"], model)
    master = fill_checks(sheets["Checks"], model, places, review)
    titled(sheets["Solver"], sections.weekly(plan, lang))  # the same cells as on Plan, which is compared with them
    sheets["Solver"].row += 1
    stack(sheets["Solver"], *(_at_home(make(plan, lang), lang) for make in _SOLVER))
    checks = sections.health(fit["health"], lang, sections.fit_labels(fit, lang))
    stack(sheets["Health"], checks, sections.diagnostics(fit, lang), sections.channel_roi(fit, lang), pages=1)
    fill_assumptions(sheets["Assumptions"], model)
    identity = _identity(fit, manifest)
    fill_log(sheets["Log"], identity | {"created": str(manifest.get("created", "")), "id": identity["run_id"]})
    stack(sheets["Manifest"], sections.manifest(manifest, lang))
    shown = {key: words for key, words in identity.items() if words}
    head = sections.headline(plan, fit["health"], lang)
    fill_cover(sheets["Cover"], head, shown, master, list(SHEETS[1:]))


def _at_home(section: Section, lang: Lang) -> Section:
    """Return the section with notes that send a reader to this workbook naming the sheet instead."""
    return replace(section, note=say(lang, "note.slack.here")) if section.key == "prices" and section.note else section


def _protect(sheets: Mapping[str, Sheet]) -> None:
    """Guard against slips, without a password: only the yellow cells are open."""
    allowed = ("format_columns", "format_rows", "autofilter", "sort", "objects")
    for name, sheet in sheets.items():
        sheet.page.protect("", dict.fromkeys(allowed, True))
        colour = next((colour for colour, names in _TABS.items() if name in names), None)
        if colour is not None:
            sheet.page.set_tab_color(colour)


def _identity(fit: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, str]:
    known = {"run_id": NOTHING, "fingerprint": str(fit["fingerprint"])}
    return {key: str(manifest.get(key) or known.get(key, "")) for key in IDENTITY}


def _describe(file: Any, plan: Plan, fit: Mapping[str, Any], manifest: Mapping[str, Any], lang: Lang) -> None:
    file.set_properties({"title": say(lang, "title", quarter=quarter_words(plan.quarter, lang))})
    for key, value in _identity(fit, manifest).items():
        if value:
            file.set_custom_property(key, plain(value)[:255], "text")
