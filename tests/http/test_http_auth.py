"""Tokens that renew themselves, and proofs that are fresh with every send."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import msgspec
import pytest

from crosskey.errors import AuthError, RetryableError, UncertainError
from crosskey.http import Client, RefreshingAuth, RetryPolicy, Token
from crosskey.settings import Secret


class Grant(msgspec.Struct):
    access_token: str
    expires_in: float = 3600.0


class Bearer(RefreshingAuth):
    """Client credentials as a plugin would write them."""

    async def fetch(self, client: Client) -> Token:
        reply = await client.call(
            "POST", "/token", decode=Grant, form={"client_secret": "canary-secret"}, auth=None, repeatable=True
        )
        return Token(value=Secret(reply.value.access_token), expires_in=reply.value.expires_in)


class Proving(Bearer):
    """A fresh numbered proof with each send, and a nonce that the server may ask for (RFC 9449)."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.nonce = ""

    def authorize(self, request: httpx.Request, token: Token) -> None:
        request.headers["Authorization"] = f"DPoP {token.value.reveal()}"
        request.headers["DPoP"] = f"proof-{next(self.numbers)}:{self.nonce}"

    def challenged(self, response: httpx.Response) -> bool:
        if "use_dpop_nonce" not in response.headers.get("www-authenticate", ""):
            return False
        self.nonce = response.headers["dpop-nonce"]
        return True


class Server:
    """Issues numbered tokens; its data answers are scripted by status."""

    def __init__(self, *statuses: int, token_statuses: tuple[int, ...] = ()) -> None:
        self.statuses = list(statuses)
        self.token_statuses = list(token_statuses)
        self.issued = 0
        self.asked = 0
        self.seen: list[httpx.Headers] = []
        self.refuse: set[str] = set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        for _ in range(3):
            await asyncio.sleep(0)
        if request.url.path == "/token":
            assert "authorization" not in request.headers
            self.asked += 1
            status = self.token_statuses.pop(0) if self.token_statuses else 200
            if status != 200:
                return httpx.Response(status, json={"error": "invalid_client"})
            self.issued += 1
            return httpx.Response(200, json={"access_token": f"token-{self.issued}", "expires_in": 100})
        self.seen.append(httpx.Headers(request.headers))  # an auth flow changes them in place
        if request.headers.get("authorization") in self.refuse:
            return httpx.Response(401, json={"error": "invalid_token"})
        return httpx.Response(self.statuses.pop(0) if self.statuses else 200, json=1)

    @property
    def authorizations(self) -> list[str]:
        return [headers["authorization"] for headers in self.seen]


async def test_however_many_ask_at_once_one_token_is_fetched(client_for):
    server = Server()
    async with client_for(server, auth=Bearer()) as client:
        await asyncio.gather(*(client.call("GET", "/a", decode=int) for _ in range(20)))
    assert server.issued == 1
    assert set(server.authorizations) == {"Bearer token-1"}


async def test_a_token_is_renewed_at_80_percent_of_its_life(client_for, clock):
    server = Server()
    async with client_for(server, auth=Bearer()) as client:
        await client.call("GET", "/a", decode=int)
        clock.advance(79)
        await client.call("GET", "/a", decode=int)
        clock.advance(2)
        await client.call("GET", "/a", decode=int)
    assert server.authorizations == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_a_refused_token_is_fetched_anew_once_and_the_request_repeated_once_for_any_method(client_for):
    server = Server()
    async with client_for(server, auth=Bearer()) as client:
        await client.call("GET", "/a", decode=int)
        server.refuse = {"Bearer token-1"}
        await client.call("POST", "/a", decode=int, json=[])
    assert server.authorizations == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_many_refusals_of_one_token_fetch_one_new(client_for):
    server = Server()
    async with client_for(server, auth=Bearer()) as client:
        await client.call("GET", "/a", decode=int)
        server.refuse = {"Bearer token-1"}
        await asyncio.gather(*(client.call("GET", "/a", decode=int) for _ in range(8)))
    assert server.issued == 2


async def test_a_token_that_is_always_refused_ends_as_an_auth_error(client_for):
    server = Server()
    server.refuse = {"Bearer token-1", "Bearer token-2"}
    async with client_for(server, auth=Bearer()) as client:
        with pytest.raises(AuthError):
            await client.call("GET", "/a", decode=int)
    assert len(server.seen) == 2


async def test_every_try_of_a_call_carries_a_fresh_proof(client_for):
    server = Server(500, 429, 200)
    async with client_for(server, auth=Proving()) as client:
        await client.call("GET", "/a", decode=int)
    assert [headers["dpop"] for headers in server.seen] == ["proof-1:", "proof-2:", "proof-3:"]
    assert server.issued == 1


async def test_a_nonce_is_learned_and_the_request_repeated_once_with_the_same_token(client_for):
    class Demanding(Server):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            answer = await super().__call__(request)
            if request.url.path != "/token" and not request.headers["dpop"].endswith(":n1"):
                challenge = {"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "n1"}
                return httpx.Response(401, headers=challenge)
            return answer

    server = Demanding()
    async with client_for(server, auth=Proving()) as client:
        await client.call("POST", "/a", decode=int, json=[])
        await client.call("POST", "/a", decode=int, json=[])
    assert [headers["dpop"] for headers in server.seen] == ["proof-1:", "proof-2:n1", "proof-3:n1"]
    assert server.issued == 1


async def test_a_server_that_asks_for_a_nonce_for_ever_does_not_get_one_for_ever(client_for):
    async def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "t"})
        return httpx.Response(401, headers={"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "n"})

    async with client_for(server, auth=Proving()) as client:
        with pytest.raises(AuthError):
            async with asyncio.timeout(1):
                await client.call("GET", "/a", decode=int)


async def test_a_token_request_is_retried_like_any_other(client_for, clock):
    server = Server(token_statuses=(503, 429))
    async with client_for(server, auth=Bearer()) as client:
        await client.call("POST", "/a", decode=int, json=[])
    assert server.asked == 3
    assert len(clock.slept) == 2


async def test_a_refused_credential_names_the_instance_and_shows_no_secret(client_for):
    server = Server(token_statuses=(401,))
    async with client_for(server, auth=Bearer()) as client:
        with pytest.raises(AuthError, match="POST /token answered 401: invalid_client") as caught:
            await client.call("GET", "/a", decode=int)
    assert caught.value.where == "source.corp"
    assert "canary" not in str(caught.value)
    assert server.seen == []


async def test_a_write_that_never_left_for_want_of_a_token_is_not_uncertain(client_for):
    class Once(Bearer):
        async def fetch(self, client: Client) -> Token:
            await client.call("POST", "/token", decode=Grant, form={}, auth=None)
            raise AssertionError

    server = Server(token_statuses=(503, 503))
    async with client_for(server, auth=Once(), retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(RetryableError) as caught:
            await client.call("POST", "/a", decode=int, json=[])
    assert not isinstance(caught.value, UncertainError)


async def test_a_cancelled_fetch_leaves_the_next_one_free(client_for):
    server = Server()
    async with client_for(server, auth=Bearer()) as client:
        first = asyncio.create_task(client.call("GET", "/a", decode=int))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        async with asyncio.timeout(1):
            assert (await client.call("GET", "/a", decode=int)).value == 1


async def test_an_authentication_without_a_client_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"context\.http\(auth="):
        await Bearer().token()


def test_a_token_shows_nothing():
    assert "canary" not in repr(Token(value=Secret("canary")))
