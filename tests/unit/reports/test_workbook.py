"""The workbook: live from spend to GMV and checks, right cached values, text that stays text, sheets found by name."""

from __future__ import annotations

import books
import openpyxl
import pytest

from optimizer.assemble import settled
from reports.sheets import HEAD, _number_format
from reports.words import LANGUAGES
from reports.workbook import SHEETS, write_workbook
from reports.workbook.summary import COLUMNS, total_interval

HOSTILE = ("=cmd|'/C calc'!A0", "+1", "@x")
SUMMARY = {name: place + 1 for place, name in enumerate(COLUMNS)}


@pytest.fixture(scope="module")
def made():
    return books.planned(books.problem())


@pytest.fixture(scope="module", params=LANGUAGES)
def path(request, made, tmp_path_factory):
    return books.write(tmp_path_factory.mktemp("book") / "plan.xlsx", *made, request.param)


@pytest.fixture(scope="module")
def live(path):
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def cached(path):
    return openpyxl.load_workbook(path, data_only=True)


def cells(book):
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def rows(sheet, first):
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=first)]


def checks(book):
    """Name of every check to its value."""
    return {row[0]: row[7] for row in rows(book["Checks"], HEAD + 3) if row[0]}


def test_sheets_are_named_in_english_and_none_is_hidden(live):
    assert tuple(live.sheetnames) == SHEETS
    assert all(sheet.sheet_state == "visible" for sheet in live)


def test_formulas_use_nothing_newer_than_excel_2016(live):
    import re

    formulas = [cell.value for cell in cells(live) if cell.data_type == "f"]
    assert len(formulas) > 500
    used = {name for formula in formulas for name in re.findall(r"([A-Z][A-Z0-9.]*)\((?!S\))", formula)}
    assert used <= {
        "ABS", "AND", "AVERAGE", "COUNT", "COUNTIF", "FORECAST", "IF", "INDEX", "ISERROR", "ISNUMBER", "MATCH", "MAX",
        "MIN", "N", "OR", "ROWS", "SQRT", "SUM", "SUMIF", "SUMPRODUCT", "SUMXMY2", "TEXT",
    }  # fmt: skip
    assert not [formula for formula in formulas if "[" in formula or "|" in formula]


def test_every_row_of_calc_holds_one_formula(live):
    """The same relative formula across all weeks: FAST's consistency."""
    from openpyxl.formula.translate import Translator

    sheet, lags = live["Calc"], 3
    (results,) = (cell.row for cell in sheet["C"] if cell.value in {"GMV added", "新增 GMV"})
    for row in sheet.iter_rows(min_row=HEAD + 2, max_row=results - 1):
        formulas = [cell for cell in row[2 + lags : 2 + lags + 6] if cell.data_type == "f"]
        for cell in formulas[1:]:
            first = formulas[0]
            assert Translator(first.value, first.coordinate).translate_formula(cell.coordinate) == cell.value


def test_user_text_stays_text(tmp_path):
    problem = books.problem(HOSTILE, 3, facts={}, rules=[])
    book = openpyxl.load_workbook(
        books.write(tmp_path / "plan.xlsx", *books.planned(problem), author="=1+1", note="@SUM(A1)", parent="+2")
    )
    text = {str(cell.value) for cell in cells(book) if cell.data_type == "s"}
    assert {*HOSTILE, "=1+1", "@SUM(A1)", "+2"} <= text
    formulas = [cell.value for cell in cells(book) if cell.data_type == "f"]
    assert not [formula for formula in formulas if formula[1:] in {name[1:] for name in HOSTILE}]
    quoted = [cell for cell in cells(book) if cell.value == HOSTILE[0]]
    assert all(cell.quotePrefix for cell in quoted)


def test_only_the_sheet_map_holds_links(live):
    links = [cell.hyperlink for cell in cells(live) if cell.hyperlink]
    assert len(links) == len(SHEETS) - 1
    assert all(link.target is None for link in links)


def test_grid_holds_the_plan_to_the_cent_and_so_does_the_solvers(cached, made):
    plan, _ = made
    for name in ("Plan", "Solver"):
        sheet = cached[name]
        assert [sheet.cell(HEAD + 1, 3 + t).value for t in range(6)] == [week.isoformat() for week in plan.weeks]
        for row, line in enumerate(plan.lines, start=HEAD + 2):
            assert sheet.cell(row, 1).value == line.name
            weekly = [sheet.cell(row, 3 + t).value for t in range(6)]
            assert [round(100 * spend) for spend in weekly] == list(line.weekly_fen)
        assert round(100 * sheet.cell(HEAD + 2 + len(plan.lines), 9).value) == plan.total_fen


