"""One week's figures: both forms, every fault in the main data's words, refunds allowed."""

from datetime import date

import numpy as np
import pytest

from mmm.actuals import from_document, read_actuals
from mmm.problems import InputError
from mmm.settings import ChannelSettings, DataSettings

WEEK = date(2027, 10, 11)
DATA = DataSettings(file="data.csv", kpi="gmv", controls=("rival",))
CHANNELS = {
    "抖音直播": ChannelSettings(spend="dy_spend", visits="dy_visits", attributed="dy_attributed"),
    "search": ChannelSettings(spend="search_spend"),
}
LINES = {"抖音直播": ("Douyin live", "抖音直播间"), "search": (), "tools": ("工具采购",)}

LONG = """\
week,line,spend,visits,attributed,gmv,rival
2027-10-11,抖音直播,"12,000.50",3000,60000,500000,98.5
2027-10-13,search,8000,,,500000,98.5
2027-10-11,tools,1000,,,,
2027-10-04,search,1,,,1,1
"""


def read(tmp_path, text, **others):
    path = tmp_path / "week.csv"
    path.write_text(text, encoding="utf-8")
    facts = {"week": WEEK, "lines": LINES, "reserves": ["tools"], "channels": CHANNELS, "data": DATA}
    return read_actuals(path, **facts | others)


def problems(tmp_path, text):
    with pytest.raises(InputError) as found:
        read(tmp_path, text)
    return [str(problem) for problem in found.value.problems]


def test_a_row_per_line(tmp_path):
    found = read(tmp_path, LONG)
    assert found.spend_fen == {"抖音直播": 1_200_050, "search": 800_000, "tools": 100_000}
    assert found.attributed["抖音直播"] == 60_000
    assert np.isnan(found.attributed["search"])
    assert (found.gmv, found.controls) == (500_000, {"rival": 98.5})


def test_the_row_of_the_main_data(tmp_path):
    text = (
        "week,gmv,rival,dy_spend,dy_visits,dy_attributed,search_spend\n2027-10-12,5e5,98.5,12000.50,3000,60000,8000\n"
    )
    found = read(tmp_path, text)
    assert found.spend_fen == {"抖音直播": 1_200_050, "search": 800_000}
    assert found.attributed["抖音直播"] == 60_000
    assert found.gmv == 500_000


def test_weeks_that_begin_on_a_sunday(tmp_path):
    sundays = DATA.model_copy(update={"week_starts": "sunday"})
    dated = LONG.replace("2027-10-11", "2027-10-10").replace("2027-10-13", "2027-10-10")
    assert read(tmp_path, dated, data=sundays).spend_fen == read(tmp_path, LONG).spend_fen


def test_other_titles_and_labels(tmp_path):
    text = "渠道,花费,归因GMV,总GMV\nDouyin Live,100,-20,-5\nsearch,8000,,\n工具采购,3,,\n"
    found = read(tmp_path, text)
    assert found.spend_fen == {"抖音直播": 10_000, "search": 800_000, "tools": 300}
    assert (found.attributed["抖音直播"], found.gmv) == (-20, -5)  # refunds outweigh sales


def test_a_reserve_line_may_be_left_out(tmp_path):
    found = read(tmp_path, "line,spend\n抖音直播,1\nsearch,2\n")
    assert "tools" not in found.spend_fen
    assert np.isnan(found.gmv)


def test_a_kpi_that_is_counted(tmp_path):
    data = DataSettings(file="data.csv", kpi="orders", value_per_kpi=12.5)
    text = "line,spend,orders\n抖音直播,1,40\nsearch,2,40\n"
    assert read(tmp_path, text, data=data).gmv == 500


def test_the_figures_have_one_fingerprint_whatever_their_form(tmp_path):
    text = "week,gmv,rival,dy_spend,dy_visits,dy_attributed,search_spend,tools\n"
    wide = read(tmp_path, text + "2027-10-11,500000,98.5,12000.50,3000,60000,8000,1000\n")
    long = read(tmp_path, LONG)
    assert {**wide.document(), "visits": None, "attributed": None} == {
        **long.document(),
        "visits": None,
        "attributed": None,
    }
    assert read(tmp_path, LONG).fingerprint == long.fingerprint
    assert read(tmp_path, LONG.replace("8000", "8001")).fingerprint != long.fingerprint


def test_figures_come_back_from_their_document(tmp_path):
    found = read(tmp_path, LONG)
    again = from_document(found.document())
    assert again.document() == found.document()
    assert again.fingerprint == found.fingerprint


WRONG = {
    "line,spend\n抖音直播,-1\nsearch,2\n": "week.csv, row 2, column spend: the number is negative (found: -1).",
    "line,spend\n抖音直播,many\nsearch,2\n": "week.csv, row 2, column spend: this is not a number (found: many).",
    "line,spend\n抖音直播,\nsearch,2\n": "week.csv, row 2, column spend: the cell is empty.",
    "line,spend\n抖音直播,1\n": "week.csv, column line: there is no row for search in the week of 2027-10-11.",
    "line,spend\n抖音直播,1\nsearch,2\nserch,3\n": "week.csv, row 4, column line: the line is not in the project",
    "line,spend\n抖音直播,1\nsearch,2\nsearch,3\n": "week.csv, rows 3, 4, column line: 2 rows hold search",
    "line,money\n抖音直播,1\nsearch,2\n": "week.csv, column spend: the column is missing.",
    "a,b\n1,2\n": "week.csv, column line: the column is missing.",
    "week,line,spend\n2027-10-04,search,2\n": "week.csv, column week: no row holds the week of 2027-10-11",
    "week,line,spend\nsoon,search,2\n": "week.csv, row 2, column week: the date cannot be read (found: soon).",
    "line,spend,gmv\n抖音直播,1,5\nsearch,2,6\n": "column gmv: the value differs between the rows of a week",
    "week,dy_spend,search_spend\n2027-10-11,1,2\n2027-10-12,1,2\n": "rows 2, 3, column week: 2 rows fall in the week",
}


@pytest.mark.parametrize("text", WRONG)
def test_faults_are_said_in_the_words_of_the_main_data(tmp_path, text):
    assert any(WRONG[text] in problem for problem in problems(tmp_path, text)), problems(tmp_path, text)


def test_every_fault_comes_at_once(tmp_path):
    assert len(problems(tmp_path, "line,spend,gmv\n抖音直播,x,5\nsearch,-2,6\nserch,3,5\n")) == 4


def test_a_missing_file_is_named(tmp_path):
    (tmp_path / "week1.csv").write_text("line,spend\n", encoding="utf-8")
    with pytest.raises(InputError, match="the file does not exist"):
        read_actuals(tmp_path / "week.csv", WEEK, LINES, ["tools"], CHANNELS, DATA)
