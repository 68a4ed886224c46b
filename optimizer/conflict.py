"""Why no plan is possible: the rules that clash, in their own names, and the least change that would help.

The conflict is irreducible: leave out any one of the rules named and the rest can be obeyed (deletion filter, Chinneck
& Dravnieks 1991). Each relaxation is the least change of one rule with all others kept, found by an elastic program.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo

from mmm.messages import Message
from optimizer.constraints import Mix, Phases, WeeksOn
from optimizer.decision import Decision, Row
from optimizer.plan import Conflict, Relaxation
from optimizer.program import Search
from optimizer.returns import expected_gain
from optimizer.rules import Recovery, WeakRoiCut
from optimizer.sentences import tell
from optimizer.solver import Ints, Master, Solved

Floats = npt.NDArray[np.float64]
Offer = tuple[float, Relaxation]  # how large the change is, and what it is
Side = Literal["lower", "upper"]

SIDES: tuple[Side, ...] = ("lower", "upper")

SECONDS = 20.0
MOST_CUTS = 30
LOOSE = 1e-6
NEGLIGIBLE = 1e-7  # scaled money
GRAINS = {"CNY": 100, "share": 1000, "roi": 1000, "cost": 100, "lines": 1, "weeks": 1}  # steps told, per unit
MOST_ROWS = 4  # rows of one rule told in one sentence


class Reasons(NamedTuple):
    """Why no plan is possible.

    Attributes
    ----------
    conflict : tuple of Conflict
    relaxation : tuple of Relaxation
        Cheapest first.
    irreducible : bool
        Without any one of the rules named the rest can be obeyed; false where the time for showing it was up.
    """

    conflict: tuple[Conflict, ...]
    relaxation: tuple[Relaxation, ...]
    irreducible: bool = True


def feasible(decision: Decision) -> bool:
    """Whether any plan obeys all rows."""
    return _Elastic(decision).solve().outcome != "infeasible"


def explain(decision: Decision, search: Search | None = None) -> Reasons:
    """Find the clashing rules, and the least change of each that makes a plan possible, cheapest first.

    ``search`` is the program that proved it, when more than the rows of the decision speak in it: the response, where
    weak-ROI logic or limits on expected GMV clash with other rules. It is used up.
    """
    program = _Elastic(decision, search)
    rows_of: dict[str, list[int]] = {}
    for number, row in enumerate(decision.rows):
        rows_of.setdefault(row.rule.name, []).append(number)
    # The total is left out last: where it or a small floor would do, the total says more.
    kept = program.needed(sorted(rows_of.values(), key=lambda rows: decision.rows[rows[0]].rule.kind == "total"))
    clashing = program.needed([[number] for rows in kept for number in rows])
    by_rule: dict[str, list[Row]] = {}
    for (number,) in sorted(clashing):
        by_rule.setdefault(decision.rows[number].rule.name, []).append(decision.rows[number])
    program.restore()
    conflicts = tuple(conflict_of(rows) for rows in by_rule.values())
    program.ends = time.monotonic() + SECONDS
    offers = [offer for name in by_rule if (offer := program.relax(name)) is not None]
    ways = tuple(relaxation for _, relaxation in sorted(offers, key=lambda offer: offer[0]))
    return Reasons(conflicts, ways, program.irreducible)


def conflict_of(rows: Sequence[Row]) -> Conflict:
    """What one rule asks where it clashes, by its rows that do."""
    return Conflict(rows[0].rule.name, rows[0].rule.kind, _says(rows))


class _Elastic:
    """The rows of a decision, which can be switched off or stretched."""

    def __init__(self, decision: Decision, search: Search | None = None) -> None:
        self.decision = decision
        self.search = search
        model = decision.model
        if model.component("objective") is None:
            model.objective = pyo.Objective(expr=0.0 * next(iter(decision.spend.values())), sense=pyo.maximize)
        self.master = Master(model) if search is None else search.master
        if search is not None:
            search.drop_parts()
        if search is not None and search.switches.size:
            # The search may have ended with fractions allowed, or with switches held.
            self.master.set_integer(search.switches, integer=True)
            search.limit_switches(np.zeros(search.switches.size), np.ones(search.switches.size))
        self.lower, self.upper = self.master.bounds()
        self.ends = time.monotonic() + SECONDS
        self.irreducible = True
        self.cells = self.master.columns_of(decision.spend.values())
        # No cell is above the total; but that is the total's doing, and must go when the total does.
        self.master.set_columns(self.cells, np.zeros(self.cells.size), np.full(self.cells.size, np.inf))
        self.master.set_costs(self.cells[:0], np.zeros(0))

    def solve(self) -> Solved:
        """Solve for feasibility, or for the least stretch, with tangents wherever the answer trusts loose ones."""
        solved = self.master.solve(seconds=self.ends - time.monotonic(), gap=1e-6, maximise=False)
        for _ in range(MOST_CUTS):
            if self.search is None or not solved.columns.size or not self._trusts_loose(self.search, solved.columns):
                break
            self.search.cut_at(self.search.spend_of(solved.columns))
            solved = self.master.solve(seconds=self.ends - time.monotonic(), gap=1e-6, maximise=False)
        return solved

    @staticmethod
    def _trusts_loose(search: Search, columns: Floats) -> bool:
        """Whether an answer counts on more GMV than its spend can bring."""
        mean, _ = search.respond(search.spend_of(columns), hull=True)
        return bool((columns[search.theta_columns] * search.kpi_unit > mean * (1 + LOOSE) + LOOSE).any())

    def needed(self, parts: Sequence[list[int]], *, some: bool = False) -> list[list[int]]:
        """Drop every part, by its row numbers, that the conflict can do without; the rest is irreducible.

        The answer is that of trying one part after another, but many are tried at once and halved where they are not
        to be spared; ``some`` says that some part is known to be needed.
        """
        if not parts:
            return []
        if not some:
            for number in itertools.chain.from_iterable(parts):
                self.master.set_row(number, None, None)
            if (outcome := self.solve().outcome) == "infeasible":
                return []
            self.irreducible &= outcome == "optimal"
            self._put_back(itertools.chain.from_iterable(parts))
        if len(parts) == 1:
            return list(parts)
        middle = len(parts) // 2
        first = self.needed(parts[:middle])
        return first + self.needed(parts[middle:], some=not first)

    def restore(self) -> None:
        """Put every row back."""
        self._put_back(range(len(self.decision.rows)))

    def _put_back(self, rows: Iterable[int]) -> None:
        for number in rows:
            self.master.set_row(number, float(self.lower[number]), float(self.upper[number]))

    def relax(self, name: str) -> Offer | None:
        """Find the least change of one rule, as ``(relative change, what to change)``; None when it cannot help alone.

        A rule's number stands in many rows, so all of them give way alike.
        """
        rows = [(n, row) for n, row in enumerate(self.decision.rows) if row.rule.name == name and not row.link]
        if not rows:
            return None
        rule = rows[0][1].rule
        if isinstance(rule, Recovery) or (isinstance(rule, WeeksOn) and rule.in_a_row):
            return self._fewer_weeks(rule, rows)
        if isinstance(rule, Phases | Mix):
            return self._more_tolerance(rule, rows)
        return self._stretched(name)

    def _fewer_weeks(self, rule: Recovery | WeeksOn, rows: Sequence[tuple[int, Row]]) -> Offer | None:
        """Ask for as many weeks in a row as can be; a row's part says from how many weeks on it speaks."""
        found = None
        for weeks in range(rule.weeks - 1, 0, -1):
            for number, row in rows:
                if int(row.part) >= weeks:
                    self.master.set_row(number, None, None)
            if self.solve().outcome == "optimal":
                sentence = tell("way.weeks", name=rule.name, old=rule.weeks, new=weeks)
                found = (rule.weeks - weeks) / rule.weeks, Relaxation(rule.name, rule.weeks, weeks, sentence)
                break
        self._put_back([number for number, _ in rows])
        return found

    def _more_tolerance(self, rule: Phases | Mix, rows: Sequence[tuple[int, Row]]) -> Offer | None:
        """Widen the tolerance: one column moves both ends of every row outward, a phase's by its own money."""
        sizes: list[float] = []
        ends: list[int] = []
        for number, row in rows:
            size = self._size(rule, row)
            # An equality has two ends, which one column cannot move apart: its upper end gets a row of its own.
            if row.lower is not None and row.upper is not None:
                self.master.set_row(number, float(self.lower[number]), None)
                ends.append(self.master.copy_row(number, None, float(self.upper[number])))
                sizes.append(-size)
            ends.append(number)
            sizes.append(size if row.lower is not None else -size)
        column = np.array([self.master.add_column(0.0, ends, sizes)], dtype=np.int32)
        self.master.set_costs(column, np.ones(1))
        solved = self.solve()
        self.master.set_columns(column, np.zeros(1), np.zeros(1))
        for number in ends:
            self.master.set_row(number, None, None)
        self._put_back([number for number, _ in rows])
        if solved.outcome != "optimal":
            return None
        by_line = solved.columns[self.cells].reshape(len(self.decision.lines), -1).sum(axis=1)
        shared = rows[0][1].unit == "share"
        whole = rows[0][1].moved_by(by_line) if shared else 1.0
        if whole <= NEGLIGIBLE:
            return None  # a share of nothing, however wide
        more = float(solved.columns[column[0]]) / whole
        return None if more <= NEGLIGIBLE else _wider(rule, more)

    def _size(self, rule: Phases | Mix, row: Row) -> float:
        """What the tolerance is a share of: a phase's own money, the whole of a mix; in the row's scale."""
        if isinstance(rule, Mix):
            return 1.0
        phase = next(one for one in rule.phases if one.name == row.part)
        return self.decision.money(phase.budget or 0.0) if row.unit == "CNY" else phase.share or 0.0

    def _stretched(self, name: str) -> Offer | None:
        """Move the limits of a rule's rows."""
        stretches = [self._stretch(name, side) for side in SIDES]
        columns = np.array([stretch.column for stretch in stretches if stretch.rows], dtype=np.int32)
        self.master.set_costs(columns, np.ones(columns.size))
        pilots = self._pilots(name)
        self.master.set_columns(pilots, np.ones(pilots.size), np.ones(pilots.size))
        solved = self.solve()
        self.master.set_columns(pilots, np.zeros(pilots.size), np.ones(pilots.size))
        self.master.set_columns(columns, np.zeros(columns.size), np.zeros(columns.size))
        if solved.outcome != "optimal":
            return None
        by_line = solved.columns[self.cells].reshape(len(self.decision.lines), -1).sum(axis=1)
        for stretch in stretches:
            if stretch.rows and solved.columns[stretch.column] > NEGLIGIBLE:
                earned = None if self.search is None else self._earned(self.search, solved.columns)
                return _offer(stretch, float(solved.columns[stretch.column]), by_line, earned)
        return None

    @staticmethod
    def _earned(search: Search, columns: Floats) -> Floats:
        """Expected GMV that each line's spend adds at an answer, scaled, array (line,)."""
        return expected_gain(search.problem, search.spend_of(columns)) / search.kpi_unit

    def _pilots(self, name: str) -> Ints:
        """Switches of a pilot: one that gives way is one that is used, else its smallest spend would be any."""
        numbers = [n for n, row in enumerate(self.decision.rows) if (row.rule.name, row.rule.kind) == (name, "pilot")]
        starts, index, _ = self.master.matrix()
        held = [index[starts[n] : starts[n + 1]] for n in numbers] or [np.empty(0, dtype=np.int32)]
        switches = self.master.columns_of(self.decision.model.switches.values())
        return np.intersect1d(switches, np.concatenate(held))

    def _stretch(self, name: str, side: Side) -> _Stretch:
        """Add the column that moves one side of a rule's rows."""
        found = [(n, row) for n, row in enumerate(self.decision.rows) if row.rule.name == name and not row.link]
        limits = {n: limit for n, row in found if (limit := row.lower if side == "lower" else row.upper) is not None}
        if not limits:
            return _Stretch(side, (), -1, relative=False)
        relative = all(limits.values())
        sign = 1.0 if side == "lower" else -1.0
        weights = [sign * (abs(limit) if relative else 1.0) for limit in limits.values()]
        column = self.master.add_column(0.0, list(limits), weights)
        return _Stretch(side, tuple(row for n, row in found if n in limits), column, relative=relative)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One side of a rule's rows, moved by one column: by a share of each limit when ``relative``, else by money."""

    side: Side
    rows: tuple[Row, ...]
    column: int
    relative: bool

    def limit(self, row: Row) -> float:
        """The limit in the rule's own unit."""
        return (row.limit_lower if self.side == "lower" else row.limit_upper) or 0.0


