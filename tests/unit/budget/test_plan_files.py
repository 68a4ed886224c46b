"""A plan that was written comes back to the fen; everything wrong in an edited one is told at once, cell by cell."""

import io
import shutil
import zipfile
from dataclasses import replace
from datetime import date, timedelta

import books
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from budget.plan_files import book_identity, read_edited, read_inputs, read_plan
from mmm.problems import InputError
from optimizer.plan import LinePlan, Plan, PlanStatus
from reports.documents import plan_csv

WEEKS = tuple(date(2027, 10, 4) + timedelta(weeks=t) for t in range(3))
LINES = ("抖音直播", "小红书", "=search", "tools")
FEN = ((100_000_033, 1, 0), (250_050, 250_050, 250_051), (7, 8, 9), (12_345_678_901, 0, 0))
GOOD = "week,line,spend\n2027-10-04,a,1.50\n2027-10-11,a,2\n2027-10-04,b,0\n2027-10-11,b,1000000.01\n"
GOOD_FEN = ((150, 200), (0, 100_000_001))


def made_plan(lines=LINES, fen=FEN, weeks=WEEKS):
    nothing = {"history_spend": None, "gmv": None, "roi": None, "mroi": None, "prob_weak": None, "near_optimal": None}
    planned = tuple(
        LinePlan(
            name=name,
            category=None,
            groups=(),
            label={"zh": "标签"},
            reserve=True,
            weekly_fen=row,
            prior_only=False,
            **nothing,
        )
        for name, row in zip(lines, fen, strict=True)
    )
    missing = dict.fromkeys(("gmv", "roi", "profit", "cvar", "proof", "last_quarter_spend", "last_quarter", "pro_rata"))
    total = sum(map(sum, fen))
    head = (PlanStatus.OPTIMAL, "2027Q4", weeks, "CNY", total, planned)
    return Plan(*head, constraints=(), rules=(), notes=(), **missing)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    problem = books.problem(LINES[:3], 3, rules=[], cuts=(), facts={}, total=sum(map(sum, FEN)) / 100)
    lines = (*problem.lines[:3], replace(problem.lines[3], name="tools"))
    plan, work = books.scored(replace(problem, lines=lines), FEN)
    return books.write(tmp_path_factory.mktemp("original") / "plan.xlsx", plan, work, "zh")


@pytest.fixture
def book(original, tmp_path):
    shutil.copy(original, tmp_path / "plan.xlsx")
    return tmp_path / "plan.xlsx"


def edited(path, cells=None, change=lambda _: None):
    """Change cells of the plan's sheet as somebody in Excel would."""
    book = load_workbook(path)
    for address, value in (cells or {}).items():
        book["Plan"][address] = value
    change(book)
    book.save(path)
    return path


def written(tmp_path, content, name="plan.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def told(path, lines=LINES, weeks=WEEKS):
    with pytest.raises(InputError) as refused:
        read_plan(path, lines, weeks)
    return [(problem.what, problem.where, problem.value) for problem in refused.value.problems]


def csv_faults(tmp_path, *changes):
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return told(written(tmp_path, text), "ab", WEEKS[:2])


# --- there and back


def test_our_csv_comes_back_to_the_fen(tmp_path):
    assert read_plan(written(tmp_path, plan_csv(made_plan())), LINES, WEEKS) == FEN


def test_our_workbook_comes_back_to_the_fen(book):
    assert read_plan(book, LINES, WEEKS) == FEN


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(
        st.one_of(st.text(min_size=1, max_size=6), st.sampled_from(["'=x", "=x", "＝x", "a,b", "@", "'a"])).filter(
            lambda name: name.strip() == name and name.isprintable()
        ),
        min_size=1,
        max_size=3,
        unique=True,
    ),
    fen=st.integers(0, 2**53),
)
def test_any_name_and_amount_come_back_from_csv(tmp_path_factory, names, fen):
    plan = made_plan(names, [[fen, 0, 1]] * len(names))
    path = written(tmp_path_factory.mktemp("plan"), plan_csv(plan))
    assert read_plan(path, names, WEEKS) == ((fen, 0, 1),) * len(names)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_the_encodings_that_excel_writes(tmp_path, encoding):
    content = plan_csv(made_plan()).replace("\n", "\r\n").encode(encoding)
    assert read_plan(written(tmp_path, content), LINES, WEEKS) == FEN


