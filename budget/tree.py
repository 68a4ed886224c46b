"""YAML files as a tree whose every node knows its file and line; ``extends`` is a merge of two such trees."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode

from mmm.bounded import MAX_BYTES, bounded_yaml
from mmm.broken import broken_yaml
from mmm.faults import fault, reason
from mmm.files import refuse_absent
from mmm.problems import InputError, Problem

Scalar = Any
YamlPath = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(_TAG + kind for kind in ("str", "int", "float", "bool", "null", "timestamp"))


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its path, and its name as shown (relative to the project folder)."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a YAML file (scalar, list of nodes or dict of nodes) and its place; lines count from 1, 0 is none."""

    value: Scalar | list[Node] | dict[str, Node]
    source: Source
    line: int


def read_tree(source: Source) -> Node:
    """Read one file.

    Raises
    ------
    InputError
        When the file is missing, too large, not UTF-8 or not YAML; for anchors, tags and deep nesting; for every
        duplicate key and every unusable value.
    """
    text = _read_text(source)
    yaml = bounded_yaml()
    try:
        top = yaml.compose(text)
    except YAMLError as error:
        raise InputError([broken_yaml(error, source.name, text)]) from error
    if not isinstance(top, MappingNode):  # an empty file, a bare value or a list
        cure = "Write keys such as data:, channels: and plan:."
        raise InputError([Problem("the file holds no keys", source.name, "", cure)])
    builder = _Builder(yaml, source, [])
    tree = builder.mapping(top, (), 1)
    if builder.problems:
        raise InputError(builder.problems)
    return tree


def merge(base: Node, over: Node) -> Node:
    """``over`` laid on ``base``: dicts merge key by key, everything else is replaced."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        merged[key] = merge(merged[key], node) if key in merged else node
    return Node(merged, over.source, over.line)


def plain(node: Node) -> Any:
    """Strip the places off: plain dicts, lists and scalars."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def find(tree: Node, path: YamlPath) -> Node:
    """Find the node at a path, or the deepest one on the way to it."""
    node = tree
    for key in path:
        child = step(node, key)
        if child is None:
            return node
        node = child
    return node


def step(node: Node, key: str | int) -> Node | None:
    """One step down, None where there is none."""
    if isinstance(node.value, dict):
        return node.value.get(str(key))
    if isinstance(node.value, list) and isinstance(key, int) and key < len(node.value):
        return node.value[key]
    return None


def node_of(value: Any, source: Source) -> Node:
    """A plain value as a tree that stands on no line of a source."""
    if isinstance(value, dict):
        return Node({str(key): node_of(child, source) for key, child in value.items()}, source, 0)
    if isinstance(value, list | tuple):
        return Node([node_of(child, source) for child in value], source, 0)
    return Node(value, source, 0)


def put(tree: Node, path: YamlPath, value: Any, source: Source) -> Node:
    """The tree with a value at a path; blocks on the way are made where there are none."""
    if not path:
        return node_of(value, source)
    key, rest = path[0], path[1:]
    child = step(tree, key) or Node({}, source, 0)
    changed = put(child, rest, value, source)
    if isinstance(tree.value, list) and isinstance(key, int):
        return Node([changed if at == key else node for at, node in enumerate(tree.value)], tree.source, tree.line)
    kept = tree.value if isinstance(tree.value, dict) else {}
    return Node({**kept, str(key): changed}, tree.source, tree.line)


def place(tree: Node, path: YamlPath) -> str:
    """Where a path stands, for people: ``budget.yaml, line 14, plan.constraints."social cap".max``."""
    node = find(tree, path)
    return _place(node.source, node.line, "".join(_words(tree, path)))


def _place(source: Source, line: int, words: str) -> str:
    at = f"{source.name}, line {line}" if line else source.name  # an option's value has no line
    return at + (f", {words.lstrip('.')}" if words else "")


def _words(tree: Node, path: YamlPath) -> Iterator[str]:
    """Write each step; list items go by their ``name`` where they have one, else by number from 1."""
    for depth, key in enumerate(path):
        if isinstance(key, int):
            name = step(find(tree, path[: depth + 1]), "name")
            yield f'."{name.value}"' if name is not None and isinstance(name.value, str) else f"[{key + 1}]"
        else:
            yield f".{key}" if key and not set(key) & set(' ."') else f'."{key}"'


def _read_text(source: Source) -> str:
    try:
        if source.path.is_dir():
            refuse_absent(source.path, source.name, "Check the name and the folder.")
        if not source.path.is_file():
            raise InputError([Problem("there is no such file", source.name, "", "Check the name and the folder.")])
        with source.path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            what = fault("the file is larger than {size} KB", size=MAX_BYTES // 1024)
            raise InputError([Problem(what, source.name, "", "A project file holds settings only; keep data apart.")])
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cure = "Save it as UTF-8 (in a text editor: Save as, encoding UTF-8)."
        if source.path.suffix.lower() not in {".yaml", ".yml"}:
            cure = "Name a YAML file, such as budget.yaml."
        raise InputError([Problem("the file is not UTF-8 text", source.name, "", cure)]) from error
    except OSError as error:
        what = fault("the file cannot be read: {reason}", reason=reason(error))
        raise InputError([Problem(what, source.name, "", "Check its permissions.")]) from error
    if re.search("^%", text, re.MULTILINE):  # YAML 1.1 would read 010 as 8 and "no" as false
        raise InputError([Problem("%YAML and %TAG lines are not allowed", source.name, "", "Remove them.")])
    return text


@dataclass(frozen=True, slots=True)
class _Builder:
    """Turns ruamel's nodes into ours and collects what cannot be used."""

    yaml: YAML
    source: Source
    problems: list[Problem]

    def build(self, node: YamlNode, path: YamlPath, line: int) -> Node:
        if isinstance(node, MappingNode):
            return self.mapping(node, path, line)
        if isinstance(node, SequenceNode):
            items = [self.build(item, (*path, i), item.start_mark.line + 1) for i, item in enumerate(node.value)]
            return Node(items, self.source, line)
        return Node(self.scalar(node, path, line), self.source, line)

    def mapping(self, node: MappingNode, path: YamlPath, line: int) -> Node:
        entries: dict[str, Node] = {}
        for key, value in node.value:
            where = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                self.complain("a key must be plain text", path, where, "", "Write one name before the colon.")
            elif key.value in entries:
                cure = fault("Keep one of the two; the other is in line {line}.", line=entries[key.value].line)
                self.complain("this key is given twice", (*path, key.value), where, "", cure)
            else:
                entries[key.value] = self.build(value, (*path, key.value), where)
        return Node(entries, self.source, line)

    def scalar(self, node: YamlNode, path: YamlPath, line: int) -> Scalar:
        """Read a scalar; None, and a problem, when it cannot be used."""
        if node.tag not in _KNOWN_TAGS:
            self.complain("this kind of value is not allowed", path, line, str(node.value), "Put text in quotes.")
            return None
        try:
            value = self.yaml.constructor.construct_object(node)
        except (YAMLError, ValueError):
            self.complain("the value cannot be read", path, line, str(node.value), "Put text in quotes; check dates.")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.complain("the number is not finite", path, line, str(node.value), "Write a finite number.")
            return None
        return value

    def complain(self, what: str, path: YamlPath, line: int, value: str, cure: str) -> None:
        words = "".join(f".{key}" if isinstance(key, str) else f"[{key + 1}]" for key in path)
        self.problems.append(Problem(what, _place(self.source, line, words), value[:60], cure))
