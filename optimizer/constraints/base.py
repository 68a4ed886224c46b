"""What every constraint and rule has: a kind, a name that people read, and whether it gives way at a price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mmm.faults import fault
from optimizer.lines import Line, LineNames, select

if TYPE_CHECKING:
    from optimizer.decision import Decision, Row

Floats = npt.NDArray[np.float64]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class GmvForm:
    """A limit on expected GMV: ``gmv @ earned - money @ paid >= 0``.

    Attributes
    ----------
    gmv, money : array (line,)
        Weight of what each line's planned spend adds, and of that spend.
    """

    gmv: Floats
    money: Floats


class Rule(BaseModel):
    """Base of every constraint and rule: immutable, named in the department's own words."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_by_name=True)

    kind: str
    """Which rule this is."""
    name: str
    """The name a person reads in the plan, its prices and its conflicts."""


class Soft(BaseModel):
    """Makes a constraint give way where that is worth its price; the plan reports by how much it is violated."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    price: Annotated[float, Field(gt=0)]
    """What one unit of violation costs, in currency of the objective: a unit is one unit of currency of an amount, one
    percentage point of a share, 0.1 of an ROI, one unit of currency of a cost, one line or one week of a count."""


class Limit(Rule):
    """Base of constraints: hard unless ``soft``."""

    soft: Soft | None = None
    """``{price: ...}``: may be violated at this price; absent: never."""

    @property
    def of_response(self) -> bool:
        """Whether it speaks of expected GMV."""
        return False

    def rows(self, decision: Decision) -> Iterator[Row]:
        """Rows on spend alone."""
        del decision
        yield from ()

    def response_rows(self, decision: Decision) -> Iterator[Row]:
        """Rows on expected GMV; the decision sees the response."""
        del decision
        yield from ()


class Ranged(Limit):
    """Base of constraints with ``min`` and ``max``."""

    min: Amount | None = None
    """Least allowed."""
    max: Amount | None = None
    """Most allowed."""

    @model_validator(mode="after")
    def _ordered(self) -> Ranged:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(fault("min {min:g} is above max {max:g}", min=self.min, max=self.max))
        return self


class Among(Limit):
    """Base of constraints on some lines together: of a category, of a group, or by name."""

    category: str | None = None
    """The lines of this category."""
    group: str | None = None
    """The lines of this group."""
    lines: LineNames | None = None
    """``all`` (without reserve lines), a line, or a list."""

    @model_validator(mode="after")
    def _one_set(self) -> Among:
        if sum(given is not None for given in (self.category, self.group, self.lines)) > 1:
            raise ValueError("give one of category, group and lines")
        return self

    def inside(self, lines: Sequence[Line]) -> tuple[int, ...]:
        """Positions of the lines it speaks of; every line, reserves too, when it names none."""
        if self.category is not None:
            return tuple(i for i, line in enumerate(lines) if line.category == self.category)
        if self.group is not None:
            return tuple(i for i, line in enumerate(lines) if self.group in line.groups)
        return select(lines, self.lines or "all", reserves=self.lines is None)
