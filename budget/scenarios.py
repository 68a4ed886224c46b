"""Scenarios: named changes of a project, from a YAML file, from options, or the stresses every plan faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from budget.changes import Change, apply_changes, parse_key, parse_set, refuse_clashes
from budget.project import LoadedProject, with_tree
from budget.tree import Node, Source, node_of, plain, put, read_tree, step
from budget.validation import did_you_mean, shown, validate
from mmm.faults import fault
from mmm.problems import InputError, Problem
from mmm.settings import Settings

PLATFORM_SHOCK = -0.22  # new users after Xiaohongshu tightened its policy
WEAK_PEAK = 0.5
LOST = -1.0


class ScenarioSettings(Settings):
    """One scenario of a what-if file."""

    set: Annotated[dict[str, Any], Field(default_factory=dict)]
    """New values by key, such as ``plan.total: 4500000``."""
    shock: Annotated[dict[str, str | float], Field(default_factory=dict)]
    """Change of a line's response by line, such as ``-22%`` or -0.22."""
    drop: tuple[str, ...] = ()
    """Lines that are lost: no spend, no response, and no rule asks for them."""
    combine: tuple[str, ...] = ()
    """Scenarios of this file whose changes come on top."""
    note: str = ""
    """Why."""


class ScenarioFile(Settings):
    """A what-if file."""

    scenarios: dict[str, ScenarioSettings] = Field(min_length=1)
    """Scenarios by name."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Named changes.

    Attributes
    ----------
    name : str
    changes : tuple of Change
    drops : tuple of str
        Keys of lost lines.
    note : str
    """

    name: str
    changes: tuple[Change, ...] = ()
    drops: tuple[str, ...] = ()
    note: str = ""

    def told(self) -> list[dict[str, Any]]:
        """The changes, ready for JSON."""
        dropped = [{"key": f"drop {line}", "value": None} for line in self.drops]
        return [*({"key": change.key, "value": change.value} for change in self.changes), *dropped]


def read_scenarios(path: Path, loaded: LoadedProject) -> tuple[Scenario, ...]:
    """Read a what-if file.

    Raises
    ------
    InputError
        With every problem: unknown keys, lines and scenarios, and combined scenarios that touch the same key.
    """
    read = validate(ScenarioFile, read_tree(Source(path, path.name))).scenarios
    alone = {name: _alone(name, settings, loaded, path.name) for name, settings in read.items()}
    return tuple(_combined(name, read, alone, path.name) for name in read)


def _alone(name: str, settings: ScenarioSettings, loaded: LoadedProject, file: str) -> Scenario:
    where = f"{file}, scenarios.{name}"
    changes = [Change(key, parse_key(key, where), value) for key, value in settings.set.items()]
    changes += [shock(line, amount, loaded, where) for line, amount in settings.shock.items()]
    drops = tuple(line_key(line, loaded, where) for line in settings.drop)
    refuse_clashes([(name, [*changes, *_drop_marks(drops)])], where)
    return Scenario(name, tuple(changes), drops, settings.note)


def _combined(name: str, read: Mapping[str, ScenarioSettings], alone: Mapping[str, Scenario], file: str) -> Scenario:
    parts = [alone[name]]
    where = f"{file}, scenarios.{name}"
    for other in read[name].combine:
        if other not in alone or other == name or read[other].combine:
            cure = did_you_mean(other, [each for each in alone if each != name and not read[each].combine])
            raise InputError([Problem("there is no such scenario to combine", where, shown(other), cure)])
        parts.append(alone[other])
    refuse_clashes([(part.name, [*part.changes, *_drop_marks(part.drops)]) for part in parts], where)
    changes = tuple(change for part in parts for change in part.changes)
    return Scenario(name, changes, tuple(line for part in parts for line in part.drops), read[name].note)


def _drop_marks(drops: Sequence[str]) -> list[Change]:
    """A lost line's response is zero: a shock on it is a clash."""
    return [Change(f"drop {line}", ("plan", "shocks", line), LOST) for line in drops]


