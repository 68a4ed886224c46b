"""The command that tries the model on weeks held out."""

from __future__ import annotations

from typing import Annotated

import typer

from budget.paths import typed
from budget.screen import OK, AsJson, Config, Debug, Language, Out, Quiet, Screen, guarded, open_project


@guarded
def backtest(
    config: Config = None,
    origins: Annotated[
        int | None, typer.Option("--origins", min=1, max=52, help="Times the past is cut off; backtest.origins.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", min=1, max=52, help="Weeks forecast each time; backtest.horizon.")
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Forecast weeks held out of the data, against forecasts that need no model."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config)
    from budget.backtests import run_backtest, write_backtest

    with screen.progress() as progress:
        document = run_backtest(session, progress, origins, horizon)
    path = write_backtest(document, session.out(out))
    if as_json:
        screen.document(document)
    else:
        from reports.terminal import show_backtest

        show_backtest(document, lang, screen.console)
        screen.tell("screen.written", files=typed(path))
    return OK
