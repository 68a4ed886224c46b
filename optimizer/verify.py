"""Second opinion on a plan: every rule checked in whole fen and exact fractions, sharing nothing with the model.

Only the fields of the settings are read here, so a fault in the solver's rows cannot hide itself. What a whole fen
forces is allowed and no more:

- the total and the sign of every cell hold exactly, the ends of a share range to a hundred-thousandth of a fen;
- an exact share, an amount in currency and a step within the plan hold to less than one fen;
- an amount computed from history holds to less than one fen or a billionth of itself, whichever is larger;
- visits, ROI, costs and shares of GMV hold to a billionth of the limit; counts hold exactly.

A limit binds when the plan is nearer to it than a millionth of what is shared, or, for an amount, than a millionth of
the plan's mean spend over the limit's weeks (but at least one fen), or, for an ROI or a cost, than a five-thousandth of
it. A soft rule is never broken: it is violated, by so much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from optimizer.checks.check import EXACTLY, ONE_FEN, Check, Finding, Sense
from optimizer.checks.issued import Issued, issued_plan, nearness
from optimizer.checks.logic import check_logic
from optimizer.checks.returns import check_blended_roi, check_cost_ceiling
from optimizer.checks.shares import check_category_share, check_concentration, check_group_share, check_mix
from optimizer.checks.spend import check_bounds, check_budget, check_fixed, check_phases
from optimizer.checks.switches import check_cardinality, check_either_or, check_pilot
from optimizer.checks.timing import check_change, check_weeks_on
from optimizer.constraints import (
    BlendedRoi,
    Bounds,
    Budget,
    Cardinality,
    CategoryShare,
    Change,
    Concentration,
    CostCeiling,
    EitherOr,
    Fixed,
    GroupShare,
    Limit,
    Mix,
    Phases,
    Pilot,
    WeeksOn,
)
from optimizer.rules import ReserveRelease

if TYPE_CHECKING:
    from optimizer.lines import Line
    from optimizer.settings import PlanSettings

__all__ = ["CHECKS", "Finding", "Sense", "broken", "verify"]


def verify(
    settings: PlanSettings,
    lines: Sequence[Line],
    weeks: Sequence[date],
    total_fen: int,
    weekly_fen: Sequence[Sequence[int]],
    expected_gmv: npt.ArrayLike,
    *,
    windows: Mapping[str, Sequence[int]] | None = None,
    previous: npt.ArrayLike | None = None,
    earned: npt.ArrayLike | None = None,
) -> tuple[Finding, ...]:
    """Hold a plan against every rule.

    Parameters
    ----------
    settings : PlanSettings
        Total rule, constraints and logic rules.
    lines : sequence of Line
        The plan's lines with their history.
    weeks : sequence of date
        Mondays of the plan.
    total_fen : int
        Money to divide, fen.
    weekly_fen : array (line, week)
        Planned spend, whole fen.
    expected_gmv : array (line, week)
        Posterior-mean GMV that falls in each week, carry-in included, currency; zeros for reserve lines.
    windows : mapping of str to sequence of int, optional
        Positions of the weeks that touch each calendar peak which a rule names.
    previous : array (line, week), optional
        Currency: the plan that this one replaces.
    earned : array (line,), optional
        Expected GMV that each line's planned spend adds, its tail included, currency; zeros for reserve lines. Rules
        on ROI and on shares of GMV need it.

    Returns
    -------
    tuple of Finding
        Of weekly steps and cuts only the tightest week per line and rule, though every week is checked; a cut only
        for lines on which it acts.

    Raises
    ------
    ValueError
        When the parts do not fit each other, or expected GMV is not finite.
    TypeError
        When a cell is not a whole number.
    """
    issued = issued_plan(
        lines, weeks, weekly_fen, np.asarray(expected_gmv, dtype=np.float64), windows, previous, earned
    )
    limits = [_total(settings, issued, index(total_fen)), _sign(issued), *_even(settings, issued)]
    for constraint in settings.constraints:
        soft = constraint.soft is not None
        found = CHECKS[type(constraint)](constraint, issued)
        limits.extend(replace(limit, soft=soft and not limit.form) for limit in found)
    for rule in settings.rules:
        limits.extend(check_logic(rule, settings.rules, issued))
    return tuple(limit.finding() for limit in limits)


def broken(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Only the limits that the plan violates."""
    return tuple(finding for finding in findings if finding.broken)


def _total(settings: PlanSettings, issued: Issued, total_fen: int) -> Check:
    sense: Sense = "==" if settings.total_rule == "equal" else "<="
    near, amounts = nearness(issued, len(issued.weeks)), (Fraction(issued.spent), Fraction(total_fen))
    return Check("total", "total", "the plan", sense, *amounts, EXACTLY, near)


def _sign(issued: Issued) -> Check:
    """Look at the smallest cell; a week without spend is no news, so it never binds."""
    least = Fraction(min((cell for row in issued.fen for cell in row), default=0))
    return Check("no negative spend", "sign", "the smallest week", ">=", least, EXACTLY, EXACTLY, near=EXACTLY)


def _even(settings: PlanSettings, issued: Issued) -> Iterator[Check]:
    """Ask for even weeks of reserve lines, to the fen; a form rather than a limit, so it never binds."""
    releases = [rule for rule in settings.rules if isinstance(rule, ReserveRelease)]
    held_back = {rule.line for rule in releases if issued.windows.get(rule.window or "")}
    for line, row in zip(issued.lines, issued.fen, strict=True):
        if line.reserve and line.name not in held_back:
            subject, spread = f"{line.name}, largest less smallest week,", Fraction(max(row) - min(row))
            head = ("reserve spread evenly", "reserve", subject)
            yield Check(*head, "<=", spread, ONE_FEN, EXACTLY, near=EXACTLY, line=line.name)


CHECKS: dict[type[Limit], Callable[[Any, Issued], Iterator[Check]]] = {
    Bounds: check_bounds,
    Fixed: check_fixed,
    Budget: check_budget,
    Phases: check_phases,
    CategoryShare: check_category_share,
    GroupShare: check_group_share,
    Concentration: check_concentration,
    Mix: check_mix,
    Change: check_change,
    WeeksOn: check_weeks_on,
    Pilot: check_pilot,
    Cardinality: check_cardinality,
    EitherOr: check_either_or,
    BlendedRoi: check_blended_roi,
    CostCeiling: check_cost_ceiling,
}
