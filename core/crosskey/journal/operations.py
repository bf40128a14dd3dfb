"""Writes to the target: intended before they are sent, recorded after, and settled by looking when the answer was lost.

intent ──► done | failed
   └─────► uncertain
intent, uncertain ──► resolved_present | resolved_absent | superseded
done, resolved_present ──► undone ──► done
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from crosskey.errors import RejectedError, StorageError
from crosskey.journal import events, outcomes
from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.lookups import lookups
from crosskey.journal.outcomes import Standing
from crosskey.journal.records import Link, OperationRecord, OperationState
from crosskey.journal.switched_off import end_intended
from crosskey.model import Scalar, Subject
from crosskey.plan import Change

__all__ = (
    "Settled",
    "done_since",
    "get",
    "intend",
    "lapse",
    "last_applied",
    "link_before",
    "newest",
    "of_run",
    "search",
    "settle",
    "since",
    "stream",
    "take_back",
    "undone",
    "unresolved",
    "unresolved_count",
    "wait_no_longer",
    "written_to",
)

_COLUMNS = """id, run, change, state, intent_at, settle_until, resolved_at, outcome_code, message, key, attempts,
    undone_by"""
_OF_CONNECTION = f"SELECT {_COLUMNS} FROM operation WHERE connection = ?"  # noqa: S608 - constants of this module
# `+` keeps the planner from walking the whole connection where the run's own index is the short way.
_OF_RUN = f"SELECT {_COLUMNS} FROM operation WHERE run = ? AND +connection = ?"  # noqa: S608 - constants of this module
# Subqueries, not joins: in the shared list of columns a name would be the run's as well.
_SINCE = f"""{_OF_CONNECTION} AND id > ? AND state IN ('done', 'resolved_present')
    AND (SELECT kind FROM run WHERE run.id = operation.run) = 'apply' ORDER BY id"""  # noqa: S608 - constants of this module
_UNDONE = f"""{_OF_CONNECTION} AND state = 'undone' AND NOT lapsed
    AND (SELECT config_digest FROM run WHERE run.id = operation.run) = ? ORDER BY id DESC"""  # noqa: S608 - constants of this module
_UNRESOLVED = f"{_OF_CONNECTION} AND state IN ('intent', 'uncertain') ORDER BY id"
# Left alone, the planner takes the run's index, which leads to all that the run wrote.
_INTENDED = """SELECT change_id, id FROM operation INDEXED BY operation_subject WHERE connection = ? AND issuer = ?
    AND subject IN (SELECT value FROM json_each(?)) AND run = ?"""
# Every other one down from what is taken back holds again, the ones between are undone by who undid them once. Whatever
# is taken back itself comes last. An undo comes after what it takes back, so there is an end.
_TAKEN_BACK = """WITH RECURSIVE back (id, depth, taker) AS (
    SELECT CAST(key AS INTEGER), 0, value FROM json_each(?)
    UNION ALL SELECT CAST(json_extract(change, '$.undoes') AS INTEGER), depth + 1, run
        FROM back JOIN operation USING (id) WHERE CAST(json_extract(change, '$.undoes') AS INTEGER) < id)
    SELECT id, depth, taker FROM back ORDER BY depth DESC"""

_change = msgspec.json.Decoder(Change)
_link = msgspec.json.Decoder(Link | None)
_encode = msgspec.json.Encoder().encode
_PAGE = 500
_NEWEST = 2**63 - 1


_HOLD = ("done", "resolved_present")


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one operation; ``before`` is the link as it was before one that is done."""

    operation: int
    state: OperationState
    key: str | None
    code: str = ""
    message: str = ""
    before: Link | None = None


def intend(
    database: Database, now: datetime, *, connection: str, run: str, changes: Sequence[Change], settle: timedelta
) -> None:
    """Write intents inside the caller's transaction, with an event that vouches for their content.

    A change that this run intended before is intended again only where nothing can have been written: its intent still
    stands, or it failed. Raises :class:`StorageError` for a subject whose last write is not settled.
    """
    known = of_run(database, connection, run, changes)
    texts = {change.id: _encode(change).decode() for change in changes if change.id not in known}
    at, until = stamp(now), stamp(now + settle)
    first = int(database.value("SELECT coalesce(max(id), 0) + 1 FROM operation"))
    facts: dict[str, Scalar] = {
        "count": len(changes),
        "changes_digest": events.digest(texts.values()),
        "first": first,
        "settle_until": until,
    }
    if again := [known[change.id] for change in changes if change.id in known]:
        facts |= _intend_again(database, run, again, at, until)
    event = events.append(database, now, connection, run, "batch.intended", facts)
    rows = [
        (
            number,
            run,
            connection,
            one.id,
            one.kind,
            one.subject.issuer,
            one.subject.id,
            one.key,
            texts[one.id],
            at,
            until,
            event,
            event,
        )
        for number, one in enumerate((one for one in changes if one.id in texts), first)
    ]
    _insert(database, rows)
    end_intended(database, now, connection, run, changes)


