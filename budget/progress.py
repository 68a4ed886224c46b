"""How far a long run is: the stage, the time it took, and about how much is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from reports.words import Lang, gap_words, say, term

TYPICAL: Mapping[str, float] = MappingProxyType(
    {"read": 0.1, "import": 3.0, "build": 0.1, "compile": 40.0, "sample": 20.0, "extract": 1.5, "hold out": 6.0}
)
"""Seconds of the stages of the demo's fit, as once measured; a run that is slower or faster scales them."""

TELLING = 2.0  # seconds of finished stages from which on a run's own speed is known
FIRST = 3.0  # seconds before anything is said of the time


class Clock:
    """Follows a run through its stages.

    Parameters
    ----------
    lang : {"en", "zh"}
    limit : float, optional
        Seconds that a search may take at most.
    now : callable
        The time in seconds; a seam for tests.
    """

    def __init__(self, lang: Lang, limit: float | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.lang, self.limit, self.now = lang, limit, now
        self.stage, self.began = "", now()
        self.took: dict[str, float] = {}
        self.search = ""

    def enter(self, stage: str) -> None:
        """Begin a stage, which ends the one before."""
        if self.stage:
            self.took[self.stage] = self.now() - self.began
        self.stage, self.began, self.search = stage, self.now(), ""

    def round(self, number: int, gap: float) -> None:
        """Note where a search is."""
        self.search = say(self.lang, "progress.round", round=number, gap=gap_words(gap))

    def left(self) -> float | None:
        """Seconds left, about; None where nothing is known."""
        elapsed = self.now() - self.began
        if self.stage == "solve":
            return None if self.limit is None else max(self.limit - elapsed, 0.0)
        if self.stage not in TYPICAL:
            return None
        later = list(TYPICAL)[list(TYPICAL).index(self.stage) + 1 :]
        speed = self._speed()
        return max(speed * TYPICAL[self.stage] - elapsed, 0.0) + speed * sum(TYPICAL[name] for name in later)

    def _speed(self) -> float:
        """How long the finished stages took over what is typical of them."""
        known = [name for name in self.took if name in TYPICAL]
        typical = sum(TYPICAL[name] for name in known)
        return sum(self.took[name] for name in known) / typical if typical >= TELLING else 1.0

    def __rich__(self) -> str:
        """What stands beside the spinner at this moment."""
        from rich.markup import escape

        said = [f"{term(self.lang, 'stage', self.stage)} …", self.search, self._time()]
        return escape(" ".join(part for part in said if part))

    def _time(self) -> str:
        elapsed, left = self.now() - self.began, self.left()
        if elapsed < FIRST:
            return ""
        if left is None:
            return say(self.lang, "progress.elapsed", elapsed=_duration(elapsed, self.lang))
        # A stage that takes longer than it should is not about to end because its time is up.
        key = "progress.at_most" if self.stage == "solve" else "progress.left" if left >= 1 else "progress.late"
        return say(self.lang, key, elapsed=_duration(elapsed, self.lang), left=_duration(left, self.lang))


def _duration(seconds: float, lang: Lang) -> str:
    whole = round(seconds)
    if whole < 60:
        return say(lang, "duration.seconds", seconds=whole)
    return say(lang, "duration.minutes", minutes=whole // 60, seconds=whole % 60)
