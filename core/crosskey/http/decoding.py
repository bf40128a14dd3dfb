"""From a body's bytes to a typed value, or to an error that says what came instead."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeVar

import httpx
import msgspec

from crosskey.errors import UNREADABLE, ContractError
from crosskey.http.exchange import Exchange
from crosskey.http.redaction import scrub_text
from crosskey.http.status import uncertain

__all__ = ("decode_body", "decoder_of")

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"
_TITLE = re.compile(rb"<title[^>]*>\s*(.{1,60})", re.IGNORECASE | re.DOTALL)
# msgspec quotes the value that did not fit, which may be anybody's: its place in the document is enough.
_QUOTED = re.compile(r"'[^']*'")


def decoder_of(decode: type[T] | msgspec.json.Decoder[T]) -> msgspec.json.Decoder[T]:
    """The decoder itself, or the one decoder kept for a type."""
    return decode if isinstance(decode, msgspec.json.Decoder) else _decoder(decode)


@lru_cache(maxsize=256)
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind)


def decode_body(response: httpx.Response, decoder: msgspec.json.Decoder[T], exchange: Exchange) -> T:
    """The value of a 2xx answer; an empty body counts as ``null``.

    Raises :class:`ContractError`, or :class:`UncertainError` where the request may have changed something.
    """
    body = response.content
    try:
        if not body.isascii():
            body.decode()  # the decoder does not look at what it passes over, which a plugin may decode later
        return decoder.decode(body.removeprefix(_BOM) or b"null")
    except UNREADABLE as exc:
        problem = _describe(response, exc)
    if not exchange.repeatable:
        raise uncertain(exchange, f"answered {response.status_code}, but {problem}")
    raise ContractError(
        f"{exchange} answered {response.status_code}, but {problem}",
        code="bad-body",
        where=exchange.instance,
        fix=f"check `url` in [{exchange.instance}]: a log-in page or a proxy may stand in front of it",
    )


def _describe(response: httpx.Response, exc: Exception) -> str:
    """Content type and evidence. Of a body's content only the title or the first characters of a page of HTML."""
    body = response.content.lstrip()
    kind = response.headers.get("content-type", "").partition(";")[0].strip() or "no content type"
    if body[:1] == b"<":
        title = _TITLE.search(body[:4096])
        evidence = title[1].partition(b"<")[0] if title else body[:60]
        shown = " ".join(scrub_text(evidence.decode("utf-8", errors="replace")).split())
        return f"with a page instead of JSON ({kind}): {shown}"
    if not body:
        return "without a body"
    if isinstance(exc, msgspec.ValidationError):
        return f"the JSON has another shape than documented ({kind}): {_QUOTED.sub('…', str(exc))}"
    if isinstance(exc, UnicodeDecodeError):
        return f"the body is not UTF-8 ({kind})"
    if isinstance(exc, RecursionError):
        return f"the JSON is nested too deeply ({kind})"
    return f"the body is not whole JSON ({kind}, {len(response.content)} bytes)"
