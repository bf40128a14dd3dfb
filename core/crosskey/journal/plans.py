"""Plans: a header and its changes, in order, exactly as they were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from crosskey.errors import StaleError
from crosskey.journal.database import Database, stamp
from crosskey.journal.naming import full_id
from crosskey.plan import Change, PlanHeader

__all__ = ("add", "changes", "finish", "get", "save")

_PAGE = 1_000

_change = msgspec.json.Decoder(Change)
_header = msgspec.json.Decoder(PlanHeader)


def save(database: Database, connection: str, header: PlanHeader) -> None:
    """Begin a plan inside the caller's transaction; it cannot be read back before :func:`finish`."""
    database.insert(
        "plan",
        {
            "id": header.id,
            "connection": connection,
            "run": header.run,
            "created_at": stamp(header.created_at),
            "header": msgspec.json.encode(header).decode(),
            "finished": 0,
        },
    )


def add(database: Database, plan: str, changes: Sequence[Change]) -> None:
    """Append changes inside the caller's transaction."""
    last = int(database.value("SELECT coalesce(max(position), 0) FROM plan_change WHERE plan = ?", (plan,)))
    database.many(
        "INSERT INTO plan_change (plan, position, change) VALUES (?, ?, ?)",
        ((plan, position, msgspec.json.encode(change).decode()) for position, change in enumerate(changes, last + 1)),
    )


def finish(database: Database, header: PlanHeader) -> None:
    """Rewrite the header, with counts and what is held, inside the caller's transaction."""
    database.run(
        "UPDATE plan SET header = ?, finished = 1 WHERE id = ?", (msgspec.json.encode(header).decode(), header.id)
    )


def get(database: Database, connection: str, typed: str) -> PlanHeader:
    """The plan whose id is or begins with ``typed``.

    Raises :class:`crosskey.errors.ConfigError` when there is none, :class:`StaleError` when its making broke off.
    """
    plan = full_id(database, connection, "plan", typed)
    header, finished = database.rows("SELECT header, finished FROM plan WHERE id = ?", (plan,))[0]
    if not finished:
        raise StaleError(
            f"plan {plan} was never finished: the run that made it broke off",
            code="plan-unfinished",
            where=str(database.path),
            fix="make a new one: crosskey plan",
        )
    return _header.decode(header)


def changes(database: Database, plan: str) -> Iterator[Change]:
    """The plan's changes in order, a page at a time."""
    last = 0
    while page := database.rows(
        "SELECT position, change FROM plan_change WHERE plan = ? AND position > ? ORDER BY position LIMIT ?",
        (plan, last, _PAGE),
    ):
        for _, change in page:
            yield _change.decode(change)
        last = page[-1][0]