def _offer(stretch: _Stretch, moved: float, by_line: Floats, earned: Floats | None) -> Offer | None:
    """Turn a moved rule into a sentence with its numbers; None for a plan that would hold no money."""
    row, share = stretch.rows[0], _is_share(stretch.rows[0])
    name = row.name if len(stretch.rows) == 1 and row.line is not None and not share else row.rule.name
    old, way = stretch.limit(row), "lower" if stretch.side == "lower" else "raise"
    whole = 1.0 if stretch.relative else row.moved_by(by_line, earned)
    if whole == 0.0:
        return None  # a share of nothing
    change = moved * old if stretch.relative else moved / whole
    new = _outward(old - change if stretch.side == "lower" else old + change, stretch.side, row)
    if row.rule.kind == "total" and new <= 0:
        return None
    if isinstance(row.rule, WeakRoiCut):
        return _smaller_cut(row.rule, moved)
    sentence = tell(f"way.{way}", name=name, old=_written(row, old), new=_written(row, new))
    if stretch.relative and len({stretch.limit(other) for other in stretch.rows}) > 1:
        sentence = tell(f"way.{way}_all", name=name, percent=math.ceil(1000 * moved - 1e-6) / 10)
    elif not share and old == 0:
        sentence = tell("way.loosen", name=name, amount=abs(new - old))
    return abs(new - old) if share else moved, Relaxation(row.rule.name, old, new, sentence)


