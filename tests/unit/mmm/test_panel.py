"""Reading weekly data: what is accepted, and how everything else is refused."""

import re
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from published import SHARED, published

from mmm.dates import dates_read
from mmm.panel import Panel, read_panel
from mmm.problems import InputError
from mmm.settings import ChannelSettings, DataSettings, RoiPrior, SplitFiles

FIRST = date(2024, 1, 1)
CHANNELS = {"search": ChannelSettings(spend="search_spend"), "抖音直播": ChannelSettings()}
DATA = DataSettings(file="national.csv", week="date", kpi="revenue")


def table(weeks=60, **columns):
    """A clean national table; columns given replace or add to its own."""
    steps = np.arange(weeks)
    base = {
        "date": [str(FIRST + timedelta(weeks=int(week))) for week in steps],
        "revenue": 1000.0 + steps,
        "search_spend": 10.0 + steps % 7,
        "抖音直播": 20.0 + steps % 5,
    }
    return pd.DataFrame(base | columns)


def put(frame, column, row, value):
    """Set the cell of a spreadsheet row (the header is row 1) to a value of any type."""
    frame[column] = frame[column].astype(object)
    frame.loc[row - 2, column] = value
    return frame


def read(folder, frame, data=DATA, channels=CHANNELS):
    frame.to_csv(folder / "national.csv", index=False)
    return read_panel(data, channels, folder)


def refused(folder, frame=None, data=DATA, channels=CHANNELS):
    with pytest.raises(InputError) as caught:
        read_panel(data, channels, folder) if frame is None else read(folder, frame, data, channels)
    return caught.value.problems


def only(problems):
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def long_of(frame, outcome=("revenue",)):
    names = {"search_spend": "search", "抖音直播": "抖音直播"}
    melted = frame.melt(id_vars=["date", *outcome], value_vars=list(names), var_name="channel", value_name="cost")
    return melted.assign(channel=melted["channel"].map(names))


# What is read ---------------------------------------------------------------------------------------------------------


def test_wide_national_csv(tmp_path):
    panel = read(tmp_path, table(price=np.arange(60) - 30.0), DATA.model_copy(update={"controls": ("price",)}))
    assert panel.units == ("national",)
    assert panel.channels == ("search", "抖音直播")
    assert panel.weeks[:2] == (FIRST, FIRST + timedelta(weeks=1))
    np.testing.assert_array_equal(panel.kpi, [1000.0 + np.arange(60)])
    np.testing.assert_array_equal(panel.spend[0, :8, 0], [10, 11, 12, 13, 14, 15, 16, 10])
    np.testing.assert_array_equal(panel.spend[0, :6, 1], [20, 21, 22, 23, 24, 20])
    np.testing.assert_array_equal(panel.control[0, :2, 0], [-30, -29])
    assert (panel.value_per_kpi == 1).all()
    assert panel.visits.shape == panel.attributed.shape == (1, 60, 2)
    assert np.isnan(panel.visits).all()
    assert np.isnan(panel.attributed).all()
    with pytest.raises(ValueError, match="read-only"):
        panel.kpi[0, 0] = 0.0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_encodings_of_chinese_columns(tmp_path, encoding):
    table().to_csv(tmp_path / "national.csv", index=False, encoding=encoding)
    panel = read_panel(DATA, CHANNELS, tmp_path)
    assert panel.spend[0, 0, 1] == 20.0


def test_parquet_and_excel_give_the_same_panel_as_csv(tmp_path):
    frame = table()
    expected = read(tmp_path, frame)
    typed = frame.assign(date=pd.to_datetime(frame["date"]))
    typed.to_parquet(tmp_path / "national.parquet")
    with pd.ExcelWriter(tmp_path / "national.xlsx") as book:
        pd.DataFrame({"note": ["not the data"]}).to_excel(book, sheet_name="说明", index=False)
        typed.to_excel(book, sheet_name="周数据", index=False)
    for update in ({"file": "national.parquet"}, {"file": "national.xlsx", "sheet": "周数据"}):
        panel = read_panel(DATA.model_copy(update=update), CHANNELS, tmp_path)
        assert panel.weeks == expected.weeks
        np.testing.assert_array_equal(panel.kpi, expected.kpi)
        np.testing.assert_array_equal(panel.spend, expected.spend)