def scenario_from_options(
    name: str | None, sets: Sequence[str], shocks: Sequence[str], drops: Sequence[str], loaded: LoadedProject
) -> Scenario | None:
    """The scenario that options describe; None when they describe none."""
    changes = [parse_set(text) for text in sets]
    for text in shocks:
        line, sign, amount = text.rpartition("=")
        if not sign:
            raise InputError([Problem("there is no = in it", f"--shock {text}", "", "Write --shock LINE=-22%.")])
        changes.append(shock(line, amount, loaded, f"--shock {text}"))
    lost = tuple(line_key(line, loaded, f"--drop {line}") for line in drops)
    if not changes and not lost:
        return None
    told = name or ", ".join([*sets, *shocks, *(f"drop {line}" for line in drops)])
    refuse_clashes([("the command line", [*changes, *_drop_marks(lost)])], "the command line")
    return Scenario(told, tuple(changes), lost)


def line_key(given: str, loaded: LoadedProject, where: str) -> str:
    """Key of the line that a name or a label means.

    Raises
    ------
    InputError
        When no line, or more than one, is called so.
    """
    known: dict[str, set[str]] = {}
    lines: dict[str, Any] = {**loaded.project.channels, **loaded.project.lines}
    for key, settings in lines.items():
        label = settings.label
        texts = label.values() if isinstance(label, dict) else (label.en, label.zh)
        for name in (key, *(text for text in texts if text)):
            known.setdefault(name.strip().casefold(), set()).add(key)
    found = known.get(given.strip().casefold(), set())
    if given in lines:
        return given
    if len(found) == 1:
        return next(iter(found))
    what = "several lines are called so" if found else "there is no such line"
    cure = fault("Use a key: {names}.", names=sorted(found)) if found else did_you_mean(given, known)
    raise InputError([Problem(what, where, shown(given), cure)])


def shock(line: str, amount: str | float, loaded: LoadedProject, where: str) -> Change:
    """The change that a shock is."""
    key = line_key(line, loaded, where)
    if key not in loaded.project.channels:
        cure = "Shock a line that has one."
        raise InputError([Problem("the line has no response", where, shown(line), cure)])
    return Change(f"shock {key}", ("plan", "shocks", key), read_share(amount, where))


def read_share(amount: str | float, where: str) -> float:
    """Read a change such as ``-22%``, ``+5%`` or ``-0.22``."""
    text = str(amount).strip().replace("\u2212", "-").replace("％", "%")
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise InputError([Problem("this is no change", where, shown(text), "Write -22% or -0.22.")]) from None
    if not -1 <= value <= 10:
        raise InputError([Problem("a change lies between -100% and +1000%", where, shown(text), "Write -22%.")])
    return value


def changed_project(loaded: LoadedProject, scenario: Scenario) -> LoadedProject:
    """The project as the scenario has it: what a fresh plan of the changed file would read."""
    changed = loaded
    for line in scenario.drops:
        changed = _without(changed, line)
    return apply_changes(changed, scenario.changes, scenario.name) if scenario.changes else changed


# A lost line ----------------------------------------------------------------------------------------------------------


def _without(loaded: LoadedProject, line: str) -> LoadedProject:
    """The project without a line: nothing is spent on it, it earns nothing, and no rule asks for it."""
    source = Source(loaded.path, f"without {line}")
    channels = list(loaded.project.channels)
    tree = loaded.tree
    for place in ("constraints", "rules"):
        node = step(_plan(tree), place)
        kept = [] if node is None or not isinstance(node.value, list) else node.value
        rules = [left for rule in kept if (left := _released(rule, line, channels)) is not None]
        tree = _replaced(tree, place, rules, source)
    nothing = {"kind": "bounds", "name": f"without {line}", "lines": line, "max": 0}
    constraints = step(_plan(tree), "constraints")
    listed = constraints.value if constraints is not None and isinstance(constraints.value, list) else []
    tree = _replaced(tree, "constraints", [*listed, node_of(nothing, source)], source)
    if line in loaded.project.channels:
        tree = put(tree, ("plan", "shocks", line), LOST, source)
    return with_tree(loaded, tree)


