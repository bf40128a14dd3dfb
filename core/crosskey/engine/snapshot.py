"""The snapshot of the last run: what a run that reads only changes starts from, and when it may not.

Anything that casts doubt on the snapshot leads to a full read: another configuration, other plugins, another journal or
an older state of it, a full read too long ago, a source without a cursor.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from crosskey.config import Config
from crosskey.engine.stage import Stage
from crosskey.errors import UNREADABLE, CrosskeyError, StorageError
from crosskey.journal import Journal

__all__ = ("FORM", "DoubtError", "Origin", "distrusting", "doubting", "read_origin")


FORM: Final = 3
"""Grows when the stage keeps anything in another form: an older snapshot is then of no use."""


class DoubtError(CrosskeyError):
    """Why changes alone are not enough: everything is read instead."""

    default_code = "doubt"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot was made with, and from where each source's changes go on (by section path).

    ``head`` is the end of the journal's chain at that time: a journal that did not go through it is another one,
    however far it has come since.
    """

    form: int = 0
    lineage: str
    serial: int
    head: tuple[int, str]
    config_digest: str
    plugins: dict[str, str]
    issuers: dict[str, str]
    cursors: dict[str, str]
    full_at: datetime

    def refuse_unfit(
        self, config: Config, journal: Journal, issuers: Mapping[str, str], plugins: Mapping[str, str], now: datetime
    ) -> None:
        """Raise :class:`DoubtError` unless this run may go on from this snapshot."""
        if self.lineage != journal.lineage or self.serial > journal.serial or not journal.went_through(*self.head):
            raise DoubtError("the journal is another one, or older than the snapshot")
        if self.form != FORM:
            raise DoubtError("the snapshot was made by another version of crosskey")
        if self.config_digest != config.digest:
            raise DoubtError("the configuration changed")
        if self.plugins != dict(plugins):
            raise DoubtError("plugins changed")
        if self.issuers != dict(issuers):
            raise DoubtError("the sources changed")
        every: timedelta = config.sync.full_every
        if not timedelta(0) <= now - self.full_at < every:  # begun in the future, it was begun by a wrong clock
            raise DoubtError(f"the last full read began at {self.full_at:%Y-%m-%d %H:%M UTC}")


def read_origin(snapshot: Path) -> Origin:
    """The origin of the snapshot at a path. Raises :class:`DoubtError` when there is none, or none that can be read."""
    try:
        with Stage.kept(snapshot) as stage:
            return stage.read_note("origin", Origin)
    except StorageError as error:
        raise DoubtError("there is no snapshot of an earlier run to go on from") from error


@contextmanager
def doubting() -> Generator[None]:
    """Take whatever of a snapshot cannot be read for a reason to doubt it."""
    try:
        yield
    except (StorageError, *UNREADABLE) as error:
        raise DoubtError("the snapshot of the last run cannot be read") from error


@contextmanager
def distrusting(snapshot: Path) -> Generator[None]:
    """Remove the snapshot when something in it cannot be read although a run was begun on it: the next reads all."""
    try:
        yield
    except (StorageError, *UNREADABLE) as error:
        with suppress(OSError):
            snapshot.unlink(missing_ok=True)
        if isinstance(error, StorageError):
            raise
        raise StorageError(
            "the snapshot of the last run is damaged, and was removed",
            code="stage",
            where=str(snapshot),
            fix="run again: everything is read then",
        ) from error
