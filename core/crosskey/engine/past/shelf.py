"""Where stages of the past stand: beside the journal, compressed, private, and removed in time.

They hold everybody's data, so they go by age, number and size. Where there is no room for all, those of runs over
changes go before those that read everything: each of those tells of everybody.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from crosskey.config import SnapshotSettings
from crosskey.engine.merging import Preference
from crosskey.engine.past.moment import Moment
from crosskey.engine.stage import Stage
from crosskey.errors import CrosskeyError, Diagnostic, StorageError

__all__ = ("Kept", "Shelf")

_SUFFIX: Final = {True: ".all.gz", False: ".changes.gz"}
_LEVEL: Final = 1
"""A higher level saves a tenth of the room and takes three times as long."""
_MIB: Final = 1024 * 1024
_SECONDS: Final = len("20261123T090000")
"""What of a run's id is its time; the rest tells runs of one second apart."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of the past: the run that left it, whether that read everything, and its file.

    ``whole``: with what the journal knew then, so that it can be planned over again.
    """

    run: str
    full: bool
    whole: bool
    path: Path

    @property
    def at(self) -> datetime:
        """When the run began, as its id says."""
        return datetime.strptime(self.run[:_SECONDS], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)

    def read(self) -> bytes:
        """The stage as the bytes of a database. Raises :class:`StorageError` when they cannot be read."""
        try:
            packed = self.path.read_bytes()
            return packed if self.path.suffix != ".gz" else gzip.decompress(packed)
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            raise StorageError(
                f"what run {self.run} read cannot be read any more: {error}",
                code="past-damaged",
                where=str(self.path),
                fix="remove that file, and ask about another run",
            ) from error

    def open(self, *, preference: Preference | None = None, partial: bool = False) -> Stage:
        """The stage in memory. Raises :class:`StorageError` when it cannot be read."""
        return Stage.past(self.path, self.read(), preference=preference, partial=partial)


class Shelf:
    """The stages beside one journal."""

    def __init__(self, journal: Path, settings: SnapshotSettings) -> None:
        self._latest = journal.with_name("snapshot.sqlite")
        self._folder = journal.with_name("snapshots")
        self._settings = settings

    def all(self) -> list[Kept]:
        """Every stage that is there, oldest first; the last run's too."""
        kept: list[Kept] = []
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                for full, suffix in _SUFFIX.items():
                    if path.name.endswith(suffix) and not path.name.startswith("."):
                        kept.append(Kept(run=path.name.removesuffix(suffix), full=full, whole=True, path=path))
        moment = _moment(self._latest)
        if moment is not None and moment.run not in {one.run for one in kept}:
            kept.append(Kept(run=moment.run, full=moment.full, whole=moment.worth, path=self._latest))
        return sorted(kept, key=lambda one: (one.path == self._latest, one.at))  # whatever the clock said

    def find(self, run: str) -> Kept | None:
        """The stage that a run left, as far as it is kept."""
        return next((one for one in self.all() if one.run == run), None)

    def newest(self) -> Kept | None:
        """The newest that tells of everybody and can be planned over again."""
        return next((one for one in reversed(self.all()) if one.full and one.whole), None)

    def newest_by(self, run: str, began: Callable[[Iterable[str]], Sequence[str]]) -> Kept | None:
        """The one that was left by that run, else the newest of a run before it. ``began`` puts runs in their order."""
        kept = {one.run: one for one in self.all()}
        order = list(began((*kept, run)))
        before = order[: order.index(run) + 1] if run in order else []
        return next((kept[one] for one in reversed(before) if one in kept), None)

    def is_first(self, moment: Moment) -> bool:
        """Whether no stage of that day that read as much is there yet."""
        day = moment.at.strftime("%Y%m%dT")
        return not any(one.run.startswith(day) and one.full == moment.full for one in self.all())

    def keep(self, now: datetime) -> list[Diagnostic]:
        """Put the last run's stage on the shelf, if it is worth it, and remove what is too old or too much.

        Call before another stage takes its place. What goes wrong is told, and is never in the way of a run.
        """
        try:
            moment = _moment(self._latest)
            if moment is not None and moment.worth and self._settings.count and self._settings.mib:
                self._pack(moment)
            self.tidy(now)
        except (OSError, CrosskeyError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            return [
                Diagnostic(
                    severity="warning",
                    code="past-not-kept",
                    summary=f"what the run before this one read could not be kept: {why}",
                    path=str(self._folder),
                    fix="give that folder room and leave it to the user who runs crosskey; "
                    "until then `crosskey explain --at` knows only what the journal tells",
                )
            ]
        return []

    def tidy(self, now: datetime) -> None:
        """Remove what is too old, more than may be kept, or left by a kill."""
        if not self._folder.exists():
            return
        for leftover in self._folder.glob(".*"):
            leftover.unlink(missing_ok=True)
        kept = [one for one in self.all() if one.path != self._latest]
        old = [one for one in kept if now - one.at > self._settings.keep]
        rest = [one for one in kept if one not in old]
        for one in (*old, *self._surplus(rest)):
            one.path.unlink(missing_ok=True)

    def _surplus(self, kept: Sequence[Kept]) -> list[Kept]:
        sizes = {one.path: one.path.stat().st_size for one in kept}
        count, size = len(kept), sum(sizes.values())
        surplus: list[Kept] = []
        for one in sorted(kept, key=lambda each: (each.full, each.run)):
            if count <= self._settings.count and size <= self._settings.mib * _MIB:
                break
            surplus.append(one)
            count, size = count - 1, size - sizes[one.path]
        return surplus

    def _pack(self, moment: Moment) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        final = self._folder / (moment.run + _SUFFIX[moment.full])
        if final.exists():
            return
        fresh = final.with_name(f".{final.name}")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with self._latest.open("rb") as stage, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL) as to:
                shutil.copyfileobj(stage, to, _MIB)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(final)


def _moment(snapshot: Path) -> Moment | None:
    """The moment of a snapshot; ``None`` when there is none, or it is of another version."""
    try:
        with Stage.kept(snapshot) as stage:
            return stage.read_note("moment", Moment)
    except StorageError:
        return None
