"""Both languages say the same things; numbers read as finance writes them."""

from __future__ import annotations

import string

import pytest

from optimizer.plan import PlanStatus
from reports.words import (
    LANGUAGES,
    WORDS,
    amount_words,
    currency_words,
    gap_words,
    label_words,
    money_words,
    number_words,
    plain,
    quarter_words,
    roi_words,
    say,
    share_words,
    signed,
    term,
)


def fields(words):
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


def test_languages_hold_the_same_keys():
    assert set(WORDS) == set(LANGUAGES)
    assert set(WORDS["en"]) == set(WORDS["zh"])


@pytest.mark.parametrize("key", sorted(WORDS["en"]))
def test_languages_fill_the_same_fields(key):
    assert fields(WORDS["en"][key]) == fields(WORDS["zh"][key])


def test_words_are_frozen():
    with pytest.raises(TypeError):
        WORDS["en"]["total"] = "sum"


@pytest.mark.parametrize("status", PlanStatus)
def test_every_status_has_its_sentence_and_cure(status):
    assert say("en", f"status.{status.word}") == status.sentence
    assert say("zh", f"status.{status.word}")
    assert bool(say("zh", f"cure.{status.word}")) == bool(status.cure)


def test_no_word_was_left_untranslated():
    same = {key for key, word in WORDS["zh"].items() if word and word == WORDS["en"][key]}
    alike = {"column.roi", "summary.roi", "headline.roi", "headline.share", "quality.durbin_watson", "desk.field.share"}
    assert same == alike


@pytest.mark.parametrize(("roi", "words"), [(3.456, "1:3.46"), (4, "1:4.00"), (-0.001, "1:0.00"), (-0.5, "1:-0.50")])
def test_roi_is_one_to_n(roi, words):
    assert roi_words(roi) == words


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [
        (1_234_567, "1,234,567", "123.46万"),
        (5_000_000, "5,000,000", "500万"),
        (9_999.4, "9,999", "9,999"),
        (9_999.6, "10,000", "1万"),
        (99_600_000, "99,600,000", "9,960万"),
        (99_999_999, "99,999,999", "1亿"),
        (123_456_789, "123,456,789", "1.2346亿"),
        (-250_000, "-250,000", "-25万"),
        (-0.2, "0", "0"),
        (0, "0", "0"),
    ],
)
def test_money(amount, english, chinese):
    assert money_words(amount, "en") == english
    assert money_words(amount, "zh") == chinese


def test_chinese_columns_keep_their_digits():
    assert money_words(5_000_000, "zh", trim=False) == "500.00万"


def test_amounts_name_their_currency():
    assert amount_words(5e6, "CNY", "en") == "5,000,000 CNY"
    assert amount_words(5e6, "CNY", "zh") == "500万元"
    assert amount_words(5e6, "USD", "zh") == "500万 USD"


@pytest.mark.parametrize(("share", "words"), [(0.4512, "45.1%"), (1, "100.0%"), (-0.0001, "0.0%"), (-0.123, "-12.3%")])
def test_share(share, words):
    assert share_words(share) == words


@pytest.mark.parametrize(("gap", "words"), [(3e-5, "0.003%"), (0.0123, "1.23%"), (0, "0%"), (1e-9, "<0.0001%")])
def test_gap_is_not_rounded_to_zero(gap, words):
    assert gap_words(gap) == words


@pytest.mark.parametrize(("number", "words"), [(1.00391, "1.004"), (41_234.4, "41,234"), (0, "0"), (3.1, "3.1")])
def test_number(number, words):
    assert number_words(number) == words


def test_plus_sign_only_where_there_is_no_minus():
    assert [signed("5"), signed("-5")] == ["+5", "-5"]


def test_control_marks_become_spaces():
    assert plain("a\x1b[31m\nb\u202ec") == "a [31m b c"
    assert plain("抖音　直播 👍") == "抖音　直播 👍"


def test_unknown_terms_are_shown_as_they_are():
    assert term("zh", "kind", "change") == "变动幅度"
    assert term("zh", "kind", "brand_new") == "brand_new"


@pytest.mark.parametrize(("count", "words"), [(1, "1 finding to read"), (2, "2 findings to read")])
def test_one_is_singular(count, words):
    assert say("en", "headline.findings.some", count=count) == words


def test_no_word_leaves_its_number_to_the_reader():
    assert not [key for lang in LANGUAGES for key, word in WORDS[lang].items() if "(s)" in word]


def test_names_are_in_the_readers_language_as_far_as_there_are_any():
    label = {"en": "Platform search"}
    assert [label_words(label, "platform_search", lang) for lang in LANGUAGES] == ["Platform search"] * 2
    assert label_words({"zh": "平台搜索"}, "platform_search", "en") == "platform_search"
    assert [currency_words("CNY", lang) for lang in LANGUAGES] == ["CNY", "元"]
    weeks = "2027-10-11 + 1 week"
    assert [quarter_words(weeks, lang) for lang in LANGUAGES] == [weeks, "2027-10-11 起 1 周"]
    assert [quarter_words("2027Q4", lang) for lang in LANGUAGES] == ["2027Q4"] * 2
