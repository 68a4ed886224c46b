"""The what-if desk: a fitted project's plan that a person edits, and what comes of it. Knows nothing of the web.

Nothing is written: what is worth keeping is downloaded as a workbook, which ``budget evaluate`` and ``budget plan
--from`` read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from budget.changes import Change, apply_changes, parse_key, value_at
from budget.money import parse_money
from budget.runs import Fitted, Session, build_problem, plan_contents, plan_notes
from budget.scenarios import read_share
from mmm.calendar import read_calendar
from mmm.problems import InputError, Problem
from optimizer.assemble import make_plan, score
from optimizer.outlook import outlook
from optimizer.planner import SolveOptions
from optimizer.rounding import proportional_fen
from optimizer.whatif import Outcome, difference, solve_scenario
from reports.desk import DeskView, Lever, Variant, fen_words
from reports.words import Lang, gap_words, plain, say
from reports.workbook.model import RuleField, rule_fields

if TYPE_CHECKING:
    from optimizer.plan import Plan
    from optimizer.problem import PlanProblem

MOST_KEPT = 12
MOST_UNDONE = 200
TOTAL = "plan.total"
TOTAL_REACH = (0.5, 1.5)  # of the project's total: the ends of its slider

Fen = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a person has made of the plan so far.

    Attributes
    ----------
    fen : tuple (line, week)
    edited : set of (line, week)
        Cells that were changed by hand since the plan was solved or opened.
    changes : mapping of key to Change
        Of the project, by the key that ``budget whatif --set`` knows.
    """

    fen: Fen
    edited: frozenset[tuple[int, int]] = frozenset()
    changes: Mapping[str, Change] = field(default_factory=dict)


