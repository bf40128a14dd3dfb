"""The watcher: a thin loop that does what the timetable decides, keeps the journal told, and never ends by itself."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from datetime import datetime, timedelta
from random import Random
from typing import Final

from crosskey.clock import Clock
from crosskey.engine.run import execute as run_engine
from crosskey.errors import ConfigError, ExitCode, LockedError
from crosskey.journal import Ask, Delivery
from crosskey.model import Subject
from crosskey.telemetry import instruments
from crosskey.watch.backoff import note_failure
from crosskey.watch.causes import cause_of_hooks, cause_of_reload, causes_of, dead_hooks_in
from crosskey.watch.daily import Daily
from crosskey.watch.delivery import deliver
from crosskey.watch.failure import Failure, failure_of, stalled
from crosskey.watch.inbox import Inbox
from crosskey.watch.notebook import Notebook, watch_lock
from crosskey.watch.pausing import end, pause
from crosskey.watch.progress import Progress
from crosskey.watch.round import Ended, Execute, carry_out, in_a_line
from crosskey.watch.setup import Setup
from crosskey.watch.status import BEAT, Status, read_status
from crosskey.watch.systemd import Systemd
from crosskey.watch.timetable import Round, Situation, Timetable

__all__ = ("Watcher",)

_log = logging.getLogger("crosskey.watch")

TICK: Final = 30.0
"""Seconds after which the loop goes round even when nothing happens."""

_LOCKED: Final = timedelta(seconds=30)
_STALLED: Final = 3600.0
_REST: Final = timedelta(minutes=1)
"""No round begins by itself so soon after another, whatever could not be noted about that one."""

_LAST_WORDS: Final = 10.0


class Watcher:
    """Rounds, signals, notices. :meth:`run` returns the exit code once :meth:`stop` was called and the round ended.

    All other methods are for the same event loop (signal handlers, web handlers) and return at once. ``say`` hears a
    line for each thing worth a line; ``beside`` is open while it watches (its endpoints); ``execute`` stands for the
    engine in tests.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        reload: Callable[[], Setup],
        execute: Execute = run_engine,
        systemd: Systemd | None = None,
        random: Random | None = None,
        say: Callable[[str], None] = _log.info,
        beside: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    ) -> None:
        self.setup = setup
        self.status: Status | None = None
        self.counts: Counter[tuple[str, str]] = Counter()
        """What this process did: (what, how) → how often, for metrics."""
        self._clock: Clock = setup.connect.clock
        self._reload_setup = reload
        self._execute = execute
        self._systemd = systemd or Systemd({})
        self._random = random or Random()  # noqa: S311 - spreads rounds over time, protects nothing
        self._say = say
        self._beside = beside
        self._notebook = Notebook(setup, self._clock)
        self._inbox = Inbox()
        self._stir = asyncio.Event()
        self._tick = min(TICK, self._systemd.watchdog or TICK)
        self._advanced = self._clock.monotonic()
        self._progress = Progress(self._clock)
        self._round: asyncio.Task[None] | None = None
        self._errand: asyncio.Task[None] | None = None
        self._stops = 0
        self._reloads = False
        self._renewed = False
        self._refused: Failure | None = None
        self._stalled = False
        self._look_at = self._clock.now()
        self._next_at = self._rested_at = self._clock.now()
        self._locked_until: datetime | None = None
        self._full_tried_at: datetime | None = None
        self._complained = ""
        self._daily = Daily(self._notebook, self._clock)

    # -- from outside -------------------------------------------------------------------------------------------------

    def wake(self, people: Iterable[Subject] = (), *, changes: bool = False) -> None:
        """Look at these people soon, or (``changes``) at all that changed: a signal said so."""
        self._inbox.put(people, self._clock.now())
        self.counts["signal", "changes" if changes else "people"] += 1
        if changes:
            self._inbox.hear()
        self._stir.set()

    def ask(self, wanted: Ask = "") -> None:
        """Run now; without ``wanted`` what the journal asks for, or a round of changes where that is nothing."""
        self._inbox.ask(wanted)
        if not wanted:
            self._inbox.poke()
        self._look_at = self._clock.now()
        self._stir.set()

    def renew_hooks(self, source: str) -> None:
        """The vendor of this source said that a subscription is about to end."""
        self._daily.look_at_hooks(source)

    def reload(self) -> None:
        """Read the configuration again; it holds from the next round on."""
        self._reloads = True
        self._stir.set()

    def stop(self) -> None:
        """Drain: the batch under way ends, nothing else begins. A second call ends the round at once."""
        self._stops += 1
        if self._round is not None and (self._stops > 1 or not self._progress.applying):
            self._round.cancel()
        self._stir.set()

    @property
    def is_alive(self) -> bool:
        """Whether the loop has gone round within three ticks."""
        return self._clock.monotonic() - self._advanced < 3 * self._tick

    @property
    def is_ready(self) -> bool:
        """Whether the journal can be written and no configuration waits to be mended."""
        return self.status is not None and not self._notebook.problem and self._refused is None and not self._stops

    @property
    def doing(self) -> str:
        """What it is at, in words."""
        if self._round is not None:
            return f"a round, {self._progress.doing.lower()}"
        if self._locked_until is not None:
            return "waiting for another run to end"
        return "stopped by a person" if self._notebook.is_stopped else "waiting"

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Watch until told to stop. Raises only what keeps it from beginning."""
        lock = watch_lock(self.setup.config.journal.path, self.setup.connection, self._clock.now())
        try:
            async with self._beside():
                if await self._begin():
                    await self._loop()
                    await self._end()
        finally:
            await end(self._round, self._errand)
            lock.release()
        return int(ExitCode.INTERRUPTED if self._stops > 1 else ExitCode.OK)

    async def _begin(self) -> bool:
        """Open the journal and take up the rhythm; ``False`` when told to stop before that."""
        while not self._stops:
            try:
                self._notebook.open()
                break
            except LockedError:
                self._say("another run is at work; waiting for it to end")
                await self._pause(self._clock.now() + _LOCKED)
        else:
            return False
        now = self._clock.now()
        with self._notebook.noting() as book:
            if book is not None:
                book.begin_watch()
                self._daily.dead_hooks = dead_hooks_in(book.told())
                last = next((run for run in book.runs(20) if run.kind == "sync"), None)
                self._next_at = self._timetable(self.setup).first(now, last and last.started_at)
                self._renewed = last is not None and last.config_digest != self.setup.config.digest
        self._look()
        self._systemd.ready()
        self._say(f"watching {self.setup.connection}; the next round begins {self._next_at:%H:%M:%S} UTC")
        return True

    async def _loop(self) -> None:
        while not (self._stops and self._round is None):
            self._advanced = self._clock.monotonic()
            self._systemd.alive()
            if self._reloads:
                self._take_reload()
            if not timedelta(0) < self._look_at - self._clock.now() <= BEAT:  # beyond: the wall clock went back
                self._look()
            until = self._turn()
            self._end_stalled()
            await self._pause(until)

    async def _end(self) -> None:
        self._systemd.stopping()
        self._say("stopped")
        due = self._look()
        if self._errand is None and due:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS):
                    await deliver(self.setup, due, self._notebook.note_delivery)
        with self._notebook.noting() as book:
            if book is not None:
                book.end_watch()

    async def _pause(self, until: datetime) -> None:
        """Wait until then, a tick at most, or until something happens."""
        seconds = min(self._tick, max(0.0, (until - self._clock.now()).total_seconds()))
        await pause(self._clock, seconds, self._stir)

    # -- rounds -------------------------------------------------------------------------------------------------------

    def _turn(self) -> datetime:
        """Begin the round that is due, if any; when to look again."""
        now = self._clock.now()
        if self._round is not None or self._stops:
            return now + timedelta(seconds=self._tick)
        status = self.status
        step = self._timetable(self.setup).decide(
            Situation(
                now=now,
                next_at=self._next_at,
                full_at=status.rounds.full_at if status else None,
                full_tried_at=self._full_tried_at,
                renewed=self._renewed,
                trouble=status.trouble if status else None,
                asked=self._inbox.asked,
                heard=self._inbox.heard,
                people_at=self._inbox.people_at,
                locked_until=self._locked_until,
                stopped=self._notebook.is_stopped,
            )
        )
        if step.round is None:
            return min(step.at, self._look_at)
        if step.round.why not in ("asked", "signal") and now < self._rested_at <= now + _REST:
            return self._rested_at
        self._progress = Progress(self._clock)
        self._round = asyncio.create_task(self._carry_out(step.round))
        self._round.add_done_callback(self._is_over)
        return now + timedelta(seconds=self._tick)

    async def _carry_out(self, round: Round) -> None:
        began = self._clock.now()
        if round.why == "quarantine":
            self._refresh_secrets()
        people = self._inbox.take_people() if round.reach == "people" else frozenset[Subject]()
        if round.reach != "people":
            self._inbox.take_ask()
        if round.reach == "everything":
            self._full_tried_at = began
        setup, progress = self.setup, self._progress
        ended = await carry_out(
            setup,
            round,
            people,
            execute=self._execute,
            progress=progress,
            stop=lambda: bool(self._stops) or self._notebook.is_stopped,
        )
        if ended.how == "interrupted" and self._stalled:
            ended = Ended(how="failed", failure=stalled(_STALLED / 60))
        self._take(setup, round, people, ended, began)
        if ended.how == "done" and round.reach != "people" and not self._stops:
            await self._daily.attend(setup)

    def _is_over(self, task: asyncio.Task[None]) -> None:
        """Called however the task of a round ended, even when it was cancelled before it began."""
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a round could not be noted (%s)", type(error).__name__)
            _log.debug("it was", exc_info=error)
            self._next_at = max(self._next_at, self._clock.now() + self.setup.config.watch.every)
        self._round = None
        self._stalled = False
        self._look_at = self._clock.now()
        if self._locked_until is None:
            self._rested_at = self._look_at + min(_REST, self.setup.config.watch.every / 2)
        self._stir.set()

    def _take(self, setup: Setup, round: Round, people: frozenset[Subject], ended: Ended, began: datetime) -> None:
        """Note what a round came to, and when the next one is due."""
        now = self._clock.now()
        self.counts["round", ended.how] += 1
        self._locked_until = None
        if ended.how == "locked":
            self._locked_until = now + _LOCKED * self._random.uniform(0.5, 1.0)
            self._inbox.put(people, now)
            if round.why == "asked":
                self._inbox.ask("everything" if round.reach == "everything" else "changes")
            return
        self._inbox.over(people)
        if round.reach != "people":
            self._next_at = self._timetable(setup).after(began, now)
        if ended.how == "interrupted":
            return
        self._say(in_a_line(round, ended, people))
        with self._notebook.noting() as book:
            if book is None:
                return
            book.found(people)
            if ended.failure is not None:
                note_failure(book, ended.failure, now, self._random, instruments())
            elif round.reach != "people":
                book.clear_trouble(by="round")
            if ended.result is not None and ended.how == "done" and ended.result.reach == "everything":
                book.note_full(ended.result.run)
                self._renewed = self._renewed and setup is not self.setup

    def _end_stalled(self) -> None:
        if self._round is not None and self._progress.idle > _STALLED and not self._stalled:
            self._stalled = True
            self._round.cancel()

    # -- telling ------------------------------------------------------------------------------------------------------

    def _look(self) -> list[Delivery]:
        """Give a sign of life, look at the journal, and see that whoever must hear does; what is to be sent now."""
        now = self._clock.now()
        self._look_at = now + BEAT
        self._systemd.status(f"{self.doing}; next round {self._next_at:%H:%M:%S} UTC")
        names = sorted(self.setup.config.notify)
        due: list[Delivery] = []
        with self._notebook.noting() as book:
            if book is not None:
                self._inbox.read(book.beat(doing=self.doing, next_at=self._next_at), book.sought(), now)
                self.status = read_status(book, self.setup.config, now)
                if self.status.watching != "yes":  # the journal was put back from a backup, or made anew
                    book.begin_watch()
                causes = causes_of(self.status, doing=self.doing)
                if self._refused is not None:
                    causes.append(cause_of_reload(self.status, self._refused))
                causes += [cause_of_hooks(self.status, section) for section in self._daily.dead_hooks]
                for notice in book.tell(causes, notifiers=names):
                    self._say(f"{notice.severity}: {notice.subject}")
                due = book.due(names)
        if self._complained != self._notebook.problem and self._errand is None:
            due = [*self._notebook.complaint(names, self._complained), *due]
            self._complained = self._notebook.problem
        if due and self._errand is None and not self._stops:
            self._errand = asyncio.create_task(self._deliver(due))
        return due

    async def _deliver(self, due: list[Delivery]) -> None:
        try:
            arrived = await deliver(self.setup, due, self._notebook.note_delivery)
            self.counts["notice", "sent"] += arrived
            self.counts["notice", "failed"] += len(due) - arrived
        finally:
            self._errand = None

    # -- the configuration --------------------------------------------------------------------------------------------

    def _take_reload(self) -> None:
        self._reloads = False
        self._systemd.reloading()
        try:
            later = self._reload_setup()
            self.setup.refuse_other(later)
        except ConfigError as error:
            self._refused = failure_of(error)
            self._say(f"the changed configuration cannot be used, the one before goes on: {error}")
        except Exception as error:  # noqa: BLE001 - secrets come from programs and plugins
            self._refused = failure_of(error)
            self._say(f"the configuration could not be read again ({type(error).__name__}); the one before goes on")
        else:
            self._refused = None
            self._renewed = self._renewed or later.config.digest != self.setup.config.digest
            self.setup = later
            self._daily.look_at_hooks()
            self._full_tried_at = None
            self._next_at = min(self._next_at, self._clock.now() + later.config.watch.every)
            self._say("the configuration was read again")
        self._look_at = self._clock.now()
        self._systemd.ready()

    def _timetable(self, setup: Setup) -> Timetable:
        return Timetable(setup.config.watch, setup.config.sync.full_every, self._random)

    def _refresh_secrets(self) -> None:
        """Before a quarantined connection is tried: secrets that were renewed in their place are taken up."""
        with suppress(Exception):  # what is wrong with it shows in the round, or at the next reload
            later = self._reload_setup()
            if later.config.digest == self.setup.config.digest:
                self.setup = later
