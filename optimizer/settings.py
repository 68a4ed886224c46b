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
    """0 plans for the mean, 1 for the worst draws only; the mean of the worst draws is reported in any case."""


class Discount(Settings):
    """When money comes, for ``maximise: value``."""

    rate: Annotated[float, Field(ge=0, le=1)] = 0.10
    """Yearly rate at which later money counts less."""
    repurchase_weeks: Annotated[float, Field(ge=0, le=520)] = 26.0
    """Weeks until what a channel brings in the long run (its ``long_term``) arrives, on average."""


class Safe(Settings):
    """A plan that is hardly ever worse than the current mix."""

    probability: Annotated[float, Field(gt=0.5, lt=1)] = 0.9
    """Least probability that the plan earns as much as last year's mix with the same money."""


class Objective(Settings):
    """What the plan maximises."""

    maximise: Literal["gmv", "profit", "value"] = "gmv"
    """``gmv``; ``profit`` = margin x GMV - spend; or ``value``, the same discounted, with what each channel brings in
    the long run. With ``total_rule: at_most``, profit and value leave money unspent that does not earn its own."""
    margin: Annotated[float, Field(gt=0, le=1)] | None = None
    """Contribution margin on GMV; needed for ``profit`` and ``value``."""
    margins: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Margins of single lines, before ``margin``."""
    discount: Discount = Discount()
    """When money comes."""
    target_gmv: PositiveFloat | None = None
    """A GMV target in currency: the plan reports the probability of reaching it."""
    safe: Safe | None = None
    """Ask for a plan that is hardly ever worse than last year's mix with the same money."""
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

    def on_spend(self) -> PlanSettings:
        """The same settings with the rules on spend alone: no weak-ROI rule, no hard limit on expected GMV."""
        of_gmv = [rule for rule in self.constraints if rule.of_response and rule.soft is None]
        kept = tuple(rule for rule in self.constraints if rule not in of_gmv)
        rules = tuple(rule for rule in self.rules if not isinstance(rule, WeakRoiCut))
        return self.model_copy(update={"constraints": kept, "rules": rules})

    def for_the_mean(self) -> PlanSettings:
        """The same settings without aversion to bad outcomes."""
        goal = self.objective.model_copy(update={"cvar": self.objective.cvar.model_copy(update={"weight": 0.0})})
        return self.model_copy(update={"objective": goal})

    @property
    def windows(self) -> tuple[str, ...]:
        """Names of the calendar peaks that constraints and rules speak of, each once."""
        named = (getattr(rule, "window", None) for rule in (*self.constraints, *self.rules))
        return tuple(dict.fromkeys(name for name in named if name is not None))
