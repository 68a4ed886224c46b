"""Runs: one function per command, wiring data to fit to plan to files. Holds no mathematics and prints nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from budget.assumptions import shocked, strengthened
from budget.checks import total_fen, unit_findings
from budget.project import LoadedProject, demo_folder, find_config, load_project, raise_findings
from budget.store import (
    FitStore,
    fit_fingerprint,
    locked,
    manifest,
    write_atomically,
    write_together,
)
from mmm.calendar import (
    SHIPPED,
    Calendar,
    intensity,
    quarter_of,
    quarter_weeks,
    read_calendar,
    week_range,
    window_weeks,
)
from mmm.curves import ResponseCurves, load_curves
from mmm.dates import dates_read
from mmm.faults import fault
from mmm.problems import InputError, ModelRejected, Problem
from mmm.sentences import HEALTH, tell
from mmm.settings import SplitFiles

if TYPE_CHECKING:
    from datetime import date

    from budget.changes import Change
    from mmm.lift import LiftTest
    from mmm.panel import Panel
    from optimizer.plan import Plan
    from optimizer.problem import History, Identity, PlanProblem, Rulebook
    from reports.words import Lang

FIT_FILES = ("curves.npz", "fit.json", "fit.nc")
PLAN_FILES = ("plan.json", "plan.csv", "plan.xlsx", "plan.html", "manifest.json")


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run tells what it is doing.

    ``stage`` by name, ``say`` in words, ``bar`` whether a bar may be drawn, ``round`` a search's round and its gap.
    """

    stage: Callable[[str], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    bar: bool = False
    lang: Lang = "en"
    round: Callable[[int, float], None] = lambda _round, _gap: None


@dataclass(frozen=True, slots=True)
class Session:
    """An opened project and where its files go.

    Attributes
    ----------
    loaded : LoadedProject
    demo : bool
        The shipped demo is used, for want of a project file.
    home : Path
        Folder of ``.budget`` and of the default output.
    command : tuple of str
        The command line, for the manifest.
    """

    loaded: LoadedProject
    demo: bool
    home: Path
    command: tuple[str, ...] = field(default=())

    def out(self, given: Path | None) -> Path:
        """The output folder: the one given, else ``plans/<quarter>`` beside the project."""
        return given or self.home / "plans" / quarter_of(plan_weeks(self.loaded)).replace(" ", "")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model as it is stored."""

    folder: Path
    document: dict[str, Any]
    curves: ResponseCurves
    reused: bool


def open_session(config: Path | None, total: str | None = None, command: Sequence[str] = ()) -> Session:
    """Find and read the project."""
    path, demo = find_config(config)
    loaded = load_project(path, total=total)
    return Session(loaded, demo, Path.cwd() if demo else loaded.folder, tuple(command))


def plan_weeks(loaded: LoadedProject) -> tuple[date, ...]:
    """The Mondays to plan."""
    plan = loaded.project.plan
    if plan.quarter:
        return quarter_weeks(plan.quarter)
    if plan.start is None:
        where = f"{loaded.path.name}, plan"
        raise InputError([Problem("nothing says when the plan begins", where, cure="Give plan.quarter or plan.start.")])
    return week_range(plan.start, plan.weeks)


def data_files(loaded: LoadedProject) -> tuple[Path, ...]:
    """The files that hold the data, lift tests included."""
    file, tests = loaded.project.data.file, loaded.project.lift_tests
    names = (file.outcome, file.spend) if isinstance(file, SplitFiles) else (file,)
    found = tuple(loaded.data_folder / name for name in names)
    return found if tests is None else (*found, loaded.lift_folder / tests)


def input_files(loaded: LoadedProject) -> tuple[Path, ...]:
    """All that a run reads beside the project files: data, lift tests, and a calendar of the project's own."""
    calendar = calendar_file(loaded)
    own = calendar is not None and loaded.project.calendar not in SHIPPED
    return (*data_files(loaded), calendar) if own and calendar is not None else data_files(loaded)


def project_calendar(loaded: LoadedProject) -> Calendar:
    """The project's peaks, as they fall into the weeks of its data."""
    project = loaded.project
    return read_calendar(project.calendar, loaded.calendar_folder, project.data.week_starts)


def calendar_file(loaded: LoadedProject) -> Path | None:
    """The file of the calendar; None without one."""
    name = loaded.project.calendar
    if name == "none":
        return None
    shipped = Path(str(files("configs") / "calendars" / f"{name}.yaml"))
    return shipped if shipped.is_file() else loaded.calendar_folder / name


@dataclass(frozen=True, slots=True)
class Data:
    """What the data files, the calendar and the lift tests hold, and the seconds it took to read them."""

    panel: Panel
    calendar: Calendar
    lift_tests: tuple[LiftTest, ...]
    seconds: float


def read_data(loaded: LoadedProject, progress: Progress) -> Data:
    """Read the panel and the calendar, whose problems come together, and then the lift tests on that panel."""
    from mmm.lift import read_lift_tests
    from mmm.panel import read_panel

    progress.stage("read")
    began = time.perf_counter()
    found: list[Any] = []
    problems: list[Problem] = []
    project = loaded.project
    for read in (
        lambda: read_panel(project.data, project.channels, loaded.data_folder),
        lambda: project_calendar(loaded),
    ):
        try:
            found.append(read())
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    panel, calendar = found
    if panel.left_out:
        from reports.words import say

        progress.say(say(progress.lang, "data.left_out", days=left_out(panel.left_out)))
    dates = dates_read(panel, project.data)
    if dates and "week_starts" not in project.data.model_fields_set:
        progress.say(dates.said(progress.lang))
    tests: tuple[LiftTest, ...] = ()
    if project.lift_tests is not None:
        tests = read_lift_tests(project.lift_tests, loaded.lift_folder, panel, project.data.week_starts)
    return Data(panel, calendar, tests, time.perf_counter() - began)


def fingerprint(loaded: LoadedProject) -> str:
    """Identity of data, model settings, calendar and versions."""
    present = [path for path in data_files(loaded) if path.is_file()]
    return fit_fingerprint(loaded.project, present, calendar_file(loaded))


def ensure_fit(
    session: Session, progress: Progress, data: Data | None = None, *, accept_failed: bool = False
) -> Fitted:
    """The stored fit that matches data and settings, or a new one from ``data`` (read when absent).

    Raises
    ------
    ModelRejected
        The fit failed its gates and ``accept_failed`` is off.
    """
    fitted = stored_fit(session) or new_fit(session, progress, data)
    health = fitted.document["health"]
    if health["verdict"] == "FAIL" and not accept_failed:
        failed = [check for check in health["checks"] if check["verdict"] == "FAIL"]
        told = [HEALTH.read(check.get("message")) or check["sentence"] for check in failed]
        raise ModelRejected(tell("health.rejected", told=told))
    return fitted


def stored_fit(session: Session) -> Fitted | None:
    """The stored fit, when one matches and is intact."""
    if not all(path.is_file() for path in data_files(session.loaded)):
        return None
    folder = FitStore(session.home).find(fingerprint(session.loaded))
    return None if folder is None else _read_fit(folder, reused=True)


def _read_fit(folder: Path, *, reused: bool) -> Fitted:
    document = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    return Fitted(folder, document, load_curves(folder / "curves.npz"), reused)


def new_fit(session: Session, progress: Progress, data: Data | None = None) -> Fitted:
    """Read the data, fit, and store the result."""
    from mmm.fit import fit

    loaded, read = session.loaded, data or read_data(session.loaded, progress)
    panel, calendar = read.panel, read.calendar
    project, identity = loaded.project, fingerprint(loaded)
    result = fit(
        panel,
        project.channels,
        calendar,
        project.data.events,
        project.model,
        read.lift_tests,
        currency=project.currency,
        fingerprint=identity,
        on_stage=progress.stage,
        show_progress=progress.bar,
    )
    seconds = {"read": read.seconds} | result.document["seconds"]
    seconds["total"] += read.seconds
    labelled = [
        channel | {"label": project.channels[channel["name"]].label.model_dump(exclude_none=True)}
        for channel in result.document["channels"]
    ]
    document = result.document | {"channels": labelled, "seconds": seconds}

    def fill(folder: Path) -> None:
        write_atomically(folder / "curves.npz", result.curves.to_bytes())
        write_atomically(folder / "baseline.npz", result.baseline.to_bytes())
        write_atomically(folder / "fit.json", to_json(document))
        result.write_draws(folder / "fit.nc")

    return _read_fit(FitStore(session.home).publish(identity, fill), reused=False)


def to_json(document: object) -> str:
    """JSON text, keys in their order, Chinese as it is."""
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def write_fit(session: Session, fitted: Fitted, out: Path) -> tuple[str, ...]:
    """Copy a stored fit to the output folder, with its manifest."""
    about = _manifest(session, [fitted.folder / name for name in FIT_FILES])
    contents = {name: (fitted.folder / name).read_bytes() for name in FIT_FILES}
    with locked(session.home, out):
        write_together(out, contents | {"manifest.json": to_json(about).encode()})
    return (*FIT_FILES, "manifest.json")


def _manifest(session: Session, outputs: Sequence[Path]) -> dict[str, Any]:
    return manifest(
        session.loaded,
        command=session.command,
        data_files=input_files(session.loaded),
        fingerprint=fingerprint(session.loaded),
        outputs=outputs,
    )


def identities(loaded: LoadedProject, names: Sequence[str], prior_only: Sequence[bool]) -> list[Identity]:
    """What the project says of every line: ``names`` with a response in their order, then reserve lines.

    Raises
    ------
    InputError
        When a rule names a unit's line (``channel@unit``) that the data do not have.
    """
    from optimizer.problem import Identity

    project = loaded.project
    raise_findings(unit_findings(project, names), loaded.tree)
    found = []
    for name, prior in zip(names, prior_only, strict=True):
        channel, _, unit = name.partition("@")
        settings = project.channels[channel]
        label = {
            language: f"{text} {unit}".strip()
            for language, text in (("en", settings.label.en), ("zh", settings.label.zh))
            if text
        }
        facts = (settings.category, settings.groups, label, settings.weak_roi, settings.acquisitions_per_visit)
        found.append(Identity(name, *facts, prior_only=prior))
    for name, line in project.lines.items():
        label = {str(language): text for language, text in line.label.items()}
        found.append(Identity(name, line.category, line.groups, label, reserve=True))
    return found


def _history(curves: ResponseCurves) -> History:
    from optimizer.problem import History

    return History(curves.weeks, curves.spend, curves.visits, curves.attributed, curves.modelled)


def _total(loaded: LoadedProject) -> int:
    fen = total_fen(loaded.project.plan)
    if fen is None:
        where = f"{loaded.path.name}, plan.total"
        raise InputError([Problem("nothing says how much money to divide", where, cure="Give --total or plan.total.")])
    return fen


def rule_windows(loaded: LoadedProject, calendar: Calendar) -> dict[str, tuple[int, ...]]:
    """Positions of the plan's weeks that touch each calendar peak which a rule names.

    Raises
    ------
    InputError
        With every name that the calendar does not hold.
    """
    found: dict[str, tuple[int, ...]] = {}
    problems: list[Problem] = []
    for name in loaded.project.plan.windows:
        try:
            found[name] = window_weeks(calendar, name, plan_weeks(loaded))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return found


def rulebook_before_fit(loaded: LoadedProject, data: Data) -> Rulebook:
    """The rules on the lines' history, before there is a model."""
    from optimizer.problem import History, Rulebook, build_lines

    panel = data.panel
    several = len(panel.units) > 1
    names = [f"{c}@{u}" if several else c for u in panel.units for c in panel.channels]

    def flat(values: Any) -> Any:
        return values.transpose(1, 0, 2).reshape(len(panel.weeks), -1)

    history = History(panel.weeks, flat(panel.spend), flat(panel.visits), flat(panel.attributed), None)
    plan, weeks = loaded.project.plan, plan_weeks(loaded)
    who = identities(loaded, names, [False] * len(names))
    lines = build_lines(who, history, weeks, plan.rules)
    windows = rule_windows(loaded, data.calendar)
    return Rulebook(plan, lines, weeks, quarter_of(weeks), _total(loaded), loaded.project.currency, windows=windows)


def build_problem(loaded: LoadedProject, curves: ResponseCurves) -> PlanProblem:
    """The problem to solve: lines, rules, weeks and the response over them."""
    from optimizer.problem import PlanProblem, build_lines

    plan, weeks = loaded.project.plan, plan_weeks(loaded)
    if weeks[0] <= curves.weeks[0]:
        where = f"{loaded.path.name}, plan"
        week = curves.weeks[0].isoformat()
        cure = fault("The data begin with the week of {week}; plan a later time.", week=week)
        raise InputError([Problem("the plan begins before the data", where, str(weeks[0]), cure)])
    lines = build_lines(identities(loaded, curves.names, curves.prior_only), _history(curves), weeks, plan.rules)
    calendar = project_calendar(loaded)
    curves, calendar = shocked(curves, plan.shocks), strengthened(calendar, plan.peaks)
    span = week_range(weeks[0], len(weeks) + curves.max_lag)
    goes_on = np.array([line.reference.mean() for line in lines if not line.reserve])
    response = curves.over(weeks, intensity(calendar, span), goes_on)
    facts = (plan, lines, weeks, quarter_of(weeks), _total(loaded), loaded.project.currency)
    return PlanProblem(*facts, response, windows=rule_windows(loaded, calendar))


def plan_notes(session: Session, fitted: Fitted) -> list[str]:
    """Sentences that every plan of this project carries."""
    from optimizer.sentences import tell

    notes: list[str] = [session.loaded.project.note] if session.loaded.project.note else []
    notes.append(tell("note.expected"))
    if fitted.document["health"]["verdict"] == "FAIL":
        notes.insert(0, tell("note.failed"))
    return notes


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who made a version of the budget, from which, and why; empty where nobody said."""

    author: str = ""
    note: str = ""
    parent: str = ""


def write_plan(
    session: Session, plan: Plan, fitted: Fitted, out: Path, lang: Lang, who: Authorship | None = None
) -> dict[str, Any]:
    """Write every file of a plan, each whole or not at all, and record the version; returns plan.json's document."""
    from budget.versions import record_version

    # Everything is made before anything is written: an interrupted run leaves an older plan as it was. The manifest
    # comes last, so that a folder whose files do not match it was not finished, and budget verify says so.
    document, about, contents = plan_contents(session, plan, fitted, lang, who)
    with locked(session.home, out):
        write_together(out, contents | {"manifest.json": to_json(about).encode()})
        record_version(session.home, document, about, {name: contents[name] for name in ("plan.json", "plan.csv")})
    return document


def plan_contents(
    session: Session, plan: Plan, fitted: Fitted, lang: Lang, who: Authorship | None = None
) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    """Documents of plan.json and manifest.json, and the bytes of every other file by its name."""
    from optimizer.assemble import followed
    from optimizer.outlook import outlook
    from optimizer.workings import workings
    from reports.documents import plan_csv, plan_document
    from reports.page import render_page
    from reports.workbook import write_workbook

    document = plan_document(plan, fitted.document["health"], fitted.document["fingerprint"], PLAN_FILES)
    about = _manifest(session, [])
    about["run_id"] = run_id(document)
    written = asdict(who or Authorship())
    document |= {"id": about["run_id"]} | written
    about |= written
    problem = followed(build_problem(session.loaded, fitted.curves), plan)
    work = workings(problem, [line.weekly_fen for line in plan.lines])
    book = BytesIO()
    write_workbook(plan, work, fitted.document, about, book, lang)
    calendar = project_calendar(session.loaded)
    page = render_page(plan, outlook(problem, plan, calendar), fitted.document, about, lang)
    contents: dict[str, bytes] = {
        "plan.xlsx": book.getvalue(),  # first: a workbook that is open in Excel refuses before anything else changes
        "plan.json": to_json(document).encode(),
        "plan.csv": plan_csv(plan).encode(),
        "plan.html": page.encode(),
    }
    about["outputs"] = [{"name": name, "sha256": sha256(content).hexdigest()} for name, content in contents.items()]
    return document, about, contents


def run_id(document: dict[str, Any]) -> str:
    """Identity of a plan by its content, the time it took left out: the same plan has the same id."""
    proof = {key: value for key, value in (document.get("proof") or {}).items() if key != "seconds"}
    text = json.dumps(document | {"proof": proof}, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:12]


def copy_demo(folder: Path) -> None:
    """Copy the demo project into a new or empty folder."""
    refuse_used(folder)
    for path in sorted(demo_folder().iterdir()):
        if path.is_file():
            write_atomically(folder / path.name, path.read_bytes())


def refuse_used(folder: Path) -> None:
    """A new project may not mix with what is there."""
    cure = "Name a new or an empty folder; nothing was written."
    if folder.exists() and not folder.is_dir():
        raise InputError([Problem("this is a file, not a folder", str(folder), cure=cure)])
    if folder.exists() and any(folder.iterdir()):
        raise InputError([Problem("the folder is not empty", str(folder), cure=cure)])


def rules_clash(session: Session, data: Data) -> Plan | None:
    """The infeasible plan, when the rules clash whatever the response; None when they can hold."""
    from optimizer.assemble import rules_can_hold

    return rules_can_hold(rulebook_before_fit(session.loaded, data))


def check(session: Session, progress: Progress) -> tuple[dict[str, Any], Plan | None]:
    """Facts of data and project, and the clash of its rules, if any."""
    from optimizer.assemble import rules_can_hold
    from optimizer.sentences import tell

    data = read_data(session.loaded, progress)
    panel, calendar = data.panel, data.calendar
    rulebook = rulebook_before_fit(session.loaded, data)
    spend = panel.spend.sum(axis=(0, 1))
    facts = {
        "project": session.loaded.path.name,
        "weeks": tell("fact.weeks", first=str(panel.weeks[0]), last=str(panel.weeks[-1]), count=len(panel.weeks)),
        **({"left_out": left_out(panel.left_out)} if panel.left_out else {}),
        **({"dates": dates} if (dates := dates_read(panel, session.loaded.project.data)) else {}),
        "units": ", ".join(panel.units),
        "channels": ", ".join(panel.channels),
        "spend": {name: round(float(amount), 2) for name, amount in zip(panel.channels, spend, strict=True)},
        "kpi": round(float((panel.kpi * panel.value_per_kpi).sum()), 2),
        "controls": ", ".join(panel.controls) or tell("fact.none"),
        "calendar": tell("fact.calendar", name=session.loaded.project.calendar, count=len(calendar.peaks)),
        "plan": f"{rulebook.quarter}, {rulebook.total:,.2f} {rulebook.currency}",
        "rules": len(rulebook.settings.constraints) + len(rulebook.settings.rules),
        "lift_tests": len(data.lift_tests),
        "believed": _believed(session, data),
        "fitted": tell("fact.yes" if stored_fit(session) else "fact.no"),
        "verdict": tell("fact.verdict"),
    }
    return facts, rules_can_hold(rulebook)


def left_out(spans: Sequence[tuple[date, date]]) -> str:
    """The days of incomplete weeks that daily data had at their ends."""
    return ", ".join(f"{first} to {last}" for first, last in spans)


def _believed(session: Session, data: Data) -> dict[str, Any]:
    """What the model believes of the channels before it has seen the KPI move."""
    from mmm.believed import believed
    from mmm.model import prepare

    project = session.loaded.project
    panel, calendar = data.panel, data.calendar
    return believed(prepare(panel, project.channels, calendar, project.data.events, project.model, data.lift_tests))


def solve(
    session: Session,
    fitted: Fitted,
    *,
    gap: float,
    seconds: float,
    held: Mapping[tuple[int, int], int] | None = None,
    on_round: Callable[[int, float], None] = lambda _round, _gap: None,
) -> Plan:
    """The plan of a fitted project; ``held`` are cells (line, week) to keep, in fen."""
    from optimizer.assemble import make_plan
    from optimizer.planner import SolveOptions
    from optimizer.sentences import tell

    problem = replace(build_problem(session.loaded, fitted.curves), held=dict(held or {}))
    notes = plan_notes(session, fitted)
    if held:
        notes.append(tell("note.held", count=len(held)))
    return make_plan(problem, SolveOptions(gap=gap, seconds=seconds), on_round, notes)


def evaluate(session: Session, fitted: Fitted, plan_file: Path, out: Path) -> dict[str, Any]:
    """Score a given plan and list the rules it breaks; writes evaluation.json."""
    from budget.plan_files import read_plan
    from optimizer.assemble import evaluate_plan
    from optimizer.sentences import tell
    from reports.documents import evaluation_document

    loaded, changes = with_inputs_of(session.loaded, plan_file)
    problem = build_problem(loaded, fitted.curves)
    fen = read_plan(plan_file, [line.name for line in problem.lines], problem.weeks)
    notes = [*plan_notes(session, fitted), *(tell("note.inputs", change=change.told()) for change in changes)]
    evaluation = evaluate_plan(problem, np.array(fen, dtype=np.int64), notes)
    identity = fitted.document["fingerprint"]
    document = evaluation_document(evaluation, fitted.document["health"], identity, plan_file.name)
    document["inputs_changed"] = [{"key": change.key, "value": change.value} for change in changes]
    write_atomically(out / "evaluation.json", to_json(document))
    return document


@dataclass(frozen=True, slots=True)
class Edits:
    """What somebody changed in a planning workbook.

    Attributes
    ----------
    parent : str
        Id of the plan it was written for.
    held : mapping of (line, week) to int
        Fen of the edited cells.
    cells : tuple of mapping
        The same in words: line, label, week, from, to.
    changes : tuple of Change
        Of the total and the rules' numbers.
    """

    parent: str
    held: Mapping[tuple[int, int], int]
    cells: tuple[Mapping[str, Any], ...]
    changes: tuple[Change, ...]


def read_edits(session: Session, fitted: Fitted, plan_file: Path) -> tuple[Session, Edits]:
    """Read an edited workbook; returns the session with its inputs, and what was edited."""
    from budget.plan_files import read_edited

    problem = build_problem(session.loaded, fitted.curves)
    names = [line.name for line in problem.lines]
    book = read_edited(plan_file, names, problem.weeks)
    loaded, changes = with_inputs_of(session.loaded, plan_file)
    cells = tuple(
        {
            "line": names[i],
            "label": dict(problem.lines[i].label),
            "week": str(problem.weeks[t]),
            "from": book.solver[i][t] / 100,
            "to": fen / 100,
        }
        for (i, t), fen in book.edited.items()
    )
    return replace(session, loaded=loaded), Edits(book.run_id, book.edited, cells, changes)


def with_inputs_of(loaded: LoadedProject, plan_file: Path) -> tuple[LoadedProject, tuple[Change, ...]]:
    """The project with the total and the rules' numbers of an edited workbook, and what that changes.

    ``--total`` comes before the workbook's own; other kinds of file change nothing.
    """
    from budget.changes import apply_changes, changed_inputs
    from budget.plan_files import book_identity, read_inputs

    if plan_file.suffix.lower() != ".xlsx":
        return loaded, ()
    book_identity(plan_file)
    changes = changed_inputs(loaded, read_inputs(plan_file))
    if loaded.total_given:
        changes = tuple(change for change in changes if change.path != ("plan", "total"))
    return (apply_changes(loaded, changes, plan_file.name) if changes else loaded), changes


def simulate_market(folder: Path, *, seed: int, weeks: int, channels: int, demo: bool) -> dict[str, Any]:
    """Write a market with known truth and a project file that plans it."""
    from mmm.simulate import demo_market, random_market, simulate, truth, write_market

    if demo:
        copy_demo(folder)
        return truth(simulate(demo_market()))
    refuse_used(folder)
    market = random_market(seed, weeks=weeks, channels=channels)
    simulated = simulate(market)
    write_atomically(folder / "budget.yaml", market_project(market))  # makes the folder, or says why it cannot
    write_market(simulated, folder)
    return truth(simulated)


def market_project(market: Any) -> str:
    """A project file for a simulated market: last year's money, half to double of each channel."""
    from io import StringIO

    from ruamel.yaml import YAML

    last_year = float(market.spend[-52:-39].sum())
    project = {
        "note": f"Simulated data (budget simulate --seed {market.seed}); truth.json holds the truth.",
        "currency": "CNY",
        "data": {"file": "data.csv", "week": "week", "kpi": "gmv", "controls": ["control"]},
        "channels": {channel.name: {"spend": f"{channel.name}_spend"} for channel in market.channels},
        "plan": {
            "total": round(last_year, 2),
            "start": week_range(market.weeks[-1], 2)[1],
            "weeks": 13,
            "constraints": [
                {
                    "kind": "bounds",
                    "name": "half to double of last year",
                    "relative_to": "history",
                    "min": 0.5,
                    "max": 2.0,
                }
            ],
        },
    }
    out = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    setattr(yaml, "sort_base_mapping_type_on_output", False)  # noqa: B010 - untyped in the library
    yaml.dump(project, out)
    return out.getvalue()
