"""Hashes by which an ID token vouches for what was sent along with it (OpenID Connect Core §3.1.3.6, §3.3.2.11)."""

from __future__ import annotations

import hashlib
import hmac

from crosskey.sso.tickets import base64url

__all__ = ("half_hash", "hash_fits")


def half_hash(alg: str, text: str) -> str:
    """The left half of the text's hash, by the hash of the token's own algorithm."""
    digest = hashlib.new(f"sha{alg[-3:]}", text.encode()).digest()
    return base64url(digest[: len(digest) // 2])


def hash_fits(alg: str, text: str, claimed: object) -> bool:
    """Whether the claim is the half hash of the text."""
    return isinstance(claimed, str) and hmac.compare_digest(half_hash(alg, text).encode(), claimed.encode())
