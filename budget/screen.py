"""What every command shares: its options, where its words go, and how errors become exit codes."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mmm.problems import BudgetError, InputError, ModelRejected, Problem, TimeLimitReached

if TYPE_CHECKING:
    from rich.console import Console

    from budget.runs import Progress, Session

OK, INPUT_ERROR, NO_PLAN, MODEL_FAILED, TIME_LIMIT, INTERRUPTED = 0, 1, 3, 4, 5, 130

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
    "extract": "Reading the curves off the draws",
    "hold out": "Forecasting the last weeks from those before",
    "solve": "Solving",
    "play": "Playing quarters",
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

                yield Progress(stage, self.say, bar=True, lang=self.lang)
        else:
            yield Progress(lambda name: self.say(STAGES.get(name, name) + " …"), self.say, lang=self.lang)


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
        except (OSError, MemoryError) as error:
            code = _complain(_refused(error), as_json=as_json, debug=debug)
        except Exception as error:  # noqa: BLE001 - whatever happens, a traceback is shown on request only
            told = f"Something went wrong: {type(error).__name__}: {error}. Run again with --debug to see where."
            code = _complain(told, as_json=as_json, debug=debug)
        raise typer.Exit(code)

    return run


def _refused(error: OSError | MemoryError) -> InputError:
    """What the system refuses to do, with the file's name and a cure."""
    from pathlib import PurePath

    if isinstance(error, MemoryError):
        cure = "Close other programs, or keep fewer rows and draws (model.draws)."
        return InputError([Problem("the computer's memory is full", "budget", cure=cure)])
    name = PurePath(str(error.filename or "budget")).name
    cure = "Free space on the disk, see that the folder may be written to, or choose another with --out."
    return InputError([Problem(f"the system refuses: {error.strerror or error}", name, cure=cure)])


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


def open_project(screen: Screen, config: Path | None, total: str | None = None) -> Session:
    """Open the project, and say so when it is the demo."""
    from budget.runs import open_session

    session = open_session(config, total, sys.argv)
    if session.demo:
        screen.say("No budget.yaml here: using the demo project that ships with the package (simulated data).")
    return session


def no_plan(screen: Screen, found: Any) -> int:
    """Say which rules clash; nothing is written."""
    if screen.as_json:
        from reports.documents import plan_document

        screen.document(plan_document(found, {"verdict": "", "checks": []}, "", []))
    else:
        from reports.terminal import show_infeasible

        show_infeasible(found, screen.lang, screen.errors)
    return NO_PLAN
