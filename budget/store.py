"""Files that last: written whole or not at all, known by their content, listed in a manifest."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from mmm.faults import fault, reason
from mmm.problems import InputError, Problem

if TYPE_CHECKING:
    from budget.project import LoadedProject, Project
    from mmm.settings import ChannelSettings, ModelSettings

FIT_PACKAGES = ("budget-planner", "pymc", "nutpie", "pytensor", "numpy", "numba")
PLAN_PACKAGES = ("pyomo", "highspy", "pandas", "scipy", "pydantic", "xlsxwriter")

_COMPLETE = "complete.json"
_DRAFT = ".tmp"
_ABANDONED = 3600.0  # seconds
_CURES = {
    errno.EACCES: "Close the file in Excel (or whatever holds it open), or choose another folder with --out.",
    errno.ENOSPC: "Free some space on the disk, or choose another folder with --out.",
}
_CURES |= {errno.EPERM: _CURES[errno.EACCES], errno.EDQUOT: _CURES[errno.ENOSPC]}


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that any reader, at any moment, finds the old content or the new, never a part.

    Parameters
    ----------
    path : Path
        Its folder is made when absent.
    content : bytes or str
        Text is written as UTF-8.

    Raises
    ------
    InputError
        When the file is held open by another program, the disk is full or the folder is read-only.
    """
    write_together(path.parent, {path.name: content})


