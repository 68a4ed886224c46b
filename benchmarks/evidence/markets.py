"""Foreign markets: three generating families whose curves, carry-over, baseline and spending are not the model's.

Each family is a :class:`Draft` drawn from a seed; :func:`market` turns it into data with known truth. Ranges were set
once, from what the field reports, and are not tuned to any model:

================  ==============================  ==============================  ================================
family            ``logistic``                    ``flighted``                    ``demand``
================  ==============================  ==============================  ================================
saturation        logistic of a power of stock    Hill, two in five S-shaped      power or logarithm
carry-over        geometric                       delayed or Weibull              short and long decay mixed
baseline          trend, seasons, a control       weekly random walk, seasons     growth x seasons x peaks
noise             first-order autoregressive      independent                     multiplicative
spending          one common wave, correlated     bursts and pauses               follows season, peaks and sales
media effect      constant                        constant                        multiplied by season and peaks
================  ==============================  ==============================  ================================

A fourth family, ``own``, is no test of the model but of the yardstick: its curves and carry-over are drawn from the
model's own priors and its baseline is what the model thinks it is. There, what the model captures less than the oracle
is the price of not knowing the shapes, which nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmm.calendar import NO_PEAKS, Calendar, intensity, read_calendar, week_range
from mmm.panel import Panel
from mmm.priors import HALF_SATURATION, RETENTION, SLOPE
from mmm.transforms import lagged

Floats = npt.NDArray[np.float64]
Level = Callable[[Floats], Floats]

FAMILIES = ("logistic", "flighted", "demand")
OWN = "own"
FIRST_WEEK = date(2024, 10, 7)
BURN_IN = 30  # weeks before the data whose effect still arrives, unseen by any model
PLAN_WEEKS = 13
LONGEST_LAG = 26
WEEKLY_KPI = 1e6
UNIT_SPREAD = 0.25

SHARE = (0.08, 0.35)  # media share of the KPI, uniform
ROI_SPREAD = (0.3, 1.0)  # sd of log ROI over channels, uniform
NOISE = (0.03, 0.12)  # sd of a week's noise over the mean KPI, log-uniform


@dataclass(frozen=True, slots=True)
class Draft:
    """What a family draws, before anything is scaled. All weeks run from the burn-in to the end of the plan's tail.

    Attributes
    ----------
    levels : tuple of callable
        Saturation of each channel: level by stock over its usual spend.
    weights : array (channel, lag)
        Normalised carry-over.
    effect : array (all week, channel)
        By what each week multiplies a channel's effect.
    baseline : array (unit, all week)
        About one.
    control : array (unit, all week, control)
    spend : array (unit, all week, channel)
        About one; weeks after the data are not used.
    reaction : array (channel,)
        Log spend per log of the last four weeks' sales over their mean.
    wander : array (week, week)
        Root of the covariance of what the baseline does at random in the data's weeks, over the baseline.
    course : array (week, column)
        Columns that hold the baseline's steady part where the model's own columns cannot; known to the oracle only.
    memory : float
        Autocorrelation of the noise.
    multiplicative : bool
        Noise is in proportion to the week's expected KPI.
    """

    levels: tuple[Level, ...]
    weights: Floats
    effect: Floats
    baseline: Floats
    control: Floats
    spend: Floats
    reaction: Floats
    wander: Floats
    course: Floats
    memory: float
    multiplicative: bool


@dataclass(frozen=True, slots=True)
class TrueMarket:
    """Data with known truth.

    Attributes
    ----------
    family, seed
    panel : Panel
        What a model sees.
    calendar : Calendar
        Peaks, known to the model too.
    levels, weights, effect, course
        As in :class:`Draft`.
    scale : array (unit, channel)
        Currency per week at level one.
    usual : array (unit, channel)
        Spend that counts as stock one, currency per week.
    history : array (unit, burn-in + week, channel)
        Spend, currency per week.
    contribution : array (unit, week, channel)
        Currency per week.
    whitener : array (unit, week, week)
        Makes the noise of scaled KPI independent with sd ``noise``.
    wander : array (unit, week, week)
        Root of the covariance of the baseline's random part, in scaled KPI.
    share, roi_spread, noise : float
        What was drawn from the ranges above.
    """

    family: str
    seed: int
    panel: Panel
    calendar: Calendar
    levels: tuple[Level, ...]
    weights: Floats
    effect: Floats
    scale: Floats
    usual: Floats
    history: Floats
    contribution: Floats
    whitener: Floats
    wander: Floats
    course: Floats
    share: float
    roi_spread: float
    noise: float

    @property
    def roi(self) -> Floats:
        """True ROI of all weeks and units, array (channel,)."""
        return np.asarray(self.contribution.sum(axis=(0, 1)) / self.panel.spend.sum(axis=(0, 1)))

    @property
    def base(self) -> Floats:
        """Mean weekly spend of the last 13 weeks, array (unit, channel)."""
        return np.asarray(self.panel.spend[:, -PLAN_WEEKS:].mean(axis=1))

    @property
    def elasticity(self) -> Floats:
        """Per cent of a channel's contribution that one per cent more spend adds, all units, array (channel,)."""
        more = response(self.levels, self.weights, self.effect, 1.01 * self.history / self.usual[:, None])[:, BURN_IN:]
        gain = ((more - self.shapes()) * self.scale[:, None]).sum(axis=(0, 1))
        return np.asarray(gain / self.contribution.sum(axis=(0, 1)) / 0.01)

    def shapes(self) -> Floats:
        """Effect of the data's weeks at scale one, array (unit, week, channel)."""
        return np.asarray(
            response(self.levels, self.weights, self.effect, self.history / self.usual[:, None])[:, BURN_IN:]
        )

    def planned(self, multiples: Floats) -> Floats:
        """What each line adds at scale one, at multiples of its base in the 13 weeks after the data.

        Counts the plan's weeks and the tail, in which spend goes on at the base, less what the same weeks bring
        without the plan's spend.

        Returns
        -------
        array (multiple, unit, channel)
        """
        return np.stack([self._after_data(m) - self._after_data(0.0) for m in multiples])

    def changed(self, channel: int, first: int, weeks: int, factor: float) -> Floats:
        """Effect at scale one, in some weeks of the data, of a factor on a channel's spend in them, array (unit,)."""
        path = self.history / self.usual[:, None]
        other = path.copy()
        other[:, BURN_IN + first : BURN_IN + first + weeks, channel] *= factor
        gain = response(self.levels, self.weights, self.effect, other) - response(
            self.levels, self.weights, self.effect, path
        )
        return np.asarray(gain[:, BURN_IN + first : BURN_IN + first + weeks, channel].sum(axis=1))

    def _after_data(self, multiple: float) -> Floats:
        base = self.base[:, None] / self.usual[:, None]
        plan, tail = np.repeat(multiple * base, PLAN_WEEKS, axis=1), np.repeat(base, LONGEST_LAG, axis=1)
        path = np.concatenate([self.history / self.usual[:, None], plan, tail], axis=1)
        after = response(self.levels, self.weights, self.effect, path)
        return np.asarray(after[:, self.history.shape[1] :].sum(axis=1))


