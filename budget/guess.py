"""What the columns of somebody's table mean: guessed from their names and their cells, every doubt said."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from budget import vocabulary as words
from budget.dating import Dating, dating_of
from mmm.calendar import WEEKDAYS, first_day, quarter_of, quarter_weeks, week_of, week_range
from mmm.cells import day_reader, is_blank, read_number
from mmm.problems import InputError, Problem
from mmm.tables import Table

Floats = npt.NDArray[np.float64]

PLAN_WEEKS = 13
_YEAR = 52
_MOSTLY = 0.9
_MOST_EVENTS = 30
_MONTH = range(28, 32)
_WHOLE = 1000  # from here on a total needs no cents


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence by its key in :mod:`reports.words_init`, and what fills it."""

    key: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChannelGuess:
    """A channel and its columns; in long data ``spend`` is how the rows call it."""

    key: str
    spend: str
    exposure: str | None = None
    visits: str | None = None
    attributed: str | None = None
    group: str | None = None
    category: str | None = None
    en: str | None = None
    zh: str | None = None
    from_prior: bool = False


@dataclass(frozen=True, slots=True)
class EventGuess:
    """A dated happening."""

    name: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Guess:
    """Everything a project file says of a table.

    Attributes
    ----------
    weeks : tuple of date
        Mondays of the data, whole weeks only.
    total : float
        Spend of the planned weeks a year before (of the last weeks where the data are shorter), currency.
    units : int
        How many there are.
    dating : Dating or None
        What the dates are of their weeks; None for daily rows, and where rows are dated on several weekdays.
    left_out, doubts : tuple of Remark
        Columns that are not used and why; what somebody should look at.
    """

    week: str
    daily: bool
    kpi: str
    value_per_kpi: str | None
    unit: str | None
    channel: str | None
    spend: str | None
    channels: tuple[ChannelGuess, ...]
    controls: tuple[str, ...]
    events: tuple[EventGuess, ...]
    currency: str
    calendar: str
    weeks: tuple[date, ...]
    plan_weeks: tuple[date, ...]
    total: float
    units: int
    dating: Dating | None
    left_out: tuple[Remark, ...]
    doubts: tuple[Remark, ...]

    @property
    def quarter(self) -> str | None:
        """The quarter that the planned weeks are; None when they are not one."""
        name = quarter_of(self.plan_weeks)
        return name if len(name) == len("2027Q4") else None


def guess(table: Table, currency: str | None = None) -> Guess:
    """Guess what a table's columns mean.

    Parameters
    ----------
    table : Table
        Rows of weeks or days, wide or long, of one unit or several.
    currency : str or None
        ISO code, where somebody said it.

    Raises
    ------
    InputError
        When no column can be the week, the KPI or spend; with the columns there are.
    """
    return _Reader(table).guess(currency)


