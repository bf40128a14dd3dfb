"""The one transport under every client: paced, pinned, traced, bounded in time and size."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import httpx

from crosskey.http.breaker import Breaker
from crosskey.http.exchange import Exchange, exchange_of
from crosskey.http.leftovers import give_up_leftovers
from crosskey.http.pacing import Pacer
from crosskey.http.pinning import Origins
from crosskey.http.spans import Telling
from crosskey.http.timing import Timing

__all__ = ("LARGEST_BODY", "BodyTooLarge", "DeadlineExceeded", "StrangeEncoding", "Wire")

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of a decoded body: a hundred times a large page, and an end to compression bombs."""

_ENCODINGS = {"", "identity", "gzip", "x-gzip", "deflate"}
"""What an answer may be packed in: once, and by what the standard library unpacks (RFC 9110 §8.4.1)."""
# Dropped from answers: the first three no longer hold for a body that was read and decoded; cookies would make a
# session out of calls that must stand alone.
_DROPPED = {b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie"}


class DeadlineExceeded(httpx.ReadTimeout):
    """The whole exchange took too long, however busily bytes were dripping."""


class BodyTooLarge(httpx.ReadError):
    """The decoded body passed the ceiling."""


class StrangeEncoding(httpx.DecodingError):
    """The body is packed in a way that nobody asked for: within one another, a few bytes unpack into any number."""


class Wire(httpx.AsyncBaseTransport):
    """Sends one request and brings back its answer, read whole.

    httpx bounds each read, not the exchange: a server dripping bytes would hold a client for ever. So the deadline
    and the size ceiling stand here, around sending **and** reading, and hold for auth flows and plain httpx calls too.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        pacer: Pacer,
        origins: Origins,
        telling: Telling,
        instance: str,
        deadline: float,
        breaker: Breaker,
        timing: Timing,
        largest: int = LARGEST_BODY,
    ) -> None:
        self._inner = inner
        self._pacer = pacer
        self._origins = origins
        self._telling = telling
        self._instance = instance
        self._deadline = deadline
        self._breaker = breaker
        self._timing = timing
        self._largest = largest

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a turn, send, read, learn. Raises :class:`CircuitOpen` for a host that only fails."""
        self._origins.check(request.url)
        exchange = exchange_of(request, self._instance)
        async with self._pacer.turn(exchange.method, exchange.template) as turn:
            self._breaker.enter(request)
            with self._telling.request(exchange, request.url) as told:
                exchange.sends += 1
                response = await self._exchange(request, exchange)
                told.answered(response.status_code)
            window = turn.answered(response.status_code, response.headers)
        self._telling.limits(exchange, request.url, response.status_code, window)
        return response

    async def _exchange(self, request: httpx.Request, exchange: Exchange) -> httpx.Response:
        host = request.url.host
        try:
            response = await self._send(request, exchange)
        except httpx.TransportError:
            self._breaker.ended(host, None)
            raise
        except BaseException:
            self._breaker.abandoned(host)
            raise
        self._breaker.ended(host, response.status_code)
        self._timing.heard(host, response.headers)
        return response

    async def _send(self, request: httpx.Request, exchange: Exchange) -> httpx.Response:
        limit = asyncio.timeout(self._deadline)
        try:
            async with limit:
                answer = await self._inner.handle_async_request(request)
                try:
                    body = await _read(answer, self._largest)
                    await give_up_leftovers(answer)
                finally:
                    await answer.aclose()
        except TimeoutError:
            if not limit.expired():
                raise
            message = f"{exchange} had no complete answer within {self._deadline:g} s"
            raise DeadlineExceeded(message, request=request) from None
        dropped = _DROPPED if _leads_somewhere(answer) else {*_DROPPED, b"location"}
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in dropped]
        kept = {key: value for key, value in answer.extensions.items() if key != "network_stream"}
        return httpx.Response(answer.status_code, headers=headers, content=body, extensions=kept)

    async def aclose(self) -> None:
        """Close the pool."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(exc_type, exc_value, traceback)


def _leads_somewhere(answer: httpx.Response) -> bool:
    """Whether a redirect's target is a URL: httpx parses it even where nobody follows, and gives no answer then."""
    if not answer.has_redirect_location:
        return True
    try:
        httpx.URL(answer.headers["location"])
    except httpx.InvalidURL:
        return False
    return True


async def _read(answer: httpx.Response, largest: int) -> bytes:
    if (encoding := answer.headers.get("content-encoding", "").strip().lower()) not in _ENCODINGS:
        raise StrangeEncoding(f"the body is packed as {encoding[:40]}")
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.aiter_bytes():
        size += len(chunk)
        if size > largest:
            raise BodyTooLarge(f"the answer is larger than {largest // 2**10} KiB")
        chunks.append(chunk)
    return b"".join(chunks)
