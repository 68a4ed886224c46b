"""The weekly data as one checked, immutable value, and the readers that make it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmm.calendar import week_of, week_range
from mmm.cells import as_word
from mmm.faults import fault
from mmm.files import read_table
from mmm.problems import InputError, Problem
from mmm.rollup import Series, weekly
from mmm.tables import (
    ABOVE_ZERO,
    AMOUNT,
    CONTROL,
    NO_NAME,
    OPTIONAL,
    SHOWN,
    Table,
    listed,
    suggest,
)

if TYPE_CHECKING:
    from mmm.settings import ChannelSettings, DataSettings

Floats = npt.NDArray[np.float64]
Key = tuple[str, date]  # unit and Monday; unit and day before daily rows are added up

NATIONAL = "national"

_LEAST_WEEKS = 52


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
    left_out : tuple of (date, date)
        First and last day of each incomplete week that daily data had at their ends, in order.
    dated : int or None
        Weekday, 0 for Monday, on which all rows of weekly data are dated; None where they differ, and of daily data.
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
    left_out: tuple[tuple[date, date], ...] = ()
    dated: int | None = None

    def __post_init__(self) -> None:
        for name in ("kpi", "value_per_kpi", "spend", "control", "visits", "attributed"):
            getattr(self, name).setflags(write=False)


def read_panel(data: DataSettings, channels: Mapping[str, ChannelSettings], folder: Path) -> Panel:
    """Read the project's weekly data and refuse what cannot be planned on.

    Parameters
    ----------
    data : DataSettings
        Files and what their columns mean.
    channels : mapping of name to ChannelSettings
        Channels, in the order the panel keeps.
    folder : Path
        Folder of the project file; file names are relative to it.

    Returns
    -------
    Panel
        Units in order of appearance, weeks in order of time.

    Raises
    ------
    InputError
        With every problem found, each naming file, spreadsheet row (the header is row 1), column, value and cure.
        Files that cannot be opened come first, before what is in the others.
    """
    outcome_table, spend_table = _read_files(data, folder)
    days = outcome_table.days(data.week, "data.week")
    outcome_keys = _keys(outcome_table, data, days)
    spend_keys = outcome_keys
    if spend_table is not outcome_table:
        spend_keys = _keys(spend_table, data, spend_table.days(data.week, "data.week"))
    outcome = _outcome(outcome_table, data, outcome_keys)
    media = {name: _media(spend_table, data, name, channel, spend_keys) for name, channel in channels.items()}
    _check_rollup(outcome_table, spend_table, data)
    if None not in outcome_keys and outcome.index:
        _check_weeks(outcome_table, data, outcome.index)
        if None not in spend_keys:
            _check_cover(spend_table, data, outcome.index, media)
    problems = [*_shared_columns(channels), *outcome_table.problems, *spend_table.problems]
    if problems:
        # Checks that run once per channel find a fault of a shared column again.
        raise InputError(dict.fromkeys(problems))
    weekdays = {day.weekday() for day in days if day}
    dated = weekdays.pop() if len(weekdays) == 1 and data.frequency == "weekly" else None
    return _assemble(data, outcome, media, dated)


def _assemble(data: DataSettings, outcome: Series, media: Mapping[str, Series], dated: int | None) -> Panel:
    units = tuple(dict.fromkeys(unit for unit, _ in outcome.index))
    weeks = tuple(sorted({week for _, week in outcome.index}))

    def grid(series: Series, name: str) -> Floats:
        return series.values[name][[[series.index[unit, week] for week in weeks] for unit in units]]

    def stack(arrays: Sequence[Floats]) -> Floats:
        return np.stack(arrays, axis=-1) if arrays else np.empty((len(units), len(weeks), 0))

    return Panel(
        weeks=weeks,
        units=units,
        channels=tuple(media),
        controls=data.controls,
        kpi=grid(outcome, "kpi"),
        value_per_kpi=grid(outcome, "value_per_kpi"),
        spend=stack([grid(series, "spend") for series in media.values()]),
        control=stack([grid(outcome, f"control {name}") for name in data.controls]),
        visits=stack([grid(series, "visits") for series in media.values()]),
        attributed=stack([grid(series, "attributed") for series in media.values()]),
        left_out=outcome.left_out,
        dated=dated,
    )


# What the columns hold ------------------------------------------------------------------------------------------------


def _keys(table: Table, data: DataSettings, days: Sequence[date | None]) -> list[Key | None]:
    """Read unit and Monday (the day of daily data) of every row; None where either cannot be read."""
    weeks = days if data.frequency == "daily" else [day and week_of(day, data.week_starts) for day in days]
    units: Sequence[str | None] = [NATIONAL] * len(table.rows)
    if data.unit is not None:
        units = table.parsed(data.unit, "data.unit", as_word, NO_NAME)
    return [(unit, week) if unit and week else None for unit, week in zip(units, weeks, strict=True)]


def _outcome(table: Table, data: DataSettings, keys: Sequence[Key | None]) -> Series:
    rows = range(len(table.rows))
    names = {"kpi": data.kpi} | {f"control {name}": name for name in data.controls}
    values = {"kpi": table.numbers(data.kpi, "data.kpi", rows, AMOUNT)}
    values |= {f"control {name}": table.numbers(name, "data.controls", rows, CONTROL) for name in data.controls}
    if isinstance(data.value_per_kpi, str):
        names["value_per_kpi"] = data.value_per_kpi
        values["value_per_kpi"] = table.numbers(data.value_per_kpi, "data.value_per_kpi", rows, ABOVE_ZERO)
    else:
        values["value_per_kpi"] = np.full(len(rows), data.value_per_kpi or 1.0)
    series = Series(_index(keys, rows), values)
    if isinstance(data.file, str) and data.channel is not None:
        for name, column in names.items():
            _check_repeats(table, column, keys, series.index, values[name])
    else:
        _check_duplicates(table, data, keys, rows)
    _check_kpi(table, data, _by_unit(keys, rows, values["kpi"]))
    usual = {"kpi": "sum", "value_per_kpi": "kpi"}
    return _weekly(
        table, data, series, {name: data.rollup.get(names.get(name, ""), usual.get(name, "mean")) for name in values}
    )


def _media(table: Table, data: DataSettings, name: str, channel: ChannelSettings, keys: Sequence[Key | None]) -> Series:
    """Read one channel's spend, visits and attributed GMV."""
    rows: Sequence[int] = range(len(table.rows))
    column, key = channel.spend or name, f"channels.{name}.spend"
    if data.channel is not None:
        rows = _channel_rows(table, data.channel, name, column)
        column, key = data.spend, "data.spend"
    values = {"spend": table.numbers(column, key, rows, AMOUNT)}
    how = {"spend": data.rollup.get(column, "sum")}
    for extra, source in (("visits", channel.visits), ("attributed", channel.attributed)):
        values[extra] = np.full(len(table.rows), np.nan)
        how[extra] = data.rollup.get(source or "", "sum")
        if source is not None:
            values[extra] = table.numbers(source, f"channels.{name}.{extra}", rows, OPTIONAL)
    if channel.exposure is not None:
        table.cells(channel.exposure, f"channels.{name}.exposure")
    _check_duplicates(table, data, keys, rows)
    if channel.roi_prior is None:
        _check_variation(table, column, name, _by_unit(keys, rows, values["spend"]))
    return _weekly(table, data, Series(_index(keys, rows), values), how)


