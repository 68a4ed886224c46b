"""The command about scenarios: plan variants, hold them against each other, sweep the total, seek a goal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from budget.runs import Fitted, Session
    from budget.whatif import Asked

Texts = list[str] | None


@guarded
def whatif(
    scenarios: Annotated[Path | None, typer.Argument(help="YAML file of scenarios.")] = None,
    sets: Annotated[Texts, typer.Option("--set", help="KEY=VALUE, such as plan.total=4500000.")] = None,
    shocks: Annotated[Texts, typer.Option("--shock", help="LINE=-22%: change of a line's response.")] = None,
    drops: Annotated[Texts, typer.Option("--drop", help="LINE that is lost.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the scenario that the options make.")] = None,
    sweep: Annotated[str | None, typer.Option("--sweep", help="Totals: 4M,4.5M,5M or 80%:120%:9.")] = None,
    target_gmv: Annotated[str | None, typer.Option("--target-gmv", help="Seek the least money for this GMV.")] = None,
    min_mroi: Annotated[
        float | None, typer.Option("--min-mroi", min=0.0, help="Seek the most money while the next unit earns this.")
    ] = None,
    stress: Annotated[bool, typer.Option("--stress", help="Platform shock, loss of a line, weak peak.")] = False,
    prove: Annotated[bool, typer.Option("--prove", help="Prove each of many plans as finely as budget plan.")] = False,
    config: Config = None,
    total: Total = None,
    out: Out = None,
    gap: Annotated[float, typer.Option(min=0.0, help="Proven gap to stop at.")] = 1e-4,
    time_limit: Annotated[float, typer.Option(min=0.0, help="Seconds to search for each plan.")] = 60.0,
    accept_failed_model: Accept = False,
    as_json: AsJson = False,
    lang: Language = "en",
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Plan variants of the project and compare them with the plan as it is."""
    screen = Screen(as_json, lang, quiet, debug)
    session = open_project(screen, config, total)
    from budget import runs
    from budget.whatif import run_whatif, write_answers
    from optimizer.planner import SolveOptions

    with screen.progress() as progress:
        fitted = runs.ensure_fit(session, progress, accept_failed=accept_failed_model)
        given = (sets or [], shocks or [], drops or [])
        asked = _asked(session, fitted, scenarios, given, name, stress=stress)
        asked = replace(_with_goals(asked, session, sweep, target_gmv, min_mroi), prove=prove)
        progress.stage("solve")
        options = SolveOptions(gap=gap, seconds=time_limit)
        answers = run_whatif(session, fitted, asked, options, _told(screen))
        if answers.base.plan.status.word == "infeasible":
            return no_plan(screen, answers.base.plan)
        folder = session.out(out)
        document = write_answers(session, fitted, answers, folder, lang)
    if as_json:
        screen.document(document)
    else:
        from reports.terminal import show_whatif

        show_whatif(document, lang, screen.console, [typed(folder / file) for file in ("whatif.json", "whatif.xlsx")])
    return TIME_LIMIT if answers.failed else OK


def _told(screen: Screen) -> Any:
    """Say every tenth of the way."""
    from reports.words import say

    def told(done: int, of: int) -> None:
        if of > 1 and (done == of or done % max(1, of // 10) == 0):
            screen.say(say(screen.lang, "whatif.scenario", done=done, of=of))

    return told


def _asked(
    session: Session,
    fitted: Fitted,
    file: Path | None,
    options: tuple[list[str], list[str], list[str]],
    name: str | None,
    *,
    stress: bool,
) -> Asked:
    """Scenarios of the file, of the options and of the stresses; two of one name are refused."""
    from budget import runs
    from budget.scenarios import read_scenarios, scenario_from_options, stress_scenarios
    from budget.whatif import BASE, Asked, history_of, peaks_in_plan, rules_hold_on
    from mmm.problems import InputError, Problem

    found = [*(read_scenarios(file, session.loaded) if file is not None else ())]
    if (one := scenario_from_options(name, *options, session.loaded)) is not None:
        found.append(one)
    if stress:
        problem = runs.build_problem(session.loaded, fitted.curves)
        peaks = peaks_in_plan(session.loaded)
        found += stress_scenarios(session.loaded, history_of(problem), peaks, rules_hold_on(fitted.curves))
    names = [one.name for one in found]
    twice = {each for each in names if names.count(each) > 1 or each == BASE}
    if twice:
        raise InputError([Problem("scenarios need names of their own", "what-if", each) for each in sorted(twice)])
    return Asked(tuple(found))


def _with_goals(
    asked: Asked, session: Session, sweep: str | None, target_gmv: str | None, min_mroi: float | None
) -> Asked:
    from budget.checks import total_fen
    from budget.money import parse_money
    from budget.whatif import read_sweep
    from mmm.problems import InputError, Problem

    total = (total_fen(session.loaded.project.plan) or 0) / 100
    asked = replace(
        asked,
        totals=read_sweep(sweep, total) if sweep else (),
        target_gmv=parse_money(target_gmv, where="--target-gmv") / 100 if target_gmv else None,
        least_mroi=min_mroi,
    )
    if not asked.scenarios and not asked.totals and target_gmv is None and min_mroi is None:
        cure = "Give a scenario file, --set, --shock, --drop, --sweep, --target-gmv, --min-mroi or --stress."
        raise InputError([Problem("nothing is asked", "budget whatif", cure=cure)])
    return asked
