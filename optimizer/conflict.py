"""Why no plan is possible: the rules that clash, in their own names, and the least change that would help.

The conflict is irreducible: leave out any one of the rules named and the rest can be obeyed (deletion filter, Chinneck
& Dravnieks 1991). Each relaxation is the least change of one rule with all others kept, found by an elastic program.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pyomo.environ as pyo

from optimizer.decision import Decision, Row
from optimizer.plan import Conflict, Relaxation
from optimizer.solver import Master, Solved

SECONDS = 20.0
NEGLIGIBLE = 1e-7  # scaled money


def feasible(decision: Decision) -> bool:
    """Whether any plan obeys all rows."""
    return _Elastic(decision).solve().outcome != "infeasible"


def explain(decision: Decision) -> tuple[tuple[Conflict, ...], tuple[Relaxation, ...]]:
    """The clashing rules, and the least change of each that makes a plan possible, cheapest first."""
    program = _Elastic(decision)
    names = list(dict.fromkeys(row.rule.name for row in decision.rows))
    kept = _deletion_filter(program, names)
    clashing = [row for row in decision.rows if row.rule.name in kept]
    first = {name: next(row for row in clashing if row.rule.name == name) for name in kept}
    conflicts = tuple(Conflict(name, row.rule.kind, _says(row)) for name, row in first.items())
    program.restore()
    offers = [offer for name in kept for offer in program.relax(name)]
    ranked = sorted(offers, key=lambda offer: offer[0])
    return conflicts, tuple(relaxation for _, relaxation in ranked)


def _deletion_filter(program: _Elastic, names: Sequence[str]) -> list[str]:
    """Drop every rule that the conflict can do without."""
    kept = list(names)
    for name in names:
        program.switch_off(name)
        if program.solve().outcome == "infeasible":
            kept.remove(name)
        else:
            program.switch_on(name)
    return kept


class _Elastic:
    """The business rows alone, with rules that can be switched off or stretched."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        model = decision.model
        if model.component("objective") is None:
            model.objective = pyo.Objective(expr=0.0 * next(iter(decision.spend.values())), sense=pyo.maximize)
        self.master = Master(model)
        self.ends = time.monotonic() + SECONDS

    def solve(self) -> Solved:
        """Solve for feasibility, or for the least stretch."""
        return self.master.solve(seconds=self.ends - time.monotonic(), gap=1e-6, maximise=False)

    def _numbered(self, name: str) -> Iterator[tuple[int, Row]]:
        return ((number, row) for number, row in enumerate(self.decision.rows) if row.rule.name == name)

    def switch_off(self, name: str) -> None:
        """Leave a rule out."""
        for number, _ in self._numbered(name):
            self.master.set_row(number, None, None)

    def switch_on(self, name: str) -> None:
        """Put a rule back."""
        for number, row in self._numbered(name):
            self.master.set_row(number, row.lower, row.upper)

    def restore(self) -> None:
        """Put every rule back."""
        for number, row in enumerate(self.decision.rows):
            self.master.set_row(number, row.lower, row.upper)

    def relax(self, name: str) -> list[tuple[float, Relaxation]]:
        """The least stretch of one rule, as ``(relative change, what to change)``; empty when it cannot help alone."""
        stretches: list[tuple[Row, str, int]] = []
        for number, row in self._numbered(name):
            for side, limit, sign in (("lower", row.lower, 1.0), ("upper", row.upper, -1.0)):
                if limit is not None:
                    stretches.append((row, side, self.master.add_column(0.0, [number], [sign])))
        columns = np.array([column for _, _, column in stretches], dtype=np.int32)
        self.master.set_costs(columns, np.ones(columns.size))
        solved = self.solve()
        self.master.set_columns(columns, np.zeros(columns.size), np.zeros(columns.size))
        if solved.outcome != "optimal":
            return []
        used = [(row, side, solved.columns[c]) for row, side, c in stretches if solved.columns[c] > NEGLIGIBLE]
        return [_offer(row, side, float(stretch)) for row, side, stretch in used]


def _offer(row: Row, side: str, stretch: float) -> tuple[float, Relaxation]:
    """Turn a stretched row into a sentence with its numbers."""
    limit = row.limit_lower if side == "lower" else row.limit_upper
    old = limit or 0.0
    sign = -1.0 if side == "lower" else 1.0
    new = old + sign * stretch / row.per_limit
    share = _is_share(row)
    word = "Lower" if side == "lower" else "Raise"
    shown = f"{old:.1%} to {new:.1%}" if share else f"{old:,.2f} to {new:,.2f}"
    if not share and old == 0.0:
        sentence = f'Loosen "{row.name}" by {abs(new):,.2f}.'
    else:
        sentence = f'{word} "{row.name}" from {shown}.'
    return abs(new - old) / max(abs(old), 1.0 if share else 1e-9 + abs(new)), Relaxation(row.rule.name, old, new, sentence)


def _is_share(row: Row) -> bool:
    return row.rule.kind in {"category_share", "group_share", "concentration"}


def _says(row: Row) -> str:
    """What a rule asks, from its first row."""
    share = _is_share(row)
    parts = [
        f"{word} {limit:.1%}" if share else f"{word} {limit:,.2f}"
        for word, limit in (("at least", row.limit_lower), ("at most", row.limit_upper))
        if limit is not None
    ]
    if row.limit_lower is not None and row.limit_lower == row.limit_upper:
        parts = [f"exactly {row.limit_lower:.1%}" if share else f"exactly {row.limit_lower:,.2f}"]
    return f'"{row.rule.name}" ({row.rule.kind}) asks for {" and ".join(parts)}.'