def test_rows_and_columns_may_stand_in_any_order(tmp_path):
    first = 'Note,Spend,Line,Week\nx,"1,000,000.01",b,2027/10/11\n,0,b,2027-10-4\n\n'
    text = first + ",２.00,a,2027年10月11日\n,1.5,a,2027-10-04\n"
    assert read_plan(written(tmp_path, text), "ab", WEEKS[:2]) == GOOD_FEN


def test_an_edited_workbook_gives_its_new_values(book):
    # 0.1 + 0.2 is what a spreadsheet shows as 0.3
    edited(book, {"C5": 12, "D6": 0.1 + 0.2, "B7": "renamed"})
    assert read_plan(book, LINES, WEEKS) == ((1200, *FEN[0][1:]), (250_050, 30, 250_051), *FEN[2:])


def test_rows_and_week_columns_of_a_workbook_may_be_moved(book):
    def move(workbook):
        page = workbook["Plan"]
        for column in range(1, 6):
            first, second = page.cell(5, column), page.cell(6, column)
            first.value, second.value = second.value, first.value
        for row in range(4, 9):
            first, second = page.cell(row, 3), page.cell(row, 4)
            first.value, second.value = second.value, first.value

    assert read_plan(edited(book, change=move), LINES, WEEKS) == FEN


def test_notes_under_the_totals_of_a_workbook_are_passed_over(book):
    assert read_plan(edited(book, {"B12": "agreed with finance", "C12": 5}), LINES, WEEKS) == FEN


# --- faults of a CSV


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("", "the spend is empty"),
        ("n/a", "the spend is not a number"),
        ("1.2万", "the spend is not a number"),
        ("1e3", "the spend is not a number"),
        ("nan", "the spend is not a number"),
        ("12 000", "the spend is not a number"),
        ('"1,00"', "the spend is not a number"),
        ("-1.50", "the spend is negative"),
        ("−1.50", "the spend is negative"),
        ("1.505", "the spend has more than two decimals"),
        ("0.001", "the spend has more than two decimals"),
        ("1" * 30, "the spend is larger than any budget"),
    ],
)
def test_a_spend_that_is_no_amount_is_refused(tmp_path, cell, what):
    assert csv_faults(tmp_path, ("1.50", cell)) == [(what, "plan.csv, row 2, column spend", cell.strip('"'))]


def test_a_misspelt_line_is_told_once_with_the_line_that_was_meant(tmp_path):
    path = written(tmp_path, GOOD.replace(",a,", ",Serach,"))
    with pytest.raises(InputError) as refused:
        read_plan(path, ("search", "b"), WEEKS[:2])
    unknown, missing = refused.value.problems
    assert (unknown.what, unknown.where, unknown.value) == (
        "the line is not in the project",
        "plan.csv, row 2, column line",
        "Serach",
    )
    assert unknown.cure == 'Did you mean "search"?'
    assert (missing.what, missing.where) == ("there is no spend for any week", "plan.csv, line search")


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("2027-10-05", "the week is not one of the plan's"),
        ("2026-10-05", "the week is not one of the plan's"),
        ("2027-13-01", "the week is not a date"),
        ("10/4/2027", "the week is not a date"),
        ("", "the week is not a date"),
    ],
)
def test_a_week_outside_the_plan_is_refused(tmp_path, cell, what):
    wrong, missing = csv_faults(tmp_path, ("2027-10-04,a", f"{cell},a"))
    assert wrong == (what, "plan.csv, row 2, column week", cell)
    assert missing == ("there is no spend for 2027-10-04", "plan.csv, line a", "")


def test_a_week_given_twice_names_both_rows(tmp_path):
    path = written(tmp_path, GOOD + "2027-10-04,a,9\n")
    with pytest.raises(InputError) as refused:
        read_plan(path, "ab", WEEKS[:2])
    (twice,) = refused.value.problems
    assert (twice.what, twice.where) == (
        "the week 2027-10-04 of a is given twice",
        "plan.csv, row 6, column spend",
    )
    assert "plan.csv, row 2, column spend" in twice.cure


def test_missing_cells_are_told_and_never_taken_for_zero(tmp_path):
    assert csv_faults(tmp_path, ("2027-10-04,b,0\n", "")) == [
        ("there is no spend for 2027-10-04", "plan.csv, line b", "")
    ]


def test_an_unquoted_thousands_comma_does_not_cut_the_amount_short(tmp_path):
    assert csv_faults(tmp_path, ("1.50", "1,500")) == [
        ("there are more cells than the header has", "plan.csv, row 2", "2027-10-04,a,1,500")
    ]


