"""The terminal shows every line within 100 columns and takes no name for markup."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from reports.terminal import (
    show_backtest,
    show_comparison,
    show_fit,
    show_infeasible,
    show_plan,
    show_versions,
    show_whatif,
)
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


def what_if(names):
    """whatif.json of scenarios that lose money, amounts as large as a retailer's."""
    line = {"name": "douyin", "label": {"zh": "抖音直播"}, "spend": 26_089_502.0}
    plan = {
        "status": "optimal",
        "expected": {"gmv": {"mean": 253_678_810.0}, "roi": 9.72},
        "constraints": [{"kind": "total", "name": "total", "price": 5.89}],
        "lines": [line],
    }
    lost = {"mean": -41_821_042.0, "p05": -89_099_161.0, "p95": -10_070_000.0}
    delta = {"gmv": lost, "prob_better": 0.008, "kept": lost, "by_line": [{"line": "douyin", "spend": -2_089_502.0}]}
    changes = [{"key": "plan.total", "value": 24_000_000}, {"key": "shock douyin", "value": -0.22}]
    scenarios = [{"name": name, "plan": plan, "delta": delta, "changes": changes, "note": ""} for name in names]
    plans = ["base", *names]
    rows = [
        {
            "plan": one,
            "largest": 18_183_113.0,
            "scenarios": [
                {"scenario": other, "regret": 13_252_300.0, "breaks": ["half of last year"]} for other in plans
            ],
        }
        for one in plans
    ]
    regret = {"least": "base", "plans": rows}
    return {"base": {"name": "base", "plan": plan}, "scenarios": scenarios, "regret": regret}


@pytest.mark.parametrize(
    "names", [["austerity"], ["plan.total=24000000, 抖音直播=-22%, drop on", "只保留抖音与小红书的方案"]]
)
@pytest.mark.parametrize(("lang", "gmv"), [("en", "253,678,810"), ("zh", "2.5368亿")])
@pytest.mark.parametrize("width", [80, 100])
def test_what_if_cuts_no_number(names, lang, gmv, width):
    words = printed(lambda console: show_whatif(what_if(names), lang, console), width)
    assert max(map(cell_len, words.splitlines())) <= width
    assert words.count(gmv) == 1 + len(names)
    assert "-22.0%" in words
    assert ("41,821,042" if lang == "en" else "4,182.10万") in words
    assert ("Base" if lang == "en" else "基准") in words
    assert lang == "en" or "base" not in words


@pytest.mark.parametrize(("change", "words"), [(5e5, "500,000 CNY more"), (-5e5, "500,000 CNY less")])
def test_a_comparison_says_which_plan_earns_more_and_shows_no_signed_zero(change, words):
    line = {"name": "kol", "label": {}, "first": 1e6, "second": 1e6, "change": 0.0, "gmv_change": None}
    document = {
        "first": {"name": "plans/a", "total": 1e6, "broken": []},
        "second": {"name": "plans/b", "total": 1e6, "broken": []},
        "gmv_gain": {"mean": change, "p05": change - 1e6, "p95": change + 1e6},
        "lines": [line],
        "currency": "CNY",
        "prob_better": 0.416,
    }
    told = printed(lambda console: show_comparison(document, "en", console))
    assert f"plans/b is expected to earn {words} than plans/a" in told
    assert "+0" not in told
    assert "plans/b 预计比 plans/a" in printed(lambda console: show_comparison(document, "zh", console))


def test_history_is_told_to_the_minute_and_leaves_out_what_nobody_filled_in():
    version = {"id": "613e89aca599", "parent": "", "created": "2026-11-25T03:05:23+00:00", "author": "", "note": ""}
    found = [version | {"quarter": "2018-07-30 + 13 weeks", "total": 26_089_502.0, "gmv": 253_678_810.0}]
    words = printed(lambda console: show_versions(found, "en", console), 100)
    assert "2026-11-25 03:05" in words
    assert "2018-07-30 + 13 weeks" in words
    assert "Author" not in words
    assert "王芳" in printed(lambda console: show_versions([found[0] | {"author": "王芳"}], "zh", console), 100)


def test_a_fit_says_of_which_channels_it_knows_little_more_than_before(fit):
    name = fit["channels"][0]["name"]
    check = {"name": "silent data", "verdict": "REVIEW", "value": 1.0, "limit": 0, "sentence": "-"}
    silent = check | {"message": {"key": "health.silent", "values": {"names": [name]}}}
    told = fit | {"health": fit["health"] | {"checks": [silent]}}
    assert printed(lambda console: show_fit(told, "en", console)).count("mostly") == 1
