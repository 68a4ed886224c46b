"""JSON Schema of the project file, for editors and for ``budget schema``."""

from __future__ import annotations

import json
from typing import Any

from budget.project import Project


def project_schema() -> dict[str, Any]:
    """Describe ``budget.yaml`` as JSON Schema (draft 2020-12)."""
    schema = Project.model_json_schema()
    whole = {"required": schema.pop("required")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Budget project (budget.yaml)",
        "description": "Data, model, channels, budget lines and plan rules of a marketing budget. Money is in currency "
        "units, shares are from 0 to 1, ROI is N of 1:N.",
        "anyOf": [{"required": ["extends"]}, whole],
    }


def schema_text() -> str:
    """Write the schema out as it is committed in ``configs/schema/budget.schema.json``."""
    return json.dumps(project_schema(), indent=2, ensure_ascii=False) + "\n"
