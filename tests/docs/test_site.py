"""The site is built without a warning, and a reader's browser asks nobody else for anything."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class Loads(HTMLParser):
    """What a page makes a browser load."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in LOADED and given.get("rel") != "canonical":
            self.found.append(given.get(LOADED[tag]) or "")


def test_nothing_is_loaded_from_outside(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        reader = Loads()
        reader.feed(page.read_text(encoding="utf-8"))
        assert reader.found
        assert [each for each in reader.found if re.match(r"(https?:)?//", each)] == [], page.name
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8"), style.name


def test_every_page_can_be_reached_from_the_navigation(site):
    links = re.findall(r'class="md-nav__link[^"]*"', (site / "index.html").read_text(encoding="utf-8"))
    assert links
    home = (site / "index.html").read_text(encoding="utf-8")
    guides = [page.name for page in (site / "how-to").glob("*.html")]
    assert [name for name in guides if f"how-to/{name}" not in home] == []


def test_the_decisions_are_listed_with_their_questions(site):
    page = (site / "decisions" / "index.html").read_text(encoding="utf-8")
    for decision in (ROOT / "docs" / "decisions").glob("0*.md"):
        assert f'href="{decision.stem}.html"' in page
    assert page.count("<td></td>") == 0
