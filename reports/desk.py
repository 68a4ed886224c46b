"""The what-if page that ``budget serve`` shows: a grid to edit, levers, and what comes of them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from optimizer.outlook import Outlook
from optimizer.plan import Interval, LinePlan, Plan
from optimizer.verify import Finding
from optimizer.whatif import Difference
from reports import figures, highlights, sections
from reports.documents import finding_document
from reports.highlights import Point, Tile
from reports.html import Frame, frame, parts, rendered
from reports.words import (
    LANGUAGE_TAGS,
    NOTHING,
    Lang,
    compact_words,
    line_label,
    money_words,
    plain,
    roi_words,
    say,
    share_words,
    signed,
    term,
)

POLICY = "; connect-src 'self'; img-src data:; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Lever:
    """A number of the project that the page lets one change.

    Attributes
    ----------
    id : str
        Of its field on the page.
    name : str
        Rule or line.
    field : str
        Of the rule; ``total`` or ``shock`` where it is none.
    text : str
        Its value as it stands in the field.
    number : float
        The same for the slider.
    unit : str
        What stands behind the field: %, ×, or nothing.
    slider : (low, high, step) or None
    changed : bool
        Whether it is not what the project says.
    """

    id: str
    name: str
    field: str
    text: str
    number: float
    unit: str
    slider: tuple[float, float, float] | None
    changed: bool

    def title(self, lang: Lang, currency: str) -> str:
        """Name of the field."""
        if self.field == "total":
            return say(lang, "desk.total", currency=currency)
        return (
            plain(self.name) if self.field == "shock" else say(lang, f"desk.field.{self.field}", name=plain(self.name))
        )


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant that was kept: what was changed, its plan, and how it differs from the project's."""

    name: str
    changes: tuple[str, ...]
    edits: int
    plan: Plan
    against: Difference | None
    broken: int


@dataclass(frozen=True, slots=True)
class DeskView:
    """All that the page shows at a moment.

    Attributes
    ----------
    plan : Plan
        The grid as it stands, scored.
    outlook : Outlook
    findings : tuple of Finding
        Every limit held against the grid.
    against : Difference or None
        To the project's plan; None while nothing differs.
    edited : set of (line, week)
    levers, shocks : tuple of Lever
    kept : tuple of Variant
    base : Plan
        The project's.
    solved : Plan or None
        The optimiser's plan, while the grid is still that: its prices hold.
    clash : Plan or None
        Why the last optimisation found no plan.
    can_undo : bool
    health : mapping
        Of fit.json.
    """

    plan: Plan
    outlook: Outlook
    findings: tuple[Finding, ...]
    against: Difference | None
    edited: frozenset[tuple[int, int]]
    levers: tuple[Lever, ...]
    shocks: tuple[Lever, ...]
    kept: tuple[Variant, ...]
    base: Plan
    solved: Plan | None
    clash: Plan | None
    can_undo: bool
    health: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that the grid breaks: its first limit in words, and how many more there are."""

    sentence: str
    more: str


def desk_frame() -> Frame:
    """Style, script and policy of the page."""
    return frame(("page.css", "desk.css"), "desk.js", POLICY)


def desk_page(view: DeskView, lang: Lang) -> str:
    """Render the whole page."""
    plan = view.plan
    return rendered(
        "desk.html.j2",
        lang=LANGUAGE_TAGS[lang],
        frame=desk_frame(),
        say=functools.partial(say, lang),
        title=say(lang, "desk.title", quarter=plan.quarter),
        verdict=str(view.health["verdict"]),
        verdict_words=_health_words(view, lang),
        currency=plain(plan.currency),
        levers=[(lever, lever.title(lang, plan.currency)) for lever in view.levers],
        shocks=[(lever, lever.title(lang, plan.currency)) for lever in view.shocks],
        weeks=[f"{week:%m-%d}" for week in plan.weeks],
        rows=[_row(view, place, lang) for place in range(len(plan.lines))],
        fragments={name: Markup(html) for name, html in _fragments(view, lang).items()},  # noqa: S704 - our templates
        texts=_texts(view, lang),
        can_undo=view.can_undo,
        working=say(lang, "desk.working"),
        gone=say(lang, "desk.gone"),
        count=len(view.kept) + 1,
    )


def refused_page(lang: Lang) -> str:
    """Render what is shown to who comes without the key."""
    return rendered("refused.html.j2", lang=LANGUAGE_TAGS[lang], frame=desk_frame(), say=functools.partial(say, lang))


def desk_state(view: DeskView, lang: Lang, message: str) -> dict[str, Any]:
    """What the page's script puts in place after an action: fragments, texts, values and marks by their ids."""
    fields = [*view.levers, *view.shocks]
    return {
        "html": _fragments(view, lang),
        "texts": _texts(view, lang),
        "values": {lever.id: lever.text for lever in fields} | _values(view),
        "sliders": {lever.id: lever.number for lever in fields if lever.slider},
        "changed": [lever.id for lever in fields if lever.changed],
        "edited": [_cell_id(i, t) for i, t in sorted(view.edited)],
        "undo": view.can_undo,
        "message": message,
        "count": len(view.kept) + 1,
    }


