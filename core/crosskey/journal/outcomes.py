"""What became of each operation, and the event that vouches for it.

An operation's row changes as its outcome becomes known, so no digest over the table could be kept. Instead each event
that settles operations bears a digest over their outcomes, and each operation names (``told``) the last event that did.
An event that takes an operation over from another (a lost answer that was found) says what the other had vouched for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from crosskey.journal import events
from crosskey.journal.database import Database, Row
from crosskey.journal.lookups import chunks
from crosskey.model import Scalar

__all__ = ("STANDING", "Standing", "digest", "replace", "replaced", "standing")

STANDING = """id, event, told, state, attempts, key, intent_at, settle_until, resolved_at, outcome_code, message,
    link_before, undone_by, lapsed"""

_UPDATE = """UPDATE operation SET state = ?, attempts = ?, key = ?, intent_at = ?, settle_until = ?, resolved_at = ?,
    outcome_code = ?, message = ?, link_before = ?, undone_by = ?, lapsed = ?, told = ? WHERE id = ?"""


_encode = msgspec.json.Encoder().encode


class Standing(msgspec.Struct, frozen=True, gc=False):
    """The columns of an operation that change, as the file holds them."""

    id: int
    event: int
    told: int
    state: str
    attempts: int
    key: str | None
    intent_at: str
    settle_until: str
    resolved_at: str | None
    code: str
    message: str
    link_before: str | None
    undone_by: str
    lapsed: int

    @property
    def leaf(self) -> str:
        """A digest over everything but who vouches for it."""
        parts = (
            self.id,
            self.state,
            self.attempts,
            self.key,
            self.intent_at,
            self.settle_until,
            self.resolved_at,
            self.code,
            self.message,
            self.link_before,
            self.undone_by,
            self.lapsed,
        )
        return hashlib.sha256(_encode(parts)).hexdigest()


def standing(database: Database, ids: Sequence[int]) -> list[Standing]:
    """Those operations as they stand, ordered by id."""
    found: list[Standing] = []
    for chunk in chunks(sorted(ids)):
        marks = ", ".join("?" * len(chunk))
        rows = database.rows(f"SELECT {STANDING} FROM operation WHERE id IN ({marks}) ORDER BY id", chunk)  # noqa: S608 - placeholders
        found += [Standing(*row) for row in rows]
    return found


def replace(database: Database, before: Sequence[Standing], after: Sequence[Standing]) -> dict[str, Scalar]:
    """Write what is new inside the caller's transaction, vouched for by the next event; what that event must say."""
    told = int(database.value("SELECT head_seq + 1 FROM meta"))
    database.many(_UPDATE, (_values(each, told) for each in after))
    facts: dict[str, Scalar] = {"outcomes_digest": digest({each.id: each.leaf for each in after})}
    # What an intent's own event vouches for follows from the intent; all others must be told before they go.
    if taken := [f"{each.id}:{each.told}:{each.leaf}" for each in before if each.told not in (0, each.event)]:
        facts["replaces"] = " ".join(taken)
    return facts


def digest(leaves: Mapping[int, str]) -> str:
    """A digest over outcomes, by operation."""
    return events.digest(leaves[id_] for id_ in sorted(leaves))


def replaced(texts: Iterable[str]) -> dict[int, dict[int, str]]:
    """From what events say that they replace: by the event that vouched before, the outcome of each operation."""
    found: dict[int, dict[int, str]] = {}
    for each in " ".join(texts).split():
        with suppress(ValueError):  # an event that was tampered with is told by its own hash
            id_, told, leaf = each.split(":")
            found.setdefault(int(told), {})[int(id_)] = leaf
    return found


def _values(each: Standing, told: int) -> Row:
    return (
        each.state,
        each.attempts,
        each.key,
        each.intent_at,
        each.settle_until,
        each.resolved_at,
        each.code,
        each.message,
        each.link_before,
        each.undone_by,
        each.lapsed,
        told,
        each.id,
    )