def test_excel_of_other_tools_loses_no_rows_and_raises_no_warning(tmp_path):
    table().to_excel(tmp_path / "full.xlsx", index=False)
    with zipfile.ZipFile(tmp_path / "full.xlsx") as source, zipfile.ZipFile(tmp_path / "national.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content, changed = re.subn(rb'<dimension ref="[^"]+"', b'<dimension ref="A1"', content)
                assert changed == 1
                # A validation that openpyxl warns of (warnings are errors here) must not disturb the reader either.
                validation = b'<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
                content = content.replace(b"</worksheet>", validation)
            target.writestr(name, content)
    panel = read_panel(DATA.model_copy(update={"file": "national.xlsx"}), CHANNELS, tmp_path)
    assert len(panel.weeks) == 60


def test_rows_in_any_order_and_blank_rows_are_fine(tmp_path):
    frame = table()
    expected = read(tmp_path, frame)
    text = frame.sample(frac=1, random_state=1).to_csv(index=False) + ",,,\n\n"
    (tmp_path / "national.csv").write_text(text, encoding="utf-8")
    shuffled = read_panel(DATA, CHANNELS, tmp_path)
    assert shuffled.weeks == expected.weeks
    np.testing.assert_array_equal(shuffled.spend, expected.spend)


@pytest.mark.parametrize(
    "form", ["2024/1/{0}", "2024.01.0{0}", "2024年1月{0}日", "2024010{0}", "2024-01-0{0} 23:59:59.5"]
)
@pytest.mark.parametrize("day", [1, 7])
def test_any_day_in_any_year_first_form_is_aligned_to_its_monday(tmp_path, form, day):
    panel = read(tmp_path, put(table(), "date", 2, form.format(day)))
    assert panel.weeks[0] == FIRST


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,234.5", 1234.5), ("１２３４．５", 1234.5), (" 1 234 ", 1234.0), ("1，234，567", 1234567.0), ("1.5e3", 1500.0)],
)
def test_numbers_as_people_type_them(tmp_path, text, number):
    assert read(tmp_path, put(table(), "search_spend", 4, text)).spend[0, 2, 0] == number


def test_units_keep_their_order_and_rows(tmp_path):
    frames = [table(revenue=np.full(60, level)).assign(brand=name) for name, level in (("美妆", 5.0), ("服饰", 7.0))]
    data = DATA.model_copy(update={"unit": "brand"})
    panel = read(tmp_path, pd.concat(frames).sort_values("date", kind="stable"), data)
    assert panel.units == ("美妆", "服饰")
    np.testing.assert_array_equal(panel.kpi[:, 0], [5, 7])
    assert panel.spend.shape == (2, 60, 2)


def test_long_data_equal_wide_data(tmp_path):
    frame = table()
    expected = read(tmp_path, frame)
    data = DATA.model_copy(update={"channel": "channel", "spend": "cost"})
    rows = long_of(frame).assign(clicks=lambda rows: rows["cost"] * 2)
    channels = CHANNELS | {"抖音直播": ChannelSettings(visits="clicks")}
    panel = read(tmp_path, rows, data, channels)
    np.testing.assert_array_equal(panel.spend, expected.spend)
    np.testing.assert_array_equal(panel.kpi, expected.kpi)
    assert np.isnan(panel.visits[..., 0]).all()
    np.testing.assert_array_equal(panel.visits[..., 1], 2 * expected.spend[..., 1])


def test_long_channels_may_be_known_by_their_spend_name(tmp_path):
    data = DATA.model_copy(update={"channel": "channel", "spend": "cost"})
    channels = {"搜索": ChannelSettings(spend="search"), "抖音直播": ChannelSettings()}
    assert read(tmp_path, long_of(table()), data, channels).spend[0, 0, 0] == 10.0


@pytest.mark.parametrize("form", ["wide", "long"])
def test_outcome_and_spend_in_two_files(tmp_path, form):
    frame = table()
    expected = read(tmp_path, frame)
    frame[["date", "revenue"]].to_csv(tmp_path / "gmv.csv", index=False)
    update = {"file": SplitFiles(outcome="gmv.csv", spend="spend.csv")}
    spend = frame.drop(columns="revenue")
    if form == "long":
        update |= {"channel": "channel", "spend": "cost"}
        spend = long_of(frame).drop(columns="revenue")
    spend.iloc[::-1].to_csv(tmp_path / "spend.csv", index=False)
    panel = read_panel(DATA.model_copy(update=update), CHANNELS, tmp_path)
    np.testing.assert_array_equal(panel.spend, expected.spend)
    np.testing.assert_array_equal(panel.kpi, expected.kpi)


def test_value_per_kpi_is_a_number_or_a_column(tmp_path):
    frame = table(price=np.linspace(1, 2, 60))
    constant = read(tmp_path, frame, DATA.model_copy(update={"value_per_kpi": 12.5}))
    assert (constant.value_per_kpi == 12.5).all()
    column = read(tmp_path, frame, DATA.model_copy(update={"value_per_kpi": "price"}))
    np.testing.assert_allclose(column.value_per_kpi[0], np.linspace(1, 2, 60))
    problem = only(refused(tmp_path, put(frame, "price", 9, 0), DATA.model_copy(update={"value_per_kpi": "price"})))
    assert (problem.what, problem.where) == ("the number is not above zero", "national.csv, row 9, column price")


def test_visits_may_have_blanks_but_no_text(tmp_path):
    channels = CHANNELS | {"search": ChannelSettings(spend="search_spend", visits="clicks", attributed="platform")}
    frame = put(table(clicks=5.0, platform=7.0), "clicks", 3, None)
    panel = read(tmp_path, frame, channels=channels)
    assert np.isnan(panel.visits[0, :3, 0]).tolist() == [False, True, False]
    assert (panel.attributed[..., 0] == 7).all()
    problem = only(refused(tmp_path, put(frame, "clicks", 4, "many"), channels=channels))
    assert (problem.where, problem.value) == ("national.csv, row 4, column clicks", "many")


@pytest.mark.parametrize("level", [0.0, 500.0])
def test_a_channel_with_its_own_prior_may_have_no_history(tmp_path, level):
    channels = CHANNELS | {"search": ChannelSettings(spend="search_spend", roi_prior=RoiPrior(median=2))}
    assert (read(tmp_path, table(search_spend=level), channels=channels).spend[..., 0] == level).all()


# What is refused ------------------------------------------------------------------------------------------------------


def test_all_problems_come_at_once_with_file_row_column_value_and_cure(tmp_path):
    frame = table()
    for column, row, value in (
        ("date", 5, "04/10/2027"),
        ("revenue", 7, "n/a"),
        ("search_spend", 9, -3.5),
        ("抖音直播", 11, "五百"),
        ("抖音直播", 12, "inf"),
    ):
        put(frame, column, row, value)
    data = DATA.model_copy(update={"controls": ("competitor",)})
    problems = refused(tmp_path, frame, data)
    found = {problem.where: (problem.what, problem.value) for problem in problems}
    assert found == {
        "national.csv, row 5, column date": ("the date cannot be read", "04/10/2027"),
        "national.csv, row 7, column revenue": ("the cell is empty", "n/a"),
        "national.csv, row 9, column search_spend": ("the number is negative", "-3.5"),
        "national.csv, row 11, column 抖音直播": ("this is not a number", "五百"),
        "national.csv, row 12, column 抖音直播": ("the number is not finite", "inf"),
        "national.csv, column competitor": ("the column is missing", ""),
    }
    assert all(problem.cure for problem in problems)


@pytest.mark.parametrize("text", ["1,5", "1,23,4", "1.2.3", "1_000", "12%", "--5", "1,234,5", "."])
def test_doubtful_numbers_are_not_guessed(tmp_path, text):
    assert only(refused(tmp_path, put(table(), "search_spend", 4, text))).value == text


@pytest.mark.parametrize("text", ["", "soon", "10/04/2024", "4.10.2024", "2024-13-01", "45000", "2024"])
def test_doubtful_dates_are_not_guessed(tmp_path, text):
    problem = only(refused(tmp_path, put(table(), "date", 4, text)))
    assert (problem.what, problem.where) == ("the date cannot be read", "national.csv, row 4, column date")


def test_many_bad_cells_of_a_column_are_one_problem(tmp_path):
    frame = table(search_spend=["x"] * 8 + list(range(52)))
    problem = only(refused(tmp_path, frame))
    assert problem.where == "national.csv, rows 2, 3, 4, 5, 6 and 3 more, column search_spend"
    assert problem.value == "x, x, x, x, x and 3 more"


@pytest.mark.parametrize("column", ["revenue", "search_spend", "price"])
@pytest.mark.parametrize("cell", [None, "NaN", "-inf"])
def test_no_gaps_in_kpi_spend_or_controls(tmp_path, column, cell):
    data = DATA.model_copy(update={"controls": ("price",)})
    problem = only(refused(tmp_path, put(table(price=1.0), column, 30, cell), data))
    assert problem.where == f"national.csv, row 30, column {column}"


def test_row_numbers_count_blank_rows(tmp_path):
    lines = put(table(), "search_spend", 10, "x").to_csv(index=False).splitlines()
    (tmp_path / "national.csv").write_text("\n".join([*lines[:4], "", *lines[4:]]), encoding="utf-8")
    assert only(refused(tmp_path)).where == "national.csv, row 11, column search_spend"


def test_negative_kpi_and_kpi_of_nothing(tmp_path):
    assert only(refused(tmp_path, put(table(), "revenue", 3, -1))).what == "the number is negative"
    assert only(refused(tmp_path, table(revenue=0.0))).what == "the KPI is zero in every week"


def test_a_missing_column_suggests_the_nearest_name_and_its_setting(tmp_path):
    problem = only(refused(tmp_path, table().rename(columns={"search_spend": "Search_Spent"})))
    assert problem.where == "national.csv, column search_spend"
    assert problem.cure == 'Did you mean "Search_Spent"? It is named by channels.search.spend.'
    problem = only(refused(tmp_path, table(), DATA.model_copy(update={"week": "zzz"})))
    assert problem.cure == "There are: date, revenue, search_spend, 抖音直播. It is named by data.week."
    channels = CHANNELS | {"search": ChannelSettings(spend="search_spend", exposure="views")}
    assert only(refused(tmp_path, table(), channels=channels)).where == "national.csv, column views"


def test_duplicated_week_names_both_rows(tmp_path):
    frame = pd.concat([table(), table().iloc[[3]]])
    problem = only(refused(tmp_path, frame))
    assert problem.what == "2 rows fall in the week of 2024-01-22"
    assert problem.where == "national.csv, rows 5, 62, column date"


def test_daily_data_are_told_briefly(tmp_path):
    days = [str(FIRST + timedelta(days=day)) for day in range(7 * 60)]
    frame = table(7 * 60).assign(date=days)
    problems = refused(tmp_path, frame)
    assert len(problems) == 6
    assert problems[0].what == "7 rows fall in the week of 2024-01-01"
    assert problems[-1].what == "55 more weeks hold several rows"
    assert "data.frequency: daily" in problems[-1].cure


def test_missing_weeks_are_named_per_unit(tmp_path):
    one = table().assign(geo="north")
    frame = pd.concat([one, one.drop(index=[10, 11, 30]).assign(geo="south")])
    problem = only(refused(tmp_path, frame, DATA.model_copy(update={"unit": "geo"})))
    assert problem.what == "3 weeks are missing"
    assert problem.where == "national.csv, column date, geo south"
    assert problem.value == "2024-03-11, 2024-03-18, 2024-07-29"


def test_a_mistyped_year_does_not_list_ten_thousand_weeks(tmp_path):
    problem = only(refused(tmp_path, put(table(), "date", 61, "2204-02-17")))
    assert len(str(problem)) < 300


def test_units_must_cover_the_same_weeks(tmp_path):
    one = table()
    frame = pd.concat([one.assign(geo="a"), one.assign(geo="b"), one.iloc[2:].assign(geo="c")])
    problem = only(refused(tmp_path, frame, DATA.model_copy(update={"unit": "geo"})))
    assert problem.where.endswith("geo c")
    assert problem.value == "2024-01-15 to 2025-02-17"


def test_a_row_without_a_unit(tmp_path):
    frame = put(table().assign(geo="a"), "geo", 8, " ")
    assert only(refused(tmp_path, frame, DATA.model_copy(update={"unit": "geo"}))).where.endswith("row 8, column geo")


@pytest.mark.parametrize(("level", "what"), [(0.0, "has no spend at all"), (70.0, "spends the same every week")])
def test_a_channel_that_never_moves_cannot_be_learnt_from(tmp_path, level, what):
    problem = only(refused(tmp_path, table(search_spend=level)))
    assert what in problem.what
    assert (problem.value, "channels.search.roi_prior" in problem.cure) == (f"{level:g}", True)


def test_spend_that_differs_between_units_only_is_constant(tmp_path):
    frame = pd.concat([table(search_spend=level).assign(geo=name) for name, level in (("a", 5.0), ("b", 9.0))])
    problem = only(refused(tmp_path, frame, DATA.model_copy(update={"unit": "geo"})))
    assert problem.value == "5, 9"


def test_too_few_weeks(tmp_path):
    problem = only(refused(tmp_path, table(51)))
    assert (problem.what, problem.value) == ("there are too few weeks", "51")
    assert len(read(tmp_path, table(52)).weeks) == 52


def test_one_column_cannot_pay_two_channels(tmp_path):
    channels = CHANNELS | {"brand": ChannelSettings(spend="search_spend")}
    assert only(refused(tmp_path, table(), channels=channels)).where == "channels.brand.spend"


def test_long_data_problems(tmp_path):
    data = DATA.model_copy(update={"channel": "channel", "spend": "cost"})
    rows = long_of(table())
    rows.loc[70, "revenue"] = 5.0
    problem = only(refused(tmp_path, rows, data))
    assert (problem.what, problem.where) == (
        "the value differs from the week's first row",
        "national.csv, row 72, column revenue",
    )
    problem = only(refused(tmp_path, long_of(table()).drop(index=[4]), data))
    assert (problem.what, problem.where) == (
        "1 week is without a row of spend",
        "national.csv, column date, channel search",
    )
    problem = only(refused(tmp_path, long_of(table()), data, CHANNELS | {"serch": ChannelSettings()}))
    assert problem.cure.startswith('Did you mean "search"?')
    problem = only(refused(tmp_path, pd.concat([long_of(table()), long_of(table()).iloc[[0]]]), data))
    assert problem.where == "national.csv, rows 2, 122, column date"


def test_split_files_must_cover_the_same_weeks(tmp_path):
    frame = table()
    frame[["date", "revenue"]].iloc[:-2].to_csv(tmp_path / "gmv.csv", index=False)
    frame.drop(columns="revenue").iloc[1:].to_csv(tmp_path / "spend.csv", index=False)
    data = DATA.model_copy(update={"file": SplitFiles(outcome="gmv.csv", spend="spend.csv")})
    problems = refused(tmp_path, data=data)
    assert [(problem.what, problem.value) for problem in problems] == [
        ("1 week is without a row of spend", "2024-01-01"),
        ("2 weeks are of spend without an outcome", "2025-02-10, 2025-02-17"),
    ]
    assert all(problem.where == "spend.csv, column date" for problem in problems)


def test_both_split_files_are_checked(tmp_path):
    data = DATA.model_copy(update={"file": SplitFiles(outcome="gmv.csv", spend="spend.txt")})
    (tmp_path / "spend.txt").write_text("x")
    assert [problem.where for problem in refused(tmp_path, data=data)] == ["gmv.csv", "spend.txt"]


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    (tmp_path / "national2.csv").touch()
    problem = only(refused(tmp_path))
    assert (problem.what, problem.where) == ("the file does not exist", "national.csv")
    assert "national2.csv" in problem.cure


@pytest.mark.parametrize("name", ["national.csv", "national.parquet", "national.xlsx"])
def test_files_that_are_not_what_they_are_called(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xff\xff\x00PK\x03\x04 not a table at all \xff")
    problem = only(refused(tmp_path, data=DATA.model_copy(update={"file": name})))
    text = "the file is neither UTF-8, UTF-16 nor GB18030 text"
    assert (problem.what, problem.where) == (text if name.endswith("csv") else "the file cannot be read", name)


@pytest.mark.parametrize("text", ["", "\n\n", "date,revenue,search_spend,抖音直播\n", "date,revenue\n,\n"])
def test_empty_files(tmp_path, text):
    (tmp_path / "national.csv").write_text(text, encoding="utf-8")
    assert only(refused(tmp_path)).what == "the file is empty"


def test_duplicate_columns(tmp_path):
    frame = table()
    frame.columns = ["date", "revenue", "revenue", "抖音直播"]
    problem = only(refused(tmp_path, frame))
    assert (problem.what, problem.where) == ("the column appears twice", "national.csv, row 1, column revenue")


def test_an_unquoted_thousands_comma_is_caught_before_it_shifts_the_columns(tmp_path):
    lines = table().to_csv(index=False).splitlines()
    lines[3] = lines[3].replace("1002.0", "1,002.0")
    (tmp_path / "national.csv").write_text("\n".join(lines), encoding="utf-8")
    assert only(refused(tmp_path)).where == "national.csv, row 4"


def test_a_file_over_50_mb_is_not_opened(tmp_path):
    with (tmp_path / "national.csv").open("wb") as file:
        file.truncate(50_000_001)
    assert only(refused(tmp_path)).what == "the file is larger than 50 MB"


@pytest.mark.parametrize("size", [5_000_000, 201_000_000])
def test_zip_bombs_are_not_opened(tmp_path, size):
    with zipfile.ZipFile(tmp_path / "national.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(size))
    problem = only(refused(tmp_path, data=DATA.model_copy(update={"file": "national.xlsx"})))
    assert "unpacks to far more" in problem.what


def test_a_missing_sheet_names_those_there_are(tmp_path):
    table().to_excel(tmp_path / "national.xlsx", sheet_name="周数据", index=False)
    problem = only(refused(tmp_path, data=DATA.model_copy(update={"file": "national.xlsx", "sheet": "week"})))
    assert (problem.where, problem.cure) == ("national.xlsx, sheet week", "There are: 周数据.")


def test_excel_problems_name_sheet_and_row(tmp_path):
    table().to_excel(tmp_path / "national.xlsx", sheet_name="周数据", index=False)
    book = openpyxl.load_workbook(tmp_path / "national.xlsx")
    book["周数据"]["C14"] = "约五百"
    book.save(tmp_path / "national.xlsx")
    problem = only(refused(tmp_path, data=DATA.model_copy(update={"file": "national.xlsx", "sheet": "周数据"})))
    assert (problem.where, problem.value) == ("national.xlsx, sheet 周数据, row 14, column search_spend", "约五百")


# Real data ------------------------------------------------------------------------------------------------------------


def columns(names, suffix="_spend"):
    return {name: ChannelSettings(spend=f"{name}{suffix}") for name in names.split()}


REAL = {
    "geo5_national/seed101.csv": (
        DataSettings(file="seed101.csv", week="date", kpi="revenue", controls=("competitor_index",)),
        columns("tv ooh social display search"),
        (1, 156, date(2023, 1, 2)),
    ),
    "geo5_national/seed101_geo.csv": (
        DataSettings(file="seed101_geo.csv", week="date", kpi="revenue", unit="geo"),
        columns("tv ooh social display search"),
        (8, 156, date(2023, 1, 2)),
    ),
    "meridian_geo_all_channels/data.csv": (
        DataSettings(
            file="data.csv",
            week="time",
            kpi="conversions",
            value_per_kpi="revenue_per_conversion",
            unit="geo",
            controls=("sentiment_score_control",),
        ),
        columns("Channel0 Channel1 Channel2 Channel3 Channel4"),
        (40, 156, date(2021, 1, 25)),
    ),
    "retail_13_channels/data.csv": (
        DataSettings(file="data.csv", week="wk_strt_dt", kpi="sales", controls=("me_gas_dpg",)),
        {
            name: ChannelSettings(spend=f"mdsp_{name}")
            for name in ["dm", "inst", "nsp", "auddig", "audtr", "vidtr", "viddig", "so", "on", "sem"]
        },
        (1, 209, date(2014, 7, 28)),
    ),
    "robyn_weekly/data.csv": (
        DataSettings(file="data.csv", week="DATE", kpi="revenue", controls=("competitor_sales_B",)),
        columns("tv ooh print facebook search", "_S"),
        (1, 208, date(2015, 11, 23)),
    ),
    "pymclabs_medium/data.csv": (
        DataSettings(file="data.csv", week="date", kpi="y", unit="geo", controls=("c1", "c2")),
        {"search": ChannelSettings(spend="x1_Search-Ads"), "video": ChannelSettings(spend="x3_Video")},
        (8, 156, date(2019, 12, 30)),
    ),
    "mmm_roas/data.csv": (
        DataSettings(file="data.csv", week="date", kpi="y"),
        columns("x1 x2", ""),
        (1, 131, date(2021, 9, 27)),
    ),
}


def dated(tmp_path, shift, **settings):
    frame = table().assign(date=[str(FIRST + timedelta(weeks=week, days=shift)) for week in range(60)])
    data = DataSettings(file="national.csv", week="date", kpi="revenue", **settings)
    panel = read(tmp_path, frame, data)
    return panel, dates_read(panel, data)


def test_weeks_that_begin_on_a_sunday_go_by_the_monday_after(tmp_path):
    panel, told = dated(tmp_path, -1, week_starts="sunday")
    assert (panel.weeks[0], panel.dated) == (FIRST, 6)
    assert told == (
        "Each row is dated on its week's first day, a Sunday: weeks run from Sunday to Saturday; that of 2024-01-01 is "
        "2023-12-31 to 2024-01-06"
    )


def test_a_project_that_does_not_say_how_its_dates_are_meant_is_asked(tmp_path):
    panel, told = dated(tmp_path, -1)
    assert panel.weeks[0] == FIRST - timedelta(weeks=1)
    assert told.startswith("Each row is dated on its week's last day, a Sunday: weeks run from Monday to Sunday")
    assert told.endswith("write data.week_starts: sunday; if not, write data.week_starts: monday")
    assert told.said("zh").startswith("每行的日期是该周的最后一天（周日）：一周从周一到周日")
    assert "write" not in dated(tmp_path, -1, week_starts="monday")[1]
    assert "inside its week" in dated(tmp_path, 2)[1]
    assert dated(tmp_path, 0)[1] is None


@published
@pytest.mark.parametrize("name", REAL)
def test_real_files_arrive_whole(name):
    data, channels, (units, weeks, first) = REAL[name]
    panel = read_panel(data, channels, (SHARED / name).parent)
    frame = pd.read_csv(SHARED / name)
    assert (len(panel.units), len(panel.weeks), panel.weeks[0]) == (units, weeks, first)
    assert all(week.weekday() == 0 for week in panel.weeks)
    assert panel.kpi.sum() == pytest.approx(frame[data.kpi].sum())
    for place, channel in enumerate(channels.values()):
        assert panel.spend[..., place].sum() == pytest.approx(frame[channel.spend].sum())
    if isinstance(data.value_per_kpi, str):
        value = (frame[data.kpi] * frame[data.value_per_kpi]).sum()
        assert (panel.kpi * panel.value_per_kpi).sum() == pytest.approx(value)


def test_the_panel_is_cheap_to_import():
    code = "import sys, mmm.panel; sys.exit(bool({'pandas', 'pyarrow', 'openpyxl', 'pydantic'} & set(sys.modules)))"
    assert Panel.__module__ == "mmm.panel"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
