"""What a date is of its week: by the header, by the cells, by the peaks, by usage."""

from datetime import timedelta

import pytest
from published import SHARED, published

from budget.dating import dating_of
from budget.guess import guess
from budget.project import demo_folder
from mmm.calendar import week_of
from mmm.cells import day_reader
from mmm.files import read_table

DEMO = read_table("data.csv", None, demo_folder())
MONDAYS = [day_reader(DEMO.columns["week"])(cell) for cell in DEMO.columns["week"]]
GMV = [float(cell) for cell in DEMO.columns["gmv"]]


def shifted(days):
    """The demo's weeks, dated so many days from their Monday."""
    return [monday + timedelta(days=days) for monday in MONDAYS]


def dated(days, column="date", calendar="none", kpi=GMV):
    own = shifted(days)
    return dating_of(column, [str(day) for day in own], own, dict(zip(own, kpi, strict=True)), calendar)


@pytest.mark.parametrize(
    ("column", "days", "starts", "place"),
    [
        ("wk_strt_dt", -1, "sunday", "first"),
        ("Week commencing", 5, "saturday", "first"),
        ("周起始日", 6, "sunday", "first"),
        ("Week Ending", 6, "monday", "last"),
        ("week_end_date", 5, "sunday", "last"),
        ("截止日期", 4, "saturday", "last"),
        ("week ending", 0, "tuesday", "last"),
    ],
)
def test_the_header_says_it(column, days, starts, place):
    found = dated(days, column)
    assert (found.starts, found.place, found.why) == (starts, place, "name")


@pytest.mark.parametrize(
    ("days", "starts"),
    [(6, "monday"), (-1, "sunday"), (5, "sunday"), (-2, "saturday"), (4, "saturday"), (-3, "friday")],
)
def test_the_peaks_say_it(days, starts):
    """The demo's true weeks run from Monday to Sunday; a date a day or two off shifts its peaks by as much."""
    found = dated(days, calendar="china-ecommerce")
    assert (found.starts, found.why) == (starts, "peaks")
    assert [week_of(day, found.starts) for day in shifted(days)] == MONDAYS


def test_cells_that_hold_both_ends_say_it():
    own = shifted(-1)
    cells = [f"{day:%Y/%m/%d}-{day + timedelta(days=6):%Y/%m/%d}" for day in own]
    assert dating_of("date", cells, own, {}, "none").why == "cells"
    assert dating_of("date", cells, own, {}, "none").starts == "sunday"


@pytest.mark.parametrize(
    ("days", "starts", "place"),
    [(6, "monday", "last"), (5, "sunday", "last"), (4, "saturday", "last"), (2, "monday", "inside")],
)
def test_else_usage(days, starts, place):
    flat = [1000.0] * len(MONDAYS)
    for calendar in ("none", "china-ecommerce"):
        found = dated(days, calendar=calendar, kpi=flat)
        assert (found.starts, found.place, found.why) == (starts, place, "usual")


def test_mondays_and_mixed_days_say_nothing():
    assert dated(0).plain
    own = [*shifted(0)[:50], *shifted(3)[50:]]
    assert dating_of("date", [str(day) for day in own], own, {}, "none") is None


@published
def test_a_project_guesses_it_and_says_the_doubt():
    found = guess(read_table("data.csv", None, SHARED / "retail_13_channels"))
    assert (found.dating.starts, found.dating.why) == ("sunday", "name")
    assert str(found.weeks[0]) == "2014-08-04"
    assert str(found.plan_weeks[0]) == "2018-08-06"
    assert not [remark for remark in found.doubts if remark.key.startswith("dated")]
    found = guess(read_table("data.csv", None, SHARED / "pymclabs_small"))
    (doubt,) = (remark for remark in found.doubts if remark.key.startswith("dated"))
    assert (doubt.key, doubt.fields) == ("dated_last", {"day": 6, "starts": "sunday"})
