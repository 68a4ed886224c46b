"""Trust gates: the limits of each, the sentence and advice it gives, and the verdict over all."""

import json
import re

import pytest

from mmm.health import (
    Check,
    convergence_checks,
    document,
    fit_checks,
    graded,
    holdout_checks,
    overall,
)
from mmm.sentences import HEALTH

GOOD_DRAWS = {
    "max_rhat": 1.002,
    "min_ess_bulk": 900.0,
    "min_ess_tail": 800.0,
    "divergences": 0,
    "draws": 500,
    "chains": 2,
}
GOOD_FIT = {"r2": 0.9, "mape": 0.05, "coverage90": 0.91, "durbin_watson": 1.95}


def one_check(checks, name):
    (found,) = [check for check in checks if check.name == name]
    return found


def converged(**changed):
    return convergence_checks(GOOD_DRAWS | changed)


def fitted(p_value=0.4, p_negative=0.0, **changed):
    return fit_checks(GOOD_FIT | changed, p_value, p_negative)


def held_out(**ours):
    scores = {"crps": 0.03, "mape": 0.05, "coverage90": 0.92}
    return holdout_checks({"model": scores | ours, "seasonal_naive": {"crps": 0.05}}, 13)


# ---- grades


@pytest.mark.parametrize(
    ("value", "review", "fail", "verdict"),
    [
        (1.0, 1.01, 1.05, "PASS"),
        (1.01, 1.01, 1.05, "PASS"),
        (1.0101, 1.01, 1.05, "REVIEW"),
        (1.05, 1.01, 1.05, "REVIEW"),
        (1.0501, 1.01, 1.05, "FAIL"),
        (401, 400, 100, "PASS"),
        (400, 400, 100, "PASS"),
        (399, 400, 100, "REVIEW"),
        (100, 400, 100, "REVIEW"),
        (99, 400, 100, "FAIL"),
        (0, 0, 0, "PASS"),
        (float("nan"), 1.01, 1.05, "FAIL"),
        (float("inf"), 400, 100, "FAIL"),
    ],
)
def test_grades_at_and_around_their_limits(value, review, fail, verdict):
    assert graded(value, review, fail) == verdict


def test_the_verdict_is_the_worst_of_all():
    def checks(*verdicts):
        return [Check("x", verdict, None, None, "") for verdict in verdicts]

    assert overall(checks("PASS", "PASS")) == "PASS"
    assert overall(checks("PASS", "REVIEW", "PASS")) == "REVIEW"
    assert overall(checks("REVIEW", "FAIL", "PASS")) == "FAIL"
    assert overall([]) == "PASS"


# ---- convergence


@pytest.mark.parametrize(
    ("name", "field", "review", "fail"),
    [
        ("R-hat", "max_rhat", 1.03, 1.2),
        ("ESS bulk", "min_ess_bulk", 250.0, 60.0),
        ("ESS tail", "min_ess_tail", 250.0, 60.0),
        ("divergences", "divergences", 10, 11),  # one per cent of 1,000 draws
    ],
)
def test_convergence_gates(name, field, review, fail):
    for value, verdict in [(GOOD_DRAWS[field], "PASS"), (review, "REVIEW"), (fail, "FAIL")]:
        checks = converged(**{field: value})
        found = one_check(checks, name)
        assert (found.verdict, found.value) == (verdict, value)
        assert overall(checks) == verdict


@pytest.mark.parametrize("field", ["max_rhat", "min_ess_bulk", "min_ess_tail"])
def test_a_diagnostic_that_is_not_a_number_fails(field):
    assert overall(converged(**{field: float("nan")})) == "FAIL"


def test_advice_is_given_only_where_a_gate_does_not_pass():
    good, poor = one_check(converged(), "R-hat"), one_check(converged(max_rhat=1.03), "R-hat")
    assert good.sentence == "The chains agree to R-hat 1.002."
    assert poor.sentence.startswith("The chains agree to R-hat 1.030.")
    assert "model.draws" in poor.sentence
    assert "target_accept" in one_check(converged(divergences=3), "divergences").sentence


