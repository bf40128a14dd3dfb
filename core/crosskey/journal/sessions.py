"""Sessions of the doors, each with the state of its account as it is now, and who ends them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from crosskey.connector.sso import Door, MfaEvidence
from crosskey.journal import events
from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.lookups import lookups
from crosskey.model import Subject

__all__ = (
    "SessionRecord",
    "Whom",
    "add",
    "any_of",
    "asked_last",
    "claim_asking",
    "end",
    "end_accounts",
    "end_one",
    "find",
    "latest",
    "note_seen",
    "reseal",
    "tidy",
)

_KEPT: Final = timedelta(days=30)
_MOST = 1_000

_COLUMNS = (
    "number, id, door, flow, issuer, subject, kind, key, person_issuer, person_id, iss, sub, sid, client, mail, mfa,"
    " evidence, authenticated_at, issued_at, begun_at, seen_at, ends_at, idle, asked_at, sealed, revoked_at,"
    " revoked_because"
)
_OWN = ", ".join(f"session.{name.strip()}" for name in _COLUMNS.split(","))
# The account as the sync knows it now: its link must be there, be of the same account, and be on.
_STANDING = """(SELECT link.active AND link.key = session.key FROM link WHERE link.connection = session.connection
    AND link.issuer = session.issuer AND link.subject = session.subject AND link.kind = session.kind)"""
_FIND = f"SELECT {_OWN}, {_STANDING} FROM sso_session AS session WHERE session.id = ? AND session.connection = ?"  # noqa: S608 - constants of this module
_LATEST = f"""SELECT {_OWN}, {_STANDING} FROM sso_session AS session WHERE session.connection = ?
    AND (? OR session.revoked_at IS NULL AND session.ends_at > ?) ORDER BY session.number DESC LIMIT ?"""  # noqa: S608 - the same
_ADD = _COLUMNS.removeprefix("number, ").replace(", revoked_at, revoked_because", "")
_END = "UPDATE sso_session SET revoked_at = ?, revoked_because = ?, sealed = x'' WHERE revoked_at IS NULL AND "
_OF_KIND = "connection = ? AND kind = ? AND issuer = ? AND subject IN (SELECT value FROM json_each(?))"
_END_ACCOUNTS = f"{_END}{_OF_KIND}"

_evidence = msgspec.json.Decoder(MfaEvidence)


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One session. ``subject``, ``kind`` and ``key`` are the account's link, ``person`` whom the provider vouches for.

    ``number`` names it for people, ``id`` is the hash of what the browser has; ``mail`` is a hash too. ``iss``,
    ``sub``, ``sid`` and ``client`` are as the provider's token says. ``account_active`` is as the sync knows it now.
    ``asked_at`` is when the provider was last asked about it, ``sealed`` what only the browser can open.
    ``first``: nobody ever came in to this account before.
    """

    number: int = 0
    id: str
    door: Door
    flow: str
    subject: Subject
    kind: str
    key: str
    person: Subject
    iss: str
    sub: str
    sid: str
    client: str
    mail: str
    mfa: MfaEvidence
    authenticated_at: datetime | None
    issued_at: datetime
    begun_at: datetime
    seen_at: datetime
    ends_at: datetime
    idle: timedelta
    asked_at: datetime
    sealed: bytes = b""
    revoked_at: datetime | None = None
    revoked_because: str = ""
    account_active: bool = True
    first: bool = False


class Whom(msgspec.Struct, frozen=True, kw_only=True):
    """Whose sessions are meant: everything that is given must fit. Nothing given means nobody, unless ``everybody``."""

    person: Subject | None = None
    iss: str = ""
    sub: str = ""
    sid: str = ""
    mail: str = ""
    client: str = ""
    door: Door | None = None
    number: int | None = None
    began_by: datetime | None = None
    everybody: bool = False

    def conditions(self) -> tuple[list[str], list[object]]:
        """As SQL, and its parameters."""
        terms: list[str] = []
        values: list[object] = []
        if self.person is not None:
            # Whoever is recognised under several subjects has sessions under each: the link's subject stands for all.
            terms.append("((person_issuer = ? AND person_id = ?) OR (issuer = ? AND subject = ?))")
            values += [self.person.issuer, self.person.id] * 2
        for name in ("iss", "sub", "sid", "mail", "client"):
            if value := getattr(self, name):
                terms.append(f"{name} = ?")
                values.append(value)
        if self.number is not None:
            terms.append("number = ?")
            values.append(self.number)
        if not self.everybody and not ({"sub = ?", "sid = ?", "mail = ?", "number = ?"} & {*terms} or self.person):
            return [], []
        if self.door is not None:
            terms.append("door = ?")
            values.append(self.door)
        if self.began_by is not None:
            terms.append("issued_at <= ?")
            values.append(stamp(self.began_by))
        return terms, values


def add(database: Database, connection: str, session: SessionRecord) -> int:
    """Open a session inside the caller's transaction; its number."""
    values = (
        session.id,
        session.door,
        session.flow,
        session.subject.issuer,
        session.subject.id,
        session.kind,
        session.key,
        session.person.issuer,
        session.person.id,
        session.iss,
        session.sub,
        session.sid,
        session.client,
        session.mail,
        session.mfa.verdict,
        msgspec.json.encode(session.mfa).decode(),
        stamp(session.authenticated_at) if session.authenticated_at else None,
        stamp(session.issued_at),
        stamp(session.begun_at),
        stamp(session.seen_at),
        stamp(session.ends_at),
        session.idle.total_seconds(),
        stamp(session.asked_at),
        session.sealed,
    )
    marks = ", ".join("?" * (len(values) + 1))
    database.run(f"INSERT INTO sso_session (connection, {_ADD}) VALUES ({marks})", (connection, *values))  # noqa: S608 - constants of this module
    return int(database.value("SELECT last_insert_rowid()"))


