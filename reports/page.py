"""The plan as one self-contained HTML page: no scripts, nothing loaded, prints on A4."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.cells import cell_len, set_cell_size

from optimizer.plan import LinePlan, Plan
from reports import sections
from reports.documents import currency
from reports.sections import Cell, Column, Kind, Section, cell_words
from reports.words import Lang, line_label, money_words, plain, say, share_words

_ENVIRONMENT = Environment(
    loader=PackageLoader("reports", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_PALETTE = (
    "#1f3864",
    "#e07b39",
    "#2a9d8f",
    "#b5446e",
    "#7a9e3b",
    "#6c5ba7",
    "#d9a520",
    "#3d85c6",
    "#8c564b",
    "#e58fb1",
)
_REST = "#9aa0a6"

_MARK = 0.4
_WIDTH, _HEIGHT, _LEFT, _FOOT, _TOP = 760.0, 280.0, 70.0, 34.0, 10.0


@dataclass(frozen=True, slots=True)
class _Table:
    """A section in words; ``numeric`` marks the columns set flush right."""

    key: str
    title: str
    sentence: str
    head: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Bar:
    """A line's bar, in percent of the longest; ``mark`` is last year's spend."""

    label: str
    words: str
    title: str
    colour: str
    width: float
    mark: float | None


@dataclass(frozen=True, slots=True)
class _Block:
    """A rectangle of the weekly chart, in its own units."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    title: str


@dataclass(frozen=True, slots=True)
class _Tick:
    """A mark on an axis."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class _Layer:
    """Spend per week of one line, or of the small lines together, in fen."""

    label: str
    colour: str
    fen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Chart:
    """The weekly flighting as stacked columns."""

    width: float
    height: float
    left: float
    base: float
    blocks: tuple[_Block, ...]
    weeks: tuple[_Tick, ...]
    amounts: tuple[_Tick, ...]
    legend: tuple[_Layer, ...]


def render_page(plan: Plan, fit: Mapping[str, Any], manifest: Mapping[str, Any], lang: Lang) -> str:
    """Render plan.html.

    Parameters
    ----------
    plan : Plan
        A plan with lines.
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
    layers = _layers(plan, lang)
    return _ENVIRONMENT.get_template("plan.html.j2").render(
        lang={"en": "en", "zh": "zh-CN"}[lang],
        words={key: say(lang, f"page.{key}") for key in ("bars", "bars.sentence", "chart", "made_from")},
        head=_table(sections.headline(plan, fit["health"], lang), lang),
        verdict=str(fit["health"]["verdict"]),
        findings=tuple(plain(str(check["sentence"])) for check in sections.findings(fit["health"])),
        bars=_bars(plan, lang),
        mark=_MARK,
        chart=_chart(plan, layers, lang),
        tables=tuple(_table(section, lang) for section in _sections(plan, fit, lang)),
        foot=tuple((plain(str(key)), plain(str(value))) for key, value in manifest.items() if isinstance(value, str)),
    )


def _sections(plan: Plan, fit: Mapping[str, Any], lang: Lang) -> tuple[Section, ...]:
    return (
        sections.allocation(plan, lang).without("key", "category"),
        sections.weekly(plan, lang).without("key"),
        sections.prices(plan, lang),
        sections.rules(plan, lang),
        sections.versus(plan, lang),
        sections.proof(plan, lang),
        sections.health(fit["health"], lang),
        sections.notes(plan, lang),
    )


def _table(section: Section, lang: Lang) -> _Table:
    def words(cells: tuple[Cell, ...]) -> tuple[str, ...]:
        return tuple(cell_words(cell, c.kind, lang) for c, cell in zip(section.columns, cells, strict=True))

    # what a total has no value for stays empty, unlike a line without a response
    total = tuple("" if cell is None else cell for cell in section.total)
    return _Table(
        section.key,
        section.title,
        section.sentence,
        tuple(column.title for column in section.columns),
        tuple(_numeric(column) for column in section.columns),
        tuple(words(row) for row in section.rows),
        words(total) if total else (),
        tuple(section.note.splitlines()),
    )


def _numeric(column: Column) -> bool:
    return column.kind is not Kind.TEXT


