"""What pydantic asks of a value, in words for both languages: one table, by the type of its error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic_core import ErrorDetails

from mmm.faults import fault
from mmm.messages import Message, Sentence

_DATE = "a date such as 2027-10-04"
_BLOCK = "a block of keys"
EXPECTED: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_from_datetime_inexact": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_parsing": _DATE,
    "date_type": _DATE,
    "dict_type": _BLOCK,
    "extra_forbidden": "left out: the key is unknown",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_type": "a whole number",
    "json_invalid": "valid JSON ({error})",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "mapping_type": _BLOCK,
    "missing": "given",
    "model_attributes_type": _BLOCK,
    "model_type": _BLOCK,
    "none_required": "left empty",
    "string_pattern_mismatch": "written in the form its description gives",
    "string_too_long": "at most {max_length} characters long",
    "string_too_short": "at least {min_length} characters long",
    "string_type": "text",
    "too_long": "given with at most {max_length} entries",
    "too_short": "given with at least {min_length} entry",
    "tuple_type": "a list",
}
"""What must be, by the type of pydantic's error."""


def wanted(details: Sequence[ErrorDetails]) -> Message:
    """Say what a value must be: one of what each member of a union asks."""
    parts = list(dict.fromkeys(_one(detail) for detail in details))
    return fault("must be {expected}", expected=fault("{parts:or}", parts=parts))


def names_of(expected: str) -> list[str]:
    """The names in pydantic's ``'a', 'b' or 'c'``, as YAML writes them."""
    return [name.strip("'").replace("True", "true").replace("False", "false") for name in re.split(", | or ", expected)]


def _one(detail: ErrorDetails) -> Message:
    values = detail.get("ctx", {})
    if detail["type"] in {"literal_error", "enum"}:
        told = str(values["expected"]).replace("True", "true").replace("False", "false")
        return Message("one of", Sentence("{told}", "{names}"), {"told": told, "names": names_of(told)})
    form = EXPECTED.get(detail["type"])
    if form is not None:
        return fault(form, **values)
    reason = detail["msg"].removeprefix("Input should be ")
    return Message("else", Sentence("{reason}", "另一种形式（{reason}）"), {"reason": reason})
