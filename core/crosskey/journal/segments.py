"""Sealed pieces of the chain: the unit that is exported, signed and pruned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from crosskey.journal import events
from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.signing import Signer, is_signed
from crosskey.model import Scalar

__all__ = ("Segment", "is_due", "last", "mark_of", "seal", "stream")

EVENTS: Final = 10_000
OPERATIONS: Final = 5_000
"""Whoever opens the journal to write looks at all that is not sealed, so that stays little."""
AGE: Final = timedelta(days=1)

_COLUMNS = "number, lineage, first_seq, last_seq, head, sealed_at, key, signature, mark"


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Events ``first`` to ``last`` of one history (``lineage``), the hash of the last, and who signed that.

    ``mark`` covers everything here and all segments before. ``key`` and ``signature`` are empty where nobody signed.
    """

    number: int
    lineage: str
    first: int
    last: int
    head: str
    sealed_at: str
    key: str = ""
    signature: str = ""
    mark: str = ""

    @property
    def signed(self) -> tuple[str | int, ...]:
        """What a signature covers."""
        return ("crosskey-head/1", self.lineage, self.number, self.first, self.last, self.head, self.sealed_at)

    @property
    def facts(self) -> dict[str, Scalar]:
        """What the event says that seals it."""
        return {
            "lineage": self.lineage,
            "segment": self.number,
            "first": self.first,
            "last": self.last,
            "head": self.head,
            "mark": self.mark,
            "key": self.key,
            "signature": self.signature,
        }

    @property
    def is_signed(self) -> bool:
        """Whether the holder of ``key`` signed it."""
        return is_signed(self.signed, key=self.key, signature=self.signature)


def mark_of(before: str, segment: Segment) -> str:
    """What the mark of a segment must be, by the mark of the one before."""
    return events.digest([before, *map(str, segment.signed), segment.key, segment.signature])


def is_due(database: Database, now: datetime) -> bool:
    """Whether the open segment is long or old enough to be sealed."""
    sealed, before = _end(database)
    if int(database.value("SELECT head_seq FROM meta")) - sealed >= EVENTS:
        return True
    if int(database.value("SELECT count(*) FROM operation WHERE event > ?", (sealed,))) >= OPERATIONS:
        return True
    since = before.sealed_at if before else database.value("SELECT at FROM event ORDER BY seq LIMIT 1")
    return now - moment(since) >= AGE


def seal(database: Database, now: datetime, connection: str, signer: Signer | None) -> dict[str, Scalar]:
    """Seal every event so far inside the caller's transaction; the facts of the event that says so."""
    sealed, before = _end(database)
    seq, head, lineage = database.rows("SELECT head_seq, head_hash, lineage FROM meta")[0]
    fresh = Segment(
        number=before.number + 1 if before else 1,
        lineage=lineage,
        first=sealed + 1,
        last=seq,
        head=head,
        sealed_at=stamp(now),
    )
    if signer is not None:
        fresh = msgspec.structs.replace(fresh, key=signer.public, signature=signer.sign(fresh.signed))
    fresh = msgspec.structs.replace(fresh, mark=mark_of(before.mark if before else "", fresh))
    database.run(
        f"INSERT INTO segment ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants of this module
        (
            fresh.number,
            fresh.lineage,
            fresh.first,
            fresh.last,
            fresh.head,
            fresh.sealed_at,
            fresh.key,
            fresh.signature,
            fresh.mark,
        ),
    )
    events.append(database, now, connection, "", "segment.sealed", fresh.facts)
    return fresh.facts


def last(database: Database) -> Segment | None:
    """The newest sealed segment."""
    row = database.row(f"SELECT {_COLUMNS} FROM segment ORDER BY number DESC LIMIT 1")  # noqa: S608 - constants of this module
    return None if row is None else _segment(row)


def stream(database: Database) -> Iterator[Segment]:
    """Every sealed segment, in order."""
    for row in database.rows(f"SELECT {_COLUMNS} FROM segment ORDER BY number"):  # noqa: S608 - constants of this module
        yield _segment(row)


def _end(database: Database) -> tuple[int, Segment | None]:
    """Up to which event everything is sealed, and the segment that ends there."""
    before = last(database)
    return (0 if before is None else before.last), before


def _segment(row: Row) -> Segment:
    number, lineage, first, last_seq, head, sealed_at, key, signature, mark = row
    return Segment(
        number=number,
        lineage=lineage,
        first=first,
        last=last_seq,
        head=head,
        sealed_at=sealed_at,
        key=key,
        signature=signature,
        mark=mark,
    )
