"""Edges of a token's life, and a wall clock that jumps meanwhile (T7): tokens go by the clock that never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from crosskey.http import Client, RefreshingAuth, Token
from crosskey.settings import Secret


class Grant(msgspec.Struct):
    access_token: str
    expires_in: float


class Bearer(RefreshingAuth):
    async def fetch(self, client: Client) -> Token:
        reply = await client.call("POST", "/token", decode=Grant, auth=None, repeatable=True)
        return Token(value=Secret(reply.value.access_token), expires_in=reply.value.expires_in)


class Issuer:
    """Gives tokens of one life and takes every token."""

    def __init__(self, life: float) -> None:
        self.life = life
        self.issued = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            self.issued += 1
            return httpx.Response(200, json={"access_token": f"token-{self.issued}", "expires_in": self.life})
        return httpx.Response(200, json=1)


@pytest.mark.parametrize("life", [0, -1, -1e12, 0.001])
async def test_a_token_without_a_life_serves_the_call_that_it_was_fetched_for(client_for, clock, life):
    server = Issuer(life)
    async with client_for(server, auth=Bearer()) as client:
        for calls in (1, 2, 3):
            await client.call("GET", "/a", decode=int)
            assert server.issued == calls, "one for each call, and no circle"
            clock.advance(1)


async def test_a_token_of_a_thousand_years_is_kept(client_for, clock):
    server = Issuer(3.2e10)
    async with client_for(server, auth=Bearer()) as client:
        for _ in range(3):
            await client.call("GET", "/a", decode=int)
            clock.advance(86_400 * 400)
    assert server.issued == 1


@pytest.mark.parametrize(
    "jump",
    [
        timedelta(hours=1),
        timedelta(hours=-1),
        timedelta(days=40),
        datetime(1970, 1, 1, tzinfo=UTC) - datetime(2026, 1, 5, 9, tzinfo=UTC),
        timedelta(seconds=-1),
    ],
    ids=["hour-ahead", "hour-behind", "forty-days-ahead", "1970", "leap-second"],
)
async def test_a_wall_clock_that_jumps_neither_ends_a_token_nor_keeps_it_alive(client_for, clock, jump):
    server = Issuer(3600)
    async with client_for(server, auth=Bearer()) as client:
        await client.call("GET", "/a", decode=int)
        clock.start += jump
        await client.call("GET", "/a", decode=int)
        assert server.issued == 1
        clock.advance(0.8 * 3600 - 1)
        await client.call("GET", "/a", decode=int)
        assert server.issued == 1
        clock.advance(2)
        await client.call("GET", "/a", decode=int)
        assert server.issued == 2
