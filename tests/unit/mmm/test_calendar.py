"""Weeks, quarters, peaks and calendar files."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mmm.calendar import (
    WEEKDAYS,
    Calendar,
    Peak,
    baseline_columns,
    first_day,
    intensity,
    monday,
    parse_quarter,
    quarter_of,
    quarter_weeks,
    read_calendar,
    week_of,
    week_range,
    window_weeks,
)
from mmm.problems import InputError
from mmm.settings import EventSettings

HERE = Path()
SPRING_FESTIVALS = [
    date(2023, 1, 22),
    date(2024, 2, 10),
    date(2025, 1, 29),
    date(2026, 2, 17),
    date(2027, 2, 6),
    date(2028, 1, 26),
]


def problems_of(tmp_path, text):
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_calendar("own.yaml", tmp_path)
    return {problem.where: problem for problem in caught.value.problems}


@pytest.mark.parametrize("offset", range(7))
def test_every_day_belongs_to_its_iso_week(offset):
    day = date(2027, 10, 4) + timedelta(days=offset)
    assert monday(day) == date(2027, 10, 4)
    assert week_range(day, 2) == (date(2027, 10, 4), date(2027, 10, 11))


def test_2027q4_is_the_thirteen_weeks_of_the_brief():
    weeks = quarter_weeks("2027Q4")
    assert (len(weeks), weeks[0], weeks[-1]) == (13, date(2027, 10, 4), date(2027, 12, 27))


def test_quarters_follow_each_other_without_gap_and_hold_their_thursdays():
    names = [f"{year}Q{quarter}" for year in range(2020, 2034) for quarter in (1, 2, 3, 4)]
    weeks = [week for name in names for week in quarter_weeks(name)]
    assert weeks == list(week_range(weeks[0], len(weeks)))
    for name in names:
        for week in quarter_weeks(name):
            thursday = week + timedelta(days=3)
            assert f"{thursday.year}Q{(thursday.month - 1) // 3 + 1}" == name
        assert quarter_of(quarter_weeks(name)) == name


def test_the_quarter_with_53_week_year_has_fourteen_weeks():
    assert len(quarter_weeks("2026Q4")) == 14


def test_other_runs_of_weeks_are_named_by_start_and_length():
    assert quarter_of(week_range(date(2027, 10, 11), 13)) == "2027-10-11 + 13 weeks"
    assert quarter_of(quarter_weeks("2027Q4")[:12]) == "2027-10-04 + 12 weeks"
    assert quarter_of([date(2027, 10, 4)]) == "2027-10-04 + 1 week"


def test_quarter_names_are_read_and_refused():
    assert parse_quarter(" 2027q4 ") == (2027, 4)
    for wrong in ("2027Q5", "Q4 2027", "27Q4", "", "0000Q1"):
        with pytest.raises(InputError, match="names no quarter"):
            parse_quarter(wrong)


def test_intensity_is_share_of_days_times_strength_capped_at_one():
    peaks = (
        Peak("a", date(2027, 10, 8), date(2027, 10, 12), 0.5, "estimate"),  # Friday to Tuesday
        Peak("b", date(2027, 10, 11), date(2027, 10, 17), 1.0, "estimate"),
    )
    found = intensity(Calendar("own", peaks), week_range(date(2027, 10, 4), 3))
    np.testing.assert_allclose(found, [0.5 * 3 / 7, 1.0, 0.0])


def test_no_calendar_has_no_peaks_and_no_columns():
    calendar = read_calendar("none", HERE)
    weeks = quarter_weeks("2027Q4")
    assert not intensity(calendar, weeks).any()
    names, columns = baseline_columns(calendar, (), weeks)
    assert (names, columns.shape) == ((), (13, 0))


def test_years_share_a_column_and_events_may_stay_open():
    calendar = read_calendar("china-ecommerce", HERE)
    weeks = week_range(date(2025, 1, 6), 104)
    events = (
        EventSettings(name="新政策", start=date(2026, 9, 3)),  # a Thursday
        EventSettings(name="past", start=date(2020, 1, 1), end=date(2020, 2, 1)),
    )
    names, columns = baseline_columns(calendar, events, weeks)
    assert columns.shape == (104, len(names))
    assert names.count("618") == 1
    assert "past" not in names
    mid_june = [weeks.index(monday(date(year, 6, 10))) for year in (2025, 2026)]
    assert (columns[mid_june, names.index("618")] == 1.0).all()
    policy = columns[:, names.index("新政策")]
    first = weeks.index(date(2026, 8, 31))
    assert policy[first] == pytest.approx(4 / 7)
    assert (policy[first + 1 :] == 1.0).all()
    assert not policy[:first].any()


def test_strengths_of_one_name_are_told_apart_only_where_there_are_several():
    calendar = read_calendar("china-ecommerce", HERE).by_strength()
    names = {peak.name for peak in calendar.peaks}
    assert {"618 (0.6)", "618 (1)", "double11", "618-presale"} <= names
    assert not {"618", "double11 (1)"} & names


@pytest.mark.parametrize("starts", WEEKDAYS)
def test_a_week_goes_by_the_monday_week_that_holds_most_of_its_days(starts):
    first = date(2027, 10, 4) + timedelta(days=WEEKDAYS.index(starts))
    days = [first + timedelta(days=step) for step in range(7)]
    (named,) = {week_of(day, starts) for day in days}
    assert sum(monday(day) == named for day in days) >= 4
    assert named + timedelta(days=first_day(starts)) == first


def test_peaks_and_events_fall_into_weeks_by_their_own_days():
    sunday = date(2027, 10, 10)
    calendar = Calendar("own", (Peak("a", sunday, sunday, 1.0, "estimate"),))
    weeks = week_range(date(2027, 10, 4), 2)
    own = replace(calendar, first_day=first_day("sunday"))
    np.testing.assert_allclose(intensity(calendar, weeks), [1 / 7, 0])
    np.testing.assert_allclose(intensity(own, weeks), [0, 1 / 7])
    assert (window_weeks(calendar, "a", weeks), window_weeks(own, "a", weeks)) == ((0,), (1,))
    event = EventSettings(name="open", start=sunday)
    np.testing.assert_allclose(baseline_columns(own.by_strength(), (event,), weeks)[1][:, 1], [0, 1])
    assert read_calendar("none", HERE, "sunday").first_day == read_calendar("china-ecommerce", HERE, "sunday").first_day


def test_overlapping_entries_of_one_name_count_each_day_once():
    peak = Peak("a", date(2027, 10, 4), date(2027, 10, 10), 1.0, "estimate")
    _, columns = baseline_columns(Calendar("own", (peak, peak)), (), [date(2027, 10, 4)])
    np.testing.assert_array_equal(columns, [[1.0]])


def test_window_weeks_finds_double12_in_the_quarter():
    calendar = read_calendar("china-ecommerce", HERE)
    weeks = quarter_weeks("2027Q4")
    assert [weeks[i] for i in window_weeks(calendar, "double12", weeks)] == [date(2027, 12, 6)]
    assert window_weeks(calendar, "618", weeks) == ()
    with pytest.raises(InputError, match='Did you mean "double12"'):
        window_weeks(calendar, "doubel12", weeks)
    with pytest.raises(InputError, match="Known are: none"):
        window_weeks(read_calendar("none", HERE), "double12", weeks)


@pytest.mark.parametrize("year", range(2023, 2029))
def test_shipped_peaks_hold_the_days_they_are_named_for(year):
    peaks = read_calendar("china-ecommerce", HERE).peaks
    festival = SPRING_FESTIVALS[year - 2023]
    for name, day in {
        "nianhuo": festival - timedelta(days=10),
        "spring-festival": festival,
        "38": date(year, 3, 8),
        "march-april": date(year, 4, 1),
        "618-presale": date(year, 5, 25),
        "618": date(year, 6, 18),
        "99": date(year, 9, 9),
        "double11-presale": date(year, 10, 25),
        "double11": date(year, 11, 11),
        "double12": date(year, 12, 12),
    }.items():
        assert sum(peak.name == name and peak.start <= day <= peak.end for peak in peaks) == 1, (name, day)


def test_shipped_calendar_ranks_the_peaks_as_the_department_does():
    calendar = read_calendar("china-ecommerce", HERE)
    top = {}
    for peak in calendar.peaks:
        top[peak.name] = max(peak.intensity, top.get(peak.name, 0.0))
    assert top["618"] == top["double11"] == 1.0
    assert sorted(top, key=top.__getitem__)[-3] == "double12"
    assert top["spring-festival"] == 0.0
    assert top["march-april"] == 0.35
    assert all(peak.status == "estimate" for peak in calendar.peaks if peak.start > date(2026, 12, 1))


def test_shipped_peaks_never_overlap_so_strengths_do_not_add_up():
    peaks = sorted(read_calendar("china-ecommerce", HERE).peaks, key=lambda peak: peak.start)
    for before, after in pairwise(peaks):
        assert before.end < after.start, (before, after)


def test_own_calendar_is_read_from_the_project_folder(tmp_path):
    text = "name: 自有\npeaks:\n  - {name: 会员日, start: 2027-10-08, end: 2027-10-08, intensity: 1}\n"
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    day = date(2027, 10, 8)
    assert read_calendar("own.yaml", tmp_path) == Calendar("自有", (Peak("会员日", day, day, 1.0, "estimate"),))


def test_unquoted_618_is_a_name(tmp_path):
    text = "peaks: [{name: 618, start: 2027-06-16, end: 2027-06-20, intensity: 1.0}]"
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    assert read_calendar("own.yaml", tmp_path).peaks[0].name == "618"


def test_all_problems_of_a_calendar_come_at_once(tmp_path):
    found = problems_of(
        tmp_path,
        "nmae: x\n"
        "peaks:\n"
        "  - {name: a, start: 2027-06-20, end: 2027-06-01, intensity: 1.5, status: maybe}\n"
        "  - {start: soon, end: 2027-06-01, intensity: .nan}\n"
        "  - {name: b, start: 2027-06-01, end: 2027-06-02, intensity: 1.0, strenght: 2}\n"
        "  - just text\n",
    )
    assert set(found) == {
        "own.yaml, nmae",
        "own.yaml, peaks[0].end",
        "own.yaml, peaks[0].intensity",
        "own.yaml, peaks[0].status",
        "own.yaml, peaks[1].name",
        "own.yaml, peaks[1].start",
        "own.yaml, peaks[1].intensity",
        "own.yaml, peaks[2].strenght",
        "own.yaml, peaks[3]",
    }
    assert found["own.yaml, nmae"].cure == 'Did you mean "name"?'
    assert found["own.yaml, peaks[0].intensity"].value == "1.5"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("peaks: [", "a bracket or a brace is not closed"),
        ("name: a\nname: b\npeaks: []", "this key is given twice"),
        ("peaks: [{start: 2027-13-45}]", "the value cannot be read"),
        ("just text", "holds no calendar"),
        ("", "holds no calendar"),
        ("name: x", "a list of peaks is needed"),
    ],
)
def test_broken_files_are_refused_by_name(tmp_path, text, what):
    ((where, problem),) = problems_of(tmp_path, text).items()
    assert where.startswith("own.yaml")
    assert what in problem.what


def test_a_missing_calendar_names_the_choices(tmp_path):
    with pytest.raises(InputError, match=r"china-ecommrce: the calendar cannot be read.*none, china-ecommerce"):
        read_calendar("china-ecommrce", tmp_path)
    (tmp_path / "gbk.yaml").write_bytes("name: 日历".encode("gb18030"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_calendar("gbk.yaml", tmp_path)


def test_the_calendar_is_cheap_to_import():
    code = "import sys, mmm.calendar; sys.exit(bool({'pandas', 'pymc', 'pydantic', 'pyarrow'} & set(sys.modules)))"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
