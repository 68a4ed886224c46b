"""Sections hold raw values, add up, and say honestly what holds the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports import sections
from reports.sections import Kind, Measured, cell_words
from reports.words import LANGUAGES

PLAN_SECTIONS = (
    sections.allocation,
    sections.weekly,
    sections.constraints,
    sections.prices,
    sections.rules,
    sections.proof,
    sections.versus,
    sections.notes,
    sections.conflict,
    sections.relaxation,
)


def column(section, key):
    place = section.place(key)
    return [row[place] for row in section.rows]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("build", PLAN_SECTIONS)
def test_rows_fit_their_columns_in_both_languages(build, lang, plan):
    section = build(plan, lang)
    assert section.title
    assert {len(row) for row in section.rows} <= {len(section.columns)}
    assert len(section.total) in {0, len(section.columns)}
    keys = [column.key for column in section.columns]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("build", [sections.allocation, sections.weekly])
def test_totals_are_the_sums_of_their_columns(build, plan):
    section = build(plan, "en")
    for place, spec in enumerate(section.columns):
        if spec.adds_down:
            assert section.total[place] == pytest.approx(sum(row[place] or 0.0 for row in section.rows), abs=1e-6)


def test_weekly_rows_add_across(plan):
    for row in sections.weekly(plan, "en").rows:
        assert row[-1] == pytest.approx(sum(row[2:-1]), abs=1e-6)


def test_allocation_of_a_reserve_line_has_no_response(plan):
    section = sections.allocation(plan, "en")
    row = next(row for row in section.rows if row[0] == "工具采购")
    assert [row[section.place(key)] for key in ("gmv", "gmv_range", "roi", "roi_range", "mroi")] == [None] * 5
    assert "Reserved money without a response: 工具采购." in section.note
    assert "planned from the prior: bilibili." in section.note


def test_labels_follow_the_language(plan):
    assert column(sections.allocation(plan, "zh"), "line")[0] == "抖音直播"
    assert column(sections.allocation(plan, "en"), "line")[0] == "Douyin"
    assert column(sections.allocation(plan, "zh"), "key")[0] == "douyin_live"


def test_change_is_against_last_year(plan):
    section = sections.allocation(plan, "en")
    assert column(section, "change")[0] == pytest.approx(1 / 0.84 - 1)
    assert column(section, "change")[2] is None
    # last year's figure knows nothing of reserved money, so the total's change leaves it out too
    compared = sum(line.spend_fen for line in plan.lines if line.history_spend is not None) / 100
    assert section.total[section.place("change")] == pytest.approx(compared / 4_200_000 - 1)


def test_rows_of_one_rule_are_counted_once(plan):
    section = sections.allocation(plan, "en")
    binds = dict(zip(column(section, "key"), column(section, "binds"), strict=True))
    assert binds["小红书"] == "at most 30% a week ×3"
    assert binds["douyin_live"] == ""


def test_prices_hold_binding_rules_only_and_count_the_rest(plan):
    section = sections.prices(plan, "en")
    assert len(section.rows) == 5
    assert column(section, "price") == [41_234.0, 3.1, 1.25, 1.25, 1.25]
    assert section.note.startswith("2 more rules")


def test_limits_keep_their_unit(plan):
    values = column(sections.constraints(plan, "en"), "limit")
    assert values[0] == Measured(5e6, Kind.MONEY)
    assert values[1] == Measured(0.45, Kind.SHARE)


def test_headline_says_where_what_how_sure_and_what_binds(plan, fit):
    rows = dict(sections.headline(plan, fit["health"], "en").rows)
    assert rows["Where the money goes"].startswith("Douyin 58.1%, 小红书 30.2%, 工具采购 7.5%")
    assert rows["Where the money goes"].endswith("6 other lines 3.0%")
    assert "90% interval" in rows["What it earns"]
    assert "1:2.83" in rows["What it earns"]
    assert "Gap to the bound 0.3%." in rows["How sure we are"]
    assert "REVIEW, 1 finding to read" in rows["How sure we are"]
    assert rows["What binds"] == "total, social cap, at most 30% a week ×3"
    assert "-52.6%" in rows["Against last year"]


def test_headline_admits_a_missing_proof(plan, fit):
    bare = replace(plan, proof=None, constraints=(), gmv=None, last_quarter_spend=None)
    rows = dict(sections.headline(bare, fit["health"], "en").rows)
    assert "There is no proof." in rows["How sure we are"]
    assert rows["What binds"] == "No rule binds."
    assert rows["What it earns"] == "No expectation was computed."
    assert "Against last year" not in rows


def test_findings_come_first(fit):
    section = sections.health(fit["health"], "en")
    assert column(section, "verdict") == ["REVIEW", "PASS"]
    assert "REVIEW; 1 finding to read" in section.sentence


def test_notes_are_passed_on_word_for_word(plan):
    assert column(sections.notes(plan, "zh"), "note") == list(plan.notes)


def test_manifest_is_flat():
    rows = dict(sections.manifest({"a": {"b": [1, {"c": None}]}, "d": "x"}, "en").rows)
    assert rows == {"a.b[0]": "1", "a.b[1].c": "", "d": "x"}


def test_fit_sections_mark_the_prior(fit):
    section = sections.channel_roi(fit, "en")
    assert column(section, "source") == ["data", "data", "prior only", "data"]
    assert column(section, "roi_range")[1] == (0.7 * 2.5, 1.4 * 2.5)
    assert column(sections.diagnostics(fit, "en"), "value")[-1] is None


@pytest.mark.parametrize(
    ("cell", "kind", "words"),
    [
        (None, Kind.MONEY, "–"),
        (float("nan"), Kind.ROI, "–"),
        ((1.5, 2.5), Kind.ROI, "1:1.50–1:2.50"),
        (Measured(0.45, Kind.SHARE), Kind.TEXT, "45.0%"),
        (0.19, Kind.CHANGE, "+19.0%"),
        (-1234.0, Kind.GAIN, "-1,234"),
        ("a\nb", Kind.TEXT, "a b"),
    ],
)
def test_cells_in_words(cell, kind, words):
    assert cell_words(cell, kind, "en") == words


def test_columns_can_be_picked_and_dropped(plan):
    section = sections.allocation(plan, "en")
    assert section.only("roi", "line").rows[0] == (section.rows[0][section.place("roi")], "Douyin")
    assert "key" not in [spec.key for spec in section.without("key").columns]


def test_a_broken_rule_is_told_in_the_readers_language():
    rule = {"name": "social cap", "kind": "group_share", "line": None, "week": None, "part": "", "sense": "<="}
    rule |= {"value": 0.5, "limit": 0.45, "unit": "share", "violation": 0.05, "sentence": "social cap: group social."}
    assert sections.broken_sentence(rule, {}, "en") == "social cap: group social."
    told = sections.broken_sentence(rule, {}, "zh")
    assert told == "“social cap”（组别占比）：实际 50.0%，应不超过 45.0%，相差 5.0%。"
    rule |= {"line": "douyin", "week": "2027-10-04", "unit": "CNY", "value": 2e5, "limit": 1e5, "violation": 1e5}
    told = sections.broken_sentence(rule, {"douyin": "抖音直播"}, "zh")
    assert "：抖音直播 2027-10-04 实际 20.00万，应不超过 10.00万，相差 10.00万" in told
    total = rule | {"name": "total", "kind": "total", "line": None, "week": None, "sense": "=="}
    assert sections.broken_sentence(total, {}, "zh").startswith("总额：实际 20.00万，应等于 10.00万")


def test_what_is_not_known_of_any_line_has_no_column(plan):
    assert "prob_top_up" not in [column.key for column in sections.risk(plan, "en").columns]
    lines = (replace(plan.lines[0], prob_top_up=0.3, topped_up=2e5), *plan.lines[1:])
    found = sections.risk(replace(plan, lines=lines), "en")
    assert found.rows[0][found.place("prob_top_up")] == 0.3
    assert found.rows[1][found.place("topped_up")] is None
