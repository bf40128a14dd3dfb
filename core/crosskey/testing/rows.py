"""Lists in JSON bodies, found without knowing the vendor, and what may happen to their rows on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from typing import Any, cast

import httpx
import msgspec

from crosskey.testing.wire import Exchange, Spoil

__all__ = ("Row", "Rows", "frozen", "led_elsewhere", "lists_among", "mentions", "rows_of", "with_rows")

Row = dict[str, Any]
Rows = Callable[[list[Row]], list[Row]]


def rows_of(body: bytes) -> list[Row] | None:
    """The rows of a list that a body holds: the body itself, or the longest list of objects in it."""
    return _find(_decoded(body))


def mentions(row: Row, ids: Container[str]) -> str:
    """The key under which a row holds one of these ids, empty when it holds none."""
    return next((key for key, value in row.items() if isinstance(value, str | int) and str(value) in ids), "")


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


def lists_among(exchanges: list[Exchange], ids: Container[str]) -> dict[str, list[Exchange]]:
    """The exchanges that brought rows which mention one of these ids, by path."""
    found: dict[str, list[Exchange]] = {}
    for exchange in exchanges:
        rows = rows_of(exchange.body) or []
        if any(mentions(row, ids) for row in rows):
            found.setdefault(exchange.path, []).append(exchange)
    return found


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
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
