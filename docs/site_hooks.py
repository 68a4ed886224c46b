"""What the site holds beside its Markdown files: an index of the decisions, written when the site is built."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

HEAD = """\
# Decisions

Why things are as they are: each has its question, the choice, the reason, and what would change it.

"""


def on_files(files: Files, /, *, config: MkDocsConfig) -> Files:
    """Add the index of decisions."""
    files.append(File.generated(config, "decisions/index.md", content=decisions(Path(config.docs_dir) / "decisions")))
    return files


def decisions(folder: Path) -> str:
    """List the decisions: number, title, question."""
    rows = [_row(path) for path in sorted(folder.glob("0*.md"))]
    return HEAD + "\n".join(["| decision | question |", "|---|---|", *rows, ""])


def _row(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    question = re.search(r"\*\*Question\.\*\*\s*(.+?)\n\n", text, re.DOTALL)
    asked = " ".join(question[1].split()).replace("|", "\\|") if question else ""
    return f"| [{text.splitlines()[0].removeprefix('# ')}]({path.name}) | {asked} |"
