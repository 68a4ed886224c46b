"""plan.json and plan.csv: the contract's names, exact cents, no formula out of text."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from reports.documents import cents, guarded, plan_csv, plan_document, unguarded

CONTRACT = {
    "": "status quarter weeks currency total lines expected proof constraints rules versus health files fingerprint",
    "lines": "name label category groups spend weekly history_spend gmv roi mroi prob_weak near_optimal",
    "expected": "gmv profit roi cvar",
    "proof": "objective bound gap rounds draws solver seconds",
    "constraints": "name kind value limit binding price price_unit",
    "rules": "name fired lines effect",
}
INTERVAL = {"mean", "p05", "p50", "p95"}


@pytest.fixture
def document(plan, fit):
    return plan_document(plan, fit["health"], "abc123", ["plan.xlsx", "plan.csv"])


@pytest.mark.parametrize(("place", "names"), CONTRACT.items())
def test_names_are_the_contracts(document, place, names):
    part = document[place] if place else document
    part = part[0] if isinstance(part, list) else part
    assert set(names.split()) <= set(part)


def test_survives_json(document):
    assert json.loads(json.dumps(document, ensure_ascii=False, allow_nan=False)) == document


def test_spends_add_up_in_cents(document, plan):
    in_cents = [round(100 * line["spend"]) for line in document["lines"]]
    assert sum(in_cents) == round(100 * document["total"]) == plan.total_fen
    for line in document["lines"]:
        assert sum(Decimal(str(spend)) for spend in line["weekly"]) == Decimal(str(line["spend"]))


def test_intervals_are_whole_or_null(document):
    first, reserve = document["lines"][0], document["lines"][3]
    assert set(first["gmv"]) == set(first["roi"]) == set(document["expected"]["gmv"]) == INTERVAL
    assert reserve["name"] == "工具采购"
    assert [reserve[key] for key in ("gmv", "roi", "mroi", "prob_weak", "near_optimal")] == [None] * 5


def test_near_optimal_is_low_and_high(document):
    low, high = document["lines"][0]["near_optimal"]
    assert low < document["lines"][0]["spend"] < high


def test_versus_keeps_the_comparison_and_the_history(document):
    last = document["versus"]["last_quarter"]
    assert last["spend"] == 4_200_000.0
    assert last["prob_better"] == 0.93
    assert last["gmv_gain"]["p05"] == -200_000.0
    assert document["versus"]["pro_rata"]["prob_better"] == 0.99


def test_last_quarter_known_by_its_spend_alone(plan, fit):
    plan = replace(plan, last_quarter=None, pro_rata=None)
    versus = plan_document(plan, fit["health"], "abc123", [])["versus"]
    assert versus["last_quarter"] == {
        "spend": None,
        "gmv": None,
        "gmv_gain": None,
        "prob_better": None,
        "history_spend": 4_200_000.0,
    }
    assert versus["pro_rata"] is None


def test_infinite_bound_becomes_null(plan, fit):
    proof = replace(plan.proof, bound=float("inf"), gap=float("nan"))
    written = plan_document(replace(plan, proof=proof), fit["health"], "abc123", [])["proof"]
    assert written["bound"] is None
    assert written["gap"] is None


def test_infeasible_names_conflict_and_relaxation(infeasible, fit):
    document = plan_document(infeasible, fit["health"], "abc123", [])
    assert document["status"] == "infeasible"
    assert document["proof"] is None
    assert set(document["conflict"][0]) == {"name", "kind", "sentence", "message"}
    assert document["relaxation"][0]["from"] == 0.45
    assert document["relaxation"][0]["to"] == 0.51


def test_csv_has_a_row_per_line_and_week_and_adds_up(plan):
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan))))
    assert list(rows[0]) == ["week", "line", "spend"]
    assert len(rows) == len(plan.lines) * len(plan.weeks)
    assert sum(Decimal(row["spend"]) for row in rows) * 100 == plan.total_fen
    assert all(row["spend"][-3] == "." for row in rows)


def test_csv_text_cannot_start_a_formula(plan):
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan))))
    assert not [row["line"] for row in rows if row["line"][0] in "=+-@\t\r"]
    assert {unguarded(row["line"]) for row in rows} == {line.name for line in plan.lines}


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "＝1", "'=1", "''=1", "抖音", "'quoted'", ""])
def test_guard_is_undone(text):
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in tuple("=+-@\t\r＝")


@pytest.mark.parametrize(
    ("fen", "words"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456, "1234.56"), (10**17 + 1, "1000000000000000.01")],
)
def test_cents_are_exact(fen, words):
    assert cents(fen) == words
