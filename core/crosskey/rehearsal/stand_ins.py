"""What stands in for secrets: a plan that is tested reads none, and nobody checks what nobody hears."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

__all__ = ("stand_in",)


def stand_in(path: str) -> str:
    """A text of the shape that the secret at a path of the configuration needs: a key or a certificate that nobody
    trusts where one is asked for, else a word.
    """
    key = path.rpartition(".")[2]
    if key.endswith("certificate"):
        return _certificate() + _private_key()
    return _private_key() if key.endswith("private_key") else "nothing-live"


@cache
def _private_key() -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - few configurations have a key

    return (
        _key()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


@cache
def _certificate() -> str:
    from cryptography import x509  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - as above

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nothing live")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(1)
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, tzinfo=UTC))
        .sign(_key(), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@cache
def _key():  # noqa: ANN202 - the type is that of a module which is imported only here
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - as above

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
