"""The what-if page in the browser: cells, limits and variants by mouse and keyboard, nothing loaded from outside."""

import threading

import fitted
import pytest
from test_pages import CONTRAST

from budget.desk import Desk
from budget.runs import open_session, stored_fit
from budget.serve import serving

pytestmark = pytest.mark.browser

FIELDS = """() => [...document.querySelectorAll("input, button")]
  .filter((one) => !(one.labels?.length || one.getAttribute("aria-label") || one.textContent.trim()))
  .map((one) => one.outerHTML)"""


@pytest.fixture(params=["en", "zh"])
def desk(request, browser, tmp_path):
    fitted.write_small(tmp_path)
    session = open_session(tmp_path / "budget.yaml")
    site, server, opened = serving(Desk(session, stored_fit(session), request.param), request.param)
    thread = threading.Thread(target=server.run, args=([opened],), daemon=True)
    thread.start()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda one: page.said.append(one.url) if site.url.split("?")[0] not in one.url else None)
    page.goto(site.url)
    yield page
    page.close()
    server.should_exit = True
    thread.join(10)
    opened.close()


def done(page):
    page.wait_for_selector("#desk[aria-busy=false]")


def press(page, action):
    page.click(f"button[data-action={action}]")
    done(page)


def test_a_cell_is_edited_and_taken_back(desk):
    assert "?" not in desk.url
    before, tiles = desk.input_value("#c-0-0"), desk.inner_text("#tiles")
    desk.fill("#c-0-0", "1万")
    desk.press("#c-0-0", "Enter")
    done(desk)
    assert desk.input_value("#c-0-0") == "10,000"
    assert "edited" in desk.get_attribute("#c-0-0", "class")
    assert desk.evaluate("document.activeElement.id") == "c-1-0"
    assert desk.inner_text("#tiles") != tiles
    assert desk.locator("#rules .broken li").count() >= 1
    press(desk, "undo")
    assert desk.input_value("#c-0-0") == before
    assert desk.locator("#rules .broken li").count() == 0
    assert desk.said == []


def test_what_is_no_amount_stays_marked_until_it_is_mended(desk):
    desk.fill("#c-0-0", "many")
    desk.press("#c-0-0", "Tab")
    done(desk)
    assert desk.get_attribute("#c-0-0", "aria-invalid") == "true"
    assert "2025-12-01" in desk.inner_text("#message")
    desk.fill("#c-0-0", "5000")
    desk.press("#c-0-0", "Tab")
    done(desk)
    assert desk.get_attribute("#c-0-0", "aria-invalid") is None


def test_a_limit_is_moved_and_the_plan_made_anew(desk):
    desk.fill("#total", "130万")
    desk.press("#total", "Tab")
    done(desk)
    assert "changed" in desk.locator(".lever", has=desk.locator("#total")).get_attribute("class")
    press(desk, "solve")
    assert desk.inner_text("#sum") == "1,300,000"
    assert desk.locator("#rules .PASS").count() == 1
    desk.fill("#name", "<i>less</i>")
    desk.press("#name", "Enter")
    done(desk)
    assert desk.locator("#kept tbody tr").count() == 2
    assert "<i>less</i>" in desk.inner_text("#kept")
    with desk.expect_download() as download:
        desk.click("button[data-action=workbook]")
    assert download.value.suggested_filename == "plan.xlsx"
    press(desk, "forget")
    assert desk.locator("#kept tbody tr").count() == 1


def test_fields_have_names_words_have_contrast_and_a_phone_does_not_scroll_sideways(desk):
    assert desk.evaluate(FIELDS) == []
    assert desk.evaluate(CONTRAST) == []
    desk.set_viewport_size({"width": 390, "height": 800})
    assert desk.evaluate("document.documentElement.scrollWidth") <= 390
    assert desk.said == []
