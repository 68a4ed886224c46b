"""Lines of a terminal: full, never too wide, never beginning with a closing mark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from reports.wrapping import CLOSING, breaks, wrapped


def lines(words, width, indent=""):
    return wrapped(Text(words), width, indent).plain.split("\n")


def test_english_breaks_between_words():
    assert lines("where the money goes", 10) == ["where the", "money goes"]


def test_chinese_breaks_between_characters():
    assert lines("预期 GMV 是计划支出带来的增量", 14) == ["预期 GMV 是计", "划支出带来的增", "量"]


def test_no_line_begins_with_a_closing_mark():
    assert lines("增量，含延续效应", 4) == ["增", "量，", "含延", "续效", "应"]


def test_a_unit_stays_with_its_number():
    assert lines("预期增加12.5万元", 12) == ["预期增加", "12.5万元"]


def test_a_word_wider_than_the_line_is_cut():
    assert lines("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]


def test_further_lines_are_indented():
    assert lines("- one two three", 9, "  ") == ["- one", "  two", "  three"]


def test_styles_stay_where_they_are():
    text = Text.assemble(("钱花在哪里：", "bold"), "平台搜索")
    made = wrapped(text, 8)
    assert made.plain == "钱花在哪\n里：平台\n搜索"
    bold = {place for span in made.spans if span.style == "bold" for place in range(span.start, span.end)}
    assert {made.plain[place] for place in bold} - {"\n"} == set("钱花在哪里：")


@given(st.text(alphabet="ab 预期，。（）1%\n", max_size=80), st.integers(6, 30))
def test_lines_fit_and_nothing_is_lost(words, width):
    made = lines(words, width)
    assert all(cell_len(line) <= width for line in made)
    assert "".join(made).replace(" ", "") == words.replace(" ", "").replace("\n", "")


@pytest.mark.parametrize("width", [14, 20, 33])
def test_closing_marks_stay_with_what_they_close(width):
    words = "以下渠道的支出大多随季节而变：抖音直播（39%）、B站（60%）。请做一次测试。"
    assert not [place for place in breaks(words, width) if words[place] in CLOSING]
