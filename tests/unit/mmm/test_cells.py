"""Numbers and days as people type them, and what is refused rather than guessed."""

import math
from datetime import date, datetime
from decimal import Decimal

import pytest

from mmm.cells import as_day, as_number, day_reader, looks_like_data, read_number


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1,234,567.5", 1234567.5),
        ("１２，３４５．６", 12345.6),
        ("500万", 5e6),
        ("0.05亿", 5e6),
        ("3千万", 3e7),
        ("500w", 5e6),
        ("5M", 5e6),
        ("12.5k", 12500),
        ("￥1,200", 1200),
        ("¥ 500 万元", 5e6),
        ("1200元", 1200),
        ("RMB 1200", 1200),
        ("$1,200.50", 1200.5),
        ("-¥5", -5),
        ("$-5", -5),
        ("(1,200)", -1200),
        ("（1,200）", -1200),
        ("\u22125", -5),
        ("12%", 0.12),
        ("１２．５％", 0.125),
        ("1e3", 1000),
        (" 7 ", 7),
        (Decimal("2.5"), 2.5),
        (3, 3),
    ],
)
def test_numbers_as_people_type_them(cell, number):
    assert as_number(cell) == number


@pytest.mark.parametrize("cell", ["", None, "-", "—", "N/A", "#N/A", "null", float("nan")])
def test_cells_of_nothing_are_nothing(cell):
    assert math.isnan(as_number(cell))


@pytest.mark.parametrize(
    "cell",
    ["1,5", "1,23,4", "1.2.3", "1_000", "--5", "-(5)", "$5元", "五百", "#REF!", "1.234,5", "5万万", "%", "1" * 99, "."],
)
def test_doubtful_numbers_are_text(cell):
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the cell
        as_number(cell)


def test_marks_are_kept_beside_the_number():
    assert read_number("12%").percent
    assert read_number("￥5").currency == read_number("5元").currency == "CNY"
    assert read_number("5").currency is None


@pytest.mark.parametrize(
    "cell",
    [
        "2027-10-04",
        "2027/10/4",
        "2027.10.04",
        "2027年10月4日",
        "２０２７－１０－０４",
        "20271004",
        20271004,
        20271004.0,
        "2027-10-04 00:00:00",
        "2027-10-04T08:30:00",
        datetime(2027, 10, 4, 8, 30),  # noqa: DTZ001 - as spreadsheets hand it over
        date(2027, 10, 4),
        "2027-W40",
        "2027年第40周",
        "2027W40",
        "4 Oct 2027",
        "04-Oct-2027",
        "October 4, 2027",
        "2027/10/04-2027/10/10",
        "2027-10-04 ~ 2027-10-10",
        "2027年10月4日至10月10日",
    ],
)
def test_days_in_an_order_that_cannot_be_mistaken(cell):
    assert as_day(cell) == date(2027, 10, 4)


@pytest.mark.parametrize("cell", ["", "soon", "10/04/2027", "4.10.27", "2027-13-01", "46664", 46664, "2027", 12.5])
def test_doubtful_days_are_refused(cell):
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the cell
        as_day(cell)


def test_a_column_settles_the_order_of_its_days():
    american = ["10/04/2027", "10/11/2027", "10/18/2027"]
    assert [day_reader(american)(cell) for cell in american][1] == date(2027, 10, 11)
    european = ["04.10.2027", "11.10.2027", "18.10.2027"]
    assert [day_reader(european)(cell) for cell in european][1] == date(2027, 10, 11)


@pytest.mark.parametrize("column", [["10/04/2027", "10/11/2027"], ["13/01/2027", "01/13/2027"]])
def test_a_column_that_settles_nothing_or_contradicts_itself_is_refused(column):
    with pytest.raises(ValueError, match="Invalid isoformat"):
        day_reader(column)(column[0])


@pytest.mark.parametrize("form", [int, float, str])
def test_day_numbers_of_spreadsheets(form):
    column = [form(46664 + 7 * week) for week in range(5)]
    assert [day_reader(column)(cell) for cell in column][:2] == [date(2027, 10, 4), date(2027, 10, 11)]
    mixed = ["2027-10-04", "2027-10-11", form(46678)]
    with pytest.raises(ValueError):  # noqa: PT011 - a lone number among dates is a slip
        day_reader(mixed)(mixed[2])


def test_data_are_told_from_names():
    assert all(map(looks_like_data, [5, "5万", "2027-10-04", "10/04/2027", date(2027, 10, 4), "12%"]))
    assert not any(map(looks_like_data, [None, "", "date", "花费(元)", "x1", "n/a", True]))
