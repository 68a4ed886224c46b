"""How good a probabilistic forecast was."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def crps(draws: Floats, truth: Floats) -> Floats:
    """Continuous ranked probability score of draws (draw, ...) against a truth (...), in its unit; 0 is perfect.

    Source: Gneiting & Raftery 2007, "Strictly Proper Scoring Rules, Prediction, and Estimation", equation 21; the
    mean distance between two draws comes from their order statistics.
    """
    ordered = np.sort(draws, axis=0)
    count = ordered.shape[0]
    weight = (2 * np.arange(1, count + 1) - count - 1).reshape(-1, *(1,) * (ordered.ndim - 1))
    between = 2.0 * (weight * ordered).sum(axis=0) / count**2
    return np.asarray(np.abs(draws - truth).mean(axis=0) - 0.5 * between)


def covered(draws: Floats, truth: Floats, level: float = 0.9) -> npt.NDArray[np.bool_]:
    """Whether the central interval of the draws holds the truth."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray((truth >= low) & (truth <= high))
