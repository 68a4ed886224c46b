"""YAML that cannot be read is told in plain words, at the place where it went wrong, in both languages."""

import pytest
from ruamel.yaml.error import YAMLError

from mmm.bounded import bounded_yaml
from mmm.broken import broken_yaml


def told(text):
    with pytest.raises(YAMLError) as refused:
        bounded_yaml().compose(text)
    return broken_yaml(refused.value, "budget.yaml", text)


@pytest.mark.parametrize(
    ("text", "place", "what", "value"),
    [
        ("a: 1\n\tb: 2\n", "line 2, column 1", "a tab stands where YAML needs spaces", "b: 2"),
        ("a: b: c\n", "line 1, column 5", "a colon stands where no key can be", "a: b: c"),
        ("a: 1\nb 2\nc: 3\n", "line 2, column 1", "a key has no colon", "b 2"),
        ("a: 1\nplan：\n  b: 1\n", "line 2, column 1", "the colon is full-width (：)", "plan："),
        ("a: 'x\nb: 2\n", "line 1, column 4", "a quote is opened and not closed", "a: 'x"),
        ('a: "\\q"\n', "line 1, column 6", "this backslash means nothing here", 'a: "\\q"'),
        (
            "a: [1, 2\nb: 3\n",
            "line 1, column 4",
            "a bracket or a brace is not closed, or a comma is missing",
            "a: [1, 2",
        ),
        (
            "a: @b\n",
            "line 1, column 4",
            "a value is missing, or begins with a sign that YAML keeps for itself",
            "a: @b",
        ),
        ("a: 'it's'\n", "line 1, column 8", "text follows where the value has ended", "a: 'it's'"),
        ("a:\n  b: 1\n c: 2\n", "line 3, column 2", "the line is not indented like those it belongs to", "c: 2"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1", "a second document begins here", "---"),
    ],
)
def test_what_went_wrong_is_said_plainly(text, place, what, value):
    problem = told(text)
    assert (problem.where, problem.what, problem.value) == (f"budget.yaml, {place}", what, value)
    chinese = problem.translated("zh")
    assert not {problem.what, problem.cure} & {chinese.what, chinese.cure}


def test_characters_and_anchors_keep_their_own_words():
    assert told("a: \x01\n").value == "#x0001"
    assert told("a: &x 1\n").where == "budget.yaml, line 1"
    assert told("a: &x 1\n").what == "anchors and aliases (& and *) are not allowed"
