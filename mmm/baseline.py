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
from dataclasses import dataclass, replace
from datetime import date

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

LEAST_LEVEL = 0.2  # of the mean level: where seasons' swing stops shrinking
MOST_RISE = 1.6  # over the data's weeks, over the mean level: from a fifth of it to nearly twice
CLEARLY = 2.0  # log likelihood by which a swing that grows must fit better: seven times likelier
TINY = 1e-12


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
    frame : Frame
        How the columns go on after the data.
    root : array (unit, week, week) or None
        Root of the noise's correlation; None where it is independent and of one size.
    """

    names: tuple[str, ...]
    parts: tuple[str, ...]
    fixed: Floats
    fixed_sd: Floats
    slow: Floats
    rotation: Floats
    spread: Floats
    frame: Frame
    root: Floats | None = None

    def with_noise(self, root: Floats) -> Baseline:
        """The same baseline under noise of another correlation."""
        turned = [rotate(self.fixed[u], self.fixed_sd, self.slow, root[u]) for u in range(len(root))]
        return replace(
            self,
            rotation=np.stack([rotation for rotation, _ in turned]),
            spread=np.stack([spread for _, spread in turned]),
            root=root,
        )

    def compact(self, week: Floats, before: Floats) -> dict[str, Floats]:
        """The marginal likelihood in few numbers; see :func:`mmm.likelihood.log_likelihood`.

        Parameters
        ----------
        week, before : array (unit, week)
            Bands of the inverse root of the noise.

        Returns
        -------
        dict
            ``band_week`` and ``band_before`` (unit, week); ``columns`` (unit, column, week), the fixed columns' part of
            the inverse covariance; ``steps`` (unit, step, week), the rotated directions in which the walk moves, with
            its variance there, ``spread`` (unit, step).
        """
        moved = self.slow.shape[1]
        columns = []
        for unit, fixed in enumerate(self.fixed):
            wide = fixed * self.fixed_sd
            white = week[unit, :, None] * wide
            white[1:] += before[unit, 1:, None] * wide[:-1]
            back = week[unit, :, None] * white
            back[:-1] += before[unit, 1:, None] * white[1:]
            lower = np.linalg.cholesky(np.eye(wide.shape[1]) + white.T @ white)
            columns.append(np.linalg.solve(lower, back.T))
        return {
            "band_week": week,
            "band_before": before,
            "columns": np.stack(columns),
            "steps": self.rotation[:, -moved:],
            "spread": self.spread[:, -moved:],
        }


@dataclass(frozen=True, slots=True)
class Frame:
    """What the columns of any week are made from, once the data have set the scales.

    Attributes
    ----------
    first : date
        Monday of the first week of data.
    weeks : int
        Weeks of data.
    harmonics : int
    knot_spacing : float
        Weeks between the random walk's knots.
    control_mean, control_spread : array (unit, control)
        By which controls are standardised; a control that never varied has a spread of infinity.
    rise : array (unit,)
        Rise of the KPI's level from the first week to the last, over its mean. Seasons, peaks and events swing in
        proportion to the level; 0 unless that clearly fits better than a swing of one size.
    """

    first: date
    weeks: int
    harmonics: int
    knot_spacing: float
    control_mean: Floats
    control_spread: Floats
    rise: Floats

    def columns(
        self, days: Sequence[date], calendar: Calendar, events: Sequence[EventSettings]
    ) -> tuple[tuple[str, ...], tuple[str, ...], Floats]:
        """Names, parts and values (unit, week, column) of all columns but the controls, in the data or after them.

        A peak of several strengths has a column for each: the days of the sale itself are not those that lead to it.
        """
        position = np.array([(day - self.first).days / 7 for day in days])
        trend = position / self.weeks - 0.5
        event_names, event_columns = baseline_columns(calendar.by_strength(), events, days)
        waves = tuple(f"{wave}{k}" for wave in ("sin", "cos") for k in range(1, self.harmonics + 1))
        parts = ("intercept", "trend", *("season" for _ in waves), *("event" for _ in event_names))
        swinging = np.concatenate([seasons(position, self.harmonics), event_columns], axis=1)
        level = np.maximum(1.0 + self.rise[:, None] * trend, LEAST_LEVEL)
        straight = np.broadcast_to(np.stack([np.ones_like(trend), trend], axis=1), (len(level), len(days), 2))
        values = np.concatenate([straight, level[:, :, None] * swinging], axis=2)
        return ("intercept", "trend", *waves, *event_names), parts, values

    def controls(self, values: Floats) -> Floats:
        """Standardised controls, array (unit, week, control)."""
        return np.asarray((values - self.control_mean[:, None]) / self.control_spread[:, None])


SDS = {"intercept": INTERCEPT_SD, "trend": TREND_SD, "season": SEASON_SD, "event": EVENT_SD, "control": CONTROL_SD}


def frame_of(panel: Panel, calendar: Calendar, events: Sequence[EventSettings], settings: ModelSettings) -> Frame:
    """The frame that the panel's weeks, controls and rise set; see docs/decisions/0066."""
    weeks, units = len(panel.weeks), len(panel.units)
    spread = panel.control.std(axis=1)
    steady = Frame(
        first=panel.weeks[0],
        weeks=weeks,
        harmonics=settings.harmonics,
        knot_spacing=(weeks - 1) / (knots(weeks, settings.knot_weeks) - 1),
        control_mean=panel.control.mean(axis=1),
        control_spread=np.where(spread > 0, spread, np.inf),
        rise=np.zeros(units),
    )

    rise, left = _least_squares(steady, panel, calendar, events)
    grown = _least_squares(replace(steady, rise=rise), panel, calendar, events)[1]
    clearly = 0.5 * weeks * np.log(np.maximum(left, TINY) / np.maximum(grown, TINY)) > CLEARLY
    return replace(steady, rise=np.where(clearly, rise, 0.0))


