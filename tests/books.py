"""Small planned problems and their workbooks, for the tests of the planning workbook."""

from dataclasses import replace

import markets
import numpy as np

from optimizer.assemble import evaluate_plan, make_plan, settled
from optimizer.planner import SolveOptions
from optimizer.workings import workings
from reports.workbook import write_workbook

NAMES = ("抖音直播", "=search", "小红书")
GROUPS = {"抖音直播": {"groups": ("social",)}, "小红书": {"groups": ("social",), "attributed_ratio": 1.5}}
CUT = {"kind": "cut", "name": "weak ROI", "roi_below": 0.5, "weeks": 2, "cut": 0.2, "roi": "attributed"}
RULES = [
    {"kind": "bounds", "name": "half to double", "relative_to": "history", "min": 0.5, "max": 2.0},
    {"kind": "group_share", "name": "social cap", "group": "social", "max": 0.7},
    {"kind": "group_share", "name": "emerging floor", "group": "emerging", "min": 0.05},
    {"kind": "concentration", "name": "no line above two thirds", "max": 0.66},
    {"kind": "change", "name": "at most 60% a week", "week_on_week": 0.6},
    {"kind": "bounds", "name": "search a week", "lines": "=search", "per": "week", "max": 40000},
    {"kind": "pilot", "name": "a pilot", "line": "小红书", "min": 20000, "max": 200000},
    {"kind": "roi", "name": "pays at all", "min": 0.2},
]
MANIFEST = {"run_id": "run-7", "fingerprint": "abc123", "created": "2027-09-01", "versions": {"pymc": "=5.28"}}
FIT = {
    "channels": [],
    "units": ["national"],
    "diagnostics": dict.fromkeys(("max_rhat", "min_ess_bulk", "min_ess_tail", "divergences", "draws", "chains"), 1.0),
    "health": {"verdict": "PASS", "checks": []},
    "fit_quality": dict.fromkeys(("r2", "mape", "coverage90", "durbin_watson"), 1.0),
    "seconds": {"total": 1.0},
    "fingerprint": "abc123",
}


def named(curves, names):
    """The same curves under other names, with a carry-over that the draws disagree about."""
    rng = np.random.default_rng(11)
    retention = np.clip(0.4 + 0.12 * rng.standard_normal(curves.ceiling.shape), 0.05, 0.8)
    from mmm.transforms import geometric_weights

    weights = geometric_weights(retention, curves.max_lag)
    kappa = 0.3 + 0.1 * rng.standard_normal(curves.ceiling.shape)
    return replace(curves, names=names, channels=names, weights=weights, kappa=kappa)


def problem(names=NAMES, weeks=6, *, rules=RULES, cuts=(CUT,), facts=None, slopes=(0.5, 1.0), **others):
    """A problem with hostile names, a reserve line, a peak in its third week and rules of many kinds."""
    response = named(markets.curves(len(names), 60, slopes), names)
    made = markets.problem(
        response,
        weeks,
        reserves=1,
        facts=facts or GROUPS | {"=search": {"groups": ("emerging",)}},
        constraints=list(rules),
        rules=list(cuts),
        **others,
    )
    intensity = np.zeros(weeks + response.max_lag)
    intensity[min(2, weeks - 1)] = 1.0
    intensity[min(3, weeks - 1)] = 0.4
    return replace(made, response=replace(made.response, intensity=intensity))


def planned(given):
    """The plan of a problem and its workings."""
    ready = settled(given)
    plan = make_plan(given, SolveOptions(gap=1e-3))
    assert plan.lines, plan.conflict
    return plan, workings(ready, [line.weekly_fen for line in plan.lines])


def scored(given, fen):
    """A given plan (line, week) in fen and its workings."""
    plan, _ = evaluate_plan(given, np.array(fen, dtype=np.int64))
    return plan, workings(settled(given), fen)


def write(path, plan, work, lang="en", **manifest):
    """Write the workbook of a plan."""
    write_workbook(plan, work, FIT, MANIFEST | manifest, path, lang)
    return path
