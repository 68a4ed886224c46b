"""Every wrong input ends with one list of problems, each with its place and cure, and nothing written."""

import csv
import re

import fitted
import pytest

from budget import runs

SPEND = 3  # position of the first spend column of data.csv: week, gmv, control, then per channel


def edit_data(folder, change):
    """Change the data as somebody would in a spreadsheet; rows[0] is the header."""
    path = folder / "data.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def edit_project(folder, *swaps):
    path = folder / "budget.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in swaps:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def column(rows, name):
    return rows[0].index(name)


def fill(name, value):
    def change(rows):
        place = column(rows, name)
        for row in rows[1:]:
            row[place] = value

    return change


def put(row, name, value):
    """Change one cell; ``row`` is the spreadsheet's, the header being row 1."""

    def change(rows):
        rows[row - 1][column(rows, name)] = value

    return change


def rename(name, new):
    def change(rows):
        rows[0][column(rows, name)] = new

    return change


def copy_week(rows):
    rows[10][0] = rows[9][0]


def drop(start, stop):
    def change(rows):
        del rows[start:stop]

    return change


DATA = {
    "missing column": (
        rename("search_spend", "serch_spend"),
        'data.csv, column search_spend: the column is missing. Did you mean "serch_spend"?',
    ),
    "negative spend": (
        put(14, "抖音直播_spend", "-5"),
        "data.csv, row 14, column 抖音直播_spend: the number is negative (found: -5). Write 0 or more",
    ),
    "text in a number column": (
        put(7, "search_spend", "n.v."),
        "data.csv, row 7, column search_spend: this is not a number (found: n.v.). Write a plain number",
    ),
    "duplicated week": (
        copy_week,
        (
            "data.csv, rows 10, 11, column week: 2 rows fall in the week of 2024-12-02 (found: 2024-12-02, "
            "2024-12-02). Keep one row per week"
        ),
        "data.csv, column week: 1 week is missing (found: 2024-12-09). Add a row for each",
    ),
    "missing week": (
        drop(20, 21),
        "data.csv, column week: 1 week is missing (found: 2025-02-17). Add a row for each",
    ),
    "constant channel": (
        fill("search_spend", "1000.00"),
        (
            'data.csv, column search_spend: channel "search" spends the same every week (found: 1000). '
            "It cannot be learnt from: give channels.search.roi_prior"
        ),
    ),
    "all-zero channel": (
        fill("kol_spend", "0"),
        'data.csv, column kol_spend: channel "kol" has no spend at all (found: 0). It cannot be learnt from',
    ),
    "fewer than 52 weeks": (
        drop(52, 61),
        "data.csv, column week: there are too few weeks (found: 51). Give at least 52, better 104",
    ),
}


def refused(budget, folder, snapshot, *words):
    """Problems of a refused run; both forms of the answer must agree and nothing may be written."""
    before = snapshot(folder)
    answer = budget("plan", "--quiet", "--json", *words)
    assert snapshot(folder) == before
    assert answer.code == 1
    assert "Traceback" not in answer.err
    told = [
        f"{p['where']}: {p['what']}" + (f" (found: {p['value']})" if p["value"] else "") + f". {p['cure']}".rstrip()
        for p in answer.document["problems"]
    ]
    assert told == answer.problems
    return answer.problems


def assert_told(problems, expected):
    assert len(problems) == len(expected), problems
    for problem, beginning in zip(problems, expected, strict=True):
        assert problem.startswith(beginning)


@pytest.mark.parametrize("fault", DATA)
def test_data_that_cannot_be_planned_on(budget, small, snapshot, fault):
    change, *expected = DATA[fault]
    edit_data(small, change)
    assert_told(refused(budget, small, snapshot), expected)


def test_a_missing_data_file(budget, small, snapshot):
    (small / "data.csv").rename(small / "dta.csv")
    (problem,) = refused(budget, small, snapshot)
    assert problem == (
        'data.csv: the file does not exist. Did you mean "dta.csv"? Paths are relative to the project file.'
    )


