"""The rest of a quarter as a plan of its own: past weeks are spent, and every rule still counts them.

A plan of the weeks that are left begins from what was really spent: as history that carries over, as the week that the
next one may not stray far from, and as a part of every limit that speaks of the whole quarter. A line that may have
200,000 in the quarter and has had 120,000 may have 80,000 more; a category that must get 40% of 5,000,000 and has had
900,000 must get 1,100,000 of what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.curves import GAP_WEEKS, ResponseCurves
from optimizer.constraints import (
    Bounds,
    Budget,
    Cardinality,
    CategoryShare,
    Change,
    Concentration,
    Constraint,
    EitherOr,
    Fixed,
    GroupShare,
    Limit,
    Phases,
    Pilot,
    Rule,
    WeeksOn,
)
from optimizer.lines import Line, select
from optimizer.problem import RECENT_WEEKS, PlanProblem
from optimizer.rules import LogicRule

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Past:
    """What the quarter has taken so far.

    Attributes
    ----------
    spent : array (line, week) of int
        Fen, the decided weeks only.
    moved : array (line,)
        Currency that top-ups and releases have given to a line, or taken from a reserve line: the split by category,
        and the line's own limits, move with it.
    weak_weeks : sequence of int
        Weeks in a row, up to the last, in which each line was weak.
    extra : float
        Money on top of the quarter's total, currency.
    in_force : array (line,), optional
        The lines' money of the quarter under the plan in force, currency; what is spent when absent.
    """

    spent: Fen
    moved: Floats
    weak_weeks: Sequence[int]
    extra: float = 0.0
    in_force: Floats | None = None

    @property
    def quarter(self) -> Floats:
        """The lines' money of the quarter, currency, array (line,)."""
        return self.by_line if self.in_force is None else self.in_force

    @property
    def weeks(self) -> int:
        """Number of decided weeks."""
        return int(self.spent.shape[1])

    @property
    def by_line(self) -> Floats:
        """Currency spent on each line, array (line,)."""
        return np.asarray(self.spent.sum(axis=1) / 100)


def remaining(
    problem: PlanProblem,
    past: Past,
    *,
    held: Sequence[Constraint] = (),
    rules: Sequence[LogicRule] | None = None,
    windows: Mapping[str, tuple[int, ...]] | None = None,
    previous: Floats | None = None,
) -> PlanProblem:
    """The plan of the weeks that are left.

    Parameters
    ----------
    problem : PlanProblem
        Of the whole quarter.
    past : Past
        At least one week must be left, and money for it.
    held : sequence of Constraint
        Limits that the review adds: what a cut line is held to, what a top-up gives.
    rules : sequence of LogicRule, optional
        Rules that still have something to say; all of them when absent.
    windows : mapping of str to tuple of int, optional
        More windows, counted in the weeks that are left.
    previous : array (line, week), optional
        Currency: the rest of the plan that this one replaces.
    """
    weeks = problem.weeks[past.weeks :]
    left_fen = problem.total_fen + round(past.extra * 100) - int(past.spent.sum())
    share = _Shares(problem.lines, past, problem.total, left_fen / 100, problem.weeks, problem.windows)
    constraints = [rule for whole in problem.settings.constraints for rule in rest_of(whole, share)]
    curves = spent_curves(problem, past)
    return replace(
        problem,
        settings=problem.settings.model_copy(
            update={
                "constraints": (*constraints, *held),
                "rules": problem.settings.rules if rules is None else tuple(rules),
            }
        ),
        lines=tuple(_line(line, past, index) for index, line in enumerate(problem.lines)),
        weeks=weeks,
        total_fen=left_fen,
        response=curves.over(weeks, problem.response.intensity[past.weeks :], problem.response.after),
        windows=later(problem.windows, past.weeks) | dict(windows or {}),
        previous=previous,
    )


def later(windows: Mapping[str, tuple[int, ...]], weeks: int) -> dict[str, tuple[int, ...]]:
    """Windows counted from a later week, those that are over left out."""
    moved = {name: tuple(t - weeks for t in positions if t >= weeks) for name, positions in windows.items()}
    return {name: positions for name, positions in moved.items() if positions}


def _line(line: Line, past: Past, index: int) -> Line:
    """The line as it stands: its latest weeks are those really spent."""
    if line.reserve:
        return replace(line, reference=line.reference[past.weeks :])
    return replace(
        line,
        reference=line.reference[past.weeks :],
        recent=np.concatenate([line.recent, past.spent[index] / 100])[-RECENT_WEEKS:],
        weak_weeks=past.weak_weeks[index],
    )


