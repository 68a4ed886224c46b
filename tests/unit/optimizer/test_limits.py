"""Rules as limits on cells: for every kind, broken exactly where the independent verifier finds them broken."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import books
import numpy as np
import pytest

from optimizer.assemble import expected_weekly
from optimizer.constraints import Limit
from optimizer.limits import rule_limits
from optimizer.verify import verify

spec = importlib.util.spec_from_file_location("rows", Path(__file__).parents[2] / "golden" / "test_rows.py")
rows = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rows)
CASES = {
    name: case
    for name, case in rows.CASES.items()
    if case["kind"] not in {"cut", "recovery", "move_cap", "total", "reserve"}
}
FACTS = {
    "抖音直播": {
        "category": "promotion",
        "groups": ("social",),
        "visits_per_cny": 0.5,
        "acquisitions_per_cny": 0.05,
    },
    "search": {"category": "promotion", "visits_per_cny": 2.0, "acquisitions_per_cny": 0.1},
}


def given(case):
    # Amounts of the golden cases are for a total of 600.
    rule = {"name": "the rule"} | case
    place = "cuts" if case["kind"] in {"release", "top_up"} else "rules"
    made = books.problem(
        ("抖音直播", "search"), 3, facts=FACTS, total=600.0, **{"rules": [], "cuts": ()} | {place: [rule]}
    )
    lines = tuple(replace(line, reference=np.array([50.0, 60, 70]), average=60.0) for line in made.lines)
    curves = replace(made.response.curves, reference=np.full(2, 50.0))
    response = replace(made.response, curves=curves)
    return replace(made, lines=lines, response=response, windows={"peak": (1,)})


def plans(count=60):
    rng = np.random.default_rng(4)
    for _ in range(count):
        cells = np.round(rng.gamma(0.7, 100, (3, 3)), 2) * (rng.random((3, 3)) > 0.2)
        yield cells * (rng.random((3, 1)) > 0.15)


def verdicts(problem, spend):
    """Whether the verifier finds the rule broken."""
    weekly = expected_weekly(problem, spend)
    fen = np.rint(spend * 100).astype(int).tolist()
    more = {"windows": problem.windows, "previous": problem.previous}
    earned = np.concatenate([problem.response.incremental(spend[:2].T).mean(axis=0), [0.0]])
    more["earned"] = earned
    findings = verify(problem.settings, problem.lines, problem.weeks, problem.total_fen, fen, weekly, **more)
    return any(finding.broken for finding in findings if finding.name == "the rule")


def holds(rule, spend, gmv):
    for limit in rule.limits:
        value, slack = limit.value(spend, gmv), 0.02 / max(1.0, limit.size(spend, gmv)) + 1e-9
        if limit.least is not None and value < limit.least - slack:
            return False
        if limit.most is not None and value > limit.most + slack:
            return False
    return all(choice.holds(spend, 0.02) for choice in rule.choices)


@pytest.mark.parametrize("name", [name for name in CASES if "soft" not in name])
def test_a_rule_is_broken_where_the_verifier_finds_it_broken(name):
    problem = given(CASES[name])
    (rule,) = (each for each in rule_limits(problem) if each.rule.name == "the rule")
    if not rule.complete:
        assert CASES[name]["kind"] in {"weeks_on", "cardinality", "either_or"}
        return
    seen = set()
    for spend in plans():
        gmv = np.concatenate([problem.response.incremental(spend[:2].T).mean(axis=0), [0.0]])
        broken = verdicts(problem, spend)
        assert holds(rule, spend, gmv) != broken, (name, spend)
        seen.add(broken)
    never = {"cost_ceiling-acquisition", "top_up"}  # its price is met exactly; nothing is held without a reserve named
    assert True in seen or name in never, name


def test_soft_rules_say_so():
    problem = given(CASES["bounds-soft"])
    (rule,) = (each for each in rule_limits(problem) if each.rule.name == "the rule")
    assert isinstance(rule.rule, Limit)
    assert all(limit.soft for limit in rule.limits)


def test_every_rule_is_listed_with_the_total_first():
    problem = books.problem()
    listed = [each.rule.name for each in rule_limits(problem)]
    settings = problem.settings
    assert listed[0] == "total"
    assert [name for name in listed if name in {rule.name for rule in (*settings.constraints, *settings.rules)}] == [
        rule.name for rule in (*settings.constraints, *settings.rules)
    ]


def test_a_share_is_a_part_over_a_whole():
    problem = given(CASES["group_share-spend"])
    (rule,) = (each for each in rule_limits(problem) if each.rule.name == "the rule")
    (limit,) = rule.limits
    assert (limit.unit, limit.least, limit.most) == ("share", None, 0.45)
    assert limit.value(np.array([[30.0, 0, 0], [50, 0, 0], [20, 0, 0]]), np.zeros(3)) == pytest.approx(0.3)
