"""The charts of the plan's page: flighting, response curves, waterfall, room to move, and how sure we are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from optimizer.outlook import LineCurve, Outlook, PeakWeeks
from optimizer.plan import Interval, LinePlan, Plan
from reports.charts import (
    Chart,
    Mark,
    Scale,
    dot,
    line,
    path,
    rect,
    shortened,
    spread,
    text,
    ticks,
    width_of,
)
from reports.documents import currency
from reports.sections import spent
from reports.words import Lang, compact_words, line_label, money_words, roi_words, say, share_words, term

PALETTE = ("#332288", "#44aa99", "#ddaa33", "#cc6677", "#6699cc", "#117733", "#882255", "#999933", "#aa4499")
"""Colours that readers with colour-vision deficiency tell apart (Tol 2021, "muted", its palest hues deepened)."""
REST = "#9aa0a8"
"""Colour of reserves and of the small lines together."""

MOST_ROWS = 14
"""Lines that have a row of their own; the tables hold them all."""

WIDE, NARROW = 1120.0, 350.0
SMALL, ROW = 11.0, 25.0


@dataclass(frozen=True, slots=True)
class Pair:
    """The same chart for a desk and for a phone."""

    wide: Chart
    narrow: Chart


@dataclass(frozen=True, slots=True)
class Layer:
    """Spend per week of one line, or of several together, in fen."""

    label: str
    colour: str
    fen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CurveCard:
    """A line's response curve with its name and what its money earns."""

    label: str
    facts: str
    chart: Chart


def colours(plan: Plan) -> dict[str, str]:
    """Colour the largest lines; reserves and the rest share grey."""
    return dict(zip((one.name for one in _ranked(plan) if not one.reserve), PALETTE, strict=False))


def _ranked(plan: Plan) -> list[LinePlan]:
    return sorted((one for one in plan.lines if one.spend_fen > 0), key=lambda one: -one.spend_fen)


def layers(plan: Plan, lang: Lang) -> tuple[Layer, ...]:
    """Return the coloured lines, the largest first, and then all others together."""
    coloured, ranked = colours(plan), _ranked(plan)
    found = [Layer(line_label(one, lang), coloured[one.name], one.weekly_fen) for one in ranked if one.name in coloured]
    rest = [one for one in ranked if one.name not in coloured]
    if rest:
        label = line_label(rest[0], lang) if len(rest) == 1 else say(lang, "other")
        found.append(Layer(label, REST, tuple(sum(week) for week in zip(*(o.weekly_fen for o in rest), strict=True))))
    return tuple(found)


# Flighting ------------------------------------------------------------------------------------------------------------


def flighting(plan: Plan, outlook: Outlook, lang: Lang) -> Pair:
    """Draw spend by week as stacked columns over the calendar's peaks."""
    drawn = layers(plan, lang)
    return Pair(
        _Flighting(plan, drawn, outlook.peaks, lang, WIDE, 300.0, 62.0, 172.0).chart(),
        _Flighting(plan, drawn, outlook.peaks, lang, NARROW, 270.0, 40.0, 2.0).chart(),
    )


