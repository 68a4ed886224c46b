"""The review in every form: facts and sentences, hostile names, both languages, sparklines, one A4 page's worth."""

import io
import json
import re

import numpy as np
import pytest
import quarters
from openpyxl import load_workbook
from quarters import CUT, TOP_UP
from rich.console import Console

from optimizer.planner import SolveOptions
from optimizer.replan import Request
from optimizer.review import review
from optimizer.surprise import Outlook
from reports.review_book import review_workbook
from reports.review_documents import Circumstances, review_document, said
from reports.review_page import render_review, spark
from reports.review_sections import board, changes, weekly
from reports.review_terminal import show_ledger, show_review

HOSTILE = {"search": "=cmd|'/C calc'!A0", "kol": "<script>alert(1)</script>", "小红书": "[red]小红书"}
FACTS = {name: {"label": {"en": label, "zh": label}} for name, label in HOSTILE.items()}


@pytest.fixture(scope="module")
def document():
    made = quarters.problem(rules=[CUT, TOP_UP], windows={"double12": (1, 2)}, facts=FACTS)
    roi = {"search": [5.0, 6.0], "kol": [3.0, 3.0], "抖音直播": [5.0, None]}
    seen = quarters.figures(made, roi, gmv=[1.2e6, 1.3e6])
    outlook = Outlook(np.full((1, 6), 1.1e6), lambda weeks: 1e5 * np.sqrt(len(weeks)))
    found = review(made, seen, Request(1, options=SolveOptions(gap=1e-3, seconds=20)), outlook)
    notes = (
        ("missing", {"weeks": "2027-10-04"}),
        ("overspent", {"over": 12.5}),
        ("waived", {"line": "kol", "week": "2027-10-04"}),
        ("reserve_as_planned", {"lines": ["tools 0"]}),
    )
    about = Circumstances("plan-7", "review", None, notes, "林", "")
    return review_document(found, made, about) | {"ledger": None}


def test_the_document_is_json_and_has_the_contract_s_names(document):
    again = json.loads(json.dumps(document, allow_nan=False))
    assert {"week", "board", "fired", "surprise", "verdict", "plan"} <= again.keys()
    assert [one["kind"] for one in again["fired"]] == ["cut", "top_up"]
    missing = next(row for row in again["board"] if row["line"] == "抖音直播")
    assert missing["roi_attributed"] is None
    assert again["plan"]["spent"] + again["plan"]["remaining"] == pytest.approx(again["plan"]["total"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_happening_has_its_sentence(document, lang):
    told = said(document, lang)
    sentences = [one["sentence"] for key in ("reasons", "fired", "notes", "gave_way") for one in told[key]]
    assert all(sentences)
    assert not any(re.search(r"\{\w*\}", words) for words in sentences)
    cut = told["fired"][0]["sentence"]
    assert "1:3.00" in cut
    assert "1:4.00" in cut
    assert "20.0%" in cut


def test_sentences_are_chinese_where_asked(document):
    told = said(document, "zh")
    assert "连续 2 周低于 1:4.00" in told["fired"][0]["sentence"]
    assert "由tools 0" in told["fired"][1]["sentence"]
    assert "偏离" in told["surprise"]["sentence"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hostile_names_stay_text(document, lang):
    told = said(document, lang)
    page = render_review(told, lang)
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    book = load_workbook(io.BytesIO(review_workbook(told, lang)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    named = [cell for cell in cells if cell.value == HOSTILE["search"]]
    assert named
    assert all(cell.data_type == "s" for cell in named)
    formulas = {str(cell.value)[:5] for cell in cells if cell.data_type == "f"}
    assert formulas == {"=SUM("}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_terminal_shows_it_within_its_width(document, lang):
    out = io.StringIO()
    console = Console(file=out, width=100)
    show_review(said(document, lang), lang, console, ["review.json"])
    text = out.getvalue()
    assert "[red]小红书" in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_sums_of_the_tables(document):
    told = said(document, "en")
    table = weekly(told, "en")
    assert table.total[-1] == pytest.approx(told["plan"]["total"], abs=0.005)
    moved = changes(told, "en")
    assert moved.total[4] == pytest.approx(0.0, abs=0.02)
    line = next(row for row in moved.rows if row[0] == "kol")
    assert line[4] < 0  # what the cut takes is seen
    spend = board(told, "en").total[3]
    assert spend == pytest.approx(sum(row["spend"] for row in told["board"]), abs=0.005)


def line_of(roi, threshold=4.0):
    return (
        {
            "line": "a",
            "label": {},
            "threshold": threshold,
            "history": [{"week": "2027-10-04", "spend": 1.0, "roi": value} for value in roi],
        }
        | dict.fromkeys(
            ("roi_model", "spend", "plan_spend", "roi_attributed", "distance", "weeks_weak", "spend_to_date"), 0.0
        )
        | {"status": "ok", "sentence": "", "roi_model": None}
    )


def test_a_sparkline_leaves_gaps_and_shows_the_floor():
    found = spark(line_of([4.0, 5.0, None, 3.0, 2.0]), "en")
    assert len(found.points) == 2
    heights = [float(point.split(",")[1]) for run in found.points for point in run.split()]
    assert heights[1] < heights[0] < heights[2] < heights[3]  # the drawing counts from the top
    assert found.floor == heights[0]
    assert found.last == (82.0, heights[3])


@pytest.mark.parametrize("roi", [[None, None], []])
def test_no_roi_no_sparkline(roi):
    assert spark(line_of(roi), "en").last is None


def test_a_line_at_zero_throughout_is_drawn():
    assert spark(line_of([0.0, 0.0], threshold=None), "en").points


@pytest.mark.parametrize("intact", [True, False])
def test_the_ledger_on_a_terminal(intact):
    out = io.StringIO()
    entry = {
        "number": 1,
        "week": "2027-10-04",
        "kind": "override",
        "verdict": "replan",
        "fired": [["weak ROI", "cut", "kol"]],
        "who": "林",
        "why": "[bold]tests",
        "time": "2027-10-12T08:00:00+00:00",
    }
    faults = [] if intact else [{"what": "changed", "where": "line 1", "value": "", "cure": "Put it back."}]
    show_ledger(
        {"quarter": "2027Q4", "entries": [entry], "intact": intact, "problems": faults},
        "zh",
        Console(file=out, width=100),
    )
    assert "人工决定" in out.getvalue()
    assert "[bold]tests" in out.getvalue()
    assert ("链条完整" in out.getvalue()) == intact