def _least_squares(
    frame: Frame, panel: Panel, calendar: Calendar, events: Sequence[EventSettings]
) -> tuple[Floats, Floats]:
    """The KPI on the frame's columns and controls: rise over the mean level, and sum of squares left, each (unit,)."""
    _, _, columns = frame.columns(panel.weeks, calendar, events)
    design = np.concatenate([columns, frame.controls(panel.control)], axis=2)
    found = np.stack([np.linalg.lstsq(*each, rcond=None)[0] for each in zip(design, panel.kpi, strict=True)])
    left = panel.kpi - np.einsum("uwk,uk->uw", design, found)
    rise = found[:, 1] / np.maximum(found[:, 0], TINY)
    return np.clip(rise, -MOST_RISE, MOST_RISE), (left**2).sum(axis=1)


def seasons(positions: Floats, harmonics: int) -> Floats:
    """Yearly Fourier pairs, array (week, 2 * harmonics)."""
    angles = 2 * np.pi * positions[:, None] * np.arange(1, harmonics + 1) / WEEKS_A_YEAR
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def knots(weeks: int, knot_weeks: int) -> int:
    """Number of the random walk's knots."""
    return max(2, round((weeks - 1) / knot_weeks) + 1)


def walk_basis(weeks: int, knot_weeks: int) -> Floats:
    """Random walk on knots ``knot_weeks`` apart, straight between them, zero at the first: array (week, knot)."""
    count = knots(weeks, knot_weeks)
    return walk_steps(np.arange(weeks, dtype=np.float64), (weeks - 1) / (count - 1), count - 1)


def walk_steps(position: Floats, spacing: float, steps: int) -> Floats:
    """How much of each step a random walk has taken, straight between its knots: array (week, step), 0 to 1."""
    return np.clip(position[:, None] / spacing - np.arange(steps), 0.0, 1.0)


