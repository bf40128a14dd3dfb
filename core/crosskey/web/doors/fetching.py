"""The transmitters that are asked for security events as long as the doors are served."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from crosskey.config import DoorSection
from crosskey.connector.signal_poll import LONGEST, SignalPoll
from crosskey.connector.sso import SignalMessage
from crosskey.errors import CrosskeyError, LockedError, StorageError
from crosskey.http import Client
from crosskey.journal.filelock import FileLock
from crosskey.journal.holder import this_process
from crosskey.sso.discovery import origin_of
from crosskey.sso.polling import SignalPoller
from crosskey.sso.signals import SignalReply
from crosskey.web.doors.hall import Hall

__all__ = ("fetching",)

_log = logging.getLogger("crosskey.sso")

_AGAIN: Final = 30.0
"""Seconds until what cannot be had now (the lock, the journal) is tried again."""


@asynccontextmanager
async def fetching(hall: Hall) -> AsyncGenerator[None]:
    """Ask every transmitter that the open doors name, until the block ends."""
    tasks = [
        asyncio.create_task(_Fetching(hall, section, poll).go_on())
        for section in hall.sections.values()
        if (find := section.provided.value.poll) is not None and (poll := find(section.settings)) is not None
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Fetching:
    """One door's transmitter."""

    def __init__(self, hall: Hall, section: DoorSection, poll: SignalPoll) -> None:
        self._hall = hall
        self._section = section
        self._poll = poll
        self._poller = SignalPoller(poll, self._hear, hall.clock)

    async def go_on(self) -> None:
        """Ask for ever, as the only process that does: each would take away what another was given."""
        lock = await self._lock()
        try:
            while True:
                await self._hall.clock.sleep(await self._asking())
        finally:
            lock.release()

    async def _lock(self) -> FileLock:
        """The right to ask, waited for as long as another process has it."""
        config, told = self._hall.config, False
        path = config.journal.path.with_name(f"{config.journal.path.name}.poll-{self._section.door}")
        while True:
            try:
                return FileLock(path, this_process(config.connection, self._hall.clock.now()))
            except (LockedError, StorageError) as error:
                if not told:
                    why = "another process does" if isinstance(error, LockedError) else error.message
                    _log.warning("%s: security events are not asked for here: %s", self._section.path, why)
                told = True
            await self._hall.clock.sleep(_AGAIN)

    async def _asking(self) -> float:
        """Ask with one client as long as the door is open; seconds until it is worth trying anew."""
        door = await self._hall.door(self._section.door)
        if door is None:
            return _AGAIN
        try:
            async with door.waiting.http(origin_of(self._poll.url), deadline=LONGEST) as client:
                while True:
                    await self._hall.clock.sleep(await self._turn(client))
        except CrosskeyError as error:  # the client itself cannot be had
            await self._note(error)
            return self._poller.wait_after(error)

    async def _turn(self, client: Client) -> float:
        """One question; seconds until the next."""
        if await self._hall.door(self._section.door) is None:  # nothing could be carried out
            return _AGAIN
        try:
            fetched = await self._poller.ask(client)
        except CrosskeyError as error:
            await self._note(error)
            return self._poller.wait_after(error)
        await self._note(None)
        if fetched.refused:
            _log.warning("%s: %d security events were refused", self._section.path, fetched.refused)
        if fetched.look:
            self._hall.look()
        return fetched.wait

    async def _hear(self, message: SignalMessage) -> SignalReply:
        door = await self._hall.door(self._section.door)
        if door is None:
            return SignalReply(status=503, code="provider-error")  # it comes again
        return await door.keeper.hear(message)

    async def _note(self, error: CrosskeyError | None) -> None:
        """Note what became of a question, and say so where it is news."""
        door = await self._hall.door(self._section.door)
        if door is None:
            return
        try:
            news = door.book.note_poll(self._section.door, problem="" if error is None else error.code)
        except StorageError:
            self._hall.open_anew()
            return
        if news and error is not None:
            _log.error("%s: security events cannot be fetched: %s", self._section.path, error.message)
        elif news:
            _log.info("%s: security events are fetched again", self._section.path)
