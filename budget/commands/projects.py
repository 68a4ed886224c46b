"""Commands that start projects: a market with known truth, a copy of the demo, the schema of the project file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from budget.screen import OK, AsJson, Config, Debug, Language, Quiet, Screen, guarded


@guarded
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the market.")] = 1,
    weeks: Annotated[int, typer.Option(min=53, max=1040, help="Weeks of history.")] = 156,
    channels: Annotated[int, typer.Option(min=1, max=60, help="Channels.")] = 6,
    demo: Annotated[bool, typer.Option("--demo", help="The demo department's market instead of a random one.")] = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
    config: Config = None,
) -> int:
    """Make a market with known truth: data.csv, truth.json, and a budget.yaml that plans it."""
    del config  # every command takes it; a market is made from its seed alone
    screen = Screen(as_json, lang, quiet, debug)
    from budget import runs

    document = runs.simulate_market(folder, seed=seed, weeks=weeks, channels=channels, demo=demo)
    if as_json:
        screen.document(document)
    else:
        typer.echo(f"Market with known truth written to {folder}")
    return OK


@guarded
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.")],
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
    config: Config = None,
) -> int:
    """Start a runnable project: config, data, README."""
    del config  # every command takes it; a project starts from the demo
    screen = Screen(as_json, lang, quiet, debug)
    from budget.runs import copy_demo

    copy_demo(folder)
    if as_json:
        screen.document({"folder": folder.name, "files": sorted(path.name for path in folder.iterdir())})
    else:
        typer.echo(f"Project started in {folder}. Next: cd {folder} && budget plan")
    return OK


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
