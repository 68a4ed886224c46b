"""Projects with a fitted model that nobody sampled: draws scattered around a market's true curves."""

import json
import shutil
from dataclasses import replace

import h5netcdf
import numpy as np

from budget.project import demo_folder, load_project
from budget.runs import fingerprint
from budget.store import FitStore
from mmm.messages import message_document
from mmm.sentences import tell
from mmm.simulate import MAX_LAG, demo_market, random_market, simulate, true_curves, write_market
from mmm.transforms import geometric_weights, half_life_weeks

NAMES = ("抖音直播", "search", "kol")

SMALL = """\
note: A small market, simulated.
currency: CNY
data: {file: data.csv, week: week, kpi: gmv, controls: [control]}
channels:
  抖音直播:
    spend: 抖音直播_spend
    groups: [social]
    category: promotion
    label: {en: Douyin live, zh: 抖音直播间}
  search: {spend: search_spend, category: promotion}
  kol: {spend: kol_spend, groups: [social], category: content}
lines:
  tools: {category: tools, label: {zh: 工具采购}}
plan:
  total: 1400000
  start: 2025-12-01
  weeks: 4
  constraints:
    - {kind: category_share, name: tools 10%, category: tools, share: 0.10}
    - {kind: group_share, name: social cap, group: social, max: 0.45}
    - {kind: bounds, name: half to double of last year, relative_to: history, min: 0.5, max: 2.0}
"""


def small_market():
    """Three channels over 60 weeks, one with a Chinese name."""
    market = random_market(5, weeks=60, channels=3)
    renamed = tuple(replace(channel, name=name) for channel, name in zip(market.channels, NAMES, strict=True))
    return replace(market, channels=renamed)


def write_small(folder, verdict="PASS"):
    """Write the small project, its fitted model included."""
    market = small_market()
    write_market(simulate(market), folder)
    (folder / "budget.yaml").write_text(SMALL, encoding="utf-8")
    publish(folder, market, draws=40, verdict=verdict)


def write_demo(folder):
    """Copy the demo project that ships with the package and give it a fitted model."""
    shutil.copytree(demo_folder(), folder, dirs_exist_ok=True)
    publish(folder, demo_market(), draws=200)


def publish(folder, market, *, draws, verdict="PASS"):
    """Keep a model for the project in the folder, as ``budget fit`` would."""
    identity = fingerprint(load_project(folder / "budget.yaml"))
    truth = true_curves(market)
    curves = scattered(truth, market.column("retention"), draws, identity)

    def fill(home):
        (home / "curves.npz").write_bytes(curves.to_bytes())
        (home / "fit.json").write_text(json.dumps(fit_document(truth, curves, verdict), ensure_ascii=False), "utf-8")
        with h5netcdf.File(home / "fit.nc", "w") as file:
            file.dimensions = {"draw": draws, "channel": len(curves.names)}
            file.create_variable("posterior/roi", ("draw", "channel"), data=roi(truth, curves))

    FitStore(folder).publish(identity, fill)


def scattered(truth, retention, draws, identity, seed=1):
    """Draws around the true curves: 20% on the ceiling and half-saturation, less on the rest."""
    rng = np.random.default_rng(seed)
    shape = (draws, len(truth.names))

    def around(values, sd):
        return values * np.exp(sd * rng.standard_normal(shape))

    return replace(
        truth,
        weights=geometric_weights(np.clip(retention + 0.04 * rng.standard_normal(shape), 0.02, 0.9), MAX_LAG),
        half_saturation=around(truth.half_saturation, 0.2),
        slope=np.clip(around(truth.slope, 0.05), 0.5, 3.0),
        ceiling=around(truth.ceiling, 0.2),
        kappa=around(truth.kappa, 0.1),
        tail=np.ones(shape),
        long_term=np.ones(shape),
        fingerprint=identity,
    )


def roi(truth, curves):
    """ROI of the last year by draw, array (draw, channel); only the ceiling's spread is counted."""
    earned = truth.modelled[-52:].sum(axis=0) / truth.spend[-52:].sum(axis=0)
    return earned * curves.ceiling / truth.ceiling


def fit_document(truth, curves, verdict):
    """What fit.json says of made-up curves."""
    returns, half_lives = roi(truth, curves), half_life_weeks(curves.weights)
    spent = truth.spend[-52:].sum(axis=0)
    sentence = {
        "PASS": "The chains agree to R-hat 1.002.",
        "REVIEW": "Residuals of neighbouring weeks are alike.",
        "FAIL": "The chains disagree: R-hat 1.310.",
    }
    channels = [
        {
            "name": name,
            "roi": quantiles(returns[:, c]),
            "roi_all": quantiles(returns[:, c]),
            "mroi": quantiles(0.6 * returns[:, c]),
            "contribution": quantiles(spent[c] * returns[:, c]),
            "half_life_weeks": quantiles(half_lives[:, c]),
            "prior_only": False,
            "roi_long_term": float(returns[:, c].mean()),
            "spend_last_year": float(spent[c]),
        }
        for c, name in enumerate(curves.names)
    ]
    message = message_document(tell("health.rhat", rhat=1.002)) if verdict == "PASS" else None
    check = {"name": "R-hat", "verdict": verdict, "value": 1.002, "limit": 1.01, "sentence": sentence[verdict]}
    check["message"] = message
    return {
        "channels": channels,
        "units": ["national"],
        "weeks": [curves.weeks[0].isoformat(), curves.weeks[-1].isoformat()],
        "currency": curves.currency,
        "media_share": {"mean": 0.2, "p05": 0.15, "p95": 0.26},
        "diagnostics": {
            "max_rhat": 1.002,
            "min_ess_bulk": 1500.0,
            "min_ess_tail": 1200.0,
            "divergences": 0,
            "draws": curves.draws // 4,
            "chains": 4,
            "mean_steps": 7.0,
        },
        "health": {"verdict": verdict, "checks": [check]},
        "fit_quality": {"r2": 0.94, "mape": 0.05, "coverage90": 0.91, "durbin_watson": 1.9},
        "seconds": dict.fromkeys(("import", "read", "build", "compile", "sample", "extract", "total"), 1.0),
        "seed": 1,
        "fingerprint": curves.fingerprint,
    }


def quantiles(draws):
    p05, p50, p95 = np.quantile(draws, [0.05, 0.5, 0.95])
    return {"mean": float(draws.mean()), "p05": float(p05), "p50": float(p50), "p95": float(p95)}
