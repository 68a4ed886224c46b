"""Plans near the program's answer that obey the weak-ROI logic by the true response, where the answer itself does not.

Tangents bound the response from above, and S-shaped draws look stronger through their hulls than they are: a week that
the program takes for a strong one may be weak in truth.
"""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from optimizer.cuts import tangent_cuts
from optimizer.logic import SAFE, broken_cuts, hold_weeks, weak_weeks
from optimizer.problem import PlanProblem
from optimizer.program import Search
from optimizer.returns import mend

Floats = npt.NDArray[np.float64]

MOST_STEPS = 4


def broken_lines(problem: PlanProblem, spend: Floats) -> set[int]:
    """Lines that break a weak-ROI rule at this plan, by the true expected response."""
    cuts, rules = problem.settings.cuts, problem.settings.rules
    if not cuts:
        return set()
    weekly = problem.response.mean(spend[: problem.responding].T)[:, : len(problem.weeks)]
    return set().union(*(broken_cuts(cut, problem.lines, spend, weekly, hold_weeks(cut, rules)) for cut in cuts))


def breaks_logic(search: Search, spend: Floats) -> bool:
    """Whether a line whose logic is in the program breaks it by the true response; others get theirs later."""
    return bool(broken_lines(search.problem, spend) & {line for _, line in search.weak_columns})


def repair(search: Search, spend: Floats, columns: Floats, ends: float) -> tuple[Floats, Floats] | None:
    """A plan near this one that obeys the weak-ROI logic by the true response; None when none is found.

    The switches are held, and the response of the logic's lines is bounded by its own tangents, anew at each answer.
    Where weeks that are told to be strong cannot be, those that are truly weak are told to be weak, which cuts what
    follows, until the plan holds.
    """
    first, told, found = search.master.rows, columns.copy(), None
    told[search.switches] = np.rint(told[search.switches])
    for _ in range(len(search.problem.weeks)):
        found, spend = _held_truly(search, spend, told, ends)
        search.master.keep_rows(first)
        if found is not None or not _tell_weak(search, spend, told):
            break
    search.limit_switches(search.off, search.on)
    return found


def _held_truly(
    search: Search, spend: Floats, told: Floats, ends: float
) -> tuple[tuple[Floats, Floats] | None, Floats]:
    """A plan that obeys the logic with its switches held, or None, and the last plan tried."""
    held = told[search.switches]
    search.master.set_columns(search.switches, held, held)
    for _ in range(MOST_STEPS):
        _add_true_tangents(search, spend)
        solved = search.master.solve(seconds=ends - time.monotonic(), gap=0.0)
        if not solved.columns.size:
            break
        spend = search.spend_of(solved.columns)
        if not breaks_logic(search, spend):
            return (spend, solved.columns), spend
    return None, spend


def _add_true_tangents(search: Search, spend: Floats) -> None:
    """Bound the plan weeks of the logic's lines by the response itself; of S-shaped draws that is right nearby only."""
    names = np.array(sorted({line for _, line in search.weak_columns}))
    _, cuts = tangent_cuts(search.problem.response, spend[: search.problem.responding].T, names.tolist(), hull=False)
    weeks = np.arange(len(search.problem.weeks))
    constant, slopes = (
        np.concatenate([getattr(each, part)[weeks] for each in cuts]) for part in ("constant", "slopes")
    )
    search.add_rows(np.repeat(names, weeks.size), np.tile(weeks, names.size), constant, slopes)


def _tell_weak(search: Search, spend: Floats, told: Floats) -> bool:
    """Tell the weeks to be weak that truly are; whether that is news."""
    before = told[search.switches].copy()
    for key, weak in truly_weak(search, spend).items():
        where = search.weak_columns[key]
        told[where] = np.maximum(told[where], weak)
    return bool((told[search.switches] != before).any())


def mended_with_logic(
    search: Search, spend: Floats, columns: Floats, best: Floats | None, ends: float
) -> tuple[Floats, Floats] | None:
    """A plan near this one that keeps the limits on expected GMV and the weak-ROI logic; None when none is found.

    Keeping a limit can turn a strong week into a weak one: such weeks are told to be weak, and the limits kept anew.
    """
    for _ in range(len(search.problem.weeks)):
        mended = mend(search, spend, columns, best, ends)
        if mended is None or not breaks_logic(search, mended[0]):
            return mended
        spend, columns = mended[0], mended[1].copy()
        for key, weak in truly_weak(search, spend).items():
            where = search.weak_columns[key]
            columns[where] = np.maximum(np.rint(columns[where]), weak)
    return None


def truly_weak(search: Search, spend: Floats) -> dict[tuple[str, int], Floats]:
    """For each rule and line of the logic, 1.0 in the weeks that are weak by the true response."""
    weekly = search.problem.response.mean(spend[: search.problem.responding].T)[:, : spend.shape[1]]
    rules = {rule.name: rule for rule in search.problem.settings.cuts}
    lines = search.problem.lines
    return {
        (name, line): weak_weeks(rules[name], lines[line], spend[line], weekly[line], SAFE).astype(np.float64)
        for name, line in search.weak_columns
    }
