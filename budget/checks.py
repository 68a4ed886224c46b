"""Cross checks of a project: what a field alone cannot tell, such as a rule that names a line nobody defined."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from budget.money import parse_money
from budget.validation import did_you_mean, shown
from mmm.calendar import quarter_weeks
from mmm.faults import fault
from mmm.problems import InputError
from mmm.settings import SplitFiles
from optimizer.constraints import Bounds, CategoryShare, Rule
from optimizer.rules import Recovery

if TYPE_CHECKING:
    from datetime import date

    from budget.project import Project
    from budget.tree import YamlPath
    from mmm.settings import ChannelSettings
    from optimizer.settings import LineSettings, PlanSettings

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_TOLERANCE = 1e-9
_YEARS = range(2000, 2101)
_YEAR_FAULT = "the year must be from 2000 to 2100"
_MOST_WEEKS = 260


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, at a path of the project file."""

    path: YamlPath
    what: str
    value: str = ""
    cure: str = ""


def findings(project: Project) -> Iterator[Finding]:
    """Find every fault of a project whose fields are each valid by themselves."""
    yield from _files(project)
    yield from _line_names(project)
    horizon = tuple(_horizon(project.plan))
    yield from horizon
    yield from _objective(project.plan)
    yield from _total(project.plan)
    yield from _rule_names(project.plan)
    yield from _references(project)
    for path, name in _named_lines(project.plan):
        channel, _, unit = name.partition("@")
        # Which units there are is known with the data: unit_findings.
        single = unit and project.data.unit is not None and channel in project.channels
        yield from _unknown(path, "line", [] if single else [name], _lines(project))
    yield from _category_shares(project)
    if not horizon:  # the weeks must be known
        yield from _least_spend(project)


def _files(project: Project) -> Iterator[Finding]:
    file = project.data.file
    named: dict[YamlPath, str] = {("calendar",): project.calendar}
    if isinstance(file, SplitFiles):
        named |= {("data", "file", "outcome"): file.outcome, ("data", "file", "spend"): file.spend}
    else:
        named[("data", "file")] = file
    if project.lift_tests is not None:
        named[("lift_tests",)] = project.lift_tests
    for path, text in named.items():
        if _URL.match(text):
            yield Finding(path, "files are not fetched from the network", shown(text), "Save it beside this project.")


def _line_names(project: Project) -> Iterator[Finding]:
    for name in project.lines.keys() & project.channels.keys():
        yield Finding(("lines", name), "a channel has this name already", "", "Give the budget line another name.")
    for path in (*(("channels", name) for name in project.channels), *(("lines", name) for name in project.lines)):
        if path[1] == "all" or not path[1].strip():
            yield Finding(path, "this name cannot be used", path[1], "Choose another; all means every line.")


def _horizon(plan: PlanSettings) -> Iterator[Finding]:
    if plan.quarter is None and plan.start is None:
        cure = "Write quarter: 2027Q4, or start: 2027-10-04."
        yield Finding(("plan",), "neither quarter nor start is given", "", cure)
    if plan.quarter is not None and plan.start is not None:
        cure = "Keep one; write null for the other if it comes from the file that this one extends."
        yield Finding(("plan", "start"), "quarter and start are both given", str(plan.start), cure)
    if plan.quarter is not None and not (plan.quarter.isascii() and int(plan.quarter[:4]) in _YEARS):
        yield Finding(("plan", "quarter"), _YEAR_FAULT, plan.quarter, "Write it as in 2027Q4.")
    if plan.start is not None:
        yield from _start(plan.start)
    if plan.weeks > _MOST_WEEKS:
        yield Finding(
            ("plan", "weeks"),
            fault("a plan covers at most {weeks} weeks", weeks=_MOST_WEEKS),
            shown(plan.weeks),
            "Lower it.",
        )