class _Reader:
    """The table while it is being understood: columns that are still free, and what was thought on the way."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows = range(len(table.rows))
        self.free = dict.fromkeys(table.columns)
        self.left_out: list[Remark] = []
        self.doubts: list[Remark] = []
        found = {name: _numbers(cells) for name, cells in table.columns.items()}
        self.numeric = {name: numbers for name, numbers in found.items() if numbers is not None}

    def guess(self, currency: str | None) -> Guess:
        """Go through the roles, the surest first."""
        week, days = self._week()
        unit, channel = self._unit(days), self._channel(days)
        keys = [(self._cell(unit, row), day) for row, day in enumerate(days)]
        daily = self._daily(keys)
        spend = self._long_spend() if channel else None
        found = self._long_channels(channel) if channel else self._wide_channels()
        kpi, value = self._kpi(found, keys, long=channel is not None)
        found = self._with_extras(found, keys, long=channel is not None)
        found = self._learnable(found, channel, spend, keys)
        code, calendar = self._currency(currency, kpi, spend, found)
        dating = None if daily else self._dating(week, days, keys, kpi, calendar)
        starts = dating.starts if dating else "monday"
        events = self._events(days, None if daily else starts) if unit is None and channel is None else ()
        controls = self._controls(days, keys)
        weeks = _whole_weeks([day for day in days if day], starts, daily=daily)
        plan_weeks = _planned(weeks)
        total = self._total(found, channel, spend, [day and week_of(day, starts) for day in days], weeks, plan_weeks)
        meaning = (week, daily, kpi, value, unit, channel, spend, _named(found), controls, events, code, calendar)
        units = len({name for name, _ in keys})
        spans = (weeks, plan_weeks, total, units, dating)
        return Guess(*meaning, *spans, tuple(self.left_out), tuple(self.doubts))

    # Which row is which

    def _week(self) -> tuple[str, list[date | None]]:
        """The column of days: the one that reads as days, by name where several do."""
        found = {}
        for name, cells in self.table.columns.items():
            read = day_reader(cells)
            days = [_read_day(read, cell) for cell in cells]
            named = words.WEEK.search(words.folded(name)) is not None
            if sum(day is not None for day in days) >= _MOSTLY * len(days) and (named or _steps_as_time(cells, days)):
                found[name] = (not named, days)
        if not found:
            raise self._nothing("no column reads as weeks or days", "Name one date and write days as 2027-10-04.")
        week = min(found, key=lambda name: found[name][0])
        others = [name for name in found if name != week]
        if others:
            self.doubts.append(Remark("several_weeks", {"column": week, "others": ", ".join(others)}))
        self._take(*found)
        return week, found[week][1]

    def _unit(self, days: Sequence[date | None]) -> str | None:
        """A column of names that repeat every week: markets, brands, shops."""
        for name in self._texts(words.UNIT):
            cells = [self._cell(name, row) for row in self.rows]
            self._take(name)
            if len(set(cells)) > 1:
                return name
            self.left_out.append(Remark("left_constant", {"column": name}))
        repeated = Counter(days)
        for name in self._texts(None):
            pairs = Counter(zip((self._cell(name, row) for row in self.rows), days, strict=True))
            if max(pairs.values()) == 1 and max(repeated.values()) > 1 and not words.CHANNEL.search(words.folded(name)):
                self._take(name)
                self.doubts.append(Remark("unit", {"column": name}))
                return name
        return None

    def _channel(self, days: Sequence[date | None]) -> str | None:
        """The column of channel names of long data."""
        if len(set(days)) == len(days):
            return None
        name = next(iter(self._texts(words.CHANNEL)), None)
        if name is not None:
            self._take(name)
        return name

    def _daily(self, keys: Sequence[tuple[str, date | None]]) -> bool:
        """Whether rows are days; months are refused, since a week is the model's step."""
        first = [day for unit, day in keys if day and unit == keys[0][0]]
        gaps = [(after - before).days for before, after in pairwise(sorted(set(first)))]
        step = median(gaps) if gaps else 7
        if step in _MONTH:
            raise self._nothing("the rows are months", "Give the weeks or the days: months hide what a channel does.")
        return step == 1

    def _dating(
        self, week: str, days: Sequence[date | None], keys: Sequence[tuple[str, date | None]], kpi: str, calendar: str
    ) -> Dating | None:
        """What the dates are of their weeks; a doubt where nothing but usage says it."""
        of_key = {key: float(value) for key, value in zip(keys, self.numeric[kpi], strict=True) if not np.isnan(value)}
        outcome: dict[date, float] = {}
        for (_, day), value in of_key.items():
            if day:
                outcome[day] = outcome.get(day, 0.0) + value
        found = dating_of(week, self.table.columns[week], days, outcome, calendar)
        if found and found.weekday and found.why == "usual":
            other = WEEKDAYS[found.weekday]
            self.doubts.append(Remark(f"dated_{found.place}", {"day": found.weekday, "starts": other}))
        return found

    # Money

    def _long_spend(self) -> str:
        name = next((name for name in self._numbers() if words.SPEND.search(words.folded(name))), None)
        if name is None:
            raise self._nothing("no column looks like spend", "Name the column of the channels' spend spend.")
        self._take(name)
        return name

    def _long_channels(self, channel: str) -> tuple[ChannelGuess, ...]:
        named = dict.fromkeys(self._cell(channel, row) for row in self.rows)
        category, group = (next(iter(self._texts(pattern)), None) for pattern in (words.CATEGORY, words.GROUP))
        self._take(*(name for name in (category, group) if name))
        of: dict[str, dict[str, str]] = {"category": {}, "group": {}}
        for kind, column in (("category", category), ("group", group)):
            for row in self.rows if column else ():
                of[kind].setdefault(self._cell(channel, row), self._cell(column, row))
        return tuple(
            ChannelGuess(key, name, group=of["group"].get(name), category=of["category"].get(name))
            for name, key in _unique(named).items()
            if name
        )

    def _wide_channels(self) -> tuple[ChannelGuess, ...]:
        """Columns of spend: by their own word, else by usual names, else x1, x2 and so on."""
        spends = [name for name in self._numbers() if words.SPEND.search(words.folded(name))]
        spends = [name for name in spends if not words.NOT_OURS.search(words.folded(name))]
        if not spends:
            spends = [name for name in self._numbers() if re.match(r"x\d+(?=$|[_\s.-])", words.folded(name))]
            spends = spends or [name for name in self._numbers() if _is_channel_name(name)]
            self.doubts += [Remark("spend", {"columns": ", ".join(spends)})] if spends else []
        spends = self._without_sums(spends)
        if not spends:
            cure = "Name the columns of spend as in tv_spend, search_spend; or give a row per week and channel."
            raise self._nothing("no column looks like spend", cure)
        self._take(*spends)
        stems = {name: _stem(name) for name in spends}
        keys = _unique(stems.values())
        return tuple(ChannelGuess(keys[stem], name) for name, stem in stems.items())

    def _without_sums(self, spends: Sequence[str]) -> list[str]:
        """Spend columns without a total of the others, which would count the money twice."""
        whole = sum((self.numeric[name] for name in spends), np.zeros(len(self.rows)))
        kept = []
        for name in spends:
            own = self.numeric[name]
            if len(spends) > 2 and own.any() and np.allclose(whole - own, own, rtol=5e-3):
                self._take(name)
                self.left_out.append(Remark("left_sum", {"column": name}))
            else:
                kept.append(name)
        return kept

    def _kpi(
        self, channels: Sequence[ChannelGuess], keys: Sequence[tuple[str, date | None]], *, long: bool
    ) -> tuple[str, str | None]:
        """The outcome: money before counts, the whole before a part, never one channel's own."""
        stems = {each.key for each in channels}
        for pattern, counts in ((words.MONEY_KPI, False), (words.COUNT_KPI, True)):
            ranked = sorted(
                (not words.WHOLE.match(stem), self._place(name), name)
                for name in self._numbers()
                if (stem := words.without(pattern, name)) is not None
                and not any(_of_channel(stem, key) for key in stems)
                and not words.NOT_OURS.search(words.folded(name))
                and not any(other.search(words.folded(name)) for other in (words.VALUE, words.ATTRIBUTED))
                and not (long and _differs(keys, self.numeric[name]))
            )
            if ranked:
                kpi = ranked[0][2]
                rivals = [name for _, _, name in ranked[1:] if self.numeric[name].sum() > 0]
                if rivals:
                    self.doubts.append(Remark("several_kpis", {"column": kpi, "others": ", ".join(rivals)}))
                self._take(kpi)
                return kpi, self._value(kpi) if counts else None
        cure = "Name the column of sales gmv, revenue or 销售额; in long data it repeats in every row of a week."
        raise self._nothing("no column looks like the outcome (GMV, revenue, sales)", cure)

    def _value(self, kpi: str) -> str | None:
        """The column that turns a count into money."""
        name = next((name for name in self._numbers() if words.VALUE.search(words.folded(name))), None)
        if name is not None:
            self._take(name)
        elif words.folded(kpi) not in {"y", "target", "outcome", "kpi"}:
            self.doubts.append(Remark("count", {"column": kpi}))
        else:
            self.doubts.append(Remark("kpi_unit", {"column": kpi}))
        return name

    def _with_extras(
        self, channels: Sequence[ChannelGuess], keys: Sequence[tuple[str, date | None]], *, long: bool
    ) -> tuple[ChannelGuess, ...]:
        """Channels with their columns of exposure, visits and attributed GMV; of long data, what differs by channel."""
        roles = {"exposure": words.EXPOSURE, "visits": words.VISITS, "attributed": words.ATTRIBUTED}
        found: dict[str, dict[str, str]] = {each.key: {} for each in channels}
        for name in self._numbers():
            for role, pattern in (*roles.items(), ("attributed", words.MONEY_KPI)):
                stem = words.without(pattern, name)
                shared = long and not stem and _differs(keys, self.numeric[name])
                owners = [key for key in found if stem is not None and (_of_channel(stem, key) or shared)]
                if owners:
                    self._take(name)
                    for key in owners:
                        found[key].setdefault(role, name)
                    break
            else:
                if roles["exposure"].search(words.folded(name)):
                    self._take(name)
                    self.left_out.append(Remark("left_unpaid", {"column": name}))
        return tuple(
            replace(
                each,
                exposure=found[each.key].get("exposure"),
                visits=found[each.key].get("visits"),
                attributed=found[each.key].get("attributed"),
            )
            for each in channels
        )

    def _learnable(
        self,
        channels: Sequence[ChannelGuess],
        channel: str | None,
        spend: str | None,
        keys: Sequence[tuple[str, date | None]],
    ) -> tuple[ChannelGuess, ...]:
        """Channels that spent something; one whose spend never moved is planned from a prior."""
        kept = []
        for each in channels:
            rows = [row for row in self.rows if channel is None or self._cell(channel, row) == each.spend]
            paid: dict[str, list[float]] = {}
            for row in rows:
                paid.setdefault(keys[row][0], []).append(self.numeric[spend or each.spend][row])
            if not any(map(any, paid.values())):
                self.left_out.append(Remark("left_unspent", {"column": each.spend}))
                continue
            still = all(max(values) - min(values) <= 1e-9 * max(values) for values in paid.values())
            self.doubts += [Remark("constant", {"column": each.key})] if still else []
            kept.append(replace(each, from_prior=still))
        return tuple(kept)

    # Everything else

    def _events(self, days: Sequence[date | None], starts: str | None) -> tuple[EventGuess, ...]:
        """Words that some weeks carry become dated events."""
        found: list[EventGuess] = []
        for name in self._texts(None):
            own = _runs([self._cell(name, row) for row in self.rows], days, starts)
            self._take(name)
            if 0 < len(own) <= _MOST_EVENTS:
                found += own
            else:
                self.left_out.append(Remark("left_text", {"column": name}))
        return tuple(found)

    def _controls(self, days: Sequence[date | None], keys: Sequence[tuple[str, date | None]]) -> tuple[str, ...]:
        """What is left and moves, but does not merely count time."""
        kept = []
        for name in list(self.free):
            values = self.numeric.get(name)
            if values is None:
                self.left_out.append(Remark("left_text", {"column": name}))
            elif np.isnan(values).any():
                self.left_out.append(Remark("left_gaps", {"column": name}))
            elif _stands_still(keys, values):
                self.left_out.append(Remark("left_constant", {"column": name}))
            elif _counts_time(name, values, days):
                self.left_out.append(Remark("left_counter", {"column": name}))
            else:
                kept.append(name)
        if len(kept) > len(set(days)) / 4:
            self.doubts.append(Remark("many_controls", {"count": len(kept)}))
        return tuple(kept)

    def _currency(
        self, given: str | None, kpi: str, spend: str | None, channels: Sequence[ChannelGuess]
    ) -> tuple[str, str]:
        """Currency and calendar: said, else read off signs, else off the language of the headers."""
        columns = {kpi, spend or kpi, *(each.spend for each in channels)} & self.table.columns.keys()
        signs = {_sign(cell) for name in columns for cell in self.table.columns[name][:_YEAR]} - {None}
        headers = " ".join((*self.table.columns, *(each.key for each in channels)))
        chinese = bool(words.CHINESE.search(headers) or words.CHINESE_PLATFORMS.search(words.folded(headers)))
        code = given or (min(filter(None, signs)) if len(signs) == 1 else None)
        if code is None:
            code = "CNY"
            self.doubts.append(Remark("currency_chinese" if chinese else "currency_unknown", {}))
        return code, "china-ecommerce" if code == "CNY" and (chinese or signs or given) else "none"

    def _total(
        self,
        channels: Sequence[ChannelGuess],
        channel: str | None,
        spend: str | None,
        of_row: Sequence[date | None],
        weeks: Sequence[date],
        plan_weeks: Sequence[date],
    ) -> float:
        """What the planned weeks spent a year before; the last weeks where the data do not reach back."""
        wanted = {week - timedelta(weeks=_YEAR) for week in plan_weeks}
        if not wanted <= set(weeks):
            wanted = set(weeks[-len(plan_weeks) :])
            self.doubts.append(Remark("total", {}))
        theirs = {each.spend for each in channels}
        columns = [spend] if spend else list(theirs)
        rows = [
            row
            for row, week in enumerate(of_row)
            if week in wanted and (channel is None or self._cell(channel, row) in theirs)
        ]
        total = float(sum(np.nansum(self.numeric[column][rows]) for column in columns))
        return round(total) if total >= _WHOLE else round(total, 2)

    # Columns

    def _take(self, *names: str) -> None:
        for name in names:
            self.free.pop(name, None)

    def _numbers(self) -> list[str]:
        return [name for name in self.free if name in self.numeric]

    def _texts(self, pattern: re.Pattern[str] | None) -> Iterator[str]:
        texts = [name for name in self.free if name not in self.numeric]
        return iter([name for name in texts if pattern is None or pattern.search(words.folded(name))])

    def _cell(self, column: str | None, row: int) -> str:
        cell = "" if column is None else self.table.columns[column][row]
        return "" if is_blank(cell) else str(cell).strip()

    def _place(self, name: str) -> int:
        return list(self.table.columns).index(name)

    def _nothing(self, what: str, cure: str) -> InputError:
        names = list(self.table.columns)
        there = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
        return InputError([Problem(what, self.table.name, there, cure)])


