"""Limits on amounts of money: of a line, of some weeks, of the phases of a programme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from optimizer.constraints.base import Among, Amount, Limit, Ranged, Share
from optimizer.lines import LineNames, select

if TYPE_CHECKING:
    from optimizer.decision import Decision, Row

Span = tuple[str, list[int]]  # how a person calls some weeks, and their positions


def month_of(week: date) -> str:
    """Month that a week counts for, as 2027-11: the one its Thursday falls in."""
    return f"{week + timedelta(days=3):%Y-%m}"


class Bounds(Ranged):
    """Least and most spend of a line, over the horizon or in each week.

    Examples
    --------
    .. code-block:: yaml

        - {kind: bounds, name: KOL budget, lines: kol, min: 50000, max: 450000}
        - {kind: bounds, name: KOL a week, lines: kol, per: week, max: 45000}
        - {kind: bounds, name: half to double of last year, lines: all, relative_to: history, min: 0.5, max: 2.0}
    """

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
                    part=suffix.strip(),
                )


class Fixed(Limit):
    """A line whose money is settled: its total, or single weeks of it.

    Examples
    --------
    .. code-block:: yaml

        - {kind: fixed, name: signed contract, lines: kol, total: 180000}
        - {kind: fixed, name: booked weeks, lines: search, weekly: {2027-11-08: 60000, 2027-11-15: 40000}}
    """

    kind: Literal["fixed"] = "fixed"
    lines: LineNames
    """A line, or a list: each gets this money."""
    total: Amount | None = None
    """Money over the horizon, currency."""
    weekly: dict[date, Amount] = Field(default_factory=dict)
    """Money by week, currency; weeks that are not named stay free."""

    @model_validator(mode="after")
    def _something(self) -> Fixed:
        if self.total is None and not self.weekly:
            raise ValueError("give total, weekly or both")
        if any(week.weekday() for week in self.weekly):
            raise ValueError("weeks are named by their Monday")
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """An equality per line, or per line and week."""
        weeks = range(len(decision.weeks))
        spans: list[tuple[str, list[int], float]] = [] if self.total is None else [("", list(weeks), self.total)]
        spans += [
            (f" {decision.weeks[t]}", [t], self.weekly[decision.weeks[t]])
            for t in weeks
            if decision.weeks[t] in self.weekly
        ]
        for line in select(decision.lines, self.lines, reserves=True):
            for suffix, span, amount in spans:
                name = f"{self.name}: {decision.lines[line].name}{suffix}"
                body = decision.paid((line, week) for week in span)
                yield decision.row(name, self, body, lower=amount, upper=amount, line=line, part=suffix.strip())


class Budget(Ranged, Among):
    """Money of some weeks: a month, a campaign window, dates, or every week or month alike.

    A week counts for the month of its Thursday, and for a window or dates when it touches them by a day. Without
    ``category``, ``group`` or ``lines`` every line counts, reserve lines too. Weeks outside the plan do not count.

    Examples
    --------
    .. code-block:: yaml

        - {kind: budget, name: November, month: 2027-11, max: 2200000}
        - {kind: budget, name: Double 11 push, window: double11, of: share, min: 0.25, max: 0.40}
        - {kind: budget, name: opening fortnight, start: 2027-10-04, end: 2027-10-17, group: social, max: 300000}
        - {kind: budget, name: never quiet, every: week, min: 250000}
    """

    kind: Literal["budget"] = "budget"
    month: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = None
    """A month, such as 2027-11."""
    window: str | None = None
    """Name of a shopping peak in the calendar."""
    start: date | None = None
    """First day, with ``end``."""
    end: date | None = None
    """Last day."""
    every: Literal["week", "month"] | None = None
    """Each week, or each month, by itself."""
    of: Literal["currency", "share"] = "currency"
    """Whether ``min`` and ``max`` are currency or shares of the plan's spend."""

    @model_validator(mode="after")
    def _one_time(self) -> Budget:
        if sum(given is not None for given in (self.month, self.window, self.start, self.every)) != 1:
            raise ValueError("give one of month, window, start with end, and every")
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end go together")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("end is before start")
        if self.of == "share" and (self.max or self.min or 0) > 1:
            raise ValueError("a share is at most 1")
        return self

    def spans(self, weeks: Sequence[date], windows: Mapping[str, Sequence[int]]) -> list[Span]:
        """The weeks it speaks of, those outside the plan left out."""
        if self.every == "week":
            return [(str(week), [t]) for t, week in enumerate(weeks)]
        if self.every == "month":
            months = dict.fromkeys(month_of(week) for week in weeks)
            return [(month, [t for t, week in enumerate(weeks) if month_of(week) == month]) for month in months]
        if self.month is not None:
            found = [t for t, week in enumerate(weeks) if month_of(week) == self.month]
        elif self.window is not None:
            found = list(windows.get(self.window, ()))
        else:
            first, last = self.start or date.max, self.end or date.min
            found = [t for t, week in enumerate(weeks) if week + timedelta(days=6) >= first and week <= last]
        return [("", found)] if found else []

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One row per span."""
        inside = self.inside(decision.lines)
        for suffix, span in self.spans(decision.weeks, decision.windows):
            name = f"{self.name}: {suffix}" if suffix else self.name
            cells = [(line, week) for line in inside for week in span]
            if self.of == "share":
                yield from decision.cell_shares(name, self, cells, self.min, self.max, part_name=suffix)
            else:
                body = decision.paid(cells)
                yield decision.row(name, self, body, lower=self.min, upper=self.max, part=suffix)


class Phase(BaseModel):
    """One phase of a programme, as long as its months or weeks."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """The name a person reads."""
    months: PositiveInt | None = None
    """Length in calendar months; a week counts for the month of its Thursday."""
    weeks: PositiveInt | None = None
    """Length in weeks."""
    budget: Amount | None = None
    """Its money, currency."""
    share: Share | None = None
    """Its share of the plan's spend."""

    @model_validator(mode="after")
    def _one_each(self) -> Phase:
        if (self.months is None) == (self.weeks is None):
            raise ValueError("give either months or weeks")
        if (self.budget is None) == (self.share is None):
            raise ValueError("give either budget or share")
        return self