def _plan(tree: Node) -> Node:
    return step(tree, "plan") or Node({}, tree.source, tree.line)


def _replaced(tree: Node, place: str, rules: list[Node], source: Source) -> Node:
    plan = _plan(tree)
    blocks = plan.value if isinstance(plan.value, dict) else {}
    top = tree.value if isinstance(tree.value, dict) else {}
    inner = Node({**blocks, place: Node(rules, source, 1)}, plan.source, plan.line)
    return Node({**top, "plan": inner}, tree.source, tree.line)


def _released(rule: Node, line: str, channels: Sequence[str]) -> Node | None:
    """The rule without the line; None when it speaks of nothing else."""
    if (one := step(rule, "line")) is not None:
        return None if plain(one) == line else rule
    named = step(rule, "lines")
    names = "all" if named is None else plain(named)
    if named is None and not _speaks_of_lines(rule):
        return rule
    if names == "all":
        left = [name for name in channels if name != line]
    else:
        left = [name for name in ([names] if isinstance(names, str) else names) if name != line]
    return put(rule, ("lines",), left, rule.source) if left else None


def _speaks_of_lines(rule: Node) -> bool:
    """Whether the rule leaves ``lines`` unsaid that stand for all lines, one by one."""
    from optimizer.settings import PlanSettings

    kind = step(rule, "kind")
    named = [str(plain(kind))] if kind is not None else []
    return any(
        "lines" in model.model_fields
        and model.model_fields["lines"].default == "all"
        and model.model_fields["kind"].default in named
        for field in ("constraints", "rules")
        for model in _members(PlanSettings.model_fields[field].annotation)
    )


def _members(annotation: Any) -> list[Any]:
    """Rule classes that a field's type names."""
    import typing

    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _members(part)]


# The stresses of every plan -------------------------------------------------------------------------------------------


def stress_scenarios(
    loaded: LoadedProject,
    history: Mapping[str, float],
    peaks: Mapping[str, float],
    can_hold: Callable[[LoadedProject], bool] = lambda _: True,
) -> tuple[Scenario, ...]:
    """A platform shock on the largest social line, the loss of a line, and a weak largest peak.

    The line lost is the largest that the rules can do without; the largest of all when they can spare none.

    Parameters
    ----------
    loaded : LoadedProject
    history : mapping of line to float
        Spend in the same weeks last year, currency; lines with a response.
    peaks : mapping of peak to float
        Strength of the calendar's peaks in the plan's weeks.
    can_hold : callable
        Whether a changed project's rules can hold together.
    """
    channels = loaded.project.channels
    social = {
        line: spent for line, spent in history.items() if "social" in channels[line.partition("@")[0]].groups
    } or history
    hit = max(social, key=lambda line: social[line]).partition("@")[0]
    ranked = list(dict.fromkeys(line.partition("@")[0] for line in sorted(history, key=lambda line: -history[line])))
    losses = (Scenario(f"loss of {line}", drops=(line,)) for line in ranked)
    loss = next(
        (one for one in losses if can_hold(changed_project(loaded, one))),
        Scenario(f"loss of {ranked[0]}", drops=(ranked[0],)),
    )
    found = [
        Scenario(
            f"platform shock {hit} {PLATFORM_SHOCK:.0%}",
            (Change(f"shock {hit}", ("plan", "shocks", hit), PLATFORM_SHOCK),),
        ),
        loss,
    ]
    if peaks:
        peak = "double11" if "double11" in peaks else max(peaks, key=lambda name: peaks[name])
        found.append(Scenario(f"weak {peak}", (Change(f"peaks {peak}", ("plan", "peaks", peak), WEAK_PEAK),)))
    return tuple(found)
