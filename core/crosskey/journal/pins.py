"""What was seen of providers when their doors were set up."""

from __future__ import annotations

import msgspec

from crosskey.connector.sso import Pinned
from crosskey.journal.database import Database, stamp

__all__ = ("find", "forget", "save")

_pinned = msgspec.json.Decoder(Pinned)


def find(database: Database, connection: str, issuer: str) -> Pinned | None:
    """What is pinned of a provider."""
    text = database.value("SELECT pinned FROM sso_pin WHERE connection = ? AND issuer = ?", (connection, issuer))
    return None if text is None else _pinned.decode(text)


def save(database: Database, connection: str, seen: Pinned) -> None:
    """Pin inside the caller's transaction what was seen, in place of what was pinned before."""
    database.run(
        "INSERT INTO sso_pin (connection, issuer, pinned, since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET pinned = excluded.pinned, since = excluded.since",
        (connection, seen.issuer, msgspec.json.encode(seen).decode(), stamp(seen.since)),
    )


def forget(database: Database, connection: str, issuer: str) -> bool:
    """Forget inside the caller's transaction what is pinned; whether anything was."""
    sql = "DELETE FROM sso_pin WHERE connection = ? AND issuer = ?"
    return database.run(sql, (connection, issuer)) == 1
