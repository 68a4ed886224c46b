"""What the page says first: key figures, what binds and at which price, and what to test next."""

from __future__ import annotations

from dataclasses import dataclass

from mmm.messages import Message, said
from optimizer.plan import ConstraintReport, Plan
from reports.documents import currency
from reports.sections import rule_words, spent_with_history, worth_testing
from reports.words import (
    Lang,
    compact_words,
    currency_words,
    gap_words,
    line_label,
    money_words,
    number_words,
    plain,
    roi_words,
    say,
    share_words,
    shown,
    signed,
)

SHARE_STEP, MONEY_STEP = 1.0, 0.01  # rules are ranked by a point of share, or a hundredth of an amount


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure: its name, the figure, and a note under it."""

    key: str
    label: str
    figure: str
    note: str


@dataclass(frozen=True, slots=True)
class Point:
    """One item of a short list: what it is about, and the words or figure at its right."""

    label: str
    words: str


def tiles(plan: Plan, lang: Lang) -> tuple[Tile, ...]:
    """Build the key figures, those that the plan has."""
    found = (
        _total(plan, lang),
        _gmv(plan, lang),
        _roi(plan, lang),
        _target(plan, lang),
        _better(plan, lang),
        _gap(plan, lang),
        _cut(plan, lang),
    )
    return tuple(tile for tile in found if tile is not None)


def _tile(key: str, figure: str, note: str, lang: Lang) -> Tile:
    return Tile(key, say(lang, f"tile.{key}"), figure, note)


def _total(plan: Plan, lang: Lang) -> Tile:
    note = ""
    if plan.last_quarter_spend:
        change = signed(share_words(spent_with_history(plan) / plan.last_quarter_spend - 1))
        note = say(lang, "tile.spend_note", change=change, spend=compact_words(plan.last_quarter_spend, lang))
    label = say(lang, "tile.total", currency=currency_words(plan.currency, lang))
    return Tile("total", label, money_words(currency(plan.total_fen), lang), note)


def _gmv(plan: Plan, lang: Lang) -> Tile | None:
    if plan.gmv is None:
        return None
    low, high = (compact_words(value, lang) for value in (plan.gmv.p05, plan.gmv.p95))
    return _tile("gmv", money_words(plan.gmv.mean, lang), say(lang, "tile.interval", low=low, high=high), lang)


def _roi(plan: Plan, lang: Lang) -> Tile | None:
    if plan.roi is None:
        return None
    return _tile("roi", roi_words(plan.roi), say(lang, "tile.roi.note", roi=f"{plan.roi:.2f}"), lang)


def _target(plan: Plan, lang: Lang) -> Tile | None:
    if plan.prob_target is None:
        return None
    return _tile("target", share_words(plan.prob_target), say(lang, "tile.target.note"), lang)


def _better(plan: Plan, lang: Lang) -> Tile | None:
    if plan.pro_rata is None:
        return None
    gain = signed(compact_words(plan.pro_rata.gmv_gain.mean, lang))
    note = say(lang, "tile.better.note", gain=gain)
    return _tile("better", share_words(plan.pro_rata.prob_better), note, lang)


def _gap(plan: Plan, lang: Lang) -> Tile | None:
    if plan.proof is None or not shown(plan.proof.gap):
        return None
    return _tile("gap", gap_words(plan.proof.gap), say(lang, "tile.gap.note"), lang)


def _cut(plan: Plan, lang: Lang) -> Tile | None:
    known = [(one.prob_cut, one) for one in plan.lines if one.prob_cut]
    if not known:
        return None
    chance, one = max(known, key=lambda pair: pair[0])
    return _tile("cut", share_words(chance), say(lang, "tile.cut.note", line=line_label(one, lang)), lang)


def better(plan: Plan, lang: Lang) -> tuple[str, ...]:
    """Say how probable it is that the plan earns more than last year's mix, and than last year's plan."""
    compared = {"pro_rata": (plan.pro_rata, _caveats(plan, lang)), "last_quarter": (plan.last_quarter, ())}
    found: list[str] = []
    for key, (other, caveats) in compared.items():
        if other is not None:
            name, chance = say(lang, f"page.sure.{key}"), share_words(other.prob_better)
            told = (say(lang, "page.sure.better", name=name, prob=chance), *caveats)
            found.append(say(lang, "sentence.join").join(told))
    return tuple(found)


def _caveats(plan: Plan, lang: Lang) -> tuple[str, ...]:
    """Which rules last year's mix would break, where the plan's notes say so."""
    parts = (part for note in plan.notes if isinstance(note, Message) for part in note.values.get("parts", ()))
    return tuple(plain(said(part, lang)) for part in parts if getattr(part, "key", "") == "note.pro_rata.breaks")


def binding(plan: Plan, lang: Lang) -> tuple[Point, ...]:
    """Build the rules that bind, each once with its dearest price, those first whose loosening earns most."""
    dearest: dict[str, ConstraintReport] = {}
    counts: dict[str, int] = {}
    for report in (one for one in plan.constraints if one.binding):
        name = rule_words(report, lang)
        counts[name] = counts.get(name, 0) + 1
        if name not in dearest or _weight(report) > _weight(dearest[name]):
            dearest[name] = report
    found = []
    for name, report in sorted(dearest.items(), key=lambda item: -_weight(item[1])):
        counted = name if counts[name] == 1 else f"{name} ×{counts[name]}"
        found.append(Point(counted, price_words(report, plan.currency, lang)))
    return tuple(found)


def _weight(report: ConstraintReport) -> float:
    """What a small step of the limit is worth, so that prices in different units can be ranked."""
    step = SHARE_STEP if report.unit in {"share", "roi", "lines", "weeks"} else MONEY_STEP * abs(report.limit)
    return abs(report.price or 0.0) * step


def price_words(report: ConstraintReport, currency_name: str, lang: Lang) -> str:
    """Return a price with its unit, such as ``+43,219 per percentage point``; empty without a price."""
    if not report.price:
        return ""
    unit = report.unit if report.unit in {"share", "roi", "lines", "weeks"} else "money"
    amount = number_words(report.price) if unit == "money" else money_words(report.price, lang)
    return say(lang, f"page.price.{unit}", price=signed(amount), currency=currency_words(currency_name, lang))


def tests(plan: Plan, lang: Lang) -> tuple[Point, ...]:
    """Build the lines that are worth testing next, the most worth first."""
    return tuple(
        Point(line_label(one, lang), say(lang, "page.test.upto", value=money_words(one.test_value or 0.0, lang)))
        for one in worth_testing(plan)
    )
