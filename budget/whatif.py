"""What-if runs: scenarios, sweeps of the total, goal-seek and stresses of a fitted project, solved side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from budget.changes import Change
from budget.money import parse_money
from budget.project import LoadedProject
from budget.runs import Fitted, Session, build_problem, plan_weeks, project_calendar, to_json
from budget.scenarios import Scenario, changed_project
from budget.store import locked, write_together
from mmm.calendar import intensity
from mmm.curves import ResponseCurves
from mmm.faults import fault
from mmm.problems import BudgetError, InputError, Problem, TimeLimitReached

if TYPE_CHECKING:
    from optimizer.cuts import CutPool
    from optimizer.goal import Goal
    from optimizer.plan import Plan
    from optimizer.planner import SolveOptions
    from optimizer.whatif import Difference, Outcome, Regret
    from reports.words import Lang

BASE = "base"
FEW = 4  # scenarios from which on a second process is worth its start
MOST_REGRET = 12  # plans held against each other in every scenario
MOST_PROVEN = 12
"""Plans up to which the gap of S-shaped draws is closed by branching, which takes several times as long; beyond, plans
say the gap of their hulls unless ``prove`` is asked for."""
MOST_SCENARIOS = 1000
OnScenario = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a what-if is asked for.

    Attributes
    ----------
    scenarios : tuple of Scenario
    totals : tuple of float
        Totals of the sweep, currency.
    target_gmv, least_mroi : float or None
        Goals to seek.
    prove : bool
        Prove every plan as finely as ``budget plan`` does, however many there are.
    """

    scenarios: tuple[Scenario, ...] = ()
    totals: tuple[float, ...] = ()
    target_gmv: float | None = None
    least_mroi: float | None = None
    prove: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A scenario without an answer: the time was up, or its changes are refused."""

    scenario: Scenario
    reason: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a what-if found.

    Attributes
    ----------
    base : Outcome
    scenarios : tuple of (Scenario, Outcome, Difference or None)
    failed : tuple of Failed
    sweep : tuple of (float, Outcome)
    goals : tuple of Goal
    regret : tuple of Regret
    """

    base: Outcome
    scenarios: tuple[tuple[Scenario, Outcome, Difference | None], ...]
    failed: tuple[Failed, ...]
    sweep: tuple[tuple[float, Outcome], ...]
    goals: tuple[Goal, ...]
    regret: tuple[Regret, ...]


def run_whatif(
    session: Session,
    fitted: Fitted,
    asked: Asked,
    options: SolveOptions,
    on_scenario: OnScenario = lambda _done, _of: None,
    workers: int | None = None,
) -> Answers:
    """Solve everything that is asked for.

    Parameters
    ----------
    session : Session
    fitted : Fitted
    asked : Asked
    options : SolveOptions
    on_scenario : callable
        Told how many plans are made, and of how many.
    workers : int, optional
        Processes; as many as there are processors, at most one per four scenarios, when absent.

    Raises
    ------
    InputError
        With every scenario that the project refuses, before anything is solved.
    """
    from optimizer.cuts import CutPool
    from optimizer.whatif import difference, regrets

    sweep = [
        Scenario(f"total {total:,.2f}", (Change("plan.total", ("plan", "total"), total),)) for total in asked.totals
    ]
    wanted = (*asked.scenarios, *sweep)
    proven = asked.prove or len(wanted) <= MOST_PROVEN
    options = replace(options, branch=proven)
    projects = _changed(session.loaded, wanted)
    known = None if proven else CutPool()
    base = _based(session, fitted, options, known)
    on_scenario(1, len(wanted) + 1)
    tasks = [(one.name, project) for one, project in zip(wanted, projects, strict=True)]
    found: list[Outcome | str] = []
    for outcome in _solved(tasks, fitted, options, known, _processes(workers, len(tasks))):
        found.append(outcome)
        on_scenario(len(found) + 1, len(tasks) + 1)
    answered = list(zip(wanted, found, strict=True))
    listed = answered[: len(asked.scenarios)]
    good = [(one, outcome) for one, outcome in listed if not isinstance(outcome, str)]
    failed = tuple(Failed(one, outcome) for one, outcome in answered if isinstance(outcome, str))
    swept = [
        (total, outcome)
        for total, (_, outcome) in zip(asked.totals, answered[len(listed) :], strict=True)
        if not isinstance(outcome, str)
    ]
    table = regrets([base, *(outcome for _, outcome in good)]) if 0 < len(good) <= MOST_REGRET else ()
    scenarios = tuple((one, outcome, difference(base, outcome)) for one, outcome in good)
    return Answers(base, scenarios, failed, tuple(swept), tuple(_sought(session, fitted, asked, options)), table)


