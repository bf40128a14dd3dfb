"""Ed25519 signatures over heads: whoever holds the public key can tell which history the holder of the key wrote."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec

from crosskey.errors import ConfigError
from crosskey.settings import Secret

__all__ = ("Signer", "is_signed")


class Signer:
    """Signs heads with the private key that the configuration refers to."""

    def __init__(self, secret: Secret) -> None:
        """Read the key. Raises :class:`ConfigError` when it is none."""
        # Heavy, and only for those who sign.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        try:
            key = load_pem_private_key(secret.reveal().encode(), password=None)
        except (ValueError, TypeError) as error:
            raise _no_key() from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _no_key()
        self._sign = key.sign
        self.public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        """The public key: 32 bytes in base64."""

    def sign(self, parts: Sequence[str | int]) -> str:
        """The signature over ``parts``, in base64."""
        return base64.b64encode(self._sign(msgspec.json.encode(parts))).decode()


def is_signed(parts: Sequence[str | int], *, key: str, signature: str) -> bool:
    """Whether the holder of a public key signed ``parts``."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - heavy, and only where something is signed
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), msgspec.json.encode(parts))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _no_key() -> ConfigError:
    return ConfigError(
        "this is not an Ed25519 private key without a password, as PEM",
        code="signing-key",
        where="journal.sign_with",
        fix="make one: openssl genpkey -algorithm ed25519 -out journal-key.pem",
    )
