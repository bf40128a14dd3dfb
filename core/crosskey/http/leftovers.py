"""What came after an answer's end is nobody's answer: its connection must not carry another call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx

__all__ = ("give_up_leftovers",)

_WAY = ("_httpcore_stream", "_stream", "_connection")


async def give_up_leftovers(answer: httpx.Response) -> None:
    """Close the connection of an answer that was read whole when more came with it.

    httpcore drops a kept connection on which bytes arrive between two calls, but what arrived together with the last
    answer lies in its parser (h11) already, and would be taken for the answer to the next call. No public way leads
    there; where this one leads nowhere (another transport) nothing is done, and a test says so.
    """
    connection: object = answer.stream
    for name in _WAY:
        connection = getattr(connection, name, None)
    parser: object = getattr(connection, "_h11_state", None)
    trailing: tuple[bytes, bool] = getattr(parser, "trailing_data", (b"", False))
    if trailing[0]:
        close: Callable[[], Awaitable[None]] = getattr(connection, "aclose")  # noqa: B009 - of a type that has no name
        await close()