def response(levels: tuple[Level, ...], weights: Floats, effect: Floats, stock: Floats) -> Floats:
    """Effect at scale one of spend over usual spend (unit, week, channel); spend was steady before the first week."""
    lags = lagged(stock, weights.shape[1] - 1, np.repeat(stock[:, :1], weights.shape[1] - 1, axis=1))
    carried = (lags * weights).sum(axis=-1)
    level = np.stack([one(carried[..., c]) for c, one in enumerate(levels)], axis=-1)
    return np.asarray(level * effect[: stock.shape[1]])


def market(family: str, seed: int, *, units: int = 1) -> TrueMarket:
    """Draw a market: 130-156 weeks, 5-8 channels; the same seed and family give the same market."""
    rng = np.random.default_rng([list(DRAW).index(family), seed])
    weeks, channels = int(rng.integers(130, 157)), 5 + seed % 4
    share, spread = rng.uniform(*SHARE), rng.uniform(*ROI_SPREAD)
    noise = float(np.exp(rng.uniform(*np.log(NOISE))))
    calendar = read_calendar("china-ecommerce", Path()) if family == "demand" else Calendar(NO_PEAKS, ())
    draft = DRAW[family](rng, weeks, channels, units, calendar)
    return _realised(rng, draft, family, seed, weeks, calendar, (share, spread, noise))


