"""A test sign-in in a real browser, on this machine: it shows what would happen and lets nobody in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from crosskey.clock import Clock
from crosskey.config import Config
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Door, Pinned, Pins
from crosskey.context import TransportFactory
from crosskey.journal import Doorbook
from crosskey.sso.addresses import door_addresses
from crosskey.sso.doorkeeper import Rehearsal
from crosskey.web.doors.answering import Answering
from crosskey.web.doors.app import style_route
from crosskey.web.doors.entering import Entering
from crosskey.web.doors.forms import Forms
from crosskey.web.doors.hall import open_hall

__all__ = ("Stage", "rehearsal")


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser is to go, what serves it, and what it came to."""

    app: ASGIApp
    start: str
    callback: str
    outcome: asyncio.Future[Rehearsal | SsoRefused]


class _Anew:
    """Nothing was pinned until now."""

    def __init__(self, book: Doorbook) -> None:
        self._book = book
        self._seen: dict[str, Pinned] = {}

    def pinned(self, issuer: str) -> Pinned | None:
        """What was seen since the test began."""
        return self._seen.get(issuer)

    def pin(self, seen: Pinned) -> None:
        """Pin it in place of what there was."""
        self._seen[seen.issuer] = seen
        self._book.unpin(seen.issuer)
        self._book.pin(seen)


def _kept(book: Doorbook) -> Pins:
    return book


@asynccontextmanager
async def rehearsal(
    config: Config,
    door: Door,
    public_url: str,
    *,
    mfa: bool = False,
    anew: bool = False,
    clock: Clock | None = None,
    transport: TransportFactory | None = None,
) -> AsyncGenerator[Stage]:
    """A door for one test at ``public_url``, on or off; ``mfa``: as if a second factor were required.

    ``anew`` pins what the provider says now, whatever was pinned before.

    The provider must know its callback's address, besides that of the door itself.
    """
    section = config.doors[door]
    wanted = "required" if mfa else section.rules.mfa
    rules = msgspec.structs.replace(section.rules, enabled=True, public_url=public_url, mfa=wanted, on_demand=False)
    only = msgspec.structs.replace(config, doors={door: msgspec.structs.replace(section, rules=rules)})
    async with open_hall(only, clock, transport=transport, rehearses=True, pins=_Anew if anew else _kept) as hall:
        outcome: asyncio.Future[Rehearsal | SsoRefused] = asyncio.get_running_loop().create_future()

        def came_to(what: Rehearsal | SsoRefused) -> None:
            if not outcome.done():
                outcome.set_result(what)

        entering, end = Entering(Forms(hall.clock), rehearses=came_to), Answering(hall).endpoint
        addresses = door_addresses(public_url, door, section.provided.value.name)
        start, callback = urlsplit(addresses.start).path, urlsplit(addresses.callback).path
        app = Starlette(
            routes=[
                style_route(f"/{door}"),
                Route(start, end(door, entering.start)),
                Route(callback, end(door, entering.callback), methods=["GET", "POST"]),
            ]
        )
        yield Stage(app=app, start=addresses.start, callback=addresses.callback, outcome=outcome)
