"""Closes the gap that S-shaped draws leave: branch and bound over how much a line may spend in a week.

The concave hull of an S-curve between two spends is much tighter than over any spend, and is the curve itself where
the interval lies beyond its bend. So the plans are divided into boxes, each bounded by a linear program over the hulls
between its ends; boxes that cannot hold a better plan are dropped, and the most promising one is halved where its hulls
are loosest. Every box's answer is a plan and may be the new best one.

Source: Falk & Soland 1969, "An Algorithm for Separable Nonconvex Programming Problems".
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mmm.curves import Hull
from optimizer.cuts import tangent_cuts
from optimizer.program import Places, Search, spend_reach

Floats = npt.NDArray[np.float64]
Accept = Callable[[Floats, Floats], tuple[Floats, Floats] | None]

MOST_ROUNDS = 8
MOST_HULLS = 80
DONE = 0.1  # a box is divided once its program is within this share of its gap to the best plan
NEAR = 0.3  # how far around the best plan is looked once more, as a share of its spend
LINGER = 400  # cells of boxes looked at beyond the gap asked for: many small boxes, few large ones
AWAY = 0.2  # and not nearer to its ends than this share of its width
WHOLE = 1e-7  # switches nearer to a whole number are whole
TIGHT = 1e-3  # tangents further above theta than this, in units of theta, are not handed on


@dataclass(frozen=True, slots=True)
class Tangents:
    """Rows that hold inside a box: GMV of each place <= ``constant`` + ``slopes`` @ spend of its lags, in currency."""

    names: Places
    weeks: Places
    constant: Floats
    slopes: Floats

    def only(self, keep: npt.NDArray[np.bool_]) -> Tangents:
        """Some of the rows."""
        return Tangents(self.names[keep], self.weeks[keep], self.constant[keep], self.slopes[keep])


@dataclass(frozen=True, slots=True)
class Box:
    """Plans between a least and a most.

    Attributes
    ----------
    low, high : array (name, week)
        Spend in currency.
    off, on : array (switch,)
        Least and most of the 0/1 variables.
    tangents : tuple of Tangents
        Known to hold inside.
    bound : float
        No plan inside can pass it.
    split : Split or None
        Where to divide it; None when nothing is left to divide.
    """

    low: Floats
    high: Floats
    off: Floats
    on: Floats
    tangents: tuple[Tangents, ...] = ()
    bound: float = np.inf
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """Divides a box at a line's spend in a week, or at a switch."""

    name: int
    week: int
    at: float
    switch: int | None = None

    def halves(self, box: Box) -> tuple[Box, Box]:
        """The box below and the box above."""
        if self.switch is not None:
            on, off = box.on.copy(), box.off.copy()
            on[self.switch], off[self.switch] = 0.0, 1.0
            return replace(box, on=on), replace(box, off=off)
        high, low = box.high.copy(), box.low.copy()
        high[self.name, self.week] = low[self.name, self.week] = self.at
        return replace(box, high=high), replace(box, low=low)


