"""The external id that crosskey writes with each account, by which a record is found again after a lost answer."""

from __future__ import annotations

import base64
import hashlib

from crosskey.model import Account, Subject

__all__ = ("PREFIX", "bears_anothers", "marker")

PREFIX = "ck-"


def marker(subject: Subject) -> str:
    """A short stable word for a subject: same subject, same marker; says nothing about the person."""
    digest = hashlib.blake2b(f"{subject.issuer}#{subject.id}".encode(), digest_size=15).digest()
    return PREFIX + base64.b32encode(digest).decode().lower()


def bears_anothers(account: Account, subject: Subject) -> bool:
    """Whether the account bears a marker that crosskey wrote for another person; other tools' words do not count."""
    return account.marker.startswith(PREFIX) and account.marker != marker(subject)
