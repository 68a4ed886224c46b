"""review.html: one self-contained page with sparklines, nothing loaded; prints on one A4 page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports import review_sections as parts
from reports.html import Table, as_table, frame, rendered
from reports.sections import cell_words
from reports.words import LANGUAGE_TAGS, Lang, label_words, plain, say

WIDTH, HEIGHT, EDGE = 84.0, 20.0, 2.0
SHOWN = ("line", "status", "spend", "plan_spend", "roi_attributed", "roi_model", "roi_model_range", "weeks_weak")
COLOURS: Mapping[str, str] = {"keep": "PASS", "replan": "REVIEW", "refit": "FAIL"}


@dataclass(frozen=True, slots=True)
class Spark:
    """A line's observed ROI over the last weeks, in the drawing's own units.

    ``points`` is an SVG polyline for each unbroken run of weeks; ``floor`` the height of the threshold.
    """

    points: tuple[str, ...]
    last: tuple[float, float] | None
    floor: float | None
    title: str


def render_review(document: Mapping[str, Any], lang: Lang) -> str:
    """Render review.html.

    Parameters
    ----------
    document : mapping
        review.json with its sentences.
    lang : {"en", "zh"}

    Returns
    -------
    str
        A whole HTML document; encode as UTF-8.
    """
    board = parts.board(document, lang)
    return rendered(
        "review.html.j2",
        lang=LANGUAGE_TAGS[lang],
        frame=frame(),
        head=parts.headline(document, lang),
        colour=COLOURS[document["verdict"]],
        board=as_table(board.only(*SHOWN), lang),
        disagreements=board.note.splitlines(),
        statuses=[one["status"] for one in document["board"]],
        trend=say(lang, "review.column.trend"),
        sparks=[spark(one, lang) for one in document["board"]],
        fired=as_table(parts.fired(document, lang).only("line", "sentence"), lang),
        changes=_changes(document, lang),
        notes=[one["sentence"] for one in (*document["gave_way"], *document["notes"])],
        foot=_foot(document, lang),
        width=WIDTH,
        height=HEIGHT,
    )


def _changes(document: Mapping[str, Any], lang: Lang) -> Table:
    return as_table(parts.changes(document, lang).without("key"), lang)


def _foot(document: Mapping[str, Any], lang: Lang) -> str:
    entry = document["ledger"]
    if entry is None:
        return plain(document["plan"]["id"])
    kind = say(lang, f"ledger.kind.{entry['kind']}")
    words = say(lang, "review.entry", number=entry["number"], kind=kind, who=plain(document["who"]))
    return " · ".join((words, entry["time"], entry["seal"][:12], plain(document["plan"]["id"])))


def spark(one: Mapping[str, Any], lang: Lang) -> Spark:
    """Draw a line's last weeks; weeks without an ROI leave a gap."""
    values = [past["roi"] for past in one["history"]]
    threshold = one["threshold"]
    known = [value for value in (*values, threshold) if value is not None]
    if not any(value is not None for value in values):
        return Spark((), None, None, "")
    low, high = min(0.0, *known), max(known) or 1.0
    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)

    def at(place: int, value: float) -> tuple[float, float]:
        return round(EDGE + step * place, 1), _height(value, low, high)

    runs: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append("{},{}".format(*at(place, value)))
    last = next((at(place, value) for place, value in reversed(list(enumerate(values))) if value is not None), None)
    floor = None if threshold is None else _height(threshold, low, high)
    return Spark(tuple(" ".join(run) for run in runs if len(run) > 1), last, floor, _title(one, values, lang))


def _height(value: float, low: float, high: float) -> float:
    return round(EDGE + (HEIGHT - 2 * EDGE) * (1 - (value - low) / (high - low)), 1)


def _title(one: Mapping[str, Any], values: Sequence[float | None], lang: Lang) -> str:
    column = parts.board({"board": [one]}, lang).columns[6]
    label = label_words(one["label"], one["line"], lang)
    return f"{label}: " + " ".join(cell_words(value, column.kind, lang) for value in values)
