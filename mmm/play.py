"""A market's weeks after its data: what the money spent there really brings, week by week.

The truth goes on as it was: same curves, same ceilings, growth, seasons and peaks. New shocks may come. The noise of a
week depends on the market's seed and the week alone, so two ways of spending see the same luck.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmm.calendar import week_range
from mmm.simulate import (
    MAX_LAG,
    Market,
    Shock,
    Simulated,
    _adstock,
    _ceiling,
    _opening,
    _peak,
    _shape,
    _shocks,
    baseline,
    contribution,
)

Floats = npt.NDArray[np.float64]

LATER_STREAM = 3  # a random stream of its own: the data's noise must not depend on how far the market is played


def play(market: Market, spend: Floats, shocks: Sequence[Shock] = ()) -> Simulated:
    """Let the market run on after its data.

    Parameters
    ----------
    market : Market
    spend : array (week, channel)
        Currency per week, from the Monday after the last week of data.
    shocks : sequence of Shock
        What happens in those weeks, beside the market's own shocks.

    Returns
    -------
    Simulated
        Of the new weeks alone.
    """
    count = len(spend)
    weeks = week_range(market.weeks[-1], count + 1)[1:]
    luck = [_Luck(market, week.toordinal()) for week in weeks]
    controls = np.array([one.controls for one in luck]).reshape(count, market.controls.shape[1])
    longer = replace(
        market,
        weeks=(*market.weeks, *weeks),
        spend=np.concatenate([market.spend, spend]),
        controls=np.concatenate([market.controls, controls]),
        shocks=(*market.shocks, *shocks),
    )
    before = np.concatenate([_opening(market.spend), market.spend])[-MAX_LAG:]
    effect = _shocks(longer, "effect")[-count:]
    media = _shape(market, weeks, spend, before) * effect * _ceiling(market)
    usual = float((baseline(market) + contribution(market).sum(axis=1)).mean())
    noise = market.baseline.noise_sd * usual * np.array([one.total for one in luck])
    attributed_noise = market.column("attributed_sd") * np.array([one.attributed for one in luck])
    clicks = market.column("visits_per_cny") * _peak(market, weeks) * _shocks(longer, "visits")[-count:]
    visits = clicks * _adstock(market, spend, before) * market.reference
    return Simulated(
        market=market,
        weeks=weeks,
        kpi=np.round(baseline(longer)[-count:] + media.sum(axis=1) + noise, 2),
        spend=spend,
        visits=np.round(visits * np.exp(0.06 * np.array([one.visits for one in luck]))),
        attributed=np.round(media * market.column("attributed_ratio") * np.exp(attributed_noise), 2),
        controls=controls,
        contribution=media,
    )


class _Luck:
    """The random part of one week."""

    def __init__(self, market: Market, day: int) -> None:
        rng = np.random.default_rng([market.seed, LATER_STREAM, day])
        channels = len(market.channels)
        self.total = float(rng.standard_normal())
        self.attributed = rng.standard_normal(channels)
        self.visits = rng.standard_normal(channels)
        self.controls = np.round(100.0 + 6.0 * rng.standard_normal(market.controls.shape[1]), 2)


def write_week(played: Simulated, at: int, reserves: Mapping[str, float], path: Path) -> None:
    """Write one played week as a file of actual figures: a row per line, the week's totals in every row.

    Parameters
    ----------
    played : Simulated
    at : int
        Position of the week.
    reserves : mapping of line to currency
        Spend of the lines without a response.
    path : Path
        A .csv file.
    """
    names, week = played.market.names, played.weeks[at].isoformat()
    controls = [f"{value:.2f}" for value in played.controls[at]]
    rows = [["week", "line", "spend", "visits", "attributed", "gmv", *played.market.baseline.controls]]
    for c, name in enumerate(names):
        figures = [f"{played.spend[at, c]:.2f}", f"{played.visits[at, c]:.0f}", f"{played.attributed[at, c]:.2f}"]
        rows.append([week, name, *figures, f"{played.kpi[at]:.2f}", *controls])
    rows += [[week, name, f"{paid:.2f}", "", "", f"{played.kpi[at]:.2f}", *controls] for name, paid in reserves.items()]
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)
