"""The terminal shows every line within 100 columns and takes no name for markup."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from reports.terminal import show_backtest, show_fit, show_infeasible, show_plan
from reports.words import LANGUAGES


def printed(show, width=160):
    console = Console(file=io.StringIO(), width=width)
    show(console)
    return console.file.getvalue()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [80, 100, 200])
def test_nothing_is_wider_than_100_columns(lang, width, plan, fit, infeasible):
    for show in (
        lambda console: show_plan(plan, fit, lang, console, ["plans/2027Q4/plan.xlsx"]),
        lambda console: show_fit(fit, lang, console),
        lambda console: show_infeasible(infeasible, lang, console),
    ):
        words = printed(show, width)
        assert max(cell_len(line) for line in words.splitlines()) <= min(width, 100)


def test_plan_shows_the_numbers_the_findings_and_the_files(plan, fit):
    words = printed(lambda console: show_plan(plan, fit, "en", console, ["plan.xlsx"]))
    douyin = next(line for line in words.splitlines() if line.strip().startswith("Douyin "))
    assert douyin.split() == ["Douyin", "1,248,005", "58.1%", "4,313,106", "1:3.46", "1:2.07"]
    total = next(line for line in words.splitlines() if line.strip().startswith("Total "))
    assert total.split() == ["Total", "2,149,504", "100.0%", "6,074,614", "1:2.83"]
    for said in (
        "This is simulated data.",
        "The data say nothing about bilibili",
        "- plan.xlsx",
        "Gap to the bound 0.3%",
    ):
        assert said in words


def test_names_are_not_markup_and_steer_nothing(plan, fit):
    line = replace(plan.lines[0], label={"en": "[bold]\x1b[2Jx"})
    words = printed(lambda console: show_plan(replace(plan, lines=(line, *plan.lines[1:])), fit, "en", console))
    assert "[bold] [2Jx" in words
    assert "[red]社群" in words
    assert "\x1b" not in words


def test_chinese_output_speaks_chinese(plan, fit):
    words = printed(lambda console: show_plan(plan, fit, "zh", console))
    assert "抖音直播" in words
    assert "Expected GMV" not in words


def test_infeasible_names_the_rules_and_the_way_out(infeasible):
    words = printed(lambda console: show_infeasible(infeasible, "en", console))
    assert "social at most 45% of spend" in words
    assert "raise social cap from 45% to 51%" in words
    assert "Relax one of the rules listed, as proposed." in words


def test_fit_shows_roi_with_its_interval_and_the_verdict(fit):
    words = printed(lambda console: show_fit(fit, "en", console))
    douyin = next(line for line in words.splitlines() if "douyin_live" in line)
    assert "1:3.46" in douyin
    assert "1:2.42–1:4.84" in douyin
    assert "Verdict: REVIEW" in words
    assert "prior_shift" in words


def backtested(model, ridge):
    def scores(value):
        return {"crps": value, "mape": 1.3 * value, "coverage90": 0.9}

    methods = {
        "model": scores(model),
        "seasonal_naive": scores(0.09),
        "last_year": scores(0.08),
        "ridge": scores(ridge),
    }
    origin = {"trained_to": "2027-06-28", "scores": methods}
    summary = {"scores": methods, "best_rival": "ridge", "skill": 1 - model / ridge}
    return {"horizon": 13, "origins": [origin, origin], "summary": summary}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [80, 200])
def test_a_backtest_fits_and_says_who_is_better(lang, width):
    words = printed(lambda console: show_backtest(backtested(0.03, 0.04), lang, console), width)
    assert max(cell_len(line) for line in words.splitlines()) <= min(width, 100)
    assert "25.0%" in words
    assert words.index("3.0%") < words.index("8.0%")


def test_a_model_that_forecasts_worse_is_told():
    words = printed(lambda console: show_backtest(backtested(0.05, 0.04), "en", console))
    assert "Ridge regression forecasts better than the model, by 25.0% of CRPS" in words
    words = printed(lambda console: show_backtest(backtested(0.05, 0.04), "zh", console))
    assert "“岭回归”的预测好于本模型" in words