def _realised(
    rng: np.random.Generator,
    draft: Draft,
    family: str,
    seed: int,
    weeks: int,
    calendar: Calendar,
    drawn: tuple[float, float, float],
) -> TrueMarket:
    """Scale the draft to the drawn media share and noise, let it run, and keep the truth."""
    share, spread, noise = drawn
    units, _, channels = draft.spend.shape
    past = BURN_IN + weeks
    size = np.exp(0.5 * rng.standard_normal(units)) if units > 1 else np.ones(1)
    worth = np.exp(spread * rng.standard_normal(channels))
    if units > 1:
        worth = worth * np.exp(UNIT_SPREAD * rng.standard_normal((units, channels)))
    shock = autoregressive(rng, (units, past), draft.memory)
    spend, media, expected = _settled(draft, size, np.atleast_2d(worth), share, noise, shock, past)
    money = (
        share
        * WEEKLY_KPI
        * size.sum()
        / (2.0 * spend[:, BURN_IN:].mean(axis=1).sum())
        * np.exp(0.3 * rng.standard_normal())
    )
    history = np.round(spend * money, 2)
    kpi = expected + noise * shock * _amplitude(draft, expected)
    contribution = WEEKLY_KPI * media[:, BURN_IN:]
    usual = money * draft.spend[:, BURN_IN:past].mean(axis=1) * size[:, None]
    unscaled = response(draft.levels, draft.weights, draft.effect, history / usual[:, None])[:, BURN_IN:]
    panel = _panel(draft, week_range(FIRST_WEEK, weeks), WEEKLY_KPI * kpi[:, BURN_IN:], history[:, BURN_IN:], past)
    return TrueMarket(
        family=family,
        seed=seed,
        panel=panel,
        calendar=calendar,
        levels=draft.levels,
        weights=draft.weights,
        effect=draft.effect,
        scale=contribution.sum(axis=1) / unscaled.sum(axis=1),
        usual=usual,
        history=history,
        contribution=contribution,
        whitener=_whitener(draft, expected[:, BURN_IN:]),
        wander=_relative(expected - media.sum(axis=2), expected)[..., None] * draft.wander,
        course=draft.course,
        share=share,
        roi_spread=spread,
        noise=noise,
    )


def _settled(
    draft: Draft, size: Floats, worth: Floats, share: float, noise: float, shock: Floats, past: int
) -> tuple[Floats, Floats, Floats]:
    """Spend, media and expected KPI of all past weeks, over the mean weekly KPI of a unit of size one.

    Spend may react to sales, which spend moves: scales and sales are run until media have their share.
    """
    spend = draft.spend[:, :past] * size[:, None, None]
    usual = spend[:, BURN_IN:].mean(axis=1)
    base = draft.baseline[:, :past] / draft.baseline[:, BURN_IN:past].mean(axis=1, keepdims=True)
    base = (1.0 - share) * size[:, None] * base
    for last in (*[False] * 8, True):
        shape = response(draft.levels, draft.weights, draft.effect, spend / usual[:, None])
        seen = spend[:, BURN_IN:].sum(axis=1)
        wanted = share * size.sum() * worth * seen / (worth * seen).sum()  # mean weekly contribution (unit, channel)
        media = shape * (wanted / shape[:, BURN_IN:].mean(axis=1))[:, None]
        expected = base + media.sum(axis=2)
        if last or not draft.reaction.any():
            break
        kpi = expected + noise * shock * _amplitude(draft, expected)
        recent = np.stack([kpi[:, max(0, t - 4) : max(1, t)].mean(axis=1) for t in range(past)], axis=1)
        mood = np.log(np.maximum(recent / kpi.mean(axis=1, keepdims=True), 0.2))
        spend = draft.spend[:, :past] * size[:, None, None] * np.exp(mood[..., None] * draft.reaction)
    return spend, media, expected


