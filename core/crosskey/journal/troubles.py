"""Why the last round of a connection failed, how often it did, and when it is tried again: data, not memory."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from crosskey.journal.database import Database, moment, stamp

__all__ = ("GIVEN_UP", "Trouble", "clear", "get", "save")

GIVEN_UP: Final = 1000
"""The step beyond all pauses."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Rounds that failed, one after another. From ``step`` 0 on the connection is quarantined; -1: it is not.

    At :data:`GIVEN_UP` no round begins by itself any more: ``next_try_at`` says nothing then.

    ``text`` and ``fix`` are for notices: they hold neither secrets nor anybody's data.
    """

    since: datetime
    failures: int
    step: int
    next_try_at: datetime
    code: str
    place: str
    text: str
    fix: str
    exit_code: int

    @property
    def quarantined(self) -> bool:
        """Whether rounds wait for the back-off instead of coming at their time."""
        return self.step >= 0

    @property
    def given_up(self) -> bool:
        """Whether only a person lets another round begin."""
        return self.step >= GIVEN_UP


def get(database: Database, connection: str) -> Trouble | None:
    """The connection's trouble; ``None`` when its last round was fine."""
    row = database.row(
        "SELECT since, failures, step, next_try_at, code, place, text, fix, exit_code FROM trouble"
        " WHERE connection = ?",
        (connection,),
    )
    if row is None:
        return None
    since, failures, step, next_try_at, code, place, text, fix, exit_code = row
    return Trouble(
        since=moment(since),
        failures=failures,
        step=step,
        next_try_at=moment(next_try_at),
        code=code,
        place=place,
        text=text,
        fix=fix,
        exit_code=exit_code,
    )


def save(database: Database, connection: str, trouble: Trouble) -> None:
    """Note it inside the caller's transaction, in place of what was there."""
    clear(database, connection)
    database.insert(
        "trouble",
        {
            **msgspec.structs.asdict(trouble),
            "connection": connection,
            "since": stamp(trouble.since),
            "next_try_at": stamp(trouble.next_try_at),
        },
    )


def clear(database: Database, connection: str) -> bool:
    """Forget it inside the caller's transaction; whether there was any."""
    return bool(database.run("DELETE FROM trouble WHERE connection = ?", (connection,)))