def _intend_again(database: Database, run: str, again: Sequence[int], at: str, until: str) -> dict[str, Scalar]:
    """Open operations anew, where nothing can have been written; what the event must say of them."""
    standing = outcomes.standing(database, again)
    if not all(row.state in ("intent", "failed") for row in standing):
        raise StorageError(
            "a change of this run was about to be written twice",
            code="write-twice",
            where=str(database.path),
            fix="report this with the run's id: crosskey history " + run,
        )
    fresh = [
        msgspec.structs.replace(
            row,
            state="intent",
            attempts=row.attempts + 1,
            intent_at=at,
            settle_until=until,
            resolved_at=None,
            code="",
            message="",
        )
        for row in standing
    ]
    return outcomes.replace(database, standing, fresh)


def _insert(database: Database, rows: Sequence[tuple[object, ...]]) -> None:
    try:
        database.connection.executemany(
            "INSERT INTO operation (id, run, connection, change_id, kind, issuer, subject, key, change, state,"
            " attempts, intent_at, settle_until, outcome_code, message, event, told)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'intent', 1, ?, ?, '', '', ?, ?)",
            rows,
        )
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            raise
        raise StorageError(
            "an account was about to be written although its last write is not settled",
            code="write-unresolved",
            where=str(database.path),
            fix="run `crosskey sync`: it looks what became of that write first",
        ) from error


def settle(
    database: Database, now: datetime, settled: Sequence[Settled], *, answered: bool, taken_back: Mapping[str, str]
) -> dict[str, Scalar]:
    """Note what became of operations inside the caller's transaction; what the event must say that comes right after.

    ``answered``: the target said so, which only an open intent can wait for; otherwise somebody looked. ``taken_back``
    are operations that these undid, and the run that did.
    """
    open_states = ("intent",) if answered else ("intent", "uncertain")
    by_id = {one.operation: one for one in settled}
    standing = [row for row in outcomes.standing(database, list(by_id)) if row.state in open_states]
    if len(standing) != len(settled):
        raise StorageError(
            "an outcome came for a write that is not open",
            code="outcome-without-intent",
            where=str(database.path),
            fix="report this; `crosskey history` shows the run",
        )
    at = stamp(now)
    fresh = [
        msgspec.structs.replace(
            row,
            state=one.state,
            key=one.key,
            resolved_at=None if one.state == "uncertain" else at,
            code=one.code,
            message=one.message,
            link_before=_encode(one.before).decode() if one.state in _HOLD else None,
        )
        for row in standing
        for one in (by_id[row.id],)
    ]
    undone, after = _take_back(database, taken_back)
    return outcomes.replace(database, [*standing, *undone], [*fresh, *after])


def take_back(database: Database, taken_back: Mapping[str, str]) -> None:
    """Note inside the caller's transaction that these operations are undone, each by the run that is named with it."""
    outcomes.replace(database, *_take_back(database, taken_back))


def _take_back(database: Database, taken_back: Mapping[str, str]) -> tuple[list[Standing], list[Standing]]:
    """Those operations as they are and as they will be: undone, or holding again where what undid them is undone."""
    rows = database.rows(_TAKEN_BACK, (msgspec.json.encode(dict(taken_back)).decode(),))
    turned = {id_: (bool(depth % 2), run) for id_, depth, run in rows}
    before = outcomes.standing(database, list(turned))
    after = [
        msgspec.structs.replace(row, state="done" if holds else "undone", undone_by="" if holds else run, lapsed=0)
        for row in before
        for holds, run in (turned[row.id],)
    ]
    return before, after


def wait_no_longer(database: Database, ids: Sequence[str], until: datetime) -> dict[str, Scalar]:
    """Let these wait until then and no longer, inside the caller's transaction; what the next event must say."""
    before = outcomes.standing(database, [int(id_) for id_ in ids])
    return outcomes.replace(
        database, before, [msgspec.structs.replace(row, settle_until=stamp(until)) for row in before]
    )


def get(database: Database, connection: str, operation: str) -> OperationRecord:
    """One operation. Raises :class:`RejectedError` when there is none."""
    number = int(operation) if operation.isdecimal() else -1
    row = database.row(f"{_OF_CONNECTION} AND id = ?", (connection, number))
    if row is None:
        raise RejectedError(
            f'the journal has no operation "{operation}"',
            code="operation-unknown",
            where=str(database.path),
            fix="list them with `crosskey history RUN`",
        )
    return _record(row)


