"""A week of a simulated market, played with the plan in force: the file of actual figures that a review asks for."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from budget.review import ledger_of
from budget.runs import Session, plan_weeks
from mmm.calendar import quarter_of, week_of, week_range
from mmm.faults import fault
from mmm.problems import InputError, Problem

if TYPE_CHECKING:
    from mmm.simulate import Market


def play_week(session: Session, day: date, plan: Path, folder: Path) -> Path:
    """Spend a week as planned (earlier ones as their figures say) and write what the market answers.

    Parameters
    ----------
    session : Session
        Of a project whose data were simulated: ``truth.json`` lies beside them.
    day : date
        Any day of the week.
    plan : Path
        plan.json, for as long as the ledger is empty.
    folder : Path
        Where ``week-<Monday>.csv`` goes.

    Raises
    ------
    InputError
        When the data were not simulated, there is no plan, or the week is not one of its weeks.
    """
    from mmm.play import play, write_week

    market, weeks = _market(session), plan_weeks(session.loaded)
    week = week_of(day, session.loaded.project.data.week_starts)
    if week not in weeks or weeks[0] != week_range(market.weeks[-1], 2)[1]:
        ends = {"first": f"{weeks[0]}", "last": f"{weeks[-1]}"}
        cure = fault("The plan's weeks are the Mondays from {first} to {last}, and must follow the data.", **ends)
        raise InputError([Problem("the week cannot be played", "--week", day.isoformat(), cure)])
    weekly = _spends(session, weeks, plan)
    lacking = [name for name in market.names if name not in weekly]
    if lacking:
        cure = fault("The market's channels are: {names}.", names=list(market.names))
        what = "the plan lacks channels of the simulated market"
        raise InputError([Problem(what, session.loaded.path.name, ", ".join(lacking), cure)])
    at = weeks.index(week)
    spend = np.array([weekly[name][: at + 1] for name in market.names]).T / 100
    reserves = {name: fen[at] / 100 for name, fen in weekly.items() if name not in market.names}
    path = folder / f"week-{week.isoformat()}.csv"
    write_week(play(market, spend), at, reserves, path)
    return path


def _market(session: Session) -> Market:
    """The market behind the project's data, made anew from its seed."""
    from mmm.simulate import demo_market, random_market

    path = session.loaded.data_folder / "truth.json"
    cure = "Make a simulated project with budget init or budget simulate."
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
        name, seed = str(truth["market"]), int(truth["seed"])
        if name == "demo":
            return demo_market(seed)
        return random_market(seed, weeks=int(truth["weeks"]["count"]), channels=int(name.removeprefix("random-")))
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise InputError([Problem("the project's data were not simulated", path.name, str(error), cure)]) from error


def _spends(session: Session, weeks: tuple[date, ...], plan: Path) -> dict[str, list[int]]:
    """Fen by line and week: the plan in force, weeks with figures as spent."""
    entries = ledger_of(session, quarter_of(weeks)).entries()
    if not entries:
        return {line["name"]: [round(100 * cell) for cell in line["weekly"]] for line in _plan(plan)["lines"]}
    weekly: dict[str, list[int]] = {name: list(fen) for name, fen in entries[-1].decision["weekly_fen"].items()}
    for entry in entries:
        at = weeks.index(date.fromisoformat(entry.week))
        for name, fen in entry.decision["figures"]["spend_fen"].items():
            weekly[name][at] = int(fen)
    return weekly


def _plan(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError([Problem("there is no plan to play", path.name, "", "Run budget plan first.")]) from error
    return found
