"""Cutting pages: limits, opaque cursors, and the Link header.

A cursor names a place in one listing and is tied to that listing's other parameters: altered, or used with other
parameters, it is refused. Its form is made up; clients must not read it. It holds characters that need quoting, so
a client that takes a cursor out of a link and quotes it again fails here.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from crosskey_sandbox.okta.errors import ApiError

__all__ = ("Page", "Window", "cut", "page_links", "window")

T = TypeVar("T")


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks of a listing: where to start, how many rows, and the parameters that stay."""

    path: str
    kept: tuple[tuple[str, str], ...]
    limit: int
    start: int = 0
    first: bool = True


class Page(msgspec.Struct, Generic[T], frozen=True):
    """The rows of one page, and the place where the next one starts or None at the end."""

    rows: list[T]
    next: int | None


def window(path: str, query: Sequence[tuple[str, str]], *, default: int, most: int, bad_cursor: str) -> Window:
    """Read ``limit`` and ``after``. A limit above ``most`` becomes ``most``; ``bad_cursor`` is the error's code."""
    given = dict(query)
    kept = tuple(sorted((name, value) for name, value in query if name not in {"after", "limit"}))
    limit = _limit(given.get("limit"), default, most)
    after = given.get("after")
    if after is None:
        return Window(path=path, kept=kept, limit=limit)
    start = _place(after, path, kept)
    if start is None:
        raise ApiError(bad_cursor, causes=("The pagination cursor has been altered.",))
    return Window(path=path, kept=kept, limit=limit, start=start, first=False)


def cut(slots: Sequence[T | None], asked: Window, keep: Callable[[T], bool] | None = None) -> Page[T]:
    """One page of the rows that ``keep`` lets through, from the asked place on."""
    rows: list[T] = []
    for place in range(max(0, asked.start), len(slots)):
        row = slots[place]
        if row is None or (keep is not None and not keep(row)):
            continue
        if len(rows) == asked.limit:
            return Page(rows, place)
        rows.append(row)
    return Page(rows, None)


def page_links(base: str, asked: Window, following: int | None, *, shift: int = 0, still: bool = False) -> list[str]:
    """The values of the Link header: ``self``, and ``next`` unless this page is the last.

    ``shift`` moves the next start: below zero rows come again, above zero rows are missed. ``still``: the next page
    may be this one.
    """
    here = [] if asked.first else [("after", _cursor(asked.start, asked.path, asked.kept))]
    links = [_link(base, asked, here, "self")]
    if following is not None:
        place = following if still else max(following + shift, asked.start + 1)
        links.append(_link(base, asked, [("after", _cursor(place, asked.path, asked.kept))], "next"))
    return links


def _link(base: str, asked: Window, cursor: list[tuple[str, str]], rel: str) -> str:
    query = urlencode([*cursor, ("limit", str(asked.limit)), *asked.kept])
    return f'<{base}{asked.path}?{query}>; rel="{rel}"'


def _limit(text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if limit < 1:
        raise ApiError.invalid("limit", "The value must be a positive number")
    return min(limit, most)


def _seal(place: int, path: str, kept: tuple[tuple[str, str], ...]) -> int:
    return zlib.crc32(repr((place, path, kept)).encode())


def _cursor(place: int, path: str, kept: tuple[tuple[str, str], ...]) -> str:
    return base64.b64encode(f"{place}:{_seal(place, path, kept):08x}".encode()).decode() + "=+"


def _place(cursor: str, path: str, kept: tuple[tuple[str, str], ...]) -> int | None:
    try:
        place, _, seal = base64.b64decode(cursor.removesuffix("=+"), validate=True).decode("ascii").partition(":")
        found = int(place)
    except (ValueError, binascii.Error):
        return None
    return found if seal == f"{_seal(found, path, kept):08x}" and cursor == _cursor(found, path, kept) else None
