"""The command that opens the what-if page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from budget.screen import (
    OK,
    Accept,
    AsJson,
    Config,
    Debug,
    Language,
    Quiet,
    Screen,
    Total,
    guarded,
    no_plan,
    open_project,
)


@guarded
def serve(
    config: Config = None,
    total: Total = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this computer; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    time_limit: Annotated[float, typer.Option(min=0.0, help="Seconds to search for each plan.")] = 60.0,
    accept_failed_model: Accept = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Open a page on this computer to change the plan and see at once what comes of it; writes nothing."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config, total)
    from budget import runs
    from budget.desk import Desk
    from budget.serve import serving
    from optimizer.planner import SolveOptions
    from reports.words import say

    with screen.progress(time_limit) as progress:
        fitted = runs.ensure_fit(session, progress, accept_failed=accept_failed_model)
        progress.stage("solve")
        desk = Desk(session, fitted, lang, SolveOptions(seconds=time_limit))
    if not desk.base.plan.lines:
        return no_plan(screen, desk.base.plan)
    site, server, opened = serving(desk, lang, port)
    if as_json:
        screen.document({"url": site.url, "port": site.port})
        sys.stdout.flush()
    else:
        screen.console.print(say(lang, "desk.open", url=site.url), highlight=False, markup=False, soft_wrap=True)
    if browser and sys.stdout.isatty():
        import webbrowser

        webbrowser.open(site.url)
    try:
        server.run([opened])
    except KeyboardInterrupt:
        screen.tell("desk.closed")
    return OK
