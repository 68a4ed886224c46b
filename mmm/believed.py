"""What the priors say before any KPI is looked at: total media share, ROI and half-life of every channel.

The guard on total media is part of the prior, so its draws are weighted by it and taken again in proportion.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.extract import interval
from mmm.media import channel_weights, media_parameters, parameter_shapes
from mmm.model import MediaModel
from mmm.transforms import half_life_weeks

Floats = npt.NDArray[np.float64]

DRAWS = 20_000
KEPT = 4_000


def believed(model: MediaModel, seed: int = 1) -> dict[str, Any]:
    """Prior predictive summary.

    Returns
    -------
    dict
        ``media_share`` of the KPI, and for every learnt channel ``roi`` and ``half_life_weeks``: each with its mean and
        quantiles.
    """
    rng = np.random.default_rng([seed, 23])
    z = {name: rng.standard_normal((DRAWS, *shape)) for name, shape in parameter_shapes(model.form).items()}
    found = media_parameters(z, model.form, np)
    share = (found["roi"] * model.spend_share).sum(axis=2) @ model.value_weight
    kept = rng.choice(DRAWS, KEPT, p=_weights(model, share))
    weight = (model.spend_share * model.value_weight[:, None]) / (model.value_weight @ model.spend_share)
    roi = (found["roi"][kept] * weight).sum(axis=1)
    late = channel_weights({name: found[name][kept] for name in ("retention", "delay")}, model.form, np)
    return {
        "media_share": interval(share[kept]),
        "channels": {
            name: {"roi": interval(roi[:, c]), "half_life_weeks": interval(half_life_weeks(late[:, c]))}
            for c, name in enumerate(model.channels)
        },
    }


def _weights(model: MediaModel, share: Floats) -> Floats:
    """How much each draw counts under the guard on total media, array (draw,), summing to one."""
    if model.prior.total is None:
        return np.full(share.size, 1.0 / share.size)
    centre, sd = model.prior.total
    log = -0.5 * ((np.log(share) - centre) / sd) ** 2
    weight = np.exp(log - log.max())
    return np.asarray(weight / weight.sum())
