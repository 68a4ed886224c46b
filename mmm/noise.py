"""What kind of noise the residuals ask for: remembered from week to week, growing with the level, heavy in the tails.

The model starts from independent normal noise of one size. Once it has been sampled, what is left unexplained is held
against richer noise by likelihood; where that is clearly better, the noise's correlation ``N`` (unit, week, week) is
fixed at its best value and the model is sampled again with covariance ``sigma^2 N`` instead of ``sigma^2 I``.

Source: feasible generalised least squares (Cochrane & Orcutt 1949; Harvey 1976 for noise that grows with the level);
weights of a Student t as its scale mixture (Lange, Little & Taylor 1989). The baseline is integrated out of the
likelihood, so that its flexibility does not hide the noise's memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.stats import kurtosis
from threadpoolctl import threadpool_limits

from mmm.baseline import Baseline

Floats = npt.NDArray[np.float64]

MEMORIES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)
GROWTHS = (0.0, 0.5, 1.0, 1.5)
WALKS = (0.0, 0.5, 1.0)  # multiples of the walk: memory and a slow baseline explain the same
CLEARLY = 3.0  # log likelihood that a kind of noise must add; 2.7 is one in a hundred by chance
HEAVY = 3.0  # excess kurtosis of the residuals
TAIL_FREEDOM = 4.0
LEAST_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a model.

    Attributes
    ----------
    memory : float
        Correlation of neighbouring weeks.
    growth : float
        The noise's sd goes with the expected KPI to this power.
    heavy_weeks : int
        Weeks (of all units) far out in heavy tails, which count less.
    size : array (unit, week) or None
        By what each week's sd is multiplied; None for independent noise of one size.
    """

    memory: float = 0.0
    growth: float = 0.0
    heavy_weeks: int = 0
    size: Floats | None = None

    @property
    def plain(self) -> bool:
        """Independent, normal and of one size."""
        return self.size is None

    @property
    def root(self) -> Floats | None:
        """Lower triangular root of the noise's correlation, array (unit, week, week); None for plain noise."""
        return None if self.size is None else _root(self.memory, self.size)

    def bands(self, units: int, weeks: int) -> tuple[Floats, Floats]:
        """The inverse of the root, which has two bands: factors of a week and of the week before, each (unit, week)."""
        size = np.ones((units, weeks)) if self.size is None else self.size
        fresh = np.full(weeks, np.sqrt(1.0 - self.memory**2))
        fresh[0] = 1.0
        before = np.concatenate([np.zeros((units, 1)), self.memory / size[:, :-1]], axis=1)
        return 1.0 / (size * fresh), -before / fresh

    def drawn(self, white: Floats) -> Floats:
        """Noise of unit size from independent standard normals, array (draw, unit, week)."""
        root = self.root
        return white if root is None else np.einsum("uij,nuj->nui", root, white, optimize=True)

    def whitened(self, values: Floats) -> Floats:
        """What independent standard normals the noise came from, array (draw, unit, week)."""
        if self.size is None:
            return values
        week, before = self.bands(*self.size.shape)
        shifted = np.concatenate([np.zeros_like(values[..., :1]), values[..., :-1]], axis=-1)
        return np.asarray(week * values + before * shifted)


def noise_of(kpi: Floats, media: Floats, baseline: Baseline, sigma: Floats, walk: float) -> Noise:
    """The noise that the residuals ask for.

    Parameters
    ----------
    kpi, media : array (unit, week)
        Scaled KPI, and the posterior mean of what media add.
    baseline : Baseline
    sigma : array (unit,)
        Posterior mean sd of the noise.
    walk : float
        Posterior mean sd of a step of the slow baseline.

    Returns
    -------
    Noise
        Plain unless another kind is clearly better.
    """
    # Many small factorisations: threads cost more than they give.
    with threadpool_limits(limits=1, user_api="blas"):
        return _noise_of(kpi, media, baseline, sigma, walk)


