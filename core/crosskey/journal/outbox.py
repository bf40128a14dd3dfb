"""Notices that wait to be told, and which causes were told already: one notice for each change of a cause's reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from crosskey.connector.notifier import Notice
from crosskey.journal.database import Database, Row, moment, stamp

__all__ = ("Cause", "Delivery", "Outbox", "delivered", "due", "failed", "look", "open_causes", "tell")

KEPT = timedelta(days=90)
"""How long a notice is kept after it was told."""

_WAITS = (30, 60, 120, 300, 900, 3600, 4 * 3600)
_GIVEN_UP = timedelta(days=7)
_COLUMNS = "notice.key, notice.code, notice.severity, notice.at, notice.subject, notice.text, notice.fix, notice.run"


class Cause(msgspec.Struct, frozen=True):
    """Something that is so right now, and the notice that says so. Another ``reason`` is told anew, a count is not."""

    notice: Notice
    reason: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A notice on its way through one notifier (the name of its section)."""

    id: int
    notifier: str
    notice: Notice
    attempts: int


class Outbox(msgspec.Struct, frozen=True, kw_only=True):
    """How many notices wait, how many failed at least once, how many were given up; the last ``problem``."""

    waiting: int = 0
    failing: int = 0
    given_up: int = 0
    problem: str = ""


def open_causes(database: Database, connection: str) -> dict[str, tuple[str, Notice]]:
    """Causes that were told and not yet resolved: by key, the reason and the notice."""
    rows = database.rows(
        f"SELECT notice.reason, {_COLUMNS} FROM notice WHERE connection = ? AND severity <> 'resolved' AND id ="  # noqa: S608 - constants of this module
        " (SELECT max(id) FROM notice AS later WHERE later.connection = notice.connection AND later.key = notice.key)"
        " ORDER BY id",
        (connection,),
    )
    return {row[1]: (row[0], _notice(row[1:])) for row in rows}


def tell(
    database: Database, connection: str, now: datetime, causes: Iterable[Cause], *, notifiers: Collection[str]
) -> list[Notice]:
    """Put what is new, changed or gone into the outbox, inside the caller's transaction; the notices that it makes."""
    before = open_causes(database, connection)
    told: list[Notice] = []
    for cause in causes:
        reason, _ = before.pop(cause.notice.key, ("", None))
        if reason != cause.reason:
            told.append(_put(database, connection, now, cause, notifiers))
    for _, notice in before.values():
        gone = msgspec.structs.replace(
            notice, severity="resolved", at=now, text=f"It is over: {notice.text}", fix="", run=""
        )
        told.append(_put(database, connection, now, Cause(gone, ""), notifiers))
    if told:
        _forget(database, connection, now)
    return told


def due(database: Database, connection: str, now: datetime, notifiers: Collection[str]) -> list[Delivery]:
    """Deliveries whose time has come, oldest notice first, for notifiers that are still configured."""
    rows = database.rows(
        f"SELECT notice.id, notifier, attempts, {_COLUMNS} FROM delivery JOIN notice ON notice.id = delivery.notice"  # noqa: S608 - constants of this module
        " WHERE connection = ? AND state = 'waiting' AND due_at <= ? ORDER BY notice.id LIMIT 100",
        (connection, stamp(now)),
    )
    return [
        Delivery(id=id_, notifier=notifier, attempts=attempts, notice=_notice(rest))
        for id_, notifier, attempts, *rest in rows
        if notifier in notifiers
    ]


def delivered(database: Database, delivery: Delivery) -> None:
    """Note inside the caller's transaction that a notice arrived."""
    database.run(
        "UPDATE delivery SET state = 'sent', attempts = attempts + 1, problem = '' WHERE notice = ? AND notifier = ?",
        (delivery.id, delivery.notifier),
    )


def failed(database: Database, delivery: Delivery, now: datetime, problem: str) -> None:
    """Note inside the caller's transaction that it did not arrive; it is tried again, longer each time, for a week."""
    wait = _WAITS[min(delivery.attempts, len(_WAITS) - 1)]
    state = "given up" if now - delivery.notice.at > _GIVEN_UP else "waiting"
    database.run(
        "UPDATE delivery SET state = ?, attempts = attempts + 1, problem = ?, due_at = ?"
        " WHERE notice = ? AND notifier = ?",
        (state, problem, stamp(now + timedelta(seconds=wait)), delivery.id, delivery.notifier),
    )


def look(database: Database, connection: str) -> Outbox:
    """What the outbox holds."""
    waiting, failing, given_up = database.rows(
        "SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'waiting' AND attempts > 0),"
        " count(*) FILTER (WHERE state = 'given up')"
        " FROM delivery JOIN notice ON notice.id = delivery.notice WHERE connection = ?",
        (connection,),
    )[0]
    problem = database.value(
        "SELECT notifier || ': ' || problem FROM delivery JOIN notice ON notice.id = delivery.notice"
        " WHERE connection = ? AND problem <> '' ORDER BY notice.id DESC LIMIT 1",
        (connection,),
    )
    return Outbox(waiting=waiting, failing=failing, given_up=given_up, problem=problem or "")


def _put(database: Database, connection: str, now: datetime, cause: Cause, notifiers: Collection[str]) -> Notice:
    notice = cause.notice
    database.insert(
        "notice",
        {
            **msgspec.structs.asdict(notice),
            "at": stamp(notice.at),
            "connection": connection,
            "reason": cause.reason,
        },
    )
    id_ = database.value("SELECT last_insert_rowid()")
    database.many(
        "INSERT INTO delivery (notice, notifier, due_at, attempts, problem, state) VALUES (?, ?, ?, 0, '', 'waiting')",
        [(id_, notifier, stamp(now)) for notifier in sorted(notifiers)],
    )
    return notice


def _forget(database: Database, connection: str, now: datetime) -> None:
    """Remove old notices that say nothing about now any more."""
    database.run(
        "DELETE FROM notice WHERE connection = ? AND at < ? AND (severity = 'resolved' OR EXISTS"
        " (SELECT 1 FROM notice AS later WHERE later.connection = notice.connection AND later.key = notice.key"
        " AND later.id > notice.id))",
        (connection, stamp(now - KEPT)),
    )


def _notice(row: Row | Sequence[object]) -> Notice:
    key, code, severity, at, subject, text, fix, run = row
    return msgspec.convert(
        {
            "key": key,
            "code": code,
            "severity": severity,
            "at": moment(str(at)),
            "subject": subject,
            "text": text,
            "fix": fix,
            "run": run,
        },
        Notice,
    )
