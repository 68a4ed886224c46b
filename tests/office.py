"""LibreOffice without a screen, set to recalculate every formula on loading; and what cells hold."""

import subprocess
import warnings

import openpyxl

# LibreOffice trusts stored values on loading; this makes it recalculate them all.
HARD_RECALCULATION = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
</item>
</oor:items>
"""


def recalculator(folder):
    """Return a function that recalculates workbooks in one call of LibreOffice."""
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(HARD_RECALCULATION, encoding="utf-8")

    def recalculate(*books):
        out = folder / "recalculated"
        command = ["soffice", f"-env:UserInstallation=file://{profile.parent}", "--headless", "--convert-to", "xlsx"]
        subprocess.run([*command, "--outdir", str(out), *map(str, books)], check=True, capture_output=True, timeout=300)
        return [out / book.name for book in books]

    return recalculate


def cells(path, *, data_only):
    """Every cell by sheet and address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl does not know all that LibreOffice writes
        book = openpyxl.load_workbook(path, data_only=data_only)
    return {(sheet.title, cell.coordinate): cell.value for sheet in book for row in sheet.iter_rows() for cell in row}


def formulas(path):
    """Addresses of the cells with a formula."""
    return [place for place, value in cells(path, data_only=False).items() if str(value).startswith("=")]
