"""Every kind of rule as the rows it puts into the solver, word for word: a change of meaning cannot slip by.

After a change that is meant: ``GOLDEN=write pytest tests/golden``, and read the difference before keeping it.
"""

import os
from pathlib import Path
from typing import get_args

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest
from markets import line, mondays

from optimizer.constraints import Constraint
from optimizer.decision import Decision, ReserveRule, Row, Seen, TotalRule
from optimizer.logic import logic_rows, streak_rows
from optimizer.rules import LogicRule, WeakRoiCut
from optimizer.settings import PlanSettings

FOLDER = Path(__file__).parent
TOTAL = 600.0  # 2 lines x 3 weeks: the solver's unit of money is 100
KINDS = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind
    for union in (Constraint, LogicRule)
    for kind in get_args(get_args(union)[0])
}
WEAK = {"roi_below": 4.0, "weeks": 2, "cut": 0.2, "roi": "model"}
OTHER_KINDS = {"total", "reserve"}

CASES = {
    "bounds-horizon": {"kind": "bounds", "lines": "抖音直播", "min": 50, "max": 250},
    "bounds-week": {"kind": "bounds", "lines": ["search"], "per": "week", "max": 90},
    "bounds-history": {"kind": "bounds", "relative_to": "history", "min": 0.5, "max": 2.0},
    "bounds-average-week": {"kind": "bounds", "relative_to": "average", "per": "week", "min": 0.5},
    "category_share-exact": {"kind": "category_share", "category": "promotion", "share": 0.4},
    "category_share-range": {"kind": "category_share", "category": "promotion", "min": 0.35, "max": 0.45},
    "group_share-spend": {"kind": "group_share", "group": "social", "max": 0.45},
    "group_share-visits": {"kind": "group_share", "group": "social", "of": "visits", "min": 0.3},
    "concentration": {"kind": "concentration", "max": 0.6},
    "change-week": {"kind": "change", "lines": "search", "week_on_week": 0.3},
    "change-year": {"kind": "change", "last_year": 0.25},
    "change-quarter": {"kind": "change", "lines": "search", "last_quarter": 0.2},
    "fixed-total": {"kind": "fixed", "lines": "search", "total": 123.45},
    "fixed-weekly": {"kind": "fixed", "lines": "search", "weekly": {"2027-10-11": 40}},
    "budget-month": {"kind": "budget", "month": "2027-10", "max": 500},
    "budget-window": {"kind": "budget", "window": "peak", "of": "share", "min": 0.25, "max": 0.5},
    "budget-dates": {"kind": "budget", "start": "2027-10-10", "end": "2027-10-11", "group": "social", "max": 90},
    "budget-every": {"kind": "budget", "every": "week", "lines": "all", "min": 150},
    "phases-share": {
        "kind": "phases",
        "phases": [{"name": "one", "weeks": 1, "share": 0.4}, {"name": "two", "months": 1, "share": 0.6}],
    },
    "phases-budget": {"kind": "phases", "phases": [{"name": "one", "weeks": 2, "budget": 300}], "tolerance": 0.1},
    "group_share-gmv": {"kind": "group_share", "group": "social", "of": "gmv", "max": 0.45},
    "mix": {"kind": "mix", "shares": {"抖音直播": 0.4, "search": 0.6}, "tolerance": 0.02},
    "mix-category": {"kind": "mix", "category": "promotion", "shares": {"抖音直播": 0.6}},
    "weeks_on-row": {"kind": "weeks_on", "lines": "search", "weeks": 2, "least": 30},
    "weeks_on-count": {"kind": "weeks_on", "lines": "search", "weeks": 2, "least": 30, "in_a_row": False},
    "cardinality": {"kind": "cardinality", "max": 1, "active_from": 20},
    "cardinality-week": {"kind": "cardinality", "per": "week", "min": 1, "active_from": 20},
    "either_or": {"kind": "either_or", "either": "search", "or": ["抖音直播"]},
    "roi": {"kind": "roi", "min": 2.6},
    "cost_ceiling-visit": {"kind": "cost_ceiling", "max": 0.6},
    "cost_ceiling-acquisition": {"kind": "cost_ceiling", "of": "acquisition", "lines": "抖音直播", "max": 20},
    "bounds-soft": {"kind": "bounds", "lines": "search", "min": 50, "max": 250, "soft": {"price": 3}},
    "group_share-soft": {"kind": "group_share", "group": "social", "max": 0.45, "soft": {"price": 41000}},
    "pilot-soft": {"kind": "pilot", "line": "search", "min": 150, "max": 300, "soft": {"price": 2}},
    "pilot": {"kind": "pilot", "line": "search", "min": 150, "max": 300},
    "cut-opening": {"kind": "cut"} | WEAK,
    "cut-streaks": {"kind": "cut", "lines": "抖音直播"} | WEAK,
    "cut-held": {"kind": "cut", "lines": "抖音直播"} | WEAK | {"weeks": 1},
    "recovery": {"kind": "recovery", "after": "weak ROI", "weeks": 2},
    "release": {"kind": "release", "line": "search", "window": "peak"},
    "top_up": {
        "kind": "top_up",
        "roi_at_least": 5.2,
        "window": "peak",
        "add": 150,
        "from": "reserve",
        "reserve": "search",
    },
    "move_cap": {"kind": "move_cap", "max": 0.1},
    "total-equal": {"kind": "total", "exact": True},
    "total-at_most": {"kind": "total", "exact": False},
    "reserve": {"kind": "reserve"},
}


