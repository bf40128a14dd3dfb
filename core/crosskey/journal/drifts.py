"""Drift that stands: owned values that somebody else changed, each noted once, until one side gives in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.lookups import lookups
from crosskey.journal.records import Drift, Value
from crosskey.model import Subject
from crosskey.plan import Change

__all__ = ("close", "end", "find", "forget", "move", "noticed_since", "save", "stream")

_COLUMNS = "issuer, subject, kind, part, key, ours, now, policy, since, run"
_PAGE = 2_000

_value = msgspec.json.Decoder(Value)

_FIND = f"""SELECT {_COLUMNS} FROM drift WHERE connection = ? AND issuer = ? AND kind = ?
    AND subject IN (SELECT value FROM json_each(?))"""  # noqa: S608 - constants of this module
_STREAM = f"""SELECT {_COLUMNS} FROM drift WHERE connection = ? AND (issuer, subject, kind, part) > (?, ?, ?, ?)
    ORDER BY issuer, subject, kind, part LIMIT {_PAGE}"""  # noqa: S608 - constants of this module
_SAVE = f"""INSERT INTO drift (connection, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (connection, issuer, subject, kind, part) DO UPDATE SET key = excluded.key, ours = excluded.ours,
    now = excluded.now, policy = excluded.policy"""  # noqa: S608 - constants of this module
_END = "DELETE FROM drift WHERE connection = ? AND issuer = ? AND subject = ? AND kind = ?"


def find(
    database: Database, connection: str, kind: str, subjects: Iterable[Subject]
) -> dict[tuple[Subject, str], Drift]:
    """The drift of those people's accounts, by person and part."""
    found: dict[tuple[Subject, str], Drift] = {}
    for issuer, ids in lookups(subjects):
        for row in database.rows(_FIND, (connection, issuer, kind, ids)):
            drift = _drift(row)
            found[drift.subject, drift.part] = drift
    return found


def stream(database: Database, connection: str) -> Iterator[Drift]:
    """All drift ordered by person, a page at a time."""
    after = ("", "", "", "")
    while page := database.rows(_STREAM, (connection, *after)):
        for row in page:
            yield _drift(row)
        issuer, subject, kind, part, *_ = page[-1]
        after = (issuer, subject, kind, part)


def save(database: Database, connection: str, drifts: Iterable[Drift]) -> None:
    """Note drift inside the caller's transaction; of what stands already the first time and run stay."""
    database.many(
        _SAVE,
        (
            (
                connection,
                one.subject.issuer,
                one.subject.id,
                one.kind,
                one.part,
                one.key,
                msgspec.json.encode(one.ours).decode(),
                msgspec.json.encode(one.now).decode(),
                one.policy,
                stamp(one.since),
                one.run,
            )
            for one in drifts
        ),
    )


def end(database: Database, connection: str, drifts: Iterable[Drift]) -> None:
    """Note inside the caller's transaction that this drift is over."""
    database.many(
        f"{_END} AND part = ?",
        ((connection, one.subject.issuer, one.subject.id, one.kind, one.part) for one in drifts),
    )


def close(database: Database, connection: str, changes: Iterable[Change]) -> None:
    """End inside the caller's transaction what these changes wrote over; an account that is off has no drift left.

    Of a set, a change may well leave to somebody else what they took away of it.
    """
    if not database.row("SELECT 1 FROM drift WHERE connection = ? LIMIT 1", (connection,)):
        return
    whole: list[tuple[str, ...]] = []
    parts: list[tuple[str, ...]] = []
    for change in changes:
        one = (connection, change.subject.issuer, change.subject.id, change.kind)
        if change.action == "disable":
            whole.append(one)
        else:
            switch = () if change.active is None else ("active",)
            parts += [(*one, part) for part in (*change.fields, *change.drifted, *switch)]
    database.many(_END, whole)
    database.many(f"{_END} AND part = ?", parts)


def forget(database: Database, connection: str, kind: str, subject: Subject) -> None:
    """Forget inside the caller's transaction all drift of an account whose link goes."""
    database.run(_END, (connection, subject.issuer, subject.id, kind))


def move(database: Database, connection: str, kind: str, former: Subject, subject: Subject) -> None:
    """The same person under another subject: what stood goes on standing."""
    database.run(
        "UPDATE OR REPLACE drift SET issuer = ?, subject = ?"
        " WHERE connection = ? AND issuer = ? AND subject = ? AND kind = ?",
        (subject.issuer, subject.id, connection, former.issuer, former.id, kind),
    )


def noticed_since(database: Database, connection: str, since: datetime) -> int:
    """How many drifts runs that began since then noticed for the first time."""
    return int(
        database.value(
            "SELECT count(*) FROM run JOIN event ON event.run = run.id WHERE run.connection = ? AND run.started_at >= ?"
            " AND event.kind = 'drift.noticed'",
            (connection, stamp(since)),
        )
    )


def _drift(row: Row) -> Drift:
    issuer, subject, kind, part, key, ours, now, policy, since, run = row
    return Drift(
        kind=kind,
        subject=Subject(issuer, subject),
        key=key,
        part=part,
        ours=_value.decode(ours),
        now=_value.decode(now),
        policy=policy,
        since=moment(since),
        run=run,
    )