def spent_curves(problem: PlanProblem, past: Past) -> ResponseCurves:
    """The curves with the decided weeks as history, so that what was really spent carries over."""
    curves, start = problem.response.curves, problem.weeks[0]
    kept = [t for t, week in enumerate(curves.weeks) if week < start]
    gap = (start - curves.weeks[kept[-1]]).days // 7 - 1
    usual = np.repeat(curves.spend[kept][-GAP_WEEKS:].mean(axis=0, keepdims=True), gap, axis=0)
    spent = past.spent[: problem.responding].T / 100
    unknown = np.full((gap + past.weeks, len(curves.names)), np.nan)
    between = tuple(curves.weeks[kept[-1]] + timedelta(weeks=t + 1) for t in range(gap))
    history: dict[str, Any] = {
        name: np.concatenate([getattr(curves, name)[kept], unknown]) for name in ("visits", "attributed", "modelled")
    }
    return replace(
        curves,
        weeks=(*(curves.weeks[t] for t in kept), *between, *problem.weeks[: past.weeks]),
        spend=np.concatenate([curves.spend[kept], usual, spent]),
        **history,
    )


@dataclass(frozen=True, slots=True)
class _Shares:
    """Turns limits on the quarter into limits on its rest; ``total`` and ``left`` are currency."""

    lines: tuple[Line, ...]
    past: Past
    total: float
    left: float
    weeks: tuple[date, ...]
    windows: Mapping[str, tuple[int, ...]]

    @property
    def weeks_left(self) -> tuple[date, ...]:
        """Mondays of the weeks that are left."""
        return self.weeks[self.past.weeks :]

    def share(self, share: float | None, inside: Sequence[int], *, with_moved: bool) -> float | None:
        """The share of what is left that makes the quarter's share."""
        if share is None:
            return None
        wanted = share * self.total - float(self.past.by_line[list(inside)].sum())
        wanted += float(self.past.moved[list(inside)].sum()) if with_moved else share * self.past.extra
        return min(1.0, max(0.0, wanted / self.left))

    def amount(self, limit: float | None, line: int) -> float | None:
        """What of a line's limit is left, currency."""
        if limit is None:
            return None
        return max(0.0, limit + float(self.past.moved[line]) - float(self.past.by_line[line]))


_ENDS = ("share", "min", "max")


def _category(rule: CategoryShare, shares: _Shares) -> Iterator[Constraint]:
    inside = [i for i, line in enumerate(shares.lines) if line.category == rule.category]
    yield rule.model_copy(update={name: shares.share(getattr(rule, name), inside, with_moved=True) for name in _ENDS})


def _group(rule: GroupShare, shares: _Shares) -> Iterator[Constraint]:
    """Shares of visits and of GMV are kept as they are: what the past had of them is no constant of the plan."""
    inside = [i for i, line in enumerate(shares.lines) if rule.group in line.groups]
    ends = {name: shares.share(getattr(rule, name), inside, with_moved=False) for name in _ENDS[1:]}
    yield rule.model_copy(update=ends) if rule.of == "spend" else rule


def _concentration(rule: Concentration, shares: _Shares) -> Iterator[Constraint]:
    for index in select(shares.lines, rule.lines, reserves=False):
        most = shares.share(rule.max, [index], with_moved=False)
        yield rule.model_copy(update={"lines": shares.lines[index].name, "max": most})


def _bounds(rule: Bounds, shares: _Shares) -> Iterator[Bounds]:
    """One rule per line, in currency; limits per week are kept as they are."""
    if rule.per == "week":
        yield rule
        return
    for index in select(shares.lines, rule.lines, reserves=rule.lines != "all"):
        line, base = shares.lines[index], 1.0
        if rule.relative_to == "history":
            base = float(line.reference.sum())
        elif rule.relative_to == "average":
            base = line.average * line.reference.size
        least, most = (shares.amount(None if end is None else end * base, index) for end in (rule.min, rule.max))
        yield _within(rule, line.name, least, most)


def _within(rule: Limit, line: str, least: float | None, most: float | None, word: str = "") -> Bounds:
    return Bounds(name=f"{rule.name}{word}", lines=line, min=least, max=most, soft=rule.soft)


def _fixed(rule: Fixed, shares: _Shares) -> Iterator[Fixed]:
    weekly = {week: amount for week, amount in rule.weekly.items() if week in shares.weeks_left}
    for index in select(shares.lines, rule.lines, reserves=True):
        total = shares.amount(rule.total, index)
        if total is not None or weekly:
            yield rule.model_copy(update={"lines": shares.lines[index].name, "total": total, "weekly": weekly})


def _budget(rule: Budget, shares: _Shares) -> Iterator[Budget]:
    """Money of a month, a window or some dates, in currency, less what its past weeks have had."""
    if rule.every == "week" and rule.of == "currency":
        yield rule
        return
    inside = rule.inside(shares.lines)
    whole = shares.total + shares.past.extra if rule.of == "share" else 1.0
    for suffix, span in rule.spans(shares.weeks, shares.windows):
        ends = [None if end is None else end * whole for end in (rule.min, rule.max)]
        yield from _in_span(rule, f"{rule.name}: {suffix}" if suffix else rule.name, shares, (inside, span), *ends)


