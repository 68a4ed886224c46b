"""Why a line wins or loses money: what decides is named, with numbers, in both languages."""

import numpy as np
import pytest
from markets import curves, problem

from optimizer.assemble import make_plan
from optimizer.planner import SolveOptions
from reports.documents import plan_document
from reports.reasons import reason_sentence, reason_sentences

CURVES = curves(draws=10)


def planned(**wanted):
    return make_plan(problem(CURVES, 4, **wanted), SolveOptions(gap=1e-4, seconds=20))


def of(plan, name):
    return next(line for line in plan.lines if line.name == name)


def test_without_rules_money_goes_where_the_next_unit_earns_more():
    for line in planned().lines:
        why = line.reason
        if why.verdict == "keeps":
            continue
        assert why.cause == ("earns_more" if why.verdict == "wins" else "earns_less")
        assert (why.next_before > why.others_before) == (why.verdict == "wins")
        assert (why.after > why.before) == (why.verdict == "wins")
        assert why.rules == ()


def test_a_cap_that_holds_a_good_line_down_is_named():
    best = max(planned().lines, key=lambda line: line.spend_fen).name
    cap = {"kind": "bounds", "name": "cap", "lines": best, "relative_to": "history", "max": 0.6}
    why = of(planned(constraints=[cap]), best).reason
    assert (why.verdict, why.cause, why.rules) == ("loses", "held_down", ("cap",))
    assert why.next_after > why.others_after


def test_a_floor_that_holds_a_poor_line_up_is_named():
    poor = min(planned().lines, key=lambda line: line.spend_fen / line.history_spend).name
    floor = {"kind": "bounds", "name": "floor", "lines": poor, "relative_to": "history", "min": 1.3}
    why = of(planned(constraints=[floor]), poor).reason
    assert (why.verdict, why.cause, why.rules) == ("wins", "held_up", ("floor",))
    assert why.next_after < why.others_after


def test_a_group_s_cap_holds_its_lines():
    group = {name: {"groups": ("g",)} for name in ("抖音直播", "小红书")}
    cap = {"kind": "group_share", "name": "group cap", "group": "g", "max": 0.2}
    found = planned(facts=group, constraints=[cap])
    assert "group cap" in of(found, "抖音直播").reason.rules
    assert "group cap" not in of(found, "search").reason.rules


def test_a_cut_is_the_reason():
    cut = {"kind": "cut", "name": "weak ROI", "roi_below": 0.01, "roi": "model"}
    back = {"kind": "recovery", "name": "back", "after": "weak ROI", "weeks": 4}
    found = planned(facts={"抖音直播": {"weak_weeks": 2}}, rules=[cut, back])
    assert (of(found, "抖音直播").reason.cause, of(found, "抖音直播").reason.rules) == ("cut", ("weak ROI", "back"))


def test_a_plan_that_replaces_one_is_held_against_it():
    before = np.full((4, 4), 9_000.0)
    for line in planned(previous=before, total=144_000.0).lines:
        assert (line.reason.basis, line.reason.before) == ("previous", 36_000.0)


def test_reserved_money_is_not_compared():
    held = {"kind": "bounds", "name": "held", "lines": "tools 0", "min": 4_000}
    why = of(planned(reserves=1, constraints=[held]), "tools 0").reason
    assert (why.cause, why.verdict, why.next_after) == ("reserved", "keeps", None)


@pytest.mark.parametrize(("lang", "words"), [("en", "next unit of money"), ("zh", "再投 1 元")])
def test_sentences_hold_the_numbers(lang, words):
    found = planned()
    for line in found.lines:
        sentence = reason_sentence(line, lang)
        assert line.name in sentence
        assert words in sentence
        assert f"1:{line.reason.next_before:.2f}" in sentence or f"1:{line.reason.next_after:.2f}" in sentence
    told = reason_sentences(found, lang)
    assert len(told) == len(found.lines)
    largest = max(found.lines, key=lambda line: abs(line.reason.after - line.reason.before))
    assert told[0] == reason_sentence(largest, lang)


def test_plan_json_tells_the_reason_in_both_languages():
    document = plan_document(planned(), {}, "", ())
    for line in document["lines"]:
        assert line["reason"]["sentence"].keys() == {"en", "zh"}
        assert line["reason"]["after"] == pytest.approx(line["spend"])
