"""Limits that need a yes or no: trials, how many lines are used, one side or the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, model_validator

from mmm.faults import fault
from optimizer.constraints.base import Among, Amount, Limit
from optimizer.lines import LineNames, select

if TYPE_CHECKING:
    from optimizer.decision import Decision, Row


class Pilot(Limit):
    """A line on trial: nothing at all, or a total between a minimum and a maximum.

    Examples
    --------
    .. code-block:: yaml

        - {kind: pilot, name: bilibili pilot, line: bilibili, min: 50000, max: 200000}
    """

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
            raise ValueError(fault("min {min:g} is above max {max:g}", min=self.min, max=self.max))
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Two rows with a switch; when soft, a third keeps a line that is used from passing for unused."""
        for index in select(decision.lines, self.line, reserves=True):
            used = decision.switch(_is_used([index]))
            total = sum(decision.spend[index, week] for week in range(len(decision.weeks)))
            least, most = decision.money(self.min), decision.money(self.max)
            name = f"{self.name}: {decision.lines[index].name}"
            floor = decision.row(f"{name} at least", self, total - least * used, lower=0.0, line=index)
            ceiling = decision.row(f"{name} at most", self, total - most * used, upper=0.0, line=index)
            yield replace(floor, limit_lower=self.min)
            yield replace(ceiling, limit_upper=self.max)
            if self.soft is not None:
                body = total - decision.money(decision.total) * used
                yield decision.link(f"{name} used", self, body, upper=0.0, line=index)


class Cardinality(Among):
    """How many lines of a set are used, over the horizon or in each week.

    Examples
    --------
    .. code-block:: yaml

        - {kind: cardinality, name: at most two newcomers, group: emerging, max: 2, active_from: 20000}
        - {kind: cardinality, name: three or more live rooms, lines: [douyin, kuaishou, taobao, jd], min: 3, active_from: 50000}
    """  # noqa: E501 - one rule of YAML a line

    kind: Literal["cardinality"] = "cardinality"
    min: NonNegativeInt | None = None
    """Least number of lines that are used."""
    max: NonNegativeInt | None = None
    """Most lines that are used."""
    active_from: Annotated[float, Field(gt=0)] = 1.0
    """Least spend of a line that is used, currency; a line gets nothing or at least this."""
    per: Literal["horizon", "week"] = "horizon"
    """Whether lines are counted over the horizon or in each week."""

    @model_validator(mode="after")
    def _ordered(self) -> Cardinality:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(fault("min {min:g} is above max {max:g}", min=self.min, max=self.max))
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """A switch per line (and week), and one row that counts them."""
        weeks = range(len(decision.weeks))
        spans = [("", list(weeks))] if self.per == "horizon" else [(f" {decision.weeks[t]}", [t]) for t in weeks]
        least, most = decision.money(self.active_from), decision.money(decision.total)
        for suffix, span in spans:
            used = []
            for index in self.inside(decision.lines):
                on = decision.switch(_is_used([index], span))
                total = decision.paid((index, week) for week in span)
                name = f"{self.name}: {decision.lines[index].name}{suffix}"
                yield decision.link(f"{name} used", self, total - least * on, lower=0.0, line=index)
                yield decision.link(f"{name} not used", self, total - most * on, upper=0.0, line=index)
                used.append(on)
            body = sum(used)
            yield decision.count(f"{self.name}: lines{suffix}", self, body, lower=self.min, upper=self.max)


class EitherOr(Limit):
    """Money for the lines of one side only.

    Examples
    --------
    .. code-block:: yaml

        - {kind: either_or, name: one live platform, either: [douyin_live], or: [kuaishou_live, taobao_live]}
    """

    kind: Literal["either_or"] = "either_or"
    either: LineNames
    """A line, or a list: one side."""
    or_: Annotated[LineNames, Field(alias="or")]
    """A line, or a list: the other side."""
    allow: Amount = 0.0
    """Money that the smaller side may have all the same, currency."""

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One switch, two rows."""
        sides = [select(decision.lines, side, reserves=True) for side in (self.either, self.or_)]
        sums = [self._sum(decision, side) for side in sides]
        first, most = decision.switch(_is_larger(*sides)), decision.money(decision.total)
        left = decision.row(f"{self.name}: either", self, sums[0] - most * first, upper=self.allow)
        right = decision.row(f"{self.name}: or", self, sums[1] - most * (1 - first), upper=self.allow)
        yield from (left, right)

    @staticmethod
    def _sum(decision: Decision, side: Sequence[int]) -> Any:
        return decision.paid((i, t) for i in side for t in range(len(decision.weeks)))


def _is_used(lines: Sequence[int], weeks: Sequence[int] | None = None) -> Any:
    """Whether lines have spend (in some weeks), told from a plan (line, week)."""
    return lambda spend: bool((spend[list(lines)] if weeks is None else spend[list(lines)][:, list(weeks)]).sum() > 0)


def _is_larger(left: Sequence[int], right: Sequence[int]) -> Any:
    return lambda spend: bool(spend[list(left)].sum() >= spend[list(right)].sum())
