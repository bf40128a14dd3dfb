"""Types in words for people who write TOML and not Python."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import msgspec

__all__ = ("plain_words", "type_name", "type_words")

_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "datetime": "a date and time",
    "date": "a date",
    "time": "a time",
}
_TYPES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "bool"),
    (str, "str"),
    (int, "int"),
    (float, "float"),
    (list, "array"),
    (dict, "object"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
)
_QUOTED = re.compile(r"`([^`]*)`")
_PATH = re.compile(r" - at `[^`]*`$")


def type_words(value: object) -> str:
    """What a TOML value is."""
    return next((_WORDS[name] for kind, name in _TYPES if isinstance(value, kind)), "something else")


def type_name(kind: object) -> str:
    """A type's name without an article, for tables: ``text``, ``whole number``, ``duration``."""
    if kind is timedelta:
        return "duration"
    if kind is Path:
        return "path"
    words = {known: _WORDS[name] for known, name in _TYPES}
    return words[kind].removeprefix("a ") if isinstance(kind, type) and kind in words else "value"


def plain_words(error: msgspec.ValidationError) -> str:
    """The sentence of msgspec without its own path, with TOML's words for types."""
    sentence = _PATH.sub("", str(error))
    sentence = _QUOTED.sub(
        lambda hit: " or ".join(_WORDS.get(name, name) for name in hit[1].split(" | ") if name != "null"), sentence
    )
    return sentence[:1].lower() + sentence[1:]
