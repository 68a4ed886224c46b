"""The weekly review as a run: plan and ledger in, one week decided, everything on record. Prints nothing."""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from budget.ledger import Entry, Kind, Ledger, entry_of
from budget.plan_files import read_plan
from budget.runs import Fitted, Progress, Session, build_problem, read_data, to_json
from budget.store import write_together
from mmm.actuals import Actuals, from_document, read_actuals
from mmm.calendar import week_of
from mmm.faults import fault
from mmm.problems import InputError, Problem

if TYPE_CHECKING:
    from mmm.calendar import Calendar
    from mmm.expectation import Baseline
    from mmm.panel import Panel
    from optimizer.problem import PlanProblem
    from optimizer.standing import Figures, Paid, Waiver
    from optimizer.surprise import Outlook
    from reports.words import Lang

Fen = npt.NDArray[np.int64]
Document = dict[str, Any]

FILES = ("review.json", "review.xlsx", "review.html")


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks of a review.

    Attributes
    ----------
    actuals : Path
    week : date
        Any day of the week.
    who, why : str
        Who decides; a reason, needed to decide against the rules.
    force : str or None
        ``keep`` the plan or ``replan``, whatever the verdict.
    waive : tuple of str
        Lines that are not cut, whatever the rule says.
    plan : Path or None
        The plan to begin from; plan.json of the output folder when absent.
    record : bool
        Keep the decision in the ledger; off to look only.
    seconds, wait : float
        To search for a plan, and to wait for another review to end.
    """

    actuals: Path
    week: date
    who: str = ""
    why: str = ""
    force: Literal["keep", "replan"] | None = None
    waive: tuple[str, ...] = ()
    plan: Path | None = None
    record: bool = True
    seconds: float = 60.0
    wait: float = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A review and where it is kept: ``entry`` is the ledger's, None when it was not recorded."""

    document: Document
    entry: Entry | None
    stored: bool
    files: tuple[Path, ...] = field(default=())


def ledger_of(session: Session, quarter: str) -> Ledger:
    """The ledger of a quarter, beside the project."""
    return Ledger(session.home / "ledger", quarter.replace(" ", ""))


def review(session: Session, fitted: Fitted, order: Order, out: Path, lang: Lang, progress: Progress) -> Outcome:
    """Decide a week, or give back what was decided; writes review.json, review.xlsx and review.html.

    Raises
    ------
    InputError
        When the figures, the plan or the week cannot be used, a reason is missing, or another review is under way.
    LedgerBroken
        When the ledger is not as it was written.
    """
    problem = build_problem(session.loaded, fitted.curves)
    week = _position(problem, order.week, session.loaded.project.data.week_starts)
    ledger = ledger_of(session, problem.quarter)
    with ledger.locked(order.wait):
        entries = ledger.entries()
        start = _start(problem, entries, order.plan or out / "plan.json")
        problem = replace(problem, total_fen=start.total_fen)
        quarter = _Quarter(session, problem, entries, start, order, week)
        stored = quarter.stored()
        if stored is not None:
            document = stored.review | {"notes": [*stored.review["notes"], _note("stored", number=stored.number)]}
            return _written(Outcome(document, stored, stored=True), out, lang)
        document, entry = quarter.decided(_outlook(session, fitted, problem, progress), progress)
        placed = ledger.append(entry) if order.record else None
        return _written(Outcome(document, placed, stored=False), out, lang)


def _position(problem: PlanProblem, day: date, starts: str) -> int:
    """The week's place in the quarter."""
    week = week_of(day, starts)
    if week not in problem.weeks:
        ends = {"first": f"{problem.weeks[0]}", "last": f"{problem.weeks[-1]}"}
        cure = fault("The plan's weeks are the Mondays from {first} to {last}.", **ends)
        raise InputError([Problem("the week is not one of the plan's", "--week", day.isoformat(), cure)])
    return problem.weeks.index(week)


