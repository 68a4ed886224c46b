"""What the benchmarks run on: a simulated panel, response curves made from random draws, and a table to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from mmm.calendar import week_range
from mmm.curves import ResponseCurves
from mmm.panel import NATIONAL, Panel
from mmm.settings import ChannelSettings
from mmm.simulate import Market, simulate
from mmm.transforms import geometric_weights
from optimizer.lines import Line
from optimizer.problem import PlanProblem
from optimizer.settings import PlanSettings

START = date(2027, 10, 4)
HISTORY, WEEKS, MAX_LAG = 104, 13, 13


def panel_of(market: Market) -> Panel:
    """What a simulated market shows, as the model's input."""
    seen = simulate(market)
    kpi = seen.kpi[None].copy()
    return Panel(
        weeks=seen.weeks,
        units=(NATIONAL,),
        channels=market.names,
        controls=tuple(market.baseline.controls),
        kpi=kpi,
        value_per_kpi=np.ones_like(kpi),
        spend=seen.spend[None].copy(),
        control=seen.controls[None].copy(),
        visits=seen.visits[None].copy(),
        attributed=seen.attributed[None].copy(),
    )


def channels_of(panel: Panel) -> dict[str, ChannelSettings]:
    """Channels about which nothing is known beforehand."""
    return {name: ChannelSettings() for name in panel.channels}


def random_curves(lines: int, draws: int, slopes: tuple[float, float], seed: int = 1) -> ResponseCurves:
    """Curves with posterior-like spread: every draw scatters about its line's own curve.

    Parameters
    ----------
    lines, draws : int
    slopes : (least, most)
        Range of the lines' Hill slopes, which no draw leaves; above 1 the curves are S-shaped.
    seed : int
    """
    # Two streams: more draws must not change the lines they scatter about.
    rng, noise = (np.random.default_rng([seed, stream]) for stream in (1, 2))
    shape = (draws, lines)
    names = tuple(f"line {number + 1}" for number in range(lines))
    usual = np.round(20_000 * np.exp(rng.normal(0, 0.8, lines)), 2)
    spend = np.round(usual * np.exp(rng.normal(0, 0.3, (HISTORY, lines))), 2)
    half_saturation = 1.2 * np.exp(rng.normal(0, 0.4, lines) + noise.normal(0, 0.4, shape))
    slope = np.clip(rng.uniform(*slopes, lines) + noise.normal(0, 0.1, shape), *slopes)
    roi = 2.0 * np.exp(rng.normal(0, 0.4, lines) + noise.normal(0, 0.3, shape))
    retention = np.clip(rng.uniform(0.1, 0.7, lines) + noise.normal(0, 0.05, shape), 0.01, 0.9)
    unknown = np.full_like(spend, np.nan)
    return ResponseCurves(
        names=names,
        channels=names,
        units=(NATIONAL,) * lines,
        weights=geometric_weights(retention, MAX_LAG),
        saturation=("hill",) * lines,
        half_saturation=half_saturation,
        slope=slope,
        tail=np.ones(shape),
        ceiling=roi * usual * (1 + half_saturation**slope),
        kappa=noise.normal(0.3, 0.1, shape),
        long_term=np.ones(shape),
        reference=usual,
        weeks=week_range(START - timedelta(weeks=HISTORY), HISTORY),
        spend=spend,
        visits=unknown,
        attributed=unknown.copy(),
        modelled=roi.mean(axis=0) * spend,
        prior_only=(False,) * lines,
        currency="CNY",
        fingerprint="random draws",
    )


def plan_problem(curves: ResponseCurves, span: int = WEEKS, extra: Mapping[str, Any] | None = None) -> PlanProblem:
    """A plan with a peak: each line half to double of last year, and the first third of the lines at most 30%.

    Parameters
    ----------
    curves : ResponseCurves
    span : int
        Weeks to plan.
    extra : mapping, optional
        More of the plan's settings; its ``constraints`` are added to these.
    """
    weeks = week_range(START, span)
    capped = len(curves.names) // 3
    lines = tuple(
        Line(
            name=name,
            category=None,
            groups=("social",) if index < capped else (),
            reserve=False,
            reference=curves.spend[HISTORY - 52 : HISTORY - 52 + span, index],
            recent=curves.spend[-13:, index],
            average=float(curves.spend[:, index].mean()),
        )
        for index, name in enumerate(curves.names)
    )
    total = round(float(sum(line.reference.sum() for line in lines)), 2)
    more = dict(extra or {})
    constraints = [
        {"kind": "bounds", "name": "half to double of last year", "relative_to": "history", "min": 0.5, "max": 2.0},
        {"kind": "group_share", "name": "social cap", "group": "social", "max": 0.3},
        *more.pop("constraints", ()),
    ]
    intensity = np.zeros(span + MAX_LAG)
    intensity[5:7] = 1.0
    goes_on = np.array([line.reference.mean() for line in lines])
    settings = {"total": total, "start": START, "constraints": constraints} | more
    return PlanProblem(
        settings=PlanSettings.model_validate(settings),
        lines=lines,
        weeks=weeks,
        quarter="2027Q4",
        total_fen=round(total * 100),
        currency="CNY",
        response=curves.over(weeks, intensity, goes_on),
    )


def show(title: str, rows: Mapping[str, Sequence[str]], columns: Sequence[str]) -> None:
    """Print a table: a row per measure, a column per case."""
    table = Table("", *columns, title=title, title_justify="left")
    for measure, values in rows.items():
        table.add_row(measure, *values)
    Console().print(table)
