"""When two values are the same to a target."""

from __future__ import annotations

from crosskey.engine.diff import is_cut, is_empty
from crosskey.journal import Value

__all__ = ("alike", "same")


def same(one: Value, other: Value) -> bool:
    """Equal, or both empty in whatever way."""
    if isinstance(one, tuple) or isinstance(other, tuple):
        return one == other
    return one == other or (is_empty(one) and is_empty(other))


def alike(now: Value, sent: Value) -> bool:
    """Whether ``now`` is what a target may make of ``sent``: cut, trimmed, with other blanks or in other letters."""
    if not isinstance(now, str) or not isinstance(sent, str):
        return False
    return is_cut(now, sent) or " ".join(now.split()).casefold() == " ".join(sent.split()).casefold()
