"""The ``budget`` command: the commands of :mod:`budget.commands` under one name. Heavy imports wait until needed."""

from __future__ import annotations

import io
import os
import sys

import typer

from budget.commands.backtest import backtest
from budget.commands.fitting import fit
from budget.commands.planning import check, evaluate, plan
from budget.commands.projects import init, schema, simulate
from budget.commands.review import ledger, review
from budget.commands.serve import serve
from budget.commands.versions import compare, history, verify
from budget.commands.whatif import whatif
from budget.helped import Command, Group, asked_language
from budget.screen import INTERRUPTED, Telling
from budget.usage import USAGE, mistyped

app = typer.Typer(
    name="budget",
    cls=Group,
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
    app.command(cls=Command)(command)


def main() -> None:
    """Entry point of the ``budget`` command."""
    for stream in (sys.stdout, sys.stderr):
        # A pipe may have an old encoding that refuses Chinese; a terminal knows its own.
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8")
    words = sys.argv[1:]
    lang = asked_language(words, os.environ)
    try:
        defaults = {command.__name__: {"lang": lang} for command in COMMANDS}
        code = app(standalone_mode=False, prog_name="budget", default_map=defaults)
    except typer.TyperException as error:
        code = USAGE
        told = mistyped(error, words)
        if told is None:
            sys.stderr.write(f"{error.format_message()}\n")
        else:
            Telling(lang, as_json="--json" in words, debug=False).explain(told)
    except typer.Abort:
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
