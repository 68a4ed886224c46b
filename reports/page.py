"""The plan as one self-contained HTML page: charts drawn here, one small script for its tips, nothing loaded."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from optimizer.outlook import Outlook
from optimizer.plan import Plan
from reports import figures, highlights, sections
from reports.html import as_table, frame, rendered
from reports.sections import Section
from reports.words import LANGUAGE_TAGS, Lang, plain, say, term

MOST_RULES = 5
"""Binding rules named on the first screen; the table of prices holds them all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A health check that did not pass."""

    verdict: str
    word: str
    name: str
    sentence: str


def render_page(plan: Plan, outlook: Outlook, fit: Mapping[str, Any], manifest: Mapping[str, Any], lang: Lang) -> str:
    """Render plan.html.

    Parameters
    ----------
    plan : Plan
        A plan with lines.
    outlook : Outlook
        Of the same plan.
    fit : mapping
        fit.json.
    manifest : mapping
        manifest.json; its top-level words (run id, fingerprint, time) go to the foot of the page.
    lang : {"en", "zh"}
        Language.

    Returns
    -------
    str
        A whole HTML document; encode as UTF-8.
    """
    health, labels = fit["health"], sections.fit_labels(fit, lang)
    return rendered(
        "plan.html.j2",
        lang=LANGUAGE_TAGS[lang],
        frame=frame(),
        say=functools.partial(say, lang),
        head=as_table(sections.headline(plan, health, lang), lang),
        verdict=str(health["verdict"]),
        verdict_words=term(lang, "verdict", str(health["verdict"])),
        tiles=highlights.tiles(plan, lang),
        bars=figures.bars(plan, lang),
        certainty=figures.certainty(plan, lang),
        better=highlights.better(plan, lang),
        binding=highlights.binding(plan, lang),
        most_rules=MOST_RULES,
        tests=highlights.tests(plan, lang),
        flighting=figures.flighting(plan, outlook, lang),
        layers=figures.layers(plan, lang),
        cards=figures.curve_cards(plan, outlook, lang),
        waterfall=figures.waterfall(plan, lang),
        ranges=figures.ranges(plan, lang),
        findings=_findings(health, lang, labels),
        passed=_passed(health, lang),
        notes=as_table(sections.notes(plan, lang), lang),
        tables=tuple(as_table(section, lang) for section in _sections(plan, fit, lang)),
        foot=tuple((plain(key), plain(value)) for key, value in manifest.items() if isinstance(value, str) and value),
    )


def _sections(plan: Plan, fit: Mapping[str, Any], lang: Lang) -> tuple[Section, ...]:
    lines = sections.allocation(plan, lang)
    return (
        lines.without("key", "category", *sections.RISK),
        sections.risk(plan, lang),
        _short_weeks(sections.weekly(plan, lang).without("key"), plan),
        sections.prices(plan, lang),
        sections.rules(plan, lang),
        sections.rule_value(plan, lang),
        sections.versus(plan, lang),
        sections.proof(plan, lang),
        sections.health(fit["health"], lang, sections.fit_labels(fit, lang)),
    )


def _short_weeks(section: Section, plan: Plan) -> Section:
    """Name weeks by month and day: thirteen full dates do not fit beside one another."""
    short = {week.isoformat(): f"{week:%m-%d}" for week in plan.weeks}
    return replace(section, columns=tuple(replace(c, title=short.get(c.key, c.title)) for c in section.columns))


def _findings(health: Mapping[str, Any], lang: Lang, labels: Mapping[str, str]) -> tuple[Finding, ...]:
    found = sorted(sections.findings(health), key=lambda check: check["verdict"] != "FAIL")
    return tuple(
        Finding(
            str(check["verdict"]),
            term(lang, "verdict", str(check["verdict"])),
            sections.check_name(check, lang),
            sections.check_sentence(check, lang, labels),
        )
        for check in found
    )


def _passed(health: Mapping[str, Any], lang: Lang) -> str:
    names = [sections.check_name(check, lang) for check in health["checks"] if check["verdict"] == "PASS"]
    return say(lang, "page.passed", checks=say(lang, "list.join").join(names)) if names else ""
