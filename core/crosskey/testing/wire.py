"""The wire below the client: it brings each request to the fake, writes down what was said, and strikes where told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import httpx
import msgspec
import pytest

from crosskey.testing.clock import VirtualClock

__all__ = ("Exchange", "Spoil", "Spot", "Strike", "Wire")

Spoil = Callable[[httpx.Request, Callable[[], Awaitable[httpx.Response]]], Awaitable[httpx.Response]]
"""Makes of a request (and of the true answer, where it asks for it) what comes back in its place."""

_MOST: Final = 2_000
_LATENCY: Final = 0.02


class Spot(msgspec.Struct, frozen=True, order=True):
    """A place where a fault may strike: a method, and the shape of a path (parts that hold a digit are ``{}``)."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Exchange(msgspec.Struct, frozen=True):
    """One request and its answer as they went over the wire."""

    spot: Spot
    path: str
    url: str
    status: int
    body: bytes
    request: bytes


class Strike(msgspec.Struct, kw_only=True):
    """A fault that waits at a spot: it lets ``skip`` requests pass and spoils ``times`` of them (``None``: all).

    ``path`` narrows the spot down to one list.
    """

    spot: Spot | None
    spoil: Spoil
    path: str = ""
    skip: int = 0
    times: int | None = None
    struck: int = 0

    def due(self, spot: Spot, path: str) -> bool:
        """Whether it strikes this request."""
        if (self.spot is not None and self.spot != spot) or (self.path and self.path != path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        return self.times is None or self.struck < self.times


class Wire(httpx.AsyncBaseTransport):
    """A transport over a fake. ``strikes`` are the faults that wait; ``after`` is called when an answer is on its way.

    Fails the test when one connector asks more than ``most`` times: the code under test has no end.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport | None, clock: VirtualClock, *, most: int = _MOST) -> None:
        self._inner = inner
        self._clock = clock
        self._most = most
        self.strikes: list[Strike] = []
        self.after: Callable[[Exchange], None] | None = None
        self.exchanges: list[Exchange] = []
        self.in_flight = 0
        self.crowd = 0
        self._asked = 0

    def begin(self) -> None:
        """A connector is opened: what others asked does not count against it."""
        self._asked = 0

    def calm(self) -> None:
        """Take all faults away and forget what was said."""
        self.strikes, self.after, self.exchanges, self.crowd = [], None, [], 0

    def strike(
        self, spoil: Spoil, spot: Spot | None = None, *, path: str = "", skip: int = 0, times: int | None = None
    ) -> Strike:
        """Let a fault wait at a spot (``None``: everywhere)."""
        waiting = Strike(spot=spot, spoil=spoil, path=path, skip=skip, times=times)
        self.strikes.append(waiting)
        return waiting

    def spots(self) -> list[Spot]:
        """Where requests went, in the order of their first."""
        return list(dict.fromkeys(exchange.spot for exchange in self.exchanges))

    def counts(self) -> Counter[Spot]:
        """How many requests went where."""
        return Counter(exchange.spot for exchange in self.exchanges)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Bring the fake's answer, or what a fault makes of it."""
        if self._inner is None:
            pytest.fail(
                f"the plugin asked for {request.method} {request.url}, and its fake answers nothing: "
                "return what answers (an ASGI application, a function, a transport) from FakeVendor.answers()"
            )
        sent = await request.aread()
        spot = spot_of(request)
        self.in_flight += 1
        self.crowd = max(self.crowd, self.in_flight)
        try:
            await self._clock.sleep(_LATENCY)
            return await self._answer(request, spot, sent)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: httpx.Request, spot: Spot, sent: bytes) -> httpx.Response:
        self._asked += 1
        if self._asked > self._most:
            pytest.fail(
                f"{self._most} requests of one connector, the last one {spot}: does a list or a retry never end?"
            )

        async def true_answer() -> httpx.Response:
            return await self._true_answer(request)

        strike = next((one for one in self.strikes if one.due(spot, request.url.path)), None)
        if strike is None:
            response = await true_answer()
        else:
            strike.struck += 1
            try:
                response = await strike.spoil(request, true_answer)
            except httpx.HTTPError:
                self.exchanges.append(Exchange(spot, request.url.path, str(request.url), 0, b"", sent))
                raise
        body = response.content if _was_read(response) else b""
        exchange = Exchange(spot, request.url.path, str(request.url), response.status_code, body, sent)
        self.exchanges.append(exchange)
        if self.after is not None:
            self.after(exchange)
        return response

    async def _true_answer(self, request: httpx.Request) -> httpx.Response:
        assert self._inner is not None
        try:
            answer = await self._inner.handle_async_request(request)
        except ConnectionError:  # an ASGI application drops a connection so
            raise httpx.ReadError("connection closed", request=request) from None
        await answer.aread()
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in _FRAMING]
        return httpx.Response(answer.status_code, headers=headers, content=answer.content, request=request)


_FRAMING: Final = {b"content-encoding", b"content-length", b"transfer-encoding"}
_VARIABLE: Final = re.compile(r"[^/]*\d[^/]*")


def spot_of(request: httpx.Request) -> Spot:
    """The spot of a request. Versions (``v1``, ``v2.0``) stay as they are."""
    parts = [
        part if re.fullmatch(r"v\d+(\.\d+)?", part) or not _VARIABLE.fullmatch(part) else "{}"
        for part in request.url.path.split("/")
    ]
    return Spot(request.method, "/".join(parts))


def _was_read(response: httpx.Response) -> bool:
    return hasattr(response, "_content")