# ---- fit


@pytest.mark.parametrize(
    ("name", "arguments", "verdict"),
    [
        ("posterior predictive p", {"p_value": 0.05}, "PASS"),
        ("posterior predictive p", {"p_value": 0.95}, "PASS"),
        ("posterior predictive p", {"p_value": 0.04}, "REVIEW"),
        ("posterior predictive p", {"p_value": 0.96}, "REVIEW"),
        ("coverage", {"coverage90": 0.8}, "PASS"),
        ("coverage", {"coverage90": 0.79}, "REVIEW"),
        ("residual autocorrelation", {"durbin_watson": 1.5}, "PASS"),
        ("residual autocorrelation", {"durbin_watson": 2.5}, "PASS"),
        ("residual autocorrelation", {"durbin_watson": 1.3}, "REVIEW"),
        ("residual autocorrelation", {"durbin_watson": 2.7}, "REVIEW"),
        ("residual autocorrelation", {"durbin_watson": 0.7}, "FAIL"),
        ("negative baseline", {"p_negative": 0.2}, "PASS"),
        ("negative baseline", {"p_negative": 0.5}, "REVIEW"),
        ("negative baseline", {"p_negative": 0.81}, "FAIL"),
    ],
)
def test_fit_gates(name, arguments, verdict):
    checks = fitted(**arguments)
    assert one_check(checks, name).verdict == verdict
    assert overall(checks) == verdict


# ---- hold-out


@pytest.mark.parametrize(
    ("name", "ours", "verdict"),
    [
        ("hold-out coverage", {"coverage90": 0.7}, "PASS"),
        ("hold-out coverage", {"coverage90": 0.6}, "REVIEW"),
        ("hold-out coverage", {"coverage90": 0.2}, "FAIL"),
        ("hold-out error", {"crps": 0.055}, "PASS"),
        ("hold-out error", {"crps": 0.057}, "REVIEW"),
    ],
)
def test_hold_out_gates(name, ours, verdict):
    checks = held_out(**ours)
    assert one_check(checks, name).verdict == verdict
    assert overall(checks) == verdict
    assert "last 13 weeks" in one_check(checks, name).sentence


# ---- the document


def every_check(*, good):
    if good:
        return [*converged(), *fitted(), *held_out()]
    return [
        *converged(max_rhat=2.0, min_ess_bulk=5.0, min_ess_tail=5.0, divergences=900),
        *fitted(p_value=0.0, p_negative=1.0, coverage90=0.1, durbin_watson=0.1),
        *held_out(crps=0.2, coverage90=0.1),
    ]


@pytest.mark.parametrize("good", [True, False])
def test_every_check_says_a_whole_sentence(good):
    checks = every_check(good=good)
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert check.sentence[0].isupper() or check.sentence[0].isdigit(), check
        assert check.sentence.endswith("."), check
        assert "nan" not in check.sentence
        assert (check.verdict == "PASS") is good, check


def test_the_document_is_plain_json_with_the_worst_verdict():
    found = document(every_check(good=False))
    assert found["verdict"] == "FAIL"
    assert json.loads(json.dumps(found)) == found
    assert set(found["checks"][0]) == {"name", "verdict", "value", "limit", "sentence", "message"}
    assert document(every_check(good=True))["verdict"] == "PASS"


def test_a_value_that_json_cannot_hold_is_left_out():
    found = document(converged(max_rhat=float("nan")))
    assert found["verdict"] == "FAIL"
    assert found["checks"][0]["value"] is None
    json.dumps(found, allow_nan=False)


def test_a_saved_document_is_said_in_chinese():
    found = json.loads(json.dumps(document(every_check(good=False))))
    for check in found["checks"]:
        message = HEALTH.read(check["message"])
        assert message == check["sentence"]
        told = message.said("zh")
        assert told.endswith("。")
        assert not re.search(r"[A-Za-z]+ [A-Za-z]+ [A-Za-z]+", told), told
