"""People seen leaving, and since when: what a grace period counts from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from crosskey.journal import sessions
from crosskey.journal.database import Database, moment, stamp
from crosskey.journal.lookups import lookups
from crosskey.model import Subject

__all__ = ("clear", "count", "find", "mark", "move")


def find(database: Database, connection: str, kind: str, subjects: Iterable[Subject]) -> dict[Subject, datetime]:
    """When each of those subjects was first seen leaving, as far as that still stands."""
    found: dict[Subject, datetime] = {}
    for issuer, ids in lookups(subjects):
        rows = database.rows(
            "SELECT subject, since FROM leaver WHERE connection = ? AND issuer = ? AND kind = ?"
            " AND subject IN (SELECT value FROM json_each(?))",
            (connection, issuer, kind, ids),
        )
        found.update((Subject(issuer, subject), moment(since)) for subject, since in rows)
    return found


def count(database: Database, connection: str, kind: str) -> int:
    """How many people are seen leaving, or are missing, while their account is still on."""
    sql = """SELECT count(*) FROM link WHERE connection = ? AND kind = ? AND active AND (issuer, subject, kind) IN
        (SELECT issuer, subject, kind FROM leaver WHERE leaver.connection = link.connection
        UNION SELECT issuer, subject, kind FROM absence WHERE absence.connection = link.connection)"""
    return int(database.value(sql, (connection, kind)))


def mark(database: Database, connection: str, kind: str, subjects: Collection[Subject], now: datetime) -> None:
    """Note that they are leaving since now, unless it is noted already; whoever is inside has to sign in again.

    Their account works on as long as the rules give them, so the provider's word lets them in, and only that.
    """
    since = stamp(now)
    fresh = set(subjects) - find(database, connection, kind, subjects).keys()
    database.many(
        "INSERT INTO leaver (connection, issuer, subject, kind, since) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        ((connection, subject.issuer, subject.id, kind, since) for subject in fresh),
    )
    sessions.end_accounts(database, now, connection, kind, fresh, "person-leaving")


def clear(database: Database, connection: str, kind: str, subjects: Iterable[Subject]) -> None:
    """Forget that they were leaving: they came back, or their account is dealt with."""
    database.many(
        "DELETE FROM leaver WHERE connection = ? AND issuer = ? AND subject = ? AND kind = ?",
        ((connection, subject.issuer, subject.id, kind) for subject in subjects),
    )


def move(database: Database, connection: str, kind: str, former: Subject, subject: Subject) -> None:
    """The same person under another subject: the grace goes on from when it began."""
    database.run(
        "UPDATE OR REPLACE leaver SET issuer = ?, subject = ?"
        " WHERE connection = ? AND issuer = ? AND subject = ? AND kind = ?",
        (subject.issuer, subject.id, connection, former.issuer, former.id, kind),
    )