def _weekly(table: Table, data: DataSettings, series: Series, how: Mapping[str, str]) -> Series:
    """Weekly series of daily data; weekly data as they are."""
    if data.frequency == "weekly":
        return series
    added, lacking = weekly(series, how, data.week_starts)
    if lacking:
        days = [f"{day}" if unit == NATIONAL else f"{day} {unit}" for unit, day in lacking]
        where, cure = f"{table.name}, column {data.week}", "Add a row for each; write 0 where there was nothing."
        what = fault("{count} days are missing" if len(days) > 1 else "{count} day is missing", count=len(days))
        table.report(Problem(what, where, listed(days), cure))
    return added


def _channel_rows(table: Table, column: str, name: str, alias: str) -> list[int]:
    """Find the rows of long data that hold one channel."""
    found = table.parsed(column, "data.channel", as_word, NO_NAME)
    rows = [row for row, cell in enumerate(found) if cell in {name, alias}]
    known = [cell for cell in dict.fromkeys(found) if cell]
    if known and not rows:
        near = suggest(alias, known)
        cure = fault("{near} A channel without history needs rows with spend 0 and a roi_prior.", near=near)
        what = fault('no row holds the channel "{name}"', name=alias)
        table.report(Problem(what, f"{table.name}, column {column}", cure=cure))
    return rows