# Cells and columns ----------------------------------------------------------------------------------------------------


def _numbers(cells: Sequence[object]) -> Floats | None:
    """Numbers of a column, NaN where a cell is empty or text; None when the column is not one of numbers."""
    values = np.array([_read(cell) for cell in cells], dtype=float)
    texts = sum(math.isnan(value) and not is_blank(cell) for value, cell in zip(values, cells, strict=True))
    known = np.isfinite(values).sum()
    return values if known and known >= _MOSTLY * (known + texts) else None


def _read(cell: object) -> float:
    """The number of a cell; NaN for what is none, and for infinity, of which no total can be made."""
    try:
        value = float("nan") if isinstance(cell, date) else read_number(cell).value
    except (ValueError, OverflowError):
        return float("nan")
    return value if math.isfinite(value) else float("nan")


def _sign(cell: object) -> str | None:
    try:
        return read_number(cell).currency
    except (ValueError, OverflowError):
        return None


def _read_day(read: Callable[[object], date], cell: object) -> date | None:
    try:
        return read(cell)
    except (ValueError, OverflowError):
        return None


def _steps_as_time(cells: Sequence[object], days: Sequence[date | None]) -> bool:
    """Whether a column without a telling name is one of days: written as such, or a number each day or week."""
    if any(isinstance(cell, date) or (isinstance(cell, str) and not cell.strip().isdigit()) for cell in cells):
        return True
    steps = {(after - before).days for before, after in pairwise(sorted({day for day in days if day}))}
    return steps in ({1}, {7})


