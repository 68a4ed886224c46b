"""What every command shares: its options, where its words go, and how errors become exit codes."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mmm.faults import fault, reason
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

    def tell(self, key: str, **fields: object) -> None:
        """A word on the way by its key, unless quiet."""
        from reports.words import say

        self.say(say(self.lang, key, **fields))

    def stage(self, name: str) -> str:
        """What a stage is called while it runs."""
        from reports.words import term

        return f"{term(self.lang, 'stage', name)} …"

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
    def progress(self, limit: float | None = None) -> Iterator[Progress]:
        """Show stages: a spinner with the time left on a terminal, lines elsewhere, nothing when quiet.

        ``limit`` is the seconds that a search may take at most.
        """
        from budget.progress import Clock
        from budget.runs import Progress

        errors = self.errors
        if self.quiet:
            yield Progress()
        elif errors.is_terminal:
            clock = Clock(self.lang, limit)
            with errors.status(clock) as status:

                def stage(name: str) -> None:
                    clock.enter(name)
                    # The sampler draws a bar of its own.
                    status.stop() if name == "sample" else status.start()

                yield Progress(stage, self.say, bar=True, lang=self.lang, round=clock.round)
        else:
            yield Progress(lambda name: self.say(self.stage(name)), self.say, lang=self.lang)


def guarded(command: Callable[..., int]) -> Callable[..., None]:
    """Turn errors into the contract's exit codes and plain words."""

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        told = Telling(
            arguments.get("lang", "en"), as_json=bool(arguments.get("as_json")), debug=bool(arguments.get("debug"))
        )
        try:
            code = command(**arguments)
        except KeyboardInterrupt:
            told.complain("screen.interrupted")
            code = INTERRUPTED
        except BrokenPipeError:
            code = OK
        except (OSError, MemoryError) as error:
            told.explain(_refused(error))
            code = INPUT_ERROR
        except BudgetError as error:
            told.explain(error)
            code = next((code for kind, code in CODES.items() if isinstance(error, kind)), INPUT_ERROR)
        except Exception as error:  # noqa: BLE001 - whatever happens, a traceback is shown on request only
            told.complain("screen.wrong", error=f"{type(error).__name__}: {error}")
            code = INPUT_ERROR
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
    return InputError([Problem(fault("the system refuses: {reason}", reason=reason(error)), name, cure=cure)])


CODES: Mapping[type[BudgetError], int] = {ModelRejected: MODEL_FAILED, TimeLimitReached: TIME_LIMIT}


@dataclass(frozen=True, slots=True)
class Telling:
    """How an error is told: in the user's language, as JSON too where that was asked for."""

    lang: Literal["en", "zh"]
    as_json: bool
    debug: bool

    def complain(self, key: str, **fields: object) -> None:
        """Tell what is no error of the input, by its key."""
        from reports.words import say

        self._write(say(self.lang, key, **fields), ())

    def explain(self, error: BudgetError) -> None:
        """Tell an error with every problem that it carries."""
        from mmm.messages import said
        from reports.words import say

        problems = error.problems if isinstance(error, InputError) else ()
        if not problems:
            self._write(said(error.args[0] if error.args else "", self.lang), ())
            return
        count = len(problems)
        head = say(self.lang, "screen.one_problem" if count == 1 else "screen.problems", count=count)
        self._write("\n".join([head, *(f"  - {problem.said(self.lang)}" for problem in problems)]), problems)

    def _write(self, words: str, problems: Sequence[Problem]) -> None:
        if self.debug:
            traceback.print_exc()
        if self.as_json:
            listed = [self._as_dict(problem) for problem in problems]
            told = "\n".join(problem.said(self.lang) for problem in problems) or words
            document = {"error": told, "problems": listed}
            sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        sys.stderr.write(f"{words}\n")

    def _as_dict(self, problem: Problem) -> dict[str, str]:
        told = problem.translated(self.lang)
        return {"what": told.what, "where": told.where, "value": told.value, "cure": told.cure}


def open_project(screen: Screen, config: Path | None, total: str | None = None) -> Session:
    """Open the project, and say so when it is the demo."""
    from budget.runs import open_session

    session = open_session(config, total, sys.argv)
    if session.demo:
        screen.tell("screen.demo")
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
