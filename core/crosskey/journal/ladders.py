"""How far a plan is that is carried out in waves: what a run that was stopped half-way leaves to the next one."""

from __future__ import annotations

import msgspec

from crosskey.journal import operations
from crosskey.journal.database import Database

__all__ = ("Ladder", "get", "remove", "save")

_classes = msgspec.json.Decoder(tuple[tuple[str, str], ...])


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """A plan under way in waves since ``run``.

    ``waves`` is how it is done (as the engine writes it down), ``written`` how many changes the waves held that were
    looked at and found good, ``classes`` (kind and action) of which sorts those were. What was written after operation
    ``since`` is still to be looked at; -1 stands for whatever comes from now on.
    """

    run: str
    config_digest: str
    waves: str
    written: int = 0
    classes: tuple[tuple[str, str], ...] = ()
    since: int = -1


def get(database: Database, connection: str) -> Ladder | None:
    """The ladder of a connection."""
    row = database.row(
        "SELECT run, config_digest, waves, written, classes, since FROM ladder WHERE connection = ?",
        (connection,),
    )
    if row is None:
        return None
    run, config_digest, waves, written, classes, since = row
    return Ladder(
        run=run,
        config_digest=config_digest,
        waves=waves,
        written=written,
        classes=_classes.decode(classes),
        since=since,
    )


def save(database: Database, connection: str, ladder: Ladder) -> Ladder:
    """Write a connection's ladder inside the caller's transaction, in place of the one before; as it was written."""
    if ladder.since < 0:
        ladder = msgspec.structs.replace(ladder, since=operations.newest(database))
    database.run(
        "INSERT OR REPLACE INTO ladder (connection, run, config_digest, waves, written, classes, since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            connection,
            ladder.run,
            ladder.config_digest,
            ladder.waves,
            ladder.written,
            msgspec.json.encode(ladder.classes).decode(),
            ladder.since,
        ),
    )
    return ladder


def remove(database: Database, connection: str) -> None:
    """Forget a connection's ladder inside the caller's transaction."""
    database.run("DELETE FROM ladder WHERE connection = ?", (connection,))
