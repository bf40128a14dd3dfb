"""The chain of events: each one bears a hash over itself and the one before, so that no edit goes unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.records import EventRecord
from crosskey.model import Scalar

__all__ = ("append", "chained", "digest", "pages", "stream")

_PAGE = 2_000
_COLUMNS = "seq, at, connection, run, kind, facts, hash"
_facts = msgspec.json.Decoder(dict[str, Scalar])


def append(database: Database, at: datetime, connection: str, run: str, kind: str, facts: Mapping[str, Scalar]) -> int:
    """Add one event inside the caller's transaction; its sequence number, which has no gaps."""
    seq, previous = database.rows("SELECT head_seq + 1, head_hash FROM meta")[0]
    body = msgspec.json.encode(dict(facts)).decode()
    mark = chained(previous, seq, stamp(at), connection, run, kind, body)
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
    for row in pages(database, narrow, parameters):
        yield _record(row)


def pages(
    database: Database, narrow: str = "TRUE", parameters: tuple[str, ...] = (), *, after: int = 0
) -> Iterator[Row]:
    """Rows of events (seq, at, connection, run, kind, facts, hash) that follow ``after``, a page at a time."""
    sql = f"SELECT {_COLUMNS} FROM event WHERE {narrow} AND seq > ? ORDER BY seq LIMIT {_PAGE}"  # noqa: S608 - constants of this module
    last = after
    while page := database.rows(sql, (*parameters, last)):
        yield from page
        last = page[-1][0]


def _record(row: Row) -> EventRecord:
    seq, at, connection, run, kind, facts, mark = row
    return EventRecord(
        seq=seq, at=moment(at), connection=connection, run=run, kind=kind, facts=_facts.decode(facts), hash=mark
    )


def chained(*parts: str | int) -> str:
    """The hash of an event, by the hash of the one before and its own columns."""
    # A JSON list, so that no two different events can ever look the same when put together.
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
