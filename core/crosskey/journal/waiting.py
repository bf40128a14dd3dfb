"""What waits for a person: everything that the newest plan of a connection holds, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.model import Subject
from crosskey.plan import Change, Held

__all__ = ("Waiting", "about", "everything", "keep")

_COLUMNS = "body, since, run, change"
_ALL = f"SELECT {_COLUMNS} FROM held WHERE connection = ? ORDER BY rail, id"  # noqa: S608 - constants of this module
_ABOUT = f"SELECT {_COLUMNS} FROM held WHERE connection = ? AND issuer = ? AND subject = ? ORDER BY id"  # noqa: S608 - the same

_encode = msgspec.json.Encoder().encode
_held = msgspec.json.Decoder(Held)
_change = msgspec.json.Decoder(Change)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is held. ``since`` and ``run`` are of the first plan that held it, ``change`` is what waits.

    A class of changes that is held stands for itself (without a ``subject``), and each of its changes does.
    """

    held: Held
    since: datetime
    run: str
    change: Change | None = None


def keep(
    database: Database,
    now: datetime,
    *,
    connection: str,
    run: str,
    found: Iterable[tuple[Held, Change | None]],
    whole: bool,
) -> None:
    """Replace what waits inside the caller's transaction; what waited before keeps its time.

    ``whole``: the plan looked at everybody or knows whom earlier plans held. Otherwise a rail held the run before
    anything was planned, and what waited for other reasons goes on waiting.
    """
    known = {
        tuple(key): (since, first)
        for since, first, *key in database.rows(
            "SELECT min(since), run, rail, kind, action, issuer, subject FROM held WHERE connection = ?"
            " GROUP BY rail, kind, action, issuer, subject",
            (connection,),
        )
    }
    database.run("DELETE FROM held WHERE connection = ? AND (? OR scope = 'run')", (connection, whole))
    fresh = (stamp(now), run)
    rows: list[tuple[object, ...]] = []
    for held, change in found:
        who = ("", "") if held.subject is None else (held.subject.issuer, held.subject.id)
        key = (held.rail, held.kind, held.action or "", *who)
        text = None if change is None else _encode(change).decode()
        rows.append((connection, held.scope, *key, *known.get(key, fresh), _encode(held).decode(), text))
    database.many(
        "INSERT INTO held (connection, scope, rail, kind, action, issuer, subject, since, run, body, change)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def everything(database: Database, connection: str) -> list[Waiting]:
    """All that waits, by rail, in the order in which it was found."""
    return [_waiting(row) for row in database.rows(_ALL, (connection,))]


def about(database: Database, connection: str, subject: Subject) -> list[Waiting]:
    """What waits that concerns one person."""
    return [_waiting(row) for row in database.rows(_ABOUT, (connection, subject.issuer, subject.id))]


def _waiting(row: Row) -> Waiting:
    body, since, run, change = row
    return Waiting(
        held=_held.decode(body),
        since=moment(since),
        run=run,
        change=None if change is None else _change.decode(change),
    )