def _amplitude(draft: Draft, expected: Floats) -> Floats:
    """What one sd of relative noise is worth, array (unit, week)."""
    mean = np.broadcast_to(expected[:, BURN_IN:].mean(axis=1, keepdims=True), expected.shape)
    return expected if draft.multiplicative else mean


def _relative(part: Floats, expected: Floats) -> Floats:
    """Part of the expected KPI over its mean, in the data's weeks, array (unit, week)."""
    return np.asarray(part[:, BURN_IN:] / expected[:, BURN_IN:].mean(axis=1, keepdims=True))


def _whitener(draft: Draft, expected: Floats) -> Floats:
    """Undo the noise's proportions and its autocorrelation, array (unit, week, week)."""
    units, weeks = expected.shape
    undo = np.eye(weeks)
    if draft.memory:
        fresh = np.sqrt(1.0 - draft.memory**2)
        undo[1:] = (np.eye(weeks)[1:] - draft.memory * np.eye(weeks)[:-1]) / fresh
    relative = expected / expected.mean(axis=1, keepdims=True) if draft.multiplicative else np.ones((units, weeks))
    return np.asarray(undo[None] / relative[:, None, :])


def _panel(draft: Draft, weeks: tuple[date, ...], kpi: Floats, spend: Floats, past: int) -> Panel:
    units, channels = spend.shape[0], spend.shape[2]
    unknown = np.full(spend.shape, np.nan)
    controls = draft.control[:, BURN_IN:past]
    return Panel(
        weeks=weeks,
        units=("national",) if units == 1 else tuple(f"unit_{u + 1}" for u in range(units)),
        channels=tuple(f"channel_{c + 1}" for c in range(channels)),
        controls=tuple(f"control_{k + 1}" for k in range(controls.shape[2])),
        kpi=np.round(np.maximum(kpi, 0.0), 2),
        value_per_kpi=np.ones(kpi.shape),
        spend=spend,
        control=controls.copy(),
        visits=unknown,
        attributed=unknown.copy(),
    )


# The families ---------------------------------------------------------------------------------------------------------


def logistic_market(rng: np.random.Generator, weeks: int, channels: int, units: int, _calendar: Calendar) -> Draft:
    """Logistic saturation of a power of the stock, geometric carry-over, autocorrelated noise, correlated spending."""
    span = BURN_IN + weeks + PLAN_WEEKS + LONGEST_LAG
    powers, rates = rng.uniform(0.7, 1.5, channels), np.exp(0.5 * rng.standard_normal(channels))
    season = seasonal(rng, span, (0.07, 0.035))
    control = autoregressive(rng, (units, span), 0.8)
    trend = rng.uniform(-0.05, 0.15) * np.arange(span) / 52
    common = autoregressive(rng, (span,), 0.7)[:, None] * rng.uniform(0.25, 0.5, channels)
    own = autoregressive(rng, (units, channels, span), 0.4).transpose(0, 2, 1) * rng.uniform(0.15, 0.35, channels)
    follow = rng.uniform(0.0, 1.5, channels) * season[:, None]
    return Draft(
        levels=tuple(_logistic(rate, power) for rate, power in zip(rates, powers, strict=True)),
        weights=normalised(rng.uniform(0.1, 0.75, channels)[:, None] ** np.arange(LONGEST_LAG + 1)),
        effect=np.ones((span, channels)),
        baseline=1.0 + trend + season + rng.uniform(0.02, 0.06) * control,
        control=control[..., None],
        spend=sizes(rng, channels) * np.exp(common + own + follow),
        reaction=np.zeros(channels),
        wander=np.zeros((weeks, weeks)),
        course=np.empty((weeks, 0)),
        memory=rng.uniform(0.2, 0.6),
        multiplicative=False,
    )


