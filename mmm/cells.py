"""Cells as people type them: one cell in, a number, a day or a name out, or a ValueError."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from mmm.calendar import monday

POWERS = {"": 0, "k": 3, "千": 3, "w": 4, "万": 4, "萬": 4, "m": 6, "百万": 6, "千万": 7, "亿": 8, "億": 8}
"""Powers of ten of the units that follow an amount; w is how 万 is typed."""
UNITS = "千万|百万|千|万|萬|亿|億|k|w|m"
"""The same as a pattern, the longer first."""

_CURRENCIES = {"¥": "CNY", "元": "CNY", "cny": "CNY", "rmb": "CNY", "$": "USD", "usd": "USD", "€": "EUR", "eur": "EUR"}
_CURRENCIES |= {"£": "GBP", "gbp": "GBP"}
_CURRENCY = "|".join(map(re.escape, _CURRENCIES))
_NO_VALUE = {"", "-", "--", "–", "—", "na", "n/a", "#n/a", "nan", "null", "none"}
_INFINITY = re.compile(r"[+-]?inf(inity)?")
# Commas only between groups of three: "1,5" is a decimal comma somewhere, and must not turn into 15.
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?P<before>{_CURRENCY})?(?P<inner>[+-]?)"
    r"(?P<number>(\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)(?P<power>e[+-]?\d{1,3})?"
    rf"(?P<unit>{UNITS})?(?P<after>{_CURRENCY})?(?P<percent>%)?"
)
_LONGEST = 60

_EPOCH = date(1899, 12, 30)
_SERIALS = range(20_000, 80_000)  # days 1954 to 2119 as spreadsheets count them
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?([ T]\d.*)?")
_SPAN = re.compile(r"(\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?)\s*(?:[-~–—至到]|to)\s*\d.*")
_WEEK = re.compile(r"(\d{4})\s*年?[-\s]?(?:第|W|w|wk)\s?(\d{1,2})\s?周?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})[-\s.]+(?P<month>[a-z]{3,9})\.?,?[-\s]+(?P<year>\d{4})", re.IGNORECASE)
_MONTH_FIRST = re.compile(r"(?P<month>[a-z]{3,9})\.?[-\s]+(?P<day>\d{1,2}),?[-\s]+(?P<year>\d{4})", re.IGNORECASE)
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})([ T]\d.*)?")


class Number(NamedTuple):
    """A number, NaN for an empty cell, and the marks that stood beside it."""

    value: float
    percent: bool = False
    currency: str | None = None


def read_number(cell: object) -> Number:
    """Read ``1,234.5``, ``￥500万``, ``0.05亿``, ``(1,200)``, ``12%``, full-width digits; ValueError if it is text."""
    if isinstance(cell, int | float | Decimal):
        return Number(float(cell))
    text = "" if cell is None else "".join(normal(cell).casefold().split())
    if text in _NO_VALUE:
        return Number(float("nan"))
    if _INFINITY.fullmatch(text):
        return Number(float(text))
    loss = text.startswith("(") and text.endswith(")")  # how accountants write a minus
    match = _NUMBER.fullmatch(text[1:-1] if loss else text) if len(text) <= _LONGEST else None
    signs = "" if match is None else match["sign"] + match["inner"] + "-" * loss
    currencies = set() if match is None else {_CURRENCIES[mark] for mark in match.group("before", "after") if mark}
    if match is None or len(signs) > 1 or len(currencies) > 1:
        raise ValueError(text)
    scaled = Decimal(match["number"].replace(",", "") + (match["power"] or "")).scaleb(POWERS[match["unit"] or ""])
    value = float(scaled.scaleb(-2) if match["percent"] else scaled)
    return Number(-value if signs == "-" else value, bool(match["percent"]), min(currencies, default=None))


def as_number(cell: object) -> float:
    """Read a number; NaN if the cell is empty; ValueError if it is text."""
    return read_number(cell).value


def as_day(cell: object) -> date:
    """Read a day written in an order that cannot be mistaken; ValueError if it is none."""
    if isinstance(cell, date):
        return cell.date() if isinstance(cell, datetime) else cell
    plain = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    text = normal(plain)
    if span := _SPAN.fullmatch(text):  # a week written from day to day
        text = span[1]
    if match := _DATE.fullmatch(text):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := _WEEK.fullmatch(text):
        return date.fromisocalendar(int(match[1]), int(match[2]), 1)
    if (match := _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)) and match["month"][:3].lower() in _MONTHS:
        return date(int(match["year"]), _MONTHS.index(match["month"][:3].lower()) + 1, int(match["day"]))
    return date.fromisoformat(text)


def is_span(cell: object) -> bool:
    """Whether a cell holds a week from day to day, such as ``2027/10/04-2027/10/10``."""
    return isinstance(cell, str) and _SPAN.fullmatch(normal(cell)) is not None


def as_week(cell: object) -> date:
    """Find the Monday of the week that holds the cell's day; ValueError if it is no date."""
    return monday(as_day(cell))


