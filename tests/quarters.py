"""A hand-made quarter under review: four lines and a reserve, figures typed in week by week."""

from dataclasses import replace

import markets
import numpy as np

from optimizer.standing import Figures

CUT = {"kind": "cut", "name": "weak ROI", "roi_below": 4.0, "weeks": 2, "cut": 0.2}
TOP_UP = {
    "kind": "top_up",
    "name": "Double-12 strength",
    "roi_at_least": 5.2,
    "window": "double12",
    "add": 5000.0,
    "lines": "search",
}
RATIO = 2.0


def problem(weeks=6, *, rules=(CUT,), windows=None, constraints=(), facts=None, reserves=1, roi=2.0):
    """A quarter whose platforms claim twice what the model credits."""
    curves = markets.curves(roi=roi)
    spend = curves.spend
    curves = replace(curves, modelled=spend * 2.0, attributed=spend * 4.4, visits=spend * 3.0)
    known = {name: {"attributed_ratio": RATIO, "visits_per_cny": 3.0} for name in curves.names}
    more = {name: known.get(name, {}) | (facts or {}).get(name, {}) for name in {*known, *(facts or {})}}
    made = markets.problem(
        curves, weeks=weeks, reserves=reserves, facts=more, rules=list(rules), constraints=list(constraints)
    )
    return replace(made, windows=windows or {})


def even_plan(made):
    """Every line alike in every week, the total exact; array (line, week) of fen."""
    cells = len(made.lines) * len(made.weeks)
    grid = np.full((len(made.lines), len(made.weeks)), made.total_fen // cells, dtype=np.int64)
    grid[0, -1] += made.total_fen - grid.sum()
    return grid


def figures(made, roi, *, plan=None, spent=None, known=None, visits=3.0, gmv=None, **others):
    """Figures of the first weeks: ``roi`` maps a line to its attributed ROI by week (None where missing)."""
    weeks = max(len(values) for values in roi.values())
    plan = even_plan(made) if plan is None else plan
    spent = plan[:, :weeks] if spent is None else spent
    attributed = np.full((len(made.lines), weeks), np.nan)
    for index, line in enumerate(made.lines[: made.responding]):
        values = roi.get(line.name, [4.4] * weeks)
        attributed[index] = [np.nan if value is None else value for value in values] * spent[index] / 100
    seen = np.full(attributed.shape, np.nan)
    seen[: made.responding] = visits * spent[: made.responding] / 100
    return Figures(
        decided=weeks,
        known=np.ones(weeks, dtype=np.bool_) if known is None else np.array(known),
        spent=spent,
        planned=plan,
        in_force=plan,
        visits=seen,
        attributed=attributed,
        gmv=np.full(weeks, np.nan) if gmv is None else np.array(gmv),
        **others,
    )
