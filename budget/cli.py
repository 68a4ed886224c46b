"""The ``budget`` command: the commands of :mod:`budget.commands` under one name. Heavy imports wait until needed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping

import typer

from budget.commands.backtest import backtest
from budget.commands.fitting import fit
from budget.commands.planning import check, evaluate, plan
from budget.commands.projects import init, schema, simulate
from budget.commands.review import ledger, review
from budget.commands.serve import serve
from budget.commands.versions import compare, history, verify
from budget.commands.whatif import whatif

app = typer.Typer(
    name="budget",
    help="Divide a marketing budget: a fitted response, a proven plan, an honest explanation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (
    *(plan, fit, check, evaluate, whatif, serve, review, ledger, backtest),
    *(compare, history, verify, simulate, init, schema),
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Entry point of the ``budget`` command."""
    for stream in (sys.stdout, sys.stderr):
        # A pipe may have an old encoding that refuses Chinese; a terminal knows its own.
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8")
    lang = user_language(os.environ)
    app(default_map={command.__name__: {"lang": lang} for command in COMMANDS})


def user_language(environment: Mapping[str, str]) -> str:
    """Return the language of a user's environment: Chinese where it says so, else English.

    ``BUDGET_LANG`` comes first, then what POSIX asks for messages.
    """
    names = ("BUDGET_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = next((environment[name] for name in names if environment.get(name)), "")
    return "zh" if wanted.lower().startswith("zh") else "en"


if __name__ == "__main__":
    main()
