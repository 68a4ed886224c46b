"""Limits on what money brings: a least blended ROI, a most cost per visit or per acquisition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from optimizer.constraints.base import Among, GmvForm
from optimizer.lines import Line

if TYPE_CHECKING:
    from optimizer.decision import Decision, Row


class BlendedRoi(Among):
    """Least expected ROI of the whole plan, of a group, a category, or some lines together.

    ROI is the expected GMV that the planned spend adds, its carry-over after the plan included, over that spend.
    Without ``category``, ``group`` or ``lines`` it is the whole plan's, reserve lines' money counted.

    Examples
    --------
    .. code-block:: yaml

        - {kind: roi, name: output ratio 2.6, min: 2.6}
        - {kind: roi, name: live pays 1:4, group: live, min: 4.0}
    """

    kind: Literal["roi"] = "roi"
    min: Annotated[float, Field(gt=0)]
    """ROI 1:N."""

    @property
    def of_response(self) -> bool:
        """Always."""
        return True

    def gmv_forms(self, lines: Sequence[Line]) -> Iterator[GmvForm]:
        """GMV less what the least ROI asks of the money."""
        inside = np.isin(np.arange(len(lines)), self.inside(lines)).astype(np.float64)
        yield GmvForm(inside, self.min * inside)

    def response_rows(self, decision: Decision) -> Iterator[Row]:
        """One row on expected GMV and spend."""
        yield decision.roi_row(self, self.inside(decision.lines), self.min)


class CostCeiling(Among):
    """Most cost of a visit or of an acquisition, of lines together.

    A line's visits per unit of spend are those of the last 52 weeks, and a channel's ``acquisitions_per_visit`` turns
    visits into acquisitions (new customers, orders: what the project counts). Lines of which neither is known are left
    out. Without ``category``, ``group`` or ``lines`` every line counts.

    Examples
    --------
    .. code-block:: yaml

        - {kind: cost_ceiling, name: visits at 1.20, of: visit, max: 1.20}
        - {kind: cost_ceiling, name: new users at 8, group: referral, of: acquisition, max: 8.0}
    """

    kind: Literal["cost_ceiling"] = "cost_ceiling"
    of: Literal["visit", "acquisition"] = "visit"
    """What is paid for."""
    max: Annotated[float, Field(gt=0)]
    """Most currency for one."""

    def rate(self, line: Line) -> float | None:
        """Visits or acquisitions per unit of spend; None where unknown."""
        return line.visits_per_cny if self.of == "visit" else line.acquisitions_per_cny

    def rows(self, decision: Decision) -> Iterator[Row]:
        """One row: spend no more than its visits may cost."""
        rates = {i: rate for i in self.inside(decision.lines) if (rate := self.rate(decision.lines[i])) is not None}
        if rates:
            yield decision.cost_row(self, rates, self.max)
