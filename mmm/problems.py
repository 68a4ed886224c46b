"""What is wrong with an input, said so that the reader can mend it: what, where, the value, the cure.

Exceptions of the whole product::

    BudgetError
    +-- InputError        data or configuration cannot be used (exit code 1); carries every Problem of its stage
    +-- ModelRejected     the fitted model failed its gates (exit code 4)
    +-- TimeLimitReached  no proven plan within the time limit (exit code 5)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmm.faults import CHINESE
from mmm.messages import Language, Message, Sentence, said
from mmm.places import place_in_chinese


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend.

    Parameters
    ----------
    what : str
        The fault, as a sentence without its end mark: "spend is negative".
    where : str
        File, sheet, row and column, or the YAML path: "national.csv, row 14, column social_spend".
    value : str
        What was found there, shortened; empty when nothing was found.
    cure : str
        What to do about it.
    """

    what: str
    where: str
    value: str = ""
    cure: str = ""

    def __str__(self) -> str:
        return self.said("en")

    @property
    def message(self) -> Message:
        """The problem as part of what else is said, in either language."""
        return Message("problem", Sentence("{en}", "{zh}"), {"en": self.said("en"), "zh": self.said("zh")})

    def translated(self, lang: Language) -> Problem:
        """Return the problem in a language, as far as its parts are known there."""
        where = CHINESE.get(self.where, place_in_chinese(self.where)) if lang == "zh" else self.where
        return Problem(_said(self.what, lang), where, said(self.value, lang), _said(self.cure, lang))

    def said(self, lang: Language) -> str:
        """Return the problem as a sentence in a language."""
        told = self.translated(lang)
        if lang == "zh":
            return f"{told.where}：{told.what}{f'（实际为：{told.value}）' if told.value else ''}。{told.cure}"
        found = f" (found: {told.value})" if told.value else ""
        return f"{told.where}: {told.what}{found}.{f' {told.cure}' if told.cure else ''}"


def _said(part: str, lang: Language) -> str:
    """A part that was made without values has its Chinese under its English text."""
    return CHINESE.get(part, part) if lang == "zh" and type(part) is str else said(part, lang)


class BudgetError(Exception):
    """Root of every error this product raises on purpose."""


class InputError(BudgetError):
    """Data or configuration cannot be used; ``problems`` holds all that were found in one stage."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ModelRejected(BudgetError):
    """The fitted model failed its trust gates."""


class TimeLimitReached(BudgetError):
    """The solver found no proven plan within its time limit."""
