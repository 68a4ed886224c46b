"""Documents that the product wrote and reads back, as far as it relies on them: whatever happened to them meanwhile."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from budget.expected import wanted
from mmm.faults import reason
from mmm.problems import InputError, Problem

Text = Annotated[str, Field(max_length=10_000)]
Amount = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]


class Record(BaseModel):
    """What is relied on must be of its type; anything else may stand beside it."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Output(Record):
    """A file of a run."""

    name: Text
    sha256: Text


class ManifestRecord(Record):
    """manifest.json."""

    run_id: Text | None = None
    config: list[Output] = []
    data: list[Output] = []
    outputs: list[Output] = []


class LineRecord(Record):
    """A line of plan.json."""

    name: Text
    spend: Amount
    weekly: list[Amount]


class EstimateRecord(Record):
    """An estimate of plan.json."""

    mean: Amount | None = None


class ExpectedRecord(Record):
    """What plan.json expects."""

    gmv: EstimateRecord | None = None


class PlanRecord(Record):
    """plan.json."""

    id: Text | None = None
    weeks: list[date]
    currency: Text
    total: Amount
    lines: list[LineRecord]
    expected: ExpectedRecord
    proof: dict[str, object] | None = None
    fingerprint: Text


class VersionRecord(Record):
    """version.json of a plan that was kept."""

    id: Text
    created: Text
    parent: Text | None = None
    author: Text | None = None
    note: Text | None = None
    quarter: Text | None = None
    total: Amount | None = None
    currency: Text | None = None
    status: Text | None = None
    gmv: Amount | None = None
    fingerprint: Text | None = None


Read = TypeVar("Read", bound=Record)


def read_record(kind: type[Read], path: Path) -> Read:
    """Read a document, and refuse one whose parts are not what was once written.

    Raises
    ------
    InputError
        When there is no such file, it is not JSON, or a part that is relied on is missing or of another type.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        cure = "Name the folder that budget plan wrote."
        raise InputError([Problem("there is no such file", str(path), cure=cure)]) from None
    except OSError as error:
        cure = "Name the folder that budget plan wrote."
        raise InputError([Problem("the file cannot be read", str(path), reason(error), cure)]) from error
    except ValidationError as error:
        cure = "It was changed since it was written; plan again, or put it back from a backup."
        raise InputError(
            Problem("the file is not as it was written", f"{path}{_place(detail['loc'])}", wanted([detail]), cure)
            for detail in error.errors(include_url=False)[:5]
        ) from error


def read_document(path: Path) -> dict[str, object]:
    """The whole of a JSON document that :func:`read_record` has found sound."""
    found = json.loads(path.read_bytes())
    return found if isinstance(found, dict) else {}


def _place(loc: tuple[int | str, ...]) -> str:
    return "".join(f", {'.'.join(map(str, loc))}" for _ in loc[:1])
