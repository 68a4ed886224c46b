"""The pages of the documentation as what a reader types and what the page says will come.

In a page, an ``sh`` block is typed; a ``text`` block after it quotes what came (``...`` leaves lines out); a block with
a title is a file that the reader writes; ``<!-- by hand: NAME -->`` stands for what the reader does elsewhere, a
function of ``BY_HAND``. ``# exit code 3`` after a command says how it ends. Figures depend on the fit and on the
machine, so quoted lines are held against the output with every figure masked.

``python tests/pages.py [PAGE ...]`` types the pages anew and puts the present output into them.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

ROOT = Path(__file__).parents[1]
STEP = re.compile(
    r'^```(?P<kind>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$|^<!-- by hand: (?P<hand>\w+) -->$',
    re.DOTALL | re.MULTILINE,
)
FIGURE = re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{12}\b|[+−-]?\d[\d,.:]*%?")
EXIT = re.compile(r"# exit code (\d+)")
LEFT_OUT = "..."
KEPT = Path(tempfile.gettempdir()) / f"docs-fit-{os.getpid()}"
READMES = ("README.md", "README.zh.md")
TUTORIALS = ("docs/tutorial.md", "docs/zh/tutorial.md")
INDEX = "docs/how-to/index.md"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its title, its text and where the text stands in the page."""

    kind: str
    title: str | None
    text: str
    span: tuple[int, int]

    @property
    def code(self):
        """The exit code that the page announces."""
        found = EXIT.search(self.text)
        return int(found[1]) if found else 0


def blocks(page):
    """Fenced blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block("hand", None, found["hand"], found.span())
        if found["hand"]
        else Block(found["kind"], found["title"], found["text"], found.span("text"))
        for found in STEP.finditer(text)
    ]


def walked_pages():
    """Names of the pages that are typed from top to bottom."""
    guides = sorted((ROOT / "docs" / "how-to").glob("*.md"))
    return [*READMES, *TUTORIALS, *(page.relative_to(ROOT).as_posix() for page in guides)]


def type_block(block, folder, where):
    """Type a block in the folder that the reader is in; returns exit code, output and the folder afterwards."""
    keep = where / "pwd"
    # What installs is left out: the test runs in what it made.
    lines = [line for line in block.text.splitlines() if not line.startswith(("make ", ". .venv"))]
    script = "\n".join([f"trap 'pwd > {keep}' EXIT", *lines])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-ec", script],
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "100", "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    return done.returncode, done.stdout, Path(keep.read_text(encoding="utf-8").strip())


def walk(page, folder, failed=None):
    """Type a page; yields each quote with the output that it quotes.

    Parameters
    ----------
    page : Path
    folder : Path
        Where the reader begins.
    failed : list or None
        Where to note commands that do not end as announced; without it the first one raises.
    """
    here, output = folder, ""
    with tempfile.TemporaryDirectory() as scratch:
        for block in blocks(page):
            if block.kind == "sh":
                code, output, here = type_block(block, here, Path(scratch))
                if code != block.code:
                    told = f"{page.name} ends with {code}:\n{block.text}\n{output}"
                    assert failed is not None, told
                    failed.append(told)
            elif block.kind == "hand":
                BY_HAND[block.text](here)
            elif block.title:
                (here / block.title).write_text(block.text, encoding="utf-8")
            elif block.kind == "text":
                yield block, output


def masked(line):
    """A line without its figures, its rules and its spacing."""
    return " ".join(FIGURE.sub("#", line.replace("─", " ")).split())


def pressed(text):
    """A text without its figures, its rules, its spaces and its line breaks: a sentence may be wrapped elsewhere."""
    return re.sub(r"\s+", "", FIGURE.sub("#", text.replace("─", " ")))


def missing(quote, output):
    """Lines of a quote that the output does not hold."""
    told = pressed(output)
    return [line for line in quote.splitlines() if line.strip() != LEFT_OUT and pressed(line) not in told]


def renewed(quote, output):
    """The quote with the output's present lines, in their order.

    A line is the next one that differs in its figures alone; where its words have changed, the next one that is most
    like it.
    """
    lines = [line.rstrip() for line in output.splitlines()]
    if quote.strip() == "?":
        return "\n".join(lines).strip("\n") + "\n"
    given, at = [], 0
    for line in quote.splitlines():
        found = None if line.strip() == LEFT_OUT else present(line, lines, at)
        given.append(line if found is None else lines[found])
        at = at if found is None else found + 1
    return "\n".join(given) + "\n"


def present(line, lines, at):
    """Where in the output, from a place on, a quoted line stands today; None where nothing is like it."""
    wanted, others = words_of(line), [words_of(other) for other in lines[at:]]
    same = [wanted] if wanted in others else get_close_matches(wanted, others, n=1, cutoff=0.6)
    return at + others.index(same[0]) if same else None


def words_of(line):
    """What tells a line from others: its words, or that it is a rule."""
    return "─" if line.strip() and not line.strip(" ─") else masked(line)


def renew(page, folder):
    """Put the present output into a page; returns what failed, or the lines that nothing stands for any more."""
    text, lost = page.read_text(encoding="utf-8"), []
    quotes = [(block, renewed(block.text, output), output) for block, output in walk(page, folder, lost)]
    if lost:  # what a failed command prints is not for the page
        return lost
    for block, now, output in reversed(quotes):
        text = text[: block.span[0]] + now + text[block.span[1] :]
        lost += missing(now, output)
    page.write_text(text, encoding="utf-8")
    return lost


def edit_a_cell(folder):
    """Give Xiaohongshu 120,000 in the week of Double 11, and keep the workbook as edited.xlsx."""
    import openpyxl

    book = openpyxl.load_workbook(folder / "plans" / "2027Q4" / "plan.xlsx")
    sheet = book.worksheets[2]
    (row,) = [cell.row for cell in sheet["A"] if cell.value == "xiaohongshu"]
    (column,) = [cell.column for cell in sheet[4] if cell.value == "2027-11-08"]
    sheet.cell(row, column).value = 120000
    book.save(folder / "edited.xlsx")


def two_brands(folder):
    """Gather two brands' weeks in one file, a row per week and brand."""
    import pandas as pd

    from mmm.simulate import random_market, simulate, write_market

    frames = []
    for seed, brand in enumerate(("Anran", "Yuemu"), start=1):
        write_market(simulate(random_market(seed, weeks=104, channels=2)), folder / brand)
        frames.append(pd.read_csv(folder / brand / "data.csv").assign(brand=brand))
        shutil.rmtree(folder / brand)
    pd.concat(frames).to_csv(folder / "brands.csv", index=False)


