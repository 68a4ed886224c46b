"""Budget versions: every plan that was written is kept by its id; list them, compare two, check one's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from budget.records import ManifestRecord, Output, PlanRecord, VersionRecord, read_document, read_record
from budget.runs import Fitted, Session, build_problem, input_files, run_id, with_inputs_of
from budget.store import fingerprint_file, write_together
from budget.validation import did_you_mean
from mmm.faults import fault
from mmm.problems import InputError, Problem

if TYPE_CHECKING:
    from optimizer.problem import PlanProblem

_FOLDER = ".budget/plans"
_MONEY = 0.005


def record_version(
    home: Path, document: Mapping[str, Any], about: Mapping[str, Any], files: Mapping[str, bytes]
) -> None:
    """Keep a plan under its id; the same plan written again keeps one entry, with the latest author and note."""
    folder = home / _FOLDER / str(document["id"])
    gmv = document["expected"]["gmv"] or {}
    entry = {key: document[key] for key in ("id", "parent", "author", "note", "quarter", "total", "currency", "status")}
    entry |= {"created": about["created"], "gmv": gmv.get("mean"), "fingerprint": document["fingerprint"]}
    text = json.dumps(entry, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    write_together(folder, {**files, "version.json": text})


def versions(home: Path) -> list[dict[str, Any]]:
    """Entries of every version, oldest first; what is not an entry of ours is passed over.

    Times are kept to the second: of two versions written in the same one, a parent comes before its child.
    """
    found: list[dict[str, Any]] = []
    for path in (home / _FOLDER).glob("*/version.json"):
        with suppress(InputError):
            found.append(read_record(VersionRecord, path).model_dump())
    parents = {str(entry["id"]): str(entry["parent"]) for entry in found}
    return sorted(
        found, key=lambda entry: (str(entry["created"]), _generation(str(entry["id"]), parents), str(entry["id"]))
    )


def _generation(version: str, parents: Mapping[str, str]) -> int:
    """How many versions a version descends from; a circle, which only tampering makes, ends where it began."""
    seen = {version}
    while (version := parents.get(version, "")) in parents and version not in seen:
        seen.add(version)
    return len(seen)


# Two plans ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """A plan that was named: what to call it, and its spend (line, week) in fen."""

    name: str
    fen: tuple[tuple[int, ...], ...]


def find_version(session: Session, problem: PlanProblem, named: str) -> Version:
    """The plan that an id (or its beginning), a folder or a file means.

    Raises
    ------
    InputError
        When nothing, or more than one version, is called so, or its weeks or lines are not this project's.
    """
    from budget.plan_files import read_plan

    path = Path(named)
    lines = [line.name for line in problem.lines]
    if path.is_dir():
        path = path / "plan.csv"
    if path.is_file() and path.suffix.lower() != ".json":
        return Version(named, read_plan(path, lines, problem.weeks))
    if path.is_file():
        path = path.parent / "plan.csv"
        return Version(named, read_plan(path, lines, problem.weeks))
    known = [str(entry["id"]) for entry in versions(session.home)]
    matching = [one for one in known if one.startswith(named)] if len(named) >= 4 else []
    if len(matching) != 1:
        what = "several versions begin so" if matching else "there is no such plan"
        cure = did_you_mean(named, known) or "Give a folder, a plan file, or an id of budget history."
        raise InputError([Problem(what, "budget compare", named, cure)])
    return Version(matching[0], read_plan(session.home / _FOLDER / matching[0] / "plan.csv", lines, problem.weeks))


def compare_versions(session: Session, fitted: Fitted, first: str, second: str) -> dict[str, Any]:
    """Two plans line by line, and how much more the second earns, draw by draw on today's curves."""
    from optimizer.assemble import findings_of, interval, settled
    from optimizer.verify import broken

    problem = settled(build_problem(session.loaded, fitted.curves))
    plans = [find_version(session, problem, named) for named in (first, second)]
    fen = [np.array(plan.fen, dtype=np.int64) for plan in plans]
    gains = [problem.response.incremental(each[: problem.responding].T / 100) for each in fen]
    total = [each.sum(axis=1) for each in gains]
    better = total[1] - total[0]
    told = [
        {
            "name": plan.name,
            "total": float(money.sum()) / 100,
            "gmv": _interval(interval(draws)),
            "roi": float(draws.mean() / (money.sum() / 100)) if money.sum() else None,
            "broken": list(dict.fromkeys(fault.name for fault in broken(findings_of(problem, money)))),
        }
        for plan, money, draws in zip(plans, fen, total, strict=True)
    ]
    lines = [
        {
            "name": line.name,
            "label": dict(line.label),
            "first": float(fen[0][i].sum()) / 100,
            "second": float(fen[1][i].sum()) / 100,
            "change": float(fen[1][i].sum() - fen[0][i].sum()) / 100,
            "weeks_changed": int((fen[0][i] != fen[1][i]).sum()),
            "gmv_change": _interval(interval(gains[1][:, i] - gains[0][:, i])) if i < problem.responding else None,
        }
        for i, line in enumerate(problem.lines)
    ]
    return {
        "first": told[0],
        "second": told[1],
        "gmv_gain": _interval(interval(better)),
        "prob_better": float((better > 0).mean()),
        "lines": lines,
        "currency": problem.currency,
    }


def _interval(found: Any) -> dict[str, float]:
    return {key: float(getattr(found, key)) for key in ("mean", "p05", "p50", "p95")}


# One plan's files -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verified:
    """One thing that was checked: whether it holds, and what was found."""

    check: str
    holds: bool
    found: str


