"""A service app: OAuth 2.0 client credentials by private key, with DPoP."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Literal

import httpx
import msgspec

from crosskey.clock import Clock
from crosskey.errors import AuthError
from crosskey.http import Client, RefreshingAuth, Reply, Token
from crosskey.settings import Secret
from crosskey_okta.advice import Advice
from crosskey_okta.dpop import Prover, nonce_of, wants_nonce, wants_proof
from crosskey_okta.errors import explain, problem_of
from crosskey_okta.keys import ClientKey

__all__ = ("ServiceApp",)

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - a path. Only the org's own server issues tokens for Okta's API
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW = timedelta(seconds=5)
"""A clock this far off is corrected by the server's ``Date``, which has whole seconds and is older by the way back."""


class _TokenAnswer(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: float = 3600.0  # fixed at Okta
    scope: str = ""


class ServiceApp(RefreshingAuth):
    """OAuth 2.0 client credentials with private_key_jwt, and DPoP where the app demands it.

    ``granted`` are the scopes of the last token: Okta quietly leaves out those that were never granted.
    """

    def __init__(
        self,
        *,
        base: str,
        client_id: str,
        key: ClientKey,
        scopes: tuple[str, ...],
        dpop: bool | Literal["auto"],
        clock: Clock,
        advice: Advice,
    ) -> None:
        super().__init__()
        self._token_url = f"{base}{TOKEN_PATH}"
        self._client_id = client_id
        self._key = key
        self._scopes = scopes
        self._proves = dpop is True
        self._may_learn = dpop == "auto"
        self._clock = clock
        self._advice = advice
        self._prover = Prover()
        self._token_nonce = ""
        self._api_nonce = ""
        self._skew = timedelta()
        self.granted: frozenset[str] = frozenset()

    @property
    def bound(self) -> bool:
        """Whether tokens are bound to a key of this process (DPoP)."""
        return self._proves

    def holds(self, scope: str) -> bool:
        """Whether the last token has the scope; ``.manage`` includes its ``.read``."""
        return scope in self.granted or scope.removesuffix(".read") + ".manage" in self.granted

    async def fetch(self, client: Client) -> Token:
        """A new token; there is no refresh token, each is asked for anew."""
        reply = await client.call(
            "POST", TOKEN_PATH, decode=_TokenAnswer, template=TOKEN_PATH, repeatable=True, auth=_TokenRequest(self)
        )
        answer = reply.value
        self._proves = answer.token_type.casefold() == "dpop"
        self.granted = frozenset(answer.scope.split())
        return Token(
            value=Secret(answer.access_token),
            token_type=answer.token_type,
            expires_in=answer.expires_in,
            scope=self.granted,
        )

    def authorize(self, request: httpx.Request, token: Token) -> None:
        """Put the token on the request, and the proof of the key that it is bound to."""
        value = token.value.reveal()
        request.headers["Authorization"] = f"{'DPoP' if self._proves else 'Bearer'} {value}"
        if self._proves:
            request.headers["DPoP"] = self._prover.proof(request, self._now(), nonce=self._api_nonce, token=value)

    def challenged(self, response: httpx.Response) -> bool:
        """Learn the nonce that an API answer asks for; ``True`` when the request is worth repeating with it."""
        self._api_nonce = nonce_of(response) or self._api_nonce
        return response.status_code in (400, 401) and wants_nonce(response, problem_of(response).code)

    def token_request(self, request: httpx.Request) -> httpx.Request:
        """The request with a fresh assertion and, where wanted, a fresh proof: both are good for one use only."""
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(self._scopes),
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self._key.assertion(self._client_id, self._token_url, self._now()),
        }
        kept = {name: value for name, value in request.headers.items() if not name.startswith("content-")}
        fresh = httpx.Request(request.method, request.url, headers=kept, data=form, extensions=request.extensions)
        if self._proves:
            fresh.headers["DPoP"] = self._prover.proof(fresh, self._now(), nonce=self._token_nonce)
        return fresh

    def lesson(self, response: httpx.Response) -> str:
        """Learn from the token endpoint's answer: a word for what is worth repeating the request with, or nothing."""
        self._token_nonce = nonce_of(response) or self._token_nonce
        late = self._note_clock(response)
        if response.is_success:
            return ""
        code = problem_of(response).code
        if wants_nonce(response, code):
            return "nonce"
        if self._may_learn and not self._proves and wants_proof(response, code):
            self._proves = True
            return "proof"
        return "clock" if late and response.status_code in (400, 401) else ""

    def refusal(self, response: httpx.Response) -> AuthError:
        """The final word of the token endpoint as an error with its fix."""
        return self._advice.refusal(explain(response) or f"HTTP {response.status_code}", problem_of(response).code)

    def _now(self) -> datetime:
        return self._clock.now() + self._skew

    def _note_clock(self, response: httpx.Response) -> bool:
        """Take the server's clock where ours is off: assertions and proofs from the future are refused."""
        date = Reply(value=None, status=response.status_code, headers=response.headers, url=response.url).date
        if date is None:
            return False
        off = date - self._clock.now()
        before, self._skew = self._skew, off if abs(off) > _SKEW else timedelta()
        return abs(self._skew - before) > _SKEW


class _TokenRequest(httpx.Auth):
    """The handshake at the token endpoint. Each lesson is learned once, so it ends after three repeats at most."""

    requires_response_body = True

    def __init__(self, app: ServiceApp) -> None:
        self._app = app

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask for the token; learn to prove, the nonce, the time."""
        learned = {""}
        response = yield self._app.token_request(request)
        while (lesson := self._app.lesson(response)) not in learned:
            learned.add(lesson)
            response = yield self._app.token_request(request)
        if response.status_code in (400, 401, 403):
            raise self._app.refusal(response)
