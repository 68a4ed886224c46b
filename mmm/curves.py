"""The table between the rooms: posterior draws of every response curve, saved and loaded with numpy alone.

The planner reads this module and nothing else of ``mmm`` that is heavy.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from mmm.problems import InputError, Problem
from mmm.transforms import SATURATIONS, Saturation, lagged

Floats = npt.NDArray[np.float64]

FORMAT = 2
LEAST_STOCK = 1e-6  # tangents are taken no nearer to zero, where slopes below 1 are infinitely steep
HULL_BISECTIONS = 16
KEPT_VALUES = 64  # of one curve at one plan each: a megabyte for 4,000 draws and a quarter
KEPT_CURVES = 4  # a project's own, and the thinned ones of rough plans and near-optimal ranges
GAP_WEEKS = 13  # weeks whose mean stands for spend between the last data and the plan


@dataclass(frozen=True, slots=True, eq=False)  # many windows on the same curves share what follows from them
class ResponseCurves:
    """Posterior draws of the response of every channel (of every unit).

    Attributes
    ----------
    names, channels, units : tuple of str
        Name of each curve, and the channel and unit it belongs to. With one unit the name is the channel's.
    weights : array (draw, name, lag)
        Normalised adstock weights.
    saturation : tuple of str
        Saturation family of each curve, a key of :data:`mmm.transforms.SATURATIONS`.
    half_saturation, slope, tail : array (draw, name)
        Its parameters; the stock is in units of ``reference``.
    ceiling : array (draw, name)
        Currency per week at full saturation outside peaks (twice that at the half-saturation stock).
    kappa : array (draw, name)
        Log multiplier of the response at peak intensity 1.
    long_term : array (draw, name)
        Multiple of the short-term value that arrives in the long run.
    reference : array (name,)
        Currency per week.
    weeks : tuple of date
        Mondays of the history.
    spend, visits, attributed, modelled : array (week, name)
        History: currency per week, visits, platform-attributed GMV (NaN where unknown), and the model's mean GMV.
    prior_only : tuple of bool
        Curves that are their prior, for want of history.
    currency, fingerprint : str
        Unit of money; identity of data, settings and versions.
    """

    names: tuple[str, ...]
    channels: tuple[str, ...]
    units: tuple[str, ...]
    weights: Floats
    saturation: tuple[str, ...]
    half_saturation: Floats
    slope: Floats
    tail: Floats
    ceiling: Floats
    kappa: Floats
    long_term: Floats
    reference: Floats
    weeks: tuple[date, ...]
    spend: Floats
    visits: Floats
    attributed: Floats
    modelled: Floats
    prior_only: tuple[bool, ...]
    currency: str
    fingerprint: str

    def __post_init__(self) -> None:
        for attribute in fields(self):
            value = getattr(self, attribute.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def draws(self) -> int:
        """Number of posterior draws."""
        return int(self.ceiling.shape[0])

    @property
    def max_lag(self) -> int:
        """Last lag in weeks that still counts."""
        return int(self.weights.shape[2]) - 1

    def family(self, name: int) -> tuple[Saturation, tuple[Floats, Floats, Floats]]:
        """Saturation family of a curve and its parameters, each (draw, 1)."""
        shape = (self.half_saturation[:, name, None], self.slope[:, name, None], self.tail[:, name, None])
        return SATURATIONS[self.saturation[name]], shape

    def before(self, start: date) -> Floats:
        """Spend of the ``max_lag`` weeks before ``start``, array (lag, name), oldest first.

        Weeks between the end of the data and ``start`` take the mean of the last 13 weeks of data; weeks before the
        data take the mean of its first four.
        """
        known = dict(zip(self.weeks, self.spend, strict=True))
        ahead, behind = self.spend[-GAP_WEEKS:].mean(axis=0), self.spend[:4].mean(axis=0)
        wanted = [start - timedelta(weeks=lag) for lag in range(self.max_lag, 0, -1)]
        found = [known.get(week, ahead if week > self.weeks[-1] else behind) for week in wanted]
        return np.array(found).reshape(self.max_lag, len(self.names))

    def over(self, weeks: Sequence[date], intensity: Floats, after: Floats | None = None) -> WindowResponse:
        """The response to spend in ``weeks``, its carry-over tail included.

        Parameters
        ----------
        weeks : sequence of date
            Consecutive Mondays of the plan.
        intensity : array (week + max_lag,)
            Peak intensity of the plan's weeks and of the tail.
        after : array (name,), optional
            Weekly spend assumed to go on in the tail, currency; none when absent. Without it the tail would be
            unsaturated, and every plan would pile money into its last weeks.
        """
        goes_on = np.zeros(len(self.names)) if after is None else np.asarray(after, dtype=np.float64)
        return WindowResponse(self, len(weeks), self.before(weeks[0]), goes_on, np.asarray(intensity, dtype=np.float64))

    def thinned(self, draws: int) -> ResponseCurves:
        """The same curves on about ``draws`` evenly spaced draws."""
        return _thinned(self, max(1, self.draws // draws))

    def to_bytes(self) -> bytes:
        """The curves as an .npz file without pickled objects."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.type == "Floats"}
        text = {f.name: getattr(self, f.name) for f in fields(self) if f.type != "Floats"}
        text["weeks"] = [week.isoformat() for week in self.weeks]
        head = np.frombuffer(json.dumps({"format": FORMAT} | text, ensure_ascii=False).encode(), dtype=np.uint8)
        out = io.BytesIO()
        np.savez(out, head=head, **arrays)
        return out.getvalue()


