"""The references of commands and of the project file, written from what ``--help`` and the settings say themselves.

``make reference`` renews ``docs/commands.md`` and ``docs/settings.md``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, ParameterInfo

from budget.cli import COMMANDS
from budget.schema import project_schema

COMMANDS_HEAD = """\
# Commands

<!-- Written by budget/reference.py from what the commands say themselves; do not edit by hand. -->

`budget COMMAND --help` says the same on the terminal. `budget --install-completion` makes the Tab key complete
commands and options.

"""
COMMON_HEAD = """\
## Every command

Without `--config` a command works on `budget.yaml` in the current folder; where there is none, on the demo project that
ships with the package, and says so.

"""
AFTER = """
**Exit codes.** 0 done; 1 input or config error; 2 usage; 3 no plan can obey the rules; 4 the fitted model failed its
gates; 5 time limit with no proven plan; 130 interrupted. Errors name what is wrong, where, the value and the cure; all
problems of a stage come at once.

**Language.** That of `--lang`; without it that of the environment (`BUDGET_LANG`, else `LC_ALL`, `LC_MESSAGES`,
`LANG`): Chinese where it says `zh`, else English. It is the language of messages, files and `--help`.

**Streams.** The result goes to stdout, progress and errors to stderr. With `--json` stdout is one JSON document.
"""
SETTINGS_HEAD = """\
# The project file

<!-- Written by budget/reference.py from the settings' own descriptions; do not edit by hand. -->

`budget.yaml` holds a project: its data, its model, its channels and lines, its plan. Every key is below; unknown keys
are refused with a suggestion. `budget init DIR` writes a commented example, `budget check` lists every fault with its
line, and `budget schema > budget.schema.json` gives editors what they need to complete and check while you type.

Money may be a number or text: `5000000`, `500万`, `0.05亿`, `5M`. Shares go from 0 to 1. ROI is the N of 1:N. With
`extends: base.yaml` a file builds on another in its folder: later keys win, blocks merge, lists replace.

"""
SHARED = ("config", "as_json", "lang", "quiet", "debug")
RULES = {"constraints": "[constraints](rules.md#constraints)", "rules": "[rules](rules.md#rules)"}
NAMED = {"channels": "channels.NAME", "lines": "lines.NAME"}
WORDS = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "null": ""}


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument or an option of a command.

    Attributes
    ----------
    name : str
        Its name in Python.
    spelt : str
        As it is typed: ``DIR``, or ``--out``, ``-o``.
    said : str
        What its help says, with its choices and limits.
    default : str
        Its default, ``needed``, or empty.
    """

    name: str
    spelt: str
    said: str
    default: str


def commands() -> str:
    """Write the page of commands."""
    rows = [parameter for parameter in parameters(COMMANDS[0]) if parameter.name in SHARED]
    parts = [COMMANDS_HEAD + COMMON_HEAD + _table(rows) + AFTER]
    return "\n".join([*parts, *(_command(command) for command in COMMANDS)])


def parameters(command: Callable[..., None]) -> Iterator[Parameter]:
    """Read the arguments and options of a command off its signature."""
    hints = get_type_hints(command, include_extras=True)
    for name, one in inspect.signature(command).parameters.items():
        kind, info = get_args(hints[name])[:2] if get_origin(hints[name]) is Annotated else (hints[name], None)
        if isinstance(info, ParameterInfo):
            needed = one.default is inspect.Parameter.empty
            yield Parameter(name, _spelt(name, info, needed=needed), _said(kind, info), _default(one.default))


def settings() -> str:
    """Write the page of the project file, a section for each block of it."""
    schema = project_schema()
    sections = dict(_sections(schema))
    places = {block: place for place, block in sections.items()}
    parts = [_section(place, schema["$defs"].get(block, schema), places) for place, block in sections.items()]
    return SETTINGS_HEAD + "\n".join(parts)


def _command(command: Callable[..., None]) -> str:
    name = command.__name__
    own = [parameter for parameter in parameters(command) if parameter.name not in SHARED]
    typed = [parameter.spelt for parameter in own if not parameter.spelt.startswith(("`-", "`[-"))]
    usage = " ".join(["budget", name, *(each.strip("`") for each in typed), "[OPTIONS]"])
    table = f"\n{_table(own)}" if own else "\nNo options of its own.\n"
    return f"\n## `budget {name}`\n\n{inspect.getdoc(command)}\n\n```text\n{usage}\n```\n{table}"


