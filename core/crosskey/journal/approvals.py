"""What people let through: exactly whom or what, by whom, why, until when, and the one run that made use of it.

open ──► used (bound to the run that applies it) | withdrawn | expired
used ──► open again, when that run did not come to its end
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from crosskey.errors import ConfigError, StaleError, close_matches
from crosskey.journal import events
from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.model import Subject
from crosskey.plan import Action

__all__ = (
    "Approval",
    "ApprovalState",
    "Approved",
    "bind",
    "give",
    "latest",
    "passed_over",
    "release",
    "usable",
    "used_by",
    "withdraw",
)

ApprovalState = Literal["open", "used", "withdrawn", "expired"]

_AHEAD: Final = timedelta(minutes=5)
"""An approval that was given so much later than now was given by a clock that was ahead: nobody knows when it ends."""

_COLUMNS = "id, rail, lets, given_by, reason, given_at, expires_at, withdrawn_at, run"
_LATEST = f"SELECT {_COLUMNS} FROM approval WHERE connection = ? ORDER BY given_at DESC, id LIMIT ?"  # noqa: S608 - constants of this module
_OPEN = "run IS NULL AND withdrawn_at IS NULL AND expires_at > ?"
_USABLE = f"SELECT {_COLUMNS} FROM approval WHERE connection = ? AND {_OPEN} ORDER BY given_at, id"  # noqa: S608 - the same
_EARLY = (
    "SELECT id, given_at FROM approval WHERE connection = ? AND run IS NULL AND withdrawn_at IS NULL AND given_at > ?"
)
# Changes that waited when somebody let others of their class through: those were chosen, these were not.
_PASSED_OVER = """SELECT DISTINCT held.rail, held.action, held.issuer, held.subject FROM held
    JOIN approval ON approval.connection = held.connection AND approval.rail = held.rail
        AND approval.run IS NOT NULL AND approval.given_at >= held.since
    WHERE held.connection = ? AND held.kind = ? AND held.scope = 'class' AND held.subject <> ''
    AND EXISTS (SELECT 1 FROM json_each(approval.lets, '$.items') AS item
        WHERE json_extract(item.value, '$[0]') = held.kind AND json_extract(item.value, '$[1]') = held.action)"""
_USED_BY = f"SELECT {_COLUMNS} FROM approval WHERE run IN (SELECT value FROM json_each(?))"  # noqa: S608 - the same


class Approved(msgspec.Struct, frozen=True, array_like=True):
    """One change, or one person where there is no ``action``, that was let through."""

    kind: str
    action: str
    issuer: str
    id: str

    @property
    def subject(self) -> Subject:
        """Whose account it is."""
        return Subject(self.issuer, self.id)


class _Lets(msgspec.Struct, frozen=True):
    items: tuple[Approved, ...] = ()
    words: tuple[str, ...] = ()


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody let through a rail: ``items``, or exact numbers and names in ``words``, as ``--allow`` takes."""

    id: str
    rail: str
    items: tuple[Approved, ...] = ()
    words: tuple[str, ...] = ()
    by: str
    reason: str
    at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None = None
    run: str = ""

    def state(self, now: datetime) -> ApprovalState:
        """Whether a run may still make use of it."""
        if self.run:
            return "used"
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "open" if self.at - _AHEAD <= now < self.expires_at else "expired"

    @property
    def size(self) -> int:
        """How many changes, people, numbers or names it lets through."""
        return len(self.items) + len(self.words)


def give(
    database: Database,
    now: datetime,
    connection: str,
    *,
    rail: str,
    items: Sequence[Approved],
    words: Sequence[str],
    by: str,
    reason: str,
    expires_at: datetime,
) -> Approval:
    """Note an approval inside the caller's transaction; an event vouches for all of it without naming anybody."""
    approval = Approval(
        id=_new_id(database),
        rail=rail,
        items=tuple(items),
        words=tuple(words),
        by=by,
        reason=reason,
        at=now,
        expires_at=expires_at,
    )
    lets = msgspec.json.encode(_Lets(approval.items, approval.words)).decode()
    told = (approval.id, rail, lets, by, reason, stamp(now), stamp(expires_at))
    facts = {"approval": approval.id, "rail": rail, "count": approval.size, "approval_digest": events.digest(told)}
    event = events.append(database, now, connection, "", "approval.given", facts)
    database.run(
        "INSERT INTO approval (id, rail, lets, given_by, reason, given_at, expires_at, connection, event)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*told, connection, event),
    )
    return approval


def is_vouched_for(database: Database, seq: int, told: object) -> bool:
    """Whether an approval is the one that its event vouches for."""
    sql = "SELECT id, rail, lets, given_by, reason, given_at, expires_at FROM approval WHERE event = ?"
    return events.digest(database.row(sql, (seq,)) or ()) == told


