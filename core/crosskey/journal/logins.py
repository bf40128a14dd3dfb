"""Sign-ins that were begun and have not come back yet: each comes back once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from crosskey.connector.sso import Door
from crosskey.journal.database import Database, moment, stamp

__all__ = ("LoginRecord", "Purpose", "begin", "find", "tidy", "use")

Purpose = Literal["login", "step-up", "test"]
"""``step-up`` renews a session with a fresh proof; ``test`` opens none."""

_KEPT: Final = timedelta(hours=1)
"""For so long an old page is told what it is; afterwards it is unknown."""

_COLUMNS = "state, door, browser, flow, issuer, purpose, request, return_to, begun_at, used_at"


class LoginRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. ``state`` and ``browser`` are hashes, ``request`` what was asked for, as JSON without a secret."""

    state: str
    door: Door
    browser: str
    flow: str
    issuer: str
    purpose: Purpose
    request: str
    return_to: str
    begun_at: datetime
    used_at: datetime | None = None


def begin(database: Database, connection: str, login: LoginRecord) -> None:
    """Note inside the caller's transaction that a browser was sent away."""
    database.insert(
        "sso_login",
        {
            **msgspec.structs.asdict(login),
            "connection": connection,
            "begun_at": stamp(login.begun_at),
            "used_at": None,
        },
    )


def find(database: Database, connection: str, state: str) -> LoginRecord | None:
    """The sign-in of that state, whatever became of it."""
    row = database.row(
        f"SELECT {_COLUMNS} FROM sso_login WHERE connection = ? AND state = ?",  # noqa: S608 - a constant of this module
        (connection, state),
    )
    if row is None:
        return None
    *texts, begun_at, used_at = row
    fields = dict(zip(_COLUMNS.split(", "), texts, strict=False))
    return LoginRecord(**fields, begun_at=moment(begun_at), used_at=moment(used_at) if used_at else None)


def use(database: Database, connection: str, state: str, now: datetime) -> bool:
    """Use the sign-in up inside the caller's transaction; whether it was this call that did."""
    sql = "UPDATE sso_login SET used_at = ? WHERE connection = ? AND state = ? AND used_at IS NULL"
    return database.run(sql, (stamp(now), connection, state)) == 1


def tidy(database: Database, now: datetime) -> None:
    """Forget inside the caller's transaction what is long over."""
    database.run("DELETE FROM sso_login WHERE begun_at < ?", (stamp(now - _KEPT),))