def _table(rows: list[Parameter]) -> str:
    lines = [f"| {row.spelt} | {row.default} | {row.said} |" for row in rows]
    return "\n".join(["| option | default | meaning |", "|---|---|---|", *lines, ""])


def _spelt(name: str, info: ParameterInfo, *, needed: bool) -> str:
    if isinstance(info, ArgumentInfo):
        word = info.metavar or name.upper()
        return f"`{word}`" if needed else f"`[{word}]`"
    # Typer takes the first spelling for a default where the real default stands in the signature.
    spelt = [each for each in (info.default, *(info.param_decls or ())) if str(each).startswith("-")]
    return ", ".join(f"`{each}`" for each in spelt or [f"--{name.replace('_', '-')}"])


def _said(kind: Any, info: ParameterInfo) -> str:
    chosen = [value for part in (kind, *get_args(kind)) if get_origin(part) is Literal for value in get_args(part)]
    choices = f" One of {', '.join(f'`{value}`' for value in chosen)}." if chosen else ""
    often = " May be given several times." if "list[" in str(kind) else ""
    return _escaped(f"{info.help or ''}{choices}{often}")


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return "needed"
    return "" if value is None or value is False or value == "" else f"`{value}`"


def _sections(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each block's place in the file and the name of its schema, the file's own first; a block is told once."""
    waiting, seen = [("", "")], set()
    while waiting:
        place, block = waiting.pop(0)
        yield place, block
        found = []
        for key, field in (schema["$defs"][block] if block else schema)["properties"].items():
            inner = [name for name in _blocks(field) if name not in seen and key not in RULES]
            seen.update(inner)
            found += [(NAMED.get(key, f"{place}.{key}".strip(".")), name) for name in inner]
        waiting = [*found, *waiting]


def _blocks(field: Any) -> list[str]:
    """Names of the schemas that a field refers to."""
    if isinstance(field, list):
        return [name for each in field for name in _blocks(each)]
    if not isinstance(field, dict):
        return []
    here = [field["$ref"].rpartition("/")[2]] if "$ref" in field else []
    return [*here, *(name for key, each in field.items() if key != "default" for name in _blocks(each))]


def _section(place: str, block: dict[str, Any], places: dict[str, str]) -> str:
    needed = block.get("required", [])
    rows = [
        f"| `{key}` | {_type(key, field, places)} | {_preset(key, field, needed)} | {_escaped(field['description'])} |"
        for key, field in block["properties"].items()
    ]
    title = f"## `{place}`" if place else "## The file"
    said = [] if not place else [_escaped(block["description"]), ""]
    return "\n".join([title, "", *said, "| key | is | default | meaning |", "|---|---|---|---|", *rows, ""])


def _type(key: str, field: dict[str, Any], places: dict[str, str]) -> str:
    """Say in words what a value is: ``number or text``, ``list of text``, a link to the section of a block."""
    if key in RULES:
        return f"list of {RULES[key]}"
    if "$ref" in field:
        place = places[field["$ref"].rpartition("/")[2]]
        return f"[{place}](#{re.sub(r'[^a-z0-9_-]', '', place.lower())})"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(filter(None, (_type("", each, places) for each in field["anyOf"]))))
    if "enum" in field or "const" in field:
        return ", ".join(_yaml(value) for value in field.get("enum", [field.get("const")]))
    if isinstance(each := field.get("items", field.get("additionalProperties")), dict):
        return f"{'list of' if field['type'] == 'array' else 'by name:'} {_type('', each, places)}"
    return "date" if field.get("format") == "date" else WORDS[field["type"]]


def _preset(key: str, field: dict[str, Any], needed: list[str]) -> str:
    if key in needed:
        return "needed"
    value = field.get("default")
    return "" if value in (None, "", [], {}) or isinstance(value, dict) else _yaml(value)


def _yaml(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _escaped(text: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split())).replace("|", "\\|")
