"""Commands about budget versions: list them, compare two, check the files of one."""

from __future__ import annotations

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
    Quiet,
    Screen,
    Total,
    guarded,
    open_project,
)


@guarded
def history(
    config: Config = None,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """List the plans that were written: id, parent, author, note."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config)
    from budget.versions import versions

    found = versions(session.home)
    if as_json:
        screen.document({"versions": found})
    else:
        from reports.terminal import show_versions

        show_versions(found, lang, screen.console)
    return OK


@guarded
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A version's id, a plan's folder, or a plan file.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    config: Config = None,
    total: Total = None,
    accept_failed_model: Accept = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Compare two plans line by line, on the same posterior draws."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config, total)
    from budget import runs
    from budget.versions import compare_versions

    with screen.progress() as progress:
        fitted = runs.ensure_fit(session, progress, accept_failed=accept_failed_model)
        document = compare_versions(session, fitted, first, second)
    if as_json:
        screen.document(document)
    else:
        from reports.terminal import show_comparison

        show_comparison(document, lang, screen.console)
    return OK


@guarded
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that budget plan wrote.")],
    config: Config = None,
    total: Total = None,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Check a plan's files: hashes, sums to the cent, the same grid in each, every rule, the expected GMV."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config, total)
    from budget import runs
    from budget.versions import verify_folder

    with screen.progress():
        folder = folder.parent if folder.is_file() else folder
        checks = verify_folder(session, folder, runs.stored_fit(session))
    fine = all(check.holds for check in checks)
    if as_json:
        told = [{"check": check.check, "holds": check.holds, "found": check.found} for check in checks]
        screen.document({"folder": folder.name, "holds": fine, "checks": told})
    else:
        from reports.terminal import show_verified

        rows = [(check.check, check.holds, check.found) for check in checks]
        show_verified(folder.name, rows, lang, screen.console)
    return OK if fine else INPUT_ERROR
