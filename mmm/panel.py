"""The weekly data as one checked, immutable value, and the readers that make it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Panel:
    """Weekly outcome, spend and controls of one or several units.

    Attributes
    ----------
    weeks : tuple of date
        Mondays, consecutive.
    units, channels, controls : tuple of str
        Names. A national series has the one unit "national".
    kpi : array (unit, week)
        Outcome in its own unit.
    value_per_kpi : array (unit, week)
        Currency per KPI unit; ones when the KPI is money.
    spend : array (unit, week, channel)
        Currency per week.
    control : array (unit, week, control)
        Control columns as read.
    visits, attributed : array (unit, week, channel)
        Visits per week; platform-attributed GMV per week. NaN where the project names no such column.
    """

    weeks: tuple[date, ...]
    units: tuple[str, ...]
    channels: tuple[str, ...]
    controls: tuple[str, ...]
    kpi: Floats
    value_per_kpi: Floats
    spend: Floats
    control: Floats
    visits: Floats
    attributed: Floats

    def __post_init__(self) -> None:
        for name in ("kpi", "value_per_kpi", "spend", "control", "visits", "attributed"):
            getattr(self, name).setflags(write=False)
