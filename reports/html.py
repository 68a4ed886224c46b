"""What every page is made with: templates, style and script with their security policy, sections as tables."""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.sections import Cell, Column, Kind, Section, cell_words
from reports.words import Lang


@functools.cache
def _environment() -> Environment:
    """Return the templates; made once, when the first page is."""
    return Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands in every page: style and script, and a policy that allows those two texts and nothing else."""

    style: Markup
    script: Markup
    policy: str


@functools.cache
def frame(styles: tuple[str, ...] = ("page.css",), program: str = "page.js", more: str = "") -> Frame:
    """Return the style sheets and the script with their content-security policy; ``more`` is added to it.

    Source: W3C, Content Security Policy Level 3, hash-source.
    """
    style, script = "\n".join(_own(name) for name in styles), _own(program)
    allowed = f"style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'{more}"
    return Frame(Markup(style), Markup(script), policy)  # noqa: S704 - our own files, no user's text in them


def _own(name: str) -> str:
    return (files("reports.templates") / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


@dataclass(frozen=True, slots=True)
class Table:
    """A section in words; ``numeric`` marks the columns set flush right."""

    key: str
    title: str
    sentence: str
    head: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...]
    notes: tuple[str, ...]


def rendered(template: str, **values: object) -> str:
    """Fill a template; whatever is not markup of our own is escaped."""
    page: str = _environment().get_template(template).render(values)
    return page


def parts(template: str, **values: object) -> dict[str, str]:
    """Fill the blocks of a template one by one."""
    found = _environment().get_template(template)
    context = found.new_context(values)
    return {name: "".join(block(context)) for name, block in found.blocks.items()}


def as_table(section: Section, lang: Lang) -> Table:
    """Return a section in words."""

    def words(cells: tuple[Cell, ...]) -> tuple[str, ...]:
        return tuple(cell_words(cell, c.kind, lang) for c, cell in zip(section.columns, cells, strict=True))

    # what a total has no value for stays empty, unlike a line without a response
    total = tuple("" if cell is None else cell for cell in section.total)
    return Table(
        section.key,
        section.title,
        section.sentence,
        tuple(column.title for column in section.columns),
        tuple(_numeric(column) for column in section.columns),
        tuple(words(row) for row in section.rows),
        words(total) if total else (),
        tuple(section.note.splitlines()),
    )


def _numeric(column: Column) -> bool:
    return column.kind is not Kind.TEXT
