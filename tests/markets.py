"""Small markets made by hand, with known response curves, for the tests of the optimizer."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from mmm.curves import ResponseCurves
from mmm.transforms import geometric_weights
from optimizer.lines import Line
from optimizer.problem import PlanProblem
from optimizer.settings import PlanSettings

START = date(2027, 10, 4)
HISTORY = 60
MAX_LAG = 3
NAMES = ("抖音直播", "search", "小红书", "kol", "seo", "weibo")


def mondays(count, start=START):
    return tuple(start + timedelta(weeks=t) for t in range(count))


def curves(channels=4, draws=50, slopes=(0.5, 1.0), seed=7, roi=2.0):
    """Response curves whose ROI at their usual spend is about ``roi``; slopes above 1 are S-shaped."""
    rng = np.random.default_rng(seed)
    names, shape = NAMES[:channels], (draws, channels)
    reference = np.round(10_000 * np.exp(rng.normal(0, 0.4, channels)), 2)
    half_saturation = np.exp(rng.normal(0.2, 0.3, channels) + rng.normal(0, 0.1, shape))
    slope = np.clip(rng.uniform(*slopes, channels) + rng.normal(0, 0.03, shape), *slopes)
    earned = roi * np.exp(rng.normal(0, 0.4, channels) + rng.normal(0, 0.15, shape))
    spend = reference * np.exp(rng.normal(0, 0.15, (HISTORY, channels)))
    return ResponseCurves(
        names=names,
        channels=names,
        units=("national",) * channels,
        weights=geometric_weights(np.broadcast_to(rng.uniform(0.1, 0.6, channels), shape), MAX_LAG),
        saturation=("hill",) * channels,
        half_saturation=half_saturation,
        slope=slope,
        tail=np.ones(shape),
        ceiling=earned * reference * (1 + half_saturation**slope),
        kappa=np.zeros(shape),
        long_term=np.ones(shape),
        reference=reference,
        weeks=mondays(HISTORY, START - timedelta(weeks=HISTORY)),
        spend=spend,
        visits=np.full_like(spend, np.nan),
        attributed=np.full_like(spend, np.nan),
        modelled=earned.mean(axis=0) * spend,
        prior_only=(False,) * channels,
        currency="CNY",
        fingerprint="made by hand",
    )


def line(name, weeks=3, *, weekly=1000.0, **facts):
    """A budget line with the same spend in every week of its past."""
    past = {"reference": np.full(weeks, weekly), "recent": np.full(4, weekly), "average": weekly}
    return Line(**{"name": name, "category": None, "groups": (), "reserve": False} | past | facts)


def problem(response=None, weeks=3, *, total=None, reserves=0, facts=None, windows=None, previous=None, **settings):
    """The plan to make: last year's money unless ``total``; ``facts`` holds more about lines, by name."""
    response = curves() if response is None else response
    span = mondays(weeks)
    usual = response.spend[-4:].mean(axis=0)
    more = facts or {}
    media = [
        line(name, weeks, weekly=float(money), **more.get(name, {}))
        for name, money in zip(response.names, usual, strict=True)
    ]
    tools = [f"tools {i}" for i in range(reserves)]
    kept = [line(name, weeks, weekly=0.0, reserve=True, recent=np.zeros(0), **more.get(name, {})) for name in tools]
    money = float(usual.sum()) * weeks if total is None else total
    return PlanProblem(
        settings=PlanSettings.model_validate({"total": 1.0, "start": START, "weeks": weeks} | settings),
        lines=(*media, *kept),
        weeks=span,
        quarter="2027Q4",
        total_fen=round(money * 100),
        currency="CNY",
        response=response.over(span, np.zeros(weeks + response.max_lag), usual),
        windows=windows or {},
        previous=previous,
    )


def scaled(given, money=1.0, kpi=1.0):
    """The same problem with money and KPI counted in other units; its total is no longer whole fen."""
    old = given.response.curves
    unit = replace(
        old,
        ceiling=old.ceiling * kpi,
        modelled=old.modelled * kpi,
        reference=old.reference * money,
        spend=old.spend * money,
    )
    lines = tuple(
        replace(one, reference=one.reference * money, recent=one.recent * money, average=one.average * money)
        for one in given.lines
    )
    response = unit.over(given.weeks, given.response.intensity, given.response.after * money)
    return replace(given, lines=lines, total_fen=given.total_fen * money, response=response)


def permuted(given, order):
    """The same problem with its responding lines in another order."""
    old, order = given.response.curves, list(order)
    by_name = (
        "spend",
        "visits",
        "attributed",
        "modelled",
        "weights",
        "half_saturation",
        "slope",
        "tail",
        "ceiling",
        "kappa",
    )
    turned = replace(
        old,
        names=tuple(old.names[i] for i in order),
        channels=tuple(old.channels[i] for i in order),
        reference=old.reference[order],
        **{name: getattr(old, name)[:, order] for name in by_name},
    )
    lines = (*(given.lines[i] for i in order), *given.lines[len(order) :])
    response = turned.over(given.weeks, given.response.intensity, given.response.after[order])
    return replace(given, lines=lines, response=response)


def share(name, group, **limits):
    return {"kind": "group_share", "name": name, "group": group} | limits


def grouped(*members, group="social"):
    """Facts that put lines into a group."""
    return {name: {"groups": (group,)} for name in members}
