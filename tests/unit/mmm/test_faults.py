"""Errors in Chinese: every constant fault and cure of the source has its other half."""

import ast
import errno
import os
import re
import string
from pathlib import Path

import pytest

from budget import store
from budget.expected import EXPECTED
from budget.money import _fault
from mmm import tables
from mmm.broken import _FULL_WIDTH, _SAID, _UNKNOWN
from mmm.faults import CHINESE, fault, reason
from mmm.problems import InputError, Problem

ROOT = Path(__file__).parents[3]
NAMED = ("line", "channel", "group", "category", "cut rule", "unit")
REFUSALS = {"Problem", "fault", "Fault", "Finding", "refusal", "_refusal"}
REFUSALS |= {"report", "report_name", "complain", "_nothing"}
PLACES = {"Problem": {1, 2}, "refusal": {1, 2}, "_refusal": {1, 2}, "Finding": {0, 2}, "report": {1, 2}}
"""Arguments by position that are places or values, not sentences."""


def fields(template):
    return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name)


def texts(node):
    """Constant texts that an expression may be; f-strings as None."""
    if isinstance(node, ast.IfExp):
        return [*texts(node.body), *texts(node.orelse)]
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in texts(value)]
    if isinstance(node, ast.Tuple):
        return [text for value in node.elts for text in texts(value)]
    if isinstance(node, ast.JoinedStr):
        return [None]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def sentences(tree):
    """Expressions of a module that become faults and cures: arguments of refusals, and what is kept for them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            if name in REFUSALS:
                skipped = PLACES.get(name, {1, 2})
                yield from (argument for at, argument in enumerate(node.args) if at not in skipped)
                yield from (keyword.value for keyword in node.keywords if keyword.arg in {"what", "cure"})
        elif isinstance(node, ast.Assign):
            (target,) = node.targets[:1]
            named, values = [target], [node.value]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                named, values = target.elts, node.value.elts
            pairs = zip(named, values, strict=False)
            yield from (value for name, value in pairs if getattr(name, "id", "") in {"what", "cure", "_CURE"})


def told():
    """Constant faults and cures of the source, by file; None for one that is put together where it stands."""
    for room in ("mmm", "optimizer", "budget"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for expression in sentences(ast.parse(path.read_text(encoding="utf-8"))):
                yield from ((path.name, text) for text in texts(expression) if text != "")


TABLES = (
    *EXPECTED.values(),
    *(text for said in (*_SAID, _FULL_WIDTH, _UNKNOWN) for text in (said.what, said.cure)),
    *store._CURES.values(),
    *(value[part] for value in vars(tables).values() if isinstance(value, tables.Fault) for part in (0, 1)),
    *(f"there is no such {what}" for what in NAMED),
    *(f"There is no {what} to name yet." for what in NAMED),
    *(_fault(amount, negative=negative) for amount, negative in ((0, False), (-1, True), (2**60, False))),
    *(os.strerror(number) for number in (errno.EACCES, errno.ENOSPC, errno.EROFS, errno.EISDIR, errno.ENOENT)),
)
"""Those that stand in tables."""


@pytest.mark.parametrize("english", sorted(CHINESE))
def test_both_languages_hold_the_same_values(english):
    assert fields(english) == fields(CHINESE[english])
    if re.sub(r"\{[^}]*\}", "", english).strip():
        assert re.search("[\u4e00-\u9fff]", CHINESE[english])


def test_no_fault_is_english_only():
    """Those with values go through ``fault``, or their English would be put together before it could be translated."""
    found = {(name, text) for name, text in told() if text is not None and " " in text}
    assert len(found) > 300
    assert sorted((name, text) for name, text in found if text not in CHINESE) == []
    assert [text for text in TABLES if text and text not in CHINESE] == []
    assert {name for name, text in told() if text is None} <= {"checks.py"}  # two words of a handful, in TABLES


def test_a_problem_is_told_in_chinese():
    problem = Problem("the number is negative", "national.csv, row 14", "-3", "Write the amount itself.")
    assert problem.said("zh") == "national.csv，第 14 行：数字为负（实际为：-3）。请填金额本身。"
    assert problem.said("en") == str(problem)
    assert str(problem) == "national.csv, row 14: the number is negative (found: -3). Write the amount itself."


def test_a_fault_with_values_is_told_in_chinese():
    problem = Problem(fault("keys and lists are nested more than {depth} deep", depth=40), "budget.yaml")
    assert str(InputError([problem])) == "budget.yaml: keys and lists are nested more than 40 deep."
    assert problem.said("zh") == "budget.yaml：键与列表嵌套超过 40 层。"


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("data.csv, rows 2, 5, 7, 8, 9 and 3 more, column spend", "data.csv，第 2、5、7、8、9 行及另外 3 行，列 spend"),
        ("data.csv, row 2, column a, b", "data.csv，第 2 行，列 a，b"),
        ('budget.yaml, line 14, plan.constraints."cap".max', 'budget.yaml，第 14 行，plan.constraints."cap".max'),
        ("budget.yaml, line 3, column 7", "budget.yaml，第 3 行第 7 列"),
        ("plan.xlsx, sheet Plan, cell C7", "plan.xlsx，工作表 Plan，单元格 C7"),
        ("data.csv, column week, channel tv", "data.csv，列 week，渠道 tv"),
        ("calendar china-ecommerce", "日历 china-ecommerce"),
        ("the command line", "命令行"),
        ("--total", "--total"),
    ],
)
def test_places_are_told_in_chinese(english, chinese):
    assert Problem("the number is negative", english).translated("zh").where == chinese


def test_what_the_system_says_is_told_in_chinese():
    assert Problem(reason(OSError(errno.EACCES, os.strerror(errno.EACCES))), "a").said("zh") == "a：没有权限。"
    assert Problem(reason(OSError(999, "something new")), "a").said("zh") == "a：something new。"


def test_what_nobody_translated_stays_english():
    assert Problem("something new", "a.csv").said("zh") == "a.csv：something new。"
