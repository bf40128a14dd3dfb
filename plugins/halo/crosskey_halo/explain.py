"""One sentence out of the many shapes of Halo's error bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import httpx

from crosskey.errors import UNREADABLE

__all__ = ("explain", "sentence")

_LONGEST = 300


class _Body(msgspec.Struct, frozen=True):
    """The shapes clients have met.

    A .NET exception, ``{resultCode, errorMessage}``, ``{Message}``, OAuth's ``{error}``.
    """

    capital_message: str | None = msgspec.field(name="Message", default=None)
    message: str | None = None
    error_message: str | None = msgspec.field(name="errorMessage", default=None)
    error_description: str | None = None
    error: str | None = None
    title: str | None = None


_DECODER: msgspec.json.Decoder[_Body | list[_Body] | str] = msgspec.json.Decoder(_Body | list[_Body] | str)


def explain(response: httpx.Response) -> str:
    """What Halo said about a refusal, or nothing when the body does not say (403 often has none).

    Never more than its message: stack traces stay out.
    """
    return sentence(response.content)


def sentence(body: bytes) -> str:
    """The message in an error body of any known shape."""
    try:
        said = _DECODER.decode(body)
    except UNREADABLE:
        return _plain(body)
    if isinstance(said, str):
        return _short(said)
    rows = said if isinstance(said, list) else [said]
    return _short("; ".join(filter(None, (_message(row) for row in rows))))


def _message(body: _Body) -> str:
    return (
        body.capital_message
        or body.message
        or body.error_message
        or body.error_description
        or body.error
        or body.title
        or ""
    )


def _plain(body: bytes) -> str:
    # the 429 that states the limit is plain text; a page of HTML says nothing worth repeating
    text = body[: 4 * _LONGEST].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{", "[")) else _short(text)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
