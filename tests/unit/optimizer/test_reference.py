"""The reference of rules is written from the classes, holds an example of every kind, and every example is valid."""

from pathlib import Path
from textwrap import indent

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from budget.tree import Source, read_tree
from budget.validation import validate
from optimizer.constraints import Constraint
from optimizer.reference import examples, kind_of, kinds, reference
from optimizer.rules import LogicRule
from optimizer.settings import PlanSettings

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
EVERY = [(union, rule) for union in (Constraint, LogicRule) for rule in kinds(union)]


def test_the_page_is_what_the_classes_say():
    assert PAGE.read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize(("union", "rule"), EVERY, ids=[kind_of(rule) for _, rule in EVERY])
def test_every_kind_has_examples_that_validate(union, rule):
    found = YAML(typ="safe", pure=True).load(examples(rule))
    assert found, f"{kind_of(rule)} has no example in its docstring"
    for example in found:
        assert isinstance(TypeAdapter(union).validate_python(example), rule)


def test_examples_are_read_from_a_file_as_a_project_s_are(tmp_path):
    blocks = {
        place: "\n".join(examples(rule) for rule in kinds(union))
        for place, union in (("constraints", Constraint), ("rules", LogicRule))
    }
    file = tmp_path / "plan.yaml"
    file.write_text("\n".join(f"{place}:\n{indent(text, '  ')}" for place, text in blocks.items()), encoding="utf-8")
    read = validate(PlanSettings, read_tree(Source(file, file.name)))
    assert {rule.kind for rule in read.constraints} == {kind_of(rule) for rule in kinds(Constraint)}
    assert {rule.kind for rule in read.rules} == {kind_of(rule) for rule in kinds(LogicRule)}


def test_every_key_is_explained():
    for _, rule in EVERY:
        for name, field in rule.model_fields.items():
            assert field.description or name == "kind", f"{kind_of(rule)}.{name}"
