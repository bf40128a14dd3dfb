"""What is interrupted: a command, and how its folder was prepared. Another command is one more entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from crosskey.clock import SystemClock
from crosskey.journal import events
from crosskey.journal.database import Database, stamp
from crosskey.journal.migrations import MIGRATIONS, migrate
from proofs.crash.command import FOLDER
from proofs.crash.company import Vendors
from proofs.crash.inside import everybody_inside

__all__ = ("RUN", "SCENARIOS", "Run", "Scenario")

RUN = "RUN"
"""Stands for the id of the last run before the command."""
_OLD = 3
"""The schema from which an upgrade is interrupted."""

Run = Callable[..., object]
"""Run ``crosskey WORDS`` undisturbed in the folder that is being prepared."""


def _nothing(_run: Run, _folder: Path) -> None:
    """The folder as the first sync left it."""


def _saved(run: Run, _folder: Path) -> None:
    run("plan", "--save", "saved.plan")


def _older(_run: Run, folder: Path) -> None:
    """A journal that an older crosskey made, with one run in it that planned and wrote nothing."""
    journal, now = folder / FOLDER / "journal.sqlite", SystemClock().now()
    journal.parent.mkdir(mode=0o700)
    journal.touch(mode=0o600)
    known = [migration for migration in MIGRATIONS if migration.version <= _OLD]
    with Database(journal, writable=True) as database:
        migrate(database, now, version=0, migrations=known)
        with database.transaction():
            database.run("INSERT INTO connection (name, epoch, serial) VALUES ('desk', 1, 1)")
            database.run("INSERT INTO config_generation VALUES ('old', '[sync]', ?)", (stamp(now),))
            database.run(
                "INSERT INTO run (id, connection, epoch, kind, trigger, config_digest, plugins, sqlite_version,"
                " journal_mode, started_at, ended_at, verdict, counts, note) VALUES ('20260101T090000-0001', 'desk', 1,"
                " 'plan', 'command', 'old', '{}', '3', 'truncate', ?1, ?1, 'clean', '{}', '')",
                (stamp(now),),
            )
            events.append(database, now, "desk", "20260101T090000-0001", "run.opened", {})


def _inside(_run: Run, folder: Path) -> None:
    everybody_inside(folder / FOLDER / "journal.sqlite")


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """``words`` is interrupted, ``recover`` runs undisturbed afterwards and must end where nothing ever happened.

    ``RUN`` among the words stands for the last run before. After the recovery a plan is empty; ``held``: as it is after
    an undisturbed command.

    ``synced``: a first sync has been before the company changed, ``ago`` so long ago and sealed since. ``reads``: the
    command writes nothing to the desk. ``inside``: people are signed in, and right after the command nobody may be whom
    the desk has switched off.
    """

    words: tuple[str, ...]
    recover: tuple[str, ...] = ("sync",)
    synced: bool = True
    ago: timedelta = timedelta(0)
    reads: bool = False
    held: bool = False
    inside: bool = False
    change: Callable[[Vendors], None] = Vendors.change
    prepare: Callable[[Run, Path], None] = _nothing


def _applied(run: Run, _folder: Path) -> None:
    run("sync")


SCENARIOS: dict[str, Scenario] = {
    "first": Scenario(words=("sync",), synced=False),
    "sync": Scenario(words=("sync",)),
    "apply": Scenario(words=("apply", "saved.plan"), prepare=_saved),
    "retention": Scenario(words=("sync",), ago=timedelta(days=500)),
    "migration": Scenario(words=("sync",), synced=False, prepare=_older),
    "undo": Scenario(words=("undo", RUN, "--yes"), recover=("undo", RUN, "--yes"), prepare=_applied, held=True),
    "plan": Scenario(words=("plan",), reads=True),
    "leaver": Scenario(words=("sync",), change=Vendors.lose_an_agent, prepare=_inside, inside=True),
}
