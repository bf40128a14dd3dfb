"""Who watches a connection, what it is doing, and what somebody asked of it from outside."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal, cast

import msgspec

from crosskey.journal.database import Database, moment, stamp
from crosskey.journal.holder import Holder
from crosskey.model import Subject

__all__ = (
    "Ask",
    "WatcherRecord",
    "ask",
    "beat",
    "begin",
    "end",
    "found",
    "get",
    "note_full",
    "seek",
    "sought",
    "take_ask",
)

Ask = Literal["", "changes", "everything"]
"""A round that somebody asked for, beside those that are due."""

MOST: Final = 20
"""So many people at once are to be looked at because they wait before a page."""


class WatcherRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The watcher of a connection. ``holder`` is ``None`` once it ended in good order; ``beat_at`` is its last sign.

    ``full_run`` is the newest of its runs that read everything. Whom it is to look at is nobody's business here.
    """

    holder: Holder | None
    beat_at: datetime | None
    next_at: datetime | None
    doing: str
    asked: Ask
    full_run: str


def get(database: Database, connection: str) -> WatcherRecord | None:
    """The connection's watcher; ``None`` where none ever was."""
    row = database.row(
        "SELECT host, boot, pid, started, since, beat_at, next_at, doing, asked, full_run FROM watcher"
        " WHERE connection = ?",
        (connection,),
    )
    if row is None:
        return None
    host, boot, pid, started, since, beat_at, next_at, doing, asked, full_run = row
    holder = None
    if host is not None:
        holder = Holder(host=host, boot=boot, pid=pid, started=started, connection=connection, since=moment(since))
    return WatcherRecord(
        holder=holder,
        beat_at=moment(beat_at) if beat_at else None,
        next_at=moment(next_at) if next_at else None,
        doing=doing,
        asked=_read(asked).round,
        full_run=full_run,
    )


def begin(database: Database, holder: Holder) -> None:
    """Note a watcher inside the caller's transaction. What was asked of the one before is forgotten: it runs anyway."""
    database.run(
        "INSERT INTO watcher (connection, doing, asked, full_run) VALUES (?, '', '', '') ON CONFLICT DO NOTHING",
        (holder.connection,),
    )
    database.run(
        "UPDATE watcher SET host = ?, boot = ?, pid = ?, started = ?, since = ?, beat_at = ?, doing = 'starting',"
        " asked = '' WHERE connection = ?",
        (
            holder.host,
            holder.boot,
            holder.pid,
            holder.started,
            stamp(holder.since),
            stamp(holder.since),
            holder.connection,
        ),
    )


def beat(database: Database, connection: str, now: datetime, *, doing: str, next_at: datetime | None) -> None:
    """Note a sign of life inside the caller's transaction."""
    database.run(
        "UPDATE watcher SET beat_at = ?, doing = ?, next_at = ? WHERE connection = ?",
        (stamp(now), doing, stamp(next_at) if next_at else None, connection),
    )


def end(database: Database, connection: str, now: datetime) -> None:
    """Note inside the caller's transaction that the watcher ended in good order."""
    database.run(
        "UPDATE watcher SET host = NULL, boot = NULL, pid = NULL, started = NULL, since = NULL, beat_at = ?,"
        " next_at = NULL, doing = 'stopped' WHERE connection = ?",
        (stamp(now), connection),
    )


def note_full(database: Database, connection: str, run: str) -> None:
    """Note inside the caller's transaction which run read everything."""
    database.run("UPDATE watcher SET full_run = ? WHERE connection = ?", (run, connection))


def ask(database: Database, connection: str, wanted: Ask) -> None:
    """Ask for a round inside the caller's transaction; the larger of two wishes stands."""
    wishes = _wishes(database, connection)
    if wishes.round != "everything":
        _write(database, connection, msgspec.structs.replace(wishes, round=wanted))


def take_ask(database: Database, connection: str) -> Ask:
    """What was asked, once, inside the caller's transaction."""
    wishes = _wishes(database, connection)
    if wishes.round:
        _write(database, connection, msgspec.structs.replace(wishes, round=""))
    return wishes.round


def seek(database: Database, connection: str, person: Subject) -> bool | None:
    """Ask inside the caller's transaction for somebody to be looked at; ``False``: they are already to be.

    ``None``: so many are that one more would have to wait too long.
    """
    wishes = _wishes(database, connection)
    if person in wishes.people:
        return False
    if len(wishes.people) >= MOST:
        return None
    _write(database, connection, msgspec.structs.replace(wishes, people=(*wishes.people, person)))
    return True


def sought(database: Database, connection: str) -> tuple[Subject, ...]:
    """Who is to be looked at, or is being."""
    return _wishes(database, connection).people


def found(database: Database, connection: str, people: Collection[Subject]) -> None:
    """Note inside the caller's transaction that these were looked at."""
    wishes = _wishes(database, connection)
    rest = tuple(each for each in wishes.people if each not in people)
    if rest != wishes.people:
        _write(database, connection, msgspec.structs.replace(wishes, people=rest))


class _Wishes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is asked of a watcher. A round alone is kept as its name, with people it is JSON."""

    round: Ask = ""
    people: tuple[Subject, ...] = ()


_wishes_in = msgspec.json.Decoder(_Wishes)


def _wishes(database: Database, connection: str) -> _Wishes:
    return _read(database.value("SELECT asked FROM watcher WHERE connection = ?", (connection,)) or "")


def _read(text: str) -> _Wishes:
    return _wishes_in.decode(text) if text.startswith("{") else _Wishes(round=cast("Ask", text))


def _write(database: Database, connection: str, wishes: _Wishes) -> None:
    text = msgspec.json.encode(wishes).decode() if wishes.people else wishes.round
    database.run("UPDATE watcher SET asked = ? WHERE connection = ?", (text, connection))
