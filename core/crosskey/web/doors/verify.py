"""``/auth/verify``: a proxy asks before each request whether its browser is inside. Asked thousands of times a second.

For nginx (``auth_request``) it answers 200, 401 or 403; for Traefik (ForwardAuth) it also knows the way to the sign-in.
"""

from __future__ import annotations

import asyncio
import logging
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.types import Receive, Scope, Send

from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Door
from crosskey.errors import StorageError
from crosskey.journal import SessionRecord
from crosskey.sso.heartbeat import is_due
from crosskey.sso.return_path import return_path
from crosskey.web.doors.cookies import cookie_name, ticket_in
from crosskey.web.doors.hall import Hall, OpenDoor

__all__ = ("Verify",)

_log = logging.getLogger("crosskey.sso")

_NOT_IN: Final = frozenset({"account-off", "operator"})
"""Pages of reasons that signing in again does not mend."""
_FRESH: Final = [(b"cache-control", b"no-store"), (b"content-type", b"text/plain; charset=utf-8")]
_AT_ONCE: Final = 32
"""Sessions about which the provider is asked at the same time."""

Headers = list[tuple[bytes, bytes]]


class Verify:
    """The endpoint, as ASGI itself: what a framework does for each request would take longer than the check."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._cookies = {door: f"{cookie_name(door, 'session')}=".encode() for door in hall.sections}
        self._proxies = [ip_network(proxy) for proxy in hall.config.serve.proxies]
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature; there is no body to read
        """Answer one request; ``?door=portal`` asks for the portal, otherwise it is the agents' door."""
        status, headers = self._answer(scope)
        body = b"" if scope["method"] == "HEAD" else b"%d\n" % status
        headers = [*headers, *_FRESH, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Scope) -> tuple[int, Headers]:
        name: Door = "portal" if b"door=portal" in scope["query_string"].split(b"&") else "agents"
        door = self._hall.doors.get(name)
        if door is None:
            return 403, [(b"x-auth-reason", b"door-off")]
        header = b"; ".join(value for key, value in scope["headers"] if key == b"cookie")
        ticket = ticket_in(header, self._cookies[name])
        try:
            session = door.keeper.check(ticket)
        except SsoRefused as refused:
            return self._refused(scope, door, refused)
        except StorageError as error:
            _log.error("the journal failed: %s", error.code)
            self._hall.open_anew()
            return 403, [(b"x-auth-reason", b"unavailable")]
        if is_due(door.section, session, self._hall.clock):
            self._ask(door, session, ticket)
        return 200, _who(session)

    def _refused(self, scope: Scope, door: OpenDoor, refused: SsoRefused) -> tuple[int, Headers]:
        reason = (b"x-auth-reason", refused.code.encode())
        if refused.reason.page in _NOT_IN:
            return 403, [reason]
        sign_in = door.keeper.addresses.start
        if not (asked := self._asked_for(scope, door)):
            return 401, [reason, (b"x-auth-sign-in", sign_in.encode())]
        to = quote(return_path(asked), safe="")
        return 303, [reason, (b"location", f"{sign_in}?to={to}".encode())]

    def _asked_for(self, scope: Scope, door: OpenDoor) -> str:
        """The path that a page was asked for by, where a proxy that is believed says so; else nothing.

        What is no page (a script's request, a form) gets no redirect: it would be followed and make no sense.
        """
        said = dict(scope["headers"])
        uri, host = said.get(b"x-forwarded-uri"), said.get(b"x-forwarded-host", b"").decode("latin-1")
        if uri is None or not self._is_believed(scope) or host != urlsplit(door.public_url).netloc:
            return ""
        is_page = said.get(b"x-forwarded-method", b"GET") == b"GET" and b"text/html" in said.get(b"accept", b"")
        return uri.decode("latin-1") if is_page else ""

    def _is_believed(self, scope: Scope) -> bool:
        client = scope.get("client")
        try:
            address = ip_address(client[0] if client else "")
        except ValueError:
            return False
        return any(_within(address, network) for network in self._proxies)

    def _ask(self, door: OpenDoor, session: SessionRecord, ticket: str) -> None:
        """Have the provider asked in the background: the next check knows."""
        if session.id in self._asking or len(self._asking) >= _AT_ONCE:
            return
        task = asyncio.create_task(_stand_by(door, session, ticket))
        self._asking[session.id] = task
        task.add_done_callback(lambda _: self._asking.pop(session.id, None))


async def _stand_by(door: OpenDoor, session: SessionRecord, ticket: str) -> None:
    try:
        await door.keeper.stand_by(session, ticket)
    except SsoRefused as refused:
        _log.info("%s: session %d ended: %s", door.section.path, session.number, refused.code)
    except Exception:  # noqa: BLE001 - a task nobody waits for
        _log.exception("%s: the provider could not be asked", door.section.path)


def _who(session: SessionRecord) -> Headers:
    """Who it is, for the proxy to pass on. Ids are made of what a header may hold."""
    return [
        (b"x-auth-account", quote(session.key, safe="@:+ ").encode()),
        (b"x-auth-kind", quote(session.kind).encode()),
        (b"x-auth-subject", quote(session.person.id, safe="@:+ ").encode()),
        (b"x-auth-session", str(session.number).encode()),
        (b"x-auth-mfa", session.mfa.verdict.encode()),
    ]


def _within(address: object, network: IPv4Network | IPv6Network) -> bool:
    return address in network  # pyright: ignore[reportOperatorIssue] - of another version it is in none
