"""How a door proves to the token endpoint that it is the client: a secret in the header or the form, or a signature."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, Protocol, cast
from urllib.parse import quote_plus

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from crosskey.errors import ConfigError
from crosskey.settings import Secret

__all__ = (
    "ClientCredential",
    "SecretBasic",
    "SecretPost",
    "SignedAssertion",
    "assertion_signer",
    "client_credential",
)

_LIFE: Final = 300
"""Seconds an assertion lives; each is used once."""
_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CURVES: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

Sign = Callable[[str, datetime], str]
"""Makes a client assertion (RFC 7523) for an audience, now."""


class ClientCredential(Protocol):
    """Proves who we are in one request to the token endpoint."""

    def apply(self, form: dict[str, str], headers: dict[str, str], *, endpoint: str, now: datetime) -> None:
        """Put the proof into the form or the headers."""
        ...


class SecretBasic:
    """``client_secret_basic``: id and secret, each form-encoded first (RFC 6749 §2.3.1), in the header only."""

    def __init__(self, client_id: str, secret: Secret) -> None:
        self._client_id = client_id
        self._secret = secret

    def apply(self, form: dict[str, str], headers: dict[str, str], *, endpoint: str, now: datetime) -> None:  # noqa: ARG002 - same shape for all
        """Into the header."""
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret.reveal())}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"


class SecretPost:
    """``client_secret_post``: id and secret in the form."""

    def __init__(self, client_id: str, secret: Secret) -> None:
        self._client_id = client_id
        self._secret = secret

    def apply(self, form: dict[str, str], headers: dict[str, str], *, endpoint: str, now: datetime) -> None:  # noqa: ARG002 - same shape for all
        """Into the form."""
        form |= {"client_id": self._client_id, "client_secret": self._secret.reveal()}


class SignedAssertion:
    """``private_key_jwt``: a signature that no one else can make, and no secret that the provider could lose."""

    def __init__(self, client_id: str, sign: Sign) -> None:
        self._client_id = client_id
        self._sign = sign

    def apply(self, form: dict[str, str], headers: dict[str, str], *, endpoint: str, now: datetime) -> None:  # noqa: ARG002 - same shape for all
        """Into the form."""
        assertion = self._sign(endpoint, now)
        form |= {"client_id": self._client_id, "client_assertion_type": _BEARER, "client_assertion": assertion}


def client_credential(
    client_id: str,
    *,
    secret: Secret | None,
    private_key: Secret | None,
    key_id: str = "",
    auth: Literal["basic", "post"] = "basic",
    instance: str,
) -> ClientCredential:
    """The credential that a door's settings hold: a private key to sign with, or a secret for the header or the form.

    Raises :class:`ConfigError` with a place below ``instance`` unless exactly one is given, and for a key that is none.
    """
    if secret is None and private_key is not None:
        sign = assertion_signer(client_id, private_key, key_id, f"{instance}.private_key")
        return SignedAssertion(client_id, sign)
    if secret is None or private_key is not None:
        raise ConfigError(
            "exactly one credential is needed",
            where=f"{instance}.client_secret",
            fix="write client_secret or private_key",
        )
    return SecretBasic(client_id, secret) if auth == "basic" else SecretPost(client_id, secret)


def assertion_signer(client_id: str, key: Secret, key_id: str, where: str) -> Sign:
    """Signs with a private key: PEM, or one JWK as JSON. Raises :class:`ConfigError` for what is neither."""
    private = _private_key(key.reveal().strip(), where)
    alg = "RS256" if isinstance(private, RSAKey) else _CURVES[private.curve_name]
    header = {"alg": alg, "typ": "JWT"} | ({"kid": key_id} if key_id else {})

    def sign(audience: str, now: datetime) -> str:
        issued = int(now.timestamp())
        claims: dict[str, str | int] = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": issued,
            "exp": issued + _LIFE,
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(header, claims, private, algorithms=[alg])

    return sign


def _private_key(text: str, where: str) -> RSAKey | ECKey:
    value: str | dict[str, str | list[str]] = text
    if text.startswith("{"):
        try:
            value = cast("dict[str, str | list[str]]", msgspec.json.decode(text))
        except msgspec.DecodeError:
            value = ""
    for kind in (RSAKey, ECKey):
        try:
            key = kind.import_key(value)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if key.is_private:
            return key
    raise ConfigError(
        "the private key is neither an RSA nor an EC key in PEM or as a JWK",
        code="private-key",
        where=where,
        fix='write private_key = { file = "…" } and have the file hold one private key',
    )
