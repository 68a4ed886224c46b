"""A project started from somebody's table: the columns guessed, the project file written with its reasons beside."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.dating import Dating
from budget.guess import ChannelGuess, Guess, Remark, guess
from budget.project import CONFIG_NAME, load_project
from budget.runs import Progress, read_data, refuse_used
from budget.store import write_atomically
from mmm.calendar import WEEKDAYS
from mmm.files import read_table, refuse_absent
from mmm.problems import InputError, Problem
from reports.words import plain, say

if TYPE_CHECKING:
    from reports.words import Lang

_PLAIN = re.compile(r"[A-Za-z\u4e00-\u9fff][\w.\u4e00-\u9fff-]*")
_SHELL = re.compile(r"""[\s'"$&|;<>()*?\[\]`\\]""")
_CODE = re.compile("[A-Z]{3}")
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "all"}
_COLUMN = 32  # where comments begin
_WIDTH = 118


@dataclass(frozen=True, slots=True)
class Started:
    """A project that was started, and what its data still lack.

    Attributes
    ----------
    folder : Path
    file : str
        The copied data.
    guess : Guess
    problems : tuple of Problem
        What ``budget check`` finds in the data under these guesses.
    """

    folder: Path
    file: str
    guess: Guess
    problems: tuple[Problem, ...]


def start_project(source: Path, folder: Path, lang: Lang, *, sheet: str | None, currency: str | None) -> Started:
    """Copy a table into a new folder and write the project file that plans on it.

    Raises
    ------
    InputError
        When the folder is in use, the table cannot be read, or nothing can be its week, KPI or spend.
    """
    refuse_used(folder)
    code = currency.strip().upper() if currency else None
    if code is not None and not _CODE.fullmatch(code):
        raise InputError(
            [Problem("this is no ISO code", "--currency", str(currency), "Write three letters: CNY, USD.")]
        )
    refuse_absent(source, source.name, "Check the name and the folder.")
    table = read_table(source.name, sheet, source.parent)
    found = guess(table, code)
    write_atomically(folder / source.name, source.read_bytes())
    write_atomically(folder / CONFIG_NAME, project_text(found, source.name, sheet, lang))
    write_atomically(folder / "README.md", readme_text(source.name, lang))
    return Started(folder, source.name, found, _problems(folder))


def _problems(folder: Path) -> tuple[Problem, ...]:
    """What reading the new project finds."""
    try:
        read_data(load_project(folder / CONFIG_NAME), Progress())
    except InputError as error:
        return error.problems
    return ()


def document(started: Started) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "folder": started.folder.name,
        "files": sorted({CONFIG_NAME, "README.md", started.file}),
        "guess": json.loads(json.dumps(asdict(started.guess), default=str)),
        "problems": [asdict(problem) for problem in started.problems],
    }


# What is said ---------------------------------------------------------------------------------------------------------


def told(started: Started, lang: Lang) -> Iterator[str]:
    """Lines for the terminal."""
    found = started.guess
    span = {"count": len(found.weeks), "first": found.weeks[0], "last": found.weeks[-1]}
    yield say(lang, "init.started", folder=started.folder, file=started.file, **span)
    yield say(lang, "init.guessed")
    yield from (f"  {line}" for line in _facts(found, lang))
    for key, family, remarks in (("init.left_out", "left", found.left_out), ("init.doubts", "doubt", found.doubts)):
        if remarks:
            yield say(lang, key)
            yield from (f"  - {sentence(remark, family, lang)}" for remark in alike(remarks))
    yield say(lang, "init.unsound" if started.problems else "init.sound")
    yield from (f"  - {problem.said(lang)}" for problem in started.problems)
    yield say(lang, "init.next_mend" if started.problems else "init.next", folder=_typed(started.folder))


def _typed(folder: Path) -> str:
    """A folder as a shell takes it."""
    text = str(folder)
    return shlex.quote(text) if _SHELL.search(text) else text


