"""What a project says about its data and its model. Each class is YAML schema and documentation at once."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt


class Settings(BaseModel):
    """Base of all settings: immutable, unknown keys refused, every field documented."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class EventSettings(Settings):
    """A dated happening that shifts the baseline, such as a platform's change of policy."""

    name: str
    """Name shown in reports."""
    start: date
    """First day."""
    end: date | None = None
    """Last day; absent means it lasts to the end of the data."""


class SplitFiles(Settings):
    """Outcome and spend in two files."""

    outcome: str
    """File with one row per week (and unit): KPI and controls."""
    spend: str
    """File with spend: wide (a column per channel) or long (a row per week and channel)."""


class DataSettings(Settings):
    """Where the weekly data are and what their columns mean."""

    file: str | SplitFiles
    """A .csv, .parquet or .xlsx file, relative to the config; or ``{outcome: ..., spend: ...}``."""
    sheet: str | None = None
    """Sheet of an Excel file; absent means the first."""
    week: str = "week"
    """Column with any day of the week; it is aligned to that week's Monday."""
    week_starts: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    """The day on which weeks begin, where it is not Monday. Such a week goes by the Monday that is nearest to its first
    day (the Monday week holds most of its days); peaks and events fall into it by its own seven days."""
    frequency: Literal["weekly", "daily"] = "weekly"
    """What a row covers. ``daily`` rows become weeks from Monday to Sunday (or as ``week_starts`` says); weeks that
    lack days at either end of the data are left out, and named."""
    rollup: dict[str, Literal["sum", "mean"]] = {}
    """Daily data only: how a column becomes weekly where it is not as usual. Spend, the KPI, visits and attributed GMV
    are added up; controls are averaged; so is ``value_per_kpi``, each day counting by its KPI."""
    kpi: str
    """Column with the outcome: GMV in currency, or a count together with ``value_per_kpi``."""
    value_per_kpi: PositiveFloat | str | None = None
    """Currency per KPI unit: a number, or the column that holds it."""
    unit: str | None = None
    """Column that names the brand, market or geo; absent means one national series."""
    channel: str | None = None
    """Long data only: the column that names the channel (its values match the keys under ``channels``,
    or their ``spend`` names)."""
    spend: str = "spend"
    """Long data only: the column that holds the spend."""
    controls: tuple[str, ...] = ()
    """Columns that move the KPI but are not media: prices, competitors, store count."""
    events: tuple[EventSettings, ...] = ()
    """Dated happenings."""


class RoiPrior(Settings):
    """What is believed of ROI before the data: log-normal with this median and log-scale spread."""

    median: PositiveFloat
    """Median ROI: incremental KPI value per unit of spend."""
    sigma: Annotated[float, Field(gt=0, le=3)] = 0.9
    """Standard deviation of log ROI; 0.9 puts 90% between 0.23 and 4.4 times the median."""


class LongTerm(Settings):
    """Value that arrives after the model's window (repurchase), as a multiple of the short-term effect."""

    mean: PositiveFloat = 1.0
    """Mean multiplier."""
    sd: Annotated[float, Field(ge=0)] = 0.0
    """Its standard deviation."""


class Label(Settings):
    """A name to show, by language."""

    en: str | None = None
    """English."""
    zh: str | None = None
    """Chinese."""


class ChannelAdstock(Settings):
    """How a channel's effect carries over into later weeks."""

    family: Literal["geometric", "delayed", "binomial", "weibull"] = "geometric"
    """Shape of the carry-over: ``geometric`` fades by a constant share a week; ``delayed`` peaks some weeks later;
    ``binomial`` fades to nothing at ``max_lag``, with a long tail; ``weibull`` may rise first or have a long tail."""


class AdstockSettings(ChannelAdstock):
    """How effects carry over, for every channel that does not say otherwise."""

    max_lag: Annotated[int, Field(ge=1, le=52)] = 13
    """Last week that still counts."""


class SaturationSettings(Settings):
    """How the effect of spend flattens."""

    family: Literal["hill", "flexible", "logistic", "michaelis_menten", "tanh", "power"] = "hill"
    """Shape of the saturation. ``hill`` has a free slope, so S-curves are possible; ``flexible`` holds Hill and the
    exponential as ends of one family and averages over what lies between; the others are concave."""


