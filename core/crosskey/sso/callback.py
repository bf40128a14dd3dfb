"""What a browser brings back from a provider, read with the limits of a stranger's message."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import parse_qsl

import msgspec

from crosskey.connector.refusal import SsoRefused

__all__ = ("LARGEST", "Returned", "read_callback")

LARGEST: Final = 128 * 1024
"""Bytes of a callback: two ID tokens of the largest size that is taken, and some."""

_MOST: Final = 32
_FORM: Final = "application/x-www-form-urlencoded"


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters, each once, and how they came."""

    method: Literal["GET", "POST"]
    parameters: dict[str, str]


def read_callback(method: str, query: bytes, *, content_type: str = "", body: bytes = b"") -> Returned:
    """Read the request to a callback's address. Raises :class:`SsoRefused`.

    Answers come in the query of a GET or the form of a POST, never in both, and say nothing twice.
    """
    if method not in ("GET", "POST"):
        raise SsoRefused("callback-malformed", "neither GET nor POST")
    raw = query if method == "GET" else body
    if len(raw) > LARGEST:
        raise SsoRefused("callback-malformed", f"more than {LARGEST // 1024} KiB came back")
    if method == "POST":
        if content_type.partition(";")[0].strip().lower() != _FORM:
            raise SsoRefused("callback-malformed", "a form of another type than was asked for")
        if query:
            raise SsoRefused("callback-mode", "a form that also says something in its address")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=_MOST)
    except (ValueError, UnicodeDecodeError):
        raise SsoRefused("callback-malformed", "what came back is no list of fields, or of too many") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise SsoRefused("callback-malformed", "something is said twice")
    return Returned(method=method, parameters=parameters)
