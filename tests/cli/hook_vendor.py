"""A source whose vendor delivers to addresses, kept in memory; it comes in through an entry point like any other."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime

from crosskey.connector.signal import Subscription
from crosskey.connector.source import SourceSpec
from crosskey.errors import AuthError
from crosskey.hookspecs import hookimpl
from crosskey.settings import Settings

subscribed: dict[str, Subscription] = {}
faults: list[Exception] = []
reachable: list[str] = []  # beginnings of addresses that the vendor can reach


def reset() -> None:
    """Forget everything; the whole internet can be reached."""
    subscribed.clear()
    faults.clear()
    reachable[:] = ["https://"]


class Quiet:
    """A source without hooks."""

    issuer = "https://quiet.example"


class Pushing(Quiet):
    """A source with hooks: two subscriptions for each address."""

    async def subscriptions(self):
        if faults:
            raise faults[0]
        return list(subscribed.values())

    async def subscribe(self, url):
        state = "active" if url.startswith(tuple(reachable)) else "unverified"
        ends = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
        for about in ("people", "groups"):
            subscribed[about] = Subscription(id=f"sub-{about}", url=url, state=state, about=about, expires_at=ends)
        return list(subscribed.values())

    async def renew(self, subscription):
        return subscription

    async def unsubscribe(self, subscription):
        del subscribed[subscription.about]


@asynccontextmanager
async def open_pushing(_settings, _context):
    yield Pushing()


@asynccontextmanager
async def open_quiet(_settings, _context):
    yield Quiet()


class NoSettings(Settings):
    pass


def forbidden() -> AuthError:
    return AuthError("the vendor refuses it", where="source.corp", fix="grant hooks.manage")


@hookimpl
def crosskey_sources():
    return [
        SourceSpec(name="pushing", summary="in memory", settings=NoSettings, open=open_pushing),
        SourceSpec(name="quiet", summary="in memory", settings=NoSettings, open=open_quiet),
    ]
