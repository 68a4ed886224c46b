"""The workbook in LibreOffice: every formula recalculates to the value that was stored with it."""

import subprocess

import openpyxl
import pytest

from reports.workbook import write_workbook

pytestmark = pytest.mark.office

# LibreOffice trusts stored values on loading; this makes it recalculate them all.
HARD_RECALCULATION = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
</item>
</oor:items>
"""


@pytest.fixture
def recalculated(tmp_path):
    profile = tmp_path / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(HARD_RECALCULATION, encoding="utf-8")

    def convert(book):
        out = tmp_path / "recalculated"
        command = ["soffice", f"-env:UserInstallation=file://{profile.parent}", "--headless", "--convert-to", "xlsx"]
        subprocess.run([*command, "--outdir", str(out), str(book)], check=True, capture_output=True, timeout=120)
        return out / book.name

    return convert


def cells(path, *, data_only):
    book = openpyxl.load_workbook(path, data_only=data_only)
    return {(sheet.title, cell.coordinate): cell.value for sheet in book for row in sheet.iter_rows() for cell in row}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_formula_recalculates_to_its_stored_value(plan, fit, manifest, recalculated, tmp_path, lang):
    book = tmp_path / "plan.xlsx"
    write_workbook(plan, fit, manifest, book, lang)
    formulas = {place for place, value in cells(book, data_only=False).items() if str(value).startswith("=")}
    stored, fresh = cells(book, data_only=True), cells(recalculated(book), data_only=True)
    assert len(formulas) > 20
    for place in formulas:
        if isinstance(stored[place], int | float):
            assert fresh[place] == pytest.approx(stored[place], rel=1e-9, abs=1e-9), place
        else:
            assert fresh[place] == stored[place], place
    assert not [place for place, value in fresh.items() if str(value).startswith(("#", "Err:"))]


def test_an_edited_cell_turns_the_status_red(plan, fit, manifest, recalculated, tmp_path):
    book = tmp_path / "plan.xlsx"
    write_workbook(plan, fit, manifest, book, "en")
    edited = openpyxl.load_workbook(book)
    edited["Plan"]["C5"] = edited["Plan"]["C5"].value + 1000
    edited.save(tmp_path / "edited.xlsx")
    fresh = cells(recalculated(tmp_path / "edited.xlsx"), data_only=True)
    statuses = [value for (sheet, _), value in fresh.items() if sheet == "Cover" and "CHECK" in str(value)]
    assert statuses
    assert "PASS" not in statuses[0]