def test_only_yellow_cells_are_open(live, made):
    plan, _ = made
    opened = {
        (sheet.title, cell.coordinate)
        for sheet in live
        for row in sheet.iter_rows()
        for cell in row
        if not cell.protection.locked
    }
    grid = {("Plan", f"{column}{row}") for column in "CDEFGH" for row in range(HEAD + 2, HEAD + 2 + len(plan.lines))}
    assert all(sheet.protection.sheet for sheet in live)
    assert {place for place in opened if place[0] == "Plan"} == grid
    assert {place[0] for place in opened} == {"Plan", "Inputs", "Log"}
    assert {f"{column}" for name, column in opened if name == "Inputs"} >= {"C5", "C7"}
    assert live.defined_names["Plan_Grid"].attr_text == f"Plan!$C$5:$H${HEAD + 1 + len(plan.lines)}"
    assert [str(rule.sqref) for rule in live["Plan"].data_validations.dataValidation] == ["C5:H8"]


def test_summary_earns_what_the_plan_says(cached, made):
    plan, work = made
    sheet = cached["Summary"]
    for row, line in enumerate(plan.lines, start=HEAD + 2):
        assert sheet.cell(row, SUMMARY["spend"]).value == pytest.approx(line.spend_fen / 100)
        if line.gmv is None:
            assert sheet.cell(row, SUMMARY["gmv"]).value is None
            continue
        found = [sheet.cell(row, SUMMARY[name]).value for name in ("gmv", "gmv_low", "gmv_high")]
        assert found == pytest.approx([line.gmv.mean, line.gmv.p05, line.gmv.p95], rel=1e-9)
        assert sheet.cell(row, SUMMARY["mroi"]).value == pytest.approx(line.mroi, rel=0.03)
    total = HEAD + 2 + len(plan.lines)
    assert sheet.cell(total, SUMMARY["gmv"]).value == pytest.approx(plan.gmv.mean, rel=1e-9)
    assert total_interval_of(work, made) == pytest.approx((plan.gmv.p05, plan.gmv.p95), rel=1e-9)


def total_interval_of(work, made):
    from reports.workbook.model import build_model

    return total_interval(build_model(made[0], work, "en"))


def test_every_rule_has_a_check_and_all_hold_for_the_solvers_plan(cached, made):
    plan, work = made
    found = checks(cached)
    assert cached["Checks"]["B3"].value == 0
    assert set(found.values()) == {0}
    assert len(found) == 4 + len(work.rules)
    settings = settled(work.problem).settings
    assert {rule.name for rule in (*settings.constraints, *settings.rules)} <= found.keys()
    del plan


def test_a_plan_that_breaks_rules_opens_red(tmp_path):
    problem = books.problem()
    _, work = books.planned(problem)
    fen = [[int(cell) for cell in row] for row in (work.spend * 100).round().astype(int)]
    fen[0][0] += 5_000_000
    book = openpyxl.load_workbook(books.write(tmp_path / "plan.xlsx", *books.scored(problem, fen)), data_only=True)
    found = checks(book)
    assert found["Total"] == 1
    assert found["at most 60% a week"] == 1
    assert found["a pilot"] == 0
    assert book["Checks"]["B3"].value == sum(found.values())
    assert any(str(cell.value).endswith("CHECK(S) FAIL") for cell in cells(book))


def test_rules_of_0_1_logic_say_that_no_formula_holds_them(tmp_path):
    rules = [{"kind": "cardinality", "name": "two at most", "max": 2, "active_from": 1000}]
    problem = books.problem(rules=rules, cuts=())
    book = openpyxl.load_workbook(books.write(tmp_path / "plan.xlsx", *books.planned(problem)), data_only=True)
    (row,) = (row for row in rows(book["Checks"], HEAD + 3) if row[0] == "two at most")
    assert "0/1 logic" in row[9]


def test_a_soft_rule_is_watched_and_not_counted(tmp_path):
    rules = [{"kind": "group_share", "name": "soft cap", "group": "social", "max": 0.01, "soft": {"price": 0.01}}]
    problem = books.problem(rules=rules, cuts=())
    book = openpyxl.load_workbook(books.write(tmp_path / "plan.xlsx", *books.planned(problem)), data_only=True)
    (row,) = (row for row in rows(book["Checks"], HEAD + 3) if row[0] == "soft cap")
    assert row[6:8] == [1, 0]
    assert book["Checks"]["B3"].value == 0


def test_review_flags_the_cut_that_history_asks_for(tmp_path):
    facts = books.GROUPS | {"=search": {"groups": ("emerging",), "weak_weeks": 2}}
    rules = [rule for rule in books.RULES if rule["kind"] != "change"]
    problem = books.problem(facts=facts, rules=rules)
    book = openpyxl.load_workbook(books.write(tmp_path / "plan.xlsx", *books.planned(problem)), data_only=True)
    told = [cell.value for row in book["Review"].iter_rows() for cell in row if str(cell.value).startswith("cut ")]
    assert told == ["cut 20%"]
    assert checks(book)["weak ROI"] == 0


