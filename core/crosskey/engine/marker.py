"""The external id that crosskey writes with each account, by which a record is found again after a lost answer."""

from __future__ import annotations

import base64
import hashlib

from crosskey.model import Subject

__all__ = ("marker",)


def marker(subject: Subject) -> str:
    """A short stable word for a subject: same subject, same marker; says nothing about the person."""
    digest = hashlib.blake2b(f"{subject.issuer}#{subject.id}".encode(), digest_size=15).digest()
    return "ck-" + base64.b32encode(digest).decode().lower()
