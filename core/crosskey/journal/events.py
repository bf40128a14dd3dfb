"""The chain of events: each one bears a hash over itself and the one before, so that no edit goes unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.records import EventRecord, Verification
from crosskey.model import Scalar

__all__ = ("append", "digest", "stream", "verify")

_PAGE = 2_000
_COLUMNS = "seq, at, connection, run, kind, facts, hash"
_facts = msgspec.json.Decoder(dict[str, Scalar])


def append(database: Database, at: datetime, connection: str, run: str, kind: str, facts: Mapping[str, Scalar]) -> int:
    """Add one event inside the caller's transaction; its sequence number, which has no gaps."""
    head = database.row("SELECT head_seq, head_hash FROM meta")
    seq, previous = (int(head[0]) + 1, str(head[1])) if head else (1, "")
    body = msgspec.json.encode(dict(facts)).decode()
    mark = _hash(previous, seq, stamp(at), connection, run, kind, body)
    database.run(
        "INSERT INTO event (seq, at, connection, run, kind, facts, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (seq, stamp(at), connection, run, kind, body, mark),
    )
    database.run("UPDATE meta SET head_seq = ?, head_hash = ?", (seq, mark))
    return seq


def digest(texts: Iterable[str]) -> str:
    """A digest over stored texts, in order, for an event to vouch for them."""
    return hashlib.sha256(msgspec.json.encode(list(texts))).hexdigest()


def stream(database: Database, connection: str, run: str | None) -> Iterator[EventRecord]:
    """A connection's events, of one run or all, in order; no lock is held between pages."""
    of_run = "connection = ? AND run = ?"
    narrow, parameters = ("connection = ?", (connection,)) if run is None else (of_run, (connection, run))
    for row in _pages(database, narrow, parameters):
        yield _record(row)


def verify(database: Database) -> Verification:
    """Walk the whole chain, of all connections, and compare each intent with the digest its event bears."""
    previous, count = "", 0
    for row in _pages(database):
        seq, at, connection, run, kind, facts, mark = row
        reason = ""
        if seq != count + 1:
            reason = f"event {count + 1} is missing"
        elif mark != _hash(previous, seq, at, connection, run, kind, facts):
            reason = f"event {seq} is not what was written"
        elif not _intents_match(database, seq, _facts.decode(facts)):
            reason = f"an intended change of event {seq} is not what was written"
        elif not _approval_matches(database, seq, _facts.decode(facts)):
            reason = f"the approval of event {seq} is not what was written"
        if reason:
            return Verification(events=count, head=previous, first_bad=count + 1, reason=reason)
        previous, count = mark, seq
    head = database.row("SELECT head_seq, head_hash FROM meta")
    if head != (count, previous):
        return Verification(events=count, head=previous, first_bad=count + 1, reason="events at the end are missing")
    return Verification(events=count, head=previous)


def _intents_match(database: Database, seq: int, facts: dict[str, Scalar]) -> bool:
    if "changes_digest" not in facts:
        return True
    rows = database.rows("SELECT change FROM operation WHERE event = ? ORDER BY id", (seq,))
    return digest(row[0] for row in rows) == facts["changes_digest"]


def _approval_matches(database: Database, seq: int, facts: dict[str, Scalar]) -> bool:
    if "approval_digest" not in facts:
        return True
    sql = "SELECT id, rail, lets, given_by, reason, given_at, expires_at FROM approval WHERE event = ?"
    return digest(database.row(sql, (seq,)) or ()) == facts["approval_digest"]


def _pages(database: Database, narrow: str = "TRUE", parameters: tuple[str, ...] = ()) -> Iterator[Row]:
    sql = f"SELECT {_COLUMNS} FROM event WHERE {narrow} AND seq > ? ORDER BY seq LIMIT {_PAGE}"  # noqa: S608 - constants of this module
    last = 0
    while page := database.rows(sql, (*parameters, last)):
        yield from page
        last = page[-1][0]


def _record(row: Row) -> EventRecord:
    seq, at, connection, run, kind, facts, mark = row
    return EventRecord(
        seq=seq, at=moment(at), connection=connection, run=run, kind=kind, facts=_facts.decode(facts), hash=mark
    )


def _hash(*parts: str | int) -> str:
    # A JSON list, so that no two different events can ever look the same when put together.
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
