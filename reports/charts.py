"""Drawing: marks of an SVG as values, scales and axes. What is drawn is said in :mod:`reports.figures`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size

CELL = 0.58
"""Width of a character cell over its font's size, about; a Chinese character takes two cells."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One element of a drawing.

    Attributes
    ----------
    tag : str
        Name of the SVG element.
    attributes : mapping
        Its attributes; ``class`` names its look in the style sheet.
    words : str
        Text inside.
    tip : str
        What a reader is told who points at it.
    """

    tag: str
    attributes: Mapping[str, str | float]
    words: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing in its own units, which are pixels at full size; ``title`` says in words what it shows."""

    width: float
    height: float
    title: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale from numbers to places; ``first`` and ``last`` are the places of its ends."""

    low: float
    high: float
    first: float
    last: float
    per_unit: float = field(init=False)

    def __post_init__(self) -> None:
        span = self.high - self.low
        object.__setattr__(self, "per_unit", (self.last - self.first) / span if span > 0 else 0.0)

    def at(self, value: float) -> float:
        """Place of a number."""
        return round(self.first + (value - self.low) * self.per_unit, 1)


def rect(style: str, x: float, y: float, width: float, height: float, *, fill: str = "", tip: str = "") -> Mark:
    """Return a rectangle."""
    place: dict[str, str | float] = {"class": style, "x": round(x, 1), "y": round(y, 2)}
    place.update(width=round(width, 1), height=round(height, 2))
    if fill:
        place["fill"] = fill
    return Mark("rect", place, tip=tip)


def line(style: str, x1: float, y1: float, x2: float, y2: float, *, tip: str = "") -> Mark:
    """Return a straight line."""
    ends: dict[str, str | float] = {
        "class": style,
        "x1": round(x1, 1),
        "y1": round(y1, 1),
        "x2": round(x2, 1),
        "y2": round(y2, 1),
    }
    return Mark("line", ends, tip=tip)


def dot(style: str, x: float, y: float, radius: float, *, tip: str = "") -> Mark:
    """Return a circle."""
    return Mark("circle", {"class": style, "cx": round(x, 1), "cy": round(y, 1), "r": radius}, tip=tip)


def path(style: str, points: Sequence[tuple[float, float]], *, closed: bool = False) -> Mark:
    """Return a broken line, or the area it encloses."""
    steps = "L".join(f"{x:g},{y:g}" for x, y in points)
    return Mark("path", {"class": style, "d": f"M{steps}{'Z' if closed else ''}"})


def text(style: str, x: float, y: float, words: str, anchor: str = "start") -> Mark:
    """Return words; ``anchor`` says which end of them is at ``x``."""
    return Mark("text", {"class": style, "x": round(x, 1), "y": round(y, 1), "text-anchor": anchor}, words)


def step_of(highest: float, most: int = 4) -> float:
    """Return a round distance between the marks of an axis that holds about so many of them."""
    if highest <= 0:
        return 1.0
    rough = highest / most
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(nice for nice in (1, 2, 2.5, 5, 10) if nice * power >= rough)


def ticks(highest: float, most: int = 4) -> list[float]:
    """Return round numbers from zero to the last one that is not above ``highest``."""
    step = step_of(highest, most)
    return [step * k for k in range(math.floor(highest / step + 1e-9) + 1)]


def shortened(label: str, room: float, size: float) -> str:
    """Cut words so that they fit a width in pixels at a font size."""
    cells = max(3, int(room / (CELL * size)))
    return label if cell_len(label) <= cells else set_cell_size(label, cells - 1).rstrip() + "…"


def width_of(label: str, size: float) -> float:
    """About how wide words are, in pixels at a font size."""
    return cell_len(label) * CELL * size


def spread(wanted: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Move places apart until they are ``least`` from one another, in their order, between two ends."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed: list[float] = []
    for i in order:
        placed.append(max(wanted[i], placed[-1] + least if placed else low))
    ceiling = high
    for k in range(len(placed) - 1, -1, -1):
        placed[k] = min(placed[k], ceiling)
        ceiling = placed[k] - least
    found = [0.0] * len(wanted)
    for k, i in enumerate(order):
        found[i] = placed[k]
    return found
