"""How far a door is rolled out: every move from step to step, who of the pilot came in, and the proven local login."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec

from crosskey.connector.sso import Door
from crosskey.errors import StaleError
from crosskey.journal import events
from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.model import Subject

__all__ = (
    "STEPS",
    "BreakGlass",
    "Step",
    "StepRecord",
    "is_vouched_for",
    "move",
    "moves",
    "note_pilot",
    "pilots",
    "proof",
    "prove",
)

Step = Literal["test", "button", "pilot", "default", "redirect", "enforced"]
"""How far a door is rolled out, in this order."""

STEPS: Final[tuple[Step, ...]] = get_args(Step)

_STEP = "connection, door, step, before, at, moved_by, reason"
_PROOF = "connection, door, kind, key, pattern, word, proven_at, proven_by"
_MOVES = f"SELECT {_STEP} FROM sso_step WHERE connection = ? AND door = ? ORDER BY event DESC LIMIT ?"  # noqa: S608 - constants of this module
_NEWEST = f"SELECT {_PROOF} FROM sso_break_glass WHERE connection = ? AND door = ? ORDER BY event DESC LIMIT 1"  # noqa: S608 - the same
_ADD_STEP = f"INSERT INTO sso_step (event, {_STEP}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - the same
_ADD_PROOF = f"INSERT INTO sso_break_glass (event, {_PROOF}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - the same
_OF_EVENT = {
    "door.moved": f"SELECT {_STEP} FROM sso_step WHERE event = ?",  # noqa: S608 - the same
    "break_glass.proven": f"SELECT {_PROOF} FROM sso_break_glass WHERE event = ?",  # noqa: S608 - the same
}
_COUNT = """SELECT (SELECT count(*) FROM sso_step WHERE event > ?1)
    + (SELECT count(*) FROM sso_break_glass WHERE event > ?1)"""
_ADD_PILOT = """INSERT INTO sso_pilot VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at"""


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A door's step, and the move that led to it. ``at`` is ``None`` while nobody ever moved the door."""

    door: Door
    step: Step = "test"
    before: Step | Literal[""] = ""
    at: datetime | None = None
    by: str = ""
    reason: str = ""


class BreakGlass(msgspec.Struct, frozen=True, kw_only=True):
    """That the desk's own sign-in let this account in.

    ``pattern`` is the entry of ``[rails] protect`` that protects it, empty where the desk itself does. ``word`` is that
    of a person who saw it; empty where the desk itself told of the sign-in.
    """

    door: Door
    kind: str
    key: str
    pattern: str
    word: str
    at: datetime
    by: str


def moves(database: Database, connection: str, door: Door, limit: int) -> list[StepRecord]:
    """The newest moves of a door first."""
    return [_step(row) for row in database.rows(_MOVES, (connection, door, limit))]


def move(
    database: Database, now: datetime, connection: str, door: Door, to: Step, *, before: Step, by: str, reason: str
) -> StepRecord:
    """Move a door inside the caller's transaction, and say so in the chain.

    Raises :class:`StaleError` when it is no longer at ``before``: somebody else moved it meanwhile.
    """
    newest = next(iter(moves(database, connection, door, 1)), StepRecord(door=door))
    if newest.step != before:
        raise StaleError(
            f"somebody moved the door from {before} to {newest.step} meanwhile; nothing was done",
            code="step-moved",
            where=f"sso.{door}",
            fix=f"look at it with `crosskey sso step {door}`, then decide again",
        )
    moved = StepRecord(door=door, step=to, before=before, at=now, by=by, reason=reason)
    told = (connection, door, to, before, stamp(now), by, reason)
    facts = {"door": door, "before": before, "step": to, "by": by, "row_digest": events.digest(told)}
    event = events.append(database, now, connection, "", "door.moved", facts)
    database.run(_ADD_STEP, (event, *told))
    return moved


def is_vouched_for(database: Database, seq: int, kind: str, told: object) -> bool:
    """Whether a move or a proof is the one that its event vouches for."""
    sql = _OF_EVENT.get(kind)
    return sql is not None and events.digest(database.row(sql, (seq,)) or ()) == told


def count(database: Database, after: int) -> int:
    """How many moves and proofs there are that events after that one vouch for."""
    return int(database.value(_COUNT, (after,)))


def note_pilot(database: Database, now: datetime, connection: str, door: Door, who: Subject) -> None:
    """Note inside the caller's transaction that somebody of the pilot came in."""
    database.run(_ADD_PILOT, (connection, door, who.issuer, who.id, stamp(now)))


def pilots(database: Database, connection: str, door: Door, since: datetime) -> Collection[Subject]:
    """Who of the pilot came in since then."""
    sql = "SELECT issuer, subject FROM sso_pilot WHERE connection = ? AND door = ? AND at >= ?"
    return [Subject(*row) for row in database.rows(sql, (connection, door, stamp(since)))]


def proof(database: Database, connection: str, door: Door) -> BreakGlass | None:
    """The newest proof that a local login works."""
    row = database.row(_NEWEST, (connection, door))
    if row is None:
        return None
    _, door, kind, key, pattern, word, at, by = row
    return BreakGlass(door=door, kind=kind, key=key, pattern=pattern, word=word, at=moment(at), by=by)


def prove(database: Database, connection: str, proven: BreakGlass) -> None:
    """Keep a proof inside the caller's transaction, and say so in the chain."""
    at = stamp(proven.at)
    told = (connection, proven.door, proven.kind, proven.key, proven.pattern, proven.word, at, proven.by)
    facts = {"door": proven.door, "kind": proven.kind, "key": proven.key, "by": proven.by}
    facts |= {"how": "attested" if proven.word else "seen", "row_digest": events.digest(told)}
    event = events.append(database, proven.at, connection, "", "break_glass.proven", facts)
    database.run(_ADD_PROOF, (event, *told))


def _step(row: Row) -> StepRecord:
    _, door, step, before, at, by, reason = row
    return StepRecord(door=door, step=step, before=before, at=moment(at), by=by, reason=reason)