# Where the quarter began ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Start:
    """The plan that the quarter's reviews begin from."""

    plan_id: str
    total_fen: int
    weekly: Fen
    other: bool = False


def _start(problem: PlanProblem, entries: Sequence[Entry], path: Path) -> _Start:
    """The plan of the first entry; before there is one, that of the file."""
    if not entries:
        return _plan_of(problem, path)
    first = entries[0]
    begun = _Start(first.plan_id, int(first.decision["start_total_fen"]), _grid(problem, first.decision["start_fen"]))
    if path.name.endswith(".json") and path.is_file():
        begun = replace(begun, other=_json(path).get("id") != first.plan_id)
    return begun


def _plan_of(problem: PlanProblem, path: Path) -> _Start:
    """Read the plan to begin from: plan.json, or a plan in CSV or our workbook."""
    if path.suffix.lower() != ".json":
        weekly = np.array(read_plan(path, [line.name for line in problem.lines], problem.weeks), dtype=np.int64)
        identity = hashlib.sha256(weekly.tobytes()).hexdigest()[:12]
        return _Start(identity, int(weekly.sum()), weekly)
    if not path.is_file():
        cure = "Run budget plan first, or name the plan with --plan."
        raise InputError([Problem("there is no plan to review", path.name, "", cure)])
    document = _json(path)
    try:
        weekly = _grid(problem, {line["name"]: [round(100 * x) for x in line["weekly"]] for line in document["lines"]})
        if tuple(document["weeks"]) != tuple(week.isoformat() for week in problem.weeks):
            raise ValueError("its weeks are not the project's")  # noqa: TRY301 - joins the other faults
        return _Start(str(document["id"]), round(100 * document["total"]), weekly)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        cure = "Run budget plan again, or name the plan with --plan."
        raise InputError([Problem("the plan does not fit the project", path.name, str(error), cure)]) from error


def _json(path: Path) -> Document:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        cure = "Run budget plan again, or name the plan with --plan."
        raise InputError([Problem("the plan cannot be read", path.name, str(error), cure)]) from error
    return found if isinstance(found, dict) else {}


def _grid(problem: PlanProblem, by_line: Mapping[str, Sequence[int]]) -> Fen:
    """Fen by line and week in the problem's order."""
    names = [line.name for line in problem.lines]
    if set(names) != set(by_line):
        cure = "Reviews go on with the lines they began with; plan another quarter with the new ones."
        odd = ", ".join(sorted(set(names) ^ set(by_line)))
        raise InputError([Problem("the project's lines are not those of the plan under review", "plan", odd, cure)])
    return np.array([by_line[name] for name in names], dtype=np.int64)


