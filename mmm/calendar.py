"""The trade calendar: weeks, quarters, shopping peaks and what share of a week they fill."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from ruamel.yaml.error import YAMLError

from mmm.bounded import MAX_BYTES, bounded_yaml
from mmm.broken import broken_yaml
from mmm.faults import fault
from mmm.problems import InputError, Problem

if TYPE_CHECKING:
    from mmm.settings import EventSettings

Floats = npt.NDArray[np.float64]

NO_PEAKS = "none"
SHIPPED = ("china-ecommerce",)
STATUSES = ("confirmed", "estimate")

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_PEAK_KEYS = ("name", "start", "end", "intensity", "status")
_QUARTER = re.compile(r"([12]\d{3})Q([1-4])")


@dataclass(frozen=True, slots=True)
class Peak:
    """One dated shopping peak. Several entries may share a name: another year, or another strength.

    Attributes
    ----------
    name : str
        Name that rules and model columns refer to, such as "double11".
    start, end : date
        First and last day, both inside.
    intensity : float
        Strength from 0 (a name only) to 1 (the year's absolute peak).
    status : str
        "confirmed" or "estimate".
    """

    name: str
    start: date
    end: date
    intensity: float
    status: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """A named set of peaks, and which seven days the weeks hold that they fall into.

    Attributes
    ----------
    name : str
    peaks : tuple of Peak
    first_day : int
        Days from the Monday that names a week to the week's first day, -3 to 3: -1 where weeks begin on Sunday.
    """

    name: str
    peaks: tuple[Peak, ...]
    first_day: int = 0

    def by_strength(self) -> Calendar:
        """The same peaks, those of one name and several strengths told apart: "618 (0.6)" and "618 (1)"."""
        strengths: dict[str, set[float]] = {}
        for peak in self.peaks:
            strengths.setdefault(peak.name, set()).add(peak.intensity)
        told = tuple(
            replace(peak, name=f"{peak.name} ({peak.intensity:g})") if len(strengths[peak.name]) > 1 else peak
            for peak in self.peaks
        )
        return replace(self, peaks=told)


def monday(day: date) -> date:
    """Monday of the ISO week that holds ``day``."""
    plain = day.date() if isinstance(day, datetime) else day
    return plain - timedelta(days=plain.weekday())


def first_day(starts: str) -> int:
    """Days, -3 to 3, from the Monday that names a week to its first day: -1 for weeks that begin on a "sunday".

    A week that does not begin on Monday goes by the Monday week that holds most of its days.
    """
    place = WEEKDAYS.index(starts)
    return place if place <= 3 else place - 7


def week_of(day: date, starts: str = "monday") -> date:
    """Monday that names the week holding ``day``, where weeks begin on ``starts``."""
    plain = day.date() if isinstance(day, datetime) else day
    return monday(plain - timedelta(days=first_day(starts)))


def week_range(start: date, n: int) -> tuple[date, ...]:
    """``n`` Mondays in a row, the first being that of the week holding ``start``."""
    first = monday(start)
    return tuple(first + timedelta(weeks=week) for week in range(n))


def parse_quarter(text: str) -> tuple[int, int]:
    """Year and quarter of a name such as "2027Q4".

    Raises
    ------
    InputError
        If the text names no quarter.
    """
    match = _QUARTER.fullmatch(text.strip().upper())
    if match is None:
        raise InputError([Problem("this names no quarter", "quarter", text, "Write it as 2027Q4.")])
    return int(match[1]), int(match[2])


def quarter_weeks(text: str) -> tuple[date, ...]:
    """Mondays of the weeks whose Thursday falls in the quarter: 2027Q4 is 2027-10-04 to 2027-12-27."""
    year, quarter = parse_quarter(text)
    first_day = date(year, 3 * quarter - 2, 1)
    next_quarter = date(year + quarter // 4, 3 * (quarter % 4) + 1, 1)
    # The first Thursday on or after a day lies in the week that holds the day three days later.
    first, beyond = (monday(day + timedelta(days=3)) for day in (first_day, next_quarter))
    return week_range(first, (beyond - first).days // 7)


def quarter_of(weeks: Sequence[date]) -> str:
    """Name a run of weeks: "2027Q4" if it is exactly that quarter, otherwise "2027-10-11 + 13 weeks"."""
    thursday = weeks[0] + timedelta(days=3)
    name = f"{thursday.year}Q{(thursday.month + 2) // 3}"
    if tuple(weeks) == quarter_weeks(name):
        return name
    return f"{weeks[0]} + {len(weeks)} week{'s' if len(weeks) > 1 else ''}"


def intensity(calendar: Calendar, weeks: Sequence[date]) -> Floats:
    """How much of a peak each week is.

    Parameters
    ----------
    calendar : Calendar
    weeks : sequence of date
        Mondays.

    Returns
    -------
    array (week,)
        Share of the week's days inside a peak times its intensity, summed over peaks, at most 1; no unit.
    """
    total = np.zeros(len(weeks))
    for peak in calendar.peaks:
        total += peak.intensity * _share_inside([(peak.start, peak.end)], weeks, calendar.first_day)
    return np.minimum(total, 1.0)


def baseline_columns(
    calendar: Calendar, events: Sequence[EventSettings], weeks: Sequence[date]
) -> tuple[tuple[str, ...], Floats]:
    """Columns by which peaks and events may shift the baseline.

    Parameters
    ----------
    calendar : Calendar
        All entries of one name share a column, whatever their year and intensity.
    events : sequence of EventSettings
        An event without an end lasts through the last week.
    weeks : sequence of date
        Mondays.

    Returns
    -------
    names : tuple of str
        One per column; peaks and events that touch no week are left out.
    columns : array (week, column)
        Share of the week's days inside, 0 to 1.
    """
    spans: dict[str, list[tuple[date, date]]] = {}
    for peak in calendar.peaks:
        spans.setdefault(peak.name, []).append((peak.start, peak.end))
    for event in events:
        spans.setdefault(event.name, []).append((event.start, event.end or date.max))
    shares = {name: _share_inside(windows, weeks, calendar.first_day) for name, windows in spans.items()}
    kept = {name: share for name, share in shares.items() if share.any()}
    return tuple(kept), np.column_stack([np.empty((len(weeks), 0)), *kept.values()])


def window_weeks(calendar: Calendar, name: str, weeks: Sequence[date]) -> tuple[int, ...]:
    """Positions of the weeks that touch the named peak by at least a day.

    Raises
    ------
    InputError
        If the calendar has no peak of that name.
    """
    windows = [(peak.start, peak.end) for peak in calendar.peaks if peak.name == name]
    if not windows:
        known = tuple(dict.fromkeys(peak.name for peak in calendar.peaks))
        where = f"calendar {calendar.name}"
        raise InputError(
            [Problem(fault('there is no peak named "{name}"', name=name), where, cure=_suggest(name, known))]
        )
    return tuple(int(week) for week in np.flatnonzero(_share_inside(windows, weeks, calendar.first_day)))


def read_calendar(name_or_path: str, folder: Path, week_starts: str = "monday") -> Calendar:
    """Read a calendar: "none", one that ships with the package ("china-ecommerce"), or a YAML file.

    Parameters
    ----------
    name_or_path : str
        Name, or a path relative to ``folder``.
    folder : Path
        Folder of the project file.
    week_starts : str
        Weekday on which the project's weeks begin.

    Raises
    ------
    InputError
        With every problem of the file, each naming file and key.
    """
    if name_or_path == NO_PEAKS:
        return Calendar(NO_PEAKS, (), first_day(week_starts))
    content = _load(_text(name_or_path, folder), name_or_path)
    known = ("name", "peaks")
    problems = [_unknown_key(f"{name_or_path}, {key}", str(key), known) for key in content if key not in known]
    entries = content.get("peaks")
    if not isinstance(entries, list):
        entries = []
        problems.append(Problem("a list of peaks is needed", f"{name_or_path}, peaks", cure="Add the key peaks."))
    peaks = [_peak(entry, f"{name_or_path}, peaks[{i}]", problems) for i, entry in enumerate(entries)]
    if problems:
        raise InputError(problems)
    named = str(content.get("name", name_or_path))
    return Calendar(named, tuple(peak for peak in peaks if peak), first_day(week_starts))


def _share_inside(windows: Iterable[tuple[date, date]], weeks: Sequence[date], first: int) -> Floats:
    """Share of each week's seven days, ``first`` days from its Monday on, that lie in any of the windows."""
    days = np.array([week.toordinal() for week in weeks], dtype=np.int64)[:, None] + np.arange(first, first + 7)
    inside = np.zeros(days.shape, dtype=bool)
    for start, end in windows:
        inside |= (days >= start.toordinal()) & (days <= end.toordinal())
    share: Floats = inside.mean(axis=1)
    return share


def _text(name_or_path: str, folder: Path) -> str:
    if name_or_path in SHIPPED:
        return (files("configs") / "calendars" / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    try:
        with (folder / name_or_path).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            cure = "A calendar holds dated peaks only."
            raise InputError(
                [Problem(fault("the file is larger than {size} KB", size=MAX_BYTES // 1024), name_or_path, cure=cure)]
            )
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        decoded = not isinstance(error, UnicodeDecodeError)
        what = "the calendar cannot be read" if decoded else "the calendar is not UTF-8 text"
        cure = fault("Use {names} or the path of a YAML file.", names=[NO_PEAKS, *SHIPPED])
        raise InputError([Problem(what, name_or_path, cure=cure)]) from error


@lru_cache(maxsize=8)
def _load(text: str, name: str) -> Mapping[Any, Any]:
    """The file's content; a hundred scenarios of one project read the same text."""
    try:
        content = bounded_yaml().load(text)
    except YAMLError as error:
        raise InputError([broken_yaml(error, name, text)]) from error
    except ValueError as error:  # a date such as 2027-02-30
        cure = "Put text in quotes; check dates."
        raise InputError([Problem("the value cannot be read", name, cure=cure)]) from error
    if not isinstance(content, Mapping):
        raise InputError([Problem("the file holds no calendar", name, cure="Write the keys name and peaks.")])
    return content


def _peak(entry: object, where: str, problems: list[Problem]) -> Peak | None:
    """One peak, or None with its problems added."""
    if not isinstance(entry, Mapping):
        problems.append(
            Problem("a peak is a mapping", where, str(entry), fault("Write the keys {names}.", names=_PEAK_KEYS))
        )
        return None
    found = _peak_problems(entry, where)
    problems.extend(found)
    if found:
        return None
    start, end = (_day(entry[key]) for key in ("start", "end"))
    status = entry.get("status", "estimate")
    # Names such as 618 are numbers to YAML unless quoted.
    return Peak(str(entry["name"]), start, end, float(entry["intensity"]), status) if start and end else None


def _peak_problems(entry: Mapping[Any, Any], where: str) -> list[Problem]:
    found = [_unknown_key(f"{where}.{key}", str(key), _PEAK_KEYS) for key in entry if key not in _PEAK_KEYS]
    if entry.get("name") in (None, ""):
        found.append(Problem("a peak needs a name", f"{where}.name", cure="Give it one, such as double11."))
    start, end = (_day(entry.get(key)) for key in ("start", "end"))
    for key, day in (("start", start), ("end", end)):
        if day is None:
            found.append(Problem("a date is needed", f"{where}.{key}", _shown(entry, key), "Write it as 2027-11-11."))
    if start and end and end < start:
        found.append(
            Problem(
                "the peak ends before it starts",
                f"{where}.end",
                str(end),
                fault("Set it to {day} or later.", day=f"{start}"),
            )
        )
    strength = entry.get("intensity")
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0 <= strength <= 1:
        cure = "Write a number from 0 (a name only) to 1 (the year's absolute peak)."
        found.append(
            Problem("the intensity is not between 0 and 1", f"{where}.intensity", _shown(entry, "intensity"), cure)
        )
    if entry.get("status", "estimate") not in STATUSES:
        cure = fault("Write {names:or}.", names=STATUSES)
        found.append(Problem("the status is unknown", f"{where}.status", _shown(entry, "status"), cure))
    return found


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def _shown(entry: Mapping[Any, Any], key: str) -> str:
    return str(entry[key]) if key in entry else ""


def _unknown_key(where: str, key: str, known: Sequence[str]) -> Problem:
    return Problem("the key is unknown", where, cure=_suggest(key, known))


def _suggest(name: str, known: Sequence[str]) -> str:
    if close := get_close_matches(name, known, n=1):
        return fault('Did you mean "{name}"?', name=close[0])
    return fault("Known are: {names}.", names=list(known) or [fault("none")])
