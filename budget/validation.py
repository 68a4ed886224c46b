"""A YAML tree validated by pydantic, every fault said in plain words at its file and line."""

from __future__ import annotations

import difflib
import json
import types
import typing
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from budget.expected import names_of, wanted
from budget.meanings import CHINESE
from budget.tree import Node, YamlPath, find, place, plain, step
from mmm.faults import fault
from mmm.messages import Message, Sentence
from mmm.problems import InputError, Problem

Model = TypeVar("Model", bound=BaseModel)

_LONGEST = 60


def validate(model: type[Model], tree: Node) -> Model:
    """Validate the values of a tree, without guessing: text is no number, 1 is not true.

    Raises
    ------
    InputError
        With every fault of the shape: unknown and missing keys, wrong types, values out of range.
    """
    text = json.dumps(plain(tree), default=date.isoformat)
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError(_problems(error, model, tree)) from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Name the nearest known word, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return fault("Did you mean {name}?", name=near[0])
    return fault("Known here: {names}.", names=names) if names else ""


def shown(value: object) -> str:
    """Shorten a value for a message."""
    if value is None:
        return fault("nothing")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _problems(error: ValidationError, model: type[BaseModel], tree: Node) -> list[Problem]:
    """One problem per YAML path: the members of a union complain apart, the reader wants one sentence."""
    found: dict[YamlPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_yaml_path(detail, tree), []).append(detail)
    return [
        _problem(path, details, model, tree)
        for path, details in found.items()
        if not any(len(other) > len(path) and other[: len(path)] == path for other in found)
    ]


def _yaml_path(detail: ErrorDetails, tree: Node) -> YamlPath:
    """Leave out what pydantic adds to a path: the tags of union members and the mark of a dict key."""
    missing = detail["type"] == "missing"
    path: YamlPath = ()
    for key in detail["loc"][:-1] if missing else detail["loc"]:
        if step(find(tree, path), key) is not None:
            path = (*path, key)
    return (*path, detail["loc"][-1]) if missing else path


def _problem(path: YamlPath, details: list[ErrorDetails], model: type[BaseModel], tree: Node) -> Problem:
    first = details[0]
    where = place(tree, path)
    if first["type"] == "missing":
        return Problem("this key is missing", where, "", _meaning(model, first["loc"]))
    if first["type"] == "extra_forbidden":
        return Problem("unknown key", where, "", did_you_mean(str(path[-1]), _known_keys(model, first["loc"])))
    if first["loc"][-1] == "[key]":
        names = names_of(str(first["ctx"]["expected"]))
        return Problem("unknown key", where, "", fault("Known here: {names}.", names=names))
    if first["type"].startswith("union_tag"):
        return _kind_problem(path, first, tree)
    if first["type"] == "value_error":
        return Problem(first["ctx"]["error"].args[0], where, "", "")
    return Problem(wanted(details), where, shown(first["input"]), _meaning(model, first["loc"]))


def _kind_problem(path: YamlPath, detail: ErrorDetails, tree: Node) -> Problem:
    """Explain a discriminator (``kind``) that is missing or not known."""
    known = names_of(detail["ctx"].get("expected_tags", ""))
    where = place(tree, (*path, "kind"))
    if detail["type"] == "union_tag_not_found":
        return Problem("this key is missing", where, "", "It says which kind of rule this is.")
    return Problem(
        "no such kind of rule", where, shown(detail["ctx"]["tag"]), did_you_mean(detail["ctx"]["tag"], known)
    )


def _meaning(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """Quote the documentation of the field an error is about, as its cure."""
    for depth in range(len(loc), 0, -1):
        owner = _strip(_annotation(model, loc[: depth - 1]))
        field = owner.model_fields.get(str(loc[depth - 1])) if _is_model(owner) else None
        if field is not None and field.description:
            meaning = meaning_of(field.description)
            chinese = f"{loc[depth - 1]}：{CHINESE[meaning]}" if meaning in CHINESE else ""
            said = {"en": f"{loc[depth - 1]}: {meaning}", "zh": chinese}
            return Message("meaning", Sentence("{en}", "{zh}"), said)
    return ""


def meaning_of(description: str) -> str:
    """A field's documentation as one line of plain text."""
    return " ".join(description.replace("``", "").split())


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> Iterable[str]:
    owner = _strip(_annotation(model, loc[:-1]))
    return tuple(owner.model_fields) if _is_model(owner) else ()


def _annotation(model: type[BaseModel], loc: tuple[int | str, ...]) -> Any:
    """Follow a pydantic error path through the fields; None where it leads nowhere."""
    here: Any = model
    for key in loc:
        here = _member(_strip(here), str(key))
    return here


def _member(annotation: Any, key: str) -> Any:
    """One step: a field of a model, a value of a dict, an item of a tuple, a member of a union by its tag."""
    if _is_model(annotation):
        field = annotation.model_fields.get(key)
        return field.annotation if field else None
    kinds = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return next((kind for kind in kinds if key in _tags(kind)), None)
    if origin is dict:
        return kinds[1]
    return kinds[0] if kinds else None


def _strip(annotation: Any) -> Any:
    """Look through ``Annotated[X, ...]`` and ``X | None``, which leave no trace in pydantic's paths."""
    if typing.get_origin(annotation) is Annotated:
        return _strip(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return _strip(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


def _tags(annotation: Any) -> tuple[str, ...]:
    """How pydantic names a model among the members of a union: by its class, or by its ``kind``."""
    if not _is_model(annotation):
        return ()
    kind = annotation.model_fields.get("kind")
    return (annotation.__name__, kind.default) if kind else (annotation.__name__,)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