# The decision ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Quarter:
    """The quarter as the ledger tells it, and the week that is asked for."""

    session: Session
    problem: PlanProblem
    entries: tuple[Entry, ...]
    start: _Start
    order: Order
    week: int

    @property
    def names(self) -> list[str]:
        """Lines."""
        return [line.name for line in self.problem.lines]

    @property
    def _overrides(self) -> bool:
        return self.order.force is not None or bool(self.order.waive)

    def figures_by_week(self) -> dict[int, Actuals]:
        """The latest figures of every week in the ledger."""
        weeks = [week.isoformat() for week in self.problem.weeks]
        return {weeks.index(entry.week): from_document(entry.decision["figures"]) for entry in self.entries}

    def actuals(self) -> Actuals:
        """The figures in the file."""
        project = self.session.loaded.project
        return read_actuals(
            self.order.actuals,
            self.problem.weeks[self.week],
            {line.name: tuple(line.label.values()) for line in self.problem.lines},
            [line.name for line in self.problem.lines if line.reserve],
            project.channels,
            project.data,
        )

    def latest(self) -> Entry | None:
        """The last entry of the week that is asked for."""
        week = self.problem.weeks[self.week].isoformat()
        return next((entry for entry in reversed(self.entries) if entry.week == week), None)

    def stored(self) -> Entry | None:
        """What was decided of the week on the same figures; None when there is something to decide."""
        latest = self.latest()
        if latest is None or latest.actuals != self.actuals().fingerprint:
            return None
        return latest if not self._overrides or self._says_the_same(latest) else None

    def _says_the_same(self, entry: Entry) -> bool:
        """Whether what is asked for now was decided in an entry, for the same reason."""
        waived = {(one["line"], one["week"]) for one in entry.decision["waived"]}
        week = self.problem.weeks[self.week].isoformat()
        asked = {(line, week) for line in self.order.waive}
        return (entry.decision["forced"], entry.why) == (self.order.force, self.order.why) and asked <= waived

    def kind(self, actuals: Actuals) -> Kind:
        """What kind of entry this will be."""
        latest = self.latest()
        if latest is not None:
            return "override" if latest.actuals == actuals.fingerprint else "correction"
        return "late" if self.week < self._last() else "review"

    def _last(self) -> int:
        """The last decided week, this review's included."""
        decided = [int(entry.decision["decided"]) - 1 for entry in self.entries]
        return max([self.week, *decided])

    def before(self) -> Entry | None:
        """The entry whose decision was in force when the last decided week came: later ones are taken anew."""
        last = self._last()
        return next((one for one in reversed(self.entries) if int(one.decision["decided"]) <= last), None)

    def decided(self, outlook: Outlook | None, progress: Progress) -> tuple[Document, Entry]:
        """Decide, and make the entry."""
        from optimizer.planner import SolveOptions
        from optimizer.replan import Request
        from optimizer.review import review as reviewed
        from reports.review_documents import Circumstances, review_document

        self._refuse_unreasoned()
        actuals = self.actuals()
        figures = self.figures(actuals)
        progress.stage("solve")
        request = Request(self.week, self.order.force, SolveOptions(seconds=self.order.seconds))
        found = reviewed(self.problem, figures, request, outlook)
        kind, who = self.kind(actuals), self.order.who or getpass.getuser()
        superseded = next((one.number for one in reversed(self.entries) if self._is_redone(one)), None)
        about = Circumstances(
            self.start.plan_id,
            kind,
            superseded,
            tuple(self._notes(kind, figures, found, actuals)),
            who,
            self.order.why,
        )
        document = review_document(found, self.problem, about)
        decision = self._decision(actuals, figures, found)
        facts = {"plan_id": self.start.plan_id, "actuals": actuals.fingerprint, "who": who, "why": self.order.why}
        week = self.problem.weeks[self.week]
        return document, entry_of(kind, week, **facts, decision=decision, review=document)

    def _is_redone(self, entry: Entry) -> bool:
        return int(entry.decision["decided"]) - 1 == self._last()

    def _refuse_unreasoned(self) -> None:
        if self._overrides and not self.order.why.strip():
            cure = "Say why with --reason; it is kept in the ledger."
            raise InputError([Problem("deciding against the rules needs a reason", "--reason", "", cure)])
        unknown = [name for name in self.order.waive if name not in self.names]
        if unknown:
            cure = fault("The lines are: {names}.", names=list(self.names))
            raise InputError([Problem("there is no such line", "--waive", ", ".join(unknown), cure)])

    def figures(self, actuals: Actuals) -> Figures:
        """Everything known of the quarter with this week's figures."""
        from optimizer.standing import Figures

        known = self.figures_by_week() | {self.week: actuals}
        decided, before = self._last() + 1, self.before()
        planned, in_force = self.start.weekly.copy(), self.start.weekly
        if before is not None:
            in_force = _grid(self.problem, before.decision["weekly_fen"])
            planned = _grid(self.problem, before.decision["planned_fen"])
            reviewed = int(before.decision["decided"])
            planned[:, reviewed:] = in_force[:, reviewed:]
        spent = planned[:, :decided].copy()
        shape = (len(self.names), decided)
        visits, attributed, gmv = np.full(shape, np.nan), np.full(shape, np.nan), np.full(decided, np.nan)
        for week, one in known.items():
            gmv[week] = one.gmv
            for index, name in enumerate(self.names):
                spent[index, week] = one.spend_fen.get(name, planned[index, week])
                visits[index, week] = one.visits.get(name, np.nan)
                attributed[index, week] = one.attributed.get(name, np.nan)
        flags = np.array([week in known for week in range(decided)], dtype=np.bool_)
        paid, waived = self._paid(before), self._waived()
        return Figures(decided, flags, spent, planned, in_force, visits, attributed, gmv, paid, waived)

    def _paid(self, before: Entry | None) -> tuple[Paid, ...]:
        from optimizer.standing import Paid

        kept = () if before is None else before.decision["paid"]
        return tuple(
            Paid(
                one["rule"],
                one["line"],
                date.fromisoformat(one["week"]),
                one["fen"],
                tuple(map(tuple, one["reserves"])),
            )
            for one in kept
        )

    def _waived(self) -> tuple[Waiver, ...]:
        """Cuts that were waived so far, and now: of the week asked for, by every weak-ROI rule."""
        from optimizer.standing import Waiver

        kept = self.entries[-1].decision["waived"] if self.entries else ()
        old = tuple(Waiver(one["rule"], one["line"], date.fromisoformat(one["week"])) for one in kept)
        week = self.problem.weeks[self.week]
        new = tuple(Waiver(rule.name, line, week) for rule in self.problem.settings.cuts for line in self.order.waive)
        return tuple(dict.fromkeys((*old, *new)))

    def _decision(self, actuals: Actuals, figures: Figures, found: Any) -> Document:
        def by_line(grid: Fen) -> dict[str, list[int]]:
            return {name: [int(fen) for fen in row] for name, row in zip(self.names, grid, strict=True)}

        return {
            "as_of": self.problem.weeks[figures.decided - 1].isoformat(),
            "decided": figures.decided,
            "figures": actuals.document(),
            "start_total_fen": self.start.total_fen,
            "start_fen": by_line(self.start.weekly),
            "planned_fen": by_line(figures.planned),
            "weekly_fen": by_line(found.weekly_fen),
            "total_fen": found.total_fen,
            "verdict": found.verdict,
            "forced": self.order.force,
            "fired": [[action.rule, action.kind, action.line] for action in found.fired],
            "paid": [_plain(one) for one in (*figures.paid, *found.paid)],
            "waived": [_plain(one) for one in figures.waived],
        }

    def _notes(self, kind: Kind, figures: Figures, found: Any, actuals: Actuals) -> list[tuple[str, Document]]:
        weeks = self.problem.weeks
        notes: list[tuple[str, Document]] = []
        latest = self.latest()
        if kind == "correction" and latest is not None:
            notes.append(("correction", {"number": latest.number}))
        if kind == "late":
            notes.append(("late", {"as_of": found.as_of.isoformat()}))
        missing = [weeks[t].isoformat() for t in range(figures.decided) if not figures.known[t]]
        if missing:
            notes.append(("missing", {"weeks": ", ".join(missing)}))
        planned = [line.name for line in self.problem.lines if line.name not in actuals.spend_fen]
        if planned:
            notes.append(("reserve_as_planned", {"lines": planned}))
        left = (found.total_fen - int(found.weekly_fen.sum())) / 100
        if left < 0:
            notes.append(("overspent", {"over": -left}))
        elif left > 0:
            notes.append(("unspent", {"left": left}))
        notes += [("waived", {"line": one.line, "week": one.week.isoformat()}) for one in figures.waived]
        if found.verdict == "refit":
            notes.append(("refit", {}))
        if self.start.other:
            notes.append(("other_plan", {}))
        return notes


