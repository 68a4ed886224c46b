"""The rest of a quarter as a plan of its own: past weeks are spent, and every rule still counts them.

A plan of the weeks that are left begins from what was really spent: as history that carries over, as the week that the
next one may not stray far from, and as a part of every limit that speaks of the whole quarter. A line that may have
200,000 in the quarter and has had 120,000 may have 80,000 more; a category that must get 40% of 5,000,000 and has had
900,000 must get 1,100,000 of what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.curves import GAP_WEEKS, ResponseCurves
from optimizer.constraints import (
    Bounds,
    CategoryShare,
    Change,
    Concentration,
    Constraint,
    GroupShare,
    Pilot,
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
    """

    spent: Fen
    moved: Floats
    weak_weeks: Sequence[int]
    extra: float = 0.0

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
    share = _Shares(problem.lines, past, problem.total, left_fen / 100)
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


def rest_of(rule: Constraint, shares: _Shares) -> Iterator[Constraint]:
    """The rule as it binds the weeks that are left.

    Shares count the money to divide as the whole, also where not all of it must be spent. Shares of visits and limits
    per week stay as they are.
    """
    match rule:
        case Bounds(per="horizon"):
            yield from _bounds(rule, shares)
        case CategoryShare():
            inside = [i for i, line in enumerate(shares.lines) if line.category == rule.category]
            parts = {name: shares.share(getattr(rule, name), inside, with_moved=True) for name in _ENDS}
            yield rule.model_copy(update=parts)
        case GroupShare(of="spend"):
            inside = [i for i, line in enumerate(shares.lines) if rule.group in line.groups]
            yield rule.model_copy(update=_ends(rule, shares, inside))
        case Concentration():
            for index in select(shares.lines, rule.lines, reserves=False):
                most = shares.share(rule.max, [index], with_moved=False)
                yield rule.model_copy(update={"lines": shares.lines[index].name, "max": most})
        case Change(last_year=step) if step is not None:
            yield from _change(rule, step, shares)
        case Pilot():
            yield from _pilot(rule, shares)
        case _:
            yield rule


_ENDS = ("share", "min", "max")


def _ends(rule: GroupShare, shares: _Shares, inside: Sequence[int]) -> Mapping[str, float | None]:
    return {name: shares.share(getattr(rule, name), inside, with_moved=False) for name in ("min", "max")}


def _bounds(rule: Bounds, shares: _Shares) -> Iterator[Bounds]:
    """One rule per line, in currency."""
    for index in select(shares.lines, rule.lines, reserves=rule.lines != "all"):
        line, base = shares.lines[index], 1.0
        if rule.relative_to == "history":
            base = float(line.reference.sum())
        elif rule.relative_to == "average":
            base = line.average * line.reference.size
        ends = [None if end is None else end * base for end in (rule.min, rule.max)]
        yield _within(rule.name, line.name, *(shares.amount(end, index) for end in ends))


def _within(name: str, line: str, least: float | None, most: float | None) -> Bounds:
    return Bounds(name=name, lines=line, min=least, max=most)


def _change(rule: Change, step: float, shares: _Shares) -> Iterator[Constraint]:
    if rule.week_on_week is not None:
        yield rule.model_copy(update={"last_year": None})
    for index in select(shares.lines, rule.lines, reserves=False):
        line = shares.lines[index]
        base = float(line.reference.sum())
        if base > 0:
            ends = (max(0.0, 1 - step) * base, (1 + step) * base)
            yield _within(f"{rule.name} against last year", line.name, *(shares.amount(end, index) for end in ends))


def _pilot(rule: Pilot, shares: _Shares) -> Iterator[Constraint]:
    """A pilot that has had money is on: what is left of its range must be met."""
    for index in select(shares.lines, rule.line, reserves=True):
        if shares.past.by_line[index] > 0:
            ends = (shares.amount(rule.min, index), shares.amount(rule.max, index))
            yield _within(rule.name, shares.lines[index].name, *ends)
        else:
            yield rule