def _index(keys: Sequence[Key | None], rows: Iterable[int]) -> dict[Key, int]:
    """First row of each unit and week."""
    index: dict[Key, int] = {}
    for row in rows:
        key = keys[row]
        if key is not None:
            index.setdefault(key, row)
    return index


def _by_unit(keys: Sequence[Key | None], rows: Iterable[int], values: Floats) -> dict[str, Floats]:
    """Values of each unit, without the units of which a cell could not be read: those are reported already."""
    found: dict[str, list[int]] = {}
    for row in rows:
        key = keys[row]
        if key is not None:
            found.setdefault(key[0], []).append(row)
    return {unit: values[own] for unit, own in found.items() if np.isfinite(values[own]).all()}


# Checks across rows ---------------------------------------------------------------------------------------------------


def _shared_columns(channels: Mapping[str, ChannelSettings]) -> list[Problem]:
    """Two channels on one column would count the same money twice."""
    owner: dict[str, str] = {}
    problems = []
    for name, channel in channels.items():
        first = owner.setdefault(channel.spend or name, name)
        if first != name:
            cure = fault('Channel "{first}" has it already; give each channel its own.', first=first)
            where = f"channels.{name}.spend"
            problems.append(Problem("two channels share one spend", where, channel.spend or name, cure))
    return problems


def _check_rollup(outcome: Table, spend: Table, data: DataSettings) -> None:
    """Columns that are rolled up in a way of their own exist."""
    known = list({**outcome.columns, **spend.columns})
    for column in data.rollup:
        if column not in known:
            cure = fault("{near} It is named by {key}.", near=suggest(column, known), key="data.rollup")
            outcome.report(Problem("the column is missing", f"{outcome.name}, column {column}", cure=cure))


def _check_kpi(table: Table, data: DataSettings, kpi: Mapping[str, Floats]) -> None:
    for unit, values in kpi.items():
        if not values.any():
            where = f"{table.name}, column {data.kpi}{_of_unit(data, unit)}"
            cure = "Name the column that holds it, or leave the unit out."
            table.report(Problem("the KPI is zero in every week", where, "0", cure))


def _check_duplicates(table: Table, data: DataSettings, keys: Sequence[Key | None], rows: Iterable[int]) -> None:
    """One problem per repeated unit and week (or day); the sixth and later ones are summed up."""
    found: dict[Key, list[int]] = {}
    for row in rows:
        key = keys[row]
        if key is not None:
            found.setdefault(key, []).append(row)
    repeated = [(key, same) for key, same in found.items() if len(same) > 1]
    daily = data.frequency == "daily"
    held = "{count} rows hold the day {day}" if daily else "{count} rows fall in the week of {day}"
    cure = "Keep one row per day." if daily else "Keep one row per week; for daily rows write data.frequency: daily."
    for (unit, week), same in repeated[:SHOWN]:
        of_unit = held if unit == NATIONAL else f"{held} of {{unit}}"
        what = fault(of_unit, count=len(same), day=f"{week}", unit=unit)
        table.report(table.problem(what, data.week, same, cure))
    if len(repeated) > SHOWN:
        more = "{count} more days hold several rows" if daily else "{count} more weeks hold several rows"
        what = fault(more, count=len(repeated) - SHOWN)
        table.report(Problem(what, f"{table.name}, column {data.week}", cure=cure))


def _check_repeats(
    table: Table, column: str, keys: Sequence[Key | None], index: Mapping[Key, int], values: Floats
) -> None:
    """Long data repeat the outcome in every channel's row; the copies must agree."""
    differ = [row for row, key in enumerate(keys) if key is not None and abs(values[row] - values[index[key]]) > 0]
    if differ:
        what, cure = "the value differs from the week's first row", "Repeat one value in all rows of a unit and week."
        table.report(table.problem(what, column, differ, cure))