def test_every_problem_is_told_at_once(tmp_path):
    found = csv_faults(tmp_path, ("a,1.50", "x,1.50"), ("1000000.01", "-1"), ("a,2", "a,two"), ("b,0", "b,0.001"))
    assert {what for what, _, _ in found} == {
        "the line is not in the project",
        "the spend is negative",
        "the spend is not a number",
        "the spend has more than two decimals",
        "there is no spend for 2027-10-04",
    }


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("week,line,cost", 'the column "spend" is missing'),
        ("week,line,spend,spend", 'the column "spend" appears more than once'),
    ],
)
def test_a_header_without_its_columns_is_refused(tmp_path, header, what):
    assert csv_faults(tmp_path, ("week,line,spend", header)) == [(what, "plan.csv, row 1", header)]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", 'the column "week" is missing'),
        (b"\xff\xff\xff", "the file is neither UTF-8, UTF-16 nor GB18030 text"),
        (b'week,line,spend\n"2027-10-04', "the file cannot be read"),
    ],
)
def test_a_broken_csv_is_refused_in_words(tmp_path, content, what):
    assert told(written(tmp_path, content))[0][0] == what


# --- faults of a workbook


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        (None, "the spend is empty"),
        ("soon", "the spend is not a number"),
        (True, "the spend is not a number"),
        (date(2027, 10, 4), "the spend is not a number"),
        ("#REF!", "the spend is not a number"),
        ("=C5*2", "the spend is a formula, not a number"),
        (-1, "the spend is negative"),
        (0.125, "the spend has more than two decimals"),
        (1e300, "the spend is larger than any budget"),
    ],
)
def test_a_cell_that_is_no_amount_is_refused_with_its_address(book, cell, what):
    ((found, where, _),) = told(edited(book, {"D6": cell}))
    assert (found, where) == (what, "plan.xlsx, sheet Plan, cell D6")


def test_a_changed_key_is_refused_and_the_line_is_missed(book):
    unknown, missing = told(edited(book, {"A6": "小红薯"}))
    assert unknown == ("the line is not in the project", "plan.xlsx, sheet Plan, cell A6", "小红薯")
    assert missing == ("there is no spend for any week", "plan.xlsx, line 小红书", "")


def test_a_line_that_stands_twice_is_refused(book):
    found = told(edited(book, {"A6": LINES[0]}))
    assert ("the week 2027-10-04 of 抖音直播 is given twice", "plan.xlsx, sheet Plan, cell C6") in [
        row[:2] for row in found
    ]


def test_a_key_that_was_wiped_is_refused(book):
    found = told(edited(book, {"A5": None}))
    assert found[0][:2] == ("the line has no name", "plan.xlsx, sheet Plan, cell A5")
    assert told(edited(book, {"A8": None}))[-1][1] == "plan.xlsx, line 抖音直播, tools"


def test_an_extra_row_is_refused(book):
    found = told(edited(book, change=lambda workbook: workbook["Plan"].append(["new", "new", 1, 2, 3])))
    assert found == [("the line is not in the project", "plan.xlsx, sheet Plan, cell A10", "new")]


def test_a_row_slipped_in_is_refused(book):
    def slip_in(workbook):
        workbook["Plan"].insert_rows(7)
        for address, value in {"A7": "new", "C7": 1, "D7": 2, "E7": 3}.items():
            workbook["Plan"][address] = value

    found = told(edited(book, change=slip_in))
    assert found == [("the line is not in the project", "plan.xlsx, sheet Plan, cell A7", "new")]


def test_a_deleted_row_is_missed(book):
    found = told(edited(book, change=lambda workbook: workbook["Plan"].delete_rows(6)))
    assert found == [("there is no spend for any week", "plan.xlsx, line 小红书", "")]


def test_changed_weeks_are_refused(book):
    found = told(edited(book, {"D4": "2027-10-18"}))
    assert [what for what, _, _ in found] == ["the week is given twice", "there is no spend for 2027-10-11"]
    assert found[0][1] == "plan.xlsx, sheet Plan, cell E4"
    assert told(edited(book, {"D4": "2028-10-09"}))[0][:2] == (
        "the week is not one of the plan's",
        "plan.xlsx, sheet Plan, cell D4",
    )


def test_a_deleted_week_is_missed_in_every_line_with_one_problem(book):
    found = told(edited(book, change=lambda workbook: workbook["Plan"].delete_cols(4)))
    assert found == [("there is no spend for 2027-10-11", f"plan.xlsx, line {', '.join(LINES)}", "")]


