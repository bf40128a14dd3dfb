"""Lists in JSON bodies, found without knowing the vendor, and what may happen to their rows on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Container
from typing import Any, cast

import httpx
import msgspec

from crosskey.errors import UNREADABLE
from crosskey.testing.wire import Exchange, Spoil

__all__ = ("Row", "Rows", "frozen", "led_elsewhere", "lists_among", "mentions", "rows_of", "with_rows")

Row = dict[str, Any]
Rows = Callable[[list[Row]], list[Row]]


def rows_of(body: bytes) -> list[Row] | None:
    """The rows of a list that a body holds: the body itself, or the longest list of objects in it."""
    return _find(_decoded(body))


def mentions(rows: list[Row], ids: Container[str]) -> str:
    """The key under which rows hold these ids: one that nearly every row has; empty when there is none."""
    counts: dict[str, int] = {}
    for row in rows:
        for key, value in row.items():
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value) in ids:
                counts[key] = counts.get(key, 0) + 1
    best = max(counts, key=lambda key: counts[key], default="")
    return best if best and counts[best] * 2 > len(rows) else ""


def with_rows(change: Rows) -> Spoil:
    """The vendor's answer with its rows changed; an answer that holds no list comes as it is."""

    async def spoil(_: httpx.Request, go: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        answer = await go()
        value = _decoded(answer.content)
        rows = _find(value)
        if rows is None:
            return answer
        rows[:] = change(list(rows))
        return _again(answer, msgspec.json.encode(value))

    return spoil


def frozen() -> Spoil:
    """The first answer, given again whatever is asked: the list that never gets on."""
    kept: list[httpx.Response] = []

    async def spoil(request: httpx.Request, go: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        if not kept:
            kept.append(await go())
        return _again(kept[0], kept[0].content, request)

    return spoil


def led_elsewhere(host: str) -> Spoil:
    """The vendor's answer with all its links leading to another host."""

    async def spoil(request: httpx.Request, go: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        answer = await go()
        ours, theirs = request.url.netloc, host.encode()
        body = answer.content.replace(b"//" + ours + b"/", b"//" + theirs + b"/")
        headers = [
            (name, value.replace(b"//" + ours + b"/", b"//" + theirs + b"/")) for name, value in _headers(answer)
        ]
        return httpx.Response(answer.status_code, headers=headers, content=body, request=request)

    return spoil


def lists_among(exchanges: list[Exchange], ids: Collection[str], *, least: int) -> dict[str, list[Exchange]]:
    """The exchanges that brought rows which hold these ids, by path, of lists that hold at least so many of them."""
    pages: dict[str, list[Exchange]] = {}
    held: dict[str, set[str]] = {}
    for exchange in exchanges:
        rows = rows_of(exchange.body) or []
        if key := mentions(rows, ids):
            pages.setdefault(exchange.path, []).append(exchange)
            held.setdefault(exchange.path, set()).update(str(row[key]) for row in rows if str(row.get(key)) in ids)
    return {path: found for path, found in pages.items() if len(held[path]) >= least}


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        return None


def _find(value: Any) -> list[Row] | None:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return cast("list[Row]", items) if items and all(isinstance(item, dict) for item in items) else None
    if not isinstance(value, dict):
        return None
    lists = [found for inner in cast("Row", value).values() if (found := _find(inner)) is not None]
    return max(lists, key=len, default=None)


def _again(answer: httpx.Response, body: bytes, request: httpx.Request | None = None) -> httpx.Response:
    return httpx.Response(answer.status_code, headers=_headers(answer), content=body, request=request or answer.request)


def _headers(answer: httpx.Response) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-length"]