@dataclass(slots=True)
class Tree:
    """Boxes still open, and the best plan met.

    Attributes
    ----------
    search : Search
        The program with the tangents that hold everywhere.
    accept : callable (spend, columns)
        Gives a plan that obeys the logic as well, or None.
    target, finest : float
        Gap to reach, and the gap to stop at if a few more boxes get there.
    ends : float
        Time by the monotonic clock.
    best, columns : array (line, week), array (column,)
        The best plan in currency, and the solver's columns.
    objective : float
        Its true objective.
    rounds : int
        Linear programs solved.
    """

    search: Search
    accept: Accept
    target: float
    finest: float
    ends: float
    best: Floats
    columns: Floats
    objective: float
    rounds: int = 0
    base: int = 0
    hulls: dict[tuple[int, bytes], Hull] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.search.start_again(self.best)
        self.base = self.search.master.rows

    def run(self, bound: float, on_round: Callable[[int, float], None]) -> float:
        """Branch until the gap is closed or time is up; returns the bound."""
        switches = self.search.switches
        if switches.size:
            self.search.master.set_integer(switches, integer=False)  # the tree divides them itself
        order, closed = itertools.count(), -np.inf
        root = self.bounded(replace(reach(self.search), bound=bound), self.finest)
        heap = [(-root.bound, next(order), root)]
        lingered = 0
        while heap and self.gap(-heap[0][0]) > self.finest and time.monotonic() < self.ends and lingered < LINGER:
            lingered += root.low.size if self.gap(-heap[0][0]) <= self.target else 0
            _, _, box = heapq.heappop(heap)
            if box.split is None:
                closed = max(closed, box.bound)
                continue
            for half in box.split.halves(box):
                child = self.bounded(half, self.finest)
                heapq.heappush(heap, (-child.bound, next(order), child))
            on_round(self.rounds, self.gap(max(closed, -heap[0][0])))
        self._settle(root)
        return max(self.objective, closed, -heap[0][0] if heap else -np.inf)

    def gap(self, bound: float) -> float:
        """How far a bound is above the best plan, as a share of it."""
        return (bound - self.objective) / max(abs(self.objective), 1e-300)

    def bounded(self, box: Box, enough: float) -> Box:
        """The box with its bound, the tangents found on the way, and where to divide it.

        Solves and cuts until the box's program is nearly exact, or until it holds no plan that is better than the best
        one by more than ``enough``, as a share.
        """
        search = self.search
        self._enter(box)
        tangents, bound = list(box.tangents), box.bound
        for _ in range(MOST_ROUNDS):
            self.rounds += 1
            solved = search.master.solve(seconds=self.ends - time.monotonic(), gap=0.0)
            if solved.outcome == "infeasible":
                return replace(box, bound=-np.inf)
            bound = min(bound, solved.bound * search.kpi_unit - search.carried)
            if not solved.columns.size or self.gap(bound) <= enough:
                return replace(box, bound=bound)
            spend, theta = search.spend_of(solved.columns), solved.columns[search.theta_columns] * search.kpi_unit
            mean, found = self._tangents(box, spend)
            true = self._offer(box, spend, solved.columns)
            if bound - search.objective_of(spend, mean) <= DONE * (bound - self.objective):
                break
            new = found.only((theta > mean + 1e-9 * search.kpi_unit).ravel())
            search.add_rows(new.names, new.weeks, new.constant, new.slopes)
            tangents.append(new)
        kept = tuple(each.only(self._tight(each, spend, theta)) for each in tangents)
        split = self._switch(box, solved.columns) or self._split(box, spend, mean - true)
        return replace(box, bound=bound, tangents=kept, split=split)

    def _enter(self, box: Box) -> None:
        """Put the box's limits and tangents into the program, those of the last box out."""
        self.search.master.keep_rows(self.base)
        self._limit(box)
        for each in box.tangents:
            self.search.add_rows(each.names, each.weeks, each.constant, each.slopes)

    def _limit(self, box: Box) -> None:
        search, unit = self.search, self.search.decision.unit
        columns = search.spend_columns[: search.problem.responding].ravel()
        search.master.set_columns(columns, box.low.ravel() / unit, box.high.ravel() / unit)
        if search.switches.size:
            search.limit_switches(box.off, box.on)

    def _settle(self, root: Box) -> None:
        """Look once more around the best plan, and leave the program as it is there: exact nearby, for prices."""
        spend = self.best[: self.search.problem.responding]
        room = NEAR * np.maximum(spend, spend.mean())
        low, high = np.maximum(root.low, spend - room), np.minimum(root.high, spend + room)
        held = self.columns[self.search.switches]
        self.bounded(Box(np.minimum(low, spend), np.maximum(high, spend), np.rint(held), np.rint(held)), 0.0)
        self._limit(everything(self.search))
        if self.search.switches.size:
            self.search.master.set_integer(self.search.switches, integer=True)

    def _tangents(self, box: Box, spend: Floats) -> tuple[Floats, Tangents]:
        """Response (name, span) through the box's hulls at a plan, and the tangents there."""
        response, names = self.search.problem.response, self.search.problem.responding
        hulls = [self._hull(name, box) for name in range(names)]
        mean, cuts = tangent_cuts(response, spend[:names].T, range(names), hulls=hulls)
        at = (np.repeat(np.arange(names), response.span), np.tile(np.arange(response.span), names))
        return mean, Tangents(
            *at, np.concatenate([each.constant for each in cuts]), np.concatenate([each.slopes for each in cuts])
        )

    def _hull(self, name: int, box: Box) -> Hull:
        """The hull of one curve in a box; the last ones used are kept."""
        key = name, box.low[name].tobytes() + box.high[name].tobytes()
        found = self.hulls.pop(key, None)
        if found is None:
            found = self.search.problem.response.hull_between(name, box.low[name], box.high[name])
        self.hulls[key] = found
        if len(self.hulls) > MOST_HULLS:
            del self.hulls[next(iter(self.hulls))]
        return found

    def _offer(self, box: Box, spend: Floats, columns: Floats) -> Floats:
        """Take a box's answer as the best plan if it is; returns its true expected response (name, span).

        Where switches are fractions, the plan is the best one with the switches rounded.
        """
        true = self._worth(spend)
        switches = self.search.switches
        if switches.size and np.abs(columns[switches] - np.rint(columns[switches])).max() > WHOLE:
            held = np.rint(columns[switches])
            self.search.master.set_columns(switches, held, held)
            solved = self.search.master.solve(seconds=self.ends - time.monotonic(), gap=0.0)
            if solved.columns.size:
                self._take(self.search.spend_of(solved.columns), solved.columns)
        else:
            self._take(spend, columns)
        self._limit(box)
        return true

    def _worth(self, spend: Floats) -> Floats:
        return self.search.problem.response.mean(spend[: self.search.problem.responding].T)

    def _take(self, spend: Floats, columns: Floats) -> None:
        objective = self.search.objective_of(spend, self._worth(spend))
        if objective <= self.objective or (held := self.accept(spend, columns)) is None:
            return
        if held[0] is not spend:
            objective = self.search.objective_of(held[0], self._worth(held[0]))
        if objective > self.objective:
            self.best, self.columns, self.objective = *held, objective

    def _switch(self, box: Box, columns: Floats) -> Split | None:
        """The switch furthest from a whole number."""
        if not self.search.switches.size:
            return None
        value = columns[self.search.switches]
        away = np.where(box.on > box.off, np.abs(value - np.rint(value)), 0.0)
        switch = int(away.argmax())
        return Split(0, 0, 0.0, switch) if away[switch] > WHOLE else None

    def _tight(self, rows: Tangents, spend: Floats, theta: Floats) -> npt.NDArray[np.bool_]:
        """Which tangents are near theta, so that a part of the box may need them."""
        response = self.search.problem.response
        lags = response.lags(spend[: self.search.problem.responding].T) * response.curves.reference[:, None, None]
        above = rows.constant + np.einsum("rl,rl->r", rows.slopes, lags[rows.names, rows.weeks])
        return np.asarray(above - theta[rows.names, rows.weeks] <= TIGHT * self.search.kpi_unit)

    def _split(self, box: Box, spend: Floats, loose: Floats) -> Split | None:
        """The week whose spend makes the hulls loosest, and where to divide it; None when the box is a point.

        Parameters
        ----------
        box : Box
        spend : array (line, week)
        loose : array (name, span)
            How far the hulls are above the curves.
        """
        response = self.search.problem.response
        weights = response.by_name.mean(axis=1)
        width = box.high - box.low
        blame = np.zeros_like(width)
        for lag in range(weights.shape[1]):
            weeks = np.arange(max(0, min(width.shape[1], response.span - lag)))
            blame[:, weeks] += weights[:, lag, None] * np.maximum(loose[:, weeks + lag], 0.0)
        blame = np.where(width > 1e-9 * self.search.problem.total, blame * width, 0.0)
        name, week = np.unravel_index(int(blame.argmax()), blame.shape)
        if blame[name, week] <= 0.0:
            return None
        margin = AWAY * width[name, week]
        at = np.clip(spend[name, week], box.low[name, week] + margin, box.high[name, week] - margin)
        return Split(int(name), int(week), float(at))


def everything(search: Search) -> Box:
    """The box of all plans."""
    shape = (search.problem.responding, len(search.problem.weeks))
    count = search.switches.size
    return Box(np.zeros(shape), np.full(shape, search.problem.total), np.zeros(count), np.ones(count))


def reach(search: Search) -> Box:
    """The box between the least and the most any plan can spend on each responding line in each week."""
    low, high = spend_reach(search.problem)
    return replace(everything(search), low=low, high=high)
