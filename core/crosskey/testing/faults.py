"""What goes wrong between a client and a vendor, below the client: refusals, breakdowns, and bodies that are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import httpx

from crosskey.testing.wire import Spoil

__all__ = (
    "BREAKDOWNS",
    "LOST",
    "REFUSALS",
    "THROTTLES",
    "UNARRIVED",
    "UNREADABLE",
    "answering",
)

_Go = Callable[[], Awaitable[httpx.Response]]
_PAGE: Final = b"<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>"


def answering(status: int, body: bytes = b"{}", **headers: str) -> Spoil:
    """An answer in place of the vendor's; the request never arrives."""

    async def spoil(request: httpx.Request, _: _Go) -> httpx.Response:
        sort = "text/html" if body.startswith(b"<") else "application/json"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, content=body, headers={"content-type": sort, **named}, request=request)

    return spoil


def instead(make: Callable[[httpx.Response], httpx.Response]) -> Spoil:
    """The vendor's answer, made into something else on its way; the request arrived."""

    async def spoil(_: httpx.Request, go: _Go) -> httpx.Response:
        return make(await go())

    return spoil


async def lost_before(request: httpx.Request, _: _Go) -> httpx.Response:
    """The connection is lost before the request arrives."""
    raise httpx.ReadError("connection reset", request=request)


async def lost_after(request: httpx.Request, go: _Go) -> httpx.Response:
    """The request arrives and is carried out; the connection is lost before the answer comes."""
    await go()
    raise httpx.ReadError("connection reset", request=request)


async def failed_after(request: httpx.Request, go: _Go) -> httpx.Response:
    """The request is carried out, and a gateway says 502."""
    await go()
    return httpx.Response(502, content=_PAGE, headers={"content-type": "text/html"}, request=request)


async def unreachable(request: httpx.Request, _: _Go) -> httpx.Response:
    """No connection comes about."""
    raise httpx.ConnectError("connection refused", request=request)


async def timed_out(request: httpx.Request, _: _Go) -> httpx.Response:
    """Nothing comes back in time."""
    raise httpx.ReadTimeout("timed out", request=request)


def _cut(answer: httpx.Response) -> httpx.Response:
    return _with_body(answer, answer.content[: len(answer.content) // 2])


def _emptied(answer: httpx.Response) -> httpx.Response:
    return _with_body(answer, b"")


def _shapeless(answer: httpx.Response) -> httpx.Response:
    return _with_body(answer, b'{"unexpected": [null, 17]}')


def _null(answer: httpx.Response) -> httpx.Response:
    return _with_body(answer, b"null")


def _page(answer: httpx.Response) -> httpx.Response:
    return httpx.Response(200, content=_PAGE, headers={"content-type": "text/html"}, request=answer.request)


def _dripping(answer: httpx.Response) -> httpx.Response:
    stream = _Drip(answer.content)
    return httpx.Response(answer.status_code, headers=_headers(answer), stream=stream, request=answer.request)


def _with_body(answer: httpx.Response, body: bytes) -> httpx.Response:
    return httpx.Response(answer.status_code, headers=_headers(answer), content=body, request=answer.request)


def _headers(answer: httpx.Response) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-length"]


class _Drip(httpx.AsyncByteStream):
    """A body that comes so slowly that each byte is in time and the whole never is."""

    def __init__(self, body: bytes) -> None:
        self._body = body or b" "

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for byte in self._body:
            await asyncio.sleep(5.0)
            yield bytes([byte])


REFUSALS: Final[Mapping[str, Spoil]] = {
    "401": answering(401),
    "403": answering(403),
}
"""What a credential that may not meets; the same answer comes however often one asks."""

THROTTLES: Final[Mapping[str, Spoil]] = {
    "429 that names a wait": answering(429, retry_after="17"),
    "429 without a word": answering(429),
}

BREAKDOWNS: Final[Mapping[str, Spoil]] = {
    "500": answering(500),
    "502 with a gateway's page": answering(502, _PAGE),
    "503 that names a wait": answering(503, retry_after="9"),
    "504 with a gateway's page": answering(504, _PAGE),
    "a connection that is lost": lost_before,
    "a connection that does not come about": unreachable,
    "no answer in time": timed_out,
}
"""What passes: the same request succeeds a moment later."""

UNREADABLE: Final[Mapping[str, Spoil]] = {
    "a body that is cut in half": instead(_cut),
    "an empty body with 200": instead(_emptied),
    "JSON of another shape with 200": instead(_shapeless),
    "null with 200": instead(_null),
    "a sign-in page with 200": instead(_page),
    "a body that drips for ever": instead(_dripping),
}
"""A success by its status, and nothing that may be taken for an answer."""

LOST: Final[Mapping[str, Spoil]] = {
    "a connection that is lost after the request arrived": lost_after,
    "a gateway's 502 after the request arrived": failed_after,
    **{f"{what}, after the request arrived": spoil for what, spoil in UNREADABLE.items()},
}
"""A write that was carried out, and whose answer says nothing."""

UNARRIVED: Final[Mapping[str, Spoil]] = {
    "500": answering(500),
    "503 that names a wait": answering(503, retry_after="9"),
    "a connection that is lost before the request arrives": lost_before,
    "a connection that does not come about": unreachable,
    "a sign-in page with 200 in its place": answering(200, _PAGE),
}
"""A write that was not carried out, and nobody can tell."""
