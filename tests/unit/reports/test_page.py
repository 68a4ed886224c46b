"""The page: self-contained, escaped, in both languages, charts that add up."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mmm.messages import joined
from optimizer.sentences import tell
from reports import figures
from reports.page import render_page
from reports.words import LANGUAGES, money_words

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
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def shown(self):
        return "".join(self.words)

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture(params=LANGUAGES)
def html(request, plan, outlook, fit, manifest):
    return render_page(plan, outlook, fit, manifest, request.param)


def test_tags_are_closed_in_order(html):
    reader = read(html)
    assert reader.crossed == []
    assert reader.open == []


def test_nothing_is_loaded_and_nothing_runs_but_its_own_script(html):
    reader = read(html)
    assert not {tag for tag, _ in reader.tags} & {"link", "img", "iframe", "object", "use", "form", "foreignobject"}
    names = {name for _, attrs in reader.tags for name in attrs}
    assert not [name for name in names if name in {"src", "style", "xlink:href"} or name.startswith("on")]
    assert all(link["href"].startswith("#") for link in reader.all("a"))
    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert "url(" not in html
    assert "@import" not in html


def test_policy_allows_exactly_the_style_and_the_script(html):
    policy = next(
        attrs["content"] for attrs in read(html).all("meta") if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    hashes = {
        tag: base64.b64encode(hashlib.sha256(re.search(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)[1].encode()).digest())
        for tag in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style'].decode()}'; "
        f"script-src 'sha256-{hashes['script'].decode()}'; base-uri 'none'; form-action 'none'"
    )
    assert "unsafe" not in policy


def test_user_text_is_shown_and_escaped(html, plan):
    reader = read(html)
    for line in plan.lines[3:]:
        assert line.name in reader.shown
    assert html.count("<script") == 1
    assert "<b>" not in html
    assert "<b>plan it with care</b>" in reader.shown
    assert "<b>my own sale</b>" in reader.shown


def test_language_is_declared(plan, outlook, fit, manifest):
    zh, en = (render_page(plan, outlook, fit, manifest, lang) for lang in ("zh", "en"))
    assert '<html lang="zh-CN">' in zh
    assert '<html lang="en">' in en
    assert "抖音直播" in zh
    assert "双 11" in zh
    assert "Where the money goes" in en
    assert "Where the money goes" not in zh


def test_findings_notes_and_identity_are_on_the_page(html):
    shown = read(html).shown
    for said in ("The data say nothing about bilibili", "This is simulated data.", "abc123", "run-7"):
        assert said in shown


def test_what_the_rule_and_the_target_are_worth_is_on_the_page(html):
    shown = read(html).shown
    assert "61.8%" in shown  # probability of the target
    assert "25.0%" in shown  # probability of a cut
    assert "2,000" in shown  # quarters played
    assert "1.2" in shown  # GMV lost per unit saved


def test_every_drawing_is_told_in_words(html):
    drawings = [attrs for attrs in read(html).all("svg") if attrs.get("role") == "img"]
    assert len(drawings) > 20
    assert all(attrs["aria-label"].strip() for attrs in drawings)


def test_links_lead_to_places_on_the_page(html):
    reader = read(html)
    places = {attrs["id"] for _, attrs in reader.tags if "id" in attrs}
    assert {link["href"].removeprefix("#") for link in reader.all("a")} <= places


def test_headings_go_down_one_level_at_a_time(html):
    levels = [int(tag[1]) for tag, _ in read(html).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_stacked_weeks_have_the_height_of_the_plan(plan, outlook):
    blocks = [mark for mark in figures.flighting(plan, outlook, "en").wide.marks if mark.attributes["class"] == "block"]
    weeks = {}
    for block in blocks:
        weeks.setdefault(block.attributes["x"], []).append(block.attributes["height"])
    heights = [sum(weeks[x]) for x in sorted(weeks)]
    sums = [sum(line.weekly_fen[t] for line in plan.lines) for t in range(13)]
    assert len(heights) == 13
    assert [height / heights[0] for height in heights] == pytest.approx([fen / sums[0] for fen in sums], rel=3e-3)


def test_the_waterfall_falls_to_the_sum(plan):
    marks = figures.waterfall(plan, "en").wide.marks
    gains = [mark.attributes for mark in marks if mark.attributes["class"] == "gain"]
    total = next(mark.attributes for mark in marks if mark.attributes["class"] == "sum")
    ends = [gain["x"] + gain["width"] for gain in gains]
    assert [gain["x"] for gain in gains[1:]] == pytest.approx(ends[:-1], abs=1.1)
    assert total["x"] + total["width"] == pytest.approx(ends[-1], abs=1.1)


def test_many_lines_fall_together(plan):
    many = tuple(replace(plan.lines[1], name=f"line {i}", label={}) for i in range(25))
    gmv = replace(plan.gmv, mean=sum(line.gmv.mean for line in many))
    marks = figures.waterfall(replace(plan, lines=many, gmv=gmv), "en").wide.marks
    gains = [mark.attributes for mark in marks if mark.attributes["class"] == "gain"]
    total = next(mark.attributes for mark in marks if mark.attributes["class"] == "sum")
    assert len(gains) == figures.MOST_ROWS
    assert sum(gain["width"] for gain in gains) == pytest.approx(total["width"], abs=1.5)


def test_the_plan_lies_on_its_own_curve(plan, outlook):
    line = plan.lines[0]
    curve = outlook.curves[0]
    on_curve = replace(line, gmv=replace(line.gmv, mean=float(curve.mean[4])), weekly_fen=(int(100 * curve.spend[4]),))
    (card,) = figures.curve_cards(replace(plan, lines=(on_curve,)), outlook, "en")
    dot = next(mark.attributes for mark in card.chart.marks if mark.tag == "circle")
    mean = next(mark.attributes["d"] for mark in card.chart.marks if mark.attributes["class"] == "mean")
    x, y = (float(part) for part in mean.removeprefix("M").split("L")[4].split(","))
    assert (dot["cx"], dot["cy"]) == pytest.approx((x, y), abs=0.15)


def test_a_line_without_money_has_a_curve_and_no_dot(plan, outlook):
    cards = figures.curve_cards(plan, outlook, "en")
    idle = next(card for card in cards if card.label == "bilibili")
    assert idle.facts == "no money in this plan"
    assert not [mark for mark in idle.chart.marks if mark.tag == "circle"]


def test_names_of_peaks_do_not_touch(plan, outlook):
    from optimizer.outlook import PeakWeeks
    from reports.charts import width_of

    many = tuple(PeakWeeks(f"a long name of peak {k}", k, k) for k in range(13))
    chart = figures.flighting(plan, replace(outlook, peaks=many), "en").narrow
    names = [mark for mark in chart.marks if mark.attributes["class"] == "peak-name"]
    by_row = {}
    for mark in names:
        by_row.setdefault(mark.attributes["y"], []).append(mark)
    assert len(names) == 13
    for row in by_row.values():
        ends = [mark.attributes["x"] + width_of(mark.words, 11) for mark in row]
        assert all(end <= mark.attributes["x"] for end, mark in zip(ends, row[1:], strict=False))


def test_small_lines_share_one_layer(plan, outlook, fit, manifest):
    many = tuple(replace(plan.lines[1], name=f"line {i}", label={}) for i in range(25))
    drawn = figures.layers(replace(plan, lines=many), "en")
    assert len(drawn) == len(figures.PALETTE) + 1
    assert drawn[-1].label == "Other lines"
    assert sum(sum(layer.fen) for layer in drawn) == sum(line.spend_fen for line in many)
    assert "line 24" in render_page(replace(plan, lines=many), outlook, fit, manifest, "en")


def test_a_plan_of_nothing_still_renders(plan, outlook, fit):
    idle = tuple(replace(line, weekly_fen=(0,) * 13, history_spend=None, near_optimal=None) for line in plan.lines)
    nothing = {"gmv": None, "roi": None, "proof": None, "rule_value": None, "prob_target": None, "pro_rata": None}
    bare = replace(plan, lines=idle, total_fen=0, constraints=(), rules=(), notes=(), last_quarter=None, **nothing)
    html = render_page(bare, outlook, fit, {}, "en")
    assert "No rule binds." in html
    assert read(html).open == []


def test_a_failed_model_is_said_first(plan, outlook, fit, manifest):
    check = {"name": "R-hat", "verdict": "FAIL", "value": 1.4, "limit": 1.01, "sentence": "The chains disagree."}
    failed = fit | {"health": {"verdict": "FAIL", "checks": [*fit["health"]["checks"], check]}}
    shown = read(render_page(plan, outlook, failed, manifest, "en")).shown
    assert shown.index("The chains disagree.") < shown.index("Expected GMV")


def test_money_reads_as_in_the_tables(plan, outlook, fit, manifest):
    shown = read(render_page(plan, outlook, fit, manifest, "en")).shown
    for line in plan.lines:
        assert money_words(line.spend_fen / 100, "en") in shown


def test_a_mix_that_breaks_rules_is_not_called_better_without_saying_so(plan, outlook, fit, manifest):
    told = tell("note.pro_rata", mean=-5e4, low=-9e5, high=8e5, currency="CNY")
    breaks = tell("note.pro_rata.breaks", names=["social cap", "content 35%"])
    noted = replace(plan, notes=(joined("sentences", (told, breaks)),))
    page = render_page(noted, outlook, fit, manifest, "zh")
    sure = page[page.index('id="sure"') : page.index('id="binds"')]
    assert "但它违反本方案遵守的规则：social cap、content 35%。" in sure
