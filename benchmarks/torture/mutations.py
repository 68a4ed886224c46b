"""Seeded damage to files: bytes, text, cells, YAML and JSON values, and the parts inside a workbook."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

Damage = Callable[[bytes, Random], bytes]

# What people and programs really put where something else belongs, and what parsers have stumbled over.
CELLS = (
    "",
    " ",
    "-",
    "NaN",
    "inf",
    "-1",
    "1e999",
    "1e-999",
    "0x1F",
    "1,5",
    "1.234,5",
    "５００万",
    "0.05亿",
    "￥1,200",
    "12%",
    "$5",
    "五百",
    "TRUE",
    "#REF!",
    "#DIV/0!",
    "=1+1",
    '=HYPERLINK("http://x")',
    "@SUM(A1)",
    "2027-10-04",
    "10/04/2027",
    "0000-00-00",
    "9999-12-31",
    "2027年第99周",
    "46664",
    "99999999999999999999",
    "9" * 400,
    "a" * 5000,
    "\x00",
    "\ufeff",
    "\u202e",
    "𝟓𝟎𝟎",
    "²",
    "½",
    "١٢٣",
    "'; DROP TABLE",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "抖音直播",
    "😀",
)
VALUES: tuple[Any, ...] = (
    *CELLS,
    None,
    True,
    False,
    0,
    -1,
    1,
    0.5,
    1e308,
    -1e308,
    10**30,
    float("inf"),
    float("nan"),
    [],
    {},
    [[]],
    {"kind": "nothing"},
    [None] * 50,
    "all",
    "2027Q4",
    "9999Q9",
)
_SNIPPETS = (
    "&a",
    "*a",
    "!!python/object:os.system",
    "? ",
    "- ",
    ": ",
    "[",
    "{",
    "}",
    "]",
    "'",
    '"',
    "|",
    ">",
    "#",
    "%",
    "\t",
)
_SNIPPETS += ("<<: *a", "---\n", "...\n", "\x00", "\u2028", "é", "a: &a [*a]\n", "{" * 400, "[" * 400, "- " * 300)


def of_bytes(content: bytes, rng: Random) -> bytes:
    """Bytes flipped, cut, doubled or put in."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 60))):
        at = rng.randrange(len(data) + 1)
        action = rng.randrange(5)
        if action == 0 and data:
            data[min(at, len(data) - 1)] = rng.randrange(256)
        elif action == 1:
            del data[at : at + rng.choice((1, 4, 50, 2000))]
        elif action == 2:
            data[at:at] = data[at : at + rng.choice((1, 10, 200))]
        elif action == 3:
            data[at:at] = rng.choice(_SNIPPETS).encode("utf-8", "ignore")
        else:
            del data[at:]
    return bytes(data)


def of_encoding(content: bytes, rng: Random) -> bytes:
    """The same text in another encoding, some of them wrong."""
    text = content.decode("utf-8", "replace")
    encoding = rng.choice(
        ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk", "latin-1", "shift_jis")
    )
    return text.encode(encoding, "replace")


def of_lines(content: bytes, rng: Random) -> bytes:
    """Lines dropped, doubled, swapped, indented anew or joined."""
    lines = content.decode("utf-8", "replace").splitlines(keepends=True) or [""]
    for _ in range(rng.choice((1, 1, 3, 10))):
        one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
        action = rng.randrange(6)
        if action == 0 and len(lines) > 1:
            del lines[one]
        elif action == 1:
            lines.insert(two, lines[one])
        elif action == 2:
            lines[one], lines[two] = lines[two], lines[one]
        elif action == 3:
            lines[one] = rng.choice(("", " ", "  ", "\t", "    ")) + lines[one].lstrip()
        elif action == 4:
            lines[one] = lines[one].rstrip("\n")
        else:
            lines[one] = rng.choice(_SNIPPETS) + lines[one]
    return "".join(lines).encode("utf-8", "surrogatepass")