def _plain(value: Any) -> Document:
    return {key: each.isoformat() if isinstance(each, date) else each for key, each in asdict(value).items()}


def _note(code: str, **facts: Any) -> Document:
    return {"code": code, "facts": facts}


def _outlook(session: Session, fitted: Fitted, problem: PlanProblem, progress: Progress) -> Outlook | None:
    """What the market does beside media; None where history is too short to tell.

    A fit that keeps its baseline's draws is asked; otherwise last year is, with the error it had before.
    """
    from optimizer.surprise import Outlook

    data = read_data(session.loaded, progress)
    stored = fitted.folder / "baseline.npz"
    if stored.is_file():
        return _fitted_outlook(session, stored, problem, data.calendar)
    found = _last_year(fitted, problem, data.panel)
    if found is None:
        return None
    expected = [found.expected(week) for week in problem.weeks]
    baseline = np.array([np.nan if value is None else value for value in expected])

    def noise(weeks: Sequence[int]) -> float:
        return float(baseline[list(weeks)].sum()) * found.relative_sd(len(weeks))

    return Outlook(baseline[None], noise)


def _fitted_outlook(session: Session, stored: Path, problem: PlanProblem, calendar: Calendar) -> Outlook:
    """The model's own baseline, controls at their usual level."""
    from mmm.forecast import baseline_ahead, load_baseline
    from optimizer.surprise import Outlook

    kept = load_baseline(stored)
    rng = np.random.default_rng([session.loaded.project.model.seed, 19])
    ahead = baseline_ahead(kept, problem.weeks, calendar, session.loaded.project.data.events, None, rng)
    value = kept.value_per_kpi[:, None]
    per_week = float(np.sqrt(((kept.sigma * kept.kpi_mean * kept.value_per_kpi) ** 2).sum(axis=1).mean()))
    return Outlook(
        (ahead * value).sum(axis=1),
        lambda weeks: per_week * float(np.sqrt(len(weeks))),
    )


