"""A client of a local Halo for tests: no server, the same HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from crosskey_sandbox.halo import HaloDesk, HaloQuirks, halo_app
from fake_clock import FakeClock


def small_desk(clock: FakeClock | None = None, **switches: object) -> HaloDesk:
    """A seeded desk without a budget unless a switch says so."""
    quirks = HaloQuirks(**{"budget": 0, **switches})
    return HaloDesk.seeded(quirks=quirks, clock=clock or FakeClock(), offices=("London", "Berlin"))


@asynccontextmanager
async def anonymous(desk: HaloDesk) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    transport = httpx.ASGITransport(halo_app(desk))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        yield client


async def token(client: httpx.AsyncClient, desk: HaloDesk, *, query: str = "", **form: str) -> httpx.Response:
    """A token request with the right credentials unless ``form`` says otherwise."""
    application = desk.application
    right = {
        "grant_type": "client_credentials",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "scope": "all",
    }
    return await client.post(f"/auth/token{query}", data=right | form)


@asynccontextmanager
async def signed_in(desk: HaloDesk, scope: str = "all") -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token for that scope."""
    async with anonymous(desk) as client:
        answer = await token(client, desk, scope=scope)
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client
