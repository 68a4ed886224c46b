"""Logic rules: what happens to a line when its ROI has been weak."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimizer.constraints import Rule
from optimizer.lines import Line, LineNames


class WeakRoiCut(Rule):
    """ROI below a threshold for some weeks in a row cuts the next week's spend by a share of the week before.

    Weeks of history count: a line that was weak up to the last week of data starts with its cut. Inside the plan the
    projected ROI counts: expected GMV of the week over its spend, times the line's ratio of attributed to modelled GMV
    where ``roi`` is ``attributed`` and the project holds attributed GMV.
    """

    kind: Literal["cut"] = "cut"
    roi_below: Annotated[float, Field(gt=0)]
    """ROI 1:N under which a week is weak; a line's own ``weak_roi`` comes first."""
    weeks: Annotated[int, Field(ge=1, le=8)] = 2
    """Weak weeks in a row that make the rule act."""
    cut: Annotated[float, Field(gt=0, lt=1)] = 0.20
    """Share taken off."""
    roi: Literal["attributed", "model"] = "attributed"
    """Which ROI is held against the threshold."""
    lines: LineNames = "all"
    """``all`` (without reserve lines), a line, or a list."""

    def threshold(self, line: Line) -> float:
        """The line's threshold in *modelled* ROI."""
        roi = line.weak_roi or self.roi_below
        if self.roi == "attributed" and line.attributed_ratio:
            return roi / line.attributed_ratio
        return roi


LogicRule = Annotated[WeakRoiCut, Field()]
