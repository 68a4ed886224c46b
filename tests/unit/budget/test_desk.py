"""The what-if desk: what a person does to the grid and the limits, and what comes of it."""

import numpy as np
import pytest

from budget.desk import Desk
from budget.plan_files import read_plan
from budget.runs import open_session, solve, stored_fit
from budget.scenarios import changed_project, scenario_from_options
from mmm.problems import InputError
from optimizer.whatif import solve_scenario
from reports.desk import desk_page, desk_state


@pytest.fixture
def session(small):
    return open_session(small / "budget.yaml")


@pytest.fixture
def desk(session):
    return Desk(session, stored_fit(session), "en")


def grid(view):
    return [list(line.weekly_fen) for line in view.plan.lines]


def broken(view):
    return {finding.name for finding in view.findings if finding.broken}


def lever(view, name):
    return next(one for one in (*view.levers, *view.shocks) if name in (one.name, one.id))


def test_it_opens_with_the_projects_plan(desk, session):
    view = desk.view()
    plan = solve(session, stored_fit(session), gap=1e-4, seconds=60)
    assert grid(view) == [list(line.weekly_fen) for line in plan.lines]
    assert view.plan.gmv.mean == pytest.approx(plan.gmv.mean, rel=1e-9)
    assert (view.against, broken(view), view.edited, view.can_undo) == (None, set(), frozenset(), False)


def test_an_edited_cell_is_scored_on_the_same_draws(desk):
    before = desk.view()
    desk.set_cell(0, 1, "0")
    view = desk.view()
    assert view.plan.lines[0].weekly_fen[1] == 0
    assert view.edited == {(0, 1)}
    assert "total" in broken(view)
    assert view.against.gmv.mean == pytest.approx(view.plan.gmv.mean - before.plan.gmv.mean, rel=1e-6)
    assert view.against.prob_better == 0.0
    desk.undo()
    assert grid(desk.view()) == grid(before)
    assert desk.view().edited == frozenset()


def test_a_lines_spend_is_divided_in_proportion_to_the_fen(desk):
    was = grid(desk.view())[1]
    desk.set_line(1, "12,345.67")
    now = grid(desk.view())[1]
    assert sum(now) == 1234567
    np.testing.assert_allclose(np.array(now) / sum(now), np.array(was) / sum(was), atol=2 / 1234567)
    desk.set_line(1, "0")
    desk.set_line(1, "100")
    assert grid(desk.view())[1] == [2500] * 4


@pytest.mark.parametrize("text", ["many", "-5", "1.234", "=1+1", ""])
def test_what_is_no_amount_is_refused_and_changes_nothing(desk, text):
    before = grid(desk.view())
    with pytest.raises(InputError) as refused:
        desk.set_cell(0, 0, text)
    assert "Douyin live, week of 2025-12-01" in str(refused.value)
    assert grid(desk.view()) == before
    assert not desk.view().can_undo


def test_a_changed_limit_plans_as_what_if_does(desk, session):
    place = lever(desk.view(), "social cap").id
    desk.set_lever(place, "40%")
    desk.set_lever("total", "130万")
    desk.set_lever("shock-1", "-22")
    assert broken(desk.view()) >= {"total"}
    desk.solve()
    view = desk.view()
    sets = ["plan.total=1300000", 'plan.constraints."social cap".max=0.4']
    scenario = scenario_from_options("same", sets, ["search=-22%"], [], session.loaded)
    fresh = solve_scenario("same", desk_problem(session, scenario), desk._options)
    assert sum(map(sum, grid(view))) == 130_000_000
    assert grid(view) == [list(line.weekly_fen) for line in fresh.plan.lines]
    assert broken(view) == set()
    assert view.solved is not None
    assert lever(view, "social cap").changed
    assert lever(view, "social cap").text == "40"


def desk_problem(session, scenario):
    from budget.runs import build_problem

    return build_problem(changed_project(session.loaded, scenario), stored_fit(session).curves)


def test_a_limit_put_back_is_no_change(desk):
    desk.set_lever("total", "1300000")
    desk.set_lever("total", "1400000")
    view = desk.view()
    assert view.against is None
    assert not lever(view, "total").changed


def test_a_limit_that_the_project_refuses_is_not_kept(desk):
    place = lever(desk.view(), "social cap").id
    for text in ("150", "x"):
        with pytest.raises(InputError):
            desk.set_lever(place, text)
    assert lever(desk.view(), "social cap").text == "45"


def test_optimising_holds_edited_cells(desk):
    desk.set_cell(1, 2, "50000")
    desk.solve()
    view = desk.view()
    assert view.plan.lines[1].weekly_fen[2] == 5_000_000
    assert view.edited == {(1, 2)}
    assert sum(map(sum, grid(view))) == 140_000_000
    assert broken(view) == set()


def test_a_clash_names_its_rules_and_leaves_the_grid(desk):
    desk.set_cell(3, 0, "900000")
    before = grid(desk.view())
    assert "No plan" in desk.solve()
    view = desk.view()
    clashing = {row.name for row in view.clash.conflict}
    assert {"cells held as edited", "total"} <= clashing
    assert grid(view) == before
    assert "cells held as edited" in desk_state(view, "en", "")["html"]["rules"]
    desk.undo()
    assert desk.view().clash is None


def test_the_workbook_holds_the_grid(desk, tmp_path):
    desk.set_lever("total", "1300000")
    desk.solve()
    view = desk.view()
    book = tmp_path / "plan.xlsx"
    book.write_bytes(desk.workbook())
    lines, weeks = [line.name for line in view.plan.lines], view.plan.weeks
    assert [list(row) for row in read_plan(book, lines, weeks)] == grid(view)


def test_no_workbook_of_a_grid_that_breaks_rules(desk):
    desk.set_cell(0, 0, "1")
    with pytest.raises(InputError, match="total"):
        desk.workbook()


def test_variants_stand_side_by_side(desk):
    desk.set_cell(0, 0, "1000")
    desk.keep("less live")
    desk.reset()
    (kept,) = desk.view().kept
    assert (kept.name, kept.edits) == ("less live", 1)
    assert kept.against.gmv.mean < 0
    assert kept.broken >= 1
    with pytest.raises(InputError, match="kept already"):
        desk.keep("less live")
    desk.forget("less live")
    assert desk.view().kept == ()
    for number in range(12):
        desk.keep(str(number))
    with pytest.raises(InputError, match="Twelve"):
        desk.keep("13")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_says_what_the_state_says_and_escapes_names(session, lang):
    desk = Desk(session, stored_fit(session), lang)
    desk.set_cell(0, 0, "1000")
    desk.keep("<b>bold</b>")
    view = desk.view()
    page, state = desk_page(view, lang), desk_state(view, lang, "")
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in state["html"]["kept"]
    for place, value in state["values"].items():
        assert f'id="{place}"' in page
        assert f'value="{value}"' in page
    for place, words in state["texts"].items():
        assert f'id="{place}"' in page
        assert words in page
    assert state["edited"] == ["c-0-0"]


def test_nothing_is_written(session, small):
    def files():
        return {path: path.stat().st_mtime_ns for path in small.rglob("*") if path.suffix != ".lock"}

    before = files()
    desk = Desk(session, stored_fit(session), "en")
    desk.set_lever("total", "1300000")
    desk.solve()
    desk.keep("a")
    desk.workbook()
    assert files() == before
