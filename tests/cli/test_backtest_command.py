"""``budget backtest`` on a small project; the model's own forecasts are made up, so that nothing is sampled."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fitted import NAMES, SMALL

import mmm.backtest
from mmm.simulate import random_market, simulate, write_market

METHODS = {"model", "seasonal_naive", "last_year", "ridge"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of 84 weeks whose model forecasts what came, with an error of five per cent."""

    def knows(split, *_):
        kpi = split.later.kpi
        draws = kpi * (1 + 0.05 * np.random.default_rng(1).standard_normal((200, *kpi.shape)))
        return draws, {"max_rhat": 1.001, "min_ess_bulk": 900.0, "divergences": 0}

    monkeypatch.setattr(mmm.backtest, "forecast_split", knows)
    market = random_market(5, weeks=84, channels=3)
    named = tuple(replace(channel, name=name) for channel, name in zip(market.channels, NAMES, strict=True))
    write_market(simulate(replace(market, channels=named)), tmp_path)
    (tmp_path / "budget.yaml").write_text(SMALL + "backtest: {origins: 2, horizon: 3}\n", encoding="utf-8")
    return tmp_path


def test_it_writes_the_document_and_shows_every_method(budget, project):
    answer = budget("backtest", "--config", project / "budget.yaml", "--out", project / "out")
    assert answer.code == 0, answer.err
    document = json.loads((project / "out" / "backtest.json").read_text(encoding="utf-8"))
    assert set(document["summary"]["scores"]) == METHODS
    assert (len(document["origins"]), document["horizon"]) == (2, 3)
    for words in ("Backtest: 2 times 3 weeks held out", "This model", "Ridge regression", "Trained to the week of"):
        assert words in answer.out
    assert "backtest.json" in answer.err


def test_options_come_before_the_project(budget, project):
    words = (
        "backtest",
        "--config",
        project / "budget.yaml",
        "--out",
        project / "out",
        "--origins",
        "1",
        "--horizon",
        2,
    )
    answer = budget(*words, "--json")
    assert answer.code == 0
    assert (len(answer.document["origins"]), answer.document["horizon"]) == (1, 2)
    assert len(answer.document["origins"][0]["forecast"]["model"]["p05"]) == 2


def test_it_speaks_chinese(budget, project):
    answer = budget("backtest", "--config", project / "budget.yaml", "--out", project / "out", "--lang", "zh")
    assert answer.code == 0
    assert "回测：2 次" in answer.out
    assert "岭回归" in answer.out


def test_too_many_origins_are_refused_with_a_cure(budget, project):
    answer = budget("backtest", "--config", project / "budget.yaml", "--out", project / "out", "--origins", "9")
    assert answer.code == 1
    assert "at most 2 origins" in answer.err
    assert not (project / "out").exists()


def test_origins_below_one_are_a_usage_error(budget, project):
    assert budget("backtest", "--config", project / "budget.yaml", "--origins", "0").code == 2
