"""A hand-made plan with Chinese names, a reserve line and hostile names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from optimizer.outlook import LineCurve, Outlook, PeakWeeks
from optimizer.plan import (
    Comparison,
    Conflict,
    ConstraintReport,
    Interval,
    LinePlan,
    Plan,
    PlanStatus,
    Proof,
    Relaxation,
    RuleReport,
    RuleValue,
)

WEEKS = tuple(date(2027, 10, 4) + timedelta(weeks=t) for t in range(13))
HOSTILE = ("=cmd|'/C calc'!A0", "<script>alert(1)</script>", "+1", "@x", "-2+3", "[red]社群", "http://bad.example/x")


def interval(mean):
    return Interval(mean=mean, p05=0.8 * mean, p50=0.98 * mean, p95=1.3 * mean)


def media(name, weekly_fen, roi, label=None):
    spend = sum(weekly_fen) / 100
    return LinePlan(
        name=name,
        category="渠道推广",
        groups=("social",),
        label=label or {},
        reserve=False,
        weekly_fen=tuple(weekly_fen),
        history_spend=spend * 0.84,
        gmv=interval(roi * spend),
        roi=interval(roi),
        mroi=0.6 * roi,
        prob_weak=0.125,
        near_optimal=(0.9 * spend, 1.1 * spend),
        prior_only=False,
        prob_cut=0.25,
        spend_after_cuts=0.94 * spend,
        test_value=0.05 * roi * spend,
    )


def lines():
    douyin = media(
        "douyin_live", [9_000_033 + 100_001 * t for t in range(13)], 3.456, {"zh": "抖音直播", "en": "Douyin"}
    )
    red = media("小红书", [5_000_010] * 13, 2.5)
    pilot = replace(media("bilibili", [0] * 13, 0.0), history_spend=None, roi=None, prior_only=True)
    tools = LinePlan(
        name="工具采购",
        category="tools",
        groups=(),
        label={},
        reserve=True,
        weekly_fen=(1_234_567,) * 13,
        history_spend=None,
        gmv=None,
        roi=None,
        mroi=None,
        prob_weak=None,
        near_optimal=None,
        prior_only=False,
    )
    return (douyin, red, pilot, tools, *(media(name, [100_001 + i] * 13, 1.5) for i, name in enumerate(HOSTILE)))


def limit(name, kind, value, most, price=None, **others):
    priced = {"price": price, "price_unit": None if price is None else "unit of limit", "binding": price is not None}
    return ConstraintReport(
        **{"name": name, "kind": kind, "line": None, "sense": "<=", "value": value, "limit": most, "unit": "CNY"}
        | priced
        | others
    )


def limits():
    return (
        limit("total", "total", 5e6, 5e6, price=3.1, sense="=="),
        limit("social cap", "group_share", 0.45, 0.45, price=41_234.0, unit="share"),
        limit("=floor()", "group_share", 0.08, 0.05, sense=">=", unit="share"),
        limit("half to double: douyin_live", "bounds", 9e5, 2e6, line="douyin_live"),
        *(
            limit(f"at most 30% a week: 小红书 {week}", "change", 50_000.1, 50_000.1, price=1.25, line="小红书")
            for week in WEEKS[:3]
        ),
    )


@pytest.fixture
def plan():
    division = lines()
    total = sum(line.spend_fen for line in division)
    gmv = interval(sum(line.gmv.mean for line in division if line.gmv))
    return Plan(
        status=PlanStatus.FEASIBLE,
        quarter="2027Q4",
        weeks=WEEKS,
        currency="CNY",
        total_fen=total,
        lines=division,
        gmv=gmv,
        roi=gmv.mean / (total / 100),
        profit=None,
        cvar=0.7 * gmv.mean,
        proof=Proof(gmv.mean, 1.003 * gmv.mean, 0.003, 5, 4000, "HiGHS 1.15.1", 0.31),
        constraints=limits(),
        rules=(RuleReport("weak ROI", "cut", fired=True, lines=("小红书",), effect="cut by 20% in 2027-10-04"),),
        last_quarter_spend=4_200_000.0,
        last_quarter=Comparison(4_200_000.0, interval(9e6), Interval(1e6, -2e5, 1e6, 2e6), 0.93),
        pro_rata=Comparison(total / 100, interval(1e7), Interval(5e5, 1e5, 5e5, 9e5), 0.99),
        notes=("This is simulated data.", "=1+1", "The gap is the honest one."),
        prob_target=0.618,
        rule_value=RuleValue(Interval(-6e5, -1.6e6, -5e5, -6e3), Interval(5e5, 1e4, 5e5, 1e6), 1.2, 2000),
    )


@pytest.fixture
def outlook(plan):
    def curve(line):
        most = max(line.spend_fen / 80, 1.0)
        spend = np.linspace(0.0, most, 9)
        mean = 2 * most * spend / (spend + most)
        return LineCurve(line.name, spend, mean, 0.7 * mean, 1.4 * mean)

    curves = tuple(curve(line) for line in plan.lines if line.gmv is not None)
    return Outlook(curves, (PeakWeeks("double11", 3, 5), PeakWeeks("<b>my own sale</b>", 12, 12)))


@pytest.fixture
def infeasible(plan):
    return replace(
        plan,
        status=PlanStatus.INFEASIBLE,
        lines=(),
        gmv=None,
        roi=None,
        cvar=None,
        proof=None,
        constraints=(),
        conflict=(Conflict("social cap", "group_share", "social at most 45% of spend"),),
        relaxation=(Relaxation("social cap", 0.45, 0.51, "raise social cap from 45% to 51%"),),
    )


@pytest.fixture
def fit():
    def quantiles(mean):
        return {"mean": mean, "p05": 0.7 * mean, "p50": mean, "p95": 1.4 * mean}

    return {
        "channels": [
            {
                "name": name,
                "roi": quantiles(roi),
                "roi_all": quantiles(roi),
                "mroi": quantiles(0.5 * roi),
                "contribution": quantiles(1e6 * roi),
                "half_life_weeks": quantiles(1.5),
                "prior_only": name == "bilibili",
            }
            for name, roi in (("douyin_live", 3.456), ("小红书", 2.5), ("bilibili", 1.0), ("[red]社群", 1.2))
        ],
        "units": ["national"],
        "diagnostics": {
            "max_rhat": 1.004,
            "min_ess_bulk": 1234.5,
            "min_ess_tail": 987.0,
            "divergences": 0,
            "draws": 1000,
            "chains": 4,
        },
        "health": {
            "verdict": "REVIEW",
            "checks": [
                {"name": "r_hat", "verdict": "PASS", "value": 1.004, "limit": 1.01, "sentence": "Chains agree."},
                {
                    "name": "prior_shift",
                    "verdict": "REVIEW",
                    "value": None,
                    "limit": None,
                    "sentence": "The data say nothing about bilibili; <b>plan it with care</b>.",
                },
            ],
        },
        "fit_quality": {"r2": 0.93, "mape": 0.061, "coverage90": 0.9, "durbin_watson": None},
        "seconds": {"total": 12.0},
        "fingerprint": "abc123",
    }


@pytest.fixture
def manifest():
    return {"run_id": "run-7", "fingerprint": "abc123", "argv": ["budget", "plan"], "versions": {"pymc": "=5.28"}}
