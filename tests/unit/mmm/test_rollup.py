"""Daily rows become weeks: what flows is added up, what stands is averaged, incomplete ends are left out and named."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from mmm.panel import read_panel
from mmm.problems import InputError
from mmm.settings import ChannelSettings, DataSettings

MONDAY = date(2024, 1, 1)
CHANNELS = {"search": ChannelSettings(spend="cost", visits="clicks")}
DATA = DataSettings(
    file="daily.csv", week="day", kpi="orders", value_per_kpi="price", controls=("index",), frequency="daily"
)


def days(count=7 * 60, start=MONDAY):
    step = np.arange(count)
    return pd.DataFrame(
        {
            "day": [str(start + timedelta(days=int(day))) for day in step],
            "orders": 10 + step % 7,
            "price": 2.0 + step % 3,
            "index": 100.0 + step % 7,
            "cost": 5.0 + step % 11,
            "clicks": 50 + step % 4,
        }
    )


def read(folder, frame, data=DATA):
    frame.to_csv(folder / "daily.csv", index=False)
    return read_panel(data, CHANNELS, folder)


def refused(folder, frame, data=DATA):
    with pytest.raises(InputError) as caught:
        read(folder, frame, data)
    return caught.value.problems


def test_weeks_are_sums_and_means_of_their_days(tmp_path):
    frame = days()
    panel = read(tmp_path, frame)
    week = frame.iloc[7:14]
    assert panel.weeks[:2] == (MONDAY, MONDAY + timedelta(weeks=1))
    assert len(panel.weeks) == 60
    assert panel.left_out == ()
    assert panel.kpi[0, 1] == week["orders"].sum()
    assert panel.spend[0, 1, 0] == week["cost"].sum()
    assert panel.visits[0, 1, 0] == week["clicks"].sum()
    assert panel.control[0, 1, 0] == pytest.approx(week["index"].mean())
    # The week's money is the money of its days.
    assert panel.kpi[0, 1] * panel.value_per_kpi[0, 1] == pytest.approx((week["orders"] * week["price"]).sum())


def test_a_column_may_be_rolled_up_in_its_own_way(tmp_path):
    panel = read(tmp_path, days(), DATA.model_copy(update={"rollup": {"index": "sum", "clicks": "mean"}}))
    assert panel.control[0, 0, 0] == 7 * 103
    assert panel.visits[0, 0, 0] == pytest.approx(days().iloc[:7]["clicks"].mean())
    (problem,) = refused(tmp_path, days(), DATA.model_copy(update={"rollup": {"indx": "sum"}}))
    assert problem.where == "daily.csv, column indx"


def test_incomplete_weeks_at_the_ends_are_left_out_and_named(tmp_path):
    panel = read(tmp_path, days(7 * 60 + 5, MONDAY - timedelta(days=3)))
    assert panel.weeks[0] == MONDAY
    assert len(panel.weeks) == 60
    last = MONDAY + timedelta(weeks=60)
    assert panel.left_out == (
        (MONDAY - timedelta(days=3), MONDAY - timedelta(days=1)),
        (last, last + timedelta(days=1)),
    )


def test_weeks_may_begin_on_another_day(tmp_path):
    sundays = DATA.model_copy(update={"week_starts": "sunday"})
    panel = read(tmp_path, days(7 * 60, MONDAY - timedelta(days=1)), sundays)
    assert (panel.weeks[0], len(panel.weeks), panel.left_out, panel.dated) == (MONDAY, 60, (), None)
    (problem,) = refused(tmp_path, days(7 * 60, MONDAY - timedelta(days=1)).drop(index=[7]), sundays)
    assert (problem.what, problem.value) == ("1 day is missing", str(MONDAY + timedelta(days=6)))


def test_missing_and_repeated_days_are_refused(tmp_path):
    (problem,) = refused(tmp_path, days().drop(index=[30, 31]))
    assert (problem.what, problem.value) == ("2 days are missing", "2024-01-31, 2024-02-01")
    (problem,) = refused(tmp_path, pd.concat([days(), days().iloc[[9]]]))
    assert problem.what == "2 rows hold the day 2024-01-10"
    assert problem.where == "daily.csv, rows 11, 422, column day"


def test_long_daily_data_equal_wide_daily_data(tmp_path):
    wide = read(tmp_path, days())
    long = days().rename(columns={"cost": "spend"}).assign(channel="search")
    panel = read(tmp_path, long, DATA.model_copy(update={"channel": "channel"}))
    np.testing.assert_array_equal(panel.spend, wide.spend)
    np.testing.assert_array_equal(panel.kpi, wide.kpi)
