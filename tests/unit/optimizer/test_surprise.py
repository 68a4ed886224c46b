"""Scores of what came: calm where the model is right, loud where it is not, drift only over several weeks."""

import numpy as np
import pytest
import quarters

from optimizer.surprise import Outlook, Score, surprise_of


def outlook(made, level=1e6, sd=2e4):
    return Outlook(np.full((1, len(made.weeks)), level), lambda weeks: sd * np.sqrt(len(weeks)))


def as_expected(made, weeks=5):
    """Figures equal to what the model expects of the even plan."""
    plan = quarters.even_plan(made)
    spend = np.zeros((len(made.weeks), made.responding))
    spend[:weeks] = plan[: made.responding, :weeks].T / 100
    media = made.response.mean(spend)[:, :weeks]
    roi = {
        line.name: list(2.0 * media[i] / (plan[i, :weeks] / 100))
        for i, line in enumerate(made.lines[: made.responding])
    }
    return roi, media.sum(axis=0)


def test_what_was_expected_is_no_surprise():
    made = quarters.problem(rules=())
    roi, media = as_expected(made)
    found = surprise_of(made, quarters.figures(made, roi, gmv=1e6 + media), 4, outlook(made))
    assert found.total.z == pytest.approx(0.0, abs=1e-6)
    assert all(abs(score.z) < 1e-6 for score in found.lines.values())
    assert found.covered == (5, 5)
    assert found.drifted == ()


def test_one_odd_week_is_news_but_no_drift():
    made = quarters.problem(rules=())
    roi, media = as_expected(made)
    gmv = 1e6 + media
    gmv[4] += 1e5
    found = surprise_of(made, quarters.figures(made, roi, gmv=gmv), 4, outlook(made))
    assert found.total.z > 3
    assert not found.total.inside
    assert found.drifted == ()


def test_a_line_that_fell_for_good_drifts():
    made = quarters.problem(rules=())
    roi, media = as_expected(made)
    roi["search"] = [0.3 * value for value in roi["search"]]
    found = surprise_of(made, quarters.figures(made, roi, gmv=1e6 + media), 4, outlook(made))
    assert found.drifted == ("search",)
    assert found.recent_lines["search"].z < -3.5
    assert abs(found.recent_lines["kol"].z) < 1


def test_three_weeks_are_too_few_for_drift():
    made = quarters.problem(rules=())
    roi, _ = as_expected(made, 3)
    roi["search"] = [0.3 * value for value in roi["search"]]
    assert surprise_of(made, quarters.figures(made, roi), 2, None).drifted == ()


def test_a_total_that_moved_away_drifts():
    made = quarters.problem(rules=())
    roi, media = as_expected(made)
    found = surprise_of(made, quarters.figures(made, roi, gmv=1.06e6 + media), 4, outlook(made))
    assert set(found.drifted) == {"total", "coverage"}
    assert found.covered == (0, 5)


def test_without_figures_or_outlook_there_is_no_score():
    made = quarters.problem(rules=())
    roi, media = as_expected(made)
    assert surprise_of(made, quarters.figures(made, roi, gmv=1e6 + media), 4, None).total is None
    assert surprise_of(made, quarters.figures(made, roi), 4, outlook(made)).total is None
    missing = quarters.figures(made, roi, gmv=1e6 + media, known=[True] * 4 + [False])
    found = surprise_of(made, missing, 4, outlook(made))
    assert (found.total, found.lines, found.weeks) == (None, {}, 4)


def test_a_score_reads_as_it_should():
    score = Score(130.0, 100.0, 10.0)
    assert score.z == 3.0
    assert score.interval == pytest.approx((83.55, 116.45))
    assert not score.inside
    assert Score(1.0, 1.0, 0.0).z == 0.0
