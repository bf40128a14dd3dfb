"""Reading the body of a request that anybody on the internet may have sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from crosskey.clock import Clock

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ("BadBody", "read_body")


class BadBody(Exception):  # noqa: N818 - the sender's doing, not an error of ours
    """A body that is not read to its end; ``status`` is what to answer."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


async def read_body(request: Request, *, limit: int, seconds: float, clock: Clock) -> bytes:
    """The body, ``limit`` bytes at most, within ``seconds`` in all. Raises :class:`BadBody`."""
    announced = request.headers.get("content-length")
    if announced is not None:
        if not (announced.isascii() and announced.isdigit()):
            raise BadBody("body-length", 400)
        if len(announced) > len(str(limit)) or int(announced) > limit:
            raise BadBody("body-too-large", 413)
    until = clock.monotonic() + seconds
    body = bytearray()
    try:
        # one chunk that never comes is bounded by the loop's own time, chunk after chunk by the clock
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise BadBody("body-too-large", 413)
                if clock.monotonic() > until:
                    raise BadBody("body-too-slow", 408)
    except TimeoutError:
        raise BadBody("body-too-slow", 408) from None
    return bytes(body)
