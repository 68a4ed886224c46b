"""The workbook: live sums with right cached values, text that stays text, sheets that are found by name."""

from __future__ import annotations

from dataclasses import replace

import openpyxl
import pytest

from reports.sheets import HEAD
from reports.words import LANGUAGES
from reports.workbook import SHEETS, write_workbook

TOP = HEAD + 1
FIRST_WEEK = 3


@pytest.fixture(params=LANGUAGES)
def path(request, plan, fit, manifest, tmp_path):
    target = tmp_path / "plan.xlsx"
    write_workbook(plan, fit, manifest, target, request.param)
    return target


@pytest.fixture
def live(path):
    return openpyxl.load_workbook(path)


@pytest.fixture
def cached(path):
    return openpyxl.load_workbook(path, data_only=True)


def cells(book):
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def summed(book, cell):
    """Value of =SUM(a:b) from the cached values of its cells."""
    reference = cell.value.removeprefix("=SUM(").removesuffix(")")
    values = [part.value for row in book[cell.parent.title][reference] for part in row]
    return sum(value for value in values if value is not None)


def test_sheets_are_named_in_english(live):
    assert tuple(live.sheetnames) == SHEETS
    assert all(sheet.sheet_state == "visible" for sheet in live)


def test_every_formula_is_ours(live):
    formulas = [cell.value for cell in cells(live) if cell.data_type == "f"]
    assert formulas
    starts = ("=SUM(", "=IF(", "=COUNT(Plan_Grid)", "=MIN(Plan_Grid)", "=Plan!$")
    assert [formula for formula in formulas if not formula.startswith(starts)] == []


def test_user_text_stays_text(live, plan):
    found = {cell.value: cell for cell in cells(live) if cell.data_type == "s"}
    for line in plan.lines[4:]:
        assert found[line.name].hyperlink is None
    assert "=1+1" in found
    assert "=floor()" in found
    assert found["=cmd|'/C calc'!A0"].quotePrefix


def test_only_the_sheet_map_holds_links(live):
    links = [cell.hyperlink for cell in cells(live) if cell.hyperlink]
    assert len(links) == len(SHEETS) - 1
    assert all(link.target is None for link in links)


def test_cached_sums_are_the_sums(live, cached):
    sums = [cell for cell in cells(live) if cell.data_type == "f" and cell.value.startswith("=SUM(")]
    assert len(sums) > 40
    for cell in sums:
        value = cached[cell.parent.title][cell.coordinate].value
        assert value == pytest.approx(summed(cached, cell), abs=1e-6), f"{cell.parent.title}!{cell.coordinate}"


def test_grid_holds_the_plan_to_the_cent(cached, plan):
    sheet = cached["Plan"]
    assert [sheet.cell(TOP, FIRST_WEEK + t).value for t in range(13)] == [week.isoformat() for week in plan.weeks]
    for row, line in enumerate(plan.lines, start=TOP + 1):
        assert sheet.cell(row, 1).value == line.name
        weekly = [sheet.cell(row, FIRST_WEEK + t).value for t in range(13)]
        assert [round(100 * spend) for spend in weekly] == list(line.weekly_fen)
    total = sheet.cell(TOP + 1 + len(plan.lines), FIRST_WEEK + 13)
    assert round(100 * total.value) == plan.total_fen


def test_only_the_grid_may_be_edited(live, plan):
    sheet = live["Plan"]
    unlocked = {cell.coordinate for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
    first, last = sheet.cell(TOP + 1, FIRST_WEEK), sheet.cell(TOP + len(plan.lines), FIRST_WEEK + 12)
    grid = {cell.coordinate for row in sheet[f"{first.coordinate}:{last.coordinate}"] for cell in row}
    assert sheet.protection.sheet
    assert unlocked == grid
    assert live.defined_names["Plan_Grid"].attr_text == f"Plan!$C$5:$O${TOP + len(plan.lines)}"
    assert [str(rule.sqref) for rule in sheet.data_validations.dataValidation] == [
        f"{first.coordinate}:{last.coordinate}"
    ]


def test_checks_pass_on_the_solvers_plan(cached, plan):
    sheet = cached["Checks"]
    assert sheet["B3"].value == 0
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=6)]
    assert len(rows) == 3 + len(plan.constraints)
    assert {row[7] for row in rows} == {0}
    cap = next(row for row in rows if row[0] == "social cap")
    assert cap[3:6] == [0.45, None, 0.45]


def test_a_broken_limit_is_counted(plan, fit, manifest, tmp_path):
    broken = replace(plan.constraints[1], value=0.47)
    target = tmp_path / "plan.xlsx"
    write_workbook(replace(plan, constraints=(broken,)), fit, manifest, target, "en")
    cached = openpyxl.load_workbook(target, data_only=True)
    assert cached["Checks"]["B3"].value == 1
    assert "1 CHECK(S) FAIL" in [cell.value for cell in cells(cached)]


def test_unspent_money_is_no_broken_total(plan, fit, manifest, tmp_path):
    target = tmp_path / "plan.xlsx"
    write_workbook(replace(plan, total_fen=plan.total_fen + 100), fit, manifest, target, "en")
    assert openpyxl.load_workbook(target, data_only=True)["Checks"]["B3"].value == 0


def test_identity_is_on_the_cover_and_in_the_properties(live):
    cover = [cell.value for cell in cells(live) if cell.parent.title == "Cover"]
    assert "run-7" in cover
    assert {prop.name: prop.value for prop in live.custom_doc_props.props} == {
        "run_id": "run-7",
        "fingerprint": "abc123",
    }


def test_summary_says_that_earnings_do_not_follow_edits(plan, fit, manifest, tmp_path):
    target = tmp_path / "plan.xlsx"
    write_workbook(plan, fit, manifest, target, "en")
    words = [cell.value for cell in cells(openpyxl.load_workbook(target)) if cell.parent.title == "Summary"]
    assert any("do not follow edits" in str(word) for word in words)


def test_numbers_that_do_not_exist_do_not_stop_it(plan, fit, manifest, tmp_path):
    odd = replace(plan, proof=replace(plan.proof, bound=float("inf")), gmv=None, roi=float("nan"), last_quarter=None)
    target = tmp_path / "plan.xlsx"
    write_workbook(odd, fit, manifest, target, "en")
    assert not [cell for cell in cells(openpyxl.load_workbook(target)) if cell.data_type == "e"]
