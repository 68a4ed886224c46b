"""Limits on how spend moves in time: from week to week, against the past, and how long a line stays on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveInt, model_validator

from optimizer.constraints.base import Limit
from optimizer.lines import Line, LineNames, select

if TYPE_CHECKING:
    from optimizer.decision import Decision, Row

Floats = npt.NDArray[np.float64]
Step = Annotated[float, Field(gt=0)]


class Change(Limit):
    """How fast a line's spend may move: from week to week, and against last quarter and last year.

    Examples
    --------
    .. code-block:: yaml

        - {kind: change, name: at most 30% a week, lines: all, week_on_week: 0.30}
        - {kind: change, name: within a fifth of last quarter, lines: [search, kol], last_quarter: 0.20}
        - {kind: change, name: within half of last year, lines: all, last_year: 0.50}
    """

    kind: Literal["change"] = "change"
    lines: LineNames = "all"
    """``all`` (without reserve lines), a line, or a list."""
    week_on_week: Step | None = None
    """Largest change from one week to the next, as a share of the earlier week. The first week is held against the
    last week of history; after a week without spend, nothing is held."""
    last_quarter: Step | None = None
    """Largest change of the line's mean week against its mean over the 13 weeks before the plan, as a share of it."""
    last_year: Step | None = None
    """Largest change of the line's total against the same weeks last year, as a share of it."""

    @model_validator(mode="after")
    def _something(self) -> Change:
        if (self.week_on_week, self.last_quarter, self.last_year) == (None, None, None):
            raise ValueError("give week_on_week, last_quarter, last_year or several of them")
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Two one-sided rows per line and week, and a range for each total."""
        for index in select(decision.lines, self.lines, reserves=False):
            line = decision.lines[index]
            if self.week_on_week is not None:
                yield from self._weekly(decision, index, self.week_on_week)
            for word, step, base in self._totals(line):
                if step is not None and base > 0:
                    yield decision.row(
                        f"{self.name}: {line.name} against {word}",
                        self,
                        sum(decision.spend[index, week] for week in range(len(decision.weeks))),
                        lower=max(0.0, 1 - step) * base,
                        upper=(1 + step) * base,
                        line=index,
                    )

    def _totals(self, line: Line) -> tuple[tuple[str, float | None, float], ...]:
        """What the line's total is held against, currency."""
        quarter = float(line.recent.mean()) * line.reference.size if line.recent.size else 0.0
        return (
            ("last quarter", self.last_quarter, quarter),
            ("last year", self.last_year, float(line.reference.sum())),
        )

    def _weekly(self, decision: Decision, index: int, step: float) -> Iterator[Row]:
        line = decision.lines[index]
        for week, monday in enumerate(decision.weeks):
            now = decision.spend[index, week]
            if week == 0:
                if line.recent.size == 0 or line.recent[-1] <= 0:
                    continue
                last = float(line.recent[-1])
                name = f"{self.name}: {line.name} {monday}"
                low, high = max(0.0, 1 - step) * last, (1 + step) * last
                yield decision.row(name, self, now, lower=low, upper=high, line=index)
                continue
            before = decision.spend[index, week - 1]
            name = f"{self.name}: {line.name} {monday}"
            yield decision.row(f"{name} up", self, now - (1 + step) * before, upper=0.0, line=index)
            yield decision.row(f"{name} down", self, now - max(0.0, 1 - step) * before, lower=0.0, line=index)


class WeeksOn(Limit):
    """A line that is switched on stays on for some weeks in a row, or is on in at least so many weeks.

    Examples
    --------
    .. code-block:: yaml

        - {kind: weeks_on, name: flights of three weeks, lines: outdoor, weeks: 3, least: 20000}
        - {kind: weeks_on, name: on air in eight weeks, lines: tv, weeks: 8, least: 50000, in_a_row: false}
    """

    kind: Literal["weeks_on"] = "weeks_on"
    lines: LineNames
    """A line, or a list; each by itself."""
    weeks: PositiveInt
    """Weeks."""
    least: Annotated[float, Field(gt=0)]
    """Least spend of a week that is on, currency; a week is off (nothing) or on (at least this)."""
    in_a_row: bool = True
    """True: once on, on for ``weeks`` weeks in a row or to the end of the plan, weeks of history counted; false: on in
    at least ``weeks`` weeks of the plan."""

    def rows(self, decision: Decision) -> Iterator[Row]:
        """A switch per line and week."""
        for index in select(decision.lines, self.lines, reserves=False):
            name = f"{self.name}: {decision.lines[index].name}"
            on = [decision.switch(self._is_on(index, week)) for week in range(len(decision.weeks))]
            least, most = decision.money(self.least), decision.money(decision.total)
            for week, monday in enumerate(decision.weeks):
                spend = decision.spend[index, week]
                yield decision.link(f"{name} {monday} on", self, spend - least * on[week], lower=0.0, line=index)
                yield decision.link(f"{name} {monday} off", self, spend - most * on[week], upper=0.0, line=index)
            runs = self._runs(decision, index, on) if self.in_a_row else self._count(on)
            for suffix, body, least_on, lag in runs:
                yield decision.count(f"{name}{suffix}", self, body, lower=least_on, line=index, part=str(lag))

    def _runs(self, decision: Decision, index: int, on: list[Any]) -> Iterator[tuple[str, Any, float, int]]:
        """Once on, on in the weeks after, each with how many weeks after; a run of history goes on."""
        begun = run_before(decision.lines[index])
        for week in range(min(self.weeks - begun, len(on)) if begun else 0):
            yield f" {decision.weeks[week]} goes on", on[week], 1.0, begun + week
        for week, monday in enumerate(decision.weeks):
            before = on[week - 1] if week else float(begun > 0)
            for later in range(week + 1, min(week + self.weeks, len(on))):
                yield f" {monday} to {decision.weeks[later]}", on[later] - on[week] + before, 0.0, later - week

    def _count(self, on: list[Any]) -> Iterator[tuple[str, Any, float, int]]:
        yield " weeks", sum(on), float(self.weeks), 0

    @staticmethod
    def _is_on(index: int, week: int) -> Any:
        return lambda spend: bool(spend[index, week] > 0)


def run_before(line: Line) -> int:
    """Weeks in a row, up to the plan, in which the line had spend."""
    used = line.recent > 0
    return int(np.argmin(used[::-1])) if not used.all() else used.size
