"""When credentials end, as their instances told it last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from crosskey.connector.credential import Credential
from crosskey.journal.database import Database, moment, stamp

__all__ = ("asked_at", "get", "save")


def save(database: Database, connection: str, now: datetime, told: Mapping[str, Sequence[Credential]]) -> None:
    """Note inside the caller's transaction what each instance told; what it does not name any more is forgotten."""
    for instance, credentials in told.items():
        database.run("DELETE FROM credential WHERE connection = ? AND instance = ?", (connection, instance))
        for credential in credentials:
            database.run(
                "INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?, ?)",
                (
                    connection,
                    instance,
                    credential.name,
                    stamp(credential.expires_at) if credential.expires_at else None,
                    credential.fix,
                    stamp(now),
                ),
            )


def get(database: Database, connection: str) -> list[tuple[str, Credential]]:
    """Every credential with its instance; those that end first come first."""
    rows = database.rows(
        "SELECT instance, name, expires_at, fix FROM credential WHERE connection = ?"
        " ORDER BY expires_at IS NULL, expires_at, instance, name",
        (connection,),
    )
    return [
        (instance, Credential(name=name, expires_at=moment(expires_at) if expires_at else None, fix=fix))
        for instance, name, expires_at, fix in rows
    ]


def asked_at(database: Database, connection: str) -> datetime | None:
    """When instances were asked last."""
    asked = database.value("SELECT max(asked_at) FROM credential WHERE connection = ?", (connection,))
    return moment(asked) if asked else None
