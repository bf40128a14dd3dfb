"""What is interrupted: a command, and how its folder was prepared. Another command is one more entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from crosskey.clock import SystemClock
from crosskey.journal.database import Database
from crosskey.journal.migrations import MIGRATIONS, migrate
from proofs.crash.command import FOLDER

__all__ = ("SCENARIOS", "Run", "Scenario")

_OLD = 3
"""The schema from which an upgrade is interrupted."""

Run = Callable[..., object]
"""Run ``crosskey WORDS`` undisturbed in the folder that is being prepared."""


def _nothing(_run: Run, _folder: Path) -> None:
    """The folder as the first sync left it."""


def _saved(run: Run, _folder: Path) -> None:
    run("plan", "--save", "saved.plan")


def _older(_run: Run, folder: Path) -> None:
    """The journal as an older crosskey kept it: what it has no place for is left out."""
    journal = folder / FOLDER / "journal.sqlite"
    older = journal.with_name("older.sqlite")
    older.touch(mode=0o600)
    known = [migration for migration in MIGRATIONS if migration.version <= _OLD]
    with Database(older, writable=True) as database:
        migrate(database, SystemClock().now(), version=0, migrations=known)
    file = sqlite3.connect(older, isolation_level=None)
    file.execute("ATTACH ? AS newer", (str(journal),))
    file.execute("BEGIN")
    guards = file.execute("SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        file.execute(f"DROP TRIGGER main.{name}")
    file.execute("DELETE FROM main.meta")
    for (table,) in file.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
        columns = ", ".join(row[1] for row in file.execute(f"PRAGMA main.table_info({table})"))
        file.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
    for _, sql in guards:
        file.execute(sql)
    file.execute("COMMIT")
    file.close()
    for beside in ("-journal", "-wal", "-shm"):
        journal.with_name(journal.name + beside).unlink(missing_ok=True)
    older.replace(journal)
    older.with_name("older.sqlite-journal").unlink(missing_ok=True)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """``words`` is interrupted, ``recover`` runs undisturbed afterwards and must end where nothing ever happened.

    ``synced``: a first sync has been before the company changed. ``reads``: the command writes nothing to the desk.
    """

    words: tuple[str, ...]
    recover: tuple[str, ...] = ("sync",)
    synced: bool = True
    reads: bool = False
    prepare: Callable[[Run, Path], None] = _nothing


SCENARIOS: dict[str, Scenario] = {
    "first": Scenario(words=("sync",), synced=False),
    "sync": Scenario(words=("sync",)),
    "apply": Scenario(words=("apply", "saved.plan"), prepare=_saved),
    "migration": Scenario(words=("sync",), prepare=_older),
    "plan": Scenario(words=("plan",), reads=True),
}
