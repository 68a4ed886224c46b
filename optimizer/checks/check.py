"""One elementary limit in whole fen and exact fractions, and the finding that is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

Sense = Literal["<=", ">=", "=="]

EXACTLY = Fraction(0)
ONE_FEN = Fraction(1)
ROUNDED = Fraction(1, 10**5)  # fen: a share typed with many digits, such as 0.3333333333333333, stands for its fraction
FUZZ = Fraction(1, 10**9)
NEAR = Fraction(1, 10**6)
NEAR_RATIO = Fraction(1, 5000)  # of an ROI or a cost: the planner keeps a little inside
HALF = Fraction(1, 2)
WORDS: dict[Sense, str] = {"<=": "at most", ">=": "at least", "==": "exactly"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One elementary limit and what the plan makes of it.

    Attributes
    ----------
    name, kind : str
        The rule's name and kind; ``total``, ``sign`` and ``reserve`` are the kinds every plan is held against.
    line : str or None
        The line, where the limit is one line's.
    sense : str
        ``value sense limit`` must hold.
    value, limit : float
        In ``unit``: "CNY"; "share" as a fraction of what is shared; "roi"; "cost", CNY for one; "lines"; "weeks".
    binding, broken : bool
        Whether the plan stands at the limit; whether it violates it though it may not.
    sentence : str
        The same in words.
    week : date or None
        Monday, where the limit is one week's.
    soft : bool
        The rule may be violated at a price.
    part : str
        Which of the rule's own limits it is, where it has several: a phase, a month, a week, a line of a mix.
    violation : float
        How far the plan is beyond the limit, in ``unit``; 0 inside it.
    """

    name: str
    kind: str
    line: str | None
    sense: Sense
    value: float
    limit: float
    unit: str
    binding: bool
    broken: bool
    sentence: str
    week: date | None = None
    soft: bool = False
    violation: float = 0.0
    part: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """``value sense limit`` in fen (or visits), to less than ``allowed``; ``whole`` is what a share is a share of."""

    name: str
    kind: str
    subject: str
    sense: Sense
    value: Fraction
    limit: Fraction
    allowed: Fraction
    near: Fraction
    line: str | None = None
    week: date | None = None
    why: str = ""
    whole: Fraction | None = None
    share: Fraction = EXACTLY
    of: str = "spend"
    unit: str = "CNY"
    form: bool = False  # what a switch means: holds even where the rule is soft
    soft: bool = False
    part: str = ""

    @property
    def excess(self) -> Fraction:
        """How far beyond the limit; negative inside it."""
        over = self.value - self.limit
        return {"<=": over, ">=": -over, "==": abs(over)}[self.sense]

    @property
    def violated(self) -> bool:
        """Whether the plan is beyond the limit by more than a whole fen forces."""
        return self.excess > 0 and self.excess >= self.allowed

    @property
    def broken(self) -> bool:
        """Whether it is though it may not be."""
        return self.violated and not self.soft

    @property
    def binding(self) -> bool:
        """Whether the plan stands at the limit."""
        return abs(self.value - self.limit) < self.near or (self.soft and self.violated)

    def finding(self) -> Finding:
        """The same for a reader: in currency, or as a share of the whole."""
        value, limit, unit, scale = self.value, self.limit, self.unit, Fraction(1)
        if self.whole is not None:
            scale, unit = self.whole or Fraction(1), "share"
            value, limit = self.value / scale, self.share
        elif self.unit == "CNY":
            scale = Fraction(100)
            value, limit = self.value / scale, self.limit / scale
        beyond = float(max(self.excess, EXACTLY) / scale) if self.violated else 0.0
        numbers = (float(value), float(limit), unit)
        place = (self.name, self.kind, self.line, self.sense)
        sentence = self._sentence(value)
        return Finding(*place, *numbers, self.binding, self.broken, sentence, self.week, self.soft, beyond, self.part)

    def _sentence(self, value: Fraction) -> str:
        at, bound = self._written(self.value, value), self._written(self.limit, self.share)
        state = "binds" if self.binding else "holds"
        if self.violated:
            state = f"{'violated' if self.soft else 'broken'} by {self._amount(self.excess)}"
        return f"{self.name}: {self.subject} {at}, {WORDS[self.sense]} {bound}{self.why}; {state}."

    def _written(self, amount: Fraction, share: Fraction) -> str:
        if self.whole is None:
            return self._amount(amount)
        return f"{float(100 * share):.6g}% of {self.of} ({self._amount(amount)})"

    def _amount(self, amount: Fraction) -> str:
        if self.unit == "roi":
            return f"1:{float(amount):.4g}"
        if self.unit == "cost":
            return f"{float(amount):,.4g} CNY for one"
        if self.unit in {"lines", "weeks"}:
            return f"{float(amount):g} {self.unit}"
        return f"{float(amount / 100):,.2f} {self.of if self.of == 'visits' else 'CNY'}"


def as_written(number: float) -> Fraction:
    """Take a number as a person wrote it: 0.45 is 45/100."""
    return Fraction(str(float(number)))


def in_fen(currency: float) -> Fraction:
    """Currency as fen."""
    return 100 * as_written(currency)


def from_history(limit: Fraction) -> Fraction:
    """Allow for sums and means of history being floats: large ones are known to a billionth only."""
    return max(ONE_FEN, FUZZ * limit)