def test_another_workbook_is_refused(tmp_path):
    other = Workbook()
    other.active.title = "其他"
    other.save(tmp_path / "plan.xlsx")
    assert told(tmp_path / "plan.xlsx") == [('there is no sheet "Plan"', "plan.xlsx", "其他")]


def test_an_empty_sheet_misses_everything(tmp_path):
    other = Workbook()
    other.active.title = "Plan"
    other.save(tmp_path / "plan.xlsx")
    assert [what for what, _, _ in told(tmp_path / "plan.xlsx")] == ["there is no spend for any week"]


def test_a_zip_bomb_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    monkeypatch.setattr("openpyxl.load_workbook", lambda *_, **__: pytest.fail("the workbook was opened"))
    ((what, where, _),) = told(written(tmp_path, packed.getvalue(), "plan.xlsx"))
    assert (what, where) == ("the workbook unpacks to far more than its size", "plan.xlsx")


# --- files


def test_a_file_that_is_no_workbook_is_refused_in_words(tmp_path):
    assert told(written(tmp_path, b"not a zip", "plan.xlsx"))[0][0] == "the file cannot be read"


def test_other_kinds_of_file_are_refused(tmp_path):
    assert told(written(tmp_path, b"{}", "plan.json")) == [("this kind of file is not read", "plan.json", ".json")]


def test_an_absent_file_is_told_with_its_neighbour(tmp_path):
    written(tmp_path, GOOD, "plan.csv")
    with pytest.raises(InputError, match=r'does not exist\. Did you mean "plan\.csv"'):
        read_plan(tmp_path / "paln.csv", "ab", WEEKS)
    assert told(tmp_path / "nowhere" / "x.csv")[0][0] == "the file does not exist"


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "plan.csv"
    with path.open("wb") as file:
        file.truncate(20_000_001)
    assert told(path)[0][0] == "the file is larger than 20 MB"


# --- an edited workbook


def told_edited(path):
    with pytest.raises(InputError) as refused:
        read_edited(path, LINES, WEEKS)
    return [(problem.what, problem.where, problem.value) for problem in refused.value.problems]


def test_an_untouched_workbook_has_no_edits(book):
    read = read_edited(book, LINES, WEEKS)
    assert (read.run_id, read.fen, read.solver, read.edited) == ("run-7", FEN, FEN, {})
    assert read.inputs == {"plan.total": sum(map(sum, FEN)) / 100}


def test_edited_cells_are_known_by_line_and_week(book):
    read = read_edited(edited(book, {"C6": 1.5, "E5": 0}), LINES, WEEKS)
    assert read.edited == {(1, 0): 150}
    assert read.solver == FEN


def test_changed_inputs_are_read(book):
    def raise_total(workbook):
        workbook["Inputs"]["C5"] = 42

    assert read_inputs(edited(book, change=raise_total)) == {"plan.total": 42.0}


@pytest.mark.parametrize(("cell", "what"), [("much", "the input is not a number"), (-1, "the input is negative")])
def test_an_input_that_is_no_number_is_refused_with_its_cell(book, cell, what):
    def change(workbook):
        workbook["Inputs"]["C5"] = cell

    assert told_edited(edited(book, change=change)) == [(what, "plan.xlsx, sheet Inputs, cell C5", str(cell))]


def test_every_fault_of_an_edited_workbook_is_told_at_once(book):
    def change(workbook):
        workbook["Inputs"]["C5"] = "much"

    found = told_edited(edited(book, {"D6": "soon", "A7": "new"}, change))
    assert [where for _, where, _ in found][:2] == [
        "plan.xlsx, sheet Plan, cell D6",
        "plan.xlsx, sheet Plan, cell A7",
    ]
    assert found[-1][1] == "plan.xlsx, sheet Inputs, cell C5"


def test_a_foreign_workbook_is_refused(tmp_path):
    Workbook().save(tmp_path / "plan.xlsx")
    assert told_edited(tmp_path / "plan.xlsx")[0][0] == "this workbook is not one that budget plan wrote"
    with pytest.raises(InputError, match="not one that budget plan wrote"):
        book_identity(tmp_path / "plan.xlsx")


def test_only_a_workbook_can_be_planned_from(tmp_path):
    assert told_edited(written(tmp_path, GOOD))[0][0] == "only a planning workbook can be planned from"


def test_a_bomb_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    monkeypatch.setattr("openpyxl.load_workbook", lambda *_, **__: pytest.fail("the workbook was opened"))
    found = told_edited(written(tmp_path, packed.getvalue(), "plan.xlsx"))
    assert found[0][0] == "the workbook unpacks to far more than its size"
