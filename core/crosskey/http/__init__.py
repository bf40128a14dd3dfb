"""The HTTP stack: retries, pacing, deadlines, spans, redaction, token authentication, paging, recording."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosskey.http.auth import RefreshingAuth, Token
    from crosskey.http.cassette import recording
    from crosskey.http.client import Client, open_client
    from crosskey.http.pacing import Budget
    from crosskey.http.reply import Reply, link_next
    from crosskey.http.retry import RetryPolicy
    from crosskey.http.streams import merge

__all__ = (
    "Budget",
    "Client",
    "RefreshingAuth",
    "Reply",
    "RetryPolicy",
    "Token",
    "link_next",
    "merge",
    "open_client",
    "recording",
)

_HOMES = {
    "Budget": "pacing",
    "Client": "client",
    "RefreshingAuth": "auth",
    "Reply": "reply",
    "RetryPolicy": "retry",
    "Token": "auth",
    "link_next": "reply",
    "merge": "streams",
    "open_client": "client",
    "recording": "cassette",
}


def __getattr__(name: str) -> object:
    """Import a name's module when it is first asked for: httpx takes a tenth of a second, and ``--help`` needs none."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
