"""Limits on expected GMV by the true response: whether a plan keeps them, and the nearest plan that does.

A limit is ``gmv @ earned - money @ paid >= 0`` over lines. Where ``gmv`` is positive the region is convex and tangents
describe it from outside. Where it is negative (a cap on a share of GMV) it is not: there the program may take less GMV
for a line than its spend brings, which makes its bound hold and its answer too bold. The answer is mended by putting
the tangent itself, which is never below the response, in the place of those lines' GMV (the convex-concave procedure,
Yuille & Rangarajan 2003); the bound stays that of the relaxation.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from optimizer.constraints import BlendedRoi, GroupShare
from optimizer.constraints.base import GmvForm
from optimizer.problem import PlanProblem
from optimizer.program import Search

Floats = npt.NDArray[np.float64]

SAFE = 1e-6  # a plan keeps this far inside, as a share of the GMV that the limit speaks of: rounding to fen moves less
TIGHTER = 1e-5
MOST_STEPS = 6
BISECTIONS = 20


def gmv_forms(problem: PlanProblem) -> Iterator[GmvForm]:
    """Every hard limit on expected GMV."""
    for rule in problem.settings.constraints:
        if isinstance(rule, BlendedRoi | GroupShare) and rule.soft is None:
            yield from rule.gmv_forms(problem.lines)


def expected_gain(problem: PlanProblem, spend: Floats) -> Floats:
    """Expected GMV that each line's planned spend adds, its tail included, array (line,); zeros for reserve lines."""
    names = problem.responding
    plan = spend[:names].T
    gained = np.zeros(len(problem.lines))
    gained[:names] = (problem.response.mean(plan) - problem.response.mean(np.zeros_like(plan))).sum(axis=1)
    return gained


def keeps_returns(problem: PlanProblem, spend: Floats) -> bool:
    """Whether a plan (line, week) keeps every hard limit on expected GMV."""
    forms = list(gmv_forms(problem))
    if not forms:
        return True
    earned, paid = expected_gain(problem, spend), spend.sum(axis=1)
    return all(form.gmv @ earned - form.money @ paid >= SAFE * (np.abs(form.gmv) @ earned) for form in forms)


def mend(
    search: Search, spend: Floats, columns: Floats, best: Floats | None, ends: float
) -> tuple[Floats, Floats] | None:
    """A plan near this one that keeps the limits on expected GMV, with its columns; None when none is found.

    Parameters
    ----------
    search : Search
    spend : array (line, week)
        A plan that breaks one, currency.
    columns : array (column,)
        The solver's columns at it, for its switches.
    best : array (line, week) or None
        A plan that keeps them all; the segment to it is searched too where no switch stands between.
    ends : float
        Monotonic time.
    """
    found = _restricted(search, spend, columns, ends)
    if found is None:
        # Tangents near nothing are the least of all: where they do not fit, the limit asks for next to nothing.
        found = _restricted(search, _without_counted(search.problem, spend), columns, ends)
    if found is None and best is not None and not search.switches.size:
        return _between(search.problem, best, spend), columns
    return found


def _restricted(search: Search, spend: Floats, columns: Floats, ends: float) -> tuple[Floats, Floats] | None:
    """Solve with the limits drawn from inside, anew at each answer, the switches as they are."""
    held, before = np.rint(columns[search.switches]), (search.off, search.on)
    search.limit_switches(held, held)
    found = None
    for _ in range(MOST_STEPS):
        first = search.master.rows
        for form in gmv_forms(search.problem):
            _add_inner_row(search, form, spend)
        solved = search.master.solve(seconds=ends - time.monotonic(), gap=1e-6)
        for row in range(first, search.master.rows):
            search.master.set_row(row, None, None)
        if not solved.columns.size:
            break
        spend = search.spend_of(solved.columns)
        search.cut_at(spend)
        if keeps_returns(search.problem, spend):
            found = spend, solved.columns
            break
    search.limit_switches(*before)
    return found


def _without_counted(problem: PlanProblem, spend: Floats) -> Floats:
    """A plan without the lines whose GMV counts against a limit."""
    counted = np.zeros(len(problem.lines), dtype=np.bool_)
    for form in gmv_forms(problem):
        counted |= form.gmv < 0
    return np.where(counted[:, None], 0.0, spend)


def _add_inner_row(search: Search, form: GmvForm, spend: Floats) -> None:
    """Add a limit with the GMV of its negative lines replaced by their tangents at a plan."""
    names, unit = search.problem.responding, search.decision.unit / search.kpi_unit
    mean, slopes = search.respond(spend, hull=True)
    good, bad = np.maximum(form.gmv[:names], 0.0), np.minimum(form.gmv[:names], 0.0)
    by_week = slopes.sum(axis=1) * bad[:, None]  # GMV per unit of spend, (name, week)
    cells = -np.repeat(form.money[:, None], spend.shape[1], axis=1)
    cells[:names] += by_week
    carried = np.asarray(search.decision.seen.carried if search.decision.seen else np.zeros(names))
    constant = float(bad @ (mean.sum(axis=1) - carried) - (by_week * spend[:names]).sum() - good @ carried)
    room = TIGHTER * float(np.abs(form.gmv[:names]) @ (mean.sum(axis=1) - carried))
    thetas = np.repeat(good, search.theta_columns.shape[1])
    index = np.concatenate([search.theta_columns.ravel(), search.spend_columns.ravel()])
    value = np.concatenate([thetas, (cells * unit).ravel()])
    keep = value != 0.0
    lower = np.array([(room - constant) / search.kpi_unit])
    start = np.zeros(1, dtype=np.int32)
    search.master.add_rows(lower, np.array([np.inf]), start, index[keep].astype(np.int32), value[keep])


def _between(problem: PlanProblem, best: Floats, bold: Floats) -> Floats:
    """The plan nearest to ``bold`` on the segment from ``best`` that keeps the limits."""
    near, reach = 0.0, 1.0
    for _ in range(BISECTIONS):
        step = (near + reach) / 2
        if keeps_returns(problem, best + step * (bold - best)):
            near = step
        else:
            reach = step
    return np.asarray(best + near * (bold - best))
