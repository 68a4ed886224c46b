"""YAML that cannot be read, said plainly: where, what stands there, and how to mend it."""

from __future__ import annotations

import re
from typing import NamedTuple

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from mmm.bounded import TooMuchError
from mmm.messages import Message
from mmm.problems import Problem

_LONGEST = 60


class _Said(NamedTuple):
    """What the parser's words mean to somebody who writes a project file; ``began``: the place is where it began."""

    words: str
    what: str
    cure: str
    began: bool = False


_FULL_WIDTH = _Said("", "the colon is full-width (：)", "Write the half-width colon and a space after the key.")
_UNKNOWN = _Said("", "the file is not YAML", "Check indentation (spaces, no tabs), colons and quotes near this line.")
# The parser names what it was doing and what it found; the first that matches is said.
_SAID = (
    _Said(r"character '\\t'", "a tab stands where YAML needs spaces", "Indent with spaces."),
    _Said(
        "mapping values are not allowed",
        "a colon stands where no key can be",
        "Put text that holds a colon in quotes; check that the line is indented like the keys beside it.",
    ),
    _Said(
        "expected ':'",
        "a key has no colon",
        "Write a colon and a space after the key; put text that runs over several lines in quotes.",
        began=True,
    ),
    _Said(
        "while scanning a quoted scalar",
        "a quote is opened and not closed",
        "Close it; inside single quotes write a single quote twice.",
        began=True,
    ),
    _Said("unknown escape character", "this backslash means nothing here", "Write it twice, or use single quotes."),
    _Said(
        "flow mapping|flow sequence|flow node .*stream end",
        "a bracket or a brace is not closed, or a comma is missing",
        "Check that [ ] and { } come in pairs and that commas part what is in them.",
        began=True,
    ),
    _Said(
        "cannot start any token|node content",
        "a value is missing, or begins with a sign that YAML keeps for itself",
        "Write the value; put it in quotes where it begins with a sign.",
    ),
    _Said(
        "found '<scalar>'",
        "text follows where the value has ended",
        "Put the whole value in quotes; inside single quotes write a single quote twice.",
    ),
    _Said(
        "block end|block mapping|block collection|block sequence",
        "the line is not indented like those it belongs to",
        "Give keys of one block the same number of spaces before them.",
    ),
    _Said("duplicate key", "this key is given twice", "Keep one of them."),
    _Said("single document", "a second document begins here", "Keep one: remove the line of dashes."),
)


def broken_yaml(error: YAMLError, name: str, text: str) -> Problem:
    """Say what a YAML parser refused.

    Parameters
    ----------
    error : YAMLError
    name : str
        The file as shown.
    text : str
        What it holds, to quote the line.
    """
    if isinstance(error, ReaderError):
        character = f"#x{error.character:04x}" if isinstance(error.character, int) else str(error.character)
        cure = "Delete it; save the file as UTF-8 text."
        return Problem("the file holds a character that no text file may hold", name, character, cure)
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem(_UNKNOWN.what, name, str(error).splitlines()[0][:_LONGEST], _UNKNOWN.cure)
    if isinstance(error, TooMuchError):
        what = error.problem if isinstance(error.problem, Message) else str(error.problem)
        return Problem(what, f"{name}, line {error.problem_mark.line + 1}", "", error.note or "")
    words = f"{error.context} {error.problem}"
    said = next((said for said in _SAID if re.search(said.words, words)), _UNKNOWN)
    mark = error.context_mark if said.began and error.context_mark is not None else error.problem_mark
    lines = text.splitlines()
    quoted = lines[mark.line].strip() if mark.line < len(lines) else ""
    if "：" in quoted and ":" not in quoted:
        said = _FULL_WIDTH
    return Problem(said.what, f"{name}, line {mark.line + 1}, column {mark.column + 1}", quoted[:_LONGEST], said.cure)
