"""DPoP (RFC 9449): tokens bound to a throw-away key of this process."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from datetime import datetime
from functools import cached_property
from hashlib import sha256

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

__all__ = ("Prover", "nonce_of", "wants_nonce", "wants_proof")


class Prover:
    """Makes one fresh proof for each request. A proof sent twice is refused as a replay.

    RSA, because Okta's discovery lists elliptic curves too but only RSA is known to work; a key of its own, because
    the proof key need not be the one the app authenticates with.
    """

    @cached_property
    def _key(self) -> RSAKey:
        return RSAKey.generate_key(2048)

    @cached_property
    def _header(self) -> dict[str, object]:
        return {"typ": "dpop+jwt", "alg": "RS256", "jwk": self._key.as_dict(private=False)}

    def proof(self, request: httpx.Request, now: datetime, *, nonce: str = "", token: str = "") -> str:
        """The proof for ``request``, with the ``token`` that goes along and the ``nonce`` that the server gave."""
        claims: dict[str, str | int] = {
            "htm": request.method,
            "htu": str(request.url.copy_with(query=None, fragment=None)),
            "iat": int(now.timestamp()),
            "jti": secrets.token_urlsafe(16),
        }
        if nonce:
            claims["nonce"] = nonce
        if token:
            claims["ath"] = urlsafe_b64encode(sha256(token.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
        return jwt.encode(self._header, claims, self._key, algorithms=["RS256"])


def nonce_of(response: httpx.Response) -> str:
    """The nonce the server wants to see in the next proof, or nothing."""
    return response.headers.get("dpop-nonce", "")


def wants_nonce(response: httpx.Response, error: str) -> bool:
    """Whether the server refused a proof only for want of its nonce."""
    return _says(response, error, "use_dpop_nonce") and bool(nonce_of(response))


def wants_proof(response: httpx.Response, error: str) -> bool:
    """Whether the server refused because there was no proof, or a bad one."""
    return _says(response, error, "invalid_dpop_proof")


def _says(response: httpx.Response, error: str, code: str) -> bool:
    # The token endpoint says it in the body, the API in the challenge header.
    return error == code or code in response.headers.get("www-authenticate", "")
