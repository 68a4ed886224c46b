"""What columns are taken for, on other people's data and on the shapes that offices keep."""

from datetime import date, timedelta

import numpy as np
import pytest
from published import SHARED, published

from budget.guess import guess
from mmm.files import read_table
from mmm.problems import InputError
from mmm.tables import Table

MONDAY = date(2025, 1, 6)


def table(count=70, step=7, **columns):
    """Rows of a week each (a day with step 1); a column is values or a function of the row number."""
    rows = list(range(count))
    days = [str(MONDAY + timedelta(days=step * row)) for row in rows]
    made = {name: [value(row) for row in rows] if callable(value) else value for name, value in columns.items()}
    return Table("data.csv", [row + 2 for row in rows], {"date": days} | made)


def keys(remarks):
    return {(remark.key, remark.fields.get("column")) for remark in remarks}


def doubts(found):
    return {remark.key for remark in found.doubts}


def gmv(row):
    return 1000 + row % 9


def paid(row):
    return 50 + row % 7


REAL = {
    "robyn_weekly": ("DATE", "revenue", None, {"tv_S", "ooh_S", "print_S", "facebook_S", "search_S"}),
    "retail_13_channels": (
        "wk_strt_dt",
        "sales",
        None,
        {f"mdsp_{name}" for name in ("dm", "inst", "nsp", "auddig", "audtr", "vidtr", "viddig", "so", "on", "sem")},
    ),
    "meridian_geo_media": ("time", "conversions", "geo", {f"Channel{number}_spend" for number in range(4)}),
    "pymc_mmm_example": ("date_week", "y", None, {"x1", "x2"}),
    "mmm_roas": ("date", "y", None, {"x1", "x2"}),
    "pymclabs_small": ("date", "y", None, {"x1_Search-Ads", "x2_Social-Media", "x3_Local-Ads", "x4_Email"}),
}


@published
@pytest.mark.parametrize("name", REAL)
def test_published_data_are_understood(name):
    found = guess(read_table("data.csv", None, SHARED / name))
    week, kpi, unit, spends = REAL[name]
    assert (found.week, found.kpi, found.unit) == (week, kpi, unit)
    assert {channel.spend for channel in found.channels} == spends
    assert "currency_unknown" in doubts(found)


@published
def test_what_only_counts_time_never_moves_or_is_unpaid_is_left_out():
    found = guess(read_table("data.csv", None, SHARED / "retail_13_channels"))
    left = keys(found.left_out)
    assert {("left_counter", name) for name in ("yr_nbr", "qtr_nbr", "prd", "wk_nbr", "wk_in_yr_nbr")} <= left
    assert ("left_unpaid", "mdip_em") in left
    assert {"seas_week_40", "hldy_Black Friday", "st_ct"} <= set(found.controls)
    found = guess(read_table("data.csv", None, SHARED / "meridian_geo_media"))
    assert found.value_per_kpi == "revenue_per_conversion"
    assert ("left_constant", "population") in keys(found.left_out)
    assert found.channels[0].exposure == "Channel0_impression"


@published
def test_words_of_weeks_become_events():
    found = guess(read_table("data.csv", None, SHARED / "robyn_weekly"))
    assert [(event.name, event.start, event.end) for event in found.events] == [
        ("event1", date(2018, 5, 21), date(2018, 5, 27)),
        ("event2", date(2019, 4, 22), date(2019, 4, 28)),
    ]
    assert found.channels[-1].exposure == "facebook_I"
    assert next(each for each in found.channels if each.key == "search").visits == "search_clicks_P"


def test_chinese_headers():
    found = guess(
        table(
            **{
                "销售额(元)": gmv,
                "抖音直播花费": paid,
                "抖音直播访客数": lambda row: 100 + row % 5,
                "抖音直播成交额": lambda row: 90 + row % 5,
                "小红书花费": lambda row: 40 + row % 11,
                "直通车花费": lambda row: 30 + row % 6,
                "总花费": lambda row: paid(row) + 40 + row % 11 + 30 + row % 6,
                "竞品指数": lambda row: 100 + row % 4,
            }
        )
    )
    assert (found.kpi, found.currency, found.calendar) == ("销售额(元)", "CNY", "china-ecommerce")
    live, red, search = found.channels
    assert (live.key, live.visits, live.attributed, live.zh) == (
        "抖音直播",
        "抖音直播访客数",
        "抖音直播成交额",
        "抖音直播",
    )
    assert (red.key, search.key) == ("小红书", "直通车")
    assert found.controls == ("竞品指数",)
    assert ("left_sum", "总花费") in keys(found.left_out)