class Phases(Among):
    """A programme in phases, one after the other from the plan's first week, each with its money.

    One plan covers them all, so that carry-over from one phase to the next counts: ``weeks: 52`` for a year.

    Examples
    --------
    .. code-block:: yaml

        - kind: phases
          name: live-stream programme
          phases:
            - {name: build-up, months: 3, share: 0.25}
            - {name: growth, months: 3, share: 0.30}
            - {name: harvest, months: 6, share: 0.45}
    """

    kind: Literal["phases"] = "phases"
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    """The phases in their order."""
    tolerance: Share = 0.0
    """How far a phase may be off its money, as a share of it."""

    def spans(self, weeks: Sequence[date]) -> list[tuple[Phase, list[int]]]:
        """Each phase with the positions of its weeks; what lies beyond the plan is left out."""
        months = list(dict.fromkeys(month_of(week) for week in weeks))
        found, begin = [], 0
        for phase in self.phases:
            end = begin + (phase.weeks or 0)
            if phase.months is not None and begin < len(weeks):
                first = months.index(month_of(weeks[begin]))
                inside = set(months[first : first + phase.months])
                end = max(t for t, week in enumerate(weeks) if month_of(week) in inside) + 1
            found.append((phase, list(range(begin, min(end, len(weeks))))))
            begin = end
        return [(phase, span) for phase, span in found if span]

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One row per phase."""
        inside = self.inside(decision.lines)
        for phase, span in self.spans(decision.weeks):
            name, cells = f"{self.name}: {phase.name}", [(line, week) for line in inside for week in span]
            if phase.share is not None:
                low, high = (1 - self.tolerance) * phase.share, min(1.0, (1 + self.tolerance) * phase.share)
                yield from decision.cell_shares(name, self, cells, low, high, whole=inside, part_name=phase.name)
            elif phase.budget is not None:
                body = decision.paid(cells)
                low, high = (1 - self.tolerance) * phase.budget, (1 + self.tolerance) * phase.budget
                yield decision.row(name, self, body, lower=low, upper=high, part=phase.name)
