"""Errors in Chinese: every constant fault and cure of the source has its other half."""

import ast
import re
import string
from pathlib import Path

import pytest

from mmm.faults import CHINESE, fault
from mmm.problems import InputError, Problem

ROOT = Path(__file__).parents[3]
MOST_MISSING = 12
"""Faults that are English only; this number may fall, not rise."""


def fields(template):
    return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name)


def told():
    """Constant faults and cures of the source: arguments of Problem and Finding, by file."""
    for room in ("mmm", "optimizer", "budget"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Problem", "fault"}:
                    arguments = [*node.args[:1], *node.args[3:4], *(k.value for k in node.keywords if k.arg == "cure")]
                    for argument in arguments:
                        if isinstance(argument, ast.Constant) and argument.value:
                            yield path.name, argument.value


@pytest.mark.parametrize("english", sorted(CHINESE))
def test_both_languages_hold_the_same_values(english):
    assert fields(english) == fields(CHINESE[english])
    if re.sub(r"\{[^}]*\}", "", english).strip():
        assert re.search("[\u4e00-\u9fff]", CHINESE[english])


def test_hardly_a_fault_is_english_only():
    missing = sorted({(name, words) for name, words in told() if words not in CHINESE})
    assert len(missing) <= MOST_MISSING, missing


def test_a_problem_is_told_in_chinese():
    problem = Problem("the number is negative", "national.csv, row 14", "-3", "Write the amount itself.")
    assert problem.said("zh") == "national.csv, row 14：数字为负（实际为：-3）。请填金额本身。"
    assert problem.said("en") == str(problem)
    assert str(problem) == "national.csv, row 14: the number is negative (found: -3). Write the amount itself."


def test_a_fault_with_values_is_told_in_chinese():
    problem = Problem(fault("keys and lists are nested more than {depth} deep", depth=40), "budget.yaml")
    assert str(InputError([problem])) == "budget.yaml: keys and lists are nested more than 40 deep."
    assert problem.said("zh") == "budget.yaml：键与列表嵌套超过 40 层。"


def test_what_nobody_translated_stays_english():
    assert Problem("something new", "a.csv").said("zh") == "a.csv：something new。"