def _start(start: date) -> Iterator[Finding]:
    if start.year not in _YEARS:
        yield Finding(("plan", "start"), _YEAR_FAULT, str(start), "Write it as in 2027-10-04.")
    elif start.weekday() != 0:
        monday = start - timedelta(days=start.weekday())
        yield Finding(
            ("plan", "start"),
            "the plan must start on a Monday",
            str(start),
            fault("Write {monday}.", monday=monday.isoformat()),
        )


def _objective(plan: PlanSettings) -> Iterator[Finding]:
    goal = plan.objective
    if goal.maximise != "gmv" and goal.margin is None:
        cure = "Write margin: 0.35 (your contribution margin on GMV) beside it."
        yield Finding(
            ("plan", "objective", "maximise"), fault("{goal} needs a margin", goal=goal.maximise), goal.maximise, cure
        )
    if goal.safe and goal.cvar.weight > 0:
        cure = "Leave out cvar.weight, or safe: both say how averse to bad outcomes the plan is."
        yield Finding(("plan", "objective", "safe"), "two kinds of caution at once", "safe and cvar", cure)


def _total(plan: PlanSettings) -> Iterator[Finding]:
    try:
        total_fen(plan)
    except InputError as error:
        for problem in error.problems:
            yield Finding(("plan", "total"), problem.what, problem.value, problem.cure)


def total_fen(plan: PlanSettings) -> int | None:
    """Read the plan's total in fen; None when the project leaves it to ``--total``."""
    return None if plan.total is None else parse_money(plan.total, where="plan.total")


def _lines(project: Project) -> dict[str, ChannelSettings | LineSettings]:
    """All that money can be put on."""
    return {**project.channels, **project.lines}


def _rules(plan: PlanSettings) -> Iterator[tuple[YamlPath, Rule]]:
    """Constraints and rules, each with its path."""
    for place, kin in (("constraints", plan.constraints), ("rules", plan.rules)):
        for index, rule in enumerate(kin):
            yield ("plan", place, index), rule


def _rule_names(plan: PlanSettings) -> Iterator[Finding]:
    counts = Counter(rule.name for _, rule in _rules(plan))
    for path, rule in _rules(plan):
        if counts[rule.name] > 1:
            cure = "Give each its own: prices, conflicts and what-ifs refer to rules by name."
            yield Finding((*path, "name"), "several rules have this name", shown(rule.name), cure)


def _references(project: Project) -> Iterator[Finding]:
    """Every group and category that a rule names must exist, and a reserve line must be one."""
    lines = _lines(project)
    groups = {group for line in lines.values() for group in line.groups}
    categories = {line.category for line in lines.values() if line.category is not None}
    for path, rule in _rules(project.plan):
        for key, known in (("category", categories), ("group", groups)):
            named = getattr(rule, key, None)
            yield from _unknown((*path, key), key, [] if named is None else [named], known)
        for key in ("line", "reserve") if rule.kind in {"release", "top_up"} else ():
            named = getattr(rule, key, None)
            if named in project.channels:
                cure = "Name a budget line under lines:, which holds money without a response."
                yield Finding((*path, key), "this is a channel, not a reserve line", shown(named), cure)
            elif key == "reserve":
                yield from _unknown((*path, key), "line", _named(named), project.lines)
    yield from _recoveries(project.plan)


def unit_findings(project: Project, lines: Iterable[str]) -> Iterator[Finding]:
    """Find the lines of single units (``channel@unit``) that the project names and the data do not have.

    Parameters
    ----------
    project : Project
    lines : iterable of str
        Lines with a response.
    """
    known = tuple(lines)
    for path, name in _named_lines(project.plan):
        yield from _unknown(path, "line", [name] if "@" in name and name not in project.channels else [], known)


def _named_lines(plan: PlanSettings) -> Iterator[tuple[YamlPath, str]]:
    """Every line that a rule or a shock names, with where it does."""
    for path, rule in _rules(plan):
        for key, attribute in (("line", "line"), ("lines", "lines"), ("either", "either"), ("or", "or_")):
            yield from (((*path, key), name) for name in _named(getattr(rule, attribute, None)))
        yield from (((*path, "shares"), name) for name in getattr(rule, "shares", ()))
    yield from ((("plan", "shocks", name), name) for name in plan.shocks)


