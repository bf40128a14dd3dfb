"""The journal's file from outside, and how much it keeps: for whoever wants to know before a run."""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime
from pathlib import Path

import msgspec

from crosskey.errors import Diagnostic, StorageError
from crosskey.journal.database import Database, durability, moment
from crosskey.journal.filelock import named_in
from crosskey.journal.files import check_existing, refuse_network
from crosskey.journal.headfile import read_head
from crosskey.journal.holder import Holder

__all__ = ("JournalFile", "Keeping", "keeping")


class Keeping(msgspec.Struct, frozen=True):
    """How many events are kept and since when; the open operation, if any, that keeps old ones from being removed."""

    events: int
    since: datetime | None
    blocked_by: int | None


class JournalFile:
    """The file as the operating system shows it. Nothing is opened that SQLite holds locks on."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))

    @property
    def exists(self) -> bool:
        """Whether there is a journal."""
        return self.path.exists()

    @property
    def grew(self) -> int:
        """By how many bytes the last run made it grow."""
        head = read_head(self.path)
        return head.grew if head is not None else 0

    @staticmethod
    def durability() -> tuple[str, str]:
        """The journal mode and the syncing that crosskey chooses for the linked SQLite."""
        return durability(sqlite3.sqlite_version_info)

    def holder(self) -> Holder | None:
        """Which process of this machine holds the lock; ``None``: none does."""
        return named_in(self.path.with_name(self.path.name + ".lock"))

    def problems(self) -> list[Diagnostic]:
        """What a run would refuse: permissions, kind of file, file system; and an owner that is somebody else."""
        found: list[Diagnostic] = []
        if not self.exists:
            return found
        for look in (lambda: check_existing(self.path), lambda: refuse_network(self.path.parent)):
            try:
                look()
            except StorageError as error:
                found.append(error.diagnostic())
        if os.name == "posix" and self.path.stat().st_uid != os.geteuid():
            found.append(
                Diagnostic(
                    severity="warning",
                    code="journal-owner",
                    summary="the journal belongs to another user than the one who asks",
                    path=str(self.path),
                    fix="run crosskey always as the same user",
                )
            )
        return found


def keeping(database: Database) -> Keeping:
    """How much is kept."""
    events, since = database.rows("SELECT count(*), min(at) FROM event")[0]
    blocked_by = database.value(
        "SELECT min(id) FROM operation WHERE state IN ('intent', 'uncertain')"
        " AND event <= (SELECT max(last_seq) FROM segment)"
    )
    return Keeping(events, moment(since) if since else None, blocked_by)
