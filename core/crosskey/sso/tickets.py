"""Random values that browsers carry: of each the journal keeps a hash, and what is derived from one is never stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ("base64url", "derived", "fingerprint", "is_ticket", "seal", "ticket", "unseal")

_TICKET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 random bytes; 43 characters are also the shortest that a PKCE verifier may be (RFC 7636 §4.1)."""


def ticket() -> str:
    """A fresh secret of 256 bits, of letters, digits, - and _ only."""
    return secrets.token_urlsafe(32)


def is_ticket(text: str) -> bool:
    """Whether a text looks like one; anything else need not be looked up."""
    return _TICKET.fullmatch(text) is not None


def fingerprint(text: str) -> str:
    """What the journal knows a ticket by."""
    return hashlib.sha256(text.encode()).hexdigest()


def derived(secret: str, purpose: str, *parts: str) -> str:
    """A secret of its own for one purpose: whoever sees it learns nothing of the ticket or of other purposes."""
    message = "\x00".join((purpose, *parts)).encode()
    return base64url(hmac.digest(secret.encode(), message, "sha256"))


def base64url(content: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def seal(secret: str, content: bytes) -> bytes:
    """Content that only the bearer of the ticket can open."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(_key(secret)).encrypt(nonce, content, None)


def unseal(secret: str, sealed: bytes) -> bytes | None:
    """The content, or ``None`` where the ticket does not fit or nothing is there."""
    try:
        return AESGCM(_key(secret)).decrypt(sealed[:12], sealed[12:], None)
    except (InvalidTag, ValueError):
        return None


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"crosskey seal", "sha256")
