"""Changes of a project by key: what ``--set``, scenarios and an edited workbook say, applied to the tree and checked.

A key is a path of the project file, rules by name: ``plan.total``, ``plan.constraints."social cap".max``. What stands
under ``plan`` may leave that word out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from budget.checks import total_fen
from budget.project import LoadedProject, Project, with_tree
from budget.tree import Node, Source, YamlPath, find, plain, put, step
from budget.validation import did_you_mean, shown
from mmm.faults import fault
from mmm.problems import InputError, Problem
from optimizer.settings import PlanSettings

_PART = re.compile(r'"((?:[^"]|"")*)"|([^."\[\]]+)')
_FITTED = ("data", "model", "calendar", "currency", "extends", "lift_tests")
_LISTS = {"constraints", "rules"}


@dataclass(frozen=True, slots=True)
class Change:
    """One value at one path.

    Attributes
    ----------
    key : str
        As a person writes it.
    path : tuple of str
    value : Any
        What YAML would read.
    """

    key: str
    path: tuple[str, ...]
    value: Any

    def told(self) -> str:
        """The change in words."""
        return f"{self.key} = {self.value}"


def parse_key(key: str, where: str) -> tuple[str, ...]:
    """Split a key into the steps of a path.

    Raises
    ------
    InputError
        For a key that is no path.
    """
    parts: list[str] = []
    at = 0
    while at < len(key):
        match = _PART.match(key, at)
        if match is None:
            break
        parts.append(match[2].strip() if match[1] is None else match[1].replace('""', '"'))
        at = match.end()
        if at < len(key) and key[at] == ".":
            at += 1
        elif at < len(key):
            break
    if at < len(key) or key.endswith(".") or not parts or not all(parts):
        cure = 'Write it as in plan.total or constraints."social cap".max.'
        raise InputError([Problem("this is no key of a project", where, shown(key), cure)])
    if parts[0] not in Project.model_fields and parts[0] in PlanSettings.model_fields:
        parts.insert(0, "plan")
    return tuple(parts)


def parse_value(text: str, where: str) -> Any:
    """Read a value as YAML reads it.

    Raises
    ------
    InputError
        For text that is no YAML value.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise InputError([Problem("the value cannot be read", where, shown(text), "Quote it.")]) from error


def parse_set(text: str) -> Change:
    """Read ``KEY=VALUE``."""
    where = f"--set {text}"
    key, sign, value = _split(text)
    if not sign:
        raise InputError([Problem("there is no = in it", where, "", "Write --set plan.total=4500000.")])
    return Change(key.strip(), parse_key(key.strip(), where), parse_value(value, where))


def _split(text: str) -> tuple[str, str, str]:
    """Split at the first = that is not inside quotes."""
    quoted = False
    for at, mark in enumerate(text):
        if mark == '"':
            quoted = not quoted
        elif mark == "=" and not quoted:
            return text[:at], "=", text[at + 1 :]
    return text, "", ""


def apply_changes(loaded: LoadedProject, changes: Sequence[Change], name: str) -> LoadedProject:
    """The changed project, validated anew.

    Parameters
    ----------
    loaded : LoadedProject
    changes : sequence of Change
    name : str
        Of the scenario, for messages.

    Raises
    ------
    InputError
        For keys that do not exist, keys that would need a new fit, and values that the project refuses.
    """
    source = Source(loaded.path, f"scenario {name}")
    tree = loaded.tree
    problems: list[Problem] = []
    for change in changes:
        try:
            tree = put(tree, _located(tree, change, source.name), change.value, source)
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    changed = with_tree(loaded, tree)
    _refuse_refit(loaded, changed, source.name)
    return changed


def changed_inputs(loaded: LoadedProject, inputs: Mapping[str, float]) -> tuple[Change, ...]:
    """Those of a workbook's inputs that are not what the project says, as changes of it."""
    found = []
    for key, given in inputs.items():
        path = parse_key(key, "sheet Inputs")
        now = value_at(loaded, path)
        if now is None or not math.isclose(now, given, rel_tol=1e-12):
            found.append(Change(key, path, int(given) if given.is_integer() else given))
    return tuple(found)


