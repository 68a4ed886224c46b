"""Bounds a program with weak-ROI logic line by line, and finds what each line would do.

Where switches are fractions, the logic's rows hardly hold anything back, and branching on hundreds of them never ends.
But the logic of a line speaks of that line alone. So each line is solved as an integer program of its own, at the price
that the rules it shares with others put on its money; no plan of that line is worth more at this price, which is a row
of the whole program. With many lines and few rules between them these rows leave next to nothing open, and what the
lines would do at the last prices is nearly the best plan.

Source: Geoffrion 1974, "Lagrangean Relaxation for Integer Programming"; Bertsekas, Lauer, Sandell & Posbergh 1983 (why
the gap of separable problems vanishes with their number).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.program import Search
from optimizer.solver import Ints, Piece, solve_piece

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int_]

SECONDS = 10.0  # for one line
NEGLIGIBLE = 1e-9  # of a coefficient
CUTS_OFF = 1e-6  # rows that cut off less than this, as a share of a line's worth, bring nothing

WHOLE = 1e-7  # switches nearer to a whole number are whole
SHARED = -1


@dataclass(frozen=True, slots=True)
class Part:
    """What one line would do at a price.

    Attributes
    ----------
    columns : array (column,) of int
        The line's own columns.
    answer : array (column,)
        Their values.
    """

    columns: Ints
    answer: Floats


class ImpossibleLine(Exception):
    """A line cannot obey its own rules."""


def price_lines(search: Search, lines: Iterable[int], at: Floats, gap: float, ends: float) -> tuple[list[Part], int]:
    """Solve lines on their own at the prices of the linear program just solved; adds the rows that this proves.

    Lines with fractions among the switches of their other rules are solved as well.

    Parameters
    ----------
    search : Search
        Its program has just been solved with fractions allowed.
    lines : iterable of int
    at : array (column,)
        The answer.
    gap : float
        How exactly, as a share of a line's worth.
    ends : float
        Monotonic time.

    Returns
    -------
    parts : list of Part
    added : int
        Rows that cut the answer off.

    Raises
    ------
    ImpossibleLine
        A line cannot obey its own rules, so no plan can.
    """
    split = _Split.of(search)
    parts, added = [], 0
    for line in sorted(set(lines) | split.undecided(at)):
        columns, piece = split.piece(line)
        if (split.rewards[search.theta_columns[line]] < 0.0).any():
            continue  # GMV that costs more than it earns has no end: a row between lines caps it
        solved = solve_piece(piece, seconds=min(SECONDS, ends - time.monotonic()), gap=gap)
        if solved.outcome == "infeasible":
            raise ImpossibleLine
        if np.isfinite(solved.bound) and piece.costs @ at[columns] > solved.bound + CUTS_OFF * abs(solved.bound):
            keep = piece.costs != 0.0
            search.add_part(columns[keep], piece.costs[keep], solved.bound)
            added += 1
        if solved.columns.size:
            parts.append(Part(columns, solved.columns))
    return parts, added


@dataclass(frozen=True, slots=True)
class _Split:
    """The program's rows and columns, and whose they are.

    Attributes
    ----------
    of_column, of_row : array of int
        The line that a column, a row is the own of; :data:`SHARED` for those between lines.
    rewards : array (column,)
        Cost of a column less what the shared rows charge for it.
    """

    search: Search
    matrix: tuple[Ints, Ints, Floats]
    of_column: Numbers
    of_row: Numbers
    rewards: Floats

    @classmethod
    def of(cls, search: Search) -> _Split:
        """Split a program that has just been solved with fractions allowed."""
        master = search.master
        starts, index, value = matrix = master.matrix()
        row_of = np.repeat(np.arange(starts.size - 1), np.diff(starts))
        of_column = owners(search, row_of, index)
        of_row = _common(row_of, of_column[index], starts.size - 1)
        costs, _, _ = master.column_data()
        shared = of_row[row_of] == SHARED
        charged = np.bincount(index[shared], value[shared] * master.duals()[row_of[shared]], minlength=costs.size)
        rewards = costs - charged
        return cls(search, matrix, of_column, of_row, np.where(np.abs(rewards) > NEGLIGIBLE, rewards, 0.0))

    def undecided(self, at: Floats) -> set[int]:
        """Lines with a switch that is a fraction, those of weak weeks left out."""
        weak = list(self.search.weak_columns.values())
        others = np.setdiff1d(self.search.switches, np.concatenate(weak))
        fractions = others[np.abs(at[others] - np.rint(at[others])) > WHOLE]
        return set(self.of_column[fractions].tolist()) - {SHARED}

    def piece(self, line: int) -> tuple[Ints, Piece]:
        """A line's own columns, and the program of that line alone."""
        starts, index, value = self.matrix
        columns = np.flatnonzero(self.of_column == line).astype(np.int32)
        own = np.full(self.of_column.size, -1, dtype=np.int32)
        own[columns] = np.arange(columns.size)
        rows = np.flatnonzero(self.of_row == line)
        entries = np.concatenate([np.arange(starts[row], starts[row + 1]) for row in rows])
        first = np.concatenate([[0], np.cumsum(np.diff(starts)[rows])[:-1]]).astype(np.int32)
        lower, upper = self.search.master.bounds()
        _, least, most = self.search.master.column_data()
        return columns, Piece(
            costs=self.rewards[columns],
            bounds=(least[columns], most[columns]),
            integer=np.isin(columns, self.search.switches),
            limits=(lower[rows], upper[rows]),
            rows=(first, own[index[entries]], value[entries]),
        )


def owners(search: Search, row_of: Numbers, index: Ints) -> Numbers:
    """The line of every column: of its spend and response, and of what stands in rows with these alone."""
    found = np.full(search.master.columns, SHARED)
    for columns in (search.spend_columns, search.theta_columns):
        found[columns] = np.arange(len(columns))[:, None]
    by_row = _common(row_of[found[index] != SHARED], found[index][found[index] != SHARED], int(row_of.max()) + 1)
    others = found[index] == SHARED
    # A row without any line's columns says nothing of whose its other columns are: they are shared.
    told = _common(index[others], by_row[row_of[others]], found.size)
    return np.where(found == SHARED, told, found)


def _common(key: Numbers, value: Numbers, size: int) -> Numbers:
    """For each key the value that all its entries have; :data:`SHARED` where they differ, or there are none."""
    least, most = np.full(size, np.iinfo(np.int64).max), np.full(size, SHARED)
    np.minimum.at(least, key, value)
    np.maximum.at(most, key, value)
    return np.where(least == most, most, SHARED)
