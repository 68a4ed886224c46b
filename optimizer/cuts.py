"""Tangents of the expected response, kept by what they depend on, so that a changed problem starts with them.

A tangent of one curve depends on its draws and on the calendar's peaks. It is written in the spend of every lag, so
neither the total, nor the rules, nor what history carries in, nor what goes on after the plan matter: a what-if, a
goal-seek, or one more week of history re-uses every tangent of the curves that stayed as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mmm.curves import Hull, WindowResponse

Floats = npt.NDArray[np.float64]

MOST_KEPT = 400


@dataclass(frozen=True, slots=True)
class Cuts:
    """Tangents of one curve, one a week: GMV of week t <= ``constant[t] + slopes[t] @ spend of its lags``.

    Attributes
    ----------
    constant : array (span,)
        Currency per week.
    slopes : array (span, lag)
        GMV per unit of spend so many weeks before.
    """

    constant: Floats
    slopes: Floats


@dataclass(slots=True)
class Shelf:
    """Everything known of one curve.

    Attributes
    ----------
    constant : array (cut, span)
    slopes : array (cut, span, lag)
    """

    constant: Floats
    slopes: Floats

    def above(self, lags: Floats) -> Floats:
        """GMV that every tangent allows at the spend of every lag (span, lag), array (cut, span)."""
        return np.asarray(self.constant + np.einsum("ktl,tl->kt", self.slopes, lags))


@dataclass(slots=True)
class CutPool:
    """Tangents gathered so far, by the identity of their curve.

    Attributes
    ----------
    shelves : dict of bytes to Shelf
    plans : dict of bytes to array (week,)
        Spend of the last plan made, currency.
    """

    shelves: dict[bytes, Shelf] = field(default_factory=dict)
    plans: dict[bytes, Floats] = field(default_factory=dict)

    def copy(self) -> CutPool:
        """A pool that begins with what this one knows, and grows on its own."""
        shelves = {curve: Shelf(shelf.constant, shelf.slopes) for curve, shelf in self.shelves.items()}
        return CutPool(shelves, dict(self.plans))

    def of(self, curve: bytes) -> Shelf | None:
        """What is known of one curve."""
        return self.shelves.get(curve)

    def add(self, curve: bytes, cuts: Cuts) -> int:
        """Keep tangents; returns their number on the curve's shelf."""
        new = Shelf(cuts.constant[None], cuts.slopes[None])
        shelf = self.shelves.setdefault(curve, new)
        if shelf is not new:
            shelf.constant = np.concatenate([shelf.constant, new.constant])
            shelf.slopes = np.concatenate([shelf.slopes, new.slopes])
        return len(shelf.constant) - 1

    def trim(self) -> None:
        """Let the oldest tangents go when there are very many; numbers on the shelves change."""
        for shelf in self.shelves.values():
            if len(shelf.constant) > MOST_KEPT:
                newest = slice(-MOST_KEPT // 2, None)
                shelf.constant, shelf.slopes = shelf.constant[newest], shelf.slopes[newest]


def tangent_cuts(
    response: WindowResponse,
    spend: Floats,
    names: Sequence[int],
    *,
    hull: bool = True,
    hulls: Sequence[Hull] | None = None,
    shares: Floats | None = None,
) -> tuple[Floats, list[Cuts]]:
    """Expected response (name, span) at a plan (week, name), and its tangents there.

    Through the concave hulls over any spend, without ``hull`` through the curves themselves, or through ``hulls``;
    ``shares`` weigh the draws.
    """
    mean, by_lag = response.tangents(spend, hull=hull, hulls=hulls, names=names, shares=shares)
    lags = (response.lags(spend) * response.curves.reference[:, None, None])[list(names)]
    constant = mean - np.einsum("ctl,ctl->ct", by_lag, lags)
    return mean, [Cuts(*pair) for pair in zip(constant, by_lag, strict=True)]
