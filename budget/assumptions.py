"""What a plan assumes to happen: shocks to lines' response, and peaks stronger or weaker than the calendar has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from budget.validation import did_you_mean
from mmm.calendar import Calendar
from mmm.curves import ResponseCurves
from mmm.faults import fault
from mmm.problems import InputError, Problem


def shocked(curves: ResponseCurves, shocks: Mapping[str, float]) -> ResponseCurves:
    """The curves with each shocked line's response changed by a share of itself, in every draw."""
    if not shocks:
        return curves
    factors = [1.0 + shocks.get(name, shocks.get(name.partition("@")[0], 0.0)) for name in curves.names]
    return replace(curves, ceiling=curves.ceiling * np.array(factors))


def strengthened(calendar: Calendar, peaks: Mapping[str, float]) -> Calendar:
    """The calendar with the intensity of named peaks multiplied.

    Raises
    ------
    InputError
        For every name that the calendar does not hold.
    """
    known = {peak.name for peak in calendar.peaks}
    problems = [
        Problem(
            fault('there is no peak named "{name}"', name=name),
            f"calendar {calendar.name}, plan.peaks",
            cure=did_you_mean(name, known),
        )
        for name in peaks
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    changed = (replace(peak, intensity=peak.intensity * peaks.get(peak.name, 1.0)) for peak in calendar.peaks)
    return replace(calendar, peaks=tuple(changed)) if peaks else calendar