class AttributedEvidence(Settings):
    """How far the GMV that platforms attribute to themselves is believed."""

    overstated: PositiveFloat = 2.0
    """Median factor by which attributed GMV exceeds what the channels really add."""
    common_sigma: Annotated[float, Field(gt=0, le=3)] = 0.5
    """Log sd of that factor, common to all channels."""
    sigma: Annotated[float, Field(gt=0, le=3)] = 0.6
    """Log sd of what is a channel's own: the smaller, the more the order of the channels is believed."""


class ChannelSettings(Settings):
    """A media channel: its columns, its place in the budget and what is believed of it."""

    spend: str | None = None
    """Column with the spend (wide data); absent means the channel's own name."""
    exposure: str | None = None
    """Column with impressions; kept for reports."""
    visits: str | None = None
    """Column with visits the channel brought."""
    attributed: str | None = None
    """Column with the GMV the platform attributes to the channel."""
    groups: tuple[str, ...] = ()
    """Groups that rules refer to; channels of the same first group share strength in the model."""
    category: str | None = None
    """Budget category."""
    label: Label = Label()
    """Names to show."""
    roi_prior: RoiPrior | None = None
    """Own ROI prior; absent means that of its group, or the pooled default."""
    adstock: ChannelAdstock | None = None
    """Own carry-over family; absent means the model's."""
    saturation: SaturationSettings | None = None
    """Own saturation family; absent means the model's."""
    long_term: LongTerm = LongTerm()
    """Long-term value multiplier."""
    weak_roi: PositiveFloat | None = None
    """Own threshold of the weak-ROI rule, overriding the rule's."""
    acquisitions_per_visit: PositiveFloat | None = None
    """Acquisitions (new customers, orders: what the project counts) per visit, such as 0.018; rules on the cost of an
    acquisition need it."""


class MediaShare(Settings):
    """Prior of the total media share of the KPI: a guard against crediting all media too much at once."""

    median: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Median share."""
    sigma: Annotated[float, Field(gt=0, le=3)] = 0.35
    """Standard deviation of its logarithm."""


class ModelSettings(Settings):
    """The model and its sampling."""

    adstock: AdstockSettings = AdstockSettings()
    """Carry-over."""
    saturation: SaturationSettings = SaturationSettings()
    """Saturation."""
    roi_prior: RoiPrior | None = None
    """Default ROI prior of channels without their own; absent: derived from the data's own totals."""
    group_roi_priors: dict[str, RoiPrior] = {}
    """ROI priors by group, for the group's channels without their own."""
    media_share: MediaShare = MediaShare()
    """Guard on the total media share; with a stated ``roi_prior`` it counts only when it is stated as well."""
    attributed_evidence: AttributedEvidence | None = None
    """Take the GMV that platforms attribute to their channels as weak evidence of ROI; absent: do not."""
    noise: Literal["auto", "plain"] = "auto"
    """``auto``: where the residuals clearly ask for it, the model is sampled again with noise that is remembered from
    week to week, grows with the level, or is heavy in the tails; ``plain``: independent, normal, of one size."""
    harmonics: Annotated[int, Field(ge=0, le=12)] = 3
    """Yearly Fourier pairs."""
    knot_weeks: Annotated[int, Field(ge=4, le=104)] = 13
    """Weeks between the knots of the slow baseline."""
    holdout_weeks: Annotated[int, Field(ge=0, le=52)] = 13
    """Last weeks that every fit forecasts from those before them, to be judged by; 0 leaves that out."""
    draws: Annotated[int, Field(ge=10)] = 1000
    """Kept draws per chain."""
    tune: Annotated[int, Field(ge=10)] = 1000
    """Warm-up draws per chain."""
    chains: Annotated[int, Field(ge=1, le=64)] = 4
    """Chains."""
    target_accept: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """NUTS target acceptance."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Random seed."""
    cores: PositiveInt | None = None
    """Processor cores for sampling; absent means all. Does not change the answer."""


class BacktestSettings(Settings):
    """How the model is tried on weeks held out."""

    origins: Annotated[int, Field(ge=1, le=52)] = 4
    """Times the past is cut off, one horizon apart."""
    horizon: Annotated[int, Field(ge=1, le=52)] = 13
    """Weeks forecast from each origin."""
    draws: Annotated[int, Field(ge=50)] = 500
    """Kept draws, and warm-up draws, per chain at each origin."""
