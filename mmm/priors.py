"""What is believed before the data, in finance's language: ROI, shares of the KPI, half-lives and curve shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmm.settings import ChannelSettings, ModelSettings, RoiPrior

Floats = npt.NDArray[np.float64]

# Priors of the shapes, as (median, log sd) or (logit mean, logit sd); judged over many markets, see docs/evidence.
RETENTION = (-0.5, 0.9)
DELAY_WEEKS = (1.0, 0.5)
WEIBULL_SHAPE = (1.0, 0.4)
HALF_SATURATION = (1.2, 0.6)
SLOPE = (1.1, 0.3)
POWER = (0.85, 0.5)  # logit: the exponent of a power curve is about 0.7, and below one
TAIL = (2.0, 0.8)
NOISE = (0.07, 0.7)
WALK = (0.015, 0.8)
ROI_SPREAD = (0.5, 0.4)
GROUP_SPREAD = 0.3
CENTRE_SPREAD = 0.7
UNIT_SPREAD = (0.25, 0.4)
KAPPA_MEAN = (0.3, 0.3)
KAPPA_SPREAD = (0.15, 0.5)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of every channel's ROI.

    Attributes
    ----------
    own_location, own_spread : array (channel,)
        Median (log) and log sd of channels with a stated ROI prior; zeros elsewhere.
    pooled : array (channel,)
        1.0 for channels that share the pooled prior, 0.0 for those with their own.
    group : array (channel,) of int
        Pooling group of each channel.
    centre, centre_spread : float
        Log of the pooled median ROI and its sd.
    roi_spread : (median, log sd)
        Spread of log ROI between pooled channels.
    total : (log median, sd) or None
        Guard on the log of the total media share of the KPI.
    """

    own_location: Floats
    own_spread: Floats
    pooled: Floats
    group: npt.NDArray[np.int64]
    centre: float
    centre_spread: float
    roi_spread: tuple[float, float]
    total: tuple[float, float] | None

    @property
    def groups(self) -> int:
        """Number of pooling groups."""
        return int(self.group.max()) + 1 if self.group.size else 0


def stated_roi(channel: ChannelSettings, settings: ModelSettings) -> RoiPrior | None:
    """The ROI prior stated for a channel: its own, or that of the first of its groups that has one."""
    if channel.roi_prior is not None:
        return channel.roi_prior
    return next((settings.group_roi_priors[name] for name in channel.groups if name in settings.group_roi_priors), None)


def build_prior(
    channels: Mapping[str, ChannelSettings], settings: ModelSettings, spend_share: Floats, weights: Floats
) -> Prior:
    """Turn the project's beliefs, or their scale-free default, into numbers.

    Parameters
    ----------
    channels : mapping
        The channels that are learnt, in order.
    settings : ModelSettings
    spend_share : array (unit, channel)
        Spend over KPI value.
    weights : array (unit,)
        Share of each unit in the KPI value.
    """
    total_share = float((spend_share.sum(axis=1) * weights).sum())
    own = [stated_roi(channel, settings) for channel in channels.values()]
    names = [channel.groups[0] if channel.groups else "" for channel in channels.values()]
    order = {name: index for index, name in enumerate(dict.fromkeys(names))}
    stated, guard = settings.roi_prior, settings.media_share
    # A stated default says where ROI lies, so the guard derived from the data steps back unless it is stated as well.
    guarded = stated is None or "media_share" in settings.model_fields_set
    return Prior(
        own_location=np.array([np.log(p.median) if p else 0.0 for p in own]),
        own_spread=np.array([p.sigma if p else 0.0 for p in own]),
        pooled=np.array([0.0 if p else 1.0 for p in own]),
        group=np.array([order[name] for name in names], dtype=np.int64),
        centre=float(np.log(stated.median if stated else guard.median / total_share)),
        centre_spread=0.5 * stated.sigma if stated else CENTRE_SPREAD,
        roi_spread=(0.85 * stated.sigma, 0.25) if stated else ROI_SPREAD,
        total=(float(np.log(guard.median)), guard.sigma) if guarded else None,
    )