def flighted_market(rng: np.random.Generator, weeks: int, channels: int, units: int, _calendar: Calendar) -> Draft:
    """Hill curves, some S-shaped; delayed carry-over; a baseline that wanders each week; spending in bursts."""
    span = BURN_IN + weeks + PLAN_WEEKS + LONGEST_LAG
    steep = rng.random(channels) < 0.4
    slopes = np.where(steep, rng.uniform(1.5, 3.0, channels), rng.uniform(0.7, 1.2, channels))
    halves = np.exp(0.5 * rng.standard_normal(channels))
    step = rng.uniform(0.004, 0.012)
    walk = step * np.cumsum(rng.standard_normal((units, span)), axis=1)
    steady = np.exp(0.25 * autoregressive(rng, (units, channels, span), 0.5)).transpose(0, 2, 1)
    bursts = np.stack([flights(rng, span) for _ in range(channels)], axis=1)
    return Draft(
        levels=tuple(_hill(half, slope) for half, slope in zip(halves, slopes, strict=True)),
        weights=np.stack([_late_weights(rng) for _ in range(channels)]),
        effect=np.ones((span, channels)),
        baseline=np.exp(walk + seasonal(rng, span, (0.06, 0.03))),
        control=np.empty((units, span, 0)),
        spend=sizes(rng, channels) * bursts * steady,
        reaction=np.zeros(channels),
        wander=step * np.tril(np.ones((weeks, weeks))),
        course=np.empty((weeks, 0)),
        memory=0.0,
        multiplicative=False,
    )


def demand_market(rng: np.random.Generator, weeks: int, channels: int, units: int, calendar: Calendar) -> Draft:
    """Curves without a ceiling; season and peaks multiply everything; budgets follow demand and recent sales."""
    span = BURN_IN + weeks + PLAN_WEEKS + LONGEST_LAG
    days = week_range(FIRST_WEEK, weeks + PLAN_WEEKS + LONGEST_LAG)
    peak = np.concatenate([np.zeros(BURN_IN), intensity(calendar, days)])
    season = seasonal(rng, span, (0.12, 0.05))
    demand = np.exp(season) * (1.0 + rng.uniform(0.3, 0.8) * peak)
    growth = np.exp(rng.uniform(-0.03, 0.15) * np.arange(span) / 52)
    wave = 0.03 * autoregressive(rng, (units, span), 0.9)
    apart = np.abs(np.subtract.outer(np.arange(weeks), np.arange(weeks)))
    own = autoregressive(rng, (units, channels, span), 0.3).transpose(0, 2, 1) * rng.uniform(0.15, 0.4, channels)
    planned = rng.uniform(0.4, 1.3, channels) * np.log(demand)[:, None]
    fast, slow = rng.uniform(0.05, 0.5, channels), rng.uniform(0.7, 0.9, channels)
    long = rng.uniform(0.1, 0.4, channels)
    lags = np.arange(LONGEST_LAG + 1)
    mixed = (1 - long)[:, None] * normalised(fast[:, None] ** lags) + long[:, None] * normalised(slow[:, None] ** lags)
    return Draft(
        levels=tuple(_unbounded(rng) for _ in range(channels)),
        weights=mixed,
        effect=demand[:, None] ** rng.uniform(0.4, 1.0, channels),
        baseline=growth * demand * np.exp(wave),
        control=np.empty((units, span, 0)),
        spend=sizes(rng, channels) * np.exp(planned + own),
        reaction=rng.uniform(0.0, 0.8, channels),
        wander=0.03 * np.linalg.cholesky(0.9**apart),
        course=demand[BURN_IN : BURN_IN + weeks, None] * np.stack([np.ones(weeks), np.linspace(-1, 1, weeks)], axis=1),
        memory=0.0,
        multiplicative=True,
    )


