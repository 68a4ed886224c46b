"""The record of a quarter's weekly decisions: append-only, one JSON line an entry, each sealed by the hash of the last.

A line that was changed, removed or put between others breaks the chain. What a chain cannot show by itself, that its
last lines were cut off, shows in the seal: a small file beside the ledger with the number and hash of the last entry.
Both files are replaced whole, the ledger first; a run killed between the two leaves the seal one entry behind, which is
told apart from a ledger that was shortened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from budget.store import write_atomically
from mmm.problems import InputError, Problem

Kind = Literal["review", "late", "correction", "override"]
Document = dict[str, Any]

NOTHING_BEFORE = "0" * 64
WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision as it was taken.

    Attributes
    ----------
    number : int
        From 1.
    kind : str
        ``review`` of the next week; ``late`` figures of an earlier week; ``correction`` of figures already reviewed;
        ``override`` of a decision by a person.
    week : str
        Monday of the week it speaks of.
    time : str
        UTC.
    plan_id : str
        The plan that the review began from.
    actuals : str
        SHA-256 of the week's figures.
    who, why : str
        Who ran it, and the reason given.
    decision : dict
        What was decided: figures, rules fired, plan in force.
    review : dict
        review.json.
    previous, seal : str
        SHA-256 of the entry before, and of this one with it.
    """

    number: int
    kind: Kind
    week: str
    time: str
    plan_id: str
    actuals: str
    who: str
    why: str
    decision: Document
    review: Document
    previous: str = NOTHING_BEFORE
    seal: str = ""

    def sealed(self) -> str:
        """SHA-256 of everything but the seal."""
        return sha256(_canonical(asdict(self) | {"seal": ""}).encode()).hexdigest()


class LedgerBroken(InputError):
    """The ledger is not as it was written; nothing is added to it."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of one quarter.

    Parameters
    ----------
    folder : Path
    quarter : str
        Such as 2027Q4.
    """

    folder: Path
    quarter: str

    @property
    def path(self) -> Path:
        """The ledger's file."""
        return self.folder / f"{self.quarter}.jsonl"

    @property
    def seal_path(self) -> Path:
        """The file with the number and hash of the last entry."""
        return self.folder / f"{self.quarter}.seal.json"

    @contextmanager
    def locked(self, seconds: float = WAIT_SECONDS) -> Iterator[None]:
        """Hold the ledger alone: another review waits, and is refused when it has waited too long.

        The lock is the system's, so it ends with the process that held it, however that ends.

        Raises
        ------
        InputError
            When another review holds the ledger for longer than ``seconds``.
        """
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / f".{self.quarter}.lock", timeout=seconds):
                yield
        except Timeout as error:
            cure = "Wait until it is done and run this one again; nothing was written."
            raise InputError([Problem("another review holds the ledger", self.path.name, "", cure)]) from error

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, oldest first; none when there is no ledger yet.

        Raises
        ------
        LedgerBroken
            When the chain or the seal does not hold.
        """
        found, problems = self.verify()
        if problems:
            raise LedgerBroken(problems)
        return found

    def verify(self) -> tuple[tuple[Entry, ...], tuple[Problem, ...]]:
        """The entries that can be read, and every place where the ledger is not as it was written."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        except (OSError, ValueError) as error:
            return (), (self._problem("the ledger cannot be read", "", str(error)),)
        read = [_entry(line) for line in lines]
        problems = [*self._unreadable(read), *self._unchained(read)]
        entries = tuple(entry for entry in read if entry is not None)
        return entries, (*problems, *self._unsealed(entries))

    def append(self, entry: Entry) -> Entry:
        """Add an entry as the last one; call it with the ledger :meth:`locked`.

        Returns
        -------
        Entry
            With its number, its place in the chain and its seal.
        """
        before = self.entries()
        placed = Entry(
            **_fields(entry)
            | {"number": len(before) + 1, "previous": before[-1].seal if before else NOTHING_BEFORE, "seal": ""}
        )
        placed = Entry(**_fields(placed) | {"seal": placed.sealed()})
        text = "".join(f"{_canonical(asdict(each))}\n" for each in (*before, placed))
        write_atomically(self.path, text)
        write_atomically(self.seal_path, _canonical({"entries": placed.number, "seal": placed.seal}) + "\n")
        return placed

    def _unreadable(self, read: Sequence[Entry | None]) -> Iterator[Problem]:
        for number, entry in enumerate(read, 1):
            if entry is None:
                yield self._problem("this is no entry of a ledger", f"line {number}")

    def _unchained(self, read: Sequence[Entry | None]) -> Iterator[Problem]:
        previous = NOTHING_BEFORE
        for number, entry in enumerate(read, 1):
            if entry is None:
                continue
            if entry.sealed() != entry.seal:
                yield self._problem("the entry was changed after it was written", f"line {number}", entry.week)
            elif (entry.number, entry.previous) != (number, previous):
                yield self._problem("an entry before this one is missing or was put in", f"line {number}", entry.week)
            previous = entry.seal

    def _unsealed(self, entries: Sequence[Entry]) -> Iterator[Problem]:
        """The seal must name an entry that is there, and be at most one behind."""
        try:
            seal = json.loads(self.seal_path.read_text(encoding="utf-8"), parse_constant=_refuse)
            count, last = int(seal["entries"]), str(seal["seal"])
        except FileNotFoundError:
            # Only a run killed right after its first entry leaves a ledger without a seal.
            count, last = 0, NOTHING_BEFORE
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield self._problem("the seal cannot be read", self.seal_path.name, str(error))
            return
        seals = [NOTHING_BEFORE, *(entry.seal for entry in entries)]
        if count >= len(seals):
            yield self._problem("entries were cut off at the end", f"{count} were sealed", f"{len(entries)} are left")
        elif seals[count] != last or count < len(entries) - 1:
            yield self._problem("the ledger is not the one that was sealed", self.seal_path.name)

    def _problem(self, what: str, where: str, value: str = "") -> Problem:
        cure = "Put back the file from a backup: what was decided cannot be made up again."
        return Problem(what, f"{self.path.name}, {where}" if where else self.path.name, value, cure)


def entry_of(
    kind: Kind,
    week: date,
    *,
    plan_id: str,
    actuals: str,
    who: str,
    why: str,
    decision: Document,
    review: Document,
) -> Entry:
    """A new entry, dated now; :meth:`Ledger.append` gives it its place."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Entry(0, kind, week.isoformat(), now, plan_id, actuals, who, why, decision, review)


def _entry(line: str) -> Entry | None:
    """One line as an entry; None when it is none."""
    try:
        found = json.loads(line, parse_constant=_refuse)
        return Entry(**found) if isinstance(found, dict) else None
    except (ValueError, TypeError):
        return None


def _refuse(constant: str) -> None:
    """Refuse NaN and Infinity, which Python reads and this product never writes."""
    raise ValueError(constant)


def _fields(entry: Entry) -> Document:
    return {each.name: getattr(entry, each.name) for each in fields(entry)}


def _canonical(value: object) -> str:
    """One JSON text per value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