def search(
    database: Database,
    connection: str,
    *,
    run: str | None,
    subject: Subject | None,
    key: tuple[str, str] | None,
    limit: int,
) -> list[OperationRecord]:
    """Operations that fit everything asked for, newest first."""
    sql = _OF_CONNECTION if run is None else _OF_RUN
    parameters = [connection] if run is None else [run, connection]
    if subject is not None:
        sql += " AND issuer = ? AND subject = ?"
        parameters += (subject.issuer, subject.id)
    if key is not None:
        sql += " AND kind = ? AND key = ?"
        parameters += key
    rows = database.rows(sql + " ORDER BY id DESC LIMIT ?", (*parameters, limit))
    return [_record(row) for row in rows]


def since(database: Database, connection: str, operation: int) -> list[OperationRecord]:
    """Operations of runs that apply, later than one and known to have happened, oldest first."""
    return [_record(row) for row in database.rows(_SINCE, (connection, operation))]


def newest(database: Database) -> int:
    """The id of the newest operation of the whole file, 0 when there is none."""
    return int(database.value("SELECT coalesce(max(id), 0) FROM operation"))


def done_since(database: Database, connection: str, after: int) -> list[OperationRecord]:
    """Writes after that one that are known to have happened, in their order."""
    sql = f"{_OF_CONNECTION} AND id > ? AND state IN ('done', 'resolved_present', 'undone') ORDER BY id"
    return [_record(row) for row in database.rows(sql, (connection, after))]


def written_to(database: Database, connection: str, word: str) -> list[Subject]:
    """People whose id is the word, or to whose account it was written as a whole value (an e-mail address)."""
    value = msgspec.json.encode(word).decode().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = database.rows(
        "SELECT DISTINCT issuer, subject FROM operation WHERE connection = ?"
        " AND (subject = ? OR change LIKE ? ESCAPE '\\') ORDER BY issuer, subject",
        (connection, word, f"%{value}%"),
    )
    return [Subject(issuer, subject) for issuer, subject in rows]


def unresolved(database: Database, connection: str) -> list[OperationRecord]:
    """Operations whose outcome is not known, oldest first, of whatever run and epoch."""
    return [_record(row) for row in database.rows(_UNRESOLVED, (connection,))]


def unresolved_count(database: Database, connection: str) -> int:
    """How many operations have no known outcome."""
    sql = "SELECT count(*) FROM operation WHERE connection = ? AND state IN ('intent', 'uncertain')"
    return int(database.value(sql, (connection,)))


def last_applied(database: Database, connection: str) -> datetime | None:
    """When the target last took a change."""
    row = database.row(
        "SELECT resolved_at FROM operation WHERE connection = ? AND state IN ('done', 'resolved_present')"
        " ORDER BY id DESC LIMIT 1",
        (connection,),
    )
    return moment(row[0]) if row else None


def stream(database: Database, connection: str, run: str) -> Iterator[OperationRecord]:
    """All operations of a run, newest first, a page at a time: no lock is held between pages."""
    before = _NEWEST
    while rows := database.rows(f"{_OF_RUN} AND id < ? ORDER BY id DESC LIMIT ?", (run, connection, before, _PAGE)):
        for row in rows:
            yield _record(row)
        before = rows[-1][0]


def link_before(database: Database, operation: str) -> Link | None:
    """The link as it was before an operation; ``None`` when there was none, or nobody kept it."""
    text = database.value("SELECT link_before FROM operation WHERE id = ?", (int(operation),))
    return None if text is None else _link.decode(text)


def undone(database: Database, connection: str, config_digest: str) -> list[OperationRecord]:
    """Operations of a configuration that were taken back and must not be planned again, newest first."""
    return [_record(row) for row in database.rows(_UNDONE, (connection, config_digest))]


def lapse(database: Database, ids: Sequence[str]) -> dict[str, Scalar]:
    """Note inside the caller's transaction that what these did may be done again; what the next event must say."""
    before = outcomes.standing(database, [int(id_) for id_ in ids])
    return outcomes.replace(database, before, [msgspec.structs.replace(row, lapsed=1) for row in before])


def of_run(database: Database, connection: str, run: str, changes: Sequence[Change]) -> dict[str, int]:
    """The operations of those changes that this run intended, by change id."""
    found: dict[str, int] = {}
    for issuer, ids in lookups(change.subject for change in changes):
        found.update(database.rows(_INTENDED, (connection, issuer, ids, run)))
    return {change.id: found[change.id] for change in changes if change.id in found}


def _record(row: Row) -> OperationRecord:
    number, run, change, state, intent_at, settle_until, resolved_at = row[:7]
    outcome_code, message, key, attempts, undone_by = row[7:]
    return OperationRecord(
        id=str(number),
        run=run,
        change=_change.decode(change),
        state=state,
        intent_at=moment(intent_at),
        settle_until=moment(settle_until),
        resolved_at=moment(resolved_at) if resolved_at else None,
        outcome_code=outcome_code,
        message=message,
        key=key,
        attempts=attempts,
        undone_by=undone_by,
    )
