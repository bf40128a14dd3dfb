"""Finding a run or plan by the id, or the beginning of one, that a person typed."""

from __future__ import annotations

from typing import Literal

from crosskey.errors import ConfigError, close_matches
from crosskey.journal.database import Database

__all__ = ("full_id",)

_STARTING = {
    "run": "SELECT id FROM run WHERE connection = ? AND substr(id, 1, length(?)) = ? ORDER BY id DESC LIMIT 20",
    "plan": "SELECT id FROM plan WHERE connection = ? AND substr(id, 1, length(?)) = ? ORDER BY id DESC LIMIT 20",
}


def full_id(database: Database, connection: str, table: Literal["run", "plan"], typed: str) -> str:
    """The one id that ``typed`` is or begins. Raises :class:`ConfigError` with close matches for none or several."""
    sql = _STARTING[table]
    found = [str(row[0]) for row in database.rows(sql, (connection, typed, typed))] if typed else []
    if typed in found or len(found) == 1:
        return typed if typed in found else found[0]
    if found:
        shown = ", ".join(found[:5]) + (" …" if len(found) > 5 else "")
        raise ConfigError(
            f'several {table}s begin with "{typed}": {shown}',
            code=f"{table}-ambiguous",
            where=str(database.path),
            fix="give more of the id",
        )
    elsewhere = database.value(f"SELECT connection FROM {table} WHERE id = ?", (typed,))  # noqa: S608 - one of two names
    if elsewhere is not None:
        raise ConfigError(
            f'{table} {typed} is one of "{elsewhere}", not of "{connection}"',
            code=f"{table}-elsewhere",
            where=str(database.path),
            fix=f'choose that target: [sync] to = "{elsewhere}", or the configuration that writes it',
        )
    recent = [str(row[0]) for row in database.rows(sql, (connection, "", ""))]
    raise ConfigError(
        f'the journal has no {table} "{typed}". {close_matches(typed, recent)}'.rstrip(),
        code=f"{table}-unknown",
        where=str(database.path),
        fix="list the runs with `crosskey history`",
    )
