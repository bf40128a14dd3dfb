"""Attribute values made fit for a target: clean text, flags, numbers."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Literal, cast

from crosskey.mapping.findings import RuleError
from crosskey.model import Scalar

__all__ = ("CONVERT", "as_flag", "as_number", "as_text", "tidy")

_BREAKS = re.compile("[\t-\r\x85\u2028\u2029]+")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?", re.ASCII)
_FLAGS: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_EXACT_INTEGERS = 2**53  # a double holds every integer up to here (IEEE 754)


def tidy(text: str) -> str:
    """``text`` in NFC, on one line, without control characters, lone surrogates and outer blanks.

    Format characters stay: Persian and Indic names need joiners.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = _UNWANTED.sub("", _BREAKS.sub(" ", text))
    return unicodedata.normalize("NFC", text).strip()


def as_text(value: object) -> str:
    """``value`` as a reader would write it: ``true``, ``3``, ``a, b``. Absent is ``""``.

    Raises :class:`RuleError` for tables and for lists in lists.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        parts = [_one(part) for part in cast("list[object]", value)]
        return ", ".join(part for part in parts if part)
    return _one(value)


def _one(value: object) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) <= _EXACT_INTEGERS:
            return str(int(value))
        case float():
            return repr(value)
        case int() if abs(value) < 10**18:
            return str(value)
        case _:
            raise RuleError(f"{_shown(value)} cannot be written as text")


def as_flag(value: object) -> bool | None:
    """True or false; ``None`` when absent. Reads true, false, yes, no, 1, 0. Raises :class:`RuleError` for the rest."""
    if isinstance(value, bool) or value is None:
        return value
    text = as_text(value).strip().casefold()
    if not text:
        return None
    if text not in _FLAGS:
        raise RuleError(f"{_shown(value)} is neither true nor false")
    return _FLAGS[text]


def as_number(value: object) -> int | float | None:
    """A finite number; ``None`` when absent. Reads plain decimal text. Raises :class:`RuleError` for the rest."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return value
        raise RuleError(f"{value} is not a finite number")
    text = "" if value is None else as_text(value).strip()
    if not text:
        return None
    if isinstance(value, bool) or not _NUMBER.fullmatch(text):
        raise RuleError(f"{_shown(value)} is not a number")
    return float(text) if "." in text else int(text)


CONVERT: Mapping[Literal["text", "flag", "number"], Callable[[object], Scalar]] = {
    "text": lambda value: tidy(as_text(value)),
    "flag": as_flag,
    "number": as_number,
}
"""How a value becomes one of a field's type."""


def _shown(value: object) -> str:
    match value:
        case str():
            return f'"{value[:40]}"'
        case bool():
            return "true" if value else "false"
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return f"a value of type {type(value).__name__}"