def _wider(rule: Phases | Mix, more: float) -> Offer:
    """A tolerance that is wider by so much."""
    new = math.ceil((rule.tolerance + more) * 1000 - 1e-6) / 1000
    sentence = tell("way.tolerance", name=rule.name, old=100 * rule.tolerance, new=100 * new)
    return more, Relaxation(rule.name, rule.tolerance, new, sentence)


def _smaller_cut(rule: WeakRoiCut, moved: float) -> Offer | None:
    """What a line starts with, raised by a share, as a smaller cut."""
    new = math.floor((1 - (1 - rule.cut) * (1 + moved)) * 1000 + 1e-6) / 1000
    if new <= 0:
        return None
    sentence = tell("way.cut", name=rule.name, old=100 * rule.cut, new=100 * new)
    return moved, Relaxation(rule.name, rule.cut, new, sentence)


def _outward(limit: float, side: Side, row: Row) -> float:
    """Round a limit so that a reader who types it in gets a plan: to the fen or 0.1%, away from the clash."""
    # Exact shares have to fit each other.
    grains = 10**6 if _is_share(row) and row.lower == row.upper else GRAINS[row.unit]
    steps = limit * grains
    return (math.floor(steps + 1e-6) if side == "lower" else math.ceil(steps - 1e-6)) / grains


