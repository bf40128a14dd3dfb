"""Access tokens for Microsoft Graph by OAuth 2.0 client credentials (v2.0 endpoint)."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta

import httpx
import msgspec

from crosskey.clock import Clock
from crosskey.errors import CrosskeyError
from crosskey.http import Client, RefreshingAuth, Reply, Token
from crosskey.settings import Secret
from crosskey_entra.advice import Advice
from crosskey_entra.credentials import Credential
from crosskey_entra.errors import sign_in_problem

__all__ = ("SignIn",)

_SKEW = timedelta(seconds=30)
"""A clock this far off is corrected by the service's own: assertions from the future are refused."""


class _TokenAnswer(msgspec.Struct):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: float | str = 3599.0  # text in some answers


class SignIn(RefreshingAuth):
    """Fetches a token when there is none, renews it early, and once more when Graph refuses it.

    Tokens are fetched by a client of their own: what the sign-in service may be asked and where links of Graph may
    lead are two things. There is no refresh token in this grant, and Graph's tokens are never looked into.
    """

    def __init__(
        self,
        login: Client,
        *,
        tenant: str,
        client_id: str,
        credential: Credential,
        scope: str,
        clock: Clock,
        advice: Advice,
    ) -> None:
        super().__init__()
        self._login = login
        self._path = f"/{tenant}/oauth2/v2.0/token"
        self._client_id = client_id
        self._credential = credential
        self._scope = scope
        self._clock = clock
        self._advice = advice
        self._skew = timedelta()

    async def fetch(self, client: Client) -> Token:  # noqa: ARG002 - that is Graph's client
        """A new token. Raises what :meth:`Advice.refusal` makes of the service's answer."""
        try:
            reply = await self._login.call(
                "POST",
                self._path,
                decode=_TokenAnswer,
                template="/{tenant}/oauth2/v2.0/token",
                repeatable=True,
                auth=_TokenRequest(self),
            )
        except CrosskeyError as error:
            raise self._advice.addressed(error, "authority") from None
        answer = reply.value
        try:
            life = float(answer.expires_in)
        except ValueError:
            life = 0.0  # used now, fetched anew next time
        return Token(value=Secret(answer.access_token), token_type=answer.token_type, expires_in=life)

    def token_request(self, request: httpx.Request) -> httpx.Request:
        """The request with a fresh proof: an assertion is good for one use only."""
        now = self._clock.now() + self._skew
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "scope": self._scope,
            **self._credential.form(self._client_id, str(request.url), now),
        }
        kept = {name: value for name, value in request.headers.items() if not name.startswith("content-")}
        return httpx.Request(request.method, request.url, headers=kept, data=form, extensions=request.extensions)

    def clock_was_off(self, response: httpx.Response) -> bool:
        """Learn the service's time; ``True`` when the proof just sent was made at another."""
        date = Reply(value=None, status=response.status_code, headers=response.headers, url=response.url).date
        if date is None:
            return False
        off = date - self._clock.now()
        before, self._skew = self._skew, off if abs(off) > _SKEW else timedelta()
        return abs(self._skew - before) > _SKEW

    def refusal(self, response: httpx.Response) -> CrosskeyError:
        """The final word of the token endpoint as an error with its fix."""
        return self._advice.refusal(response.status_code, sign_in_problem(response))


class _TokenRequest(httpx.Auth):
    """One token request, and a second one with the right time where ours was wrong."""

    requires_response_body = True

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask for the token; raise the refusal with what its body says."""
        response = yield self._sign_in.token_request(request)
        if self._sign_in.clock_was_off(response) and response.status_code in (400, 401):
            response = yield self._sign_in.token_request(request)
        if response.status_code in (400, 401, 403):
            raise self._sign_in.refusal(response)