def _based(session: Session, fitted: Fitted, options: SolveOptions, known: CutPool | None) -> Outcome:
    """The plan that scenarios are held against; ``known`` takes its tangents."""
    from optimizer.whatif import solve_scenario

    return solve_scenario(BASE, build_problem(session.loaded, fitted.curves), options, known)


def _changed(loaded: LoadedProject, scenarios: Sequence[Scenario]) -> list[LoadedProject]:
    projects: list[LoadedProject] = []
    problems: list[Problem] = []
    if len(scenarios) > MOST_SCENARIOS:
        cure = "Split them into several runs."
        raise InputError(
            [Problem(fault("more than {count} scenarios", count=MOST_SCENARIOS), "what-if", str(len(scenarios)), cure)]
        )
    for scenario in scenarios:
        try:
            projects.append(changed_project(loaded, scenario))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return projects


def _processes(given: int | None, tasks: int) -> int:
    return given or max(1, min(len(os.sched_getaffinity(0)), tasks // FEW))


def _solved(
    tasks: Sequence[tuple[str, LoadedProject]],
    fitted: Fitted,
    options: SolveOptions,
    known: CutPool | None,
    processes: int,
) -> Iterator[Outcome | str]:
    """Outcomes in the tasks' order; words where one was not found in time."""
    if processes == 1:
        solver = _Solver(fitted.curves, options, known)
        for name, loaded in tasks:
            yield solver.outcome(name, loaded)
        return
    # A fresh process carries nothing over from this one: HiGHS keeps threads that a forked one would miss.
    with ProcessPoolExecutor(
        processes, get_context("spawn"), _start_worker, (str(fitted.folder), options, known)
    ) as pool:
        answers = [pool.submit(_work, name, loaded) for name, loaded in tasks]
        for (name, loaded), answer in zip(tasks, answers, strict=True):
            solved = answer.result()
            yield solved if isinstance(solved, str) else _joined(name, loaded, fitted.curves, solved)


@dataclass(frozen=True, slots=True)
class _Solved:
    """What a process sends back: the plan, its draws, and the spend after the plan that it was scored with."""

    plan: Plan
    gains: Any
    after: Any


@dataclass(frozen=True, slots=True)
class _Solver:
    """Solves scenarios on the same curves, each on its own or, where tangents are known, each warm from those."""

    curves: ResponseCurves
    options: SolveOptions
    known: CutPool | None

    def outcome(self, name: str, loaded: LoadedProject) -> Outcome | str:
        from optimizer.whatif import solve_scenario

        # A copy, so that the answer does not depend on what was solved before.
        pool = None if self.known is None else self.known.copy()
        try:
            return solve_scenario(name, build_problem(loaded, self.curves), self.options, pool)
        except (TimeLimitReached, BudgetError) as error:
            return str(error)


_WORKER: dict[str, _Solver] = {}


def _start_worker(folder: str, options: SolveOptions, known: CutPool | None) -> None:
    from mmm.curves import load_curves

    _WORKER["solver"] = _Solver(load_curves(Path(folder) / "curves.npz"), options, known)


def _work(name: str, loaded: LoadedProject) -> _Solved | str:
    outcome = _WORKER["solver"].outcome(name, loaded)
    if isinstance(outcome, str):
        return outcome
    return _Solved(outcome.plan, outcome.gains, outcome.problem.response.after)


def _joined(name: str, loaded: LoadedProject, curves: ResponseCurves, solved: _Solved) -> Outcome:
    from optimizer.whatif import Outcome

    problem = build_problem(loaded, curves)
    ready = replace(problem, response=replace(problem.response, after=solved.after))
    return Outcome(name, ready, solved.plan, solved.gains)


def _sought(session: Session, fitted: Fitted, asked: Asked, options: SolveOptions) -> Iterator[Goal]:
    from optimizer.goal import least_money, most_money

    problem = build_problem(session.loaded, fitted.curves)
    if asked.target_gmv is not None:
        yield least_money(problem, asked.target_gmv, options)
    if asked.least_mroi is not None:
        yield most_money(problem, asked.least_mroi, options)


def write_answers(session: Session, fitted: Fitted, answers: Answers, out: Path, lang: Lang) -> dict[str, Any]:
    """Write whatif.json and whatif.xlsx; returns the document."""
    from reports.whatif import write_whatif

    document = answers_document(session, fitted, answers)
    book = BytesIO()
    write_whatif(document, book, lang)
    with locked(session.home, out):
        write_together(out, {"whatif.xlsx": book.getvalue(), "whatif.json": to_json(document)})
    return document


def answers_document(session: Session, fitted: Fitted, answers: Answers) -> dict[str, Any]:
    """Build whatif.json."""
    from optimizer.whatif import least_regret, total_price
    from reports.documents import currency, plan_document
    from reports.whatif import difference_document, regret_document, shortened

    def short(plan: Plan) -> dict[str, Any]:
        return shortened(plan_document(plan, fitted.document["health"], fitted.document["fingerprint"], []))

    def point(total: float, outcome: Outcome) -> dict[str, Any]:
        gmv = None if outcome.plan.gmv is None else outcome.plan.gmv.mean
        return {"total": total, "gmv": gmv, "mroi": total_price(outcome.plan), "status": outcome.plan.status.word}

    def goal(found: Goal) -> dict[str, Any]:
        reached = found.reached and found.plan.gmv is not None
        return {
            "goal": found.kind,
            "target": found.target,
            "reached": found.reached,
            "total": currency(found.total_fen) if reached else None,
            "proven": currency(found.proven_fen),
            "gmv": found.plan.gmv.mean if reached and found.plan.gmv else None,
            "mroi": total_price(found.plan) if reached else None,
        }

    return {
        "quarter": answers.base.problem.quarter,
        "currency": answers.base.problem.currency,
        "base": {"name": BASE, "plan": short(answers.base.plan)},
        "scenarios": [
            {
                "name": one.name,
                "note": one.note,
                "changes": one.told(),
                "plan": short(outcome.plan),
                "delta": difference_document(delta),
            }
            for one, outcome, delta in answers.scenarios
        ],
        "failed": [{"name": each.scenario.name, "reason": each.reason} for each in answers.failed],
        "frontier": [point(total, outcome) for total, outcome in sorted(answers.sweep, key=lambda each: each[0])],
        "goals": [goal(found) for found in answers.goals],
        "regret": regret_document(answers.regret, least_regret(answers.regret)),
        "fingerprint": fitted.document["fingerprint"],
        "config": [path.name for path in session.loaded.sources],
    }


# What is asked --------------------------------------------------------------------------------------------------------


def read_sweep(text: str, total: float) -> tuple[float, ...]:
    """Read totals: ``4M,4.5M,5M``, or ``4000000:6000000:5`` for five even steps; percentages are of the total.

    Raises
    ------
    InputError
        For what is no list of amounts.
    """
    where = f"--sweep {text}"
    parts = text.split(":")
    if len(parts) == 3:
        first, last = (_amount(part, total, where) for part in parts[:2])
        if not parts[2].strip().isdecimal() or not 2 <= int(parts[2]) <= 100:
            raise InputError([Problem("the number of steps must be from 2 to 100", where, parts[2], "Write 4M:6M:5.")])
        return tuple(round(float(each), 2) for each in np.linspace(first, last, int(parts[2])))
    if len(parts) != 1:
        raise InputError([Problem("this is no sweep", where, cure="Write 4M,4.5M,5M or 4M:6M:5.")])
    return tuple(_amount(part, total, where) for part in text.split(","))


def _amount(text: str, total: float, where: str) -> float:
    part = text.strip()
    if part.endswith("%"):
        try:
            share = float(part.removesuffix("%"))
        except ValueError:
            share = 0.0
        if share <= 0:
            raise InputError([Problem("this is no percentage", where, part, "Write 90% or an amount.")])
        return round(total * share / 100, 2)
    return parse_money(part, where) / 100


def peaks_in_plan(loaded: LoadedProject) -> dict[str, float]:
    """Strength in the plan's weeks of every peak of the calendar that falls into them."""
    calendar = project_calendar(loaded)
    weeks = plan_weeks(loaded)
    found = {}
    for name in dict.fromkeys(peak.name for peak in calendar.peaks):
        alone = replace(calendar, peaks=tuple(peak for peak in calendar.peaks if peak.name == name))
        strength = float(intensity(alone, weeks).sum())
        if strength > 0:
            found[name] = strength
    return found


def rules_hold_on(curves: ResponseCurves) -> Callable[[LoadedProject], bool]:
    """Whether some plan obeys all rules of a project that has these curves; nothing is optimised."""
    from optimizer.conflict import feasible
    from optimizer.program import build_decision

    return lambda loaded: feasible(build_decision(build_problem(loaded, curves)))


def history_of(problem: Any) -> Mapping[str, float]:
    """Spend of lines with a response in the same weeks last year, currency."""
    return {line.name: float(line.reference.sum()) for line in problem.lines if not line.reserve}