def _facts(found: Guess, lang: Lang) -> Iterator[str]:
    frequency = say(lang, "init.daily" if found.daily else "init.weekly")
    yield say(lang, "init.week", column=found.week, frequency=frequency)
    if found.dating and not found.dating.plain:
        yield _dating(found.dating, lang)
    kpi = {"column": found.kpi, "currency": found.currency, "value": found.value_per_kpi}
    yield say(lang, "init.kpi_value" if found.value_per_kpi else "init.kpi", **kpi)
    if found.unit:
        yield say(lang, "init.unit", column=found.unit, count=found.units)
    names = [(each.zh if lang == "zh" else each.en) or each.key for each in found.channels]
    yield say(lang, "init.channels", count=len(names), names=", ".join(names))
    none = say(lang, "init.none")
    yield textwrap.shorten(say(lang, "init.controls", names=", ".join(found.controls) or none), 400)
    if found.events:
        yield say(lang, "init.events", names=", ".join(dict.fromkeys(each.name for each in found.events)))
    yield say(lang, "init.calendar", name=found.calendar)
    yield say(lang, "init.plan", span=_span(found, lang), total=f"{found.total:,.0f}", basis=_basis(found, lang))


def alike(remarks: Sequence[Remark]) -> list[Remark]:
    """Remarks that differ in their column alone as one."""
    found: dict[str, list[Remark]] = {}
    for remark in remarks:
        found.setdefault(remark.key, []).append(remark)
    return [
        Remark(key, {"column": ", ".join(each.fields["column"] for each in same)}) if len(same) > 1 else same[0]
        for key, same in found.items()
    ]


def sentence(remark: Remark, family: str, lang: Lang) -> str:
    """A remark in words."""
    fields = {name: plain(str(value)) for name, value in remark.fields.items()}
    if "day" in remark.fields:
        fields["weekday"] = say(lang, f"weekday.{remark.fields['day']}")
    return say(lang, f"{family}.{remark.key}", **fields)


def _span(found: Guess, lang: Lang) -> str:
    weeks = found.plan_weeks
    return found.quarter or say(lang, "init.span", count=len(weeks), first=weeks[0])


def _dating(dating: Dating, lang: Lang) -> str:
    """How the dates are read."""
    first = WEEKDAYS.index(dating.starts)
    days = {"day": dating.weekday, "first": first, "last": (first - 1) % 7}
    named = {name: say(lang, f"weekday.{day}") for name, day in days.items()}
    place, why = say(lang, f"init.dated.{dating.place}"), say(lang, f"init.dated.{dating.why}")
    return say(lang, "init.dated", place=place, why=why, **named)


def _basis(found: Guess, lang: Lang) -> str:
    last = any(remark.key == "total" for remark in found.doubts)
    return say(lang, "init.basis.last" if last else "init.basis.year")


# What is written ------------------------------------------------------------------------------------------------------


def project_text(found: Guess, file: str, sheet: str | None, lang: Lang) -> str:
    """The project file, every key with its reason, every doubt where it belongs."""
    lines = [*_comment(say(lang, "yaml.head", file=file)), *_comment(say(lang, "yaml.head.schema"))]
    for remark in alike(found.doubts):
        lines += _comment(say(lang, "yaml.unsure", sentence=sentence(remark, "doubt", lang)))
    lines += ["", _key("note", _text(say(lang, "yaml.note", file=file)))]
    lines += [_key("currency", found.currency, say(lang, "yaml.currency")), ""]
    lines += [*_data(found, file, sheet, lang), ""]
    lines += [_key("calendar", found.calendar, say(lang, "yaml.calendar")), ""]
    lines += [*_comment(say(lang, "yaml.channels")), "channels:"]
    lines += [line for channel in found.channels for line in _channel(channel, lang, long=found.channel is not None)]
    lines += ["", *_comment(say(lang, "yaml.plan")), *_plan(found, lang)]
    return "\n".join(lines) + "\n"


