"""Sentences that are made once, with their values, and can be said in every language.

A :class:`Sentence` holds its languages side by side. A :class:`Message` is one that was said: in English it is plain
text, and it remembers its key and values, so that a report can say it in another language, also after it was saved.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Self

Language = Literal["en", "zh"]
Document = dict[str, Any]

NOBODY: Mapping[str, str] = MappingProxyType({})

# What stands between the parts of a list, by the format spec that its field carries.
SEPARATORS: Mapping[str, Mapping[Language, str]] = MappingProxyType(
    {
        "": {"en": ", ", "zh": "、"},
        "clauses": {"en": "; ", "zh": "；"},
        "steps": {"en": ". ", "zh": "。"},
        "sentences": {"en": " ", "zh": ""},
        "lines": {"en": "\n- ", "zh": "\n- "},
        "or": {"en": " or ", "zh": "或"},
        "and": {"en": " and ", "zh": "，"},
    }
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in both languages, as templates of :class:`Speaker`."""

    en: str
    zh: str

    def said(self, lang: Language, values: Mapping[str, Any], labels: Mapping[str, str] = NOBODY) -> str:
        """Fill in the values; ``labels`` are the names to show of what the project's file calls otherwise."""
        return Speaker(lang, labels).vformat(self.en if lang == "en" else self.zh, (), values)


class Speaker(string.Formatter):
    """Formats as ``str.format`` does, and also names, lists and messages inside messages.

    ``{line!n}`` is a name of the project's file, shown by its label; ``{lines!n}`` a list of them. A list is joined as
    its format spec says (:data:`SEPARATORS`). ``{count:week|weeks}`` is the first word where the count is one, else the
    second.
    """

    def __init__(self, lang: Language, labels: Mapping[str, str]) -> None:
        self.lang, self.labels = lang, labels

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """Turn names into labels; other conversions are Python's."""
        if conversion != "n":
            return super().convert_field(value, conversion)
        if isinstance(value, str):
            return self.labels.get(value, value)
        return [self.labels.get(name, name) for name in value]

    def format_field(self, value: Any, format_spec: str) -> str:
        """Say a message, join a list, choose singular or plural, format anything else."""
        if isinstance(value, Message):
            return value.said(self.lang, self.labels)
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if value == 1 else many
        if isinstance(value, list | tuple):
            return SEPARATORS[format_spec][self.lang].join(self.format_field(part, "") for part in value)
        return str(super().format_field(value, format_spec))


class Message(str):
    """A sentence with its values: an English string that can be said in another language.

    Attributes
    ----------
    key : str
        Of the sentence in its catalogue.
    sentence : Sentence
    values : mapping
        Numbers, texts, messages, and lists of them.
    """

    __slots__ = ("key", "sentence", "values")

    key: str
    sentence: Sentence
    values: Mapping[str, Any]

    def __new__(cls, key: str, sentence: Sentence, values: Mapping[str, Any]) -> Self:
        """Say the sentence in English, and keep what it was made from."""
        message = super().__new__(cls, sentence.said("en", values))
        message.key, message.sentence, message.values = key, sentence, values
        return message

    def __getnewargs__(self) -> Any:
        return self.key, self.sentence, self.values

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def said(self, lang: Language, labels: Mapping[str, str] = NOBODY) -> str:
        """Return the sentence in a language."""
        return self.sentence.said(lang, self.values, labels)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Sentences by their keys."""

    sentences: Mapping[str, Sentence]

    def tell(self, key: str, /, **values: Any) -> Message:
        """Make a message."""
        return Message(key, self.sentences[key], values)

    def joined(self, catalogue: Catalogue) -> Catalogue:
        """Return the sentences of both."""
        return Catalogue(MappingProxyType({**self.sentences, **catalogue.sentences}))

    def read(self, document: object) -> Message | str | None:
        """Read what :func:`message_document` made; None for what this version does not know."""
        if not isinstance(document, Mapping) or document.get("key") not in self.sentences:
            return None
        values = {name: self._value(value) for name, value in document["values"].items()}
        try:
            return self.tell(document["key"], **values)
        except (KeyError, ValueError, TypeError):
            return None  # its fields are another version's

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(part) for part in value]
        return self.read(value) or "" if isinstance(value, Mapping) else value


def message_document(text: str) -> Document | None:
    """Return key and values of a message, ready for JSON; None for a text that is no message."""
    if not isinstance(text, Message):
        return None
    return {"key": text.key, "values": {name: _plain(value) for name, value in text.values.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return message_document(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    # JSON knows neither NaN nor infinity; a message that needs one is read back as its English text alone
    return None if isinstance(value, float) and not math.isfinite(value) else value


_JOINED = {f"joined.{how}": Sentence(f"{{parts:{how}}}", f"{{parts:{how}}}") for how in SEPARATORS if how}

PARTS = Catalogue(MappingProxyType(_JOINED))
"""Messages made of messages."""


def joined(how: str, parts: Sequence[str]) -> Message:
    """Put messages behind one another, as ``sentences``, ``clauses`` or ``steps``."""
    return PARTS.tell(f"joined.{how}", parts=list(parts))


def said(text: str, lang: Language, labels: Mapping[str, str] = NOBODY) -> str:
    """Return a text in a language, where it knows more than its own."""
    return text.said(lang, labels) if isinstance(text, Message) else text
