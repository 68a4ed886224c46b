"""The verifier: a good plan passes, one fault breaks one rule, and verdicts equal a plain restatement of the rules."""

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.lines import Line
from optimizer.settings import PlanSettings
from optimizer.verify import broken, verify


def mondays(number):
    return tuple(date(2027, 10, 4) + timedelta(weeks=t) for t in range(number))


def line(name, weeks=4, *, last_year=1000.0, recent=(1000.0,), average=1000.0, **more):
    facts = {"category": None, "groups": (), "reserve": False} | more
    return Line(
        name=name, reference=np.full(weeks, last_year), recent=np.array(recent, dtype=float), average=average, **facts
    )


def plan(*constraints, rules=(), total_rule="equal"):
    return PlanSettings.model_validate({"constraints": constraints, "rules": rules, "total_rule": total_rule})


def faults(wanted, lines, fen, *, total=None, gmv=None):
    """Names of broken rules with their lines."""
    return {(one.name, one.line) for one in broken(check(wanted, lines, fen, total=total, gmv=gmv))}


def check(wanted, lines, fen, *, total=None, gmv=None):
    gmv = np.full(np.shape(fen), 1e9) if gmv is None else gmv
    return verify(wanted, lines, mondays(len(fen[0])), sum(map(sum, fen)) if total is None else total, fen, gmv)


def spread(total, weeks):
    """Whole fen by week, at most one apart."""
    return [total // weeks + (t < total % weeks) for t in range(weeks)]


LINES = (
    line("社交媒体", category="promotion", groups=("social",), visits_per_cny=2.0),
    line("search", category="promotion", visits_per_cny=1.0),
    line("content", category="content", visits_per_cny=0.5, recent=(1200.0,)),
    line("bilibili", category="content", groups=("emerging",), visits_per_cny=3.0),
    line("抖音直播"),
    line("offline", groups=("social",), recent=()),
    line("kol", last_year=0.0, recent=()),
    line("tools", reserve=True, last_year=300.0),
)
ROW = {one.name: i for i, one in enumerate(LINES)}
WEEKLY = (1000, 1000, 1200, 300, 200, 0, 0, 300)  # CNY, 4 weeks: 16,000 in all
EVERY_RULE = plan(
    {"kind": "bounds", "name": "content floor", "lines": "content", "min": 4700},
    {"kind": "bounds", "name": "weekly search", "lines": ["search"], "per": "week", "min": 850, "max": 1150},
    {"kind": "bounds", "name": "as last year", "lines": "社交媒体", "relative_to": "history", "min": 0.85, "max": 1.1},
    {"kind": "bounds", "name": "as ever", "lines": "search", "relative_to": "average", "max": 1.12},
    {"kind": "category_share", "name": "promotion half", "category": "promotion", "share": 0.5},
    {"kind": "category_share", "name": "content range", "category": "content", "min": 0.36, "max": 0.38},
    {"kind": "group_share", "name": "social cap", "group": "social", "max": 0.28},
    {"kind": "group_share", "name": "emerging floor", "group": "emerging", "min": 0.07},
    {"kind": "group_share", "name": "emerging visits", "group": "emerging", "of": "visits", "max": 0.21},
    {"kind": "concentration", "name": "not too large", "lines": ["抖音直播", "offline"], "max": 0.055},
    {"kind": "change", "name": "slowly", "lines": "content", "week_on_week": 0.1},
    {"kind": "change", "name": "tools as last year", "lines": "tools", "last_year": 0.5},
    {"kind": "pilot", "name": "trial", "line": "抖音直播", "min": 700, "max": 900},
    rules=[{"kind": "cut", "name": "weak ROI", "lines": "search", "roi_below": 4.0}],
)


def base_plan():
    return [[100 * amount] * 4 for amount in WEEKLY]


# rule: {line: fen added per week}; everything is paid for by another line, so that only the rule meant is broken
MOVES = {
    "total": {"社交媒体": [1, 0, 0, 0]},
    "no negative spend": {"kol": [-1, 1, 0, 0]},
    "reserve spread evenly": {"tools": [1, -1, 0, 0]},
    "content floor": {"content": [-2525] * 4, "tools": [2525] * 4},
    "weekly search": {"search": [0, 15_001, -10_000, -5_001]},
    "as last year": {"社交媒体": [10_025] * 4, "search": [-10_025] * 4},
    "as ever": {"search": [12_025] * 4, "社交媒体": [-12_025] * 4},
    "promotion half": {"社交媒体": [1, 0, 0, 0], "tools": [-1, 0, 0, 0]},
    "content range": {"content": [2250] * 4, "tools": [-2250] * 4},
    "social cap": {"offline": [12_025] * 4, "tools": [-12_025] * 4},
    "emerging floor": {"bilibili": [-2025] * 4, "content": [2025] * 4},
    "emerging visits": {"bilibili": [2250] * 4, "content": [-2250] * 4},
    "not too large": {"抖音直播": [2025] * 4, "tools": [-2025] * 4},
    "slowly": {"content": [0, 12_001, 0, -12_001]},
    "tools as last year": {"tools": [-15_025] * 4, "kol": [15_025] * 4},
    "trial": {"抖音直播": [-2525] * 4, "kol": [2525] * 4},
}


def test_a_valid_plan_passes_every_rule():
    findings = check(EVERY_RULE, LINES, base_plan(), total=1_600_000)
    assert broken(findings) == ()
    assert {one.name for one in findings} == set(MOVES)


def test_every_kind_of_rule_has_a_fault_of_its_own():
    kinds = {rule.kind for rule in EVERY_RULE.constraints}
    assert kinds == set(json.loads(json.dumps(PlanSettings.model_json_schema()))["$defs"].keys() & set()) | {
        "bounds", "category_share", "group_share", "concentration", "change", "pilot"
    }


@pytest.mark.parametrize("rule", MOVES)
def test_one_fault_breaks_exactly_one_rule(rule):
    fen = base_plan()
    for name, added in MOVES[rule].items():
        fen[ROW[name]] = [cell + more for cell, more in zip(fen[ROW[name]], added, strict=True)]
    assert {name for name, _ in faults(EVERY_RULE, LINES, fen, total=1_600_000)} == {rule}
