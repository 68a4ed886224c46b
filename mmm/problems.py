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
        found = f" (found: {self.value})" if self.value else ""
        cure = f" {self.cure}" if self.cure else ""
        return f"{self.where}: {self.what}{found}.{cure}"


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
