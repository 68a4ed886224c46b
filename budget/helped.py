"""``--help`` in the user's language, and which language that is before the command line is read."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from typer.core import TyperCommand, TyperGroup

from budget.help_words import CHINESE

_HEADINGS = (
    (re.compile(r"^Usage: ", re.MULTILINE), "用法："),
    (re.compile(r"^Options:$", re.MULTILINE), "选项："),
    (re.compile(r"^Arguments:$", re.MULTILINE), "参数："),
    (re.compile(r"^Commands:$", re.MULTILINE), "命令："),
    (re.compile(r"\bdefault: "), "默认："),
    (re.compile(r"\brequired\]"), "必填]"),
)


def user_language(environment: Mapping[str, str]) -> Literal["en", "zh"]:
    """Return the language of a user's environment: Chinese where it says so, else English.

    ``BUDGET_LANG`` comes first, then what POSIX asks for messages.
    """
    names = ("BUDGET_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = next((environment[name] for name in names if environment.get(name)), "")
    return "zh" if wanted.lower().startswith("zh") else "en"


def asked_language(words: Sequence[str], environment: Mapping[str, str]) -> Literal["en", "zh"]:
    """Return the language before the command line is parsed: ``--lang`` where it is given, else the environment's."""
    given = [word.partition("=")[2] for word in words if word.startswith("--lang=")]
    given += [after for word, after in pairwise(words) if word == "--lang"]
    known: dict[str, Literal["en", "zh"]] = {"en": "en", "zh": "zh"}
    return known.get(given[-1], "en") if given else user_language(environment)


class Command(TyperCommand):
    """A command whose help is in the user's language."""

    def get_help(self, ctx: Any) -> str:
        """Return the help, formatted for the terminal."""
        return _helped(self, super().get_help, ctx)


class Group(TyperGroup):
    """The commands together, likewise."""

    def get_help(self, ctx: Any) -> str:
        """Return the help, formatted for the terminal."""
        return _helped(self, super().get_help, ctx)


def _helped(command: Any, get_help: Any, ctx: Any) -> str:
    if asked_language(sys.argv[1:], os.environ) == "en":
        return str(get_help(ctx))
    for each in (command, *getattr(command, "commands", {}).values()):
        each.help = CHINESE.get(each.help, each.help)
        for parameter in each.get_params(ctx):
            parameter.help = CHINESE.get(getattr(parameter, "help", ""), "")
    text = str(get_help(ctx))
    for heading, chinese in _HEADINGS:
        text = heading.sub(chinese, text)
    return text