def day_reader(cells: Iterable[object]) -> Callable[[object], date]:
    """How the days of a column are read.

    Forms that one cell leaves open are settled by the column: ``04/10/2027`` by another cell whose day is past 12,
    and a spreadsheet's day number (``46664``) by most of the column being such numbers.
    """
    filled = [cell for cell in cells if not is_blank(cell)]
    if 2 * sum(map(_is_serial, filled)) > len(filled):
        return _from_serial
    texts = [match for cell in filled if isinstance(cell, str) and (match := _YEAR_LAST.fullmatch(normal(cell)))]
    if 2 * len(texts) > len(filled):
        day_first, month_first = (any(int(match[place]) > 12 for match in texts) for place in (1, 2))
        if day_first != month_first:
            return _day_first if day_first else _month_first
    return as_day


def as_word(cell: object) -> str:
    """Read a name; ValueError if the cell is empty."""
    if is_blank(cell):
        raise ValueError
    return str(cell).strip()


def is_blank(cell: object) -> bool:
    """Whether a cell holds nothing."""
    return (
        cell is None or (isinstance(cell, float) and math.isnan(cell)) or (isinstance(cell, str) and not cell.strip())
    )


def looks_like_data(cell: object) -> bool:
    """Whether a cell holds a number or a day, as a header's cells do not."""
    if is_blank(cell) or isinstance(cell, bool):
        return False
    if isinstance(cell, int | float | Decimal | date):
        return True
    try:
        return not math.isnan(read_number(cell).value)
    except (ValueError, OverflowError):
        return _is_day(cell)


def normal(cell: object) -> str:
    """Half-width text without outer spaces; every minus sign the plain one."""
    return unicodedata.normalize("NFKC", str(cell)).replace("\u2212", "-").strip()


def _is_day(cell: object) -> bool:
    try:
        as_day(cell)
    except (ValueError, OverflowError):
        return _YEAR_LAST.fullmatch(normal(cell)) is not None
    return True


def _is_serial(cell: object) -> bool:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return False
    try:
        number = float(cell)
    except ValueError:
        return False
    return _SERIALS.start <= number < _SERIALS.stop


def _from_serial(cell: object) -> date:
    if isinstance(cell, date) or not _is_serial(cell):
        return as_day(cell)
    return _EPOCH + timedelta(days=int(float(str(cell))))


def _day_first(cell: object) -> date:
    return _year_last(cell, (2, 1))


def _month_first(cell: object) -> date:
    return _year_last(cell, (1, 2))


def _year_last(cell: object, places: Sequence[int]) -> date:
    """Month and day at their places of a text such as 10/04/2027; other forms as they are."""
    match = None if isinstance(cell, date) else _YEAR_LAST.fullmatch(normal(cell))
    if match is None:
        return as_day(cell)
    month, day = (int(match[place]) for place in places)
    return date(int(match[3]), month, day)
