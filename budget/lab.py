"""The policy lab as a run: the project's curves and plan in, what each weekly policy would earn out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from budget.runs import Fitted, Progress, Session, build_problem, to_json
from budget.store import write_atomically
from mmm.problems import InputError, Problem

if TYPE_CHECKING:
    from reports.words import Lang

FILE = "policy-lab.json"


def run_policies(
    session: Session, fitted: Fitted, out: Path, quarters: int, seed: int, lang: Lang, progress: Progress
) -> dict[str, Any]:
    """Play the project's quarter under every standard policy; writes policy-lab.json.

    Raises
    ------
    InputError
        When the project has no weak-ROI rule to examine, or no plan can obey its rules.
    """
    from optimizer.assemble import make_plan
    from optimizer.planner import SolveOptions
    from optimizer.policy import run_lab, standard_policies
    from reports.lab import lab_document

    problem = build_problem(session.loaded, fitted.curves)
    if not problem.settings.cuts:
        cure = "Add one under plan.rules, such as {kind: cut, name: weak ROI, roi_below: 4.0, weeks: 2, cut: 0.20}."
        raise InputError([Problem("there is no weak-ROI rule to examine", session.loaded.path.name, cure=cure)])
    progress.stage("solve")
    began = time.perf_counter()
    plan = make_plan(problem, SolveOptions())
    if not plan.lines:
        raise InputError([Problem("no plan can obey all rules", "plan", cure="budget plan says which rules clash.")])
    progress.stage("play")
    spend = np.array([line.weekly_fen for line in plan.lines]) / 100
    played = run_lab(problem, spend, standard_policies(problem.settings.cuts[0]), quarters, seed)
    document = lab_document(played, problem, quarters, seed, time.perf_counter() - began, lang)
    write_atomically(out / FILE, to_json(document))
    return document
