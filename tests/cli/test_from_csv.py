"""``budget init --from-csv``: a stranger's table becomes a project that checks, in both languages."""

from datetime import date, timedelta

import openpyxl
import pytest
from published import SHARED, published

from budget.project import demo_folder, load_project

DEMO = demo_folder() / "data.csv"
TABLES = sorted(path for path in SHARED.glob("*/*.csv") if "holidays" not in path.name and "seed10" not in path.name)
TABLES += [path for path in (SHARED / "geo5_national" / "seed101.csv", DEMO) if path.is_file()]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.parent.name)
def test_every_table_at_hand_becomes_a_project_that_checks(budget, tmp_path, path):
    made = budget("init", tmp_path / "new", "--from-csv", path)
    assert made.code == 0, made.out + made.err
    assert "The data pass their check." in made.out
    assert (tmp_path / "new" / "data.csv").exists() == (path.name == "data.csv")
    assert (tmp_path / "new" / path.name).read_bytes() == path.read_bytes()
    checked = budget("check", "--config", tmp_path / "new" / "budget.yaml", "--json")
    assert checked.code == 0, checked.err
    assert "the rules can hold" in checked.document["verdict"]


def chinese_book(folder):
    """Daily data as an office keeps them: a title, merged headers, 万, a week that is not whole at either end."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = "日报"
    page.append(["市场部日报（2025-2026）"])
    page.append(["日期", "销售额", "抖音直播", None, "小红书", None, "竞品指数"])
    page.append([None, None, "花费", "访客数", "花费", "访客数", None])
    for row in range(7 * 60 + 4):
        day = date(2025, 1, 3) + timedelta(days=row)
        page.append([day, f"{30 + row % 9}万", 5000 + row % 700, 800 + row % 50, f"￥{3000 + row % 410:,}", 400, 99])
    page["G9"] = 101
    for cells in ("A1:G1", "A2:A3", "B2:B3", "C2:D2", "E2:F2", "G2:G3"):
        page.merge_cells(cells)
    book.save(folder / "日报.xlsx")
    return folder / "日报.xlsx"


def test_an_office_workbook_in_chinese(budget, tmp_path):
    source = chinese_book(tmp_path)
    made = budget("init", tmp_path / "项目", "--from-csv", source, "--lang", "zh")
    assert made.code == 0, made.out + made.err
    for words in ("每天一行", "2 个渠道：抖音直播, 小红书", "币种 CNY", "数据检查通过。"):
        assert words in made.out
    loaded = load_project(tmp_path / "项目" / "budget.yaml")
    assert loaded.project.data.frequency == "daily"
    assert loaded.project.channels["抖音直播"].visits == "抖音直播 访客数"
    checked = budget("check", "--config", tmp_path / "项目" / "budget.yaml", "--json")
    assert checked.document["weeks"] == "2025-01-06 to 2026-02-23 (60)"
    assert checked.document["left_out"] == "2025-01-03 to 2025-01-05, 2026-03-02 to 2026-03-02"
    for lang, words in (("en", "Left out, since their weeks are not whole: 2025-01-03"), ("zh", "所在的周不完整")):
        assert words in budget("check", "--config", tmp_path / "项目" / "budget.yaml", "--lang", lang).err


@published
def test_weeks_dated_on_their_first_sunday(budget, tmp_path):
    source = SHARED / "retail_13_channels" / "data.csv"
    made = budget("init", tmp_path / "new", "--from-csv", source, "--lang", "zh")
    assert "日期：周日，是该周的第一天（列名如此说明）" in made.out
    config = tmp_path / "new" / "budget.yaml"
    checked = budget("check", "--config", config, "--json")
    assert checked.document["dates"].startswith("Each row is dated on its week's first day, a Sunday")
    assert "week_starts" not in checked.err
    config.write_text(config.read_text(encoding="utf-8").replace("  week_starts: sunday", "  #"), encoding="utf-8")
    asked = budget("check", "--config", config)
    assert "write data.week_starts: sunday" in asked.err


def test_the_written_file_is_the_same_project_in_both_languages(budget, tmp_path):
    for lang in ("en", "zh"):
        assert budget("init", tmp_path / lang, "--from-csv", demo_folder() / "data.csv", "--lang", lang).code == 0
    english, chinese = (load_project(tmp_path / lang / "budget.yaml").project for lang in ("en", "zh"))
    assert english.channels == chinese.channels
    assert english.data == chinese.data
    assert english.plan.total == chinese.plan.total


def test_json_says_what_was_guessed_and_doubted(budget, tmp_path):
    answer = budget("init", tmp_path / "new", "--from-csv", DEMO, "--json", "--currency", "USD")
    assert answer.document["folder"] == "new"
    assert answer.document["guess"]["currency"] == "USD"
    assert answer.document["problems"] == []
    assert "currency_unknown" not in {doubt["key"] for doubt in answer.document["guess"]["doubts"]}


def test_a_currency_is_a_code(budget, tmp_path):
    made = budget("init", tmp_path / "a b", "--from-csv", DEMO, "--currency", "usd")
    assert made.code == 0
    assert f"cd '{tmp_path / 'a b'}' && budget check" in made.out
    answer = budget("init", tmp_path / "other", "--from-csv", DEMO, "--currency", "dollars")
    assert answer.problems == ["--currency: this is no ISO code (found: dollars). Write three letters: CNY, USD."]
    assert not (tmp_path / "other").exists()


def test_data_that_need_mending_are_said_and_the_project_is_kept(budget, tmp_path):
    rows = [f"{date(2025, 1, 6) + timedelta(weeks=week)},{100 + week % 5},{7 + week % 3}" for week in range(60)]
    rows[4] = rows[4].rpartition(",")[0] + ",-3"
    (tmp_path / "own.csv").write_text("week,gmv,tv_spend\n" + "\n".join(rows), encoding="utf-8")
    answer = budget("init", tmp_path / "new", "--from-csv", tmp_path / "own.csv")
    assert answer.code == 1
    assert "own.csv, row 6, column tv_spend: the number is negative (found: -3)" in answer.out
    assert (tmp_path / "new" / "budget.yaml").is_file()


@pytest.mark.parametrize(
    ("text", "what"),
    [("a,b\n1,2\n", "no column reads as weeks"), ("week,gmv\n2025-01-06,5\n", "no column looks like spend")],
)
def test_what_cannot_be_guessed_writes_nothing(budget, tmp_path, text, what):
    (tmp_path / "own.csv").write_text(text, encoding="utf-8")
    answer = budget("init", tmp_path / "new", "--from-csv", tmp_path / "own.csv")
    assert answer.code == 1
    assert what in answer.err
    assert not (tmp_path / "new").exists()


def test_hostile_headers_stay_text(budget, tmp_path):
    header = 'week,gmv,"=cmd()|x spend","a: [b, {c}] # spend","new\nline spend"'
    rows = [
        f"{date(2025, 1, 6) + timedelta(weeks=week)},{100 + week % 5},{7 + week % 3},{week % 4},{week % 6}"
        for week in range(60)
    ]
    (tmp_path / "own.csv").write_text(header + "\n" + "\n".join(rows), encoding="utf-8")
    assert budget("init", tmp_path / "new", "--from-csv", tmp_path / "own.csv").code == 0
    spends = [channel.spend for channel in load_project(tmp_path / "new" / "budget.yaml").project.channels.values()]
    assert spends == ["=cmd()|x spend", "a: [b, {c}] # spend", "new line spend"]