def _last_year(fitted: Fitted, problem: PlanProblem, panel: Panel) -> Baseline | None:
    from mmm.expectation import baseline_of

    keep = [t for t, week in enumerate(panel.weeks) if week < problem.weeks[0] and week in fitted.curves.weeks]
    weeks = [panel.weeks[t] for t in keep]
    rows = [fitted.curves.weeks.index(week) for week in weeks]
    kpi = (panel.kpi * panel.value_per_kpi).sum(axis=0)[keep]
    return baseline_of(weeks, kpi, fitted.curves.modelled[rows].sum(axis=1))


# Files ----------------------------------------------------------------------------------------------------------------


def _written(outcome: Outcome, out: Path, lang: Lang) -> Outcome:
    """Write the review's files, each whole or not at all."""
    from reports.review_book import review_workbook
    from reports.review_documents import said
    from reports.review_page import render_review

    entry = outcome.entry
    about = (
        None if entry is None else {"number": entry.number, "kind": entry.kind, "time": entry.time, "seal": entry.seal}
    )
    document = said(outcome.document, lang) | {"ledger": about}
    book, page = review_workbook(document, lang), render_review(document, lang)
    # The workbook first: one that is open in Excel refuses before anything else changes.
    write_together(out, {"review.xlsx": book, "review.json": to_json(document), "review.html": page})
    return replace(outcome, document=document, files=tuple(out / name for name in FILES))


def ledger_document(session: Session) -> Document:
    """The ledger's entries in short, and whether it is as it was written."""
    from budget.runs import plan_weeks
    from mmm.calendar import quarter_of

    ledger = ledger_of(session, quarter_of(plan_weeks(session.loaded)))
    entries, problems = ledger.verify()
    return {
        "file": ledger.path.name,
        "quarter": ledger.quarter,
        "intact": not problems,
        "problems": [{"what": one.what, "where": one.where, "value": one.value, "cure": one.cure} for one in problems],
        "entries": [_short(entry) for entry in entries],
    }


def _short(entry: Entry) -> Document:
    head = {key: getattr(entry, key) for key in ("number", "kind", "week", "time", "plan_id", "actuals", "who", "why")}
    decision = {key: entry.decision.get(key) for key in ("as_of", "verdict", "forced", "fired", "waived")}
    total = entry.decision.get("total_fen")
    return head | decision | {"total": None if total is None else total / 100, "seal": entry.seal}