def find(database: Database, connection: str, id: str) -> SessionRecord | None:
    """The session of that hash, ended or not."""
    row = database.row(_FIND, (id, connection))
    return None if row is None else _session(row)


def latest(
    database: Database, connection: str, now: datetime, *, ended: bool = False, limit: int = _MOST
) -> list[SessionRecord]:
    """The newest sessions first; ``ended``: also those that are over."""
    return [_session(row) for row in database.rows(_LATEST, (connection, ended, stamp(now), limit))]


def note_seen(database: Database, connection: str, id: str, now: datetime) -> None:
    """Note inside the caller's transaction that something was done in a session."""
    sql = "UPDATE sso_session SET seen_at = ? WHERE connection = ? AND id = ? AND seen_at < ?"
    database.run(sql, (stamp(now), connection, id, stamp(now)))


def claim_asking(database: Database, connection: str, session: SessionRecord, now: datetime) -> bool:
    """Note inside the caller's transaction that the provider is being asked; whether nobody else does it already."""
    sql = "UPDATE sso_session SET asked_at = ? WHERE connection = ? AND id = ? AND asked_at = ? AND revoked_at IS NULL"
    return database.run(sql, (stamp(now), connection, session.id, stamp(session.asked_at))) == 1


def reseal(database: Database, connection: str, id: str, sealed: bytes) -> None:
    """Replace inside the caller's transaction what only the browser can open."""
    sql = "UPDATE sso_session SET sealed = ? WHERE connection = ? AND id = ? AND revoked_at IS NULL"
    database.run(sql, (sealed, connection, id))


def end(database: Database, now: datetime, connection: str, whom: Whom, because: str, *, run: str = "") -> int:
    """End sessions inside the caller's transaction, and say so in the chain; how many there were."""
    terms, values = whom.conditions()
    if not terms and not whom.everybody:
        return 0
    where = " AND ".join(("connection = ?", *terms))
    ended = database.run(_END + where, (stamp(now), because, connection, *values))
    if ended:
        events.append(database, now, connection, run, "sessions.ended", {"because": because, "count": ended})
    return ended


def any_of(database: Database, connection: str, whom: Whom) -> bool:
    """Whether there is or was such a session, whenever it began."""
    terms, values = msgspec.structs.replace(whom, began_by=None).conditions()
    where = " AND ".join(("connection = ?", *terms))
    return bool(terms) and database.row(f"SELECT 1 FROM sso_session WHERE {where}", (connection, *values)) is not None  # noqa: S608 - terms are constants of this module


def end_one(database: Database, now: datetime, connection: str, id: str, because: str) -> int:
    """End inside the caller's transaction the session of that id; how many it was."""
    ended = database.run(_END + "connection = ? AND id = ?", (stamp(now), because, connection, id))
    if ended:
        events.append(database, now, connection, "", "sessions.ended", {"because": because, "count": ended})
    return ended


def end_accounts(
    database: Database,
    now: datetime,
    connection: str,
    kind: str,
    subjects: Iterable[Subject],
    because: str,
    *,
    run: str = "",
) -> int:
    """End inside the caller's transaction all sessions of these people's accounts of a kind; how many there were."""
    ended = 0
    if database.row("SELECT 1 FROM sso_session WHERE connection = ? AND revoked_at IS NULL LIMIT 1", (connection,)):
        for issuer, ids in lookups(subjects):
            ended += database.run(_END_ACCOUNTS, (stamp(now), because, connection, kind, issuer, ids))
    if ended:
        events.append(database, now, connection, run, "sessions.ended", {"because": because, "count": ended})
    return ended


def asked_last(database: Database, connection: str, now: datetime) -> dict[str, datetime]:
    """By door, when the provider was last asked whether it still stands by a session that is not over."""
    rows = database.rows(
        "SELECT door, max(asked_at) FROM sso_session WHERE connection = ? AND revoked_at IS NULL AND ends_at > ?"
        " AND asked_at > begun_at GROUP BY door",
        (connection, stamp(now)),
    )
    return {door: moment(at) for door, at in rows}


def tidy(database: Database, now: datetime) -> None:
    """Forget inside the caller's transaction what ended long ago."""
    database.run("DELETE FROM sso_session WHERE ends_at < ?", (stamp(now - _KEPT),))


def _session(row: Row) -> SessionRecord:
    number, id_, door, flow, issuer, subject, kind, key = row[:8]
    person_issuer, person_id, iss, sub, sid, client, mail = row[8:15]
    _, evidence, authenticated_at, issued_at, begun_at, seen_at, ends_at, idle, asked_at, sealed = row[15:25]
    revoked_at, because, active = row[25:]
    return SessionRecord(
        number=number,
        id=id_,
        door=door,
        flow=flow,
        subject=Subject(issuer, subject),
        kind=kind,
        key=key,
        person=Subject(person_issuer, person_id),
        iss=iss,
        sub=sub,
        sid=sid,
        client=client,
        mail=mail,
        mfa=_evidence.decode(evidence),
        authenticated_at=moment(authenticated_at) if authenticated_at else None,
        issued_at=moment(issued_at),
        begun_at=moment(begun_at),
        seen_at=moment(seen_at),
        ends_at=moment(ends_at),
        idle=timedelta(seconds=idle),
        asked_at=moment(asked_at),
        sealed=sealed,
        revoked_at=moment(revoked_at) if revoked_at else None,
        revoked_because=because,
        account_active=bool(active),
    )
