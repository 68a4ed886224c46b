"""Limits on spend. Each class is YAML schema, documentation and solver rows at once.

A new kind of limit is a new class here, its name in :data:`Constraint`, its check in :mod:`optimizer.verify` and a
golden LP file under ``tests/golden``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from optimizer.lines import LineNames, select

if TYPE_CHECKING:
    from optimizer.decision import Decision, Row

Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]


class Rule(BaseModel):
    """Base of every constraint and rule: immutable, named in the department's own words."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_by_name=True)

    kind: str
    """Which rule this is."""
    name: str
    """The name a person reads in the plan, its prices and its conflicts."""


class Ranged(Rule):
    """Base of constraints with ``min`` and ``max``."""

    min: Amount | None = None
    """Least allowed."""
    max: Amount | None = None
    """Most allowed."""

    @model_validator(mode="after")
    def _ordered(self) -> Ranged:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Bounds(Ranged):
    """Least and most spend of a line, over the horizon or in each week."""

    kind: Literal["bounds"] = "bounds"
    lines: LineNames = "all"
    """``all`` (without reserve lines), a line, or a list."""
    per: Literal["horizon", "week"] = "horizon"
    """Whether the limits hold for the line's total or for each week."""
    relative_to: Literal["history", "average"] | None = None
    """``history``: multiples of the same weeks last year; ``average``: multiples of the mean weekly spend over all
    data; absent: currency."""

    def limits(self, decision: Decision, line: int) -> list[tuple[str, list[int], float | None, float | None]]:
        """``(suffix, weeks, least, most)`` in currency for one line."""
        weeks = range(len(decision.weeks))
        spans = [("", list(weeks))] if self.per == "horizon" else [(f" {decision.weeks[t]}", [t]) for t in weeks]
        rows = []
        for suffix, span in spans:
            base = 1.0
            if self.relative_to == "history":
                base = float(decision.lines[line].reference[span].sum())
            elif self.relative_to == "average":
                base = decision.lines[line].average * len(span)
            least = None if self.min is None else self.min * base
            most = None if self.max is None else self.max * base
            rows.append((suffix, span, least, most))
        return rows

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One row per line (and week)."""
        for line in select(decision.lines, self.lines, reserves=self.lines != "all"):
            for suffix, span, least, most in self.limits(decision, line):
                yield decision.row(
                    f"{self.name}: {decision.lines[line].name}{suffix}",
                    self,
                    sum(decision.spend[line, week] for week in span),
                    lower=least,
                    upper=most,
                    line=line,
                )


class CategoryShare(Rule):
    """Share of the plan's spend that goes to a category: exact, or a range."""

    kind: Literal["category_share"] = "category_share"
    category: str
    """The category."""
    share: Share | None = None
    """Exact share."""
    min: Share | None = None
    """Least share."""
    max: Share | None = None
    """Most share."""

    @model_validator(mode="after")
    def _one_form(self) -> CategoryShare:
        if (self.share is None) == (self.min is None and self.max is None):
            raise ValueError("give either share, or min and max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Rows on the sum of the category's lines."""
        inside = [i for i, line in enumerate(decision.lines) if line.category == self.category]
        low, high = (self.share, self.share) if self.share is not None else (self.min, self.max)
        yield from decision.share_rows(self, inside, low, high)


class GroupShare(Ranged):
    """Share of the plan's spend, or of its expected visits, that a group of lines may or must have."""

    kind: Literal["group_share"] = "group_share"
    group: str
    """The group."""
    of: Literal["spend", "visits"] = "spend"
    """What is shared: money, or visits at each line's visits per unit of spend over the last 52 weeks."""
    min: Share | None = None
    """Least share."""
    max: Share | None = None
    """Most share."""

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Rows on the sum of the group's lines."""
        inside = [i for i, line in enumerate(decision.lines) if self.group in line.groups]
        weights = None
        if self.of == "visits":
            weights = [line.visits_per_cny or 0.0 for line in decision.lines]
        yield from decision.share_rows(self, inside, self.min, self.max, weights)


class Concentration(Rule):
    """No line above a share of the plan's spend."""

    kind: Literal["concentration"] = "concentration"
    max: Share
    """Most share of one line."""
    lines: LineNames = "all"
    """``all`` (without reserve lines), a line, or a list."""

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One row per line."""
        for line in select(decision.lines, self.lines, reserves=False):
            yield from decision.share_rows(self, [line], None, self.max, line=line)


class Change(Rule):
    """How fast a line's spend may move: from week to week, and against the same weeks last year."""

    kind: Literal["change"] = "change"
    lines: LineNames = "all"
    """``all`` (without reserve lines), a line, or a list."""
    week_on_week: Annotated[float, Field(gt=0)] | None = None
    """Largest change from one week to the next, as a share of the earlier week. The first week is held against the
    last week of history; after a week without spend, nothing is held."""
    last_year: Annotated[float, Field(gt=0)] | None = None
    """Largest change of the line's total against the same weeks last year, as a share of it."""

    @model_validator(mode="after")
    def _something(self) -> Change:
        if self.week_on_week is None and self.last_year is None:
            raise ValueError("give week_on_week, last_year or both")
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Two one-sided rows per line and week, and a range for the total."""
        for index in select(decision.lines, self.lines, reserves=False):
            line = decision.lines[index]
            if self.week_on_week is not None:
                yield from self._weekly(decision, index, self.week_on_week)
            if self.last_year is not None and line.reference.sum() > 0:
                base = float(line.reference.sum())
                yield decision.row(
                    f"{self.name}: {line.name} against last year",
                    self,
                    sum(decision.spend[index, week] for week in range(len(decision.weeks))),
                    lower=max(0.0, 1 - self.last_year) * base,
                    upper=(1 + self.last_year) * base,
                    line=index,
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


class Pilot(Rule):
    """A line on trial: nothing at all, or a total between a minimum and a maximum."""

    kind: Literal["pilot"] = "pilot"
    line: str
    """The line."""
    min: Annotated[float, Field(gt=0)]
    """Least total, when the line is used."""
    max: Annotated[float, Field(gt=0)]
    """Most total."""

    @model_validator(mode="after")
    def _ordered(self) -> Pilot:
        if self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Two rows with a switch."""
        for index in select(decision.lines, self.line, reserves=True):
            used = decision.switch()
            total = sum(decision.spend[index, week] for week in range(len(decision.weeks)))
            least, most = decision.money(self.min), decision.money(self.max)
            name = f"{self.name}: {decision.lines[index].name}"
            floor = decision.row(f"{name} at least", self, total - least * used, lower=0.0, line=index)
            ceiling = decision.row(f"{name} at most", self, total - most * used, upper=0.0, line=index)
            yield replace(floor, limit_lower=self.min)
            yield replace(ceiling, limit_upper=self.max)


Constraint = Annotated[
    Bounds | CategoryShare | GroupShare | Concentration | Change | Pilot,
    Field(discriminator="kind"),
]
