"""The pictures of README and docs: there, and small enough to be cloned by everybody."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_BYTES = 1_500_000


def test_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "img").iterdir()}
    assert sizes
    assert sum(sizes.values()) < MOST_BYTES


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.name
)
def test_pictures_that_are_shown_exist(page):
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in name:
            assert (page.parent / name).is_file(), name
