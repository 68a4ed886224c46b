"""The reference of constraints and rules, written from the classes themselves: what they say, their YAML, their keys.

``python -c "from optimizer.reference import reference; print(reference(), end='')" > docs/rules.md`` renews the page.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from optimizer.constraints import Constraint, Rule, Soft
from optimizer.constraints.spend import Phase
from optimizer.rules import LogicRule

HEAD = """\
# Constraints and rules

<!-- Written by optimizer/reference.py from the classes' own descriptions; do not edit by hand. -->

Under `plan:` a project lists `constraints:` (limits on a plan) and `rules:` (what happens to a line when its ROI is
weak or strong, or when a peak comes). Nobody writes code: each entry is one line of YAML with a `kind`, a `name` that
people read in the plan, and the keys below. Unknown keys, lines, groups, categories and peaks are refused with a
suggestion.

**Hard or soft.** A constraint is hard: no plan breaks it, and when the rules clash you are told which, and the least
change of each that helps. With `soft: {price: ...}` a constraint gives way where that is worth its price, and the plan
says by how much (`violation` in plan.json). Logic rules are always hard.

**Lines.** `lines` is `all` (lines with a response), a name, or a list. With several units, a channel's name means it in
every unit; `channel@unit` means one. **Weeks** begin on Monday and count for the month of their Thursday. A `window` is
the name of a peak in the project's calendar, such as `double11`; the weeks that it touches count.

**Prices.** Of a limit that binds the plan tells what one unit more of it would earn: one unit of currency of an amount,
one percentage point of a share, 0.1 of an ROI. A price holds near the plan, with the lines that are in use as they are.
Of a count of lines or weeks it tells what one step would earn, found by planning again; scenarios leave that out.
Of a rule with several limits (months, phases, weeks) each has its own.

**Proof.** The verifier checks every issued plan again in whole fen and exact fractions. Limits on expected GMV (`roi`,
`group_share` of `gmv`) are kept by the true response; the planner keeps 0.002% inside them, so that rounding cannot
break them, and the bound is for plans that do so too. A cap or a floor on a *share of GMV* that no plan can reach is
named as a clash where that is proven; steep S-curves may leave it unproven, and no plan is found then.
"""


def kinds(union: Any) -> tuple[type[Rule], ...]:
    """The classes of a union of constraints or rules."""
    return tuple(get_args(get_args(union)[0]))


def kind_of(rule: type[Rule]) -> str:
    """The word that stands for a class in YAML."""
    return str(rule.model_fields["kind"].default)


def examples(rule: type[BaseModel]) -> str:
    """The YAML in a class's docstring; empty when it has none."""
    _, _, block = (inspect.getdoc(rule) or "").partition(".. code-block:: yaml\n")
    return inspect.cleandoc(block)


def reference() -> str:
    """Write the whole page."""
    parts = [HEAD, "\n## Constraints\n", *(_entry(rule) for rule in kinds(Constraint))]
    parts += [_table("A phase", Phase), _table("`soft`", Soft)]
    return "\n".join([*parts, "\n## Rules\n", *(_entry(rule) for rule in kinds(LogicRule))])


def _entry(rule: type[Rule]) -> str:
    said, _, _ = (inspect.getdoc(rule) or "").partition("\nExamples\n")
    words = re.sub(r"``(.+?)``", r"`\1`", said.strip())
    return f"\n### `{kind_of(rule)}`\n\n{words}\n\n```yaml\n{examples(rule)}\n```\n\n{_fields(rule)}"


def _table(title: str, model: type[BaseModel]) -> str:
    return f"\n### {title}\n\n{(inspect.getdoc(model) or '').strip()}\n\n{_fields(model)}"


def _fields(model: type[BaseModel]) -> str:
    """A table of keys; name, kind and soft are everybody's."""
    own = {name: field for name, field in model.model_fields.items() if name not in {"kind", "name", "soft"}}
    rows = [f"| `{field.alias or name}` | {_default(field)} | {_said(field)} |" for name, field in own.items()]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows, ""])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    return "-" if field.default_factory is not None or field.default is None else f"`{field.default}`"


def _said(field: FieldInfo) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", " ".join((field.description or "").split())).replace("|", "\\|")
