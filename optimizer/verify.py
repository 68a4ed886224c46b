"""Second opinion on a plan: every rule checked in whole fen and exact fractions, sharing nothing with the model.

Only the fields of the settings are read here, so a fault in the solver's rows cannot hide itself. What a whole fen
forces is allowed and no more:

- the total and the sign of every cell hold exactly, the ends of a share range to a hundred-thousandth of a fen;
- an exact share, an amount in currency and a step within the plan hold to less than one fen;
- an amount computed from history holds to less than one fen or a billionth of itself, whichever is larger;
- visits hold to a billionth of the limit.

A limit binds when the plan is nearer to it than a millionth of what is shared, or, for an amount, than a millionth of
the plan's mean spend over the limit's weeks (but at least one fen).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from operator import index
from typing import TYPE_CHECKING, Literal, assert_never

import numpy as np
import numpy.typing as npt

from optimizer.constraints import Bounds, CategoryShare, Change, Concentration, Constraint, GroupShare, Pilot, Rule
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
        In ``unit``: "CNY", or "share" as a fraction of the plan's spend or expected visits.
    binding, broken : bool
        Whether the plan stands at the limit; whether it violates it.
    sentence : str
        The same in words.
    week : date or None
        Monday, where the limit is one week's.
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
    issued = _issued(lines, weeks, weekly_fen, np.asarray(expected_gmv, dtype=np.float64), windows, previous)
    limits = [_total(settings, issued, index(total_fen)), _sign(issued), *_even(settings, issued)]
    for constraint in settings.constraints:
        limits.extend(_limits(constraint, issued))
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

    @property
    def spent(self) -> int:
        """Planned spend, fen."""
        return sum(map(sum, self.fen))

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
    return _Issued(tuple(lines), tuple(weeks), fen, gmv, named, before)


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

    @property
    def excess(self) -> Fraction:
        """How far beyond the limit; negative inside it."""
        over = self.value - self.limit
        return {"<=": over, ">=": -over, "==": abs(over)}[self.sense]

    @property
    def broken(self) -> bool:
        return self.excess > 0 and self.excess >= self.allowed

    @property
    def binding(self) -> bool:
        return abs(self.value - self.limit) < self.near

    def finding(self) -> Finding:
        value, limit, unit = self.value / 100, self.limit / 100, "CNY"
        if self.whole is not None:
            value, limit, unit = self.value / self.whole if self.whole else EXACTLY, self.share, "share"
        numbers = (float(value), float(limit), unit)
        place = (self.name, self.kind, self.line, self.sense)
        return Finding(*place, *numbers, self.binding, self.broken, self._sentence(value), self.week)

    def _sentence(self, value: Fraction) -> str:
        at, bound = self._written(self.value, value), self._written(self.limit, self.share)
        state = "binds" if self.binding else "holds"
        if self.broken:
            state = f"broken by {self._amount(self.excess)}"
        return f"{self.name}: {self.subject} {at}, {WORDS[self.sense]} {bound}{self.why}; {state}."

    def _written(self, amount: Fraction, share: Fraction) -> str:
        if self.whole is None:
            return self._amount(amount)
        return f"{float(100 * share):.6g}% of {self.of} ({self._amount(amount)})"

    def _amount(self, amount: Fraction) -> str:
        return f"{float(amount / 100):,.2f} {'CNY' if self.of == 'spend' else self.of}"


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


def _limits(constraint: Constraint, issued: _Issued) -> Iterator[_Limit]:
    match constraint:
        case Bounds():
            yield from _bounds(constraint, issued)
        case CategoryShare():
            yield from _category_share(constraint, issued)
        case GroupShare():
            yield from _group_share(constraint, issued)
        case Concentration():
            yield from _concentration(constraint, issued)
        case Change():
            yield from _change(constraint, issued)
        case Pilot():
            yield from _pilot(constraint, issued)
        case _:
            assert_never(constraint)


def _bounds(rule: Bounds, issued: _Issued) -> Iterator[_Limit]:
    horizon = range(len(issued.weeks))
    spans = [horizon] if rule.per == "horizon" else [range(t, t + 1) for t in horizon]
    for i in issued.named(rule.lines):
        for spell in (_Spell(issued, i, span) for span in spans):
            base = _base(rule, spell)
            ends = [None if multiple is None else _exact(multiple) * base for multiple in (rule.min, rule.max)]
            yield from _between(rule, spell, *ends, measured=rule.relative_to is not None)


def _base(rule: Bounds, spell: _Spell) -> Fraction:
    """Return what the rule's numbers are multiples of, fen."""
    if rule.relative_to == "history":
        return sum((_fen(spell.line.reference[t]) for t in spell.span), EXACTLY)
    if rule.relative_to == "average":
        return _fen(spell.line.average) * len(spell.span)
    return Fraction(100)


def _between(
    rule: Bounds | Change | Pilot, spell: _Spell, low: Fraction | None, high: Fraction | None, *, measured: bool
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
    weights = [ONE_FEN if of == "spend" else _exact(one.visits_per_cny or 0.0) for one in issued.lines]
    amounts = [weight * sum(row) for weight, row in zip(weights, issued.fen, strict=True)]
    whole, value = sum(amounts, EXACTLY), sum((amounts[i] for i in inside), EXACTLY)
    for sense, share in _senses(*ends):
        limit = share * whole
        allowed = max(weights) if sense == "==" else ROUNDED if of == "spend" else FUZZ * limit
        head = (rule.name, rule.kind, subject, sense, value, limit, allowed, NEAR * whole)
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
        base = sum((_fen(amount) for amount in issued.lines[i].reference), EXACTLY)
        if rule.last_year is not None and base > 0:
            spell = _Spell(issued, i, range(len(issued.weeks)))
            yield from _between(rule, spell, *_around(_exact(rule.last_year), base), measured=True)


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
    limit, allowed = _exact(rule.max) * sum(issued.previous, EXACTLY), ONE_FEN * len(totals)
    near = _near(issued, len(issued.weeks))
    yield _Limit(rule.name, rule.kind, "money that moves", "<=", gained, limit, allowed, near)


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
