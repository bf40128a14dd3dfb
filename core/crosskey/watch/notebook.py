"""What a watcher notes in the journal, and what it does when the journal takes nothing: tell somebody all the same."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from crosskey.clock import Clock
from crosskey.connector.notifier import Notice
from crosskey.engine.guarding import Switch
from crosskey.errors import CrosskeyError, LockedError, StorageError
from crosskey.journal import Delivery, Watchbook
from crosskey.journal.filelock import FileLock
from crosskey.journal.files import prepare_directory
from crosskey.journal.holder import this_process
from crosskey.watch.setup import Setup

__all__ = ("Notebook", "watch_lock")

_log = logging.getLogger("crosskey.watch")


def watch_lock(path: Path, connection: str, now: datetime) -> FileLock:
    """The right to watch: one process a journal. Raises :class:`LockedError` naming who has it."""
    prepare_directory(path.parent)
    try:
        return FileLock(path.with_name(path.name + ".watch"), this_process(connection, now))
    except LockedError as error:
        raise LockedError(
            error.message.replace("another run holds the journal", "another watcher is at work"),
            code="watched",
            where=str(path),
            fix="`crosskey status` shows it; `crosskey watch --now` makes it run at once",
        ) from None


class Notebook:
    """The watchbook of one connection, opened for each use: a disk that failed once may be mended by then."""

    def __init__(self, setup: Setup, clock: Clock) -> None:
        self._path = setup.config.journal.path
        self._connection = setup.connection
        self._clock = clock
        self._unwritable = ""
        self.switch = Switch(self._path)

    @property
    def is_stopped(self) -> bool:
        """Whether a person stopped all writes, or nobody can tell: then no round begins."""
        return self.switch.look() is not None

    @property
    def problem(self) -> str:
        """Why the journal takes nothing; ``""`` when it does."""
        return self._unwritable

    def open(self) -> None:
        """Make sure that there is a journal of this version that knows the connection.

        Raises :class:`StorageError`, or :class:`LockedError` while a run is at work on one that must be made first.
        """
        try:
            with self._book() as book:
                known = book.is_known
        except StorageError as error:
            if error.code not in ("journal-missing", "journal-older"):
                raise
            known = False
        if not known:
            Watchbook.prepare(self._path, clock=self._clock, connection=self._connection)

    @contextmanager
    def noting(self) -> Generator[Watchbook | None]:
        """The book, or ``None`` when the journal cannot be used now, which is logged once."""
        try:
            book = self._book()
        except CrosskeyError as error:
            self._failed(error)
            yield None
            return
        try:
            with book:
                yield book
            self._unwritable = ""
        except CrosskeyError as error:
            self._failed(error)

    def note_delivery(self, delivery: Delivery, problem: str) -> None:
        """Note what became of a notice."""
        with self.noting() as book:
            if book is None:
                return
            if problem:
                book.not_delivered(delivery, problem)
            else:
                book.delivered(delivery)

    def complaint(self, notifiers: Sequence[str], before: str) -> list[Delivery]:
        """The notice that the journal takes nothing, or does again, past the outbox that is in it.

        ``before`` is the :attr:`problem` that was told last.
        """
        over = not self._unwritable
        text = f"The watcher cannot note anything ({self._unwritable}); no round writes to the target meanwhile."
        notice = Notice(
            key=f"{self._connection}:journal",
            code=self._unwritable or before,
            severity="resolved" if over else "error",
            at=self._clock.now(),
            subject=f"{self._connection}: the journal takes nothing",
            text="It is over: the journal can be written again." if over else text,
            fix="" if over else "free disk space or mend the disk; see `crosskey status`",
        )
        return [Delivery(id=0, notifier=name, notice=notice, attempts=0) for name in notifiers]

    def _failed(self, error: CrosskeyError) -> None:
        if self._unwritable != error.code:
            _log.error("the journal takes nothing: %s", error.message)
        self._unwritable = error.code

    def _book(self) -> Watchbook:
        return Watchbook.noting(self._path, clock=self._clock, connection=self._connection)
