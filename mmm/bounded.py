"""YAML that cannot grow: no anchors, aliases or tags, little depth, few bytes; everything a stranger's file may try."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError

from mmm.faults import fault

MAX_BYTES = 256 * 1024  # a parser in Python reads about 100 KB a second; a project of 200 channels is 60 KB
MAX_DEPTH = 20


class TooMuchError(ComposerError):
    """YAML that this product does not read; ``note`` is the cure."""


class BoundedComposer(Composer):
    """Refuses anchors and aliases (a few hundred bytes of them unfold to gigabytes), tags and deep nesting."""

    _level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose one node, unless it is one of those."""
        event = self.parser.peek_event()
        self._level += 1
        if event.anchor is not None:
            what, cure = "anchors and aliases (& and *) are not allowed", "Write the value out, or put text in quotes."
        elif getattr(event, "tag", None) is not None:
            what, cure = "tags (!) are not allowed", "Remove the tag, or put text in quotes."
        elif self._level > MAX_DEPTH:
            what = fault("keys and lists are nested more than {depth} deep", depth=MAX_DEPTH)
            cure = "Remove the needless levels."
        else:
            node = super().compose_node(parent, index)
            self._level -= 1
            return node
        raise TooMuchError(None, None, what, event.start_mark, cure)


def bounded_yaml() -> YAML:
    """A safe reader that refuses all of this."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = BoundedComposer
    return yaml