def _stem(name: str) -> str:
    """What a column of spend is of."""
    stem = words.without(words.SPEND, name) or words.key_of(name)
    return re.sub(r"^x\d+_(?=\D)", "", stem)


def _unique(names: Iterable[str]) -> dict[str, str]:
    """A key for each name, told apart by a number where two would be alike."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        key = base = words.key_of(name) or "channel"
        again = 2
        while key in {*found.values(), "all"}:
            key, again = f"{base}_{again}", again + 1
        found[name] = key
    return found


def _of_channel(stem: str, key: str) -> bool:
    return bool(stem) and words.key_of(stem) == key


def _is_channel_name(name: str) -> bool:
    text = words.folded(name)
    others = (words.MONEY_KPI, words.EXPOSURE, words.VISITS, words.ATTRIBUTED, words.NOT_OURS)
    return any(pattern.search(text) for _, pattern in words.GROUPS) and not any(each.search(text) for each in others)


def _differs(keys: Sequence[tuple[str, date | None]], values: Floats) -> bool:
    """Whether rows of one unit and time hold different values."""
    first: dict[tuple[str, date | None], float] = {}
    return any(first.setdefault(key, value) != value for key, value in zip(keys, values, strict=True))


def _stands_still(keys: Sequence[tuple[str, date | None]], values: Floats) -> bool:
    """Whether a column never moves within a unit."""
    first: dict[str, float] = {}
    return all(first.setdefault(unit, value) == value for (unit, _), value in zip(keys, values, strict=True))


def _counts_time(name: str, values: Floats, days: Sequence[date | None]) -> bool:
    """Whether a column only counts time, as years, week numbers and row numbers do."""
    if set(np.unique(values)) <= {0.0, 1.0} or not (values == np.round(values)).all():
        return False
    if words.COUNTER.search(words.folded(name)):
        return True
    line = dict(sorted((day, value) for day, value in zip(days, values, strict=True) if day))
    steps = {after - before for before, after in pairwise(line.values())}
    return len(steps) == 1


def _runs(cells: Sequence[str], days: Sequence[date | None], starts: str | None) -> list[EventGuess]:
    """Runs of one word over time: of days, or of whole weeks that begin on ``starts``."""
    found: list[EventGuess] = []
    before = ""
    for day, word in sorted((day, cell) for day, cell in zip(days, cells, strict=True) if day):
        quiet = word.casefold() in words.NO_EVENT
        first = week_of(day, starts) + timedelta(days=first_day(starts)) if starts else day
        end = first + timedelta(days=6) if starts else day
        if not quiet and word == before:
            found[-1] = replace(found[-1], end=end)
        elif not quiet:
            found.append(EventGuess(word, first, end))
        before = word
    return found


def _whole_weeks(days: Iterable[date], starts: str, *, daily: bool) -> tuple[date, ...]:
    """Mondays of the data; of daily data, those of which all seven days are there."""
    counted = Counter(week_of(day, starts) for day in set(days))
    whole = sorted(week for week, count in counted.items() if count == 7 or not daily)
    return tuple(whole or sorted(counted))


def _planned(weeks: Sequence[date]) -> tuple[date, ...]:
    """The weeks after the data: the quarter where one begins just then, else thirteen."""
    first = weeks[-1] + timedelta(weeks=1)
    thursday = first + timedelta(days=3)
    quarter = quarter_weeks(f"{thursday.year}Q{(thursday.month + 2) // 3}")
    return quarter if quarter[0] == first else week_range(first, PLAN_WEEKS)


def _named(channels: Sequence[ChannelGuess]) -> tuple[ChannelGuess, ...]:
    """Channels with names to show, and a group where another channel shares it: alone, none learns from others."""
    groups = {
        each.key: each.group
        or next((name for name, pattern in words.GROUPS if pattern.search(each.key.replace("_", " "))), None)
        for each in channels
    }
    shared = Counter(groups.values())
    return tuple(
        replace(each, en=en, zh=zh, group=groups[each.key] if shared[groups[each.key]] > 1 else None)
        for each in channels
        for en, zh in (_names(each),)
    )


def _names(channel: ChannelGuess) -> tuple[str | None, str | None]:
    """Names to show, English and Chinese."""
    if channel.key in words.BOTH_NAMES:
        return words.BOTH_NAMES[channel.key]
    if words.CHINESE.search(channel.key):
        return None, channel.key.replace("_", " ")
    return words.title_of(channel.key), None
