"""Links between people and their accounts: an account has one person, a person one account of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.lookups import chunks, in_json, lookups
from crosskey.journal.records import Link, Value
from crosskey.model import Scalar, Subject

__all__ = ("LINKS", "count", "find", "find_by_key", "note_active", "note_known", "remove", "save", "stream")

LINKS: Final = "link"
"""The table. Whoever writes to it says so: a digest over all of it is told whenever it changed."""

_COLUMNS = "issuer, subject, kind, key, marker, active, established_by, since, given, fields, disabled_by_us, run, seen"
_PAGE = 2_000

_given = msgspec.json.Decoder(dict[str, tuple[str, ...]])
_fields = msgspec.json.Decoder(dict[str, Scalar])
_seen = msgspec.json.Decoder(dict[str, Value])
_encode = msgspec.json.Encoder().encode

_FIND = f"""SELECT {_COLUMNS} FROM link WHERE connection = ? AND issuer = ? AND kind = ?
    AND subject IN (SELECT value FROM json_each(?))"""  # noqa: S608 - constants of this module
# Left alone, the planner walks the connection's whole primary key instead.
_FIND_BY_KEY = f"""SELECT {_COLUMNS} FROM link INDEXED BY link_key WHERE connection = ? AND kind = ?
    AND key IN (SELECT value FROM json_each(?))"""  # noqa: S608 - constants of this module
_STREAM = f"""SELECT {_COLUMNS} FROM link WHERE connection = ? AND (issuer, subject, kind) > (?, ?, ?)
    AND (? IS NULL OR kind = ?) ORDER BY issuer, subject, kind LIMIT {_PAGE}"""  # noqa: S608 - constants of this module
_SAVE = f"""INSERT INTO link (connection, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (connection, issuer, subject, kind) DO UPDATE SET key = excluded.key, marker = excluded.marker,
    active = excluded.active, established_by = excluded.established_by, since = excluded.since, given = excluded.given,
    fields = excluded.fields, disabled_by_us = excluded.disabled_by_us, run = excluded.run,
    seen = excluded.seen"""  # noqa: S608 - constants of this module


def find(database: Database, connection: str, kind: str, subjects: Iterable[Subject]) -> dict[Subject, Link]:
    """The links of those subjects that have one."""
    found: dict[Subject, Link] = {}
    for issuer, ids in lookups(subjects):
        for row in database.rows(_FIND, (connection, issuer, kind, ids)):
            link = _link(row)
            found[link.subject] = link
    return found


def find_by_key(database: Database, connection: str, kind: str, keys: Sequence[str]) -> dict[str, Link]:
    """The links of those accounts that have one."""
    found: dict[str, Link] = {}
    for chunk in chunks(keys):
        for row in database.rows(_FIND_BY_KEY, (connection, kind, in_json(chunk))):
            link = _link(row)
            found[link.key] = link
    return found


def stream(database: Database, connection: str, kind: str | None) -> Iterator[Link]:
    """All links ordered by subject, a page at a time: no lock is held between pages, and writing meanwhile is safe."""
    after = ("", "", "")
    while page := database.rows(_STREAM, (connection, *after, kind, kind)):
        for row in page:
            yield _link(row)
        issuer, subject, of_kind, *_ = page[-1]
        after = (issuer, subject, of_kind)


def count(database: Database, connection: str, kind: str, *, active_only: bool) -> int:
    """How many links there are, or how many whose account crosskey left active."""
    sql = "SELECT count(*) FROM link WHERE connection = ? AND kind = ? AND active >= ?"
    return int(database.value(sql, (connection, kind, active_only)))


def save(database: Database, connection: str, links: Iterable[Link]) -> None:
    """Write links inside the caller's transaction; one of the same subject and kind is replaced."""
    database.changed.add(LINKS)
    database.many(
        _SAVE,
        (
            (
                connection,
                link.subject.issuer,
                link.subject.id,
                link.kind,
                link.key,
                link.marker,
                link.active,
                link.established_by,
                stamp(link.since),
                _encode(link.given).decode(),
                _encode(link.fields).decode(),
                link.disabled_by_us,
                link.run,
                _encode(link.seen).decode(),
            )
            for link in links
        ),
    )


def note_active(database: Database, connection: str, kind: str, subject: Subject) -> None:
    """Note inside the caller's transaction that the account is switched on, and that it was not crosskey who did it."""
    database.changed.add(LINKS)
    database.run(
        "UPDATE link SET active = 1, disabled_by_us = 0"
        " WHERE connection = ? AND issuer = ? AND subject = ? AND kind = ?",
        (connection, subject.issuer, subject.id, kind),
    )


def note_known(database: Database, connection: str, links: Iterable[Link]) -> None:
    """Note inside the caller's transaction what is known of the values of these links' accounts, and nothing else."""
    database.changed.add(LINKS)
    database.many(
        "UPDATE link SET given = ?, fields = ?, seen = ?"
        " WHERE connection = ? AND issuer = ? AND subject = ? AND kind = ?",
        (
            (
                _encode(link.given).decode(),
                _encode(link.fields).decode(),
                _encode(link.seen).decode(),
                connection,
                link.subject.issuer,
                link.subject.id,
                link.kind,
            )
            for link in links
        ),
    )


def remove(database: Database, connection: str, kind: str, subject: Subject) -> str | None:
    """Forget a link inside the caller's transaction; the account's key, or ``None`` when there was no link."""
    database.changed.add(LINKS)
    return database.value(
        "DELETE FROM link WHERE connection = ? AND issuer = ? AND subject = ? AND kind = ? RETURNING key",
        (connection, subject.issuer, subject.id, kind),
    )


def _link(row: Row) -> Link:
    issuer, subject, kind, key, marker, active, established_by, since, given, fields, disabled_by_us, run, seen = row
    return Link(
        kind=kind,
        subject=Subject(issuer, subject),
        key=key,
        marker=marker,
        active=bool(active),
        established_by=established_by,
        since=moment(since),
        given=_given.decode(given),
        fields=_fields.decode(fields),
        disabled_by_us=bool(disabled_by_us),
        run=run,
        seen=_seen.decode(seen),
    )