PER_DRAW = ("weights", "half_saturation", "slope", "tail", "ceiling", "kappa", "long_term")


def load_curves(path: Path) -> ResponseCurves:
    """Read curves written by :meth:`ResponseCurves.to_bytes`.

    Raises
    ------
    InputError
        When the file is missing, truncated, or of another format.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            head = json.loads(bytes(stored["head"]).decode())
            arrays = {name: stored[name] for name in stored.files if name != "head"}
        if head.pop("format") != FORMAT:
            raise ValueError("written by another version")  # noqa: TRY301 - joins the other ways a file can be bad
        head["weeks"] = [date.fromisoformat(week) for week in head["weeks"]]
        text: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in head.items()}
        return ResponseCurves(**text, **arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        cure = "Delete the .budget folder beside the config and run budget fit again."
        raise InputError([Problem("the saved response curves cannot be read", path.name, str(error), cure)]) from error


@dataclass(frozen=True, slots=True)
class Hull:
    """Concave hull of every draw of one curve: a straight line up to some stock, the curve itself beyond.

    Attributes
    ----------
    touch : array (draw, 1 or span)
        Stock at which the line meets the curve.
    until : array (draw, 1 or span)
        Stock up to which the line counts: ``touch``; without end for a chord, nowhere for a concave curve.
    slope : array (draw, 1 or span)
        Steepness of the line.
    is_curve : bool
        No draw has a straight part.
    """

    touch: Floats
    until: Floats
    slope: Floats
    is_curve: bool


def _overshoot(family: Saturation, shape: tuple[Floats, ...], stock: Floats, start: Floats, base: Floats) -> Floats:
    """How far the curve's tangent at a stock passes below the curve at ``start``, where its level is ``base``."""
    level = family.level(stock, *shape, np)
    return np.asarray(level - base - family.steepness(stock, level, *shape) * (stock - start))


