"""The ``budget`` command. Reads arguments, calls a run, shows the outcome; heavy imports wait until they are needed."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mmm.problems import BudgetError, InputError, ModelRejected, TimeLimitReached

if TYPE_CHECKING:
    from rich.console import Console

    from budget.runs import Progress, Session

OK, INPUT_ERROR, NO_PLAN, MODEL_FAILED, TIME_LIMIT, INTERRUPTED = 0, 1, 3, 4, 5, 130

app = typer.Typer(
    name="budget",
    help="Divide a marketing budget: a fitted response, a proven plan, an honest explanation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Project file; budget.yaml here, else the demo.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else there.")]
Language = Annotated[Literal["en", "zh"], typer.Option("--lang", help="Language of what is shown and written.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Output folder; plans/<quarter>/ beside the project.")]
Total = Annotated[str | None, typer.Option("--total", "-t", help="Money to divide, such as 5000000, 500万 or 5M.")]
Accept = Annotated[bool, typer.Option("--accept-failed-model", help="Plan even if the model failed its gates.")]

STAGES = {
    "read": "Reading the data",
    "import": "Loading the sampler",
    "build": "Building the model",
    "compile": "Compiling the model (about half a minute the first time)",
    "sample": "Sampling",
    "extract": "Judging the fit",
    "solve": "Solving",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """Where words go: results to stdout, everything else to stderr; only JSON on stdout with ``as_json``."""

    as_json: bool
    lang: Literal["en", "zh"]
    quiet: bool
    debug: bool

    @property
    def console(self) -> Console:
        """Console for results."""
        from rich.console import Console

        # What goes to a file or a pipe is as wide as the tables need.
        asked = os.environ.get("COLUMNS", "")
        return Console() if sys.stdout.isatty() else Console(width=(int(asked) if asked.isdecimal() else 0) or 100)

    @property
    def errors(self) -> Console:
        """Console for progress, words and errors."""
        from rich.console import Console

        return Console(stderr=True)

    def say(self, words: str) -> None:
        """A word on the way, unless quiet."""
        if not self.quiet:
            # Unwrapped, so that a path can be copied and a log be searched.
            self.errors.print(words, style="dim", highlight=False, markup=False, soft_wrap=True)

    def document(self, document: object) -> None:
        """The JSON document."""
        from budget.runs import to_json

        sys.stdout.write(to_json(document))

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress]:
        """Show stages: a spinner on a terminal, lines elsewhere, nothing when quiet."""
        from budget.runs import Progress

        errors = self.errors
        if self.quiet:
            yield Progress()
        elif errors.is_terminal:
            with errors.status("") as status:

                def stage(name: str) -> None:
                    # The sampler draws a bar of its own.
                    status.stop() if name == "sample" else status.start()
                    status.update(STAGES.get(name, name) + " …")

                yield Progress(stage, self.say, bar=True)
        else:
            yield Progress(lambda name: self.say(STAGES.get(name, name) + " …"), self.say)


def guarded(command: Callable[..., int]) -> Callable[..., None]:
    """Turn errors into the contract's exit codes and plain words."""

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        as_json, debug = bool(arguments.get("as_json")), bool(arguments.get("debug"))
        try:
            code = command(**arguments)
        except KeyboardInterrupt:
            _complain("Interrupted; nothing half-finished was kept.", as_json=as_json, debug=debug)
            code = INTERRUPTED
        except InputError as error:
            code = _complain(error, as_json=as_json, debug=debug)
        except ModelRejected as error:
            _complain(error, as_json=as_json, debug=debug)
            code = MODEL_FAILED
        except TimeLimitReached as error:
            _complain(error, as_json=as_json, debug=debug)
            code = TIME_LIMIT
        except BudgetError as error:
            code = _complain(error, as_json=as_json, debug=debug)
        except BrokenPipeError:
            code = OK
        except Exception as error:  # noqa: BLE001 - whatever happens, a traceback is shown on request only
            told = f"Something went wrong: {type(error).__name__}: {error}. Run again with --debug to see where."
            code = _complain(told, as_json=as_json, debug=debug)
        raise typer.Exit(code)

    return run


def _complain(error: Exception | str, *, as_json: bool, debug: bool) -> int:
    """Print an error; returns the code of an input error."""
    if debug:
        traceback.print_exc()
    if as_json:
        listed = [_as_dict(problem) for problem in getattr(error, "problems", ())]
        sys.stdout.write(json.dumps({"error": str(error), "problems": listed}, ensure_ascii=False, indent=2) + "\n")
    problems = getattr(error, "problems", ())
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        sys.stderr.write(f"{count}:\n" + "".join(f"  - {problem}\n" for problem in problems))
    else:
        sys.stderr.write(f"{error}\n")
    return INPUT_ERROR


