"""Pages in a real browser: Debian's chromium, driven by Playwright; a test fails where there is none."""

import shutil
from dataclasses import replace

import fitted
import pytest
from playwright.sync_api import sync_playwright
from typer.testing import CliRunner
from weeks import Player, plan_in

from budget import runs
from budget.cli import app
from mmm.calendar import read_calendar
from optimizer.assemble import settled
from optimizer.outlook import outlook
from reports.page import render_page

CHROMIUM = "/usr/bin/chromium"
LANGUAGES = ("en", "zh")


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Return the pages to look at: the demo's plan and review in both languages, and a plan of two dozen lines."""
    folder = tmp_path_factory.mktemp("pages")
    home = folder / "demo"
    fitted.write_demo(home)
    session = runs.open_session(home / "budget.yaml")
    fit = runs.stored_fit(session)
    plan = runs.solve(session, fit, gap=1e-3, seconds=30)
    found = {}
    for lang in LANGUAGES:
        runs.write_plan(session, plan, fit, folder / lang, lang)
        found[f"plan-{lang}"] = folder / lang / "plan.html"
    found["many-lines"] = folder / "many.html"
    found["many-lines"].write_text(many_lines(session, plan, fit), encoding="utf-8")
    found["many-findings"] = folder / "findings.html"
    found["many-findings"].write_text(many_findings(session, plan, fit), encoding="utf-8")
    for lang in LANGUAGES:
        found[f"review-{lang}"] = reviewed(session, plan, fit, folder / f"review-{lang}", lang)
    return found


def many_lines(session, plan, fit):
    """Render the plan with every line three times, twice under a long name; the page must hold them."""
    problem = settled(runs.build_problem(session.loaded, fit.curves))
    seen = outlook(problem, plan, read_calendar(session.loaded.project.calendar, session.loaded.calendar_folder))
    names = ("", " in the other half of the country", "之全国线下与线上联合推广项目")
    lines = tuple(
        replace(line, name=f"{line.name}{more}", label={"en": line.label["en"] + more})
        for more in names
        for line in plan.lines
    )[:26]
    curves = tuple(replace(curve, name=f"{curve.name}{more}") for more in names for curve in seen.curves)
    return render_page(replace(plan, lines=lines), replace(seen, curves=curves), fit.document, {"run_id": "1"}, "en")


def many_findings(session, plan, fit):
    """Render the plan of weeks that are no quarter, by a model that five checks find fault with."""
    problem = settled(runs.build_problem(session.loaded, fit.curves))
    seen = outlook(problem, plan, read_calendar(session.loaded.project.calendar, session.loaded.calendar_folder))
    words = "Much of how these channels' spends move goes with seasons and whatever else moves the KPI. " * 3
    check = {"verdict": "REVIEW", "value": 0.8, "limit": 0.35, "sentence": words}
    names = ("divergences", "hold-out error", "spend follows demand", "silent data", "posterior predictive p")
    health = {"verdict": "REVIEW", "checks": [{"name": name} | check for name in names]}
    document = fit.document | {"health": health}
    return render_page(replace(plan, quarter="2027-10-11 + 13 weeks"), seen, document, {"run_id": "1"}, "en")


def reviewed(session, plan, fit, folder, lang):
    """Review the first week of a copy of the demo, its plan written beside it."""
    shutil.copytree(session.home, folder)
    copied = runs.open_session(folder / "budget.yaml")
    runs.write_plan(copied, plan, fit, folder / "plans" / "2027Q4", lang)
    actuals = Player(folder).week(plan_in(folder)[1], 0)
    words = ["review", "--config", folder / "budget.yaml", "--actuals", actuals, "--week", "2027-10-04", "--lang", lang]
    answer = CliRunner().invoke(app, [str(word) for word in words])
    assert answer.exit_code == 0, answer.stderr
    return next((folder / "plans").rglob("review.html"))


@pytest.fixture
def open_page(browser):
    """Open a page at a width; whatever it says on the console or asks for outside is kept on ``page.said``."""
    contexts = []

    def opened(path, width=1440, height=900, *, script=True):
        context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script)
        contexts.append(context)
        page = context.new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.said.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
