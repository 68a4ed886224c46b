"""What every sheet of the workbook is filled from: the plan, its workings, the language and the layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from mmm.calendar import week_range
from optimizer.constraints import Rule
from optimizer.plan import Plan
from optimizer.settings import PlanSettings
from optimizer.workings import Workings
from reports.words import Lang, line_label
from reports.workbook.layout import Layout

Unit = Literal["share", "times", "money", "number"]
LIVE_FIELDS = {"min", "max", "share", "cut", "weeks", "roi_below"}
"""Rule fields that formulas of the workbook read, wherever a rule has them."""


@dataclass(frozen=True, slots=True)
class RuleField:
    """One number of a rule, with the key that ``budget whatif --set`` knows it by."""

    key: str
    rule: Rule
    field: str
    value: float

    @property
    def unit(self) -> Unit:
        """What its number is of: a share, multiples of other spend, money, or nothing but a number."""
        if self.field in {"share", "cut"} or (self.value <= 1 and self.rule.kind.endswith(("share", "concentration"))):
            return "share"
        if getattr(self.rule, "relative_to", None) is not None:
            return "times"
        return "money" if self.rule.kind in {"bounds", "budget", "pilot"} else "number"


@dataclass(frozen=True, slots=True)
class Model:
    """The workbook's content before it is laid out."""

    plan: Plan
    work: Workings
    lang: Lang
    fields: tuple[RuleField, ...]
    layout: Layout

    def label(self, line: int) -> str:
        """Name of a line to show."""
        return line_label(self.plan.lines[line], self.lang)

    @property
    def opening_weeks(self) -> list[str]:
        """Mondays before the plan that carry over."""
        return (
            [week.isoformat() for week in week_range(self.plan.weeks[0] - timedelta(weeks=lags), lags)]
            if (lags := self.layout.lags)
            else []
        )

    @property
    def span_weeks(self) -> list[str]:
        """Mondays of the plan and of the weeks in which it still carries over."""
        return [week.isoformat() for week in week_range(self.plan.weeks[0], self.layout.span)]

    def field_row(self, rule: str, field: str) -> int | None:
        """Row of a rule's number in Inputs; None when it is not listed."""
        for place, listed in enumerate(self.fields):
            if (listed.rule.name, listed.field) == (rule, field):
                return self.layout.limit_head + 1 + place
        return None


def build_model(plan: Plan, work: Workings, lang: Lang) -> Model:
    """Join a plan with its workings."""
    fields = tuple(rule_fields(work.problem.settings))
    curves = work.curves
    layout = Layout(
        lines=len(plan.lines),
        responding=work.problem.responding,
        weeks=len(plan.weeks),
        lags=curves.weights.shape[2] - 1,
        cases=curves.cases,
        limits=len(fields),
    )
    return Model(plan, work, lang, fields, layout)


def rule_fields(settings: PlanSettings) -> Iterator[RuleField]:
    """Every number of every rule that the workbook's formulas read."""
    for place, rules in (("constraints", settings.constraints), ("rules", settings.rules)):
        for rule in rules:
            for field, value in rule.model_dump().items():
                if field in LIVE_FIELDS and isinstance(value, int | float) and not isinstance(value, bool):
                    yield RuleField(f"plan.{place}.{quoted(rule.name)}.{field}", rule, field, float(value))


def quoted(name: str) -> str:
    """A name as a part of a key, in double quotes."""
    return '"' + name.replace('"', '""') + '"'
