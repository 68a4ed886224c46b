"""The marginal likelihood of the KPI given media, in few operations: what the sampler evaluates at every step.

With noise ``sigma^2 N``, fixed columns ``Z`` (prior sd ``S sigma``) and a walk ``H`` (sd ``walk``), the residual r has
covariance ``sigma^2 A^-1 + walk^2 H H'`` where ``A = (N + Z S^2 Z')^-1``. The rotation that diagonalises it
(:mod:`mmm.baseline`) is as large as the series is long, but the walk moves in few directions ``P``, and ``A`` is
``N^-1``, which has two bands ``B``, less a part of few columns ``V``. So::

    r' A r = |B r|^2 - |V r|^2,      log density = -1/2 [ (r' A r - |P r|^2) / sigma^2 + sum_j (P r)_j^2 / s_j^2
                                                          + (weeks - steps) log sigma^2 + sum_j log s_j^2 ],
    s_j^2 = sigma^2 + walk^2 spread_j,

which costs a few dozen products a week instead of one with every other week.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any


def log_likelihood(data: Mapping[str, Any], residual: Any, sigma: Any, walk: Any, xp: ModuleType) -> Any:
    """Log density of all units' residuals, up to a constant.

    Parameters
    ----------
    data : mapping
        :meth:`mmm.baseline.Baseline.compact`, or the graph's variables of the same names.
    residual : array (unit, week)
        Scaled KPI less media.
    sigma, walk : array (unit,), array (1,)
    xp : module
        ``numpy``, or ``pytensor.tensor`` inside the graph.
    """
    before = xp.concatenate([xp.zeros_like(residual[:, :1]), residual[:, :-1]], axis=1)
    white = data["band_week"] * residual + data["band_before"] * before
    along = xp.matmul(data["columns"], residual[..., None])[..., 0]
    moved = xp.matmul(data["steps"], residual[..., None])[..., 0] ** 2
    variance = sigma**2
    spread = variance[:, None] + walk**2 * data["spread"]
    still = (white**2).sum(axis=1) - (along**2).sum(axis=1) - moved.sum(axis=1)
    freedom = residual.shape[1] - moved.shape[1]
    log_size = freedom * xp.log(variance) + xp.log(spread).sum(axis=1)
    return -0.5 * (still / variance + (moved / spread).sum(axis=1) + log_size).sum()
