"""The key that a service app proves itself with."""

from __future__ import annotations

import secrets
import warnings
from datetime import datetime
from typing import cast

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from crosskey.errors import ConfigError
from crosskey.settings import Secret

__all__ = ("ClientKey", "read_client_key")

_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_RSA = ("RS256", "RS384", "RS512")
_LIFE = 300
"""Seconds an assertion lives; Okta allows an hour at most. Each is used once."""


class _Jwk(msgspec.Struct):
    kty: str = ""
    alg: str = ""
    kid: str = ""
    keys: msgspec.Raw = msgspec.Raw()


class ClientKey:
    """Signs client assertions (private_key_jwt, RFC 7523)."""

    def __init__(self, key: RSAKey | ECKey, algorithm: str, key_id: str) -> None:
        self._key = key
        self._algorithm = algorithm
        self._key_id = key_id

    def assertion(self, client_id: str, audience: str, now: datetime) -> str:
        """A fresh assertion for one token request; ``audience`` is the full token URL."""
        header = {"alg": self._algorithm} | ({"kid": self._key_id} if self._key_id else {})
        issued = int(now.timestamp())
        claims: dict[str, str | int] = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": issued,
            "exp": issued + _LIFE,
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(header, claims, self._key, algorithms=[self._algorithm])


def read_client_key(secret: Secret, key_id: str, where: str) -> ClientKey:
    """The private key in PEM or JWK form. Raises :class:`ConfigError` that says what it is instead."""
    text = secret.reveal().strip()
    if "\\n" in text and "\n" not in text:
        text = text.replace("\\n", "\n")  # a PEM squeezed into one line of an environment file
    problem = _obvious_problem(text)
    if problem:
        raise _refused(problem, where)
    jwk = _Jwk()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # small keys are refused below, in our own words
            if text.startswith("{"):
                jwk = msgspec.json.decode(text, type=_Jwk)
                fields = cast("dict[str, str | list[str]]", msgspec.json.decode(text))
                key = ECKey.import_key(fields) if jwk.kty == "EC" else RSAKey.import_key(fields)
            else:
                key = _from_pem(text)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        # The cause may quote key material: its class says enough.
        raise _refused(f"it cannot be read ({type(error).__name__})", where) from None
    if not key.is_private:
        raise _refused("it is a public key", where)
    return ClientKey(key, _algorithm(key, jwk.alg, where), key_id or jwk.kid)


def _obvious_problem(text: str) -> str:
    if "ENCRYPTED" in text:
        return "it is protected by a passphrase"
    if "OPENSSH" in text:
        return "it is in OpenSSH form"
    if "CERTIFICATE" in text:
        return "it is a certificate"
    if text.startswith("{") and '"keys"' in text:
        return "it is a key set; one key is needed"
    if not text.startswith("{") and "-----BEGIN" not in text:
        return "it is neither PEM nor a JWK"
    return ""


def _from_pem(text: str) -> RSAKey | ECKey:
    try:
        return RSAKey.import_key(text)
    except (JoseError, ValueError, TypeError):
        return ECKey.import_key(text)


def _algorithm(key: RSAKey | ECKey, wanted: str, where: str) -> str:
    if isinstance(key, ECKey):
        return _CURVES[key.curve_name]
    if key.public_key.key_size < 2048:
        raise _refused(f"it has {key.public_key.key_size} bits; Okta takes 2048 or more", where)
    return wanted if wanted in _RSA else "RS256"


def _refused(problem: str, where: str) -> ConfigError:
    return ConfigError(
        f"this is not a private key that can sign: {problem}",
        code="okta-private-key",
        where=f"{where}.private_key",
        fix='make a key in Okta (the app, "Public keys", "Add key", "Generate new key"), keep the private key as '
        "PEM or JWK, and let `private_key` name that file",
    )