def _colours(plan: Plan) -> dict[str, str]:
    """Colour the largest lines; the rest share grey."""
    ranked = sorted((line for line in plan.lines if line.spend_fen > 0), key=lambda line: -line.spend_fen)
    named = {line.name for line in ranked[: len(_PALETTE)]}
    ordered = [line.name for line in plan.lines if line.name in named]
    return dict(zip(ordered, _PALETTE, strict=False))


def _bars(plan: Plan, lang: Lang) -> tuple[_Bar, ...]:
    colours = _colours(plan)
    longest = max((max(currency(line.spend_fen), line.history_spend or 0.0) for line in plan.lines), default=0.0)
    scale = 100 / longest if longest else 0.0
    return tuple(_bar(line, colours.get(line.name, _REST), scale, sections.spent(plan), lang) for line in plan.lines)


def _bar(line: LinePlan, colour: str, scale: float, total: float, lang: Lang) -> _Bar:
    spend = currency(line.spend_fen)
    money, share = money_words(spend, lang), share_words(spend / total if total else 0.0)
    label = line_label(line, lang)
    return _Bar(
        label,
        f"{money} · {share}",
        say(lang, "page.bar_title", line=label, spend=money, share=share),
        colour,
        round(scale * spend, 2),
        None if line.history_spend is None else min(round(scale * line.history_spend, 2), 100 - _MARK),
    )


def _layers(plan: Plan, lang: Lang) -> tuple[_Layer, ...]:
    colours = _colours(plan)
    layers = [
        _Layer(line_label(line, lang), colours[line.name], line.weekly_fen)
        for line in plan.lines
        if line.name in colours
    ]
    rest = [line.weekly_fen for line in plan.lines if line.name not in colours and line.spend_fen > 0]
    if rest:
        layers.append(_Layer(say(lang, "other"), _REST, tuple(sum(week) for week in zip(*rest, strict=True))))
    return tuple(layers)


def _chart(plan: Plan, layers: tuple[_Layer, ...], lang: Lang) -> _Chart:
    highest = max((sum(week) for week in zip(*(layer.fen for layer in layers), strict=True)), default=0)
    step = _step(currency(highest))
    top = step * max(1, math.ceil(currency(highest) / step))
    base = _HEIGHT - _FOOT
    scale, slot = (base - _TOP) / top, (_WIDTH - _LEFT) / len(plan.weeks)
    centres = [_LEFT + slot * (t + 0.5) for t in range(len(plan.weeks))]
    return _Chart(
        _WIDTH,
        _HEIGHT,
        _LEFT,
        base,
        tuple(block for t, x in enumerate(centres) for block in _stack(plan, layers, t, (x, slot, base, scale), lang)),
        tuple(_Tick(round(x, 1), f"{week:%m-%d}") for x, week in zip(centres, plan.weeks, strict=True)),
        tuple(
            _Tick(round(base - scale * k * step, 1), money_words(k * step, lang)) for k in range(round(top / step) + 1)
        ),
        tuple(replace(layer, label=_short(layer.label)) for layer in layers),
    )


def _stack(
    plan: Plan, layers: tuple[_Layer, ...], week: int, place: tuple[float, float, float, float], lang: Lang
) -> list[_Block]:
    centre, slot, base, scale = place
    blocks, below = [], 0
    for layer in layers:
        spend = layer.fen[week]
        below += spend
        y, height = base - scale * currency(below), scale * currency(spend)
        words = money_words(currency(spend), lang)
        title = say(lang, "page.cell_title", line=layer.label, week=plan.weeks[week].isoformat(), spend=words)
        left, width = centre - 0.38 * slot, 0.76 * slot
        blocks.append(_Block(round(left, 1), round(y, 2), round(width, 1), round(height, 2), layer.colour, title))
    return blocks


def _step(highest: float) -> float:
    """Return a round distance between the marks of an axis that holds about four of them."""
    if highest <= 0:
        return 1.0
    rough = highest / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(nice for nice in (1, 2, 5, 10) if nice * power >= rough)


def _short(label: str, cells: int = 24) -> str:
    return label if cell_len(label) <= cells else set_cell_size(label, cells - 1).rstrip() + "…"
