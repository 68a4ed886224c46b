"""The ledger keeps what it was given, notices what was done to it, and survives what kills its writer."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from budget.ledger import Ledger, LedgerBroken, entry_of
from mmm.problems import InputError

ROOT = Path(__file__).parents[3]


def entry(number, **others):
    facts = {"plan_id": "abc", "actuals": "f" * 64, "who": "林", "why": "", "decision": {"n": number}, "review": {}}
    return entry_of("review", date(2027, 10, 4) + timedelta(weeks=number), **facts | others)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path, "2027Q4")


def filled(ledger, count=3):
    for number in range(count):
        with ledger.locked():
            ledger.append(entry(number))
    return ledger


def rewritten(ledger, change):
    lines = ledger.path.read_text(encoding="utf-8").splitlines()
    ledger.path.write_text("".join(f"{line}\n" for line in change(lines)), encoding="utf-8")


def test_entries_come_back_in_order(ledger):
    found = filled(ledger).entries()
    assert [one.number for one in found] == [1, 2, 3]
    assert [one.decision for one in found] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert found[1].previous == found[0].seal
    assert found[0].who == "林"


def test_no_ledger_is_an_empty_one(ledger):
    assert ledger.entries() == ()


def test_an_older_entry_is_never_rewritten(ledger):
    before = filled(ledger).path.read_bytes()
    with ledger.locked():
        ledger.append(entry(3))
    assert ledger.path.read_bytes().startswith(before)


def with_first(lines, **changes):
    return [json.dumps(json.loads(lines[0]) | changes), *lines[1:]]


TAMPERED = {
    "a figure": lambda lines: with_first(lines, decision={"n": 99}),
    "a name": lambda lines: with_first(lines, who="nobody"),
    "a seal": lambda lines: with_first(lines, seal="0" * 64),
    "an unknown key": lambda lines: with_first(lines, extra=1),
    "first removed": lambda lines: lines[1:],
    "middle removed": lambda lines: [lines[0], lines[2]],
    "last removed": lambda lines: lines[:-1],
    "two swapped": lambda lines: [lines[1], lines[0], lines[2]],
    "one doubled": lambda lines: [lines[0], lines[0], *lines[1:]],
    "half a line": lambda lines: [*lines[:2], lines[2][:40]],
    "all removed": lambda _: [],
}


@pytest.mark.parametrize("change", TAMPERED)
def test_tampering_is_noticed_and_nothing_is_added(ledger, change):
    filled(ledger)
    rewritten(ledger, TAMPERED[change])
    after = ledger.path.read_bytes()
    assert ledger.verify()[1]
    with pytest.raises(LedgerBroken), ledger.locked():
        ledger.append(entry(3))
    assert ledger.path.read_bytes() == after


def test_a_chain_made_anew_is_not_the_one_that_was_sealed(ledger, tmp_path):
    forged = filled(Ledger(tmp_path / "forged", "2027Q4"))
    filled(ledger)
    ledger.path.write_bytes(forged.path.read_bytes().replace("林".encode(), "李".encode()))
    assert ledger.verify()[1]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_noticed(ledger, number):
    """Python's reader takes them for numbers; this product never writes them."""
    filled(ledger)
    sound = ledger.seal_path.read_text(encoding="utf-8")
    ledger.seal_path.write_text(sound.replace('"entries":3', f'"entries":{number}'), encoding="utf-8")
    (problem,) = ledger.verify()[1]
    assert problem.what == "the seal cannot be read"
    ledger.seal_path.write_text(sound, encoding="utf-8")
    rewritten(ledger, lambda lines: [lines[0].replace('"n":0', f'"n":{number}'), *lines[1:]])
    assert any(problem.what == "this is no entry of a ledger" for problem in ledger.verify()[1])


def test_a_removed_seal_is_noticed(ledger):
    filled(ledger).seal_path.unlink()
    assert ledger.verify()[1]


def test_a_run_killed_between_ledger_and_seal_is_no_tampering(ledger):
    filled(ledger, 2)
    behind = ledger.seal_path.read_bytes()
    with ledger.locked():
        ledger.append(entry(2))
    ledger.seal_path.write_bytes(behind)
    assert [one.number for one in ledger.entries()] == [1, 2, 3]
    with ledger.locked():
        ledger.append(entry(3))
    assert len(ledger.entries()) == 4


def test_a_run_killed_after_the_very_first_entry_is_no_tampering(ledger):
    filled(ledger, 1).seal_path.unlink()
    assert len(ledger.entries()) == 1


def test_a_second_review_is_refused_when_it_has_waited_too_long(ledger):
    other = Ledger(ledger.folder, ledger.quarter)
    with ledger.locked(), pytest.raises(InputError, match="another review holds the ledger"), other.locked(0.05):
        pass


WRITER = """
import sys
from datetime import date
from pathlib import Path
from budget.ledger import Ledger, entry_of
ledger, who = Ledger(Path(sys.argv[1]), "2027Q4"), sys.argv[2]
for number in range(int(sys.argv[3])):
    with ledger.locked():
        big = {"text": "x" * 20000}
        ledger.append(entry_of("review", date(2027, 10, 4), plan_id="p", actuals="a", who=who, why="", decision=big,
                               review={"number": number}))
        print(number, flush=True)
"""


def writer(folder, who, count):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", WRITER, str(folder), who, str(count)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


def test_two_writers_at_once_lose_nothing(ledger):
    running = [writer(ledger.folder, who, 12) for who in ("a", "b")]
    told = [one.communicate(timeout=60)[0].splitlines() for one in running]
    assert [one.returncode for one in running] == [0, 0]
    assert [len(lines) for lines in told] == [12, 12]
    found = ledger.entries()
    assert len(found) == 24
    for who in ("a", "b"):
        assert [one.review["number"] for one in found if one.who == who] == list(range(12))


def test_kill_at_any_moment_leaves_the_ledger_whole(ledger):
    kept = 0
    for turn in range(12):
        running = writer(ledger.folder, "victim", 10_000)
        said = [running.stdout.readline() for _ in range(2)]
        time.sleep(0.0031 * turn)
        running.send_signal(signal.SIGKILL)
        running.wait(30)
        said += running.stdout.read().splitlines()
        running.stdout.close()
        found = ledger.entries()
        assert kept + len(said) <= len(found) <= kept + len(said) + 1  # whatever was told as written is there
        kept = len(found)
