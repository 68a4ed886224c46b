"""Where a fault lies, in Chinese: rows, lines, columns, sheets and cells. Names stay as the files have them."""

from __future__ import annotations

import re

from mmm.messages import Message, Sentence

_ROWS = re.compile(r", rows? (\d+(?:, \d+)*)(?: and (\d+) more)?(?=,|$)")
_LINE = re.compile(r", line (\d+)(?:, column (\d+)(?=$|: ))?(?=,|$|: )")
_MARKS = (
    *((", sheet ", "，工作表 "), (", column ", "，列 "), (", cell ", "，单元格 ")),
    *((", channel ", "，渠道 "), (", line ", "，预算项 ")),
)
_BEGINNINGS = ((re.compile(r"^calendar (?=\S)"), "日历 "), (re.compile(r"^scenario (?=\S)"), "情景 "))


def place_in_chinese(where: str) -> str:
    """Say a place such as ``data.csv, rows 2, 5 and 3 more, column spend`` in Chinese."""
    told = _ROWS.sub(_rows, where)
    told = _LINE.sub(lambda match: f"，第 {match[1]} 行" + (f"第 {match[2]} 列" if match[2] else ""), told)
    for mark, chinese in _MARKS:
        told = told.replace(mark, chinese)
    for beginning, chinese in _BEGINNINGS:
        told = beginning.sub(chinese, told)
    return told.replace(", ", "，")


def placed(where: str) -> Message:
    """A place as part of a sentence."""
    return Message("place", Sentence("{en}", "{zh}"), {"en": where, "zh": place_in_chinese(where)})


def _rows(match: re.Match[str]) -> str:
    more = f"及另外 {match[2]} 行" if match[2] else ""
    return f"，第 {match[1].replace(', ', '、')} 行{more}"
