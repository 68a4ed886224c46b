"""Markets with known truth: a seeded generator of weekly data, and the true worth of any plan.

A market's formulas are those of :mod:`mmm.transforms`; its parameters are written down, so that a fitted model can be
held against them and a plan scored by what it would really earn. For week t and channel c::

    contribution[t,c] = scale_c * exp(kappa_c * intensity_t) * shock[t,c] * hill(adstock(spend)[t,c] / reference_c)
    kpi[t]            = level * (1 + growth + season + peaks + shocks + control)[t] + sum_c contribution[t,c] + noise

with ``scale_c`` such that the contribution over all weeks is ``roi_c`` times the spend.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.calendar import NO_PEAKS, Calendar, baseline_columns, intensity, quarter_weeks, read_calendar, week_range
from mmm.curves import ResponseCurves
from mmm.settings import EventSettings
from mmm.transforms import SATURATIONS, geometric_weights, lagged

Floats = npt.NDArray[np.float64]

GENERATOR_VERSION = 1
MAX_LAG = 13
OPENING_WEEKS = 4  # their mean stands for spend before the first week, as in the model
FIRST_WEEK = date(2024, 10, 7)
YEAR_WEEKS = 365.25 / 7
SPEND_STREAM, NOISE_STREAM = 1, 2  # separate random streams: more channels' noise must not move anyone's spend


@dataclass(frozen=True, slots=True)
class TrueChannel:
    """What is true of one channel.

    Attributes
    ----------
    name : str
    half_saturation : float
        Adstocked spend at half of the ceiling, in multiples of the mean spend of weeks with spend.
    slope : float
        Hill exponent.
    retention : float
        Share of the effect kept from one week to the next.
    roi : float
        Incremental GMV per CNY over all weeks of data.
    kappa : float
        Log multiplier of the response at peak intensity 1.
    visits_per_cny : float
        Visits per CNY of adstocked spend outside peaks.
    attributed_ratio, attributed_sd : float
        Platform-attributed over incremental GMV, and the sd of its weekly log noise.
    order_value : float
        CNY per order.
    payment_rate : float
        Orders per visit.
    """

    name: str
    half_saturation: float
    slope: float
    retention: float
    roi: float
    kappa: float
    visits_per_cny: float
    attributed_ratio: float
    order_value: float
    payment_rate: float
    attributed_sd: float = 0.12


@dataclass(frozen=True, slots=True)
class Shock:
    """A dated happening: what it adds to the baseline, and by what it multiplies channels' effects and visits.

    ``baseline`` is a share of the level; ``effect`` and ``visits`` map channel to multiplier. Days are inclusive.
    """

    name: str
    start: date
    end: date
    baseline: float
    effect: Mapping[str, float] = field(default_factory=dict)
    visits: Mapping[str, float] = field(default_factory=dict)

    @property
    def event(self) -> EventSettings:
        """The shock as a project file would state it."""
        return EventSettings(name=self.name, start=self.start, end=self.end)


@dataclass(frozen=True, slots=True)
class TrueBaseline:
    """What the market would buy without media, as shares of ``level``.

    Attributes
    ----------
    level : float
        CNY per week at the first week.
    growth : float
        Added share per year.
    seasons : tuple of (sine, cosine)
        Yearly Fourier pairs, first harmonic first.
    peaks : mapping
        Name of a calendar peak to the share it adds in a week that lies wholly inside.
    controls : mapping
        Name of a control to the share one point above ``control_mean`` adds.
    control_mean : float
    noise_sd : float
        Share of the mean KPI.
    """

    level: float
    growth: float
    seasons: tuple[tuple[float, float], ...]
    peaks: Mapping[str, float]
    controls: Mapping[str, float]
    control_mean: float
    noise_sd: float


@dataclass(frozen=True, slots=True)
class Market:
    """A market whose truth is known.

    Attributes
    ----------
    name : str
    seed : int
        Seed of the spend history and of all noise.
    channels : tuple of TrueChannel
    baseline : TrueBaseline
    calendar : Calendar
    shocks : tuple of Shock
    weeks : tuple of date
        Consecutive Mondays of the data.
    spend : array (week, channel)
        CNY per week, whole cents.
    controls : array (week, control)
    """

    name: str
    seed: int
    channels: tuple[TrueChannel, ...]
    baseline: TrueBaseline
    calendar: Calendar
    shocks: tuple[Shock, ...]
    weeks: tuple[date, ...]
    spend: Floats
    controls: Floats

    def __post_init__(self) -> None:
        _freeze(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Channel names."""
        return tuple(channel.name for channel in self.channels)

    @property
    def reference(self) -> Floats:
        """Mean spend of the weeks with spend, array (channel,), CNY per week."""
        return np.asarray(self.spend.sum(axis=0) / np.maximum((self.spend > 0).sum(axis=0), 1))

    def column(self, parameter: str) -> Floats:
        """One parameter of every channel, array (channel,)."""
        return np.array([getattr(channel, parameter) for channel in self.channels], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a market shows (to the cent), and what only its maker knows.

    Attributes
    ----------
    market : Market
    weeks : tuple of date
    kpi : array (week,)
        GMV, CNY.
    spend : array (week, channel)
        CNY.
    visits : array (week, channel)
        Whole visits.
    attributed : array (week, channel)
        Platform-attributed GMV, CNY.
    controls : array (week, control)
    contribution : array (week, channel)
        True incremental GMV, CNY; not in the data file.
    """

    market: Market
    weeks: tuple[date, ...]
    kpi: Floats
    spend: Floats
    visits: Floats
    attributed: Floats
    controls: Floats
    contribution: Floats

    def __post_init__(self) -> None:
        _freeze(self)


def simulate(market: Market) -> Simulated:
    """Let the market run over its weeks: same market, same data, to the cent."""
    rng = np.random.default_rng([market.seed, NOISE_STREAM])
    media = contribution(market)
    expected = baseline(market) + media.sum(axis=1)
    noise = market.baseline.noise_sd * expected.mean() * rng.standard_normal(len(market.weeks))
    clicks = market.column("visits_per_cny") * _peak(market, market.weeks) * _shocks(market, "visits")
    clicks = clicks * _adstock(market, market.spend, _opening(market.spend)) * market.reference
    attributed_noise = market.column("attributed_sd") * rng.standard_normal(media.shape)
    attributed = media * market.column("attributed_ratio") * np.exp(attributed_noise)
    return Simulated(
        market=market,
        weeks=market.weeks,
        kpi=np.round(expected + noise, 2),
        spend=market.spend,
        visits=np.round(clicks * np.exp(0.06 * rng.standard_normal(media.shape))),
        attributed=np.round(attributed, 2),
        controls=market.controls,
        contribution=media,
    )


def contribution(market: Market, spend: Floats | None = None) -> Floats:
    """Return the true incremental GMV of every week and channel of the data, array (week, channel), CNY.

    Parameters
    ----------
    market : Market
    spend : array (week, channel), optional
        CNY per week, had it been this instead of the market's own.
    """
    paid = market.spend if spend is None else spend
    shape = _shape(market, market.weeks, paid, _opening(market.spend)) * _shocks(market, "effect")
    return np.asarray(shape * _ceiling(market))


def baseline(market: Market) -> Floats:
    """GMV without media and noise, array (week,), CNY."""
    truth = market.baseline
    added = {**truth.peaks, **{shock.name: shock.baseline for shock in market.shocks}}
    names, columns = baseline_columns(market.calendar, [shock.event for shock in market.shocks], market.weeks)
    share = 1.0 + truth.growth * np.arange(len(market.weeks)) / YEAR_WEEKS + _season(truth.seasons, market.weeks)
    share = share + columns @ np.array([added.get(name, 0.0) for name in names])
    share = share + (market.controls - truth.control_mean) @ np.array(list(truth.controls.values()))
    return np.asarray(truth.level * share)


def true_value(market: Market, spend_plan: Floats) -> Floats:
    """Score a plan for the weeks right after the data by what it would really add.

    Parameters
    ----------
    market : Market
    spend_plan : array (week, channel)
        CNY per week, from the Monday after the last week of data.

    Returns
    -------
    array (channel,)
        Incremental GMV in CNY: the plan's weeks and ``MAX_LAG`` weeks of carry-over, less what history alone would
        still carry over. No noise; past shocks are over.

    Raises
    ------
    ValueError
        When the plan has another number of channels than the market.
    """
    plan = np.asarray(spend_plan, dtype=np.float64)
    if plan.ndim != 2 or plan.shape[1] != len(market.channels):
        raise ValueError(f"the plan's shape is {plan.shape}; (week, {len(market.channels)}) is needed")
    weeks = week_range(market.weeks[-1], len(plan) + MAX_LAG + 1)[1:]
    with_tail = np.concatenate([plan, np.zeros((MAX_LAG, plan.shape[1]))])
    before = np.concatenate([_opening(market.spend), market.spend])[-MAX_LAG:]
    gain = _shape(market, weeks, with_tail, before) - _shape(market, weeks, np.zeros_like(with_tail), before)
    return np.asarray(gain.sum(axis=0) * _ceiling(market))


def true_curves(market: Market) -> ResponseCurves:
    """State the truth as one draw of response curves: what an oracle would plan with."""
    seen = simulate(market)
    names = market.names
    return ResponseCurves(
        names=names,
        channels=names,
        units=("national",) * len(names),
        weights=geometric_weights(market.column("retention"), MAX_LAG)[None],
        saturation=("hill",) * len(names),
        half_saturation=market.column("half_saturation")[None],
        slope=market.column("slope")[None],
        tail=np.ones((1, len(names))),
        ceiling=_ceiling(market)[None],
        kappa=market.column("kappa")[None],
        long_term=np.ones((1, len(names))),
        reference=market.reference,
        weeks=market.weeks,
        spend=market.spend.copy(),
        visits=seen.visits.copy(),
        attributed=seen.attributed.copy(),
        modelled=seen.contribution.copy(),
        prior_only=(False,) * len(names),
        currency="CNY",
        fingerprint=f"truth-{market.name}-{market.seed}-{GENERATOR_VERSION}",
    )


def write_market(simulated: Simulated, folder: Path) -> None:
    """Write ``data.csv`` (a row per week) and ``truth.json`` into a folder, which is made where missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "data.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(_table(simulated))
    text = json.dumps(truth(simulated), ensure_ascii=False, indent=2)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def truth(simulated: Simulated) -> dict[str, Any]:
    """List true parameters and results, ready for JSON; shares between 0 and 1, money in CNY."""
    market = simulated.market
    total = simulated.kpi.sum()
    found = {
        "simulated": True,
        "generator": f"mmm.simulate, version {GENERATOR_VERSION}",
        "market": market.name,
        "seed": market.seed,
        "weeks": {"first": market.weeks[0], "last": market.weeks[-1], "count": len(market.weeks)},
        "calendar": market.calendar.name,
        "max_lag": MAX_LAG,
        "media_share_of_kpi": simulated.contribution.sum() / total,
        "baseline": asdict(market.baseline),
        "shocks": [asdict(shock) for shock in market.shocks],
        "channels": [_channel_truth(simulated, index) for index in range(len(market.channels))],
    }
    return {key: _plain(value) for key, value in found.items()}


def random_market(seed: int, weeks: int = 156, channels: int = 6, calendar: Calendar | None = None) -> Market:
    """Draw a market for benchmarks and recovery tests.

    Spend is log-normal and correlated: part of it follows the demand that also moves the baseline. ROI is log-normal
    around 2, slopes 0.8 to 1.5, retentions 0.1 to 0.7, noise about 5%, media about a fifth of the KPI.

    Parameters
    ----------
    seed : int
    weeks, channels : int
    calendar : Calendar, optional
        Shopping peaks, to which baseline, spend and response then react; none when absent.
    """
    rng = np.random.default_rng([seed, SPEND_STREAM])
    days = week_range(FIRST_WEEK, weeks)
    peaks = calendar or Calendar(NO_PEAKS, ())
    shape = TrueBaseline(
        level=1.0,
        growth=rng.uniform(-0.03, 0.12),
        seasons=tuple((float(sine), float(cosine)) for sine, cosine in rng.normal(0, (0.05, 0.025), (2, 2)).T),
        peaks={peak.name: 0.4 * peak.intensity for peak in peaks.peaks},
        controls={"control": -0.004},
        control_mean=100.0,
        noise_sd=0.05 * float(np.exp(0.15 * rng.standard_normal())),
    )
    demand = 3.0 * _season(shape.seasons, days) + 0.8 * intensity(peaks, days) + 0.15 * _wander(rng, weeks, 1)[:, 0]
    spend = _random_spend(rng, demand, channels)
    drawn = tuple(_random_channel(rng, f"channel_{c + 1}") for c in range(channels))
    controls = np.round(100.0 + 6.0 * _wander(rng, weeks, 1), 2)
    market = Market(f"random-{channels}", seed, drawn, shape, peaks, (), days, spend, controls)
    share = 0.2 * float(np.exp(0.2 * rng.standard_normal()))
    media = contribution(market).sum()
    return replace(market, baseline=replace(shape, level=float(media * (1 / share - 1) / baseline(market).sum())))


def demo_market(seed: int = 2027) -> Market:
    """Make the demo project's department: ten lines, 156 weeks up to 2027-09-27, 2026Q4 scaled to the brief's total."""
    rng = np.random.default_rng([seed, SPEND_STREAM])
    weeks = week_range(FIRST_WEEK, 156)
    calendar = read_calendar("china-ecommerce", Path())
    spend = np.stack([_habit_spend(habit, rng, weeks, intensity(calendar, weeks)) for habit in DEMO_HABITS], axis=1)
    controls = np.round(100.0 + 6.0 * _wander(rng, len(weeks), 1), 2)
    return Market("demo", seed, DEMO_CHANNELS, DEMO_BASELINE, calendar, DEMO_SHOCKS, weeks, spend, controls)


@dataclass(frozen=True, slots=True)
class Habit:
    """How the demo department spends on a line.

    Attributes
    ----------
    quarter_total : float
        CNY in 2026Q4, met to the cent.
    growth : float
        Log growth per year.
    demand : float
        Log spend added at peak intensity 1.
    sd : float
        Week-to-week sd of log spend that follows nothing else.
    pulses, pause : float
        Probability of a week at 1.8 times the usual spend, and of a week without any.
    first : date or None
        First week of spend.
    closing : tuple of float
        Multipliers of the last weeks.
    """

    quarter_total: float
    growth: float
    demand: float
    sd: float
    pulses: float = 0.0
    pause: float = 0.0
    first: date | None = None
    closing: tuple[float, ...] = ()


DEMO_CHANNELS = (
    #           name                 k     n     ret   ROI   kappa visits ratio order  paid
    TrueChannel("douyin_live",       1.60, 1.00, 0.25, 2.45, 0.45, 3.55,  2.20,  89.0, 0.012),
    TrueChannel("kuaishou_live",     1.10, 0.95, 0.20, 1.85, 0.30, 1.75,  2.10,  96.0, 0.011),
    TrueChannel("platform_search",   2.20, 0.95, 0.15, 3.10, 0.35, 3.40,  2.20, 236.0, 0.018),
    TrueChannel("weibo",             1.30, 0.90, 0.35, 1.95, 0.25, 3.80,  2.20, 221.0, 0.009),
    TrueChannel("xiaohongshu",       1.90, 1.10, 0.50, 2.70, 0.30, 0.95,  2.10, 242.0, 0.014),
    TrueChannel("bilibili",          3.00, 1.20, 0.60, 2.20, 0.15, 0.90,  2.10, 228.0, 0.010),
    TrueChannel("kol",               3.50, 1.20, 0.50, 2.50, 0.30, 1.90,  2.10, 236.0, 0.012),
    TrueChannel("website_seo",       3.00, 0.90, 0.70, 2.80, 0.10, 1.40,  2.00, 236.0, 0.016),
    TrueChannel("private_community", 1.80, 0.85, 0.40, 3.90, 0.35, 4.65,  1.70, 236.0, 0.032),
    TrueChannel("offline_stores",    2.50, 1.00, 0.30, 1.50, 0.20, 4.20,  1.80, 236.0, 0.020),
)  # fmt: skip

DEMO_HABITS = (
    Habit(660_000, growth=0.09, demand=0.70, sd=0.40, closing=(1.0, 0.8)),
    Habit(260_000, growth=0.04, demand=0.55, sd=0.42, pulses=0.06, pause=0.04, closing=(1.8, 2.1)),
    Habit(975_000, growth=0.16, demand=0.55, sd=0.36, closing=(1.0, 0.75)),
    Habit(180_000, growth=0.02, demand=0.45, sd=0.45, pulses=0.10, pause=0.06),
    Habit(880_000, growth=0.13, demand=0.50, sd=0.40, closing=(1.0, 0.85)),
    Habit(50_000, growth=0.80, demand=0.20, sd=0.40, pulses=0.12, first=date(2026, 3, 2)),
    Habit(65_000, growth=0.90, demand=0.40, sd=0.40, pulses=0.15, pause=0.05, first=date(2025, 10, 6)),
    Habit(50_000, growth=0.70, demand=0.05, sd=0.35),
    Habit(420_000, growth=0.14, demand=0.40, sd=0.38),
    Habit(30_000, growth=0.50, demand=0.30, sd=0.40, pulses=0.12, pause=0.08),
)

DEMO_BASELINE = TrueBaseline(
    level=1_730_000.0,
    growth=0.09,
    seasons=((-0.03, 0.035), (0.012, -0.01)),
    peaks={
        "nianhuo": 0.06,
        "spring-festival": -0.14,
        "38": 0.12,
        "march-april": 0.10,
        "618-presale": 0.04,
        "618": 0.50,
        "99": 0.10,
        "double11-presale": 0.12,
        "double11": 0.95,
        "double12": 0.30,
    },
    controls={"competitor_index": -0.004},
    control_mean=100.0,
    noise_sd=0.04,
)

DEMO_SHOCKS = (
    Shock(
        name="xhs-policy",
        start=date(2026, 9, 1),
        end=date(2026, 10, 12),
        baseline=-0.06,
        effect={"xiaohongshu": 0.78},
        visits={"xiaohongshu": 0.78, "weibo": 1.5},
    ),
)


def _freeze(value: Market | Simulated) -> None:
    for one in fields(value):
        if isinstance(array := getattr(value, one.name), np.ndarray):
            array.setflags(write=False)


def _opening(spend: Floats) -> Floats:
    """Stand-in for the weeks before the data, array (lag, channel)."""
    return np.repeat(spend[:OPENING_WEEKS].mean(axis=0, keepdims=True), MAX_LAG, axis=0)


def _adstock(market: Market, spend: Floats, before: Floats) -> Floats:
    """Adstocked spend over the reference, array (week, channel)."""
    weights = geometric_weights(market.column("retention"), MAX_LAG)
    return np.asarray((lagged(spend, MAX_LAG, before) * weights).sum(axis=-1) / market.reference)


def _peak(market: Market, weeks: Sequence[date]) -> Floats:
    return np.exp(market.column("kappa") * intensity(market.calendar, weeks)[:, None])


def _shape(market: Market, weeks: Sequence[date], spend: Floats, before: Floats) -> Floats:
    """Response in multiples of the ceiling, without shocks, array (week, channel)."""
    stock = _adstock(market, spend, before)
    share = SATURATIONS["hill"].level(stock, market.column("half_saturation"), market.column("slope"), 1.0, np)
    return np.asarray(_peak(market, weeks) * share)


def _shocks(market: Market, kind: str) -> Floats:
    """Multipliers of effect or visits, array (week, channel); a week partly inside is partly multiplied."""
    factors = np.ones(market.spend.shape)
    nothing = Calendar(NO_PEAKS, ())
    for shock in market.shocks:
        _, inside = baseline_columns(nothing, [shock.event], market.weeks)
        multiplier = np.array([getattr(shock, kind).get(name, 1.0) for name in market.names])
        factors *= 1.0 + inside.sum(axis=1)[:, None] * (multiplier - 1.0)
    return factors


def _ceiling(market: Market) -> Floats:
    """CNY per week at full saturation outside peaks, so that total contribution is ROI times spend: (channel,)."""
    shape = _shape(market, market.weeks, market.spend, _opening(market.spend)) * _shocks(market, "effect")
    return np.asarray(market.column("roi") * market.spend.sum(axis=0) / shape.sum(axis=0))


def _season(pairs: Sequence[tuple[float, float]], weeks: Sequence[date]) -> Floats:
    """Yearly Fourier curve by day of the year, array (week,)."""
    angle = 2 * np.pi * np.array([week.timetuple().tm_yday for week in weeks]) / 365.25
    waves = [sine * np.sin(k * angle) + cosine * np.cos(k * angle) for k, (sine, cosine) in enumerate(pairs, start=1)]
    return np.asarray(np.sum(waves, axis=0), dtype=np.float64)


def _wander(rng: np.random.Generator, weeks: int, columns: int, memory: float = 0.6) -> Floats:
    """First-order autoregressive series of unit sd, array (week, column)."""
    series = rng.standard_normal((weeks, columns))
    for week in range(1, weeks):
        series[week] = memory * series[week - 1] + np.sqrt(1 - memory**2) * series[week]
    return series


def _random_spend(rng: np.random.Generator, demand: Floats, channels: int) -> Floats:
    """Correlated log-normal spend, array (week, channel), CNY in whole cents."""
    weeks = len(demand)
    level = 100_000.0 * np.exp(0.6 * rng.standard_normal(channels))
    common = rng.uniform(0.1, 0.25, channels) * _wander(rng, weeks, 1)
    own = rng.uniform(0.25, 0.5, channels) * _wander(rng, weeks, channels, memory=0.3)
    return np.round(level * np.exp(rng.uniform(0.3, 1.0, channels) * demand[:, None] + common + own), 2)


def _random_channel(rng: np.random.Generator, name: str) -> TrueChannel:
    return TrueChannel(
        name=name,
        half_saturation=1.2 * float(np.exp(0.4 * rng.standard_normal())),
        slope=float(rng.uniform(0.8, 1.5)),
        retention=float(rng.uniform(0.1, 0.7)),
        roi=2.0 * float(np.exp(0.5 * rng.standard_normal())),
        kappa=float(rng.uniform(0.1, 0.5)),
        visits_per_cny=float(np.exp(0.5 * rng.standard_normal())),
        attributed_ratio=float(rng.uniform(1.5, 2.2)),
        order_value=200.0,
        payment_rate=0.015,
    )


def _habit_spend(habit: Habit, rng: np.random.Generator, weeks: Sequence[date], peak: Floats) -> Floats:
    """Weekly spend of one demo line in whole cents, array (week,), 2026Q4 exact."""
    count = len(weeks)
    years = np.arange(count) / YEAR_WEEKS
    spend = np.exp(habit.growth * years + habit.demand * peak + habit.sd * _wander(rng, count, 1, memory=0.3)[:, 0])
    spend *= np.where(rng.random(count) < habit.pulses, 1.8, 1.0)
    spend *= rng.random(count) >= habit.pause
    spend[count - len(habit.closing) :] *= habit.closing
    if habit.first is not None:
        spend *= np.array([week >= habit.first for week in weeks])
    quarter = np.isin(np.array(weeks, dtype="datetime64[D]"), np.array(quarter_weeks("2026Q4"), dtype="datetime64[D]"))
    cents = np.round(100 * habit.quarter_total * spend / spend[quarter].sum())
    largest = int(np.argmax(np.where(quarter, cents, -1.0)))
    cents[largest] += 100 * habit.quarter_total - cents[quarter].sum()
    return np.asarray(cents / 100)


def _table(simulated: Simulated) -> list[list[str]]:
    """Rows of the wide data file, header first."""
    names, controls = simulated.market.names, list(simulated.market.baseline.controls)
    kinds = ("spend", "visits", "attributed")
    rows = [["week", "gmv", *controls, *(f"{name}_{kind}" for name in names for kind in kinds)]]
    for t, week in enumerate(simulated.weeks):
        cells = [week.isoformat(), f"{simulated.kpi[t]:.2f}", *(f"{value:.2f}" for value in simulated.controls[t])]
        for c in range(len(names)):
            cells += [f"{simulated.spend[t, c]:.2f}", f"{simulated.visits[t, c]:.0f}"]
            cells.append(f"{simulated.attributed[t, c]:.2f}")
        rows.append(cells)
    return rows


def _channel_truth(simulated: Simulated, index: int) -> dict[str, Any]:
    spend, value = simulated.spend[:, index], simulated.contribution[:, index]
    return {
        **asdict(simulated.market.channels[index]),
        "reference_cny_per_week": simulated.market.reference[index],
        "roi_all": value.sum() / spend.sum(),
        "roi_52": value[-52:].sum() / spend[-52:].sum(),
        "spend_all": spend.sum(),
        "spend_52": spend[-52:].sum(),
        "contribution_all": value.sum(),
        "contribution_52": value[-52:].sum(),
        "share_of_spend_52": spend[-52:].sum() / simulated.spend[-52:].sum(),
        "share_of_visits_52": simulated.visits[-52:, index].sum() / simulated.visits[-52:].sum(),
        "share_of_kpi_52": value[-52:].sum() / simulated.kpi[-52:].sum(),
    }


def _plain(value: Any) -> Any:
    """JSON-ready copy: dates as text, numbers to ten digits, so that the file does not depend on the processor."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.10g}")
    return value.isoformat() if isinstance(value, date) else value
