"""A command that was mistyped, told like every other fault: what, where, the value, the cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import typer

from mmm.faults import fault
from mmm.messages import joined
from mmm.problems import InputError, Problem

USAGE = 2

_NO_OPTION = re.compile(r"No such option: (?P<value>\S+)")
_NO_COMMAND = re.compile(r"No such command '(?P<value>.*?)'\.")
_INVALID = re.compile(r"Invalid value for (?P<name>.*?): (?P<reason>.*)", re.DOTALL)
_OTHERS = (
    (re.compile(r"Missing (?:argument|option|parameter) (?P<name>.*?)\."), "this is missing", ""),
    (
        re.compile(r"Option '(?P<name>.*?)' requires an argument\."),
        "the option has no value",
        "Write the value after it.",
    ),
    (
        re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((?P<value>.*)\)"),
        "this is one word too many",
        "Put names with spaces in quotes.",
    ),
)
_NAME = re.compile(r"'([^']*)'")
# What typer and pydantic say of a value, as what it must be.
_WANTED = (
    (re.compile(r"valid (?:integer|int)"), "a whole number"),
    (re.compile(r"valid (?:number|float)"), "a number"),
    (re.compile(r"greater than or equal to (\S+)"), "at least {ge:g}"),
    (re.compile(r"less than or equal to (\S+)"), "at most {le:g}"),
    (re.compile(r"does not match the format"), "a date such as 2027-10-04"),
)


def mistyped(error: typer.TyperException, words: Sequence[str]) -> InputError | None:
    """Say what is wrong with a command line; None where the error is no more than the help that is to be shown.

    Parameters
    ----------
    error : typer.TyperException
    words : sequence of str
        What was typed after ``budget``.
    """
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return None
    command = getattr(context, "command_path", "") or " ".join(["budget", *words[:1]])
    what, name, value, cure = _told(error.format_message(), context, words)
    where = f"{command} {name}".strip()
    more = fault("{command} --help lists what there is.", command=command)
    return InputError([Problem(what, where, value, joined("sentences", [*([cure] if cure else []), more]))])


def _told(message: str, context: Any, words: Sequence[str]) -> tuple[str, str, str, str]:
    """What, the option or argument, the value, and the cure."""
    if match := _NO_OPTION.match(message):
        names = [name for each in context.command.get_params(context) for name in each.opts if name.startswith("-")]
        return "there is no such option", "", match["value"], _near(match["value"], names)
    if match := _NO_COMMAND.match(message):
        return "there is no such command", "", match["value"], _near(match["value"], context.command.commands)
    if match := _INVALID.match(message):
        value = _typed(match["name"], words)
        wanted = fault("must be {expected}", expected=_wanted(match["reason"], value))
        return wanted, _first(match["name"]), value, ""
    for pattern, what, cure in _OTHERS:
        if match := pattern.match(message):
            found = match.groupdict()
            return what, _first(found.get("name", "")), found.get("value", ""), cure
    return message, "", "", ""


def _wanted(reason: str, value: str) -> str:
    for pattern, form in _WANTED:
        if match := pattern.search(reason):
            bound = float(match[1]) if pattern.groups else 0.0
            return fault(form, ge=bound, le=bound)
    names = [name for name in _NAME.findall(reason) if name != value]
    return fault("{parts:or}", parts=names) if names else reason.removeprefix("Input should be ")


def _near(word: str, known: Iterable[str]) -> str:
    found = get_close_matches(word, list(known), n=1)
    return fault("Did you mean {name}?", name=found[0]) if found else ""


def _first(names: str) -> str:
    """The first of ``'--week' / '-w'``."""
    found = _NAME.findall(names)
    return found[0] if found else names


def _typed(names: str, words: Sequence[str]) -> str:
    """The value that was typed for an option; empty for an argument."""
    options = _NAME.findall(names)
    for word, after in zip(words, [*words[1:], ""], strict=True):
        name, sign, value = word.partition("=")
        if name in options:
            return value if sign else after
    return ""
