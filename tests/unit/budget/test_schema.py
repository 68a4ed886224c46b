"""The committed JSON Schema is the one of the code, and judges as the code does."""

import json
from importlib.resources import files

import jsonschema

from budget.schema import project_schema, schema_text


def test_the_committed_schema_is_current():
    committed = (files("configs") / "schema" / "budget.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text()


def test_the_schema_documents_every_top_level_key():
    properties = project_schema()["properties"]
    assert all(value.get("description") for value in properties.values())
    assert {"data", "channels", "lines", "plan", "note"} <= properties.keys()


def test_the_schema_takes_projects_and_refuses_unknown_keys():
    checker = jsonschema.Draft202012Validator(json.loads(schema_text()))
    rule = {"kind": "group_share", "name": "social cap", "group": "social", "max": 0.45}
    project = {
        "data": {"file": "a.csv", "kpi": "gmv"},
        "channels": {"小红书": {}},
        "plan": {"total": "500万", "quarter": "2027Q4", "constraints": [rule]},
    }
    assert checker.is_valid(project)
    assert checker.is_valid({"extends": "demo", "note": "mine"})
    assert not checker.is_valid({"note": "mine"})
    assert not checker.is_valid(project | {"modle": {}})
    rule["mxa"] = 1
    assert not checker.is_valid(project)