def test_identity_is_on_the_cover_in_the_log_and_in_the_properties(live):
    cover = [cell.value for cell in cells(live) if cell.parent.title == "Cover"]
    assert "run-7" in cover
    assert live["Log"]["B5"].value == "run-7"
    assert {prop.name: prop.value for prop in live.custom_doc_props.props} == {
        "run_id": "run-7",
        "fingerprint": "abc123",
    }


def test_the_largest_error_of_the_curves_is_stated(live, made):
    _, work = made
    told = f"{100 * work.curves.error:.3f}%"
    words = [str(cell.value) for cell in cells(live) if cell.parent.title in {"Curves", "Assumptions"}]
    assert sum(told in word for word in words) == 2


def test_charts_are_native(path):
    import zipfile

    with zipfile.ZipFile(path) as archive:
        charts = [name for name in archive.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 1 + 2 + 3  # flighting; spend and GMV; a response curve a line


def test_numbers_that_do_not_exist_do_not_stop_it(made, tmp_path):
    from dataclasses import replace

    plan, work = made
    odd = replace(plan, proof=replace(plan.proof, bound=float("inf")), gmv=None, roi=float("nan"), last_quarter=None)
    book = openpyxl.load_workbook(books.write(tmp_path / "plan.xlsx", odd, work))
    assert not [cell for cell in cells(book) if cell.data_type == "e"]


def test_a_plan_without_any_rule_or_spend_on_a_line(tmp_path):
    problem = books.problem(("one",), 1, rules=[], cuts=(), facts={})
    book = openpyxl.load_workbook(books.write(tmp_path / "plan.xlsx", *books.planned(problem)), data_only=True)
    assert book["Checks"]["B3"].value == 0


LONG = 4 * "The data say next to nothing about this channel on its own; a lift test of it would tell more than they. "


def test_long_words_get_the_room_they_need(made, tmp_path):
    mean = {"mean": 2.0, "p05": 1.0, "p95": 3.0}
    channel = dict.fromkeys(("roi", "mroi", "contribution", "half_life_weeks"), mean) | {
        "name": "kol",
        "prior_only": False,
    }
    check = {"name": "silent data", "verdict": "REVIEW", "value": 1.0, "limit": 0, "sentence": LONG}
    fit = books.FIT | {"health": {"verdict": "REVIEW", "checks": [check]}, "channels": [channel]}
    write_workbook(*made, fit, books.MANIFEST, tmp_path / "plan.xlsx", "en")
    sheet = openpyxl.load_workbook(tmp_path / "plan.xlsx")["Health"]
    (cell,) = (cell for cell in sheet["E"] if cell.value == LONG)
    (merged,) = (area for area in sheet.merged_cells.ranges if cell.coordinate in area)
    assert merged.max_col > 8  # over the columns of the table of ROI, which keep their own width
    marks = 13 * (merged.max_col - merged.min_col + 1)
    assert sheet.row_dimensions[cell.row].height >= 14 * len(LONG) / marks
    assert cell.alignment.wrap_text


def test_titles_stand_over_their_numbers_and_words_off_them(live):
    for name, row in (("Checks", HEAD + 2), ("Limits", HEAD + 1), ("Summary", HEAD + 1), ("Inputs", HEAD + 1)):
        for title, below in zip(live[name][row], live[name][row + 1], strict=True):
            if title.value and isinstance(below.value, int | float):
                assert title.alignment.horizontal == "right", (name, title.value)
            if title.value and title.column > 1 and isinstance(below.value, str) and below.data_type == "s":
                assert (below.alignment.horizontal, below.alignment.indent) == ("left", 1), (name, title.value)


def test_summary_leaves_out_what_the_plan_knows_nothing_of(tmp_path, made):
    plain = openpyxl.load_workbook(books.write(tmp_path / "plain.xlsx", *books.planned(books.problem(cuts=()))))
    titles = [cell.value for cell in plain["Summary"][HEAD + 1]]
    assert "P(weak fortnight)" not in titles
    assert "What binds" in titles
    weak = openpyxl.load_workbook(books.write(tmp_path / "weak.xlsx", *made))
    assert "P(weak fortnight)" in [cell.value for cell in weak["Summary"][HEAD + 1]]


def test_the_workbook_sends_readers_to_its_own_sheet(live):
    words = {str(cell.value) for cell in cells(live) if cell.data_type == "s"}
    assert not [one for one in words if "plan.xlsx lists" in one or "清单见 plan.xlsx" in one]


def test_counts_have_no_decimals():
    assert [_number_format(value) for value in (5, 209.0, 5396.98, 0.048)] == [
        "#,##0",
        "#,##0",
        "#,##0.00",
        "#,##0.000",
    ]
