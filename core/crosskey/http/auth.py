"""Token authentication that renews itself: one fetch at a time, early, and once more when a token is refused."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import httpx
import msgspec

from crosskey.errors import RetryableError, UncertainError
from crosskey.settings import Secret

if TYPE_CHECKING:
    from crosskey.http.client import Client

__all__ = ("RefreshingAuth", "Token")

_EARLY = 0.8
"""The share of its life after which a token is renewed: a request must not set out with one that dies on the way."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An access token as the authorization server gave it (RFC 6749 §5.1). ``expires_in`` is in seconds."""

    value: Secret
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: float = 3600.0
    scope: frozenset[str] = frozenset()


class RefreshingAuth(httpx.Auth, ABC):
    """Base of token authentications. A subclass says how to :meth:`fetch` a token and how to :meth:`authorize`.

    Tokens are renewed at 80 % of their life. A 401 drops the token, fetches once and repeats the request once; an
    answer that :meth:`challenged` recognises repeats it once too. Retries lie above: every try authorises anew.
    """

    def __init__(self) -> None:
        self._client: Client | None = None
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._renew_at = 0.0

    def bind(self, client: Client) -> None:
        """Tell which client fetches tokens; the core does this when it opens one."""
        self._client = client

    @abstractmethod
    async def fetch(self, client: Client) -> Token:
        """Get a token: ``client.call(…, auth=None, repeatable=True)``, so that it is retried, paced and bounded too."""

    def authorize(self, request: httpx.Request, token: Token) -> None:
        """Put the token on the request (RFC 6750). Called for every single send, also when a request is repeated."""
        request.headers["Authorization"] = f"Bearer {token.value.reveal()}"

    def challenged(self, response: httpx.Response) -> bool:  # noqa: ARG002 - for subclasses
        """Whether the answer asks for the same request with something that this call has just learned (a nonce)."""
        return False

    async def token(self) -> Token:
        """The current token, fetched when there is none or it is old; whoever asks meanwhile waits for the same one."""
        client = self._client
        if client is None:
            raise RuntimeError("this authentication belongs to no client: pass it to context.http(auth=…)")
        if self._token is not None and client.clock.monotonic() < self._renew_at:
            return self._token
        async with self._lock:
            if self._token is not None and client.clock.monotonic() < self._renew_at:
                return self._token
            self._token = None
            asked_at = client.clock.monotonic()
            try:
                token = await self.fetch(client)
            except UncertainError as exc:  # a token more does no harm, and the request itself has not left
                raise RetryableError(exc.message, code="token", where=exc.where, fix="run again later") from None
            self._token = token
            self._renew_at = asked_at + token.expires_in * _EARLY
            return token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorise and send; learn once, renew once."""
        token = await self.token()
        learned = renewed = False
        while True:
            self.authorize(request, token)
            response = yield request
            if not learned and self.challenged(response):
                learned = True
            elif not renewed and response.status_code == 401:
                renewed = True
                if self._token is token:  # else somebody else has renewed it already
                    self._token = None
                token = await self.token()
            else:
                return