def test_long_data_with_categories():
    names = ["抖音", "小红书", "搜索"]
    rows = [(MONDAY + timedelta(weeks=week), name) for week in range(60) for name in names]
    long = Table(
        "data.csv",
        list(range(2, 182)),
        {
            "周": [str(day) for day, _ in rows],
            "渠道": [name for _, name in rows],
            "类别": ["内容" if name == "小红书" else "推广" for _, name in rows],
            "花费": [f"￥{10 + at % 7}" for at in range(180)],
            "点击": [100 + at % 5 for at in range(180)],
            "GMV": [1000 + at // 3 for at in range(180)],
        },
    )
    found = guess(long)
    assert (found.channel, found.spend, found.kpi, found.unit) == ("渠道", "花费", "GMV", None)
    assert (found.currency, doubts(found)) == ("CNY", set())
    assert [(each.spend, each.category, each.visits) for each in found.channels] == [
        ("抖音", "推广", "点击"),
        ("小红书", "内容", "点击"),
        ("搜索", "推广", "点击"),
    ]


def test_an_outcome_that_differs_between_the_channels_of_a_week_is_no_outcome():
    rows = [(MONDAY + timedelta(weeks=week), name) for week in range(60) for name in "ab"]
    columns = {
        "week": [str(day) for day, _ in rows],
        "channel": [name for _, name in rows],
        "spend": [10 + at % 7 for at in range(120)],
        "revenue": [1000 + at for at in range(120)],
    }
    with pytest.raises(InputError, match="in long data it repeats"):
        guess(Table("data.csv", list(range(2, 122)), columns))


def test_days_are_noticed_and_only_whole_weeks_counted():
    found = guess(table(7 * 60 + 3, 1, gmv=gmv, tv_spend=paid))
    assert found.daily
    assert (len(found.weeks), found.weeks[0]) == (60, MONDAY)


def test_months_are_refused():
    months = [f"{2020 + month // 12}-{1 + month % 12:02}-01" for month in range(60)]
    with pytest.raises(InputError, match="the rows are months"):
        guess(table(60, gmv=gmv, tv_spend=paid, date=months))


def test_the_plan_is_the_quarter_that_follows_or_thirteen_weeks():
    found = guess(table(64, gmv=gmv, tv_spend=paid))  # ends 2026-03-23
    assert (found.quarter, found.plan_weeks[0], len(found.plan_weeks)) == ("2026Q2", date(2026, 3, 30), 13)
    assert found.total == sum(paid(row) for row in range(12, 25))
    found = guess(table(66, gmv=gmv, tv_spend=paid))
    assert (found.quarter, found.plan_weeks[0], len(found.plan_weeks)) == (None, date(2026, 4, 13), 13)
    found = guess(table(53, gmv=gmv, tv_spend=paid))
    assert "total" not in doubts(found)
    found = guess(table(40, gmv=gmv, tv_spend=paid))
    assert "total" in doubts(found)
    assert found.total == sum(paid(row) for row in range(27, 40))


def test_spend_that_never_moves_is_planned_from_a_prior_and_none_at_all_is_left_out():
    found = guess(table(gmv=gmv, tv_spend=paid, radio_spend=lambda _: 5, print_spend=lambda _: 0))
    assert [(each.key, each.from_prior) for each in found.channels] == [("tv", False), ("radio", True)]
    assert ("left_unspent", "print_spend") in keys(found.left_out)


def test_currency_is_read_off_signs_unless_it_is_said():
    signed = table(revenue=lambda row: f"${1000 + row % 9}", tv_spend=paid)
    assert (guess(signed).currency, guess(signed).calendar) == ("USD", "none")
    assert guess(signed, "EUR").currency == "EUR"
    assert "currency_unknown" not in doubts(guess(signed))


def test_money_comes_before_counts_and_the_whole_before_a_part():
    found = guess(table(online_sales=gmv, total_sales=lambda row: 2 * gmv(row), orders=paid, tv_spend=paid))
    assert found.kpi == "total_sales"
    found = guess(table(orders=gmv, tv_spend=paid))
    assert "count" in doubts(found)


def test_groups_are_only_those_that_several_share():
    found = guess(table(gmv=gmv, facebook_spend=paid, tiktok_spend=lambda row: row % 5, tv_spend=lambda row: row % 3))
    assert [each.group for each in found.channels] == ["social", "social", None]


@pytest.mark.parametrize("header", ["all", "花费", "tv spend (元)", "x@y spend", "a.b_spend"])
def test_any_header_becomes_a_usable_key(header):
    spend = header if "spend" in header or "花费" in header else f"{header}_spend"
    found = guess(table(gmv=gmv, **{spend: paid}))
    (channel,) = found.channels
    assert channel.key not in {"", "all"}
    assert "@" not in channel.key


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"gmv": gmv}, "no column looks like spend"),
        ({"tv_spend": paid}, "no column looks like the outcome"),
    ],
)
def test_what_cannot_be_guessed_is_asked_for(columns, what):
    with pytest.raises(InputError, match=what):
        guess(table(**columns))
    with pytest.raises(InputError, match="no column reads as weeks"):
        guess(Table("data.csv", [2, 3], {"gmv": [1, 2], "tv_spend": [3, 4]}))


def test_a_column_with_gaps_is_no_control():
    found = guess(table(gmv=gmv, tv_spend=paid, price=lambda row: None if row == 5 else 10 + row % 3))
    assert found.controls == ()
    assert ("left_gaps", "price") in keys(found.left_out)


def test_two_markets():
    rows = [(MONDAY + timedelta(weeks=week), geo) for geo in ("north", "south") for week in range(60)]
    columns = {
        "date": [str(day) for day, _ in rows],
        "somewhere": [geo for _, geo in rows],
        "revenue": list(1000.0 + np.arange(120) % 9),
        "tv_spend": [5 + at % 7 for at in range(120)],
    }
    found = guess(Table("data.csv", list(range(2, 122)), columns))
    assert (found.unit, found.units) == ("somewhere", 2)
    assert "unit" in doubts(found)


def test_infinity_in_a_cell_is_left_to_the_check_of_the_data():
    spend = [paid(row) for row in range(69)] + ["inf"]
    found = guess(table(gmv=gmv, tv_spend=spend, search_spend=paid, kol_spend=lambda row: row % 5))
    assert {channel.spend for channel in found.channels} == {"tv_spend", "search_spend", "kol_spend"}
    assert np.isfinite(found.total)
