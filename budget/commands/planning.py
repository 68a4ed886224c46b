"""Commands about plans: make one, check the project before, score one that is given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from budget.paths import typed
from budget.screen import (
    OK,
    TIME_LIMIT,
    Accept,
    AsJson,
    Config,
    Debug,
    Language,
    Out,
    Quiet,
    Screen,
    Total,
    guarded,
    no_plan,
    open_project,
)

MOST_SHOWN = 40  # edited cells listed on the terminal


@guarded
def plan(
    total: Total = None,
    config: Config = None,
    out: Out = None,
    gap: Annotated[float, typer.Option(min=0.0, help="Proven gap to stop at.")] = 1e-4,
    time_limit: Annotated[float, typer.Option(min=0.0, help="Seconds to search.")] = 60.0,
    edited: Annotated[Path | None, typer.Option("--from", help="Edited plan.xlsx: its edits are held.")] = None,
    author: Annotated[str, typer.Option("--author", help="Who makes this version; kept in the plan.")] = "",
    note: Annotated[str, typer.Option("--note", help="Why; kept in the plan.")] = "",
    accept_failed_model: Accept = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Plan the quarter; fits the model first if no fitted one matches data and settings."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config, total)
    from budget import plan_files, runs

    if edited is not None:
        plan_files.refuse_unfit(edited)
    with screen.progress(time_limit) as progress:
        data = None
        if runs.stored_fit(session) is None:
            # Rules that clash whatever the response are told before the minute that a fit takes.
            data = runs.read_data(session.loaded, progress)
            clash = runs.rules_clash(session, data)
            if clash is not None:
                return no_plan(screen, clash)
        fitted = runs.ensure_fit(session, progress, data, accept_failed=accept_failed_model)
        if fitted.reused:
            screen.tell("screen.reused")
        held, who = None, runs.Authorship(author, note)
        if edited is not None:
            session, edits = runs.read_edits(session, fitted, edited)
            held, who = edits.held, runs.Authorship(author, note, edits.parent)
            show_edits(screen, edits)
        progress.stage("solve")
        found = runs.solve(session, fitted, gap=gap, seconds=time_limit, held=held, on_round=progress.round)
        if found.status.word == "infeasible":
            return no_plan(screen, found)
        folder = session.out(out)
        document = runs.write_plan(session, found, fitted, folder, lang, who)
    if as_json:
        screen.document(document)
    else:
        from reports.terminal import show_plan

        files = [typed(folder / name) for name in runs.PLAN_FILES]
        show_plan(found, fitted.document, lang, screen.console, files)
    return TIME_LIMIT if found.status.word == "time_limit" else OK


def show_edits(screen: Screen, edits: Any) -> None:
    """Say what was edited, before anything is solved."""
    from reports.words import say

    told = [say(screen.lang, "edits.input", input=change.told()) for change in edits.changes]
    cells = [say(screen.lang, "edits.cell", **_told(cell, screen.lang)) for cell in edits.cells]
    told += cells[:MOST_SHOWN]
    if len(cells) > MOST_SHOWN:
        told.append(say(screen.lang, "edits.more", count=len(cells) - MOST_SHOWN))
    head = say(screen.lang, "edits.title", count=len(cells)) if told else say(screen.lang, "edits.none")
    screen.say("\n  ".join([head, *told]))


def _told(cell: Any, lang: Language) -> dict[str, str]:
    amounts = {"before": f"{cell['from']:,.2f}", "after": f"{cell['to']:,.2f}"}
    from reports.words import label_words

    return {"line": label_words(cell["label"], cell["line"], lang), "week": cell["week"]} | amounts


@guarded
def check(
    config: Config = None,
    total: Total = None,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Read data and config, list every problem at once, see whether the rules can hold; fit nothing."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config, total)
    from budget import runs

    with screen.progress() as progress:
        facts, clash = runs.check(session, progress)
    if clash is not None:
        return no_plan(screen, clash)
    if as_json:
        screen.document(facts)
    else:
        from reports.terminal import show_facts

        show_facts(facts, screen.lang, screen.console)
    return OK


@guarded
def evaluate(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="CSV (week,line,spend) or our workbook.")],
    config: Config = None,
    total: Total = None,
    out: Out = None,
    accept_failed_model: Accept = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Score a given plan on the fitted curves and list the rules it breaks."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config, total)
    from budget import plan_files, runs

    plan_files.refuse_unfit(plan_file)
    with screen.progress() as progress:
        fitted = runs.ensure_fit(session, progress, accept_failed=accept_failed_model)
        document = runs.evaluate(session, fitted, plan_file, session.out(out))
    if as_json:
        screen.document(document)
    else:
        from reports.terminal import show_evaluation

        show_evaluation(document, lang, screen.console)
    return OK
