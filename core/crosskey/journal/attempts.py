"""Every attempt to sign in: its stable reason, and the real one, which no page shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from crosskey.connector.sso import Door
from crosskey.journal import events
from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.logins import Purpose
from crosskey.model import Scalar, Subject

__all__ = ("SIGNED_IN", "AttemptRecord", "add", "after", "came_before", "latest", "latest_of", "tidy")

SIGNED_IN: Final = "signed-in"
"""The code of an attempt that came to a session; ``tested`` of a test that would have."""

_KEPT: Final = timedelta(days=90)
_MINUTE: Final = timedelta(minutes=1)
_COLUMNS = (
    "number, door, at, code, purpose, flow, reference, issuer, subject, kind, key, mfa, session, claims, detail, skew,"
    " times"
)

_claims = msgspec.json.Decoder(dict[str, str])


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. ``code`` is :data:`SIGNED_IN`, ``tested`` or a reason, ``detail`` the real reason, for
    administrators. ``reference`` is what the page shows, so that a person can be helped. ``claims`` are masked.
    ``times``: noise that belongs to no sign-in of ours is counted by the minute.
    """

    number: int = 0
    door: Door
    at: datetime
    code: str
    reference: str
    purpose: Purpose = "login"
    flow: str = ""
    subject: Subject | None = None
    kind: str = ""
    key: str = ""
    mfa: str = ""
    session: int | None = None
    claims: Mapping[str, str] = {}
    detail: str = ""
    skew: float = 0.0
    times: int = 1


def add(database: Database, connection: str, attempt: AttemptRecord, *, noise: bool = False) -> int:
    """Keep an attempt inside the caller's transaction, and say in the chain that there was one; its number.

    ``noise``: it belongs to no sign-in of ours, so anybody can make as many as they like: one row a minute.
    """
    if noise and (number := _count(database, connection, attempt)) is not None:
        return number
    who = attempt.subject or Subject("", "")
    database.insert(
        "sso_attempt",
        {
            "connection": connection,
            "door": attempt.door,
            "at": stamp(attempt.at),
            "code": attempt.code,
            "purpose": attempt.purpose,
            "flow": attempt.flow,
            "reference": attempt.reference,
            "issuer": who.issuer,
            "subject": who.id,
            "kind": attempt.kind,
            "key": attempt.key,
            "mfa": attempt.mfa,
            "session": attempt.session,
            "claims": msgspec.json.encode(dict(attempt.claims)).decode(),
            "detail": attempt.detail,
            "skew": attempt.skew,
            "times": 1,
        },
    )
    number = int(database.value("SELECT last_insert_rowid()"))
    facts: dict[str, Scalar] = {"door": attempt.door, "code": attempt.code, "purpose": attempt.purpose}
    facts |= {"attempt": number, "mfa": attempt.mfa, "session": attempt.session}
    kind = "door.opened" if attempt.code == SIGNED_IN else "door.refused"
    events.append(database, attempt.at, connection, "", "door.tested" if attempt.purpose == "test" else kind, facts)
    return number


def _count(database: Database, connection: str, attempt: AttemptRecord) -> int | None:
    """Count one more of what was refused for the same reason within the last minute; its number, if there is any."""
    number = database.value(
        "SELECT number FROM sso_attempt WHERE connection = ? AND door = ? AND code = ? AND subject = '' AND at > ?"
        " ORDER BY number DESC LIMIT 1",
        (connection, attempt.door, attempt.code, stamp(attempt.at - _MINUTE)),
    )
    if number is not None:
        database.run("UPDATE sso_attempt SET times = times + 1 WHERE number = ?", (number,))
    return number


def latest(database: Database, connection: str, door: Door | None, limit: int) -> list[AttemptRecord]:
    """The newest attempts first, at one door or both."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM sso_attempt WHERE connection = ? AND (? IS NULL OR door = ?)"  # noqa: S608 - a constant of this module
        " ORDER BY number DESC LIMIT ?",
        (connection, door, door, limit),
    )
    return [_attempt(row) for row in rows]


def after(database: Database, connection: str, door: Door | None, number: int, limit: int) -> list[AttemptRecord]:
    """Those that came after the one of a number, in the order in which they came."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM sso_attempt WHERE connection = ? AND (? IS NULL OR door = ?)"  # noqa: S608 - a constant of this module
        " AND number > ? ORDER BY number LIMIT ?",
        (connection, door, door, number, limit),
    )
    return [_attempt(row) for row in rows]


def latest_of(database: Database, connection: str, door: Door, purpose: Purpose, code: str) -> AttemptRecord | None:
    """The newest attempt at a door that was made for that and came to that."""
    row = database.row(
        f"SELECT {_COLUMNS} FROM sso_attempt WHERE connection = ? AND door = ? AND purpose = ? AND code = ?"  # noqa: S608 - a constant of this module
        " ORDER BY number DESC LIMIT 1",
        (connection, door, purpose, code),
    )
    return None if row is None else _attempt(row)


def came_before(database: Database, connection: str, kind: str, key: str) -> bool:
    """Whether anybody ever came in to this account, as far as it is kept."""
    sql = "SELECT 1 FROM sso_attempt WHERE connection = ? AND kind = ? AND key = ? AND session IS NOT NULL LIMIT 1"
    return database.row(sql, (connection, kind, key)) is not None


def tidy(database: Database, now: datetime) -> None:
    """Forget inside the caller's transaction what was long ago; the chain of events keeps that it was.

    Tests stay: doors rely on what they showed.
    """
    database.run("DELETE FROM sso_attempt WHERE at < ? AND purpose <> 'test'", (stamp(now - _KEPT),))


def _attempt(row: Row) -> AttemptRecord:
    fields: dict[str, Any] = dict(zip(_COLUMNS.split(", "), row, strict=True))
    issuer, subject = fields.pop("issuer"), fields.pop("subject")
    fields |= {"at": moment(fields["at"]), "claims": _claims.decode(fields["claims"])}
    return AttemptRecord(**fields, subject=Subject(issuer, subject) if subject else None)
