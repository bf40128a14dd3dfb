"""A certificate as an app's credential: it signs client assertions (private_key_jwt, RFC 7523)."""

from __future__ import annotations

import re
import uuid
import warnings
from base64 import urlsafe_b64encode
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import RSAKey

from crosskey.errors import ConfigError
from crosskey.settings import Secret
from crosskey_entra.credentials import ASSERTION_TYPE

__all__ = ("Certificate", "read_certificate")

_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_LIFE = 300
"""Seconds an assertion lives; Entra recommends five to ten minutes. Each is used once."""


class Certificate:
    """Signs assertions with PS256 and names the certificate by ``x5t#S256``, as Entra documents since 2024."""

    def __init__(self, certificate: x509.Certificate, key: RSAKey) -> None:
        digest = certificate.fingerprint(hashes.SHA256())
        self._header = {"alg": "PS256", "typ": "JWT", "x5t#S256": urlsafe_b64encode(digest).rstrip(b"=").decode()}
        self._key = key
        self.expires: datetime | None = certificate.not_valid_after_utc

    def form(self, client_id: str, audience: str, now: datetime) -> dict[str, str]:
        """A fresh assertion; ``audience`` is the tenant's token endpoint."""
        issued = int(now.timestamp())
        claims: dict[str, str | int] = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": str(uuid.uuid4()),
            "nbf": issued,
            "iat": issued,
            "exp": issued + _LIFE,
        }
        assertion = jwt.encode(self._header, claims, self._key, algorithms=["PS256"])
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def read_certificate(certificate: Secret, private_key: Secret | None, where: str) -> Certificate:
    """The certificate and its key. Raises :class:`ConfigError` that says what is there instead."""
    text = _lines(certificate)
    key = _private_key(text if private_key is None else _lines(private_key), apart=private_key is not None, where=where)
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise _refused("it holds no certificate in PEM form", f"{where}.certificate") from None
    numbers = key.public_key.public_numbers()
    for one in found:  # a file may hold the whole chain
        public = one.public_key()
        if isinstance(public, RSAPublicKey) and public.public_numbers() == numbers:
            return Certificate(one, key)
    raise _refused("the private key is that of another certificate", f"{where}.certificate")


def _lines(secret: Secret) -> str:
    text = secret.reveal().strip()
    # A PEM squeezed into one line of an environment file.
    return text.replace("\\n", "\n") if "\\n" in text and "\n" not in text else text


def _private_key(text: str, *, apart: bool, where: str) -> RSAKey:
    place = f"{where}.{'private_key' if apart else 'certificate'}"
    found = _KEY.search(text)
    if found is None:
        raise _refused("it holds no private key in PEM form", place)
    if "ENCRYPTED" in found.group(0):
        raise _refused("its private key is protected by a passphrase", place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # small keys are refused below, in our own words
            key = RSAKey.import_key(found.group(0))
    except (JoseError, ValueError, TypeError) as error:
        # The cause may quote key material: its class says enough.
        raise _refused(f"its private key is not a readable RSA key ({type(error).__name__})", place) from None
    if key.public_key.key_size < 2048:
        raise _refused(f"its key has {key.public_key.key_size} bits; 2048 are needed", place)
    return key


def _refused(problem: str, where: str) -> ConfigError:
    return ConfigError(
        f"this credential cannot be used: {problem}",
        code="entra-certificate",
        where=where,
        fix="write certificate and key into one PEM file; from a PFX file: "
        "`openssl pkcs12 -in app.pfx -nodes -out app.pem`",
    )