def _is_share(row: Row) -> bool:
    return row.unit == "share"


def _written(row: Row, limit: float) -> Message:
    match row.unit:
        case "share":
            return tell("amount.share", percent=100 * float(limit))
        case "roi":
            return tell("amount.roi", roi=float(limit))
        case "lines" | "weeks":
            return tell(f"amount.{row.unit}", count=float(limit))
        case _:
            return tell("amount.money", amount=float(limit))


def _says(rows: Sequence[Row]) -> Message:
    """Tell what a rule asks where it clashes; rows that only say what a switch means, where it has no others."""
    told = list(dict.fromkeys(_asks(row) for row in rows if not row.link))
    told = told or [tell("conflict.switch", about=_about(rows[0]))]
    more = tell("conflict.more" if len(told) > MOST_ROWS else "conflict.no_more")
    rule = rows[0].rule
    return tell("conflict.asks", rule=rule.name, kind=rule.kind, asked=told[:MOST_ROWS], more=more)


def _asks(row: Row) -> Message:
    ends = (("at_least", row.limit_lower), ("at_most", row.limit_upper))
    told = [tell(f"conflict.{end}", limit=_written(row, limit)) for end, limit in ends if limit is not None]
    if row.limit_lower is not None and row.limit_lower == row.limit_upper:
        told = [tell("conflict.exactly", limit=_written(row, row.limit_lower))]
    about = _about(row) if row.line is not None or row.part else ""
    return tell("conflict.row_of", ends=told, about=about) if about else tell("conflict.row", ends=told)


def _about(row: Row) -> str:
    """What of the rule a row is: its line, week or part."""
    about = row.name.removeprefix(row.rule.name).removeprefix(": ")
    return about.removesuffix("at least").removesuffix("at most").strip()
