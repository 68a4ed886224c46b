"""What the KPI will be in the weeks after the data, given their spend: baseline, media and noise, with all uncertainty.

A forecast needs two stored values: the response curves, and the draws of the baseline's coefficients
(:class:`StoredBaseline`, ``baseline.npz`` beside the fit). Neither needs PyMC.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from mmm.baseline import Frame, coefficient_draws, walk_steps
from mmm.calendar import Calendar, intensity, week_range
from mmm.curves import ResponseCurves
from mmm.noise import LEAST_LEVEL, TAIL_FREEDOM
from mmm.problems import InputError, Problem
from mmm.settings import EventSettings

if TYPE_CHECKING:
    from mmm.model import MediaModel

Floats = npt.NDArray[np.float64]

FORMAT = 2


@dataclass(frozen=True, slots=True)
class StoredBaseline:
    """Posterior draws of the baseline, in the order of the response curves' draws.

    Attributes
    ----------
    units, names, controls : tuple of str
        Units; fixed columns; the controls among them.
    frame : Frame
        How the columns go on.
    weights : array (draw, unit, column)
        Coefficients of the fixed columns, scaled KPI.
    steps : array (draw, unit, step)
        Steps of the random walk, scaled KPI.
    sigma, walk : array (draw, unit)
        Sd of a week's noise, and of a step, scaled KPI.
    last : array (draw, unit)
        Noise of the data's last week, in its own standard deviations; what comes next remembers it.
    kpi_mean, value_per_kpi : array (unit,)
        Mean KPI, by which it is scaled; currency per KPI unit.
    memory, growth, heavy : float, float, bool
        Kind of noise: :class:`mmm.noise.Noise`.
    """

    units: tuple[str, ...]
    names: tuple[str, ...]
    controls: tuple[str, ...]
    frame: Frame
    weights: Floats
    steps: Floats
    sigma: Floats
    walk: Floats
    last: Floats
    kpi_mean: Floats
    value_per_kpi: Floats
    memory: float
    growth: float
    heavy: bool

    def to_bytes(self) -> bytes:
        """The baseline as an .npz file without pickled objects."""
        frame = {field.name: getattr(self.frame, field.name) for field in fields(Frame)}
        arrays: dict[str, Any] = {name: value for name, value in frame.items() if isinstance(value, np.ndarray)}
        text = {name: value for name, value in frame.items() if name not in arrays}
        text |= {"first": self.frame.first.isoformat(), "format": FORMAT}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            elif field.name != "frame":
                text[field.name] = value
        head = np.frombuffer(json.dumps(text, ensure_ascii=False).encode(), dtype=np.uint8)
        out = io.BytesIO()
        np.savez(out, head=head, **arrays)
        return out.getvalue()


def load_baseline(path: Path) -> StoredBaseline:
    """Read what :meth:`StoredBaseline.to_bytes` wrote.

    Raises
    ------
    InputError
        When the file is missing, truncated, or of another format.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            text: dict[str, Any] = json.loads(bytes(stored["head"]).decode())
            found: dict[str, Any] = {name: stored[name] for name in stored.files if name != "head"}
        if text.pop("format") != FORMAT:
            raise ValueError("written by another version")  # noqa: TRY301 - joins the other ways a file can be bad
        found |= {name: tuple(value) if isinstance(value, list) else value for name, value in text.items()}
        found["first"] = date.fromisoformat(found["first"])
        frame = Frame(**{field.name: found.pop(field.name) for field in fields(Frame)})
        return StoredBaseline(frame=frame, **found)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        cure = "Run budget fit --again."
        raise InputError([Problem("the stored baseline cannot be read", path.name, str(error), cure)]) from error