def _in_span(
    rule: Budget | Phases,
    name: str,
    shares: _Shares,
    cells: tuple[Sequence[int], Sequence[int]],
    least: float | None,
    most: float | None,
) -> Iterator[Budget]:
    """A limit on some weeks as one on those of them that are left; nothing when none is."""
    inside, span = cells
    left = [shares.weeks[t] for t in span if shares.weeks[t] in shares.weeks_left]
    if not left or not inside:
        return
    had = float(shares.past.spent[np.ix_(list(inside), [t for t in span if t < shares.past.weeks])].sum() / 100)
    ends = [None if end is None else max(0.0, end - had) for end in (least, most)]
    names = tuple(shares.lines[i].name for i in inside)
    yield Budget(
        name=name,
        lines=names,
        start=left[0],
        end=left[-1] + timedelta(days=6),
        min=ends[0],
        max=ends[1],
        soft=rule.soft,
    )


def _phases(rule: Phases, shares: _Shares) -> Iterator[Budget]:
    """Each phase as money of its weeks; a share counts the lines' money of the quarter under the plan in force."""
    inside = rule.inside(shares.lines)
    whole = float(shares.past.quarter[list(inside)].sum())
    for phase, span in rule.spans(shares.weeks):
        money = phase.budget if phase.share is None else phase.share * whole
        if money is not None:
            ends = ((1 - rule.tolerance) * money, (1 + rule.tolerance) * money)
            yield from _in_span(rule, f"{rule.name}: {phase.name}", shares, (inside, span), *ends)


def _change(rule: Change, shares: _Shares) -> Iterator[Constraint]:
    if rule.week_on_week is not None:
        yield rule.model_copy(update={"last_year": None, "last_quarter": None})
    for index in select(shares.lines, rule.lines, reserves=False):
        line = shares.lines[index]
        usual = float(line.recent.mean()) * line.reference.size if line.recent.size else 0.0
        against = (
            (" against last quarter", rule.last_quarter, usual),
            (" against last year", rule.last_year, float(line.reference.sum())),
        )
        for word, step, base in against:
            if step is not None and base > 0:
                least, most = (shares.amount(end, index) for end in (max(0.0, 1 - step) * base, (1 + step) * base))
                yield _within(rule, line.name, least, most, word)


def _weeks_on(rule: WeeksOn, shares: _Shares) -> Iterator[WeeksOn]:
    """Weeks that the line has been on count; a run goes on from its history."""
    if rule.in_a_row:
        yield rule
        return
    for index in select(shares.lines, rule.lines, reserves=False):
        still = rule.weeks - int((shares.past.spent[index] > 0).sum())
        if still > 0:
            yield rule.model_copy(update={"lines": shares.lines[index].name, "weeks": still})


def _pilot(rule: Pilot, shares: _Shares) -> Iterator[Constraint]:
    """A trial that has had money is on: what is left of its range must be met."""
    for index in select(shares.lines, rule.line, reserves=True):
        if shares.past.by_line[index] > 0:
            yield _within(
                rule, shares.lines[index].name, shares.amount(rule.min, index), shares.amount(rule.max, index)
            )
        else:
            yield rule


def _cardinality(rule: Cardinality, shares: _Shares) -> Iterator[Constraint]:
    """Lines that have had money are used; the others are counted on."""
    if rule.per == "week":
        yield rule
        return
    inside = rule.inside(shares.lines)
    free = tuple(shares.lines[i].name for i in inside if shares.past.by_line[i] == 0)
    used = len(inside) - len(free)
    least, most = (None if end is None else max(0, end - used) for end in (rule.min, rule.max))
    if free and (least or most is not None):
        yield rule.model_copy(update={"lines": free, "group": None, "category": None, "min": least, "max": most})


def _one_side(rule: EitherOr, shares: _Shares) -> Iterator[Constraint]:
    """Once one side has had more than is allowed to both, the other is held to what is allowed."""
    sides = [select(shares.lines, side, reserves=True) for side in (rule.either, rule.or_)]
    had = [float(shares.past.by_line[list(side)].sum()) for side in sides]
    if max(had) <= rule.allow:
        yield rule
        return
    other = sides[1] if had[0] >= had[1] else sides[0]
    weeks = shares.weeks_left
    yield Budget(
        name=rule.name,
        lines=tuple(shares.lines[i].name for i in other),
        start=weeks[0],
        end=weeks[-1] + timedelta(days=6),
        max=max(0.0, rule.allow - min(had)),
        soft=rule.soft,
    )


_REST: Mapping[type[Rule], Callable[[Any, _Shares], Iterator[Constraint]]] = {
    Bounds: _bounds,
    Fixed: _fixed,
    Budget: _budget,
    Phases: _phases,
    CategoryShare: _category,
    GroupShare: _group,
    Concentration: _concentration,
    Change: _change,
    WeeksOn: _weeks_on,
    Pilot: _pilot,
    Cardinality: _cardinality,
    EitherOr: _one_side,
}


def rest_of(rule: Constraint, shares: _Shares) -> Iterator[Constraint]:
    """The rule as it binds the weeks that are left.

    Amounts and shares of money count what is spent; shares count the money to divide as the whole, also where not all
    of it must be spent. Limits per week, shares of visits or GMV, mixes, ROI and costs hold in the weeks left by
    themselves.
    """
    made = _REST.get(type(rule))
    return iter((rule,)) if made is None else made(rule, shares)