def test_several_problems_of_the_data_come_in_one_list(budget, small, snapshot):
    faults = ("missing column", "negative spend", "missing week", "all-zero channel")
    for fault in faults:
        edit_data(small, DATA[fault][0])
    problems = refused(budget, small, snapshot)
    assert len(problems) == len(faults)
    for fault in faults:
        assert any(problem.startswith(DATA[fault][1]) for problem in problems)


def at(words):
    """Place of a line of the small project."""
    (number,) = (number for number, line in enumerate(fitted.SMALL.splitlines(), 1) if words in line)
    return f"budget.yaml, line {number}"


PROJECT = {
    "unknown key": (
        [("currency: CNY", "curency: CNY")],
        f"{at('currency')}, curency: unknown key. Did you mean currency?",
    ),
    "unknown key of a rule": (
        [("group: social, max: 0.45", "group: social, max: 0.45, mx: 1")],
        f'{at("social cap")}, plan.constraints."social cap".mx: unknown key. Did you mean max?',
    ),
    "unknown kind of rule": (
        [("kind: group_share", "kind: group_shares")],
        (
            f'{at("social cap")}, plan.constraints."social cap".kind: no such kind of rule (found: group_shares). '
            "Did you mean group_share?"
        ),
    ),
    "share above 1": (
        [("max: 0.45", "max: 45")],
        f'{at("social cap")}, plan.constraints."social cap".max: must be at most 1 (found: 45).',
    ),
    "shares sum over 1": (
        [
            (
                "  constraints:",
                "  constraints:\n    - {kind: category_share, name: promotion 95%, category: promotion, share: 0.95}",
            )
        ],
        (
            f"{at('  constraints')}, plan.constraints: the category shares sum to more than 1 (found: 1.05). "
            "Change the shares so that they make 1: promotion 0.95, tools 0.1."
        ),
    ),
    "bounds over the total": (
        [("relative_to: history, min: 0.5, max: 2.0", "min: 700000")],
        (
            f'{at("half to double")}, plan.constraints."half to double of last year".min: bounds over the total: the '
            "least spends sum to 2,100,000.00, the total is 1,400,000.00. Lower a min, or raise plan.total."
        ),
    ),
    "no total": (
        [("  total: 1400000\n", "")],
        "budget.yaml, plan.total: nothing says how much money to divide. Give --total or plan.total.",
    ),
    "garbage total": (
        [("total: 1400000", "total: plenty")],
        f"{at('  total')}, plan.total: the amount cannot be read as money (found: 'plenty'). Write an amount",
    ),
    "unknown quarter": (
        [("start: 2025-12-01\n  weeks: 4", "quarter: 2027Q5")],
        f"{at('  start')}, plan.quarter: must be ",
    ),
    "unknown line": (
        [("relative_to: history,", "lines: [serch], relative_to: history,")],
        (
            f'{at("half to double")}, plan.constraints."half to double of last year".lines: there is no such line '
            "(found: serch). Did you mean search?"
        ),
    ),
    "unknown group": (
        [("group: social,", "group: 社交,")],
        (
            f'{at("social cap")}, plan.constraints."social cap".group: there is no such group (found: 社交). '
            "Known here: social."
        ),
    ),
    "not YAML": (
        [("currency: CNY", "currency: [CNY")],
        f"{at('currency:')}, column 11: a bracket or a brace is not closed, or a comma is missing",
    ),
    "a plan before the data": (
        [("start: 2025-12-01", "start: 2020-01-06")],
        (
            "budget.yaml, plan: the plan begins before the data (found: 2020-01-06). "
            "The data begin with the week of 2024-10-07; plan a later time."
        ),
    ),
}


@pytest.mark.parametrize("fault", PROJECT)
def test_a_project_that_cannot_be_planned(budget, small, snapshot, fault):
    swaps, *expected = PROJECT[fault]
    edit_project(small, *swaps)
    assert_told(refused(budget, small, snapshot), expected)


