"""An OpenID Connect provider in memory, with keys of its own: what a sign-in flow meets in the tests of the kit.

Whoever is in it was invented. It obeys the standard; a test takes single parts of that away.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from crosskey.clock import Clock
from crosskey.testing.fakes import Answering, FakeVendor

__all__ = ("FakeProvider", "challenge_of", "signing_key")

Claims = dict[str, Any]
_LIFE: Final = 300


class FakeProvider(FakeVendor):
    """A provider. ``claims`` are further claims of its tokens; derive from it for what your vendor does its own way.

    ``person`` is who signs in next; ``twist`` changes the claims of the next tokens, ``sign`` how they are signed,
    ``shown`` what the metadata says besides. ``codes`` are the sign-ins that wait to be redeemed.
    """

    def __init__(self, clock: Clock, *, issuer: str, client_id: str, alg: str = "RS256", **claims: Any) -> None:  # noqa: ANN401
        self.clock = clock
        self.issuer = issuer
        self.client_id = client_id
        self.alg = alg
        self.claims = claims
        self.person = 1
        self.key = signing_key("kit-1")
        self.published = [self.key]
        self.twist: Callable[[Claims], Claims] = dict
        self.sign: Callable[[Claims], str] = self.signed
        self.shown: Mapping[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.given: list[str] = []

    # -- what a vendor may do its own way -----------------------------------------------------------------------------

    def person_claims(self, number: int) -> Claims:
        """Claims by which a person is known; the same for the same number, whatever else changes."""
        return {"sub": f"kit-person-{number}"}

    def metadata(self) -> dict[str, Any]:
        """What it says about itself."""
        base = f"{urlsplit(self.issuer).scheme}://{urlsplit(self.issuer).netloc}"
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{base}/kit/authorize",
            "token_endpoint": f"{base}/kit/token",
            "jwks_uri": f"{base}/kit/keys",
            "end_session_endpoint": f"{base}/kit/logout",
            "response_types_supported": ["code", "code id_token"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": [self.alg],
            **self.shown,
        }

    # -- what it does -------------------------------------------------------------------------------------------------

    def answers(self) -> Answering:
        """Metadata, keys and tokens."""
        return self.answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        path = request.url.path
        if path.endswith("/.well-known/openid-configuration"):
            return httpx.Response(200, json=self.metadata())
        if path == self._path("jwks_uri"):
            keys = [{**key.as_dict(private=False), "use": "sig", "alg": self.alg} for key in self.published]
            return httpx.Response(200, json={"keys": keys})
        if request.method == "POST" and path == self._path("token_endpoint"):
            form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
            return self._renewed() if form.get("grant_type") == "refresh_token" else self._redeemed(form)
        return httpx.Response(404, json={"error": "not_found"})

    def browser(self, url: str) -> dict[str, str]:
        """What a browser brings back from the sign-in page at that address."""
        asked = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        code = f"kit-code-{len(self.given)}-{len(self.codes)}"
        self.codes[code] = asked
        back = {"code": code, "state": asked.get("state", "")}
        if self.metadata().get("authorization_response_iss_parameter_supported"):
            back["iss"] = self.issuer
        return back

    def _redeemed(self, form: Mapping[str, str]) -> httpx.Response:
        asked = self.codes.pop(form.get("code", ""), None)  # each is redeemed once
        if (
            asked is None
            or challenge_of(form.get("code_verifier", "")) != asked.get("code_challenge")
            or form.get("redirect_uri") != asked.get("redirect_uri")
        ):
            return httpx.Response(400, json={"error": "invalid_grant"})
        return self._tokens(nonce=asked.get("nonce", ""))

    def _path(self, name: str) -> str:
        return urlsplit(str(self.metadata()[name])).path

    def _renewed(self) -> httpx.Response:
        return self._tokens()

    def _tokens(self, **besides: str) -> httpx.Response:
        token = self.sign(self.twist(self.plain(**besides)))
        self.given.append(token)
        answer = {
            "id_token": token,
            "access_token": f"kit-access-token-{len(self.given)}",
            "refresh_token": f"kit-refresh-token-{len(self.given)}",
            "token_type": "Bearer",
            "expires_in": _LIFE,
        }
        return httpx.Response(200, json=answer)

    def plain(self, **besides: Any) -> Claims:  # noqa: ANN401 - any claims
        """The claims of a token as they should be."""
        now = int(self.clock.now().timestamp())
        return {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + _LIFE,
            "auth_time": now,
            "email": f"kit{self.person}@people.example",
            "sid": f"kit-session-{self.person}",
            **self.claims,
            **self.person_claims(self.person),
            **besides,
        }

    # -- ways to sign -------------------------------------------------------------------------------------------------

    def signed(self, claims: Claims, **header: Any) -> str:  # noqa: ANN401 - any header
        """A token as it should be; ``header`` are further members of its header."""
        return jwt.encode({"alg": self.alg, "kid": self.key.kid, **header}, claims, self.key, algorithms=[self.alg])

    def signed_by(self, key: RSAKey, claims: Claims) -> str:
        """A token that somebody else signed under the provider's name for its key."""
        return jwt.encode({"alg": self.alg, "kid": self.key.kid}, claims, key, algorithms=[self.alg])

    def unsigned(self, claims: Claims) -> str:
        """A token that nobody signed (``alg`` none)."""
        return f"{_part({'alg': 'none', 'kid': self.key.kid})}.{_part(claims)}."

    def signed_with_the_public_key(self, claims: Claims) -> str:
        """A token signed with what everybody knows: the public key, taken for a shared secret."""
        signed = f"{_part({'alg': 'HS256', 'kid': self.key.kid})}.{_part(claims)}"
        digest = hmac.new(self.key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_text(digest)}"

    def altered(self, claims: Claims) -> str:
        """A token whose claims were changed after it was signed."""
        header, _, signature = self.signed({**claims, "sub": "somebody-else"}).split(".")
        return f"{header}.{_part(claims)}.{signature}"


def challenge_of(verifier: str) -> str:
    """The challenge that belongs to a verifier (RFC 7636, S256)."""
    return _text(hashlib.sha256(verifier.encode()).digest())


@cache
def signing_key(kid: str) -> RSAKey:
    """A key that is made once: making one takes a moment."""
    return RSAKey.generate_key(2048, parameters={"kid": kid})


def _part(value: Mapping[str, Any]) -> str:
    return _text(json.dumps(value).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
