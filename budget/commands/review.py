"""Commands of the weekly loop: review a week, read and verify the ledger."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from budget.paths import typed
from budget.screen import (
    INPUT_ERROR,
    OK,
    Accept,
    AsJson,
    Config,
    Debug,
    Language,
    Out,
    Quiet,
    Screen,
    guarded,
    open_project,
)


@guarded
def review(
    actuals: Annotated[Path, typer.Option("--actuals", "-a", help="The week's figures: a row per line.")],
    week: Annotated[datetime, typer.Option("--week", "-w", formats=["%Y-%m-%d"], help="Any day of the week.")],
    config: Config = None,
    out: Out = None,
    plan: Annotated[Path | None, typer.Option("--plan", help="Plan to begin from; plan.json when absent.")] = None,
    override: Annotated[
        Literal["keep", "replan"] | None, typer.Option(help="Decide against the verdict; needs --reason.")
    ] = None,
    waive: Annotated[list[str] | None, typer.Option(help="A line that is not cut; needs --reason.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who decides; the user of this machine when absent.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look only: nothing goes into the ledger.")] = False,
    time_limit: Annotated[float, typer.Option(min=0.0, help="Seconds to search.")] = 60.0,
    wait: Annotated[float, typer.Option(min=0.0, help="Seconds to wait for another review to end.")] = 60.0,
    accept_failed_model: Accept = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Review one week: ROI board, rules that fire, the rest of the quarter; kept in the ledger."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config)
    from budget import runs
    from budget.review import Order
    from budget.review import review as run
    from mmm.files import refuse_absent

    order = Order(actuals, week.date(), by, reason, override, tuple(waive or ()), plan, not dry_run, time_limit, wait)
    refuse_absent(actuals, actuals.name, "Name the file of the week's actual figures.")
    with screen.progress() as progress:
        fitted = runs.ensure_fit(session, progress, accept_failed=accept_failed_model)
        found = run(session, fitted, order, session.out(out), lang, progress)
    if as_json:
        screen.document(found.document)
    else:
        from reports.review_terminal import show_review

        show_review(found.document, lang, screen.console, [typed(path) for path in found.files])
    return OK


@guarded
def ledger(
    config: Config = None,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """List the quarter's decisions and verify that the ledger is as it was written."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config)
    from budget.review import ledger_document

    document = ledger_document(session)
    if as_json:
        screen.document(document)
    else:
        from reports.review_terminal import show_ledger

        show_ledger(document, lang, screen.console)
    return OK if document["intact"] else INPUT_ERROR