def _check_variation(table: Table, column: str, channel: str, spend: Mapping[str, Floats]) -> None:
    """Spend that never moves says nothing about its effect."""
    if not spend or any(np.ptp(values) > 1e-9 * values.max() for values in spend.values()):
        return
    levels = [f"{values[0]:g}" for values in spend.values()]
    silent = not any(values.any() for values in spend.values())
    kept = 'channel "{channel}" has no spend at all' if silent else 'channel "{channel}" spends the same every week'
    what = fault(kept, channel=channel)
    cure = fault(
        "It cannot be learnt from: give channels.{channel}.roi_prior to plan it from its prior, or leave it out.",
        channel=channel,
    )
    table.report(Problem(what, f"{table.name}, column {column}", listed(list(dict.fromkeys(levels))), cure))


def _check_weeks(table: Table, data: DataSettings, index: Mapping[Key, int]) -> None:
    """Each unit's weeks follow each other, all units cover the same, and there are enough."""
    weeks: dict[str, set[date]] = {}
    for unit, week in index:
        weeks.setdefault(unit, set()).add(week)
    usual, _ = Counter((min(found), max(found)) for found in weeks.values()).most_common(1)[0]
    for unit, found in weeks.items():
        where = f"{table.name}, column {data.week}{_of_unit(data, unit)}"
        start, end = min(found), max(found)
        gaps = [week for week in week_range(start, (end - start).days // 7 + 1) if week not in found]
        if gaps:
            cure = "Add a row for each, or mend the dates."
            what = fault("{count} weeks are missing" if len(gaps) > 1 else "{count} week is missing", count=len(gaps))
            table.report(Problem(what, where, listed(gaps), cure))
        if (start, end) != usual:
            what = fault(
                "the unit does not cover the same weeks as the others ({first} to {last})",
                first=f"{usual[0]}",
                last=f"{usual[1]}",
            )
            cure = "Cut all units to the weeks they share, or leave the unit out."
            table.report(Problem(what, where, f"{start} to {end}", cure))
    total = len(set().union(*weeks.values()))
    if total < _LEAST_WEEKS:
        cure = fault(
            "Give at least {least}, better {better}: seasons cannot be told from media otherwise.",
            least=_LEAST_WEEKS,
            better=2 * _LEAST_WEEKS,
        )
        table.report(Problem("there are too few weeks", f"{table.name}, column {data.week}", str(total), cure))


def _check_cover(table: Table, data: DataSettings, outcome: Mapping[Key, int], media: Mapping[str, Series]) -> None:
    """Every channel has a row wherever the outcome has one, and nowhere else."""
    for name, series in media.items():
        spend = series.index.keys()
        where = f"{table.name}, column {data.week}" + (f", channel {name}" if data.channel else "")
        for what, lacking, cure in (
            ("without a row of spend", outcome.keys() - spend, "Add the rows; write 0 for no spend."),
            ("of spend without an outcome", spend - outcome.keys(), "Cut both to the same weeks."),
        ):
            if lacking and spend:
                weeks = [f"{week}" if unit == NATIONAL else f"{week} {unit}" for unit, week in sorted(lacking)]
                told = "{count} week is " if len(weeks) == 1 else "{count} weeks are "
                table.report(Problem(fault(told + what, count=len(weeks)), where, listed(weeks), cure))


# Files ----------------------------------------------------------------------------------------------------------------


def _read_files(data: DataSettings, folder: Path) -> tuple[Table, Table]:
    """Tables of the outcome and of the spend; one and the same for a single file."""
    names = (data.file,) if isinstance(data.file, str) else (data.file.outcome, data.file.spend)
    tables: list[Table] = []
    problems: list[Problem] = []
    for name in names:
        try:
            tables.append(read_table(name, data.sheet, folder))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return tables[0], tables[-1]


def _of_unit(data: DataSettings, unit: str) -> str:
    return f", {data.unit} {unit}" if data.unit else ""