# Grid -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cell:
    id: str
    text: str
    title: str
    edited: bool


@dataclass(frozen=True, slots=True)
class _Row:
    place: int
    label: str
    spend: _Cell
    cells: tuple[_Cell, ...]


def _cell_id(line: int, week: int) -> str:
    return f"c-{line}-{week}"


def _row(view: DeskView, place: int, lang: Lang) -> _Row:
    line = view.plan.lines[place]
    label = line_label(line, lang)
    cells = tuple(
        _Cell(
            _cell_id(place, t),
            fen_words(fen),
            say(lang, "desk.cell", line=label, week=week.isoformat()),
            (place, t) in view.edited,
        )
        for t, (week, fen) in enumerate(zip(view.plan.weeks, line.weekly_fen, strict=True))
    )
    spend = _Cell(f"s-{place}", fen_words(line.spend_fen), say(lang, "desk.spend", line=label), edited=False)
    return _Row(place, label, spend, cells)


def fen_words(fen: int) -> str:
    """Money as a field of the grid shows it: whole units where it is whole."""
    return f"{fen // 100:,}" if fen % 100 == 0 else f"{fen / 100:,.2f}"


def _values(view: DeskView) -> dict[str, str]:
    found = {}
    for i, line in enumerate(view.plan.lines):
        found[f"s-{i}"] = fen_words(line.spend_fen)
        found |= {_cell_id(i, t): fen_words(fen) for t, fen in enumerate(line.weekly_fen)}
    return found


def _texts(view: DeskView, lang: Lang) -> dict[str, str]:
    """What stands beside and below the grid."""
    plan = view.plan
    found = {f"{key}-{i}": words for i, line in enumerate(plan.lines) for key, words in _facts(line, lang)}
    weeks = [sum(line.weekly_fen[t] for line in plan.lines) for t in range(len(plan.weeks))]
    found |= {f"w-{t}": fen_words(fen) for t, fen in enumerate(weeks)}
    found["sum"] = fen_words(sum(weeks))
    found["sum-gmv"] = compact_words(plan.gmv.mean, lang) if plan.gmv else NOTHING
    found["sum-roi"] = roi_words(plan.roi) if plan.roi is not None else NOTHING
    return found


def _facts(line: LinePlan, lang: Lang) -> Iterator[tuple[str, str]]:
    gmv = line.gmv
    yield "gmv", compact_words(gmv.mean, lang) if gmv else NOTHING
    yield "range", f"{compact_words(gmv.p05, lang)}–{compact_words(gmv.p95, lang)}" if gmv else ""
    yield "roi", roi_words(line.roi.mean) if line.roi else NOTHING
    yield "next", roi_words(line.mroi) if line.mroi is not None else NOTHING


# Fragments ------------------------------------------------------------------------------------------------------------


