"""Commands that start projects: a market with known truth, a copy of the demo, the schema of the project file."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

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

USAGE_ERROR = 2


@guarded
def simulate(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="New or empty folder for a market.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the market, or of the quarters.")] = 1,
    weeks: Annotated[int, typer.Option(min=53, max=1040, help="Weeks of history.")] = 156,
    channels: Annotated[int, typer.Option(min=1, max=60, help="Channels.")] = 6,
    demo: Annotated[bool, typer.Option("--demo", help="The demo department's market instead of a random one.")] = False,
    policy: Annotated[bool, typer.Option("--policy", help="Play the project's quarter under weekly policies.")] = False,
    quarters: Annotated[int, typer.Option(min=10, max=5000, help="With --policy: quarters to play.")] = 200,
    week: Annotated[
        datetime | None,
        typer.Option("--week", formats=["%Y-%m-%d"], help="Play this week of a simulated project: its actual figures."),
    ] = None,
    out: Out = None,
    accept_failed_model: Accept = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
    config: Config = None,
) -> int:
    """Make a market with known truth; with --policy, play quarters under weekly policies; with --week, a week."""
    screen = Screen(as_json, lang, quiet, debug)
    if week is not None:
        return _week(screen, config, out, week)
    if policy:
        return _lab(screen, config, out, quarters, seed, accept_failed=accept_failed_model)
    from budget import runs

    if folder is None:
        screen.errors.print(said_by(screen.lang, "screen.no_folder"))
        return USAGE_ERROR
    document = runs.simulate_market(folder, seed=seed, weeks=weeks, channels=channels, demo=demo)
    if as_json:
        screen.document(document)
    else:
        typer.echo(said_by(lang, "screen.market", folder=folder))
    return OK


def _week(screen: Screen, config: Path | None, out: Path | None, week: datetime) -> int:
    """Play one week with the plan in force."""
    session = open_project(screen, config)
    from budget.play import play_week

    path = play_week(session, week.date(), session.out(out) / "plan.json", session.home)
    if screen.as_json:
        screen.document({"week": week.date().isoformat(), "file": path.name})
    else:
        typer.echo(said_by(screen.lang, "screen.played", file=path.name, week=week.date()))
    return OK


def _lab(
    screen: Screen, config: Path | None, out: Path | None, quarters: int, seed: int, *, accept_failed: bool
) -> int:
    """Run the policy lab on the project's fitted curves."""
    session = open_project(screen, config)
    from budget import runs
    from budget.lab import run_policies

    with screen.progress() as progress:
        fitted = runs.ensure_fit(session, progress, accept_failed=accept_failed)
        document = run_policies(session, fitted, session.out(out), quarters, seed, screen.lang, progress)
    if screen.as_json:
        screen.document(document)
    else:
        from reports.lab import show_lab

        show_lab(document, screen.lang, screen.console)
    return OK


def said_by(lang: Language, key: str, **fields: object) -> str:
    """A word by its key; the words load when they are needed."""
    from reports.words import say

    return say(lang, key, **fields)


@guarded
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.")],
    source: Annotated[
        Path | None,
        typer.Option("--from-csv", metavar="FILE", help="Your weekly or daily data (.csv, .xlsx, .parquet)."),
    ] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="With --from-csv: sheet of an Excel file.")] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", help="With --from-csv: ISO code where the data do not say it.")
    ] = None,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
    config: Config = None,
) -> int:
    """Start a runnable project: the demo's, or with --from-csv one guessed from your own table."""
    del config  # every command takes it; a project starts from the demo or a table
    screen = Screen(as_json, lang, quiet, debug)
    if source is not None:
        return _from_table(screen, source, folder, sheet, currency)
    from budget.runs import copy_demo

    copy_demo(folder)
    if as_json:
        screen.document({"folder": folder.name, "files": sorted(path.name for path in folder.iterdir())})
    else:
        typer.echo(said_by(lang, "screen.started", folder=folder))
    return OK


def _from_table(screen: Screen, source: Path, folder: Path, sheet: str | None, currency: str | None) -> int:
    """Start a project from a table; INPUT_ERROR when its data need mending."""
    from budget import starting

    started = starting.start_project(source, folder, screen.lang, sheet=sheet, currency=currency)
    if screen.as_json:
        screen.document(starting.document(started))
    else:
        typer.echo("\n".join(starting.told(started, screen.lang)))
    return INPUT_ERROR if started.problems else OK


@guarded
def schema(
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
    config: Config = None,
) -> int:
    """Print the JSON Schema of the project file."""
    del as_json, lang, quiet, debug, config  # the schema is JSON in any case and the same for every project
    from budget.schema import schema_text

    sys.stdout.write(schema_text())
    return OK
