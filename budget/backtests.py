"""The run of ``budget backtest``: data in, backtest.json out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from budget.runs import Progress, Session, read_data, to_json
from budget.store import write_atomically


def run_backtest(session: Session, progress: Progress, origins: int | None, horizon: int | None) -> dict[str, Any]:
    """Try the project's model on weeks held out; ``origins`` and ``horizon`` override the project's."""
    from mmm.backtest import backtest

    project = session.loaded.project
    given = {name: value for name, value in (("origins", origins), ("horizon", horizon)) if value is not None}
    data = read_data(session.loaded, progress)
    return backtest(
        data.panel,
        project.channels,
        data.calendar,
        project.data.events,
        project.model,
        project.backtest.model_copy(update=given),
        data.lift_tests,
        on_stage=progress.stage,
    )


def write_backtest(document: dict[str, Any], out: Path) -> Path:
    """Write backtest.json whole or not at all."""
    path = out / "backtest.json"
    write_atomically(path, to_json(document))
    return path
