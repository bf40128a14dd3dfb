"""The open doors, on one journal. What fails for good (a broken disk, a locked journal) is opened anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import msgspec

from crosskey.clock import Clock, SystemClock
from crosskey.config import Config, DoorSection
from crosskey.connector.signal_poll import LONGEST
from crosskey.connector.sso import Door, Pins, SsoFlow
from crosskey.context import TransportFactory
from crosskey.errors import CrosskeyError
from crosskey.journal import Doorbook, Step
from crosskey.sso.context import DoorContext
from crosskey.sso.doorkeeper import Doorkeeper
from crosskey.sso.pilot import is_of_pilot
from crosskey.sso.proofs import require_factor_proof
from crosskey.web.doors.seeking import Nobody, Seeker

__all__ = ("Hall", "OpenDoor", "open_hall")

_log = logging.getLogger("crosskey.sso")

_AGAIN: Final = 5.0
"""Seconds until a journal that cannot be opened is tried again."""
_PATIENCE: Final = 2.0
"""Seconds that a request waits for doors that are being opened."""


class OpenDoor(msgspec.Struct, frozen=True, kw_only=True):
    """A door, and the provider behind it. ``origins`` are those of the provider's pages.

    ``waiting`` makes clients for questions that nobody sits and waits for.
    """

    keeper: Doorkeeper
    flow: SsoFlow
    book: Doorbook
    waiting: DoorContext

    @property
    def section(self) -> DoorSection:
        """Its configuration."""
        return self.keeper.section

    @property
    def step(self) -> Step:
        """How far it is rolled out now: somebody may move it while it is open."""
        return self.book.step(self.section.door).step

    @property
    def public_url(self) -> str:
        """Where browsers find it, as configured."""
        return self.section.rules.public_url

    async def origins(self) -> tuple[str, ...]:
        """Where the provider's own pages are. Raises :class:`crosskey.SsoRefused`."""
        provider = await self.flow.discover()
        found = [urlsplit(url) for url in (provider.issuer, provider.authorization_endpoint)]
        return tuple(dict.fromkeys(f"{parts.scheme}://{parts.netloc}" for parts in found))


class Hall:
    """The doors that are open now.

    ``look`` asks a watcher to look soon, as often as anything comes; ``seeker`` has single people looked at.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock | None = None,
        *,
        transport: TransportFactory | None = None,
        look: Callable[[], None] | None = None,
        seeker: Seeker | None = None,
        rehearses: bool = False,
        pins: Callable[[Doorbook], Pins] = lambda book: book,
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.look = look or _nobody
        self.seeker: Seeker = seeker or Nobody()
        self.doors: dict[Door, OpenDoor] = {}
        self._transport = transport
        self._rehearses = rehearses
        self._pins = pins
        self._failed = asyncio.Event()
        self._settled = asyncio.Event()
        self._never: CrosskeyError | None = None

    @property
    def sections(self) -> dict[Door, DoorSection]:
        """The doors that are switched on."""
        return {door: section for door, section in self.config.doors.items() if section.rules.enabled}

    def open_anew(self) -> None:
        """The journal failed, and takes nothing more on this connection."""
        self.doors = {}
        self._settled.clear()
        self._failed.set()

    async def door(self, name: Door) -> OpenDoor | None:
        """The door, waited for a moment where it is being opened anew; ``None`` for one that is closed."""
        if name not in self.doors and name in self.sections:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._settled.wait()
        return self.doors.get(name)

    async def keep_open(self) -> None:
        """Open the doors, and open them anew whenever the journal failed; one task closes what it opened."""
        opened = False
        while True:
            self._failed.clear()
            try:
                async with AsyncExitStack() as stack:
                    self.doors, opened = await self._opened(stack), True
                    self._settled.set()
                    await self._failed.wait()
            except CrosskeyError as error:
                if not opened:
                    self._never = error
                    self._settled.set()
                    return
                _log.error("the doors cannot be opened: %s", error.code)
                await self.clock.sleep(_AGAIN)

    async def settled(self) -> None:
        """Wait until they are open. Raises what keeps them from ever being it."""
        await self._settled.wait()
        if self._never is not None:
            raise self._never

    async def _opened(self, stack: AsyncExitStack) -> dict[Door, OpenDoor]:
        journal, connection = self.config.journal.path, self.config.connection
        book = stack.enter_context(Doorbook.noting(journal, clock=self.clock, connection=connection))
        doors: dict[Door, OpenDoor] = {}
        for door, section in self.sections.items():
            if not self._rehearses:
                require_factor_proof(section, book)
            opening = _open(self.config, section, book, self.clock, transport=self._transport, pins=self._pins(book))
            doors[door] = await stack.enter_async_context(opening)
        return doors


@asynccontextmanager
async def _open(
    config: Config,
    section: DoorSection,
    book: Doorbook,
    clock: Clock,
    *,
    transport: TransportFactory | None,
    pins: Pins,
) -> AsyncGenerator[OpenDoor]:
    """One open door. Opening asks the provider nothing."""
    context = DoorContext(section, pins, clock=clock, transport=transport)
    waiting = DoorContext(section, pins, clock=clock, transport=transport, seconds=LONGEST)
    async with section.provided.value.open(section.settings, context) as flow:
        keeper = Doorkeeper(section, flow, book, clock, is_of_pilot=partial(is_of_pilot, config, section))
        yield OpenDoor(keeper=keeper, flow=flow, book=book, waiting=waiting)


@asynccontextmanager
async def open_hall(
    config: Config,
    clock: Clock | None = None,
    *,
    transport: TransportFactory | None = None,
    look: Callable[[], None] | None = None,
    seeker: Seeker | None = None,
    rehearses: bool = False,
    pins: Callable[[Doorbook], Pins] = lambda book: book,
) -> AsyncGenerator[Hall]:
    """The open doors of a configuration; ``rehearses``: for tests, before anything is proven.

    Raises :class:`CrosskeyError` where they cannot be opened at all.
    """
    hall = Hall(config, clock, transport=transport, look=look, seeker=seeker, rehearses=rehearses, pins=pins)
    keeping = asyncio.create_task(hall.keep_open())
    try:
        await hall.settled()
        yield hall
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


def _nobody() -> None:
    """Nobody watches."""
