"""Renew the pages that are written from the code and from the evidence: ``make reference``.

What commands print is renewed by ``tests/pages.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from budget.reference import commands, settings
from optimizer.reference import reference

DOCS = Path(__file__).parent
FIGURES = re.compile(r"(<!-- figures: .*? -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def percent(value: float) -> str:
    """A share in whole percent."""
    return f"{value:.0%}"


def ratio(value: float) -> str:
    """A ratio with two digits."""
    return f"{value:.2f}"


ROWS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("of what a perfect plan would gain, the plan gains", "captured_pooled", percent),
    ("the plan truly beats keeping the mix, in", "beats", percent),
    ("the plan says that it does, with probability", "prob_better", percent),
    ("90% intervals that hold the true ROI (should be 90%)", "coverage", percent),
    ("GMV promised, over GMV that truly comes", "promise_pooled", ratio),
)
ARMS = (("national", "National weekly data"), ("lift", "With a lift test on a third of the channels"))


def figures(summary: dict[str, Any]) -> str:
    """The table of the page on the method, from the summary of the recovery study."""
    return "\n\n".join("\n".join(_arm(summary[arm]["all"], title)) for arm, title in ARMS) + "\n"


def _arm(found: dict[str, Any], title: str) -> Iterator[str]:
    yield f"| {title}: {found['markets']} markets | this model | best possible |"
    yield "|---|---:|---:|"
    for words, key, told in ROWS:
        yield f"| {words} | {told(found['model'][key][0])} | {told(found['oracle'][key][0])} |"


def pages() -> Iterator[tuple[Path, str]]:
    """Every page that is written, whole or in part, with the text that it should have."""
    yield DOCS / "commands.md", commands()
    yield DOCS / "settings.md", settings()
    yield DOCS / "rules.md", reference()
    method = DOCS / "method.md"
    table = figures(json.loads((DOCS / "evidence" / "recovery.json").read_text(encoding="utf-8")))
    yield method, FIGURES.sub(lambda found: f"{found[1]}{table}{found[2]}", method.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page, text in pages():
        page.write_text(text, encoding="utf-8")
