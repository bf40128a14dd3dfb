"""Checking proofs of possession (RFC 9449) as Okta does: nonces, replays, and the URL they are made for."""

from __future__ import annotations

import base64
import hashlib
from typing import cast

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol, RSAKey
from joserfc.jws import JWSRegistry

from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.errors import OAuthError

__all__ = ("ALGORITHMS", "Proofs", "WideHeaders")

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
_TOLERANCE = 300.0  # seconds that a proof's iat may be off; Okta does not publish its own figure
_DAY = 86_400.0
_NONCE_DAYS = 3  # a nonce changes every day and the old ones stay good for three


class WideHeaders(JWSRegistry):
    """A JWS registry that takes a public key in the header."""

    max_header_length = 8192


class Proofs:
    """Checks each proof once: its ``jti`` is then spent."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._spent: dict[str, float] = {}
        self._epoch = 0

    @property
    def nonce(self) -> str:
        """Today's nonce."""
        return self._nonce(self._today())

    def rotate(self) -> None:
        """Emergency: every nonce given out so far is refused from now on."""
        self._epoch += 1

    def check(self, proof: str, *, method: str, url: str, token: str | None, nonce: bool) -> str:
        """The thumbprint of the proof's key, or 400 ``invalid_dpop_proof`` / ``use_dpop_nonce``.

        ``token`` demands its hash in ``ath``; ``nonce`` demands a live nonce.
        """
        thumbprint, claims = self._verified(proof)
        if claims.get("htm") != method:
            raise _invalid("The DPoP proof htm claim does not match the request method.")
        if claims.get("htu") != url:
            raise _invalid("The DPoP proof htu claim does not match the request URL.")
        now = self._cell.epoch()
        issued, jti = claims.get("iat"), claims.get("jti")
        if not isinstance(issued, int | float) or abs(now - issued) > _TOLERANCE:
            raise _invalid("The DPoP proof iat claim is outside the accepted time.")
        if token is not None and claims.get("ath") != _hash(token):
            raise _invalid("The DPoP proof ath claim does not match the access token.")
        if not isinstance(jti, str) or not jti:
            raise _invalid("The DPoP proof jti claim is missing.")
        if nonce and claims.get("nonce") not in {self._nonce(self._today() - age) for age in range(_NONCE_DAYS + 1)}:
            raise OAuthError(
                "use_dpop_nonce",
                "Authorization server requires nonce in DPoP proof.",
                headers={"dpop-nonce": self.nonce},
            )
        self._spend(jti, now)
        return thumbprint

    def _verified(self, proof: str) -> tuple[str, dict[str, object]]:
        found: list[RSAKey | ECKey] = []

        def key(guest: GuestProtocol) -> RSAKey | ECKey:
            jwk = cast("object", guest.headers().get("jwk"))
            try:
                public = msgspec.convert(jwk, dict[str, str])
            except msgspec.ValidationError:
                raise _invalid("The DPoP proof must carry its key as a jwk.") from None
            if "d" in public:
                raise _invalid("The DPoP proof must not carry a private key.")
            kind = RSAKey if public.get("kty") == "RSA" else ECKey
            found.append(kind.import_key(dict[str, str | list[str]](public)))
            return found[0]

        allowed = ALGORITHMS if self._cell.quirks.dpop_ecdsa else tuple(a for a in ALGORITHMS if a.startswith("RS"))
        try:
            token = jwt.decode(proof, key, registry=WideHeaders(algorithms=allowed))
        except (JoseError, ValueError) as error:
            raise _invalid("The DPoP proof JWT is not valid.") from error
        if token.header.get("typ") != "dpop+jwt":
            raise _invalid("The DPoP proof typ must be dpop+jwt.")
        return found[0].thumbprint(), token.claims

    def _spend(self, jti: str, now: float) -> None:
        if self._spent.get(jti, 0.0) > now:
            raise _invalid("The DPoP proof JWT has already been used.")
        if len(self._spent) > 10_000:
            self._spent = {key: until for key, until in self._spent.items() if until > now}
        self._spent[jti] = now + 2 * _TOLERANCE

    def _today(self) -> int:
        return int(self._cell.epoch() // _DAY)

    def _nonce(self, day: int) -> str:
        digest = hashlib.sha256(f"{self._cell.seed}/{self._epoch}/{day}".encode()).digest()
        return base64.urlsafe_b64encode(digest[:24]).decode()


def _hash(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def _invalid(description: str) -> OAuthError:
    return OAuthError("invalid_dpop_proof", description)
