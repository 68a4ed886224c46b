"""How the dates of weekly rows were read, said so that somebody who knows the data can object."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mmm.calendar import WEEKDAYS, first_day
from mmm.messages import Message
from mmm.sentences import DATES

if TYPE_CHECKING:
    from mmm.panel import Panel
    from mmm.settings import DataSettings


def dates_read(panel: Panel, data: DataSettings) -> Message | None:
    """What a row's date is of its week; None where rows are dated on the Monday of Monday weeks, or on any day.

    Where the project does not say on which day weeks begin, the sentence says how to.
    """
    weekday, starts = panel.dated, data.week_starts
    if weekday is None or (weekday == 0 and starts == "monday"):
        return None
    begin = WEEKDAYS.index(starts)
    monday = panel.weeks[0]
    start = monday + timedelta(days=first_day(starts))
    ends = {"first": _day(begin), "last": _day((begin - 1) % 7), "end": f"{start + timedelta(days=6)}"}
    weeks = DATES.tell("dates.weeks", monday=f"{monday}", start=f"{start}", **ends)
    place = "first" if weekday == begin else "last" if (weekday + 1) % 7 == begin else "inside"
    told = DATES.tell(f"dates.{place}", day=_day(weekday), weeks=weeks)
    if "week_starts" in data.model_fields_set:
        return told
    return DATES.tell("dates.unsaid", dates=told, day=_day(weekday), starts=WEEKDAYS[weekday])


def _day(number: int) -> Message:
    return DATES.tell(f"weekday.{number}")