def write_together(folder: Path, contents: Mapping[str, bytes | str]) -> None:
    """Write files that belong together: all are drafted before the first gets its name, the last named comes last.

    Parameters
    ----------
    folder : Path
        Made when absent.
    contents : mapping of file name to bytes or str
        In the order in which they get their names; text is written as UTF-8.

    Raises
    ------
    InputError
        As :func:`write_atomically`; when a draft cannot be written, no file is replaced.
    """
    if folder.exists() and not folder.is_dir():
        cure = "Choose a folder with --out."
        raise InputError([Problem("this is a file, not a folder", folder.name, "", cure)])
    drafts: dict[str, Path] = {}
    try:
        for name, content in contents.items():
            with _said_plainly(folder / name):
                folder.mkdir(parents=True, exist_ok=True)
                drafts[name] = folder / f".{secrets.token_hex(8)}{_DRAFT}"
                _draft(drafts[name], content.encode() if isinstance(content, str) else content)
        for name, draft in drafts.items():
            with _said_plainly(folder / name):
                os.replace(draft, folder / name)  # noqa: PTH105 - the one call that replaces in one step, and the seam of its test
        _sweep(folder)
    finally:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def _draft(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sweep(folder: Path) -> None:
    """Remove the drafts of runs that were killed; a draft of a run that lives is younger than that."""
    for path in folder.glob(f".{'[0-9a-f]' * 16}{_DRAFT}"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def locked(home: Path, out: Path, seconds: float = 60.0) -> Iterator[None]:
    """Hold an output folder alone while its files are replaced, so that two runs cannot leave a mixture.

    The lock is the system's, so it ends with the process that held it, however that ends.

    Raises
    ------
    InputError
        When another run holds it for longer than ``seconds``, or the project folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    place = hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:16]
    folder = home / ".budget" / "locks"
    with _said_plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{place}.lock", timeout=seconds)
        try:
            lock.acquire()
        except Timeout as error:
            cure = "Wait until it is done and run this one again, or choose another folder with --out."
            raise InputError([Problem("another run writes to this folder", out.name, "", cure)]) from error
    try:
        yield
    finally:
        lock.release()


def fingerprint_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with _said_plainly(path, "read"), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fit_fingerprint(project: Project, data_files: Sequence[Path], calendar_file: Path | None) -> str:
    """SHA-256 over all that a fitted model depends on, and nothing that it does not.

    Counted: bytes of the data and calendar files, model settings (without ``cores``), data settings, what the fit
    reads of each channel, currency, package versions, and the code of ``mmm``. Not counted: file names, labels, the
    plan, and where the project lies.
    """
    parts = {
        "data": [fingerprint_file(path) for path in data_files],
        "calendar": None if calendar_file is None else fingerprint_file(calendar_file),
        "model": project.model.model_dump(mode="json", exclude={"cores"}),
        "reading": project.data.model_dump(mode="json", exclude={"file"}),
        "currency": project.currency,
        "code": _code(),
        "channels": [[name, _fitted_part(channel, project.model)] for name, channel in project.channels.items()],
        "versions": versions(FIT_PACKAGES),
    }
    return hashlib.sha256(_canonical(parts).encode()).hexdigest()


def _code() -> str:
    """SHA-256 of the statistics room's source: a fit made by other code is not this code's fit."""
    sources = sorted(Path(str(files("mmm"))).glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _fitted_part(channel: ChannelSettings, model: ModelSettings) -> dict[str, Any]:
    """What the fit reads of a channel: of its groups the first, by which it pools, and those with a prior."""
    read = {"spend", "visits", "attributed", "roi_prior", "long_term", "adstock", "saturation"}
    pool = channel.groups[0] if channel.groups else None
    believed = [name for name in channel.groups if name in model.group_roi_priors]
    return channel.model_dump(mode="json", include=read) | {"pool": pool, "believed": believed}


def versions(packages: Iterable[str] = (*FIT_PACKAGES, *PLAN_PACKAGES)) -> dict[str, str]:
    """Versions of installed packages, read from their metadata: nothing is imported."""
    return {package: _version(package) for package in packages}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def manifest(
    loaded: LoadedProject,
    *,
    command: Sequence[str],
    data_files: Sequence[Path],
    fingerprint: str,
    outputs: Sequence[Path],
) -> dict[str, Any]:
    """Say how a run's files came about, for ``manifest.json``.

    Parameters
    ----------
    loaded : LoadedProject
        Its model settings give the seed.
    command : sequence of str
        The command line; folders are left out of absolute paths, since they tell who ran it and where.
    data_files, outputs : sequence of Path
        Listed by name and SHA-256; all must exist.
    fingerprint : str
        Of the fitted model.

    Returns
    -------
    dict
        Ready for JSON.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [_without_folder(part) for part in command],
        "config": [_identity(path) for path in loaded.sources],
        "data": [_identity(path) for path in data_files],
        "fingerprint": fingerprint,
        "seed": loaded.project.model.seed,
        "versions": versions(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "outputs": [_identity(path) for path in outputs],
    }


def _identity(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": fingerprint_file(path)}


def _without_folder(part: str) -> str:
    """Keep only the name of an absolute path, alone or after ``--option=``."""
    option, sign, value = part.rpartition("=")
    return option + sign + (PurePath(value).name if PurePath(value).is_absolute() else value)


@dataclass(frozen=True, slots=True)
class FitStore:
    """Fitted models kept beside a project, each in a folder named after its fingerprint.

    Parameters
    ----------
    folder : Path
        The project folder; models are kept in ``.budget/fits`` under it.
    """

    folder: Path

    def find(self, fingerprint: str) -> Path | None:
        """Folder of the model with this fingerprint; None when there is none, or not all of it is intact."""
        home = self._home(fingerprint)
        return home if _is_complete(home, fingerprint) else None

    def publish(self, fingerprint: str, fill: Callable[[Path], None]) -> Path:
        """Store a model: ``fill`` writes its files into a draft folder, which then gets its name in one step.

        When another run has stored the same model meanwhile, that one is kept.

        Returns
        -------
        Path
            Folder of the stored model.
        """
        home = self._home(fingerprint)
        draft = home.parent / f".{secrets.token_hex(8)}{_DRAFT}"
        with _said_plainly(home):
            try:
                draft.mkdir(parents=True)
                fill(draft)
                hashes = {path.name: fingerprint_file(path) for path in sorted(draft.iterdir())}
                seal = {"fingerprint": fingerprint, "files": hashes}
                write_atomically(draft / _COMPLETE, json.dumps(seal, indent=2, ensure_ascii=False))
                _move_in(draft, home, fingerprint)
                _sweep(home.parent)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return home

    def _home(self, fingerprint: str) -> Path:
        return self.folder / ".budget" / "fits" / fingerprint[:16]


def _move_in(draft: Path, home: Path, fingerprint: str) -> None:
    """Give the draft its name, unless an intact model has it; a damaged one is moved out of the way."""
    for _ in range(5):  # a turn is lost only when another run has just moved something here
        with suppress(OSError):  # refused while the name belongs to a folder with files
            draft.rename(home)
            return
        if _is_complete(home, fingerprint):
            return
        waste = draft.with_suffix(".old")
        with suppress(FileNotFoundError):
            home.rename(waste)
        shutil.rmtree(waste, ignore_errors=True)
    draft.rename(home)


def _is_complete(home: Path, fingerprint: str) -> bool:
    """Whether every file of a stored model is there, byte for byte."""
    try:
        seal = json.loads((home / _COMPLETE).read_text(encoding="utf-8"))
        files: Mapping[str, str] = seal["files"]
        intact = all(fingerprint_file(home / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError):
        return False
    return intact and seal["fingerprint"] == fingerprint


def _canonical(value: object) -> str:
    """One JSON text per value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@contextmanager
def _said_plainly(path: Path, verb: str = "written") -> Iterator[None]:
    """Turn the system's refusal to read or write a file into an InputError with a cure."""
    try:
        yield
    except OSError as error:
        cure = _CURES.get(error.errno or 0, "Check that the folder exists and that you may use it.")
        told = {"read": "the file cannot be read: {reason}", "written": "the file cannot be written: {reason}"}
        what = fault(told[verb], reason=reason(error))
        raise InputError([Problem(what, path.name, "", cure)]) from error
