"""Limits on spend. Each class is YAML schema, documentation and solver rows at once.

A new kind of limit is a new class here, its name in :data:`Constraint`, its check in :mod:`optimizer.verify`, a golden
LP file under ``tests/golden``, and an example in its docstring.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.constraints.base import Limit, Ranged, Rule, Soft
from optimizer.constraints.returns import BlendedRoi, CostCeiling
from optimizer.constraints.shares import CategoryShare, Concentration, GroupShare, Mix
from optimizer.constraints.spend import Bounds, Budget, Fixed, Phases
from optimizer.constraints.switches import Cardinality, EitherOr, Pilot
from optimizer.constraints.timing import Change, WeeksOn

Constraint = Annotated[
    Bounds
    | Fixed
    | Budget
    | Phases
    | CategoryShare
    | GroupShare
    | Concentration
    | Mix
    | Change
    | WeeksOn
    | Pilot
    | Cardinality
    | EitherOr
    | BlendedRoi
    | CostCeiling,
    Field(discriminator="kind"),
]

__all__ = [
    "BlendedRoi",
    "Bounds",
    "Budget",
    "Cardinality",
    "CategoryShare",
    "Change",
    "Concentration",
    "Constraint",
    "CostCeiling",
    "EitherOr",
    "Fixed",
    "GroupShare",
    "Limit",
    "Mix",
    "Phases",
    "Pilot",
    "Ranged",
    "Rule",
    "Soft",
    "WeeksOn",
]
