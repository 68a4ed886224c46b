"""How a file is named to somebody at a terminal."""

from __future__ import annotations

from pathlib import Path


def typed(path: Path) -> str:
    """Return the path as one would type it: from the current folder where it lies inside, else whole."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
