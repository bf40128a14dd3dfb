"""A journal as it was, in memory: whoever plans over it again writes into nothing that stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from crosskey.clock import Clock
from crosskey.journal.moments import KeptRows, catch_up, end_of
from crosskey.journal.opening import open_past, open_to_read
from crosskey.journal.records import RunRecord
from crosskey.journal.writer import JournalWriter

__all__ = ("PastJournal",)


class PastJournal(JournalWriter):
    """Ours to write; nothing of it comes to the file, and it is gone when it is closed."""

    @classmethod
    def past(
        cls, path: Path, *, clock: Clock, connection: str, marks: Mapping[str, int], state: Iterable[KeptRows]
    ) -> PastJournal:
        """The journal at ``path`` as it was when its logs ended at ``marks``, with the ``state`` that was kept then.

        It is in memory and ours to write: nothing of it comes to the file, and it is gone when it is closed.
        """
        return PastJournal(open_past(path, clock, connection, marks=marks, state=state), clock)

    @classmethod
    def after_run(
        cls, path: Path, run: RunRecord, *, clock: Clock, marks: Mapping[str, int], state: Iterable[KeptRows]
    ) -> PastJournal:
        """The journal at ``path`` as it was when a run had ended, in memory as with :meth:`past`.

        ``marks`` and ``state`` are of a moment in that run or one before; what was written since then is added.
        """
        with open_to_read(path) as now:
            end = end_of(now, run, clock.now())
        journal = cls.past(path, clock=clock, connection=run.connection, marks=end.marks, state=state)
        catch_up(journal._database, end, after=marks.get("operation", 0))  # noqa: SLF001 - our own
        return journal

    def close(self) -> None:
        """Forget it."""
        self._database.close()