def value_at(loaded: LoadedProject, path: Sequence[str]) -> float | None:
    """The number at a key of the plan; None where there is none."""
    if tuple(path) == ("plan", "total"):
        fen = total_fen(loaded.project.plan)
        return None if fen is None else fen / 100
    here: Any = loaded.project
    for part in path:
        here = (
            next((rule for rule in here if rule.name == part), None)
            if isinstance(here, tuple)
            else getattr(here, part, None)
        )
    return float(here) if isinstance(here, int | float) and not isinstance(here, bool) else None


def _located(tree: Node, change: Change, where: str) -> YamlPath:
    """The path in the tree: rules by their place in their list; every step known."""
    path: YamlPath = ()
    model: Any = Project
    for depth, part in enumerate(change.path):
        here = find(tree, path) if step_exists(tree, path) else None
        if path and path[-1] in _LISTS:
            path, model = (*path, _place(here, part, where, change.key)), None
            continue
        if model is not None and hasattr(model, "model_fields"):
            if part not in model.model_fields:
                cure = did_you_mean(part, model.model_fields)
                raise InputError([Problem("there is no such key", f"{where}, {change.key}", shown(part), cure)])
            model = _PLAN_MODELS.get((*change.path[:depth], part))
        path = (*path, part)
    return path


_PLAN_MODELS: Mapping[tuple[str, ...], Any] = {
    ("plan",): PlanSettings,
    ("plan", "objective"): PlanSettings.model_fields["objective"].annotation,
}


def step_exists(tree: Node, path: YamlPath) -> bool:
    """Whether a path stands in the tree."""
    node: Node | None = tree
    for key in path:
        node = None if node is None else step(node, key)
    return node is not None


def _place(rules: Node | None, name: str, where: str, key: str) -> int:
    listed = rules.value if rules is not None and isinstance(rules.value, list) else []
    names = [str(plain(named)) if (named := step(rule, "name")) is not None else "" for rule in listed]
    if name in names:
        return names.index(name)
    raise InputError(
        [Problem("there is no rule of this name", f"{where}, {key}", shown(name), did_you_mean(name, names))]
    )


def _refuse_refit(loaded: LoadedProject, changed: LoadedProject, where: str) -> None:
    """A what-if changes the plan; what the model was fitted on stays."""
    before, after = loaded.project, changed.project
    fitted = [key for key in _FITTED if getattr(before, key) != getattr(after, key)]
    kept = {"groups", "category", "label", "weak_roi"}

    def fit_part(project: Project) -> dict[str, Any]:
        return {name: channel.model_dump(exclude=kept) for name, channel in project.channels.items()}

    if fit_part(before) != fit_part(after):
        fitted.append("channels")
    if fitted:
        cure = "Change it in the project file and fit again."
        raise InputError([Problem("this would need a new fit", where, ", ".join(fitted), cure)])


def refuse_clashes(parts: Iterable[tuple[str, Sequence[Change]]], where: str) -> None:
    """Refuse changes that touch the same key, or one inside another's.

    Parameters
    ----------
    parts : iterable of (name, changes)
        Who changes what.
    where : str
        The scenario that joins them.

    Raises
    ------
    InputError
        With every clash.
    """
    seen: list[tuple[str, Change]] = []
    problems = []
    for owner, changes in parts:
        for change in changes:
            for other, earlier in seen:
                shorter = min(len(change.path), len(earlier.path))
                if change.path[:shorter] == earlier.path[:shorter]:
                    twice = (
                        "{other} and {owner} change the same key" if other != owner else "{owner} changes a key twice"
                    )
                    what = fault(twice, other=other, owner=owner)
                    problems.append(Problem(what, where, change.key, "Keep one of them."))
            seen.append((owner, change))
    if problems:
        raise InputError(problems)
