"""Breaking lines for a terminal: between words, and in Chinese between characters, where none has words to break at."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size
from rich.text import Text

CLOSING = frozenset("，。；：、！？）”’》」』】％%,.;:!?)]}")
OPENING = frozenset("（“‘《「『【([{")
"""Marks that no line may begin or end with (GB/T 15834)."""
UNITS = frozenset("万亿元周项个年月日")
"""What stays with the number before it."""


def breaks(words: str, width: int) -> list[int]:
    """Positions at which lines of at most ``width`` cells begin, the first one left out."""
    found: list[int] = []
    start, used, last = 0, 0, 0
    for place, mark in enumerate(words):
        if place > start and _may_break(words, place):
            last = place
        used += get_character_cell_size(mark)
        while used > width and mark != " " and start < place:
            # Where nothing may be broken, the line ends where it is full.
            start = last if last > start else place
            found.append(start)
            used = cell_len(words[start : place + 1])
    return found


def _may_break(words: str, place: int) -> bool:
    """Whether a line may begin here."""
    before, after = words[place - 1], words[place]
    if after in CLOSING or before in OPENING or after == " " or (before.isdigit() and after in UNITS):
        return False
    return before == " " or 2 in (get_character_cell_size(before), get_character_cell_size(after))


def wrapped(text: Text, width: int, indent: str = "") -> Text:
    """Return the text in lines of at most ``width`` cells, all but the first one indented."""
    lines: list[Text] = []
    for paragraph in text.split("\n", allow_blank=True):
        room = width - len(indent)
        lines += paragraph.divide(breaks(paragraph.plain, room))
    for line in lines:
        line.rstrip()
    return Text(f"\n{indent}").join(lines)