def verify_folder(session: Session, folder: Path, fitted: Fitted | None) -> list[Verified]:
    """Check a plan's files against their manifest, each other, and the rules.

    Parameters
    ----------
    session : Session
    folder : Path
        Where ``budget plan`` wrote.
    fitted : Fitted or None
        The project's fitted model; without one the rules are not checked.

    Raises
    ------
    InputError
        When the folder holds no plan.
    """
    plan, about = read_record(PlanRecord, folder / "plan.json"), read_record(ManifestRecord, folder / "manifest.json")
    checks = [_hash(folder, output) for output in about.outputs]
    checks += _inputs(session, about)
    checks.append(_identity(read_document(folder / "plan.json"), plan, about))
    checks.append(_sums(plan))
    checks.extend(_grids(folder, plan))
    if fitted is not None:
        checks.extend(_rules(session, fitted, folder, plan))
    else:
        checks.append(
            Verified(fault("rules"), holds=False, found=fault("not checked: no fitted model of this project matches"))
        )
    return checks


def _hash(folder: Path, output: Output) -> Verified:
    name = Path(output.name).name
    check = fault("{name} unchanged", name=name)
    if not (folder / name).is_file():
        return Verified(check, holds=False, found=fault("missing"))
    same = fingerprint_file(folder / name) == output.sha256
    return Verified(check, same, fault("as written" if same else "changed since it was written"))


def _inputs(session: Session, about: ManifestRecord) -> list[Verified]:
    """Whether project files and data are those that the plan was made from, in their order."""
    loaded = session.loaded
    found = []
    for said, paths in ((about.config, loaded.sources), (about.data, input_files(loaded))):
        for output, path in zip_longest(said, paths):
            name = output.name if output else path.name
            there = path is not None and path.is_file()
            same = bool(output and there and fingerprint_file(path) == output.sha256)
            words = "as when it was planned" if same else "changed since it was planned" if there else "missing"
            found.append(Verified(fault("{name} as planned", name=name), same, fault(words)))
    return found


def _identity(document: Mapping[str, Any], plan: PlanRecord, about: ManifestRecord) -> Verified:
    """Whether the id is that of the content, and the manifest speaks of the same plan."""
    content = {key: value for key, value in document.items() if key not in {"id", "author", "note", "parent"}}
    computed = run_id(content)
    same = computed == plan.id == about.run_id
    words = computed if same else fault("{id} is not {computed}", id=plan.id, computed=computed)
    return Verified(fault("id of the content"), same, words)


def _sums(plan: PlanRecord) -> Verified:
    fen = [[round(100 * amount) for amount in line.weekly] for line in plan.lines]
    lines = all(sum(row) == round(100 * line.spend) for row, line in zip(fen, plan.lines, strict=True))
    spent, total = sum(map(sum, fen)), round(100 * plan.total)
    amounts = {"spent": spent / 100, "total": total / 100, "currency": plan.currency}
    found = fault("{spent:,.2f} of {total:,.2f} {currency}", **amounts)
    return Verified(fault("sums to the cent"), lines and spent <= total, found)


def _grids(folder: Path, plan: PlanRecord) -> list[Verified]:
    """Whether plan.csv and plan.xlsx hold the grid of plan.json."""
    from budget.plan_files import read_plan

    lines = [line.name for line in plan.lines]
    wanted = tuple(tuple(round(100 * amount) for amount in line.weekly) for line in plan.lines)
    found = []
    for name in ("plan.csv", "plan.xlsx"):
        try:
            same = read_plan(folder / name, lines, plan.weeks) == wanted
            words = fault("the same grid" if same else "another grid than plan.json")
        except InputError as error:
            same, words = False, error.problems[0].message
        found.append(Verified(fault("{name} holds the plan", name=name), same, words))
    return found


def _rules(session: Session, fitted: Fitted, folder: Path, plan: PlanRecord) -> list[Verified]:
    """Every rule of the project, by the verifier that knows nothing of the solver, and the GMV anew."""
    from budget.plan_files import read_plan
    from optimizer.assemble import evaluate_plan

    loaded = session.loaded
    if (folder / "plan.xlsx").is_file():
        loaded, _ = with_inputs_of(loaded, folder / "plan.xlsx")
    problem = build_problem(loaded, fitted.curves)
    same = plan.fingerprint == fitted.document["fingerprint"]
    words = "the one it was made with" if same else "another than it was made with"
    model = Verified(fault("fitted model"), same, fault(words))
    try:
        fen = read_plan(folder / "plan.csv", [line.name for line in problem.lines], problem.weeks)
    except InputError as error:
        return [model, Verified(fault("rules"), holds=False, found=error.problems[0].message)]
    scored, findings = evaluate_plan(problem, np.array(fen, dtype=np.int64))
    faults = [finding.sentence for finding in findings if finding.broken]
    hold = fault("all {count} limits hold", count=len(findings))
    rules = Verified(fault("rules"), not faults, "; ".join(faults) if faults else hold)
    return [model, rules, _gmv(plan, scored.gmv)]


def _gmv(plan: PlanRecord, found: Any) -> Verified:
    said = plan.expected.gmv.mean if plan.expected.gmv else None
    if said is None or found is None:
        return Verified(fault("expected GMV"), said is None and found is None, fault("none"))
    same = abs(found.mean - said) <= 1e-6 * abs(said) + _MONEY
    words = fault("{found:,.2f}" if same else "{found:,.2f}, the plan says {said:,.2f}", found=found.mean, said=said)
    return Verified(fault("expected GMV"), same, words)
