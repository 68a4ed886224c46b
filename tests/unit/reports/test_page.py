"""The page: self-contained, escaped, in both languages, charts that add up."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from reports.page import render_page
from reports.words import LANGUAGES

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Reader(HTMLParser):
    """Tags, their attributes and the text of a page; remembers tags left open."""

    def __init__(self):
        super().__init__()
        self.tags, self.words, self.open, self.crossed = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture(params=LANGUAGES)
def html(request, plan, fit, manifest):
    return render_page(plan, fit, manifest, request.param)


def test_tags_are_closed_in_order(html):
    reader = read(html)
    assert reader.crossed == []
    assert reader.open == []


def test_nothing_runs_and_nothing_is_loaded(html):
    reader = read(html)
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "img", "iframe", "object", "use", "a", "form"}
    names = {name for _, attrs in reader.tags for name in attrs}
    assert not [name for name in names if name in {"src", "href", "style"} or name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    policy = next(attrs["content"] for _, attrs in reader.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_user_text_is_shown_and_escaped(html, plan):
    reader = read(html)
    shown = "".join(reader.words)
    for line in plan.lines[3:]:
        assert line.name in shown
    assert "<script" not in html
    assert "<b>plan it" not in html
    assert "<b>plan it with care</b>" in shown


def test_language_is_declared(plan, fit, manifest):
    zh, en = (render_page(plan, fit, manifest, lang) for lang in ("zh", "en"))
    assert '<html lang="zh-CN">' in zh
    assert '<html lang="en">' in en
    assert "抖音直播" in zh
    assert "Where the money goes" in en
    assert "Where the money goes" not in zh


def test_findings_notes_and_identity_are_on_the_page(html):
    shown = "".join(read(html).words)
    for said in ("The data say nothing about bilibili", "This is simulated data.", "abc123", "run-7"):
        assert said in shown


def test_stacked_weeks_have_the_height_of_the_plan(html, plan):
    blocks = [
        attrs for tag, attrs in read(html).tags if tag == "rect" and float(attrs.get("y", 0)) > 1 and "x" in attrs
    ]
    weeks = {}
    for block in blocks:
        weeks[block["x"]] = weeks.get(block["x"], 0.0) + float(block["height"])
    heights = [weeks[x] for x in sorted(weeks, key=float)]
    sums = [sum(line.weekly_fen[t] for line in plan.lines) for t in range(13)]
    assert len(heights) == 13
    assert [height / heights[0] for height in heights] == pytest.approx([fen / sums[0] for fen in sums], rel=1e-3)


def test_small_lines_share_one_layer(plan, fit, manifest):
    many = tuple(replace(plan.lines[1], name=f"line {i}", label={}) for i in range(25))
    html = render_page(replace(plan, lines=many), fit, manifest, "en")
    assert html.count("<li>") == 11
    assert "Other lines" in html


def test_a_plan_of_nothing_still_renders(plan, fit):
    idle = tuple(replace(line, weekly_fen=(0,) * 13, history_spend=None) for line in plan.lines)
    bare = replace(plan, lines=idle, total_fen=0, gmv=None, roi=None, proof=None, constraints=(), rules=(), notes=())
    assert "There is no proof." in render_page(bare, fit, {}, "en")
