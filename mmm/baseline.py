"""The baseline: everything that is not media, kept out of the sampler by exact marginalisation.

With fixed columns ``Z`` (intercept, trend, seasons, peaks, events, controls; prior ``N(0, (s_k sigma)^2)``) and a
random walk ``H`` on quarterly knots (prior ``N(0, walk^2)``), the KPI given media is normal with covariance

    sigma^2 (I + Z S^2 Z') + walk^2 H H'.

Whitening by the first bracket and rotating onto the eigenvectors of the whitened ``H H'`` makes that covariance
diagonal for *every* sigma and walk: ``rotation (y - media)`` is independent with variance ``sigma^2 + walk^2 spread``.
So the likelihood needs one matrix product and no Cholesky, and the exact draws of the baseline come back after
sampling by Matheron's rule. See docs/decisions/0002.

Source: the collapsed likelihood is the marginal of a conjugate normal regression (Gelman et al. 2013, "Bayesian Data
Analysis", ch. 14); the rotation follows Lippert et al. 2011, "FaST linear mixed models".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmm.calendar import Calendar, baseline_columns
from mmm.panel import Panel
from mmm.settings import EventSettings, ModelSettings

Floats = npt.NDArray[np.float64]

WEEKS_A_YEAR = 365.25 / 7

# Prior standard deviations of the fixed columns, in units of the residual's. Wide: the data decide.
INTERCEPT_SD = 1000.0
TREND_SD = 300.0
SEASON_SD = 30.0
EVENT_SD = 50.0
CONTROL_SD = 10.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """Design of the baseline and the rotation that makes its marginal likelihood diagonal.

    Attributes
    ----------
    names, parts : tuple of str
        Column names, and the component each belongs to: intercept, trend, season, event, control.
    fixed : array (unit, week, column)
    fixed_sd : array (column,)
        Prior sd in units of the residual's sd.
    slow : array (week, knot)
        Random-walk basis; a coefficient is one quarterly step.
    rotation : array (unit, week, week)
    spread : array (unit, week)
        Variance of each rotated residual is ``sigma^2 + walk^2 * spread``.
    """

    names: tuple[str, ...]
    parts: tuple[str, ...]
    fixed: Floats
    fixed_sd: Floats
    slow: Floats
    rotation: Floats
    spread: Floats


def seasons(positions: Floats, harmonics: int) -> Floats:
    """Yearly Fourier pairs, array (week, 2 * harmonics)."""
    angles = 2 * np.pi * positions[:, None] * np.arange(1, harmonics + 1) / WEEKS_A_YEAR
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def walk_basis(weeks: int, knot_weeks: int) -> Floats:
    """Random walk on knots ``knot_weeks`` apart, straight between them, zero at the first: array (week, knot)."""
    knots = max(2, round((weeks - 1) / knot_weeks) + 1)
    places = np.linspace(0, weeks - 1, knots)
    hats = np.stack([np.interp(np.arange(weeks), places, row) for row in np.eye(knots)], axis=1)
    return np.asarray(hats @ np.tril(np.ones((knots, knots)))[:, 1:])


def standardised(columns: Floats) -> Floats:
    """Columns with mean zero and unit spread; a column that never varies becomes zeros."""
    spread = columns.std(axis=-2, keepdims=True)
    return np.asarray((columns - columns.mean(axis=-2, keepdims=True)) / np.where(spread > 0, spread, 1.0))


def rotate(fixed: Floats, fixed_sd: Floats, slow: Floats) -> tuple[Floats, Floats]:
    """Rotation (week, week) and spread (week,) of one unit; see the module's text."""
    weeks = fixed.shape[0]
    values, vectors = np.linalg.eigh(np.eye(weeks) + (fixed * fixed_sd**2) @ fixed.T)
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    spread, directions = np.linalg.eigh(whiten @ slow @ slow.T @ whiten)
    return np.asarray(directions.T @ whiten), np.clip(spread, 0.0, None)


def build_baseline(
    panel: Panel, calendar: Calendar, events: Sequence[EventSettings], settings: ModelSettings
) -> Baseline:
    """Assemble the baseline's columns for every unit and precompute its rotation."""
    weeks = len(panel.weeks)
    position = np.arange(weeks, dtype=np.float64)
    event_names, event_columns = baseline_columns(calendar, events, panel.weeks)
    yearly = seasons(position, settings.harmonics)
    shared = [np.ones((weeks, 1)), (position / weeks - 0.5)[:, None], yearly, event_columns]
    sizes = [block.shape[1] for block in shared] + [len(panel.controls)]
    parts = np.repeat(["intercept", "trend", "season", "event", "control"], sizes)
    sds = np.repeat([INTERCEPT_SD, TREND_SD, SEASON_SD, EVENT_SD, CONTROL_SD], sizes)
    names = (
        "intercept",
        "trend",
        *(f"{wave}{k}" for wave in ("sin", "cos") for k in range(1, settings.harmonics + 1)),
        *event_names,
        *panel.controls,
    )
    common = np.broadcast_to(np.concatenate(shared, axis=1), (len(panel.units), weeks, sum(sizes[:-1])))
    fixed = np.concatenate([common, standardised(panel.control)], axis=2)
    slow = walk_basis(weeks, settings.knot_weeks)
    turned = [rotate(unit, sds, slow) for unit in fixed]
    return Baseline(
        names=names,
        parts=tuple(parts.tolist()),
        fixed=fixed,
        fixed_sd=sds,
        slow=slow,
        rotation=np.stack([rotation for rotation, _ in turned]),
        spread=np.stack([spread for _, spread in turned]),
    )


def baseline_draws(
    baseline: Baseline, residual: Floats, sigma: Floats, walk: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """Exact conditional draws of the baseline's components, by Matheron's rule.

    Parameters
    ----------
    baseline : Baseline
    residual : array (draw, unit, week)
        KPI minus media, scaled by the unit's mean KPI.
    sigma, walk : array (draw, unit)
        Residual sd and sd of a quarterly step, scaled alike.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        Component name (a part, or "slow") to array (draw, unit, week).

    Notes
    -----
    A prior draw is corrected by the covariance of what was seen: exact for normal variables, and no matrix is
    factorised. Source: Wilson et al. 2020, "Efficiently Sampling Functions from Gaussian Process Posteriors", eq. 5.
    """
    draws, units, weeks = residual.shape
    found: dict[str, Floats] = {part: np.empty((draws, units, weeks)) for part in dict.fromkeys(baseline.parts)}
    found["slow"] = np.empty((draws, units, weeks))
    for unit in range(units):
        columns = baseline.fixed[unit]
        noise_sd, step_sd = sigma[:, unit, None], walk[:, unit, None]
        weights = rng.standard_normal((draws, columns.shape[1])) * baseline.fixed_sd * noise_sd
        steps = rng.standard_normal((draws, baseline.slow.shape[1])) * step_sd
        seen = weights @ columns.T + steps @ baseline.slow.T + noise_sd * rng.standard_normal((draws, weeks))
        variance = noise_sd**2 + step_sd**2 * baseline.spread[unit]
        turn = baseline.rotation[unit]
        surprise = (((residual[:, unit] - seen) @ turn.T) / variance) @ turn
        weights = weights + (surprise @ columns) * (baseline.fixed_sd * noise_sd) ** 2
        steps = steps + (surprise @ baseline.slow) * step_sd**2
        found["slow"][:, unit] = steps @ baseline.slow.T
        for part in dict.fromkeys(baseline.parts):
            mine = [index for index, name in enumerate(baseline.parts) if name == part]
            found[part][:, unit] = weights[:, mine] @ columns[:, mine].T
    return found
