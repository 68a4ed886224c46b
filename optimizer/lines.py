"""Budget lines: what money can be put on, and what is known of each line's past."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LineNames = str | tuple[str, ...]  # "all", a line, or several


@dataclass(frozen=True, slots=True)
class Line:
    """One budget line.

    Attributes
    ----------
    name : str
        Key in the project file.
    category : str or None
    groups : tuple of str
    reserve : bool
        Money without a response (tools, elastic cost); spread evenly over the weeks.
    label : dict
        Language to name.
    weak_roi : float or None
        The line's own threshold for the weak-ROI rule.
    reference : array (week,)
        Spend in the same weeks of last year, currency per week; the mean of the last 13 weeks where history does not
        reach. Zeros for a line that has no history.
    has_reference : bool
        True when every week of ``reference`` is last year's own.
    recent : array (recent_week,)
        The last 13 weeks of history, oldest first; empty for a line without history.
    average : float
        Mean weekly spend over all data, currency.
    visits_per_cny : float or None
        Visits per unit of spend over the last 52 weeks.
    acquisitions_per_cny : float or None
        Acquisitions (new customers, orders) per unit of spend: visits times the channel's rate.
    attributed_ratio : float or None
        Platform-attributed GMV over modelled GMV of the last 52 weeks.
    weak_weeks : int
        Weeks in a row, up to the last week of data, with attributed ROI below the line's threshold.
    prior_only : bool
        Too little history to learn from.
    """

    name: str
    category: str | None
    groups: tuple[str, ...]
    reserve: bool
    reference: Floats
    recent: Floats
    average: float
    label: dict[str, str] = field(default_factory=dict)
    weak_roi: float | None = None
    has_reference: bool = True
    visits_per_cny: float | None = None
    attributed_ratio: float | None = None
    acquisitions_per_cny: float | None = None
    weak_weeks: int = 0
    prior_only: bool = False


def select(lines: Iterable[Line], names: LineNames, *, reserves: bool) -> tuple[int, ...]:
    """Positions of the lines a rule names; ``all`` leaves reserve lines out unless ``reserves``.

    With several units a line is called ``channel@unit``; naming the channel names it in every unit.
    """
    table = tuple(lines)
    if names == "all":
        return tuple(i for i, line in enumerate(table) if reserves or not line.reserve)
    return tuple(i for i, line in enumerate(table) if is_named(line.name, names))


def is_named(line: str, names: LineNames) -> bool:
    """Whether a rule names a line: by its whole name, or by its channel's."""
    wanted = (names,) if isinstance(names, str) else names
    return names == "all" or line in wanted or line.partition("@")[0] in wanted
