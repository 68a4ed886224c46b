"""Limits on shares: of a category, of a group, of one line, of the parts of a mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from mmm.faults import fault
from optimizer.constraints.base import Among, GmvForm, Limit, Ranged, Share
from optimizer.lines import Line, LineNames, is_named, select

if TYPE_CHECKING:
    from optimizer.decision import Decision, Row


class CategoryShare(Limit):
    """Share of the plan's spend that goes to a category: exact, or a range.

    Examples
    --------
    .. code-block:: yaml

        - {kind: category_share, name: promotion 40%, category: channel_promotion, share: 0.40}
        - {kind: category_share, name: content, category: content_production, min: 0.30, max: 0.40}
    """

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
            raise ValueError(fault("min {min:g} is above max {max:g}", min=self.min, max=self.max))
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Rows on the sum of the category's lines."""
        inside = [i for i, line in enumerate(decision.lines) if line.category == self.category]
        low, high = (self.share, self.share) if self.share is not None else (self.min, self.max)
        yield from decision.share_rows(self, inside, low, high)


class GroupShare(Ranged):
    """Share of the plan's spend, expected visits or expected GMV that a group of lines may or must have.

    Examples
    --------
    .. code-block:: yaml

        - {kind: group_share, name: social cap, group: social, of: spend, max: 0.45}
        - {kind: group_share, name: emerging visits, group: emerging, of: visits, min: 0.05}
        - {kind: group_share, name: social dependence, group: social, of: gmv, max: 0.50}
    """

    kind: Literal["group_share"] = "group_share"
    group: str
    """The group."""
    of: Literal["spend", "visits", "gmv"] = "spend"
    """What is shared: money; visits, at each line's visits per unit of spend over the last 52 weeks; or the expected
    GMV that the planned spend adds."""
    min: Share | None = None
    """Least share."""
    max: Share | None = None
    """Most share."""

    @property
    def of_response(self) -> bool:
        """When it shares GMV."""
        return self.of == "gmv"

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Rows on the sum of the group's lines."""
        if self.of == "gmv":
            return
        inside = [i for i, line in enumerate(decision.lines) if self.group in line.groups]
        weights = None
        if self.of == "visits":
            weights = [line.visits_per_cny or 0.0 for line in decision.lines]
        yield from decision.share_rows(self, inside, self.min, self.max, weights)

    def gmv_forms(self, lines: Sequence[Line]) -> Iterator[GmvForm]:
        """The group's GMV against its share of all, and the other way round; nothing unless of GMV."""
        inside = np.array([self.group in line.groups for line in lines], dtype=np.float64)
        for sign, share in ((1.0, self.min), (-1.0, self.max)):
            if self.of == "gmv" and share is not None:
                yield GmvForm(sign * (inside - share), np.zeros(len(lines)))

    def response_rows(self, decision: Decision) -> Iterator[Row]:
        """Rows on the expected GMV of the group's lines."""
        if self.of == "gmv":
            inside = [i for i, line in enumerate(decision.lines) if self.group in line.groups]
            yield from decision.gmv_share_rows(self, inside, self.min, self.max)


class Concentration(Limit):
    """No line above a share of the plan's spend.

    Examples
    --------
    .. code-block:: yaml

        - {kind: concentration, name: no line above a third, max: 0.33}
    """

    kind: Literal["concentration"] = "concentration"
    max: Share
    """Most share of one line."""
    lines: LineNames = "all"
    """``all`` (without reserve lines), a line, or a list."""

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One row per line."""
        for line in select(decision.lines, self.lines, reserves=False):
            yield from decision.share_rows(self, [line], None, self.max, line=line)


class Mix(Among):
    """Shares of lines inside a category, a group, or among themselves: the content mix of a programme.

    Examples
    --------
    .. code-block:: yaml

        - kind: mix
          name: content mix
          shares: {product_videos: 0.40, lifestyle_videos: 0.35, benefit_videos: 0.25}
          tolerance: 0.02
    """

    kind: Literal["mix"] = "mix"
    shares: Annotated[dict[str, Share], Field(min_length=1)]
    """Line to its share of the spend of the category, of the group, of ``lines``, or, without these, of the lines
    named here together."""
    tolerance: Share = 0.0
    """How far a line may be off its share, in shares of the whole: 0.02 is two percentage points."""

    @model_validator(mode="after")
    def _at_most_all(self) -> Mix:
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError("the shares sum to more than 1")
        return self

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Rows per line of the mix."""
        named = [i for i, line in enumerate(decision.lines) if is_named(line.name, tuple(self.shares))]
        free = (self.category, self.group, self.lines) == (None, None, None)
        whole = named if free else self.inside(decision.lines)
        weeks = range(len(decision.weeks))
        for line, share in self.shares.items():
            part = [(i, t) for i in named if is_named(decision.lines[i].name, line) for t in weeks]
            low, high = max(0.0, share - self.tolerance), min(1.0, share + self.tolerance)
            name = f"{self.name}: {line}"
            yield from decision.cell_shares(name, self, part, low, high, whole=whole, part_name=line)
