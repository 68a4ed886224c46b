"""Tables found in files as people keep them: titles, merged headers, separators, sizes."""

import gc
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmm.files import read_table
from mmm.problems import InputError
from mmm.tables import AMOUNT, CONTROL


def written(folder, text, name="data.csv", encoding="utf-8"):
    (folder / name).write_text(text, encoding=encoding)
    return read_table(name, None, folder)


def refused(folder, name, sheet=None):
    with pytest.raises(InputError) as caught:
        read_table(name, sheet, folder)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(("name", "mark"), [("data.csv", ";"), ("data.csv", "\t"), ("data.tsv", "\t")])
def test_other_separators(tmp_path, name, mark):
    table = written(tmp_path, f'week{mark}gmv\n2027-10-04{mark}"1,234"\n', name)
    assert table.columns == {"week": ["2027-10-04"], "gmv": ["1,234"]}


def test_what_excel_calls_unicode_text(tmp_path):
    table = written(tmp_path, "周\t销售额\n2027-10-04\t500万\n", encoding="utf-16")
    assert table.columns == {"周": ["2027-10-04"], "销售额": ["500万"]}


def test_titles_above_the_header_are_passed_over_and_rows_still_count(tmp_path):
    table = written(tmp_path, "2027年周报,,\n\n周,GMV,花费\n2027-10-04,5,1\n2027-10-11,6,2\n")
    assert list(table.columns) == ["周", "GMV", "花费"]
    assert table.rows == [4, 5]


def test_names_under_merged_cells_are_joined(tmp_path):
    book = openpyxl.Workbook()
    page = book.active
    page.append(["市场部周报"])
    page.append(["周", "GMV", "抖音", None, "小红书", None, "备注"])
    page.append([None, None, "花费", "访客", "花费", "访客", None])
    page.append(["2027-10-04", 100, 5, 50, 3, 30, None])
    page.append(["2027-10-11", 110, 6, 60, 4, 40, "双11"])
    for cells in ("A1:G1", "A2:A3", "B2:B3", "C2:D2", "E2:F2", "G2:G3"):
        page.merge_cells(cells)
    book.save(tmp_path / "周报.xlsx")
    table = read_table("周报.xlsx", None, tmp_path)
    assert list(table.columns) == ["周", "GMV", "抖音 花费", "抖音 访客", "小红书 花费", "小红书 访客", "备注"]
    assert table.columns["小红书 访客"] == [30, 40]
    assert table.rows == [4, 5]


def test_a_file_of_names_alone_is_empty_and_one_of_data_alone_keeps_its_first_row_as_names(tmp_path):
    (tmp_path / "data.csv").write_text("week,gmv\n", encoding="utf-8")
    assert refused(tmp_path, "data.csv").what == "the file is empty"
    assert list(written(tmp_path, "2027-10-04,5\n2027-10-11,6\n").columns) == ["2027-10-04", "5"]


def test_a_twice_named_column_is_placed_in_its_row(tmp_path):
    (tmp_path / "data.csv").write_text("report,,\nweek,gmv,gmv\n2027-10-04,5,1\n", encoding="utf-8")
    assert refused(tmp_path, "data.csv").where == "data.csv, row 2, column gmv"


def test_files_of_too_many_cells_are_refused_unread(tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n" + ",\n" * 1_100_000, encoding="utf-8")
    assert refused(tmp_path, "data.csv").what == "the file holds too many cells"
    pq.write_table(pa.table({"week": pa.array([1] * 2_100_000, pa.int8())}), tmp_path / "data.parquet")
    assert refused(tmp_path, "data.parquet").what == "the file holds too many cells"


def test_a_wide_empty_sheet_is_read_by_what_it_holds(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["week", "gmv"])
    book.active.append(["2027-10-04", 5])
    book.active["XFD1048576"] = None
    book.active["XFD3"].number_format = "0.00"
    book.save(tmp_path / "data.xlsx")
    assert read_table("data.xlsx", None, tmp_path).columns == {"week": ["2027-10-04"], "gmv": [5]}


def numbers(folder, cells, demand):
    table = written(folder, "week,x\n" + "".join(f'2027-10-04,"{cell}"\n' for cell in cells))
    return table.numbers("x", "x", range(len(cells)), demand), [problem.what for problem in table.problems]


def test_a_share_of_something_is_no_amount(tmp_path):
    assert numbers(tmp_path, ["5", "12%"], AMOUNT)[1] == ["an amount cannot be a percentage"]
    values, problems = numbers(tmp_path, ["12%", "0.5", "-3%"], CONTROL)
    assert (list(values), problems) == ([0.12, 0.5, -0.03], [])


def test_columns_of_two_minds_are_refused(tmp_path):
    assert numbers(tmp_path, ["12%", "12"], CONTROL)[1] == [
        "some cells of the column are percentages and others are not"
    ]
    assert numbers(tmp_path, ["¥5", "6", "7元"], AMOUNT)[1] == []
    assert numbers(tmp_path, ["¥5", "$6"], AMOUNT)[1] == ["the column holds several currencies"]


PARTS = ("[Content_Types].xml", "xl/workbook.xml", "xl/styles.xml", "xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("part", PARTS)
def test_a_damaged_workbook_is_refused_and_closed(tmp_path, part):
    """A file that is left open is a warning when its reader is collected, and warnings are errors here."""
    path = tmp_path / "data.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["week", "gmv"])
    book.active.append(["2027-10-04", 5])
    book.save(path)
    with zipfile.ZipFile(path) as sound:
        contents = {name: sound.read(name) for name in sound.namelist()} | {part: b"<a"}
    with zipfile.ZipFile(path, "w") as broken:
        for name, content in contents.items():
            broken.writestr(name, content)
    problem = refused(tmp_path, "data.xlsx")
    assert (problem.what, problem.where) == ("the file cannot be read", "data.xlsx")
    assert str(tmp_path) not in problem.value
    gc.collect()
