"""What one call is: said once, then shared by pacing, spans, errors and retries."""

from __future__ import annotations

import re

import httpx
import msgspec

__all__ = ("EXTENSION", "Exchange", "exchange_of", "path_template")

EXTENSION = "crosskey"
"""The key under which a request carries its :class:`Exchange` (httpx hands extensions down to the transport)."""

_ORIGIN = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*")
# A path segment that names one thing rather than a kind of thing: a number, an address, or a long word with digits.
_PARTICULAR = re.compile(r"^(?:\d+|.*[@%].*|(?=.*\d)[\w.~-]{12,})$")


class Exchange(msgspec.Struct, kw_only=True):
    """One call of one instance: its method and low-cardinality path, and whether it may be sent twice.

    ``sends`` counts the requests that went out for it so far: retries and the repeats of an auth flow.
    """

    instance: str
    method: str
    template: str
    repeatable: bool
    sends: int = 0

    def __str__(self) -> str:
        """As it appears in messages: method and template, never ids or query."""
        return f"{self.method} {self.template}"


def exchange_of(request: httpx.Request, instance: str) -> Exchange:
    """The exchange a request belongs to; a plain httpx call gets one made from its path."""
    exchange: object = request.extensions.get(EXTENSION)
    if isinstance(exchange, Exchange):
        return exchange
    return Exchange(
        instance=instance, method=request.method, template=path_template(request.url.path), repeatable=False
    )


def path_template(url: str) -> str:
    """The path of a URL with segments that name one particular thing replaced by ``{id}``."""
    segments = _ORIGIN.sub("", url).partition("?")[0].split("/")
    return "/".join("{id}" if _PARTICULAR.match(segment) else segment for segment in segments)
