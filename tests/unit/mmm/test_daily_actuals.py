"""A week's figures given as its days, where the main data are daily."""

from datetime import date

import pytest

from mmm.actuals import read_actuals
from mmm.problems import InputError
from mmm.settings import ChannelSettings, DataSettings


def daily(text, tmp_path):
    (tmp_path / "days.csv").write_text(text, encoding="utf-8")
    data = DataSettings(
        file="d.csv",
        week="day",
        kpi="orders",
        value_per_kpi="price",
        controls=("index",),
        frequency="daily",
    )
    channels = {"search": ChannelSettings(spend="cost", visits="clicks"), "kol": ChannelSettings(spend="kol_cost")}
    lines = {"search": (), "kol": (), "tools": ()}
    return read_actuals(tmp_path / "days.csv", date(2027, 10, 11), lines, ["tools"], channels, data)


WIDE = "day,orders,price,index,cost,clicks,kol_cost\n" + "".join(
    f"2027-10-{day:02},{10 + day},{2 + day % 2},{100 + day},{day}.01,{50},{3}\n" for day in range(9, 20)
)
LONG = "day,line,spend,visits,orders,price,index\n" + "".join(
    f"2027-10-{day:02},{line},{cost},50,{10 + day},{2 + day % 2},{100 + day}\n"
    for day in range(9, 20)
    for line, cost in (("search", f"{day}.01"), ("kol", 3))
)


@pytest.mark.parametrize("text", [WIDE, LONG])
def test_the_days_of_a_week_are_its_figures(tmp_path, text):
    found = daily(text, tmp_path)
    assert found.spend_fen == {"search": sum(range(11, 18)) * 100 + 7, "kol": 2100}
    assert found.visits["search"] == 350
    assert found.gmv == sum((10 + day) * (2 + day % 2) for day in range(11, 18))
    assert found.controls == {"index": 114.0}


@pytest.mark.parametrize("text", [WIDE, LONG])
def test_a_week_that_is_not_over_is_refused(tmp_path, text):
    short = "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(("2027-10-17", "2027-10-16"))
    )
    with pytest.raises(InputError, match="the week of 2027-10-11 holds 5 of its 7 days"):
        daily(short, tmp_path)


@pytest.mark.parametrize("text", [WIDE, LONG])
def test_a_day_that_stands_twice_is_refused(tmp_path, text):
    twice = text + next(line for line in text.splitlines(keepends=True) if line.startswith("2027-10-13"))
    with pytest.raises(InputError, match="in one day"):
        daily(twice, tmp_path)


def test_the_week_in_one_row_a_line_will_do(tmp_path):
    text = "day,line,spend,orders,price,index\n2027-10-11,search,700,100,2,104\n2027-10-11,kol,21,100,2,104\n"
    found = daily(text, tmp_path)
    assert (found.spend_fen, found.gmv) == ({"search": 70000, "kol": 2100}, 200)