def latest(database: Database, connection: str, limit: int) -> list[Approval]:
    """The newest approvals first, whatever became of them."""
    return [_approval(row) for row in database.rows(_LATEST, (connection, limit))]


def usable(database: Database, connection: str, now: datetime) -> list[Approval]:
    """Approvals that a run may make use of, oldest first."""
    found = [_approval(row) for row in database.rows(_USABLE, (connection, stamp(now)))]
    return [approval for approval in found if approval.state(now) == "open"]


def used_by(database: Database, runs: Collection[str]) -> dict[str, list[Approval]]:
    """The approvals that each of these runs made use of."""
    found: dict[str, list[Approval]] = {}
    for row in database.rows(_USED_BY, (msgspec.json.encode(sorted(runs)).decode(),)):
        approval = _approval(row)
        found.setdefault(approval.run, []).append(approval)
    return found


def passed_over(database: Database, connection: str, kind: str) -> list[tuple[str, Action, Subject]]:
    """Who of a kind still waits since somebody let others of the same class through: rail, action, person."""
    rows = database.rows(_PASSED_OVER, (connection, kind))
    return [(rail, action, Subject(issuer, subject)) for rail, action, issuer, subject in rows]


def withdraw(database: Database, now: datetime, connection: str, id: str) -> Approval:
    """Take an approval back inside the caller's transaction. Raises :class:`ConfigError` when it is not open."""
    known = {approval.id: approval for approval in latest(database, connection, -1)}
    approval = known.get(id)
    if approval is None:
        raise ConfigError(
            f'the journal has no approval "{id}". {close_matches(id, known)}'.rstrip(),
            code="approval-unknown",
            where=str(database.path),
            fix="list them with `crosskey approve --list`",
        )
    state = approval.state(now)
    if state != "open":
        raise ConfigError(
            f"the approval {id} cannot be withdrawn: it is {state}",
            code="approval-over",
            where=str(database.path),
            fix=f"see what came of it with `crosskey history {approval.run}`" if approval.run else "give a new one",
        )
    database.run("UPDATE approval SET withdrawn_at = ? WHERE id = ?", (stamp(now), id))
    events.append(database, now, connection, "", "approval.withdrawn", {"approval": id})
    return approval


def bind(database: Database, now: datetime, connection: str, run: str, ids: Collection[str]) -> None:
    """Use approvals up for one run inside the caller's transaction; those that a clock ahead gave end for good.

    Raises :class:`StaleError` when one of them was withdrawn, ended, or was used up since the run looked.
    """
    for approval, given_at in database.rows(_EARLY, (connection, stamp(now + _AHEAD))):
        database.run("UPDATE approval SET withdrawn_at = ? WHERE id = ?", (stamp(now), approval))
        events.append(
            database, now, connection, run, "approval.withdrawn", {"approval": approval, "given_at": given_at}
        )
    for approval in sorted(ids):
        sql = f"UPDATE approval SET run = ? WHERE id = ? AND connection = ? AND {_OPEN}"  # noqa: S608 - constants of this module
        if database.run(sql, (run, approval, connection, stamp(now))) != 1:
            raise StaleError(
                f"the approval {approval} ended or was withdrawn while this run made its plan; nothing was written",
                code="approval-gone",
                where=str(database.path),
                fix="run again: what it let through is held then",
            )
        events.append(database, now, connection, run, "approval.used", {"approval": approval})


def release(database: Database, now: datetime, connection: str, run: str) -> None:
    """Give back, inside the caller's transaction, what a run was to use that did not come to its end.

    What it did of it is done and in no plan any more; the rest is let through until the approval expires.
    """
    for (approval,) in database.rows("SELECT id FROM approval WHERE run = ? ORDER BY id", (run,)):
        database.run("UPDATE approval SET run = NULL WHERE id = ?", (approval,))
        events.append(database, now, connection, run, "approval.released", {"approval": approval})


def _new_id(database: Database) -> str:
    fresh = f"a{secrets.token_hex(3)}"
    while database.row("SELECT 1 FROM approval WHERE id = ?", (fresh,)):
        fresh = f"a{secrets.token_hex(3)}"
    return fresh


_lets = msgspec.json.Decoder(_Lets)


def _approval(row: Row) -> Approval:
    name, rail, lets, by, reason, at, expires_at, withdrawn_at, run = row
    what = _lets.decode(lets)
    return Approval(
        id=name,
        rail=rail,
        items=what.items,
        words=what.words,
        by=by,
        reason=reason,
        at=moment(at),
        expires_at=moment(expires_at),
        withdrawn_at=moment(withdrawn_at) if withdrawn_at else None,
        run=run or "",
    )