def _fragments(view: DeskView, lang: Lang) -> dict[str, str]:
    binding: Sequence[Point] = highlights.binding(view.solved, lang) if view.solved else ()
    broken = tuple(_broken(view, lang))
    return parts(
        "desk_parts.html.j2",
        say=functools.partial(say, lang),
        tiles=tuple(_tiles(view, lang)),
        broken=broken,
        broken_words=_broken_words(len(broken), lang),
        binding=binding,
        clash=sections.conflict(view.clash, lang).rows if view.clash else (),
        cures=sections.relaxation(view.clash, lang).rows if view.clash else (),
        held=bool(view.edited),
        cards=figures.curve_cards(view.plan, view.outlook, lang),
        kept=tuple(_kept(view, lang)),
    )


def _tiles(view: DeskView, lang: Lang) -> Iterator[Tile]:
    yield from (tile for tile in highlights.tiles(view.plan, lang) if tile.key in {"total", "gmv", "roi", "target"})
    if view.against is not None:
        gain = signed(compact_words(view.against.gmv.mean, lang))
        note = say(lang, "desk.against.note", prob=share_words(view.against.prob_better))
        yield Tile("against", say(lang, "desk.against"), gain, note)


def _broken_words(count: int, lang: Lang) -> str:
    if count == 0:
        return say(lang, "desk.rules.hold")
    return say(lang, "desk.rules.one") if count == 1 else say(lang, "desk.rules.broken", count=count)


def _broken(view: DeskView, lang: Lang) -> Iterator[Broken]:
    """The rules that are broken, each by its first limit; the verifier lists them in the project's order."""
    faults = [finding for finding in view.findings if finding.broken]
    counts = Counter(finding.name for finding in faults)
    labels = sections.plan_labels(view.plan, lang)
    seen: set[str] = set()
    for finding in faults:
        if finding.name in seen:
            continue
        seen.add(finding.name)
        more = counts[finding.name] - 1
        yield Broken(
            sections.broken_sentence(finding_document(finding), labels, lang),
            say(lang, "desk.rules.more", count=more) if more else "",
        )


def _kept(view: DeskView, lang: Lang) -> Iterator[dict[str, str]]:
    yield _variant(Variant(say(lang, "desk.kept.base"), (), 0, view.base, None, 0), lang)
    for variant in view.kept:
        forget = say(lang, "desk.forget", name=plain(variant.name))
        yield _variant(variant, lang) | {"key": variant.name, "forget": forget}


def _variant(variant: Variant, lang: Lang) -> dict[str, str]:
    plan, against = variant.plan, variant.against
    changes = [*variant.changes]
    if variant.edits:
        key = "desk.kept.edits.one" if variant.edits == 1 else "desk.kept.edits.some"
        changes.append(say(lang, key, count=variant.edits))
    return {
        "key": "",
        "name": plain(variant.name),
        "changes": say(lang, "list.join").join(changes) or say(lang, "desk.kept.nothing"),
        "total": money_words(plan.total_fen / 100, lang),
        "gmv": money_words(plan.gmv.mean, lang) if plan.gmv else NOTHING,
        "roi": roi_words(plan.roi) if plan.roi is not None else NOTHING,
        "difference": signed(money_words(against.gmv.mean, lang)) if against else NOTHING,
        "range": _range(against.gmv, lang) if against else "",
        "better": share_words(against.prob_better) if against else NOTHING,
        "broken": str(variant.broken or NOTHING),
    }


def _range(interval: Interval, lang: Lang) -> str:
    return say(lang, "tile.interval", low=compact_words(interval.p05, lang), high=compact_words(interval.p95, lang))


def _health_words(view: DeskView, lang: Lang) -> str:
    findings = sections.findings(view.health)
    words = [f"{sections.check_name(check, lang)}" for check in findings]
    verdict = term(lang, "verdict", str(view.health["verdict"]))
    return f"{say(lang, 'section.health')}: {verdict}" + (f" ({say(lang, 'list.join').join(words)})" if words else "")
