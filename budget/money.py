"""Money as people write it, turned into whole fen (cents) or refused."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, localcontext

from mmm.problems import InputError, Problem

_POWERS = {"": 0, "k": 3, "千": 3, "万": 4, "萬": 4, "m": 6, "百万": 6, "千万": 7, "亿": 8, "億": 8}
_AMOUNT = re.compile(
    r"(?:¥|cny|rmb)?\s*"
    r"(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:e\+?[0-9]{1,2})?)"
    r"\s*(?P<unit>千万|百万|千|万|萬|亿|億|k|m)?"
    r"\s*(?:元|cny|rmb)?",
)
_LARGEST_FEN = 2**53  # up to here a float in currency units still tells one fen from the next
_LONGEST = 60
_ZERO = "the amount is zero"
_CURE = "Write an amount such as 5000000, 5,000,000.50, 500万, 0.05亿 or 5M."


def parse_money(text: str | float | Decimal, where: str = "amount", *, zero: bool = False) -> int:
    """Read an amount of money.

    Parameters
    ----------
    text : str, int, float or Decimal
        Currency units: ``5000000``, ``"5,000,000"``, ``"500万"``, ``"0.05亿"``, ``"5M"``, ``"￥5,000,000"``; full-width
        digits and signs are understood.
    where : str
        Option or YAML path named when the amount is refused.
    zero : bool
        Whether nothing is an amount too.

    Returns
    -------
    int
        Fen (hundredths of the currency unit), above zero unless ``zero`` allows it.

    Raises
    ------
    InputError
        For text that is no amount, for zero, negative and non-finite amounts, and for more than two decimals.
    """
    fault, fen = _read(text)
    if fault and not (zero and fault == _ZERO):
        shown = repr(text) if isinstance(text, str) else _written(text)
        raise InputError([Problem(fault, where, shown[:_LONGEST], _CURE)])
    return fen


def _read(text: object) -> tuple[str, int]:
    """Fault (empty when there is none) and fen."""
    plain = "" if isinstance(text, bool) else _normal(_written(text))
    negative = plain.startswith("-")
    match = _AMOUNT.fullmatch(plain.removeprefix("-"))
    if match is None or len(plain) > _LONGEST:
        return "the amount cannot be read as money", 0
    with localcontext(prec=4 * _LONGEST):  # wide enough that nothing is rounded unseen
        power = _POWERS[match["unit"] or ""]
        fen = Decimal(match["number"].replace(",", "")).scaleb(power + 2)
        return _fault(fen, negative=negative), int(fen)


def _written(value: object) -> str:
    """Text of any value; Python itself refuses to spell out whole numbers of over 4,300 digits."""
    return str(Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def _normal(text: str) -> str:
    """Half-width, lower-case, without outer spaces; every minus sign the plain one."""
    return unicodedata.normalize("NFKC", text).replace("\u2212", "-").strip().lower()


def _fault(fen: Decimal, *, negative: bool) -> str:
    if fen == 0:
        return _ZERO
    if negative:
        return "the amount is negative"
    if fen > _LARGEST_FEN:
        return "the amount is larger than any budget"
    if fen != fen.to_integral_value():
        return "the amount has more than two decimals"
    return ""