def store_baseline(
    model: MediaModel, parameters: Mapping[str, Any], contribution: Floats, controls: Sequence[str], seed: int
) -> StoredBaseline:
    """Draw the baseline's coefficients for every posterior draw of the media.

    Parameters
    ----------
    model : MediaModel
    parameters : mapping
        As :func:`mmm.extract.contribution_draws` gives them.
    contribution : array (draw, unit, week, channel)
        Scaled KPI.
    controls : sequence of str
    seed : int
    """
    sigma = parameters["sigma"]
    walk = np.array(np.broadcast_to(parameters["walk"], sigma.shape))
    residual = model.scaled_kpi - contribution.sum(axis=3)
    weights, steps = coefficient_draws(model.baseline, residual, sigma, walk, np.random.default_rng([seed, 13]))
    baseline, noise = model.baseline, model.noise
    expected = np.einsum("nuk,uk->nu", weights, baseline.fixed[:, -1]) + steps @ baseline.slow[-1]
    size = 1.0 if noise.root is None else np.linalg.norm(noise.root[:, -1], axis=1)
    return StoredBaseline(
        units=model.units,
        names=model.baseline.names,
        controls=tuple(controls),
        frame=model.baseline.frame,
        weights=weights,
        steps=steps,
        sigma=np.asarray(sigma),
        walk=walk,
        last=(residual[:, :, -1] - expected) / (sigma * size),
        kpi_mean=model.kpi_mean,
        value_per_kpi=model.value_per_kpi,
        memory=noise.memory,
        growth=noise.growth,
        heavy=noise.heavy_weeks > 0,
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """The KPI of weeks to come.

    Attributes
    ----------
    weeks : tuple of date
    baseline, media : array (draw, unit, week)
        Expected KPI without media, and what media add.
    kpi : array (draw, unit, week)
        KPI with the week's own noise: what may be observed.
    """

    weeks: tuple[date, ...]
    baseline: Floats
    media: Floats
    kpi: Floats


def forecast(
    stored: StoredBaseline,
    curves: ResponseCurves,
    spend: Floats,
    calendar: Calendar,
    events: Sequence[EventSettings],
    controls: Floats | None = None,
    *,
    seed: int = 1,
) -> Forecast:
    """Forecast the KPI of the weeks right after the data.

    Peaks and events that the data never saw have no known effect and add nothing.

    Parameters
    ----------
    stored, curves
        Of one fit.
    spend : array (week, name)
        Currency per week, columns as ``curves.names``.
    calendar : Calendar
    events : sequence of EventSettings
    controls : array (unit, week, control), optional
        As in the data's unit; at their past means when absent.
    seed : int
    """
    count = spend.shape[0]
    days = week_range(curves.weeks[-1], count + curves.max_lag + 1)[1:]
    rng = np.random.default_rng([seed, 17])
    baseline = baseline_ahead(stored, days[:count], calendar, events, controls, rng)
    window = curves.over(days[:count], intensity(calendar, days))
    money = window.value(spend)[:, :, :count].reshape(curves.draws, len(stored.units), -1, count).sum(axis=2)
    media = money / stored.value_per_kpi[:, None]
    expected = baseline + media
    return Forecast(days[:count], baseline, media, expected + _noise(stored, expected, rng))


def _noise(stored: StoredBaseline, expected: Floats, rng: np.random.Generator) -> Floats:
    """Noise of the weeks after the data, array (draw, unit, week), KPI: it remembers the last week it was seen in."""
    noise = rng.standard_t(TAIL_FREEDOM, expected.shape) if stored.heavy else rng.standard_normal(expected.shape)
    before, fresh = stored.last, np.sqrt(1.0 - stored.memory**2)
    for week in range(noise.shape[2]):
        before = noise[..., week] = stored.memory * before + fresh * noise[..., week]
    size = np.maximum(expected / stored.kpi_mean[:, None], LEAST_LEVEL) ** stored.growth
    return np.asarray((stored.sigma * stored.kpi_mean)[..., None] * size * noise)


def baseline_ahead(
    stored: StoredBaseline,
    days: Sequence[date],
    calendar: Calendar,
    events: Sequence[EventSettings],
    controls: Floats | None,
    rng: np.random.Generator,
) -> Floats:
    """The baseline of any weeks, array (draw, unit, week), KPI; beyond the data the random walk takes new steps."""
    names, _, columns = stored.frame.columns(days, calendar, events)
    column = {name: columns[:, :, index] for index, name in enumerate(names)}
    fixed = np.zeros((len(stored.units), len(days), len(stored.names)))
    for index, name in enumerate(stored.names[: len(stored.names) - len(stored.controls)]):
        fixed[:, :, index] = column.get(name, 0.0)
    if controls is not None and stored.controls:
        fixed[:, :, -len(stored.controls) :] = stored.frame.controls(controls)
    level = np.einsum("nuk,uwk->nuw", stored.weights, fixed, optimize=True) + _walked(stored, days, rng)
    return np.asarray(level * stored.kpi_mean[:, None])


def _walked(stored: StoredBaseline, days: Sequence[date], rng: np.random.Generator) -> Floats:
    """The random walk's place in some weeks, array (draw, unit, week), scaled KPI."""
    position = np.array([(day - stored.frame.first).days / 7 for day in days])
    spacing, known = stored.frame.knot_spacing, stored.steps.shape[2]
    more = max(0, int(np.ceil(position.max() / spacing)) - known)
    new = stored.walk[..., None] * rng.standard_normal((*stored.walk.shape, more))
    return np.asarray(np.concatenate([stored.steps, new], axis=2) @ walk_steps(position, spacing, known + more).T)
