"""What a project says about its plan."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from optimizer.constraints import Constraint
from optimizer.rules import LogicRule, WeakRoiCut


class Settings(BaseModel):
    """Base: immutable, unknown keys refused, every field documented."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class CVaR(Settings):
    """Weight on the mean of the worst outcomes."""

    level: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the worst draws that count."""
    weight: Annotated[float, Field(ge=0, le=1)] = 0.0
    """0 plans for the mean, 1 for the worst draws only. This version refuses any weight but 0; the mean of the worst
    draws is reported in any case."""


class Objective(Settings):
    """What the plan maximises."""

    maximise: Literal["gmv", "profit"] = "gmv"
    """``gmv``, or ``profit`` = margin x GMV - spend (then money may be left unspent)."""
    margin: Annotated[float, Field(gt=0, le=1)] | None = None
    """Contribution margin on GMV; needed for ``profit``."""
    cvar: CVaR = CVaR()
    """Aversion to bad outcomes."""


class LineSettings(Settings):
    """A budget line without a response."""

    category: str | None = None
    """Budget category."""
    reserve: Literal[True] = True
    """Reserved money, spread evenly over the weeks."""
    groups: tuple[str, ...] = ()
    """Groups that rules refer to."""
    label: dict[Literal["en", "zh"], str] = {}
    """Names to show."""


class PlanSettings(Settings):
    """The plan: how much, when, and under which rules."""

    total: PositiveFloat | str | None = None
    """Money to divide: a number, or text such as ``500万`` or ``5M``; ``--total`` comes first."""
    quarter: Annotated[str, Field(pattern=r"^\d{4}Q[1-4]$")] | None = None
    """Quarter, such as 2027Q4: the weeks whose Thursday falls in it."""
    start: date | None = None
    """First Monday, instead of ``quarter``."""
    weeks: PositiveInt = 13
    """Weeks from ``start``."""
    total_rule: Literal["equal", "at_most"] = "equal"
    """Whether all of the total must be spent."""
    objective: Objective = Objective()
    """What to maximise."""
    constraints: tuple[Constraint, ...] = ()
    """Limits."""
    rules: tuple[LogicRule, ...] = ()
    """Logic rules."""
    shocks: dict[str, Annotated[float, Field(ge=-1)]] = {}
    """What is assumed to happen to lines' response in the plan's weeks, by line: -0.22 takes 22% off all it earns."""
    peaks: dict[str, Annotated[float, Field(ge=0)]] = {}
    """How strong shopping peaks of the calendar are assumed to be for media, by peak: 0.5 is half as strong."""

    @property
    def cuts(self) -> tuple[WeakRoiCut, ...]:
        """The weak-ROI rules."""
        return tuple(rule for rule in self.rules if isinstance(rule, WeakRoiCut))

    def without_cuts(self) -> PlanSettings:
        """The same settings without the weak-ROI rules."""
        return self.model_copy(update={"rules": tuple(rule for rule in self.rules if not isinstance(rule, WeakRoiCut))})

    @property
    def windows(self) -> tuple[str, ...]:
        """Names of the calendar peaks that constraints and rules speak of, each once."""
        named = (getattr(rule, "window", None) for rule in (*self.constraints, *self.rules))
        return tuple(dict.fromkeys(name for name in named if name is not None))
