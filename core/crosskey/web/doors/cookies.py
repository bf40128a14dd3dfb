"""Cookies of the doors: bound to this host and to https, out of reach of scripts, not sent with another site's form.

A provider's form comes from another site, so none of them is sent with it: see :mod:`crosskey.web.doors.forms`.
"""

from __future__ import annotations

from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from crosskey.connector.sso import Door
from crosskey.sso.tickets import is_ticket

__all__ = ("Name", "cookie_name", "drop", "leave", "leave_ticket", "read", "ticket_in")

Name = Literal["session", "browser", "trips", "out", "waiting", "pilot"]
"""A session's ticket; the secret of a browser that signs in; when it was last sent away; that somebody signed out; that
somebody is being looked at; that somebody of the pilot signed in, whoever it was."""

_SECONDS: Final[dict[Name, int | None]] = {
    "session": None,
    "browser": 3600,
    "trips": 120,
    "out": 3600,
    "waiting": 600,
    "pilot": 180 * 86_400,
}


def cookie_name(door: Door, name: Name) -> str:
    """Its whole name. ``__Host-``: no other host can set it, also no sister or parent domain (RFC 6265bis §4.1.3)."""
    return f"__Host-crosskey-{door}-{name}"


def read(request: Request, door: Door, name: Name) -> str:
    """What the browser brought, or nothing."""
    return request.cookies.get(cookie_name(door, name), "")


def ticket_in(header: bytes, wanted: bytes) -> str:
    """The ticket in a raw ``Cookie`` header; of several of one name none is believed."""
    found = [part.strip()[len(wanted) :] for part in header.split(b";") if part.strip().startswith(wanted)]
    text = found[0].decode("latin-1") if len(found) == 1 else ""
    return text if is_ticket(text) else ""


def leave(response: Response, door: Door, name: Name, value: str) -> None:
    """Leave it with the browser."""
    response.set_cookie(
        cookie_name(door, name), value, max_age=_SECONDS[name], path="/", secure=True, httponly=True, samesite="lax"
    )


def leave_ticket(response: Response, door: Door, session_ticket: str) -> None:
    """Let somebody in: the session's ticket, and what signing in needed is gone."""
    leave(response, door, "session", session_ticket)
    drop(response, door, "out")


def drop(response: Response, door: Door, name: Name) -> None:
    """Take it away."""
    response.delete_cookie(cookie_name(door, name), path="/", secure=True, httponly=True, samesite="lax")
