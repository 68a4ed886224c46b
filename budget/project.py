"""The project file: YAML in, validated settings out, every fault with its file and line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import Field

from budget.checks import Finding, findings
from budget.money import parse_money
from budget.tree import Node, Source, YamlPath, find, merge, place, put, read_tree, step
from budget.validation import shown, validate
from mmm.problems import InputError, Problem
from mmm.settings import BacktestSettings, ChannelSettings, DataSettings, ModelSettings, Settings, SplitFiles
from optimizer.settings import LineSettings, PlanSettings

CONFIG_NAME = "budget.yaml"


class Project(Settings):
    """A budget project: its data, its model, its channels and budget lines, and the rules of its plan."""

    extends: str | None = None
    """A project file in this folder, or ``demo``, that this one builds on: later keys win, blocks merge, lists
    replace. Paths in it are relative to its own folder."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
    """ISO code of the one currency of all amounts, such as CNY."""
    note: str = ""
    """Shown on the plan, such as: simulated data."""
    data: DataSettings
    """The weekly data."""
    calendar: str = "none"
    """Shopping calendar: ``none``, ``china-ecommerce``, or a YAML file."""
    model: ModelSettings = ModelSettings()
    """How the model is built and sampled."""
    channels: Annotated[dict[str, ChannelSettings], Field(min_length=1)]
    """Media channels by name."""
    lines: Annotated[dict[str, LineSettings], Field(default_factory=dict)]
    """Budget lines without a response, by name."""
    outside_files: bool = False
    """Let ``data.file``, ``lift_tests`` and ``calendar`` lead out of the project folder by a relative path or a link;
    an absolute path says plainly where it leads and needs no leave."""
    lift_tests: str | None = None
    """File of lift tests (.csv, .parquet or .xlsx; channel,start,end,unit,spend_change,kpi_change,kpi_se): experiments
    that the model is to agree with, within their standard errors."""
    plan: PlanSettings
    """The plan."""
    backtest: BacktestSettings = BacktestSettings()
    """How ``budget backtest`` tries the model."""


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project and the files it came from.

    Attributes
    ----------
    project : Project
    path : Path
        The project file.
    folder : Path
        Its folder: where plans and fitted models go.
    sources : tuple of Path
        All files read: the project file, then what it extends.
    data_folder, calendar_folder, lift_folder : Path
        What ``data.file``, ``calendar`` and ``lift_tests`` are relative to: the folder of the file that says them.
    tree : Node
        The merged YAML, which a what-if changes.
    total_given : bool
        The total comes from ``--total``.
    """

    project: Project
    path: Path
    folder: Path
    sources: tuple[Path, ...]
    data_folder: Path
    calendar_folder: Path
    lift_folder: Path
    tree: Node = field(repr=False)
    total_given: bool = False


def demo_folder() -> Path:
    """Folder of the demo project that ships with the package."""
    return Path(str(files("configs") / "demo"))


def find_config(given: Path | None) -> tuple[Path, bool]:
    """Choose the project file, and say whether it is the demo.

    The file given; else ``budget.yaml`` in the current folder; else the demo.
    """
    if given is not None:
        return given, False
    here = Path.cwd() / CONFIG_NAME
    if here.is_file():
        return here, False
    return demo_folder() / CONFIG_NAME, True


def load_project(path: Path, *, total: str | float | None = None) -> LoadedProject:
    """Read, merge and check a project file.

    Parameters
    ----------
    path : Path
        The project file.
    total : str, float or None
        Replaces ``plan.total`` before the checks (the ``--total`` option).

    Raises
    ------
    InputError
        With all problems of the stage that failed: reading YAML, shape and types, or cross checks.
    """
    chain = _chain(Source(path, path.name), path.parent)
    tree = chain[-1]
    for over in reversed(chain[:-1]):
        tree = merge(tree, over)
    project = validate(Project, tree)
    if total is not None:
        tree = put(tree, ("plan", "total"), parse_money(total, where="--total") / 100, Source(path, "--total"))
        project = validate(Project, tree)
    _cross_check(project, tree)
    loaded = LoadedProject(
        project=project,
        path=path,
        folder=path.parent,
        sources=tuple(each.source.path for each in chain),
        data_folder=find(tree, ("data", "file", "outcome")).source.path.parent,
        calendar_folder=find(tree, ("calendar",)).source.path.parent,
        tree=tree,
        total_given=total is not None,
        lift_folder=find(tree, ("lift_tests",)).source.path.parent,
    )
    _keep_inside(loaded)
    return loaded


def with_tree(loaded: LoadedProject, tree: Node) -> LoadedProject:
    """The same project with another tree, validated and checked anew; files are where they were."""
    project = validate(Project, tree)
    _cross_check(project, tree)
    changed = replace(loaded, project=project, tree=tree)
    _keep_inside(changed)
    return changed


def _keep_inside(loaded: LoadedProject) -> None:
    """Files of a project that somebody sent may not lead anywhere else unseen."""
    project, file = loaded.project, loaded.project.data.file
    split = isinstance(file, SplitFiles)
    named: list[tuple[YamlPath, str | None, Path]] = [
        (("data", "file", "outcome") if split else ("data", "file"), _name(file, "outcome"), loaded.data_folder),
        (("data", "file", "spend") if split else ("data", "file"), _name(file, "spend"), loaded.data_folder),
        (("lift_tests",), project.lift_tests, loaded.lift_folder),
        (("calendar",), project.calendar, loaded.calendar_folder),
    ]
    cure = "Copy it into the project folder, write outside_files: true, or write its absolute path."
    problems = {
        Problem("the file lies outside the project folder", place(loaded.tree, path), shown(name), cure)
        for path, name, folder in named
        if name is not None and not project.outside_files and _leads_out(name, folder, loaded.folder)
    }
    if problems:
        raise InputError(sorted(problems, key=str))


def _name(file: str | SplitFiles, part: str) -> str:
    return file if isinstance(file, str) else str(getattr(file, part))


def _leads_out(name: str, folder: Path, project: Path) -> bool:
    """Whether a relative path ends neither in the project nor in the demo that ships with the package."""
    if Path(name).is_absolute():
        return False
    try:
        path = (folder / name).resolve()
    except (OSError, ValueError):  # no name of a file; reading it says so
        return False
    return not any(path.is_relative_to(home.resolve()) for home in (project, demo_folder()))


def _cross_check(project: Project, tree: Node) -> None:
    raise_findings(findings(project), tree)


def raise_findings(found: Iterable[Finding], tree: Node) -> None:
    """Raise an :class:`InputError` with every finding at its file and line; nothing when there is none."""
    problems = [Problem(each.what, place(tree, each.path), each.value, each.cure) for each in found]
    if problems:
        raise InputError(problems)


def _chain(source: Source, root: Path) -> tuple[Node, ...]:
    """Read a file and all that it extends, nearest first."""
    trees = [read_tree(source)]
    while (parent := _parent(trees[-1], root)) is not None:
        if parent.path.resolve() in [tree.source.path.resolve() for tree in trees]:
            raise InputError([_circle(trees, parent)])
        if parent.path.parent == demo_folder():
            root = demo_folder()
        trees.append(read_tree(parent))
    return tuple(trees)


def _parent(tree: Node, root: Path) -> Source | None:
    """Find the file that a tree extends; None when it extends nothing."""
    node = step(tree, "extends")
    if node is None or not isinstance(node.value, str):  # a wrong type is the validation's to refuse
        return None
    if node.value == "demo":
        return Source(demo_folder() / CONFIG_NAME, f"demo/{CONFIG_NAME}")
    path = tree.source.path.parent / node.value
    where = place(tree, ("extends",))
    if not path.resolve().is_relative_to(root.resolve()):
        cure = "Copy the file into the project folder and name it relative to this one."
        raise InputError([Problem("the file lies outside the project folder", where, shown(node.value), cure)])
    if not path.is_file():
        raise InputError([Problem("there is no such file", where, shown(node.value), "Check the name and the folder.")])
    return Source(path, path.resolve().relative_to(root.resolve()).as_posix())


def _circle(trees: list[Node], again: Source) -> Problem:
    ring = " -> ".join(source.name for source in (*(tree.source for tree in trees), again))
    where = place(trees[-1], ("extends",))
    return Problem("the files extend each other in a circle", where, ring, "Remove one of these extends.")
