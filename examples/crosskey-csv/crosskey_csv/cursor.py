"""What is kept of a file, so that the next one can be compared with it: digests, never what it says of anybody."""

from __future__ import annotations

import base64
import hashlib

import msgspec
from crosskey import CursorExpiredError, GroupSelection, ReadRequest

from crosskey_csv.settings import CsvSettings

__all__ = ("Cursor", "digest", "expired", "open_cursor", "request_digest")

_VERSION = 1
_READING = frozenset({"path", "encoding", "separator", "trailer", "newline_at_end", "settle"})
"""Settings that say how the file is read, and nothing about what it means."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """One file: a digest of each person by id, of the members of each selected group, and which groups there were.

    ``turn`` counts the rounds, because no two places may be the same.
    """

    version: int = _VERSION
    request: str
    turn: int = 0
    people: dict[str, str]
    groups: tuple[str, ...]
    members: dict[str, str]

    def text(self) -> str:
        """As the core keeps it."""
        return msgspec.json.encode(self).decode()


def open_cursor(text: str, request: str, instance: str) -> Cursor:
    """The place that a text names. Raises :class:`CursorExpiredError` when it is not one of ours, for this request."""
    try:
        cursor = msgspec.json.decode(text.encode(errors="replace"), type=Cursor)
    except msgspec.MsgspecError:
        raise expired("the cursor cannot be read", instance) from None
    if cursor.version != _VERSION:
        raise expired("the cursor is of another version", instance)
    if cursor.request != request:
        raise expired("the cursor belongs to other settings or mappings", instance)
    return cursor


def expired(sentence: str, instance: str) -> CursorExpiredError:
    """The error that has everything read again."""
    return CursorExpiredError(
        f"changes cannot be told from there: {sentence}", where=instance, fix="nothing: everything is read again"
    )


def request_digest(request: ReadRequest, settings: CsvSettings, issuer: str) -> str:
    """What a place depends on, in short: the same file read by other rules says something else."""
    rules = {name: repr(getattr(settings, name)) for name in settings.__struct_fields__ if name not in _READING}
    attributes = None if request.attributes is None else sorted(request.attributes)
    return digest((issuer, rules, attributes, _selection(request.groups), _selection(request.apps)))


def digest(value: object) -> str:
    """Twelve letters that differ for what differs."""
    body = msgspec.msgpack.encode(value, order="deterministic")
    return base64.urlsafe_b64encode(hashlib.blake2b(body, digest_size=9).digest()).decode()


def _selection(selection: GroupSelection) -> object:
    return sorted(selection.names), sorted(selection.optional), sorted(selection.pins.items())
