"""Commands about the model: fit and judge it."""

from __future__ import annotations

from typing import Annotated

import typer

from budget.paths import typed
from budget.screen import MODEL_FAILED, OK, AsJson, Config, Debug, Language, Out, Quiet, Screen, guarded, open_project


@guarded
def fit(
    config: Config = None,
    out: Out = None,
    again: Annotated[bool, typer.Option("--again", help="Fit anew even if a fitted model matches.")] = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Fit the model, judge it, save it."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config)
    from budget import runs

    with screen.progress() as progress:
        fitted = (None if again else runs.stored_fit(session)) or runs.new_fit(session, progress)
        if fitted.reused:
            screen.tell("screen.matches")
        folder = session.out(out)
        names = runs.write_fit(session, fitted, folder)
    if as_json:
        screen.document(fitted.document)
    else:
        from reports.terminal import show_fit

        show_fit(fitted.document, lang, screen.console)
        screen.tell("screen.written", files=", ".join(typed(folder / name) for name in names))
    return MODEL_FAILED if fitted.document["health"]["verdict"] == "FAIL" else OK