def _recoveries(plan: PlanSettings) -> Iterator[Finding]:
    """Recovery follows a cut that exists."""
    cuts = [cut.name for cut in plan.cuts]
    for path, rule in _rules(plan):
        if isinstance(rule, Recovery):
            yield from _unknown((*path, "after"), "cut rule", [rule.after], cuts)


def _named(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Lines that a key names; none for ``all``."""
    if given is None or given == "all":
        return ()
    return (given,) if isinstance(given, str) else given


def _unknown(path: YamlPath, what: str, names: Iterable[str], known: Iterable[str]) -> Iterator[Finding]:
    table = set(known)
    for name in names:
        if name not in table:
            cure = did_you_mean(name, table) or fault(f"There is no {what} to name yet.")
            yield Finding(path, fault(f"there is no such {what}"), shown(name), cure)


def _category_shares(project: Project) -> Iterator[Finding]:
    """Least shares may not pass 1; exact shares of all that can be spent on must make 1."""
    shares = [(path, rule) for path, rule in _rules(project.plan) if isinstance(rule, CategoryShare)]
    least: dict[str, float] = {}
    exact: dict[str, float] = {}
    for path, rule in shares:
        low = rule.share if rule.share is not None else rule.min or 0.0
        least[rule.category] = max(low, least.get(rule.category, 0.0))
        if rule.share is not None and exact.setdefault(rule.category, rule.share) != rule.share:
            yield Finding((*path, "share"), "this category has another exact share", f"{rule.share:g}", "Keep one.")
    total = sum(least.values())
    used = {line.category for line in _lines(project).values()}
    given = [f"{name} {value:g}" for name, value in least.items()]
    cure = fault("Change the shares so that they make 1: {shares}.", shares=given)
    if total > 1 + _TOLERANCE:
        yield Finding(("plan", "constraints"), "the category shares sum to more than 1", f"{total:.6g}", cure)
    elif used == exact.keys() and total < 1 - _TOLERANCE:
        what = "every category has an exact share and they sum to less than 1"
        yield Finding(("plan", "constraints"), what, f"{total:.6g}", cure)


def _least_spend(project: Project) -> Iterator[Finding]:
    """Absolute minimums may not pass the total."""
    least = _minimums(project)
    needed = sum(amount for amount, _ in least.values())
    try:
        total = total_fen(project.plan)
    except InputError:  # said by _total
        return
    if total is not None and needed * 100 > total + 0.5:
        paths = Counter(path for amount, path in least.values() if amount > 0)
        what = fault(
            "bounds over the total: the least spends sum to {needed:,.2f}, the total is {total:,.2f}",
            needed=needed,
            total=total / 100,
        )
        cure = "Lower a min, or raise plan.total."
        yield Finding((*paths.most_common(1)[0][0], "min"), what, "", cure)


def _minimums(project: Project) -> Mapping[str, tuple[float, YamlPath]]:
    """Per line, the largest absolute minimum over the horizon (currency) and the constraint that sets it."""
    plan, lines = project.plan, _lines(project)
    weeks = plan.weeks if plan.quarter is None else len(quarter_weeks(plan.quarter))
    least: dict[str, tuple[float, YamlPath]] = {}
    for path, rule in _rules(plan):
        if not isinstance(rule, Bounds) or rule.relative_to is not None or rule.min is None:
            continue
        amount = rule.min * (1 if rule.per == "horizon" else weeks)
        for name in project.channels if rule.lines == "all" else _named(rule.lines):
            if amount > least.get(name, (0.0, path))[0]:
                least[name] = (amount, path)
    # What one unit must get is part of what its channel must get.
    return {name: one for name, one in least.items() if name in lines or name.partition("@")[0] not in least}