def lines(case):
    weak = {"cut-opening": 2, "cut-streaks": 1, "recovery": 2}.get(case, 0)
    first = {"category": "promotion", "groups": ("social",), "visits_per_cny": 2.0, "weak_weeks": weak}
    first |= {"acquisitions_per_cny": 0.04}
    second = {"visits_per_cny": 1.0, "reserve": case in {"reserve", "release", "top_up"}}
    return line("抖音直播", weekly=80.0, **first), line("search", weekly=100.0, **second)


def decided(case):
    """The case's rows alone, on two lines and three weeks."""
    previous = np.array([[80.0, 80.0, 80.0], [120.0, 120.0, 120.0]])
    decision = Decision(lines(case), mondays(3), TOTAL, {"peak": (1, 2)}, previous)
    decision.model.objective = pyo.Objective(expr=pyo.quicksum(decision.spend.values()), sense=pyo.maximize)
    decision.add(rows(case, decision))
    decision.model.objective.expr -= sum(
        cost * slack for cost, slack in zip(decision.slack_costs, decision.model.slacks.values(), strict=True)
    )
    return decision


def rows(case, decision):
    fields = CASES[case] | {"name": case}
    match fields["kind"]:
        case "total":
            return TotalRule(amount=TOTAL, **fields).rows(decision)
        case "reserve":
            return ReserveRule(**fields).rows(decision)
        case "cut" if case != "cut-opening":
            decision.model.theta = pyo.Var([0], range(5))
            caps, hold = {0: np.full(3, 400.0)}, 2 if case == "cut-held" else 1
            return streak_rows(WeakRoiCut(**fields), decision, decision.model.theta, 50.0, caps, hold)
        case "cut" | "recovery" | "release" | "top_up" | "move_cap" as kind:
            rules = PlanSettings(rules=[{"kind": "cut", "name": "weak ROI"} | WEAK, fields]).rules
            return (row for row in logic_rows(rules, decision) if row.rule.kind == kind and row.rule.name == case)
    constraint = PlanSettings(constraints=[fields]).constraints[0]
    if case in {"roi", "group_share-gmv"}:
        decision.model.theta = pyo.Var([0, 1], range(4))
        decision.seen = Seen(decision.model.theta, 50.0, np.array([20.0, 10.0]), 400.0, 4)
        return constraint.response_rows(decision)
    return constraint.rows(decision)


def lp_of(case, tmp_path):
    path = tmp_path / "rows.lp"
    decided(case).model.write(str(path), io_options={"symbolic_solver_labels": True})
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_rows_are_as_they_were(case, tmp_path):
    golden, text = FOLDER / f"{case}.lp", lp_of(case, tmp_path)
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_kind_of_rule_has_its_golden_file():
    stored = {path.stem.partition("-")[0] for path in FOLDER.glob("*.lp")}
    assert stored == KINDS.keys() | OTHER_KINDS


def test_every_golden_file_has_its_case():
    assert {path.stem for path in FOLDER.glob("*.lp")} == CASES.keys()


@pytest.mark.parametrize("case", CASES)
def test_golden_files_are_what_the_solver_reads(case):
    """Held against each other: the stored text, and the rows' own names and limits."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS's own signature
    assert highs.readModel(str(FOLDER / f"{case}.lp")) == highspy.HighsStatus.kOk
    decision = decided(case)
    sides = sum(2 if is_range(row) else 1 for row in decision.rows)  # LP text has one row for each end of a range
    assert highs.getNumRow() == sides > 0
    assert len({row.name for row in decision.rows}) == len(decision.rows)
    assert all(row.name.startswith(case) for row in decision.rows)


def is_range(row: Row) -> bool:
    return None not in {row.lower, row.upper} and row.lower != row.upper
