"""One process of crosskey, from its start to its death: nothing of it lives on but what its disk holds."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from crosskey.journal import JournalWriter
from crosskey.journal.opening import open_to_write
from proofs.simulation.clock import SimClock, VirtualLoop
from proofs.simulation.desk import Desk
from proofs.simulation.directory import Directory
from proofs.simulation.faults import Faults
from proofs.simulation.oracle import Oracle

__all__ = ("CONNECTION", "KilledError", "Life", "LifeClock", "Round")

T = TypeVar("T")

CONNECTION: Final = "desk"
_DEADLINE: Final = 3600.0
"""Virtual seconds after which somebody ends a run that hangs."""


class KilledError(BaseException):
    """The process is gone at this moment."""


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An exception handler that tells nobody."""
    del loop, context


class Round(msgspec.Struct):
    """What one run was asked, when it began in true time, and what it sent."""

    name: str
    began: float
    kind: str
    allowed: int = 0
    disables: Counter[str] = msgspec.field(default_factory=Counter[str])


class LifeClock:
    """The clock that a process reads. It leads from a connector's context to the process it was opened in."""

    def __init__(self, clock: SimClock, life: Life) -> None:
        self._clock = clock
        self.life = life

    def now(self) -> datetime:
        """The machine's wall clock."""
        return self._clock.now()

    def monotonic(self) -> float:
        """True seconds."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await self._clock.sleep(seconds)


class Life:
    """An open journal, a clock, and where the world reaches in. Opening raises what the journal raises.

    ``meanwhile`` is awaited wherever a vendor lets the process wait: others act then.
    """

    def __init__(
        self,
        clock: SimClock,
        faults: Faults,
        directory: Directory,
        desk: Desk,
        oracle: Oracle,
        path: Path,
        meanwhile: Callable[[Life], Awaitable[None]],
    ) -> None:
        self.sim = clock
        self.faults = faults
        self.directory = directory
        self.desk = desk
        self.oracle = oracle
        self.path = path
        self.clock = LifeClock(clock, self)
        self.dead = False
        self.armed = ""
        self.shielded = False
        self.taken_over = False
        self.fuse = 0
        """After so many more awaits and transactions the process dies; 0: it does not."""
        self.told_time: Callable[[], None] = lambda: None
        self.round = Round("", 0.0, "")
        self._meanwhile = meanwhile
        self._blocker: sqlite3.Connection | None = None
        self._main: asyncio.Task[Any] | None = None
        self._opened = open_to_write(path, self.clock, CONNECTION)
        self._database = self._opened.database
        # The process dies between statements, never inside SQLite, so neither syncing nor a journal on disk tells apart
        # anything here; what the disk does in between is proved elsewhere (docs/proof.md).
        for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "busy_timeout = 0"):
            self._database.value(f"PRAGMA {pragma}")
        self.journal = JournalWriter(self._opened, self.clock)
        self._database.guard_with(self._before_write)
        self.journal.time_commits(self._after_write)

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run something to its end, bounded by a deadline. Raises whatever it raises, :class:`KilledError` included."""
        loop = VirtualLoop(self.sim, self.step)
        loop.set_exception_handler(_ignore)  # what a dead process leaves behind tells nobody
        self._main = loop.create_task(self._bounded(main))
        try:
            return loop.run_until_complete(self._main)
        finally:
            self._main = None
            for task in asyncio.all_tasks(loop):
                task.cancel()
            with suppress(BaseException):
                loop.run_until_complete(asyncio.sleep(0))
            main.close()
            loop.close()
            self._unblock()

    async def _bounded(self, main: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(_DEADLINE):
            return await main

    async def wait(self, seconds: float) -> None:
        """A vendor takes its time, and says what time it is; the world goes on meanwhile."""
        await self.wait_sending(seconds)
        self.told_time()
        if not self.shielded:
            await self._meanwhile(self)

    async def wait_sending(self, seconds: float) -> None:
        """A request is on its way out: nobody takes over just here.

        A process that is paused between its last check and the wire sends one request late; only the vendor could
        refuse that (docs/proof.md).
        """
        await self.sim.sleep(seconds)
        if self.dead:
            raise KilledError

    def step(self) -> None:
        """Called wherever the process goes on after waiting: here it may die, or lose its disk."""
        if self.dead:
            raise KilledError
        if self.shielded:
            return
        self._burn()
        if self.faults.strikes("process.crash-at-await", 0.004):
            self._die()
        if self.faults.strikes("process.cancelled", 0.002):
            self._cancel()
        if not self.armed and self.faults.may("journal.locked") and self.faults.chance(0.0015):
            self.armed = "journal.locked"
            self._blocker = sqlite3.connect(self.path, isolation_level=None)
            self._blocker.execute("BEGIN EXCLUSIVE")
        if not self.armed and self.faults.may("journal.read-only") and self.faults.chance(0.0015):
            self.armed = "journal.read-only"
            self._database.value("PRAGMA query_only = ON")

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    # -- dying --------------------------------------------------------------------------------------------------------

    def _before_write(self) -> None:
        if self.dead:
            raise KilledError
        if not self.shielded:
            self._burn()
            if self.faults.strikes("process.crash-before-write", 0.004):
                self._die()
            if not self.armed and self.faults.may("journal.disk-full") and self.faults.chance(0.01):
                self.armed = "journal.disk-full"
                self._database.value("PRAGMA max_page_count = 1")
        self._opened.lease.check()

    def _after_write(self, seconds: float) -> None:
        del seconds
        if not self.shielded:
            self._burn()
        if not self.shielded and self.faults.strikes("process.crash-after-write", 0.004):
            self._die()

    def _burn(self) -> None:
        if self.fuse:
            self.fuse -= 1
            if not self.fuse:
                self._die()

    def _die(self) -> None:
        self.dead = True
        raise KilledError

    def bury(self) -> None:
        """Close what the system closes of a dead process; its lease stays taken."""
        self.dead = True
        self._unblock()
        with suppress(sqlite3.Error):
            self._database.close()
        if self._opened.lock is not None:
            self._opened.lock.release()

    def end(self) -> None:
        """End as a process does that nobody kills."""
        self._unblock()
        self.shielded = True
        self.journal.close()

    def mend(self) -> None:
        """The disk takes everything again: what was to fail with the next page that is needed fails no more."""
        self._unblock()
        self.armed = ""
        for pragma in ("max_page_count = 2147483646", "query_only = OFF"):
            self._database.value(f"PRAGMA {pragma}")

    def _unblock(self) -> None:
        if self._blocker is not None:
            self._blocker.close()
            self._blocker = None