def of_cells(content: bytes, rng: Random) -> bytes:
    """Cells, header names, rows and columns of a CSV file."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8", "replace"))))
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        row = rng.choice(rows)
        at = rng.randrange(len(row) or 1)
        action = rng.randrange(8)
        if action < 4 and row:
            row[at] = rng.choice(CELLS)
        elif action == 4 and row:
            rows[0][at % (len(rows[0]) or 1)] = rng.choice((*CELLS, *rows[0]))
        elif action == 5:
            row.insert(at, rng.choice(CELLS))
        elif action == 6 and row:
            word = rng.choice(CELLS)
            for each in rows[rng.randrange(2) :]:
                if at < len(each):
                    each[at] = word
        else:
            rows.insert(rng.randrange(len(rows)), list(rng.choice(rows)))
    out = io.StringIO()
    csv.writer(out, delimiter=rng.choice(",,,,;\t"), lineterminator=rng.choice(("\n", "\r\n"))).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def of_values(content: bytes, rng: Random) -> bytes:
    """Values, keys and shapes of a JSON document, or of YAML (which JSON is)."""
    from ruamel.yaml import YAML

    text = content.decode("utf-8")
    try:
        tree = json.loads(text)
    except ValueError:
        tree = YAML(typ="safe", pure=True).load(text)
    for _ in range(rng.choice((1, 1, 2, 4))):
        tree = _changed(tree, rng)
    return json.dumps(tree, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _changed(tree: Any, rng: Random) -> Any:
    """The tree with one thing changed, somewhere."""
    if rng.random() < 0.15 or not isinstance(tree, dict | list) or not tree:
        return rng.choice(VALUES)
    return _list(tree, rng) if isinstance(tree, list) else _dict(tree, rng)


def _list(tree: list[Any], rng: Random) -> list[Any]:
    at = rng.randrange(len(tree))
    action = rng.randrange(4)
    if action == 0:
        return [*tree[:at], *tree[at + 1 :]]
    if action == 1:
        return [*tree, tree[at]]
    return [*tree[:at], _changed(tree[at], rng), *tree[at + 1 :]]


def _dict(tree: dict[str, Any], rng: Random) -> dict[str, Any]:
    key = rng.choice(list(tree))
    action = rng.randrange(6)
    if action == 0:
        return {other: value for other, value in tree.items() if other != key}
    if action == 1:
        return {(str(rng.choice(CELLS)) if other == key else other): value for other, value in tree.items()}
    if action == 2:
        return tree | {str(rng.choice((*CELLS, key + "s", key[:-1]))): rng.choice(VALUES)}
    return tree | {key: _changed(tree[key], rng)}


def of_workbook(content: bytes, rng: Random) -> bytes:
    """Parts of a zipped workbook: their text, their presence, their names, their order."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheets = [name for name in parts if "worksheets/sheet" in name or "sharedStrings" in name]
    for _ in range(rng.choice((1, 1, 2, 4))):
        name = rng.choice(sheets or list(parts)) if rng.random() < 0.7 else rng.choice(list(parts))
        action = rng.randrange(6)
        if action == 0:
            parts.pop(name, None)
        elif action == 1 and name in parts:
            parts[name] = of_bytes(parts[name], rng)
        elif action == 2 and name in parts:
            parts[rng.choice(("../evil", "/abs", name + "x", "xl/worksheets/sheet9.xml"))] = parts[name]
        elif name in parts:
            parts[name] = _xml(parts[name], rng)
        if not parts:
            break
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def _xml(part: bytes, rng: Random) -> bytes:
    """One value, reference or type of a part's XML changed."""
    import re

    text = part.decode("utf-8", "replace")
    patterns = (r"<v>[^<]*</v>", r' r="[A-Z]+\d+"', r' t="\w+"', r"<t[^>]*>[^<]*</t>", r' s="\d+"', r"<f>[^<]*</f>")
    found = list(re.finditer(rng.choice(patterns), text))
    if not found:
        return of_bytes(part, rng)
    spot = rng.choice(found)
    cell = rng.choice(CELLS).replace("&", "&amp;").replace("<", "&lt;").replace("\x00", "")
    new = {
        "<v": f"<v>{cell}</v>",
        " r": f' r="{rng.choice(("A1", "XFD1048576", "ZZZ9", "A0", "C5", ""))}"',
        " t": f' t="{rng.choice(("s", "n", "str", "b", "e", "d", "inlineStr", "q"))}"',
        "<t": f"<t>{cell}</t>",
        " s": f' s="{rng.choice((0, 1, 14, 999))}"',
        "<f": f"<f>{cell}</f>",
    }[spot[0][:2]]
    if rng.random() < 0.1:
        new = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + new
    return (text[: spot.start()] + new + text[spot.end() :]).encode("utf-8", "replace")


CSV: tuple[Damage, ...] = (of_cells, of_cells, of_cells, of_bytes, of_lines, of_encoding)
YAML_TEXT: tuple[Damage, ...] = (of_values, of_values, of_values, of_lines, of_bytes, of_encoding)
JSON_TEXT: tuple[Damage, ...] = (of_values, of_values, of_lines, of_bytes, of_encoding)
XLSX: tuple[Damage, ...] = (of_workbook, of_workbook, of_workbook, of_bytes)
BINARY: tuple[Damage, ...] = (of_bytes,)