def own_market(rng: np.random.Generator, weeks: int, channels: int, units: int, calendar: Calendar) -> Draft:
    """The spending of ``logistic``, on curves and carry-over drawn from the model's priors; independent noise."""
    other = logistic_market(rng, weeks, channels, units, calendar)
    halves, slopes = (median * np.exp(sd * rng.standard_normal(channels)) for median, sd in (HALF_SATURATION, SLOPE))
    retention = 1.0 / (1.0 + np.exp(-(RETENTION[0] + RETENTION[1] * rng.standard_normal(channels))))
    return replace(
        other,
        levels=tuple(_hill(half, slope) for half, slope in zip(halves, slopes, strict=True)),
        weights=normalised(retention[:, None] ** np.arange(LONGEST_LAG + 1)),
        memory=0.0,
    )


DRAW: dict[str, Callable[[np.random.Generator, int, int, int, Calendar], Draft]] = {
    "logistic": logistic_market,
    "flighted": flighted_market,
    "demand": demand_market,
    OWN: own_market,
}


def _logistic(rate: float, power: float) -> Level:
    return lambda stock: np.tanh(0.5 * rate * stock**power)


def _hill(half: float, slope: float) -> Level:
    return lambda stock: stock**slope / (stock**slope + half**slope)


def _unbounded(rng: np.random.Generator) -> Level:
    if rng.random() < 0.5:
        power = rng.uniform(0.3, 0.8)
        return lambda stock: stock**power
    half = float(np.exp(rng.normal(-0.5, 0.7)))
    return lambda stock: np.log1p(stock / half)


def _late_weights(rng: np.random.Generator) -> Floats:
    """Carry-over that peaks after 0-3 weeks, or Weibull's density."""
    lags = np.arange(LONGEST_LAG + 1)
    if rng.random() < 0.5:
        return normalised(rng.uniform(0.3, 0.8) ** ((lags - rng.uniform(0, 3)) ** 2 / 2))
    shape, scale = rng.uniform(0.8, 2.5), rng.uniform(1.0, 4.0)
    time = (lags + 0.5) / scale
    return normalised(time ** (shape - 1) * np.exp(-(time**shape)))


def normalised(weights: Floats) -> Floats:
    """Weights that sum to one over the last axis."""
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def sizes(rng: np.random.Generator, channels: int) -> Floats:
    """Relative size of the channels' budgets, array (channel,)."""
    return np.asarray(np.exp(0.6 * rng.standard_normal(channels)))


def seasonal(rng: np.random.Generator, span: int, sds: tuple[float, float]) -> Floats:
    """Two yearly harmonics with random phases, array (all week,)."""
    angle = 2 * np.pi * (np.arange(span) - BURN_IN) * 7 / 365.25
    waves = [sd * rng.normal(size=2) @ np.stack([np.sin(k * angle), np.cos(k * angle)]) for k, sd in enumerate(sds, 1)]
    return np.asarray(np.sum(waves, axis=0))


def flights(rng: np.random.Generator, span: int) -> Floats:
    """Bursts of 2-8 weeks between pauses of 1-8 weeks at a tenth or none of the money; one in three is always on."""
    if rng.random() < 1 / 3:
        return np.ones(span)
    quiet, on, series = rng.choice([0.0, 0.1, 0.3]), bool(rng.random() < 0.5), np.empty(0)
    while series.size < span:
        length = rng.integers(2, 9) if on else rng.integers(1, 9)
        strength = rng.uniform(0.6, 1.8) if on else quiet
        series, on = np.concatenate([series, np.full(length, strength)]), not on
    return series[:span]


def autoregressive(rng: np.random.Generator, shape: tuple[int, ...], memory: float) -> Floats:
    """First-order autoregressive series of unit variance along the last axis."""
    series = rng.standard_normal(shape)
    for t in range(1, shape[-1]):
        series[..., t] = memory * series[..., t - 1] + np.sqrt(1 - memory**2) * series[..., t]
    return series
