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
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from operator import index
from typing import TYPE_CHECKING, Any, Literal, assert_never

import numpy as np
import numpy.typing as npt

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
    Rule,
    WeeksOn,
)
from optimizer.rules import LogicRule, MoveCap, Recovery, ReserveRelease, StrongRoiTopUp, WeakRoiCut

if TYPE_CHECKING:
    from optimizer.lines import Line, LineNames
    from optimizer.settings import PlanSettings

Floats = npt.NDArray[np.float64]
Sense = Literal["<=", ">=", "=="]

EXACTLY = Fraction(0)
ONE_FEN = Fraction(1)
ROUNDED = Fraction(1, 10**5)  # fen: a share typed with many digits, such as 0.3333333333333333, stands for its fraction
FUZZ = Fraction(1, 10**9)
NEAR = Fraction(1, 10**6)
NEAR_RATIO = Fraction(1, 5000)  # of an ROI or a cost: the planner keeps a little inside
HALF = Fraction(1, 2)
WORDS: dict[Sense, str] = {"<=": "at most", ">=": "at least", "==": "exactly"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One elementary limit and what the plan makes of it.

    Attributes
    ----------
    name, kind : str
        The rule's name and kind; ``total``, ``sign`` and ``reserve`` are the kinds every plan is held against.
    line : str or None
        The line, where the limit is one line's.
    sense : str
        ``value sense limit`` must hold.
    value, limit : float
        In ``unit``: "CNY"; "share" as a fraction of what is shared; "roi"; "cost", CNY for one; "lines"; "weeks".
    binding, broken : bool
        Whether the plan stands at the limit; whether it violates it though it may not.
    sentence : str
        The same in words.
    week : date or None
        Monday, where the limit is one week's.
    soft : bool
        The rule may be violated at a price.
    part : str
        Which of the rule's own limits it is, where it has several: a phase, a month, a week, a line of a mix.
    violation : float
        How far the plan is beyond the limit, in ``unit``; 0 inside it.
    """

    name: str
    kind: str
    line: str | None
    sense: Sense
    value: float
    limit: float
    unit: str
    binding: bool
    broken: bool
    sentence: str
    week: date | None = None
    soft: bool = False
    violation: float = 0.0
    part: str = ""


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
    issued = _issued(lines, weeks, weekly_fen, np.asarray(expected_gmv, dtype=np.float64), windows, previous, earned)
    limits = [_total(settings, issued, index(total_fen)), _sign(issued), *_even(settings, issued)]
    for constraint in settings.constraints:
        soft = constraint.soft is not None
        found = CHECKS[type(constraint)](constraint, issued)
        limits.extend(replace(limit, soft=soft and not limit.form) for limit in found)
    for rule in settings.rules:
        limits.extend(_logic(rule, settings.rules, issued))
    return tuple(limit.finding() for limit in limits)


def broken(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Only the limits that the plan violates."""
    return tuple(finding for finding in findings if finding.broken)


@dataclass(frozen=True, slots=True)
class _Issued:
    """The plan under check; ``fen`` is (line, week), ``gmv`` (line, week) in currency."""

    lines: tuple[Line, ...]
    weeks: tuple[date, ...]
    fen: tuple[tuple[int, ...], ...]
    gmv: Floats
    windows: Mapping[str, tuple[int, ...]]
    previous: tuple[Fraction, ...] | None  # line totals of the plan that is replaced, fen
    earned: tuple[Fraction, ...] | None  # expected GMV by line, fen

    @property
    def gained(self) -> tuple[Fraction, ...]:
        """Expected GMV that each line's planned spend adds, fen."""
        if self.earned is None:
            raise ValueError("rules on expected GMV cannot be checked without it")
        return self.earned

    @property
    def spent(self) -> int:
        """Planned spend, fen."""
        return sum(map(sum, self.fen))

    def among(self, rule: Budget | Phases | Mix | Cardinality | BlendedRoi | CostCeiling) -> list[int]:
        """Positions of the lines of a rule's category, group or names; every line when it gives none."""
        if rule.category is not None:
            return [i for i, line in enumerate(self.lines) if line.category == rule.category]
        if rule.group is not None:
            return [i for i, line in enumerate(self.lines) if rule.group in line.groups]
        return list(range(len(self.lines))) if rule.lines is None else self.named(rule.lines)

    def named(self, names: LineNames) -> list[int]:
        """Positions of the lines a rule names; ``all`` stands for those with a response."""
        if names == "all":
            return [i for i, line in enumerate(self.lines) if not line.reserve]
        wanted = {names} if isinstance(names, str) else set(names)
        return [i for i, line in enumerate(self.lines) if {line.name, line.name.split("@")[0]} & wanted]


def _issued(
    lines: Sequence[Line],
    weeks: Sequence[date],
    weekly_fen: Sequence[Sequence[int]],
    gmv: Floats,
    windows: Mapping[str, Sequence[int]] | None,
    previous: npt.ArrayLike | None,
    earned: npt.ArrayLike | None,
) -> _Issued:
    fen = tuple(tuple(index(cell) for cell in row) for row in weekly_fen)
    if len(fen) != len(lines) or any(len(row) != len(weeks) for row in fen):
        raise ValueError(f"spend is not {len(lines)} lines by {len(weeks)} weeks")
    if gmv.shape != (len(lines), len(weeks)) or not np.isfinite(gmv).all():
        raise ValueError(f"expected GMV is not {len(lines)} lines by {len(weeks)} weeks of finite numbers")
    if any(len(line.reference) != len(weeks) for line in lines):
        raise ValueError(f"a line's reference is not {len(weeks)} weeks long")
    named = {name: tuple(span) for name, span in (windows or {}).items()}
    before = None if previous is None else tuple(sum(map(_fen, row), EXACTLY) for row in np.asarray(previous).tolist())
    gains = None if earned is None else tuple(map(_fen, np.asarray(earned, dtype=np.float64).tolist()))
    return _Issued(tuple(lines), tuple(weeks), fen, gmv, named, before, gains)


@dataclass(frozen=True, slots=True)
class _Limit:
    """``value sense limit`` in fen (or visits), to less than ``allowed``; ``whole`` is what a share is a share of."""

    name: str
    kind: str
    subject: str
    sense: Sense
    value: Fraction
    limit: Fraction
    allowed: Fraction
    near: Fraction
    line: str | None = None
    week: date | None = None
    why: str = ""
    whole: Fraction | None = None
    share: Fraction = EXACTLY
    of: str = "spend"
    unit: str = "CNY"
    form: bool = False  # what a switch means: holds even where the rule is soft
    soft: bool = False
    part: str = ""

    @property
    def excess(self) -> Fraction:
        """How far beyond the limit; negative inside it."""
        over = self.value - self.limit
        return {"<=": over, ">=": -over, "==": abs(over)}[self.sense]

    @property
    def violated(self) -> bool:
        return self.excess > 0 and self.excess >= self.allowed

    @property
    def broken(self) -> bool:
        return self.violated and not self.soft

    @property
    def binding(self) -> bool:
        return abs(self.value - self.limit) < self.near or (self.soft and self.violated)

    def finding(self) -> Finding:
        value, limit, unit, scale = self.value, self.limit, self.unit, Fraction(1)
        if self.whole is not None:
            scale, unit = self.whole or Fraction(1), "share"
            value, limit = self.value / scale, self.share
        elif self.unit == "CNY":
            scale = Fraction(100)
            value, limit = self.value / scale, self.limit / scale
        beyond = float(max(self.excess, EXACTLY) / scale) if self.violated else 0.0
        numbers = (float(value), float(limit), unit)
        place = (self.name, self.kind, self.line, self.sense)
        sentence = self._sentence(value)
        return Finding(*place, *numbers, self.binding, self.broken, sentence, self.week, self.soft, beyond, self.part)

    def _sentence(self, value: Fraction) -> str:
        at, bound = self._written(self.value, value), self._written(self.limit, self.share)
        state = "binds" if self.binding else "holds"
        if self.violated:
            state = f"{'violated' if self.soft else 'broken'} by {self._amount(self.excess)}"
        return f"{self.name}: {self.subject} {at}, {WORDS[self.sense]} {bound}{self.why}; {state}."

    def _written(self, amount: Fraction, share: Fraction) -> str:
        if self.whole is None:
            return self._amount(amount)
        return f"{float(100 * share):.6g}% of {self.of} ({self._amount(amount)})"

    def _amount(self, amount: Fraction) -> str:
        if self.unit == "roi":
            return f"1:{float(amount):.4g}"
        if self.unit == "cost":
            return f"{float(amount):,.4g} CNY for one"
        if self.unit in {"lines", "weeks"}:
            return f"{float(amount):g} {self.unit}"
        return f"{float(amount / 100):,.2f} {self.of if self.of == 'visits' else 'CNY'}"


def _exact(number: float) -> Fraction:
    """Take a number as a person wrote it: 0.45 is 45/100."""
    return Fraction(str(float(number)))


def _fen(currency: float) -> Fraction:
    return 100 * _exact(currency)


def _from_history(limit: Fraction) -> Fraction:
    """Allow for sums and means of history being floats: large ones are known to a billionth only."""
    return max(ONE_FEN, FUZZ * limit)


@dataclass(frozen=True, slots=True)
class _Spell:
    """One line in some consecutive weeks of the plan."""

    issued: _Issued
    index: int
    span: range

    @property
    def line(self) -> Line:
        return self.issued.lines[self.index]

    @property
    def week(self) -> date | None:
        """Monday, when there is only one."""
        return self.issued.weeks[self.span[0]] if len(self.span) == 1 else None

    @property
    def subject(self) -> str:
        return self.line.name if self.week is None else f"{self.line.name} {self.week}"

    @property
    def spent(self) -> Fraction:
        return Fraction(sum(self.issued.fen[self.index][t] for t in self.span))

    def limit(self, rule: Rule, sense: Sense, limit: Fraction, allowed: Fraction) -> _Limit:
        near = _near(self.issued, len(self.span))
        head = (rule.name, rule.kind, self.subject, sense, self.spent)
        return _Limit(*head, limit, allowed, near, self.line.name, self.week)


def _near(issued: _Issued, weeks: int) -> Fraction:
    return max(ONE_FEN, NEAR * Fraction(issued.spent * weeks, len(issued.weeks)))


def _total(settings: PlanSettings, issued: _Issued, total_fen: int) -> _Limit:
    sense: Sense = "==" if settings.total_rule == "equal" else "<="
    near, amounts = _near(issued, len(issued.weeks)), (Fraction(issued.spent), Fraction(total_fen))
    return _Limit("total", "total", "the plan", sense, *amounts, EXACTLY, near)


def _sign(issued: _Issued) -> _Limit:
    """Look at the smallest cell; a week without spend is no news, so it never binds."""
    least = Fraction(min((cell for row in issued.fen for cell in row), default=0))
    return _Limit("no negative spend", "sign", "the smallest week", ">=", least, EXACTLY, EXACTLY, near=EXACTLY)


def _even(settings: PlanSettings, issued: _Issued) -> Iterator[_Limit]:
    """Ask for even weeks of reserve lines, to the fen; a form rather than a limit, so it never binds."""
    releases = [rule for rule in settings.rules if isinstance(rule, ReserveRelease)]
    held_back = {rule.line for rule in releases if issued.windows.get(rule.window or "")}
    for line, row in zip(issued.lines, issued.fen, strict=True):
        if line.reserve and line.name not in held_back:
            subject, spread = f"{line.name}, largest less smallest week,", Fraction(max(row) - min(row))
            head = ("reserve spread evenly", "reserve", subject)
            yield _Limit(*head, "<=", spread, ONE_FEN, EXACTLY, near=EXACTLY, line=line.name)


def _bounds(rule: Bounds, issued: _Issued) -> Iterator[_Limit]:
    horizon = range(len(issued.weeks))
    spans = [horizon] if rule.per == "horizon" else [range(t, t + 1) for t in horizon]
    for i in issued.named(rule.lines):
        for spell in (_Spell(issued, i, span) for span in spans):
            base = _base(rule, spell)
            ends = [None if multiple is None else _exact(multiple) * base for multiple in (rule.min, rule.max)]
            part = "" if spell.week is None or rule.per == "horizon" else str(spell.week)
            for limit in _between(rule, spell, *ends, measured=rule.relative_to is not None):
                yield replace(limit, part=part)


def _base(rule: Bounds, spell: _Spell) -> Fraction:
    """Return what the rule's numbers are multiples of, fen."""
    if rule.relative_to == "history":
        return sum((_fen(spell.line.reference[t]) for t in spell.span), EXACTLY)
    if rule.relative_to == "average":
        return _fen(spell.line.average) * len(spell.span)
    return Fraction(100)


def _between(
    rule: Bounds | Change | Pilot | Fixed, spell: _Spell, low: Fraction | None, high: Fraction | None, *, measured: bool
) -> Iterator[_Limit]:
    """Hold a line's spend between two amounts in fen; ``measured`` when they come from history."""
    ends: tuple[tuple[Sense, Fraction | None], ...] = ((">=", low), ("<=", high))
    for sense, limit in ends:
        if limit is not None:
            yield spell.limit(rule, sense, limit, _from_history(limit) if measured else ONE_FEN)


def _category_share(rule: CategoryShare, issued: _Issued) -> Iterator[_Limit]:
    inside = [i for i, line in enumerate(issued.lines) if line.category == rule.category]
    ends = (rule.min, rule.max) if rule.share is None else (rule.share, rule.share)
    yield from _shares(rule, issued, f"category {rule.category}", inside, ends)


def _group_share(rule: GroupShare, issued: _Issued) -> Iterator[_Limit]:
    inside = [i for i, line in enumerate(issued.lines) if rule.group in line.groups]
    yield from _shares(rule, issued, f"group {rule.group}", inside, (rule.min, rule.max))


def _concentration(rule: Concentration, issued: _Issued) -> Iterator[_Limit]:
    for i in issued.named(rule.lines):
        yield from _shares(rule, issued, issued.lines[i].name, [i], (None, rule.max))


def _shares(
    rule: CategoryShare | GroupShare | Concentration,
    issued: _Issued,
    subject: str,
    inside: Sequence[int],
    ends: tuple[float | None, float | None],
) -> Iterator[_Limit]:
    """Hold both ends of a share; where they are equal, one exact share to less than what one fen moves."""
    of = rule.of if isinstance(rule, GroupShare) else "spend"
    line = subject if isinstance(rule, Concentration) else None
    weights = [_exact(one.visits_per_cny or 0.0) if of == "visits" else ONE_FEN for one in issued.lines]
    amounts = [weight * sum(row) for weight, row in zip(weights, issued.fen, strict=True)]
    if of == "gmv":
        amounts = list(issued.gained)
    near = NEAR_RATIO if of == "gmv" else NEAR
    whole, value = sum(amounts, EXACTLY), sum((amounts[i] for i in inside), EXACTLY)
    for sense, share in _senses(*ends):
        limit = share * whole
        exact = sense == "==" and of != "gmv"
        allowed = max(weights) if exact else ROUNDED if of == "spend" else FUZZ * abs(limit)
        head = (rule.name, rule.kind, subject, sense, value, limit, allowed, near * whole)
        yield _Limit(*head, line, whole=whole, share=share, of=of)


def _senses(low: float | None, high: float | None) -> Iterator[tuple[Sense, Fraction]]:
    if low is not None and low == high:
        yield "==", _exact(low)
        return
    if low is not None:
        yield ">=", _exact(low)
    if high is not None:
        yield "<=", _exact(high)


def _change(rule: Change, issued: _Issued) -> Iterator[_Limit]:
    for i in issued.named(rule.lines):
        if rule.week_on_week is not None:
            yield from _tightest(_steps(rule, issued, i, _exact(rule.week_on_week)))
        recent, spell = issued.lines[i].recent, _Spell(issued, i, range(len(issued.weeks)))
        year = sum((_fen(amount) for amount in issued.lines[i].reference), EXACTLY)
        quarter = sum(map(_fen, recent), EXACTLY) * Fraction(len(issued.weeks), max(len(recent), 1))
        for step, base in ((rule.last_quarter, quarter), (rule.last_year, year)):
            if step is not None and base > 0:
                yield from _between(rule, spell, *_around(_exact(step), base), measured=True)


def _around(step: Fraction, base: Fraction) -> tuple[Fraction | None, Fraction]:
    """Return both ends of a step; one of 100% or more has no lower end, as no spend is negative."""
    return (1 - step) * base if step < 1 else None, (1 + step) * base


def _steps(rule: Change, issued: _Issued, i: int, step: Fraction) -> Iterator[_Limit]:
    """Limit every week by the week before; after a last week of history without spend, week 0 is free."""
    for t in range(len(issued.weeks)):
        before = _before(issued, i, t)
        if before is not None and (before > 0 or t > 0):
            spell = _Spell(issued, i, range(t, t + 1))
            yield from _between(rule, spell, *_around(step, before), measured=t == 0)


def _before(issued: _Issued, i: int, t: int) -> Fraction | None:
    """Spend of the week before, fen; before the plan, of the last week of history, if there is one."""
    if t > 0:
        return Fraction(issued.fen[i][t - 1])
    recent = issued.lines[i].recent
    return _fen(recent[-1]) if recent.size else None


def _tightest(limits: Iterable[_Limit]) -> Iterator[_Limit]:
    """Pick the limit that is broken most or, when all hold, has least room."""
    table = list(limits)
    if table:
        yield max(table, key=lambda limit: (limit.broken, limit.excess))


def _pilot(rule: Pilot, issued: _Issued) -> Iterator[_Limit]:
    """Hold a line on trial to its range; an unused one has no least."""
    for i in issued.named(rule.line):
        least = _fen(rule.min) if any(issued.fen[i]) else None
        spell = _Spell(issued, i, range(len(issued.weeks)))
        yield from _between(rule, spell, least, _fen(rule.max), measured=False)


def _fixed(rule: Fixed, issued: _Issued) -> Iterator[_Limit]:
    """Hold lines to the money that is settled."""
    for i in issued.named(rule.lines):
        if rule.total is not None:
            yield _Spell(issued, i, range(len(issued.weeks))).limit(rule, "==", _fen(rule.total), ONE_FEN)
        for t, week in enumerate(issued.weeks):
            if week in rule.weekly:
                spell = _Spell(issued, i, range(t, t + 1))
                yield replace(spell.limit(rule, "==", _fen(rule.weekly[week]), ONE_FEN), part=str(week))


def _budget(rule: Budget, issued: _Issued) -> Iterator[_Limit]:
    """Hold the money of some weeks to its range."""
    for word, span in _spans(rule, issued):
        cells = [issued.fen[i][t] for i in issued.among(rule) for t in span]
        yield from _cells(rule, issued, word, cells, len(span), (rule.min, rule.max), rule.of)


def _spans(rule: Budget, issued: _Issued) -> Iterator[tuple[str, list[int]]]:
    """Weeks that a budget speaks of; a week is of the month of its Thursday, and of dates that it touches."""
    weeks = issued.weeks
    months = [(day.year, day.month) for day in (week + timedelta(days=3) for week in weeks)]
    if rule.every is not None:
        keys: list[object] = list(weeks) if rule.every == "week" else list(months)
        for key in dict.fromkeys(keys):
            span = [t for t, one in enumerate(keys) if one == key]
            yield str(weeks[span[0]]) if rule.every == "week" else "{}-{:02}".format(*months[span[0]]), span
        return
    if rule.month is not None:
        wanted = tuple(int(part) for part in rule.month.split("-"))
        span = [t for t, month in enumerate(months) if month == wanted]
    elif rule.window is not None:
        span = sorted(issued.windows.get(rule.window, ()))
    else:
        days = [{week + timedelta(days=day) for day in range(7)} for week in weeks]
        start, end = rule.start or date.max, rule.end or date.min
        span = [t for t, week in enumerate(days) if any(start <= day <= end for day in week)]
    if span:
        yield "", span


def _cells(
    rule: Budget | Phases | Mix,
    issued: _Issued,
    part: str,
    cells: Sequence[int],
    weeks: int,
    ends: tuple[float | Fraction | None, float | Fraction | None],
    of: str,
    whole: int | None = None,
) -> Iterator[_Limit]:
    """Hold the sum of some cells between two amounts, or two shares of ``whole`` (absent: of the plan's spend)."""
    low, high = (end if end is None or isinstance(end, Fraction) else _exact(end) for end in ends)
    value, spent = Fraction(sum(cells)), Fraction(issued.spent if whole is None else whole)
    exact = low is not None and low == high
    senses: tuple[tuple[Sense, Fraction | None], ...] = (("==", low),) if exact else ((">=", low), ("<=", high))
    for sense, end in senses:
        if end is None:
            continue
        head = (rule.name, rule.kind, part or "the money", sense, value)
        if of == "share":
            allowed = ONE_FEN if exact else ROUNDED
            yield _Limit(*head, end * spent, allowed, NEAR * spent, whole=spent, share=end, part=part)
        else:
            yield _Limit(*head, 100 * end, ONE_FEN, _near(issued, weeks), part=part)


def _phases(rule: Phases, issued: _Issued) -> Iterator[_Limit]:
    """Hold every phase to its money; phases of months end with the last week whose Thursday is in them."""
    inside, begin = issued.among(rule), 0
    whole = sum(sum(issued.fen[i]) for i in inside)
    for phase in rule.phases:
        end = begin
        if phase.weeks is not None:
            end = begin + phase.weeks
        elif begin < len(issued.weeks):
            months = [12 * day.year + day.month for day in (week + timedelta(days=3) for week in issued.weeks)]
            end = sum(month < months[begin] + (phase.months or 0) for month in months)
        span = range(begin, min(end, len(issued.weeks)))
        begin = end
        if not span:
            continue
        cells = [issued.fen[i][t] for i in inside for t in span]
        money, tolerance = _exact(phase.budget or phase.share or 0.0), _exact(rule.tolerance)
        ends = (1 - tolerance) * money, (1 + tolerance) * money
        if phase.share is not None:
            yield from _cells(
                rule, issued, phase.name, cells, len(span), (ends[0], min(ends[1], ONE_FEN)), "share", whole
            )
        else:
            yield from _cells(rule, issued, phase.name, cells, len(span), ends, "currency")


def _mix(rule: Mix, issued: _Issued) -> Iterator[_Limit]:
    """Hold each part of a mix to its share."""
    free = rule.category is None and rule.group is None and rule.lines is None
    inside = issued.named(tuple(rule.shares)) if free else issued.among(rule)
    whole = sum(sum(issued.fen[i]) for i in inside)
    for line, share in rule.shares.items():
        cells = [cell for i in issued.named(line) for cell in issued.fen[i]]
        low, high = _exact(share) - _exact(rule.tolerance), _exact(share) + _exact(rule.tolerance)
        ends = max(low, EXACTLY), min(high, ONE_FEN)
        yield from _cells(rule, issued, line, cells, len(issued.weeks), ends, "share", whole)


def _weeks_on(rule: WeeksOn, issued: _Issued) -> Iterator[_Limit]:
    """Ask for a least spend of weeks that are on, and for enough of them."""
    for i in issued.named(rule.lines):
        used = [t for t, cell in enumerate(issued.fen[i]) if cell > 0]
        for t in used:
            yield replace(_Spell(issued, i, range(t, t + 1)).limit(rule, ">=", _fen(rule.least), ONE_FEN), form=True)
        lengths = [(len(used), "weeks on")]
        if rule.in_a_row:
            lengths = [(length, f"run from week {first + 1}") for first, length in _flights(issued, i, rule.weeks)]
        for length, what in lengths:
            line = issued.lines[i].name
            numbers = (Fraction(length), Fraction(rule.weeks), EXACTLY, HALF)
            yield _Limit(rule.name, rule.kind, f"{line} {what}", ">=", *numbers, line=line, unit="weeks")


def _flights(issued: _Issued, i: int, wanted: int) -> Iterator[tuple[int, int]]:
    """First week (negative in history) and length of every run that ends inside the plan; one at its end passes."""
    past = [amount > 0 for amount in issued.lines[i].recent]
    states = [*past, *(cell > 0 for cell in issued.fen[i]), False]
    first: int | None = None
    for t, is_on in enumerate(states):
        if is_on and first is None:
            first = t
        elif not is_on and first is not None:
            begun, ended, first = first, t, None
            if ended >= len(past) and ended < len(states) - 1:
                yield begun - len(past), min(ended - begun, wanted)


def _cardinality(rule: Cardinality, issued: _Issued) -> Iterator[_Limit]:
    """Count the lines that are used; each has at least the spend from which a line counts."""
    horizon = range(len(issued.weeks))
    spans = [horizon] if rule.per == "horizon" else [range(t, t + 1) for t in horizon]
    for span in spans:
        spells = [_Spell(issued, i, span) for i in issued.among(rule)]
        used = [spell for spell in spells if spell.spent > 0]
        for spell in used:
            yield replace(spell.limit(rule, ">=", _fen(rule.active_from), ONE_FEN), form=True)
        ends: tuple[tuple[Sense, int | None], ...] = ((">=", rule.min), ("<=", rule.max))
        for sense, end in ends:
            if end is not None:
                week = issued.weeks[span[0]] if rule.per == "week" else None
                numbers = (Fraction(len(used)), Fraction(end), EXACTLY, HALF)
                yield _Limit(rule.name, rule.kind, "lines in use", sense, *numbers, week=week, unit="lines")


def _either_or(rule: EitherOr, issued: _Issued) -> Iterator[_Limit]:
    """Ask for nothing on the smaller side."""
    sides = [sum(sum(issued.fen[i]) for i in issued.named(side)) for side in (rule.either, rule.or_)]
    smaller = Fraction(min(sides))
    yield _Limit(rule.name, rule.kind, "the smaller side", "<=", smaller, _fen(rule.allow), ONE_FEN, _near(issued, 1))


def _blended_roi(rule: BlendedRoi, issued: _Issued) -> Iterator[_Limit]:
    """Hold expected GMV over spend to the least ROI; without spend there is none."""
    inside = issued.among(rule)
    paid, gained = sum(sum(issued.fen[i]) for i in inside), sum((issued.gained[i] for i in inside), EXACTLY)
    if paid > 0:
        least = _exact(rule.min)
        numbers = (gained / paid, least, FUZZ * least, NEAR_RATIO * least)
        yield _Limit(rule.name, rule.kind, "expected ROI", ">=", *numbers, unit="roi")


def _cost_ceiling(rule: CostCeiling, issued: _Issued) -> Iterator[_Limit]:
    """Hold what one costs to its most; lines of which nothing is known are left out."""
    paid, got = EXACTLY, EXACTLY
    for i in issued.among(rule):
        line = issued.lines[i]
        rate = line.visits_per_cny if rule.of == "visit" else line.acquisitions_per_cny
        if rate is not None:
            paid += sum(issued.fen[i])
            got += _exact(rate) * sum(issued.fen[i])
    if paid > 0:
        most = _exact(rule.max)
        cost = paid / got if got else paid
        numbers = (cost, most, FUZZ * most, NEAR_RATIO * most)
        yield _Limit(rule.name, rule.kind, f"cost of one {rule.of}", "<=", *numbers, unit="cost")


def _logic(rule: LogicRule, rules: Sequence[LogicRule], issued: _Issued) -> Iterator[_Limit]:
    match rule:
        case WeakRoiCut():
            yield from _cut(rule, rule, 1, issued)
        case Recovery():
            for cut in rules:
                if isinstance(cut, WeakRoiCut) and cut.name == rule.after:
                    yield from _cut(rule, cut, rule.weeks, issued)
        case ReserveRelease():
            yield from _release(rule, issued)
        case StrongRoiTopUp():
            yield from _held(rule, issued)
        case MoveCap():
            yield from _moved(rule, issued)
        case _:
            assert_never(rule)


def _release(rule: ReserveRelease, issued: _Issued) -> Iterator[_Limit]:
    """Ask for nothing outside the window and for even weeks inside it; a form, so it never binds."""
    window = issued.windows.get(rule.window or "", ())
    for i in issued.named(rule.line) if window else ():
        line, row = issued.lines[i], issued.fen[i]
        outside = Fraction(sum(cell for t, cell in enumerate(row) if t not in window))
        inside = [row[t] for t in window]
        spread, head = Fraction(max(inside) - min(inside)), (rule.name, rule.kind)
        yield _Limit(
            *head, f"{line.name} outside {rule.window}", "<=", outside, EXACTLY, EXACTLY, EXACTLY, line=line.name
        )
        subject = f"{line.name} in {rule.window}, largest less smallest week,"
        yield _Limit(*head, subject, "<=", spread, ONE_FEN, EXACTLY, EXACTLY, line=line.name)


def _held(rule: StrongRoiTopUp, issued: _Issued) -> Iterator[_Limit]:
    """Ask the reserve line that is named to hold the top-up in the window and after."""
    window = issued.windows.get(rule.window, ())
    for i in issued.named(rule.reserve) if rule.reserve and window else ():
        spell = _Spell(issued, i, range(min(window), len(issued.weeks)))
        yield spell.limit(rule, ">=", _fen(rule.add), ONE_FEN)


def _moved(rule: MoveCap, issued: _Issued) -> Iterator[_Limit]:
    """Hold what lines gain on the replaced plan to the cap; each line may be off by a fen."""
    if issued.previous is None:
        return
    totals = [Fraction(sum(row)) for row in issued.fen]
    gained = sum((max(now - old, EXACTLY) for now, old in zip(totals, issued.previous, strict=True)), EXACTLY)
    whole, share = sum(issued.previous, EXACTLY), _exact(rule.max)
    near, of = NEAR * whole, "the replaced plan"
    numbers = (gained, share * whole, ONE_FEN * len(totals), near)
    yield _Limit(rule.name, rule.kind, "money that moves", "<=", *numbers, whole=whole, share=share, of=of)


def _cut(rule: WeakRoiCut | Recovery, cut: WeakRoiCut, hold: int, issued: _Issued) -> Iterator[_Limit]:
    """Check the cuts line by line; without a response there is no ROI, so reserve lines are passed over."""
    for i in issued.named(cut.lines):
        if not issued.lines[i].reserve:
            yield from _tightest(_cut_weeks(rule, cut, hold, issued, i))


def _cut_weeks(rule: WeakRoiCut | Recovery, cut: WeakRoiCut, hold: int, issued: _Issued, i: int) -> Iterator[_Limit]:
    """Limit the weeks that follow enough weak weeks in a row, those of history included."""
    line, run = issued.lines[i], issued.lines[i].weak_weeks
    for t, spent in enumerate(issued.fen[i]):
        before = _before(issued, i, t)
        for later in range(t, min(t + hold, len(issued.weeks))):
            if run >= cut.weeks and before is not None:
                limit = (1 - _exact(cut.cut)) * before
                allowed = _from_history(limit) if t == 0 else ONE_FEN
                why = f" after {run} weak {'week' if run == 1 else 'weeks in a row'}"
                yield replace(_Spell(issued, i, range(later, later + 1)).limit(rule, "<=", limit, allowed), why=why)
        run = run + 1 if _weak(cut, line, spent, issued.gmv[i, t]) else 0


def _weak(rule: WeakRoiCut, line: Line, spent: int, gmv: float) -> bool:
    """Whether modelled ROI is below the line's threshold; a week without spend has no ROI."""
    threshold = _exact(line.weak_roi or rule.roi_below)
    if rule.roi == "attributed" and line.attributed_ratio:
        threshold /= _exact(line.attributed_ratio)
    return spent > 0 and _fen(gmv) < threshold * spent * (1 - FUZZ)


CHECKS: dict[type[Limit], Callable[[Any, _Issued], Iterator[_Limit]]] = {
    Bounds: _bounds,
    Fixed: _fixed,
    Budget: _budget,
    Phases: _phases,
    CategoryShare: _category_share,
    GroupShare: _group_share,
    Concentration: _concentration,
    Mix: _mix,
    Change: _change,
    WeeksOn: _weeks_on,
    Pilot: _pilot,
    Cardinality: _cardinality,
    EitherOr: _either_or,
    BlendedRoi: _blended_roi,
    CostCeiling: _cost_ceiling,
}
