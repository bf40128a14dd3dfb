"""Who was told to go while a sign-in of theirs was still under way: it must not come to a session afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from crosskey.journal.database import Database, stamp

__all__ = ("Who", "find", "note", "tidy")

_KEPT: Final = timedelta(days=1)
"""Longer than any sign-in takes, and than any ID token lives."""


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Whose sign-ins: ``client`` may be empty for any, and of the others what is empty is not asked for."""

    iss: str = ""
    sub: str = ""
    sid: str = ""
    mail: str = ""
    client: str = ""


def note(database: Database, now: datetime, connection: str, who: Who, *, before: datetime, because: str) -> None:
    """Note inside the caller's transaction that sign-ins made until then count no more; the latest time stands."""
    database.run(
        "INSERT INTO sso_revocation (connection, iss, client, sub, sid, mail, before, because, noted_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET because = excluded.because,"
        " noted_at = excluded.noted_at, before = max(before, excluded.before)",
        (connection, who.iss, who.client, who.sub, who.sid, who.mail, stamp(before), because, stamp(now)),
    )


def find(database: Database, connection: str, who: Who, *, issued_at: datetime) -> str | None:
    """Why a sign-in that the provider made at that time counts no more; ``None``: it does."""
    return database.value(
        "SELECT because FROM sso_revocation WHERE connection = ? AND iss IN ('', ?) AND client IN ('', ?)"
        " AND sub IN ('', ?) AND sid IN ('', ?) AND mail IN ('', ?) AND before >= ? LIMIT 1",
        (connection, who.iss, who.client, who.sub, who.sid, who.mail, stamp(issued_at)),
    )


def tidy(database: Database, now: datetime) -> None:
    """Forget inside the caller's transaction what no sign-in can be from before any more."""
    database.run("DELETE FROM sso_revocation WHERE noted_at < ?", (stamp(now - _KEPT),))