@dataclass(frozen=True, slots=True)
class _Flighting:
    """The frame of the weekly chart: room at the left for amounts, at the right for names, at the top for peaks."""

    plan: Plan
    layers: tuple[Layer, ...]
    peaks: tuple[PeakWeeks, ...]
    lang: Lang
    width: float
    height: float
    left: float
    right: float

    @property
    def top(self) -> float:
        return 8.0 + 16.0 * len(set(self._tiers()))

    @property
    def base(self) -> float:
        return self.height - 22.0

    @property
    def slot(self) -> float:
        return (self.width - self.left - self.right) / len(self.plan.weeks)

    def highest(self) -> float:
        sums = (sum(week) for week in zip(*(layer.fen for layer in self.layers), strict=True))
        return currency(max(sums, default=0))

    def chart(self) -> Chart:
        highest = self.highest()
        up = Scale(0.0, 1.04 * highest or 1.0, self.base, self.top)
        marks = (*self._peaks(), *self._amounts(up, highest), *self._columns(up), *self._weeks(), *self._names(up))
        return Chart(self.width, self.height, say(self.lang, "page.chart"), marks)

    def _tiers(self) -> list[int]:
        """A row for every peak's name, so that names beside one another do not touch."""
        ends: list[float] = []
        tiers = []
        for peak in self.peaks:
            at, edge = self._name_at(peak), self.left + self.slot * (peak.last + 1)
            tier = next((k for k, end in enumerate(ends) if end <= at), len(ends))
            ends[tier : tier + 1] = [max(edge, at + width_of(self._peak(peak), SMALL)) + 6]
            tiers.append(tier)
        return tiers

    def _peak(self, peak: PeakWeeks) -> str:
        return term(self.lang, "peak", peak.name)

    def _name_at(self, peak: PeakWeeks) -> float:
        """Where a peak's name begins: with its weeks, or sooner where the drawing would end before the name."""
        room = self.width - 4 - width_of(self._peak(peak), SMALL)
        return min(self.left + self.slot * peak.first + 2, room)

    def _peaks(self) -> Iterator[Mark]:
        for peak, tier in zip(self.peaks, self._tiers(), strict=True):
            x, wide = self.left + self.slot * peak.first, self.slot * (peak.last - peak.first + 1)
            first, last = self.plan.weeks[peak.first], self.plan.weeks[peak.last] + timedelta(days=6)
            dates = {"first": first.isoformat(), "last": last.isoformat()}
            tip = say(self.lang, "page.peak_title", peak=self._peak(peak), **dates)
            y = 14.0 + 16.0 * tier
            yield rect("peak", x, y + 3, wide, self.base - y - 3, tip=tip)
            yield line("peak-edge", x, y + 3, x + wide, y + 3)
            yield text("peak-name", self._name_at(peak), y - 1, self._peak(peak))

    def _amounts(self, up: Scale, highest: float) -> Iterator[Mark]:
        for amount in ticks(highest):
            y = up.at(amount)
            yield line("grid" if amount else "axis", self.left, y, self.width - self.right, y)
            yield text("tick", self.left - 6, y + 4, compact_words(amount, self.lang), "end")

    def _columns(self, up: Scale) -> Iterator[Mark]:
        for t, week in enumerate(self.plan.weeks):
            x, below = self.left + self.slot * (t + 0.14), 0
            for layer in self.layers:
                fen = layer.fen[t]
                if fen <= 0:
                    continue
                y, foot = up.at(currency(below + fen)), up.at(currency(below))
                words = money_words(currency(fen), self.lang)
                tip = say(self.lang, "page.cell_title", line=layer.label, week=week.isoformat(), spend=words)
                yield rect("block", x, y, 0.72 * self.slot, foot - y, fill=layer.colour, tip=tip)
                below += fen

    def _weeks(self) -> Iterator[Mark]:
        every = max(1, -(-42 // int(self.slot)))
        for t, week in enumerate(self.plan.weeks):
            if t % every == 0:
                middle = self.left + self.slot * (t + 0.5)
                yield text("tick", middle, self.base + 16, f"{week:%m-%d}", "middle")

    def _names(self, up: Scale) -> Iterator[Mark]:
        """Names at the right of the last column, each at its layer's height; a phone has no room for them."""
        if self.right < 60:
            return
        below, wanted = 0, []
        for layer in self.layers:
            wanted.append(up.at(currency(below + layer.fen[-1] // 2)))
            below += layer.fen[-1]
        edge = self.width - self.right
        last = edge - 0.14 * self.slot
        for layer, at, y in zip(self.layers, wanted, spread(wanted, 16.0, self.top, self.base), strict=True):
            yield line("leader", last + 2, at, edge + 14, y)
            yield rect("key", edge + 17, y - 4.5, 9, 9, fill=layer.colour)
            yield text("name", edge + 31, y + 4, shortened(layer.label, self.right - 34, 12))


# Response curves ------------------------------------------------------------------------------------------------------


def curve_cards(plan: Plan, outlook: Outlook, lang: Lang) -> tuple[CurveCard, ...]:
    """Draw the response curve of every line that has one, the largest spends first."""
    by_name = {curve.name: curve for curve in outlook.curves}
    known = [one for one in plan.lines if one.name in by_name and one.gmv is not None]
    known.sort(key=lambda one: -one.spend_fen)
    return tuple(_card(one, by_name[one.name], lang) for one in known)


def _card(one: LinePlan, curve: LineCurve, lang: Lang) -> CurveCard:
    facts = say(lang, "page.curve.idle")
    if one.roi is not None and one.mroi is not None:
        facts = say(lang, "page.curve.facts", roi=roi_words(one.roi.mean), mroi=roi_words(one.mroi))
    return CurveCard(line_label(one, lang), facts, _curve(one, curve, lang))


def _curve(one: LinePlan, curve: LineCurve, lang: Lang) -> Chart:
    """GMV against spend: band, mean, near-optimal spends on the axis, last year, and where the plan is."""
    width, height, left, foot = 262.0, 168.0, 40.0, 146.0
    spend = [float(x) for x in curve.spend]
    across = Scale(0.0, spend[-1], left, width - 8)
    up = Scale(0.0, max(float(curve.high.max()), 1.0), foot, 8.0)
    places = [across.at(x) for x in spend]
    high, mean, low = ([up.at(float(y)) for y in side] for side in (curve.high, curve.mean, curve.low))
    marks: list[Mark] = [*_axes(across, up, foot, lang)]
    marks.append(path("band", [*zip(places, high, strict=True), *reversed(list(zip(places, low, strict=True)))]))
    marks.append(path("mean", list(zip(places, mean, strict=True))))
    marks += _near_and_last_year(one, across, foot, lang)
    marks += _hover(one, curve, across, (8.0, foot), lang)
    title = _here(one, lang, "page.curve.aria")
    if one.gmv is not None and one.spend_fen > 0:
        x, y = across.at(currency(one.spend_fen)), up.at(one.gmv.mean)
        marks += [line("drop", x, y, x, foot), dot("here", x, y, 4.5, tip=_here(one, lang, "page.curve.here"))]
    return Chart(width, height, title, tuple(marks))


def _axes(across: Scale, up: Scale, foot: float, lang: Lang) -> Iterator[Mark]:
    for amount in ticks(up.high, 3):
        y = up.at(amount)
        yield line("grid" if amount else "axis", across.first, y, across.last, y)
        yield text("tick small", across.first - 5, y + 3.5, compact_words(amount, lang), "end")
    for amount in ticks(across.high)[1:]:
        words = compact_words(amount, lang)
        inside = across.last + 6 - width_of(words, SMALL) / 2  # the last one would stand half outside
        yield text("tick small", min(across.at(amount), inside), foot + 17, words, "middle")


def _near_and_last_year(one: LinePlan, across: Scale, foot: float, lang: Lang) -> Iterator[Mark]:
    label = line_label(one, lang)
    if one.near_optimal is not None:
        low, high = one.near_optimal
        words = {"low": money_words(low, lang), "high": money_words(high, lang)}
        tip = say(lang, "page.curve.near", line=label, **words)
        start = across.at(low)
        yield rect("near", start - 1, foot - 2.5, max(across.at(high) - start, 1.0) + 2, 5, tip=tip)
    if one.history_spend:
        x = across.at(one.history_spend)
        tip = say(lang, "page.curve.last_year", line=label, spend=money_words(one.history_spend, lang))
        yield line("last-year", x, foot - 9, x, foot + 4, tip=tip)


def _hover(one: LinePlan, curve: LineCurve, across: Scale, between: tuple[float, float], lang: Lang) -> Iterator[Mark]:
    """Strips that say, where one points, what the line earns at that spend."""
    top, foot = between
    label = line_label(one, lang)
    places = [across.at(float(spend)) for spend in curve.spend]
    edges = [places[0], *((a + b) / 2 for a, b in itertools.pairwise(places)), places[-1]]
    for k, (spend, *gmv) in enumerate(zip(curve.spend, curve.mean, curve.low, curve.high, strict=True)):
        if spend <= 0 or edges[k + 1] <= edges[k]:
            continue
        mean, low, high = (compact_words(float(value), lang) for value in gmv)
        words = {"spend": compact_words(float(spend), lang), "mean": mean, "low": low, "high": high}
        tip = say(lang, "page.curve.point", line=label, **words)
        yield rect("hover", edges[k], top, edges[k + 1] - edges[k], foot - top - 10, tip=tip)


def _here(one: LinePlan, lang: Lang, key: str) -> str:
    gmv = one.gmv or Interval(0.0, 0.0, 0.0, 0.0)
    mean, low, high = (money_words(value, lang) for value in (gmv.mean, gmv.p05, gmv.p95))
    words = {"spend": money_words(currency(one.spend_fen), lang), "mean": mean, "low": low, "high": high}
    return say(lang, key, line=line_label(one, lang), **words)


# A row a line ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rows:
    """The frame of a chart with a row for every line: names at the left, numbers at the right."""

    lang: Lang
    width: float
    left: float
    right: float
    rows: int
    title: str
    top: float = 6.0

    @property
    def height(self) -> float:
        return self.top + ROW * self.rows + 2

    def middle(self, row: int) -> float:
        return self.top + ROW * (row + 0.5)

    def scale(self, low: float, high: float) -> Scale:
        return Scale(low, high, self.left, self.width - self.right)

    def name(self, row: int, label: str, style: str = "name") -> Mark:
        return text(style, 0, self.middle(row) + 4, shortened(label, self.left - 8, 12.5))

    def number(self, row: int, words: str, style: str = "number") -> Mark:
        return text(style, self.width, self.middle(row) + 4, words, "end")

    def chart(self, marks: Iterable[Mark]) -> Chart:
        return Chart(self.width, self.height, self.title, tuple(marks))


def waterfall(plan: Plan, lang: Lang) -> Pair | None:
    """Draw what each line adds to expected GMV, one after the other, down to their sum; None without a response."""
    if plan.gmv is None or not any(one.gmv for one in plan.lines):
        return None
    return Pair(_waterfall(plan, plan.gmv, lang, 540.0, 150.0), _waterfall(plan, plan.gmv, lang, NARROW, 108.0))


def _waterfall(plan: Plan, total: Interval, lang: Lang, width: float, left: float) -> Chart:
    steps = _steps(plan, lang)
    frame = _Rows(lang, width, left, 96.0, len(steps) + 1, say(lang, "page.waterfall"))
    across = frame.scale(0.0, max(total.p95, total.mean, 1.0))
    marks: list[Mark] = []
    below = 0.0
    for row, (label, mean) in enumerate(steps):
        share = share_words(mean / total.mean if total.mean else 0.0)
        start, end, y = across.at(below), across.at(below + mean), frame.middle(row)
        below += mean
        tip = say(lang, "page.waterfall.title", line=label, gmv=money_words(mean, lang), share=share)
        marks.append(frame.name(row, label))
        marks.append(line("leader", end, y - 8, end, y + ROW - 8))
        marks.append(rect("gain", start, y - 8, max(end - start, 1.0), 16, tip=tip))
        marks.append(frame.number(row, f"{compact_words(mean, lang)} · {share}"))
    return frame.chart((*marks, *_sum(frame, across, len(steps), total)))


def _steps(plan: Plan, lang: Lang) -> list[tuple[str, float]]:
    """Name and expected GMV of every line, the largest first, the smallest together."""
    known = sorted(((line_label(one, lang), one.gmv.mean) for one in plan.lines if one.gmv), key=lambda step: -step[1])
    if len(known) <= MOST_ROWS:
        return known
    rest = sum(mean for _, mean in known[MOST_ROWS - 1 :])
    return [*known[: MOST_ROWS - 1], (say(lang, "other"), rest)]


def _sum(frame: _Rows, across: Scale, row: int, total: Interval) -> Iterator[Mark]:
    lang, y = frame.lang, frame.middle(row)
    mean, low, high = (money_words(value, lang) for value in (total.mean, total.p05, total.p95))
    tip = say(lang, "page.waterfall.total", mean=mean, low=low, high=high)
    yield frame.name(row, say(lang, "total"), "name strong")
    yield rect("sum", across.at(0), y - 8, across.at(total.mean) - across.at(0), 16, tip=tip)
    yield from _whisker(across, y, total)
    yield frame.number(row, compact_words(total.mean, lang), "number strong")


def _whisker(across: Scale, y: float, interval: Interval) -> Iterator[Mark]:
    low, high = across.at(interval.p05), across.at(interval.p95)
    yield line("whisker", low, y, high, y)
    yield line("whisker", low, y - 4, low, y + 4)
    yield line("whisker", high, y - 4, high, y + 4)


def ranges(plan: Plan, lang: Lang) -> Pair | None:
    """Draw how far each line's spend may go within 1% of the best plan; None where that was not looked for."""
    known = sorted((one for one in plan.lines if one.near_optimal and not one.reserve), key=lambda o: -o.spend_fen)
    if not known:
        return None
    shown = known[:MOST_ROWS]
    return Pair(_ranges(shown, lang, 540.0, 150.0), _ranges(shown, lang, NARROW, 108.0))


def _ranges(known: Sequence[LinePlan], lang: Lang, width: float, left: float) -> Chart:
    frame = _Rows(lang, width, left, 102.0, len(known), say(lang, "page.ranges"))
    most = max(max(one.near_optimal[1] if one.near_optimal else 0.0, one.history_spend or 0.0) for one in known)
    across = frame.scale(0.0, max(most, 1.0))
    marks: list[Mark] = []
    for row, one in enumerate(known):
        low, high = one.near_optimal or (0.0, 0.0)
        spend, y, label = currency(one.spend_fen), frame.middle(row), line_label(one, lang)
        words = {"low": money_words(low, lang), "high": money_words(high, lang), "spend": money_words(spend, lang)}
        tip = say(lang, "page.ranges.title", line=label, **words)
        marks.append(frame.name(row, label))
        marks.append(line("rail", across.first, y, across.last, y))
        marks.append(rect("near", across.at(low) - 1, y - 4, across.at(high) - across.at(low) + 2, 8, tip=tip))
        if one.history_spend:
            x = across.at(one.history_spend)
            last_year = say(lang, "page.curve.last_year", line=label, spend=money_words(one.history_spend, lang))
            marks.append(line("last-year", x, y - 7, x, y + 7, tip=last_year))
        marks.append(dot("here", across.at(spend), y, 4.5, tip=tip))
        marks.append(frame.number(row, f"{compact_words(low, lang)}–{compact_words(high, lang)}"))
    return frame.chart(marks)


def certainty(plan: Plan, lang: Lang) -> Chart | None:
    """Draw expected GMV with its interval, beside that of last year's mix and last year's plan; None without GMV."""
    if plan.gmv is None:
        return None
    others = {"pro_rata": plan.pro_rata, "last_quarter": plan.last_quarter}
    named: dict[str, Interval] = {"plan": plan.gmv} | {key: one.gmv for key, one in others.items() if one is not None}
    return _intervals({say(lang, f"page.sure.{key}"): gmv for key, gmv in named.items()}, lang)


def _intervals(named: Mapping[str, Interval], lang: Lang, tall: float = 46.0) -> Chart:
    """Name and numbers over each interval: the chart is as narrow as a phone."""
    width, edge = NARROW, 8.0
    low = min(0.0, *(one.p05 for one in named.values()))
    high = max(1.0, *(max(one.p95, one.mean) for one in named.values()))
    across = Scale(low, high, edge, width - edge)
    marks: list[Mark] = []
    for row, (name, gmv) in enumerate(named.items()):
        y = 32.0 + tall * row
        mean, least, most = (compact_words(value, lang) for value in (gmv.mean, gmv.p05, gmv.p95))
        tip = say(lang, "page.sure.title", name=name, mean=mean, low=least, high=most)
        own = "own" if row == 0 else "other"
        marks.append(text("name strong" if row == 0 else "name", 0, y - 12, name))
        marks.append(text("number strong" if row == 0 else "number", width, y - 12, f"{mean} ({least}–{most})", "end"))
        marks.append(line("rail", across.first, y, across.last, y))
        start = across.at(gmv.p05)
        marks.append(rect(f"span {own}", start, y - 4, across.at(gmv.p95) - start, 8, tip=tip))
        marks.append(dot(f"centre {own}", across.at(gmv.mean), y, 5, tip=tip))
    title = "; ".join(mark.tip for mark in marks if mark.tag == "rect")
    return Chart(width, tall * len(named) + 2, title, tuple(marks))


# Bars -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """A line's bar: its words, and lengths in percent of the longest; ``mark`` is last year's spend."""

    label: str
    money: str
    share: str
    roi: str
    title: str
    colour: str
    length: float
    mark: float | None


def bars(plan: Plan, lang: Lang) -> tuple[Bar, ...]:
    """Draw spend by line, the largest first, reserves last."""
    coloured, total = colours(plan), spent(plan)
    longest = max((max(currency(one.spend_fen), one.history_spend or 0.0) for one in plan.lines), default=0.0)
    order = sorted(plan.lines, key=lambda one: (one.reserve, -one.spend_fen))
    return tuple(
        _bar(one, coloured.get(one.name, REST), 100 / longest if longest else 0.0, total, lang) for one in order
    )


def _bar(one: LinePlan, colour: str, scale: float, total: float, lang: Lang) -> Bar:
    spend = currency(one.spend_fen)
    share = share_words(spend / total if total else 0.0)
    words = {"line": line_label(one, lang), "spend": money_words(spend, lang), "share": share}
    title = say(lang, "page.bar_title_new", **words)
    if one.history_spend is not None:
        title = say(lang, "page.bar_title", **words, history=money_words(one.history_spend, lang))
    return Bar(
        words["line"],
        words["spend"],
        share,
        roi_words(one.roi.mean) if one.roi else "",
        title,
        colour,
        round(scale * spend, 2),
        None if one.history_spend is None else min(round(scale * one.history_spend, 2), 99.4),
    )