def _data(found: Guess, file: str, sheet: str | None, lang: Lang) -> Iterator[str]:
    yield "data:"
    yield _key("  file", _text(file))
    keys = {
        "sheet": (sheet, ""),
        "week": (found.week, "yaml.week"),
        "week_starts": (found.dating.starts if found.dating and not found.dating.plain else None, "yaml.week_starts"),
        "frequency": ("daily" if found.daily else None, "yaml.daily"),
        "kpi": (found.kpi, "yaml.kpi"),
        "value_per_kpi": (found.value_per_kpi, "yaml.value"),
        "unit": (found.unit, "yaml.unit"),
        "channel": (found.channel, "yaml.channel"),
        "spend": (found.spend, "yaml.spend"),
    }
    for key, (value, why) in keys.items():
        if value is not None:
            yield _key(f"  {key}", _text(value), say(lang, why) if why else "")
    if found.controls:
        yield _key("  controls", "", say(lang, "yaml.controls"))
        yield from (f"    - {_text(name)}" for name in found.controls)
    for remark in alike(found.left_out):
        yield from _comment(say(lang, "yaml.left", sentence=sentence(remark, "left", lang)), "  ")
    if found.events:
        yield _key("  events", "", say(lang, "yaml.events"))
        yield from (
            f"    - {{name: {_text(each.name)}, start: {each.start}, end: {each.end}}}" for each in found.events
        )


def _channel(channel: ChannelGuess, lang: Lang, *, long: bool) -> Iterator[str]:
    yield f"  {_text(channel.key)}:"
    if not (long and channel.spend == channel.key):
        yield _key("    spend", _text(channel.spend))
    for key in ("exposure", "visits", "attributed", "category"):
        if value := getattr(channel, key):
            yield _key(f"    {key}", _text(value))
    if channel.group:
        yield _key("    groups", f"[{_text(channel.group)}]")
    names = {language: name for language, name in (("en", channel.en), ("zh", channel.zh)) if name}
    yield _key("    label", "{" + ", ".join(f"{language}: {_text(name)}" for language, name in names.items()) + "}")
    if channel.from_prior:
        yield _key("    roi_prior", "{median: 2.0, sigma: 0.9}", say(lang, "yaml.prior"))


def _plan(found: Guess, lang: Lang) -> Iterator[str]:
    yield "plan:"
    yield _key("  total", f"{found.total:.2f}".removesuffix(".00"), _basis(found, lang))
    first, last = found.plan_weeks[0], found.plan_weeks[-1]
    if found.quarter:
        yield _key("  quarter", found.quarter, f"{first} ... {last}")
    else:
        yield _key("  start", str(first))
        yield _key("  weeks", str(len(found.plan_weeks)))
    yield from _comment(say(lang, "yaml.constraints"), "  ")
    name = _text(say(lang, "yaml.bounds"))
    share, cut = (_text(say(lang, f"yaml.example.{which}")) for which in ("share", "cut"))
    yield "  constraints:"
    yield f"    - {{kind: bounds, name: {name}, lines: all, relative_to: history, min: 0.5, max: 2.0}}"
    yield f"    # - {{kind: concentration, name: {share}, max: 0.40}}"
    yield "  # rules:"
    yield f"    # - {{kind: cut, name: {cut}, roi_below: 4.0, weeks: 2, cut: 0.20, roi: model}}"


def _key(key: str, value: str, why: str = "") -> str:
    line = f"{key}: {value}".rstrip()
    return f"{line:<{_COLUMN}}  # {why}" if why else line


def _comment(text: str, indent: str = "") -> list[str]:
    width = _WIDTH if text.isascii() else _WIDTH // 2
    return [f"{indent}# {line}" for line in textwrap.wrap(plain(text), width)]


def _text(value: str) -> str:
    """A YAML scalar: plain where nothing could be misread, else quoted as JSON, which YAML reads alike."""
    if _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)


def readme_text(file: str, lang: Lang) -> str:
    """A few lines to go on from."""
    steps = {
        "budget check": "readme.check",
        "budget fit": "readme.fit",
        "budget plan": "readme.plan",
        "budget plan --total 5M": "readme.whatif",
    }
    shown = "\n".join(f"{step:<26}# {say(lang, key)}" for step, key in steps.items())
    return f"# {say(lang, 'readme.title')}\n\n{say(lang, 'readme.text', file=file)}\n\n```sh\n{shown}\n```\n"
