"""Checks of what money brings: a least blended ROI, a most cost per visit or per acquisition."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.checks.check import EXACTLY, FUZZ, NEAR_RATIO, Check, as_written
from optimizer.checks.issued import Issued
from optimizer.constraints import BlendedRoi, CostCeiling


def check_blended_roi(rule: BlendedRoi, issued: Issued) -> Iterator[Check]:
    """Hold expected GMV over spend to the least ROI; without spend there is none."""
    inside = issued.among(rule)
    paid, gained = sum(sum(issued.fen[i]) for i in inside), sum((issued.gained[i] for i in inside), EXACTLY)
    if paid > 0:
        least = as_written(rule.min)
        numbers = (gained / paid, least, FUZZ * least, NEAR_RATIO * least)
        yield Check(rule.name, rule.kind, "expected ROI", ">=", *numbers, unit="roi")


def check_cost_ceiling(rule: CostCeiling, issued: Issued) -> Iterator[Check]:
    """Hold what one costs to its most; lines of which nothing is known are left out."""
    paid, got = EXACTLY, EXACTLY
    for i in issued.among(rule):
        line = issued.lines[i]
        rate = line.visits_per_cny if rule.of == "visit" else line.acquisitions_per_cny
        if rate is not None:
            paid += sum(issued.fen[i])
            got += as_written(rate) * sum(issued.fen[i])
    if paid > 0:
        most = as_written(rule.max)
        cost = paid / got if got else paid
        numbers = (cost, most, FUZZ * most, NEAR_RATIO * most)
        yield Check(rule.name, rule.kind, f"cost of one {rule.of}", "<=", *numbers, unit="cost")