def rotate(fixed: Floats, fixed_sd: Floats, slow: Floats, root: Floats | None = None) -> tuple[Floats, Floats]:
    """Rotation (week, week) and spread (week,) of one unit; see the module's text. ``root`` is that of the noise."""
    noise = np.eye(fixed.shape[0]) if root is None else root @ root.T
    values, vectors = np.linalg.eigh(noise + (fixed * fixed_sd**2) @ fixed.T)
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    spread, directions = np.linalg.eigh(whiten @ slow @ slow.T @ whiten)
    return np.asarray(directions.T @ whiten), np.clip(spread, 0.0, None)


def build_baseline(
    panel: Panel, calendar: Calendar, events: Sequence[EventSettings], settings: ModelSettings
) -> Baseline:
    """Assemble the baseline's columns for every unit and precompute its rotation."""
    frame = frame_of(panel, calendar, events, settings)
    names, own_parts, columns = frame.columns(panel.weeks, calendar, events)
    parts = (*own_parts, *("control" for _ in panel.controls))
    sds = np.array([SDS[part] for part in parts])
    fixed = np.concatenate([columns, frame.controls(panel.control)], axis=2)
    slow = walk_basis(len(panel.weeks), settings.knot_weeks)
    turned = [rotate(unit, sds, slow) for unit in fixed]
    return Baseline(
        names=(*names, *panel.controls),
        parts=parts,
        fixed=fixed,
        fixed_sd=sds,
        slow=slow,
        rotation=np.stack([rotation for rotation, _ in turned]),
        spread=np.stack([spread for _, spread in turned]),
        frame=frame,
    )


def baseline_draws(
    baseline: Baseline, residual: Floats, sigma: Floats, walk: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """Exact conditional draws of the baseline's components.

    Parameters
    ----------
    baseline, residual, sigma, walk, rng
        As in :func:`coefficient_draws`.

    Returns
    -------
    dict
        Component name (a part, or "slow") to array (draw, unit, week).
    """
    weights, steps = coefficient_draws(baseline, residual, sigma, walk, rng)
    found: dict[str, Floats] = {}
    for part in dict.fromkeys(baseline.parts):
        mine = [index for index, name in enumerate(baseline.parts) if name == part]
        found[part] = np.einsum("nuk,uwk->nuw", weights[:, :, mine], baseline.fixed[:, :, mine], optimize=True)
    return found | {"slow": steps @ baseline.slow.T}


def coefficient_draws(
    baseline: Baseline, residual: Floats, sigma: Floats, walk: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Exact conditional draws of the baseline's coefficients, by Matheron's rule.

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
    weights : array (draw, unit, column)
        Of the fixed columns.
    steps : array (draw, unit, step)
        Of the random walk.

    Notes
    -----
    A prior draw is corrected by the covariance of what was seen: exact for normal variables, and no matrix is
    factorised. Source: Wilson et al. 2020, "Efficiently Sampling Functions from Gaussian Process Posteriors", eq. 5.
    """
    draws, units, weeks = residual.shape
    weights = np.empty((draws, units, baseline.fixed.shape[2]))
    steps = np.empty((draws, units, baseline.slow.shape[1]))
    for unit in range(units):
        columns = baseline.fixed[unit]
        noise_sd, step_sd = sigma[:, unit, None], walk[:, unit, None]
        blind = rng.standard_normal((draws, columns.shape[1])) * baseline.fixed_sd * noise_sd
        stepped = rng.standard_normal((draws, baseline.slow.shape[1])) * step_sd
        white = rng.standard_normal((draws, weeks))
        noise = white if baseline.root is None else white @ baseline.root[unit].T
        seen = blind @ columns.T + stepped @ baseline.slow.T + noise_sd * noise
        variance = noise_sd**2 + step_sd**2 * baseline.spread[unit]
        turn = baseline.rotation[unit]
        surprise = (((residual[:, unit] - seen) @ turn.T) / variance) @ turn
        weights[:, unit] = blind + (surprise @ columns) * (baseline.fixed_sd * noise_sd) ** 2
        steps[:, unit] = stepped + (surprise @ baseline.slow) * step_sd**2
    return weights, steps