class Desk:
    """One person's session with a fitted project.

    Parameters
    ----------
    session : Session
    fitted : Fitted
    lang : {"en", "zh"}
    options : SolveOptions

    Raises
    ------
    InputError, TimeLimitReached
        As planning the project does; ``clash`` of the view says when no plan can obey the rules.
    """

    def __init__(self, session: Session, fitted: Fitted, lang: Lang, options: SolveOptions | None = None) -> None:
        self._session, self._fitted, self._lang = session, fitted, lang
        self._options = options or SolveOptions()
        self.base = solve_scenario("base", build_problem(session.loaded, fitted.curves), self._options)
        self._fields = tuple(rule_fields(session.loaded.project.plan))
        self._sheet = Sheet(_grid(self.base.plan))
        self._solved: Plan | None = self.base.plan
        self._clash: Plan | None = None
        self._past: list[tuple[Sheet, Plan | None]] = []
        self._kept: dict[str, Variant] = {}

    # What a person does -----------------------------------------------------------------------------------------------

    def set_cell(self, line: int, week: int, text: str) -> str:
        """Put an amount into a cell; returns what to say."""
        fen = parse_money(text, self._where(line, week), zero=True)
        row = self._sheet.fen[line]
        self._edit(line, (*row[:week], fen, *row[week + 1 :]))
        return self._say("desk.said.edited")

    def set_line(self, line: int, text: str) -> str:
        """Give a line an amount; its weeks follow in proportion, evenly where it had nothing."""
        fen = parse_money(text, self._where(line), zero=True)
        self._edit(line, proportional_fen(np.array(self._sheet.fen[line], dtype=np.float64), fen).tolist())
        return self._say("desk.said.edited")

    def set_lever(self, place: str, text: str) -> str:
        """Change a number of the project, by the id of its field: ``total``, ``rule-3``, ``shock-2``."""
        change = self._change(place, text)
        changes = {key: one for key, one in self._sheet.changes.items() if key != change.key}
        if value_at(self._session.loaded, change.path) != change.value and (change.value or place[0] != "s"):
            changes[change.key] = change
        changed = replace(self._sheet, changes=changes)
        self._problem(changed)  # what the project refuses is refused before it is kept
        self._turn(changed, self._solved if changes == self._sheet.changes else None)
        return self._say("desk.said.edited")

    def solve(self) -> str:
        """Plan anew under the limits as they stand, edited cells held."""
        sheet = self._sheet
        found = make_plan(
            self._loose(sheet, held=True), self._options, notes=plan_notes(self._session, self._fitted), ranges=False
        )
        if not found.lines:
            self._clash = found
            return self._say("desk.said.clash")
        key = "desk.said.time" if found.status.word == "time_limit" else "desk.said.solved"
        self._turn(replace(sheet, fen=_grid(found)), found)
        return self._say(key, gap=gap_words(found.proof.gap) if found.proof else "")

    def undo(self) -> str:
        """Take the last change back."""
        if self._past:
            self._sheet, self._solved = self._past.pop()
            self._clash = None
        return self._say("desk.said.undone")

    def reset(self) -> str:
        """Back to the project's plan and limits; variants stay."""
        self._turn(Sheet(_grid(self.base.plan)), self.base.plan)
        return self._say("desk.said.reset")

    def keep(self, name: str) -> str:
        """Keep the grid as it stands beside the project's plan."""
        name = plain(name).strip() or self._say("desk.keep.default", count=len(self._kept) + 1)
        refused = "taken" if name in self._kept else "full" if len(self._kept) >= MOST_KEPT else ""
        if refused:
            raise InputError([Problem(self._say(f"desk.kept.{refused}"), self._say("desk.keep.name"), name)])
        view = self.view()
        changes = tuple(change.told() for change in self._sheet.changes.values())
        broken = len({finding.name for finding in view.findings if finding.broken})
        self._kept[name] = Variant(name, changes, len(view.edited), view.plan, view.against, broken)
        return self._say("desk.said.kept", name=name)

    def forget(self, name: str) -> str:
        """Remove a variant that was kept."""
        self._kept.pop(name, None)
        return self._say("desk.said.forgotten", name=plain(name))

    # What comes of it -------------------------------------------------------------------------------------------------

    def view(self) -> DeskView:
        """All that there is to show."""
        sheet, loaded = self._sheet, self._session.loaded
        problem = self._problem(sheet)
        fen = np.array(sheet.fen, dtype=np.int64)
        plan, findings = score(problem, fen)
        same = sheet.fen == _grid(self.base.plan) and not sheet.changes
        gains = problem.response.incremental(fen[: problem.responding].T / 100)
        return DeskView(
            plan=plan,
            outlook=outlook(problem, plan, read_calendar(loaded.project.calendar, loaded.calendar_folder)),
            findings=findings,
            against=None if same else difference(self.base, Outcome("", problem, plan, gains)),
            edited=sheet.edited,
            levers=(self._total(), *(self._rule(place, one) for place, one in enumerate(self._fields))),
            shocks=tuple(self._shock(place, name) for place, name in enumerate(loaded.project.channels)),
            kept=tuple(self._kept.values()),
            base=self.base.plan,
            solved=self._solved,
            clash=self._clash,
            can_undo=bool(self._past),
            health=self._fitted.document["health"],
        )

    def workbook(self) -> bytes:
        """plan.xlsx of the grid as it stands, under the limits as they stand.

        Raises
        ------
        InputError
            When the grid breaks a rule: a workbook starts from a plan that obeys.
        """
        sheet = self._sheet
        everything = frozenset((i, t) for i, row in enumerate(sheet.fen) for t in range(len(row)))
        problem = self._loose(replace(sheet, edited=everything), held=True)
        found = make_plan(problem, self._options, notes=plan_notes(self._session, self._fitted))
        if not found.lines:
            where = self._say("desk.rules")
            cure = self._say("desk.workbook.cure")
            broken = dict.fromkeys(finding.name for finding in self.view().findings if finding.broken)
            raise InputError([Problem(self._say("desk.workbook.broken"), where, ", ".join(broken), cure)])
        session = replace(self._session, loaded=self._loaded(sheet))
        _, _, contents = plan_contents(session, found, self._fitted, self._lang)
        return contents["plan.xlsx"]

    # ------------------------------------------------------------------------------------------------------------------

    def _say(self, key: str, **fields: object) -> str:
        return say(self._lang, key, **fields)

    def _turn(self, sheet: Sheet, solved: Plan | None) -> None:
        self._past = [*self._past[-MOST_UNDONE:], (self._sheet, self._solved)]
        self._sheet, self._solved, self._clash = sheet, solved, None

    def _edit(self, line: int, row: Sequence[int]) -> None:
        sheet = self._sheet
        moved = {(line, t) for t, (old, new) in enumerate(zip(sheet.fen[line], row, strict=True)) if old != new}
        if moved:
            fen = (*sheet.fen[:line], tuple(row), *sheet.fen[line + 1 :])
            self._turn(replace(sheet, fen=fen, edited=sheet.edited | moved), None)

    def _loaded(self, sheet: Sheet) -> Any:
        loaded = self._session.loaded
        return apply_changes(loaded, tuple(sheet.changes.values()), "budget serve") if sheet.changes else loaded

    def _loose(self, sheet: Sheet, *, held: bool) -> PlanProblem:
        """The problem as the project with its changes gives it, edited cells held or not."""
        cells = {(i, t): sheet.fen[i][t] for i, t in sheet.edited} if held else {}
        return replace(build_problem(self._loaded(sheet), self._fitted.curves), held=cells)

    def _problem(self, sheet: Sheet) -> PlanProblem:
        """The same with spend going on after the plan as in the project's plan: edits are seen in its surroundings."""
        problem = self._loose(sheet, held=False)
        return replace(problem, response=replace(problem.response, after=self.base.problem.response.after))

    def _where(self, line: int, week: int | None = None) -> str:
        problem = self.base.problem
        name = plain(dict(problem.lines[line].label).get(self._lang) or problem.lines[line].name)
        if week is None:
            return self._say("desk.spend", line=name)
        return self._say("desk.cell", line=name, week=problem.weeks[week].isoformat())

    # Levers -----------------------------------------------------------------------------------------------------------

    def _value(self, key: str, path: tuple[str, ...]) -> float:
        change = self._sheet.changes.get(key)
        found = change.value if change else value_at(self._session.loaded, path)
        return float(found or 0.0)

    def _total(self) -> Lever:
        path = ("plan", "total")
        now, was = self._value(TOTAL, path), value_at(self._session.loaded, path) or 0.0
        low, high = (round(edge * was) for edge in TOTAL_REACH)
        reach = (low, high, max(1, round(was / 100)))
        return Lever("total", "", "total", fen_words(round(100 * now)), now, "", reach, TOTAL in self._sheet.changes)

    def _rule(self, place: int, one: RuleField) -> Lever:
        now, changed = self._value(one.key, parse_key(one.key, "")), one.key in self._sheet.changes
        name = f"rule-{place}"
        if one.unit == "share":
            shown = round(100 * now, 6)
            return Lever(name, one.rule.name, one.field, f"{shown:g}", shown, "%", (0, 100, 1), changed)
        if one.unit == "times":
            return Lever(name, one.rule.name, one.field, f"{now:g}", now, "×", (0, 3, 0.05), changed)
        text = fen_words(round(100 * now)) if one.unit == "money" else f"{now:g}"
        return Lever(name, one.rule.name, one.field, text, now, "", None, changed)

    def _shock(self, place: int, channel: str) -> Lever:
        key = f"shock {channel}"
        now = round(100 * self._value(key, ("plan", "shocks", channel)), 6)
        label = self._session.loaded.project.channels[channel].label
        texts = label if isinstance(label, dict) else {"en": label.en, "zh": label.zh}
        name = texts.get(self._lang) or channel
        return Lever(f"shock-{place}", name, "shock", f"{now:g}", now, "%", (-100, 100, 1), key in self._sheet.changes)

    def _change(self, place: str, text: str) -> Change:
        """The change that a field's text means."""
        if place == "total":
            where = self._say("desk.total", currency=plain(self.base.problem.currency))
            return Change(TOTAL, ("plan", "total"), _number(parse_money(text, where)))
        kind, _, number = place.partition("-")
        if kind == "shock":
            channel = list(self._session.loaded.project.channels)[int(number)]
            share = read_share(_percent(text), self._say("desk.shocks"))
            return Change(f"shock {channel}", ("plan", "shocks", channel), share)
        one = self._fields[int(number)]
        where = self._say(f"desk.field.{one.field}", name=one.rule.name)
        path = parse_key(one.key, where)
        if one.unit == "share":
            return Change(one.key, path, read_share(_percent(text), where))
        return Change(one.key, path, _number(parse_money(text, where, zero=True)))


def _percent(text: str) -> str:
    """A field's percentage, with its sign where it was left out."""
    return text if text.strip().endswith(("%", "％")) else f"{text.strip()}%"


def _number(hundredths: int) -> float:
    """A number from its hundredths, whole where it is whole."""
    return hundredths / 100 if hundredths % 100 else hundredths // 100


def _grid(plan: Plan) -> Fen:
    return tuple(line.weekly_fen for line in plan.lines)