def _noise_of(kpi: Floats, media: Floats, baseline: Baseline, sigma: Floats, walk: float) -> Noise:
    residual = kpi - media
    independent = np.broadcast_to(np.eye(kpi.shape[1]), (*kpi.shape, kpi.shape[1]))
    unexplained = _unexplained(residual, independent, baseline, sigma, walk)
    level = kpi - unexplained
    size = np.maximum(level / level.mean(axis=1, keepdims=True), LEAST_LEVEL)

    def best(memory: float, growth: float) -> float:
        """Log likelihood at the best multiple of the walk."""
        root = _root(memory, size**growth)
        units = range(len(root))
        return max(
            sum(_log_likelihood(residual[u], root[u], baseline, u, sigma[u], share * walk) for u in units)
            for share in WALKS
        )

    growth = _clearly_best(GROWTHS, lambda value: best(0.0, value))
    memory = _clearly_best(MEMORIES, lambda value: best(value, growth))
    root = _root(memory, size**growth)
    spread, heavy = _heavy(residual, root, baseline, sigma, walk)
    if memory == growth == 0.0 and not heavy:
        return Noise()
    return Noise(memory, growth, heavy, size**growth * spread)


def _clearly_best(values: tuple[float, ...], log_likelihood: Callable[[float], float]) -> float:
    """The value of the highest likelihood; zero unless that is clearly higher than zero's."""
    fits = {value: log_likelihood(value) for value in values}
    found = max(fits, key=fits.__getitem__)
    return found if fits[found] - fits[0.0] >= CLEARLY else 0.0


def _root(memory: float, spread: Floats) -> Floats:
    """Root of an autoregressive correlation, each week with its own size: array (unit, week, week)."""
    weeks = spread.shape[1]
    apart = np.abs(np.subtract.outer(np.arange(weeks), np.arange(weeks)))
    return np.asarray(spread[:, :, None] * np.linalg.cholesky(memory**apart if memory else np.eye(weeks)))


def _covariance(root: Floats, baseline: Baseline, unit: int, sigma: float, walk: float) -> Floats:
    columns = baseline.fixed[unit] * baseline.fixed_sd
    steps = baseline.slow * walk
    return np.asarray(sigma**2 * (root @ root.T + columns @ columns.T) + steps @ steps.T)


def _log_likelihood(residual: Floats, root: Floats, baseline: Baseline, unit: int, sigma: float, walk: float) -> float:
    """Log density of one unit's residual, its overall size at its best value."""
    lower = np.linalg.cholesky(_covariance(root, baseline, unit, sigma, walk))
    white = solve_triangular(lower, residual, lower=True)
    return float(-np.log(np.diag(lower)).sum() - 0.5 * residual.size * np.log((white**2).mean()))


def _heavy(residual: Floats, root: Floats, baseline: Baseline, sigma: Floats, walk: float) -> tuple[Floats, int]:
    """By what heavy tails multiply each week's sd (unit, week), and how many weeks lie far out."""
    left = _unexplained(residual, root, baseline, sigma, walk)
    white = np.stack([solve_triangular(one, noise, lower=True) for one, noise in zip(root, left, strict=True)])
    core = 1.4826 * np.median(np.abs(white), axis=1, keepdims=True)
    if kurtosis(white.ravel()) < HEAVY:
        return np.ones_like(white), 0
    weight = (TAIL_FREEDOM + 1.0) / (TAIL_FREEDOM + (white / core) ** 2)
    return np.sqrt(1.0 / np.minimum(weight, 1.0)), int((weight < 0.5).sum())


def _unexplained(residual: Floats, root: Floats, baseline: Baseline, sigma: Floats, walk: float) -> Floats:
    """Expected noise once the baseline has explained what it can, array (unit, week)."""
    found = []
    for u, one in enumerate(residual):
        whole = _covariance(root[u], baseline, u, sigma[u], walk)
        found.append(sigma[u] ** 2 * (root[u] @ root[u].T) @ np.linalg.solve(whole, one))
    return np.stack(found)