def take_the_hash_off(folder):
    """Switch the example on that says how large a line may be."""
    config = folder / "budget.yaml"
    text = config.read_text(encoding="utf-8")
    assert "# - {kind: concentration" in text
    config.write_text(text.replace("# - {kind: concentration", "- {kind: concentration"), encoding="utf-8")


def own_table(folder):
    """Put a table of weeks where a reader has one."""
    from mmm.simulate import random_market, simulate, write_market

    write_market(simulate(random_market(3, weeks=104, channels=3)), folder / "made")
    shutil.move(folder / "made" / "data.csv", folder / "data.csv")
    shutil.rmtree(folder / "made")


def keep_the_fit(folder):
    """Take over the fit that another language's walk made of the same project, or leave this one's for the next."""
    ours = folder / ".budget"
    if KEPT.is_dir() and not ours.exists():
        shutil.copytree(KEPT, ours)
    elif ours.exists() and not KEPT.is_dir():
        shutil.copytree(ours, KEPT)
        atexit.register(shutil.rmtree, KEPT, ignore_errors=True)


BY_HAND = {each.__name__: each for each in (edit_a_cell, two_brands, take_the_hash_off, own_table, keep_the_fit)}


def planned_demo(folder):
    """The folder where the how-to guides begin: the demo, fitted and planned."""
    home = folder / "my-project"
    start = Block("sh", None, "budget init my-project\ncd my-project\nbudget plan --quiet\n", (0, 0))
    code, output, _ = type_block(start, folder, folder)
    assert code == 0, output
    return home


def begin(name, home, folder):
    """Make the folder where the reader of a page begins.

    A tutorial begins with nothing; a README with nothing either, but for the demo's fit, which is not made once more; a
    guide with the demo's fit and plan.
    """
    if name in TUTORIALS:
        folder.mkdir()
    elif name in READMES:
        shutil.copytree(home / ".budget", folder / ".budget")
    else:
        shutil.copytree(home, folder)


def main(names):
    """Renew the pages named, or all."""
    with tempfile.TemporaryDirectory() as scratch:
        given = os.environ.get("PLANNED_DEMO")
        home = Path(given) if given else planned_demo(Path(scratch))
        for number, name in enumerate(names or [name for name in walked_pages() if name != INDEX]):
            folder = Path(scratch) / str(number)
            begin(name, home, folder)
            lost = renew(ROOT / name, folder)
            print(name, *(f"\n  lost: {line}" for line in lost), flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