@dataclass(frozen=True, slots=True, eq=False)  # one window is another's equal only if it is the same
class WindowResponse:
    """Response curves over a plan's weeks: spend (week, name) in, GMV (draw, name, span) out.

    ``span`` is the plan's weeks followed by ``max_lag`` weeks of carry-over tail, in which spend goes on at ``after``.
    """

    curves: ResponseCurves
    weeks: int
    carry_in: Floats  # (lag, name)
    after: Floats  # (name,)
    intensity: Floats  # (span,)
    by_name: Floats = field(init=False, repr=False)  # (name, draw, lag): the adstock weights, contiguous per name
    scale: Floats = field(init=False, repr=False)  # (name, draw, span): currency per week at full saturation
    hulls: tuple[Hull, ...] = field(init=False, repr=False)  # over any stock, of every curve

    def __post_init__(self) -> None:
        by_name, scale, hulls = _follows(self.curves, self.intensity.tobytes())
        object.__setattr__(self, "by_name", by_name)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "hulls", hulls)

    @property
    def span(self) -> int:
        """Weeks with a response: the plan's and the tail's."""
        return self.weeks + self.curves.max_lag

    def lags(self, spend: Floats) -> Floats:
        """Spend over reference by lag, array (name, span, lag): history carried in, later spend going on."""
        tail = np.repeat(self.after[None], self.curves.max_lag, axis=0)
        stacked = lagged(np.concatenate([spend, tail]), self.curves.max_lag, self.carry_in)
        return np.asarray(stacked.transpose(1, 0, 2) / self.curves.reference[:, None, None])

    def value(self, spend: Floats) -> Floats:
        """GMV of every draw, array (draw, name, span); what history carries over and later spend earns included."""
        lags = self.lags(spend)
        return np.stack([self._value(name, lags[name]) for name in range(len(self.curves.names))], axis=1)

    def _value(self, name: int, lags: Floats) -> Floats:
        """GMV of every draw of one curve, array (draw, span), read-only."""
        return _value_of(self, name, lags.tobytes())

    def mean(self, spend: Floats) -> Floats:
        """Expected GMV, array (name, span); what history carries over and later spend earns included."""
        lags = self.lags(spend)
        return np.stack([self._value(name, lags[name]).mean(axis=0) for name in range(len(self.curves.names))])

    def totals(self, spend: Floats, worth: Floats, *, hulls: Sequence[Hull] | None = None) -> Floats:
        """GMV of every draw, weighed by curve and week (name, span) and summed, array (draw,); through ``hulls``."""
        lags, total = self.lags(spend), np.zeros(self.curves.draws)
        for name in range(len(self.curves.names)):
            stock = np.maximum(self.by_name[name] @ lags[name].T, LEAST_STOCK)
            level, _ = self._curve(name, stock, None if hulls is None else hulls[name])
            total += (self.scale[name] * level) @ worth[name]
        return total

    def thinned(self, draws: int) -> WindowResponse:
        """The same window on about ``draws`` evenly spaced draws."""
        return WindowResponse(self.curves.thinned(draws), self.weeks, self.carry_in, self.after, self.intensity)

    def incremental(self, spend: Floats) -> Floats:
        """GMV that the planned spend adds to what history carries over and later spend earns, array (draw, name)."""
        lags, without = self.lags(spend), self.lags(np.zeros_like(spend))
        names = range(len(self.curves.names))
        gains = [(self._value(c, lags[c]) - self._value(c, without[c])).sum(axis=1) for c in names]
        return np.stack(gains, axis=1)

    def mean_and_gradient(self, spend: Floats, *, hull: bool = False) -> tuple[Floats, Floats]:
        """Expected GMV and its slope in every week's spend.

        Parameters
        ----------
        spend : array (week, name)
            Currency per week.
        hull : bool
            Put every draw through its concave hull: equal for slopes up to 1, an upper bound above.

        Returns
        -------
        mean : array (name, span)
            Currency per week.
        gradient : array (name, span, week)
            Change of each week's GMV per unit of spend in each plan week.
        """
        mean, by_lag = self.tangents(spend, hull=hull)
        gradient = np.zeros((*mean.shape, self.weeks))
        for lag in range(self.curves.max_lag + 1):
            at = np.arange(lag, min(self.span, lag + self.weeks))
            gradient[:, at, at - lag] = by_lag[:, at, lag]
        return mean, gradient

    def tangents(
        self,
        spend: Floats,
        *,
        hull: bool = False,
        hulls: Sequence[Hull] | None = None,
        names: Sequence[int] | None = None,
        shares: Floats | None = None,
    ) -> tuple[Floats, Floats]:
        """Expected GMV and its slope in the spend of every lag, which is all a tangent needs.

        Parameters
        ----------
        spend : array (week, name)
            Currency per week.
        hull : bool
            Put every draw through its concave hull over any stock.
        hulls : sequence of Hull, optional
            Put the draws of the curves wanted through these hulls instead.
        names : sequence of int, optional
            The curves wanted; all of them when absent.
        shares : array (draw,), optional
            Weight of every draw, summing to one; alike when absent.

        Returns
        -------
        mean : array (name, span)
            Currency per week.
        by_lag : array (name, span, lag)
            Change of each week's GMV per unit of spend so many weeks before it.
        """
        curves = self.curves
        wanted = range(len(curves.names)) if names is None else names
        each = np.full(curves.draws, 1.0 / curves.draws) if shares is None else shares
        lags = self.lags(spend)
        mean = np.empty((len(wanted), self.span))
        by_lag = np.empty((len(wanted), self.span, curves.max_lag + 1))
        for row, name in enumerate(wanted):
            weights = self.by_name[name]
            stock = np.maximum(weights @ lags[name].T, LEAST_STOCK)
            through = hulls[row] if hulls is not None else self.hulls[name] if hull else None
            level, steep = self._curve(name, stock, through)
            scale = self.scale[name]
            mean[row] = each @ (scale * level)
            steep *= scale
            steep *= each[:, None]
            by_lag[row] = steep.T @ weights / curves.reference[name]
        return mean, by_lag

    def _curve(self, name: int, stock: Floats, hull: Hull | None) -> tuple[Floats, Floats]:
        """Level and steepness of every draw's curve, or of its concave hull, at a stock (draw, span)."""
        family, shape = self.curves.family(name)
        if hull is None or hull.is_curve:
            level = family.level(stock, *shape, np)
            return level, family.steepness(stock, level, *shape)
        straight = stock < hull.until
        if not straight.any():
            level = family.level(stock, *shape, np)
            return level, family.steepness(stock, level, *shape)
        on_curve = np.where(straight, hull.touch, stock)
        level = family.level(on_curve, *shape, np)
        steep = np.where(straight, hull.slope, family.steepness(on_curve, level, *shape))
        return level - steep * (on_curve - stock), steep

    def hull_between(self, name: int, low: Floats, high: Floats) -> Hull:
        """Concave hull of every draw's curve between two plans of a line, array (week,) currency each.

        Every curve must be concave from some stock on and convex before it. The hull is then a tangent from the least
        stock, and the curve itself from where it touches; or a chord, when it touches beyond the most.
        """
        whole = self.hulls[name]
        if whole.is_curve:
            return whole
        family, shape = self.curves.family(name)
        least, most = (np.maximum(self._stock(name, end), LEAST_STOCK) for end in (low, high))
        most = np.maximum(most, least)
        touch, slope = least.copy(), np.zeros_like(least)
        bent = np.broadcast_to(whole.touch, least.shape) > least  # elsewhere the curve is concave all the way
        if not bent.any():
            return Hull(touch, np.full_like(touch, -np.inf), slope, is_curve=True)
        each = tuple(np.broadcast_to(part, least.shape)[bent] for part in shape)
        start, end, bend = least[bent], most[bent], np.broadcast_to(whole.touch, least.shape)[bent]
        base = family.level(start, *each, np)
        near, far = start.copy(), np.minimum(end, bend)
        # A tangent from a later start touches earlier than the one from nothing, so the hull never is a chord past it.
        chord = (end < bend) & (_overshoot(family, each, far, start, base) < 0.0)
        for _ in range(HULL_BISECTIONS):
            middle = 0.5 * (near + far)
            over = _overshoot(family, each, middle, start, base) >= 0.0
            near, far = np.where(over, near, middle), np.where(over, middle, far)
        far = np.where(chord, end, far)
        level = family.level(far, *each, np)
        rise = (level - base) / np.maximum(far - start, LEAST_STOCK * 1e-6)
        until = np.full_like(touch, -np.inf)
        touch[bent], until[bent] = far, np.where(chord, np.inf, far)
        slope[bent] = np.where(chord, rise, family.steepness(far, level, *each))
        return Hull(touch, until, slope, is_curve=False)

    def chords(self, name: int, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Straight lines that the expected response of a curve is never below, between two plans (week,) of a line.

        Every curve must be convex up to some stock and concave beyond: what it gains from a least stock on, by unit of
        stock, is then least at one of both ends.

        Returns
        -------
        constant : array (span,)
            Currency per week.
        by_lag : array (span, lag)
            GMV per unit of spend so many weeks before.
        """
        family, shape = self.curves.family(name)
        least, most = (np.maximum(self._stock(name, end), LEAST_STOCK) for end in (low, high))
        base = family.level(least, *shape, np)
        width = most - least
        chord = (family.level(most, *shape, np) - base) / np.maximum(width, LEAST_STOCK)
        slope = np.where(width > LEAST_STOCK, np.minimum(chord, family.steepness(least, base, *shape)), 0.0)
        each = self.scale[name] / self.curves.draws
        by_lag = (slope * each).T @ self.by_name[name] / self.curves.reference[name]
        return ((base - slope * least) * each).sum(axis=0), by_lag

    def _stock(self, name: int, weekly: Floats) -> Floats:
        """Stock of every draw, array (draw, span), at a line's spend (week,)."""
        spend = np.zeros((self.weeks, len(self.curves.names)))
        spend[:, name] = weekly
        return np.asarray(self.by_name[name] @ self.lags(spend)[name].T)

    def identity(self, name: int) -> bytes:
        """What a tangent of one curve depends on, as a short hash: draws, family, reference and peaks."""
        seen = blake2b(_drawn(self.curves, name), digest_size=16)
        seen.update(np.ascontiguousarray(self.intensity).tobytes())
        return seen.digest()


@lru_cache(maxsize=KEPT_CURVES)
def _thinned(curves: ResponseCurves, step: int) -> ResponseCurves:
    return replace(curves, **{name: getattr(curves, name)[::step] for name in PER_DRAW})


@lru_cache(maxsize=KEPT_CURVES)
def _follows(curves: ResponseCurves, intensity: bytes) -> tuple[Floats, Floats, tuple[Hull, ...]]:
    """What curves and peaks alone make of a window: its weights by name, scale and hulls, read-only."""
    by_name = np.ascontiguousarray(curves.weights.transpose(1, 0, 2))
    scale = curves.ceiling.T[:, :, None] * np.exp(curves.kappa.T[:, :, None] * np.frombuffer(intensity))
    for made in (by_name, scale):
        made.setflags(write=False)
    return by_name, scale, tuple(_whole_hull(curves, name) for name in range(len(curves.names)))


def _whole_hull(curves: ResponseCurves, name: int) -> Hull:
    family, shape = curves.family(name)
    touch = family.touch(*shape)
    on_curve = np.maximum(touch, LEAST_STOCK)
    slope = family.steepness(on_curve, family.level(on_curve, *shape, np), *shape)
    return Hull(touch, touch, slope, is_curve=not touch.any())


@lru_cache(maxsize=KEPT_VALUES * KEPT_CURVES)
def _drawn(curves: ResponseCurves, name: int) -> bytes:
    """A short hash of a curve's draws, family and reference."""
    seen = blake2b(curves.saturation[name].encode(), digest_size=16)
    for part in (curves.weights[:, name], curves.reference[name : name + 1]):
        seen.update(np.ascontiguousarray(part).tobytes())
    for each in ("half_saturation", "slope", "tail", "ceiling", "kappa"):
        seen.update(np.ascontiguousarray(getattr(curves, each)[:, name]).tobytes())
    return seen.digest()


@lru_cache(maxsize=KEPT_VALUES)
def _value_of(window: WindowResponse, name: int, lags: bytes) -> Floats:
    """GMV of every draw of one curve at the lags (span, lag) of its spend.

    One plan is asked about many times over (its mean, its gains, the ROI of its weeks), so the last answers are kept.
    """
    family, shape = window.curves.family(name)
    stock = window.by_name[name] @ np.frombuffer(lags).reshape(window.span, -1).T
    found = np.asarray(window.scale[name] * family.level(stock, *shape, np))
    found.setflags(write=False)
    return found