def test_several_problems_of_the_shape_come_in_one_list(budget, small, snapshot):
    names = ("unknown key", "share above 1", "unknown quarter")
    edit_project(small, *(swap for name in names for swap in PROJECT[name][0]))
    problems = refused(budget, small, snapshot)
    assert len(problems) == len(names)
    for words in ("curency: unknown key", "max: must be at most 1", "plan.quarter: must be"):
        assert any(words in problem for problem in problems)


def test_several_problems_of_the_sense_come_in_one_list(budget, small, snapshot):
    names = ("garbage total", "unknown group", "shares sum over 1")
    edit_project(small, *(swap for name in names for swap in PROJECT[name][0]))
    problems = refused(budget, small, snapshot)
    assert len(problems) == len(names)
    for words in ("cannot be read as money", "there is no such group", "sum to more than 1"):
        assert any(words in problem for problem in problems)


@pytest.mark.parametrize(
    ("total", "fault"),
    [
        ("lots", "the amount cannot be read as money (found: 'lots')"),
        ("0", "the amount is zero"),
        ("-5", "the amount is negative"),
        ("nan", "the amount cannot be read as money"),
        ("1400000.001", "the amount has more than two decimals"),
    ],
)
def test_a_total_that_is_no_money(budget, small, snapshot, total, fault):
    (problem,) = refused(budget, small, snapshot, "--total", total)
    assert problem.startswith(f"--total: {fault}")
    assert "Write an amount such as 5000000" in problem


def test_the_total_of_the_command_line_comes_before_a_wrong_one_in_the_file(budget, small):
    edit_project(small, *PROJECT["garbage total"][0])
    answer = budget("check", "--total", "140万")
    assert answer.code == 0
    assert "1,400,000.00 CNY" in answer.out


def test_check_tells_the_same_problems_as_plan(budget, small, snapshot):
    edit_data(small, DATA["negative spend"][0])
    assert budget("check", "--quiet", "--json").problems == refused(budget, small, snapshot)


def test_a_project_file_that_is_not_there(budget, small):
    answer = budget("check", "--config", small / "budgte.yaml")
    assert answer.code == 1
    assert answer.problems == ["budgte.yaml: there is no such file. Check the name and the folder."]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("plna",),
        ("plan", "--totl", "5"),
        ("plan", "surplus"),
        ("plan", "--lang", "fr"),
        ("plan", "--gap", "-1"),
        ("plan", "--gap", "nan"),
        ("plan", "--time-limit", "soon"),
        ("evaluate",),
        ("simulate", "market", "--weeks", "12"),
    ],
)
def test_wrong_usage(budget, small, snapshot, words):
    before = snapshot(small)
    answer = budget(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert re.match(r"Usage: budget", answer.err)
    assert snapshot(small) == before


@pytest.mark.usefixtures("small")
def test_what_nobody_foresaw_is_told_without_a_traceback(unguarded, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a fault of the program")

    monkeypatch.setattr(runs, "solve", broken)
    answer = unguarded("plan", "--json")
    assert answer.code == 1
    assert "Something went wrong: ZeroDivisionError: a fault of the program. Run again with --debug" in answer.err
    assert "Traceback" not in answer.err
    assert answer.document["problems"] == []
    assert "Traceback" in unguarded("plan", "--debug").err


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--from", "paln.xlsx"),
        ("evaluate", "paln.csv"),
        ("review", "--actuals", "weak.csv", "--week", "2025-12-01"),
    ],
)
def test_a_file_that_is_not_there_is_told_before_a_fit(budget, small, monkeypatch, words):
    monkeypatch.chdir(small)
    monkeypatch.setattr("budget.runs.stored_fit", lambda _: pytest.fail("a fit was looked for"))
    told = budget(*words)
    assert told.code == 1
    assert "the file does not exist" in told.err
    folder = budget(*[".budget" if "." in word and not word.startswith("--") else word for word in words])
    assert folder.code == 1
    assert "this is a folder, not a file" in folder.err


@pytest.mark.parametrize("out", ["data.csv"])
def test_a_file_where_a_folder_should_be(budget, small, out):
    told = budget("plan", "--config", small / "budget.yaml", "--out", small / out)
    assert told.code == 1
    assert f"{out}: this is a file, not a folder. Choose a folder with --out." in told.err
