"""Checks of shares: of a category, of a group, of one line, of the parts of a mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optimizer.checks.amounts import both_ends, sum_of_cells
from optimizer.checks.check import EXACTLY, FUZZ, NEAR, NEAR_RATIO, ONE_FEN, ROUNDED, Check, as_written
from optimizer.checks.issued import Issued
from optimizer.constraints import CategoryShare, Concentration, GroupShare, Mix


def check_category_share(rule: CategoryShare, issued: Issued) -> Iterator[Check]:
    """Hold a category to its share of spend."""
    inside = [i for i, line in enumerate(issued.lines) if line.category == rule.category]
    ends = (rule.min, rule.max) if rule.share is None else (rule.share, rule.share)
    yield from _shares(rule, issued, f"category {rule.category}", inside, ends)


def check_group_share(rule: GroupShare, issued: Issued) -> Iterator[Check]:
    """Hold a group to its share of spend, visits or expected GMV."""
    inside = [i for i, line in enumerate(issued.lines) if rule.group in line.groups]
    yield from _shares(rule, issued, f"group {rule.group}", inside, (rule.min, rule.max))


def check_concentration(rule: Concentration, issued: Issued) -> Iterator[Check]:
    """Hold every line to the most one line may have."""
    for i in issued.named(rule.lines):
        yield from _shares(rule, issued, issued.lines[i].name, [i], (None, rule.max))


def check_mix(rule: Mix, issued: Issued) -> Iterator[Check]:
    """Hold each part of a mix to its share."""
    free = rule.category is None and rule.group is None and rule.lines is None
    inside = issued.named(tuple(rule.shares)) if free else issued.among(rule)
    whole = sum(sum(issued.fen[i]) for i in inside)
    for line, share in rule.shares.items():
        cells = [cell for i in issued.named(line) for cell in issued.fen[i]]
        low, high = as_written(share) - as_written(rule.tolerance), as_written(share) + as_written(rule.tolerance)
        ends = max(low, EXACTLY), min(high, ONE_FEN)
        yield from sum_of_cells(rule, issued, line, cells, len(issued.weeks), ends, "share", whole)


def _shares(
    rule: CategoryShare | GroupShare | Concentration,
    issued: Issued,
    subject: str,
    inside: Sequence[int],
    ends: tuple[float | None, float | None],
) -> Iterator[Check]:
    """Hold both ends of a share; where they are equal, one exact share to less than what one fen moves."""
    of = rule.of if isinstance(rule, GroupShare) else "spend"
    line = subject if isinstance(rule, Concentration) else None
    weights = [as_written(one.visits_per_cny or 0.0) if of == "visits" else ONE_FEN for one in issued.lines]
    amounts = [weight * sum(row) for weight, row in zip(weights, issued.fen, strict=True)]
    if of == "gmv":
        amounts = list(issued.gained)
    near = NEAR_RATIO if of == "gmv" else NEAR
    whole, value = sum(amounts, EXACTLY), sum((amounts[i] for i in inside), EXACTLY)
    for sense, share in both_ends(*ends):
        limit = share * whole
        exact = sense == "==" and of != "gmv"
        allowed = max(weights) if exact else ROUNDED if of == "spend" else FUZZ * abs(limit)
        head = (rule.name, rule.kind, subject, sense, value, limit, allowed, near * whole)
        yield Check(*head, line, whole=whole, share=share, of=of)