def _as_dict(problem: Any) -> dict[str, str]:
    return {"what": problem.what, "where": problem.where, "value": problem.value, "cure": problem.cure}


def _open(screen: Screen, config: Path | None, total: str | None = None) -> Session:
    from budget.runs import open_session

    session = open_session(config, total, sys.argv)
    if session.demo:
        screen.say("No budget.yaml here: using the demo project that ships with the package (simulated data).")
    return session


@app.command()
@guarded
def plan(
    total: Total = None,
    config: Config = None,
    out: Out = None,
    gap: Annotated[float, typer.Option(min=0.0, help="Proven gap to stop at.")] = 1e-4,
    time_limit: Annotated[float, typer.Option(min=0.0, help="Seconds to search.")] = 60.0,
    accept_failed_model: Accept = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Plan the quarter; fits the model first if no fitted one matches data and settings."""
    screen = Screen(as_json, lang, quiet, debug)
    session = _open(screen, config, total)
    from budget import runs

    with screen.progress() as progress:
        data = None
        if runs.stored_fit(session) is None:
            # Rules that clash whatever the response are told before the minute that a fit takes.
            data = runs.read_data(session.loaded, progress)
            clash = runs.rules_clash(session, data)
            if clash is not None:
                return _no_plan(screen, clash)
        fitted = runs.ensure_fit(session, progress, data, accept_failed=accept_failed_model)
        if fitted.reused:
            screen.say("Using the fitted model kept in .budget: data, model settings and versions are unchanged.")
        progress.stage("solve")
        found = runs.solve(session, fitted, gap=gap, seconds=time_limit)
        if found.status.word == "infeasible":
            return _no_plan(screen, found)
        folder = session.out(out)
        document = runs.write_plan(session, found, fitted, folder, lang)
    if as_json:
        screen.document(document)
    else:
        from reports.terminal import show_plan

        files = [str(folder / name) for name in runs.PLAN_FILES]
        show_plan(found, fitted.document, lang, screen.console, files)
    return TIME_LIMIT if found.status.word == "time_limit" else OK


def _no_plan(screen: Screen, found: Any) -> int:
    """Say which rules clash; nothing is written."""
    if screen.as_json:
        from reports.documents import plan_document

        screen.document(plan_document(found, {"verdict": "", "checks": []}, "", []))
    else:
        from reports.terminal import show_infeasible

        show_infeasible(found, screen.lang, screen.errors)
    return NO_PLAN


@app.command()
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
    session = _open(screen, config)
    from budget import runs

    with screen.progress() as progress:
        fitted = (None if again else runs.stored_fit(session)) or runs.new_fit(session, progress)
        if fitted.reused:
            screen.say("The fitted model kept in .budget matches; --again fits anew.")
        folder = session.out(out)
        names = runs.write_fit(session, fitted, folder)
    if as_json:
        screen.document(fitted.document)
    else:
        from reports.terminal import show_fit

        show_fit(fitted.document, lang, screen.console)
        screen.say("Written: " + ", ".join(str(folder / name) for name in names))
    return MODEL_FAILED if fitted.document["health"]["verdict"] == "FAIL" else OK


@app.command()
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
    session = _open(screen, config, total)
    from budget import runs

    with screen.progress() as progress:
        facts, clash = runs.check(session, progress)
    if clash is not None:
        return _no_plan(screen, clash)
    if as_json:
        screen.document(facts)
    else:
        from reports.terminal import show_facts

        show_facts(facts, screen.console)
    return OK


@app.command()
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
    session = _open(screen, config, total)
    from budget import runs

    with screen.progress() as progress:
        fitted = runs.ensure_fit(session, progress, accept_failed=accept_failed_model)
        document = runs.evaluate(session, fitted, plan_file, session.out(out))
    if as_json:
        screen.document(document)
    else:
        from reports.terminal import show_evaluation

        show_evaluation(document, lang, screen.console)
    return OK


@app.command()
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


@app.command()
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


@app.command()
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


def main() -> None:
    """Entry point of the ``budget`` command."""
    for stream in (sys.stdout, sys.stderr):
        # A pipe may have an old encoding that refuses Chinese; a terminal knows its own.
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8")
    app()


if __name__ == "__main__":
    main()
