"""The sources behind the hooks: open as long as their addresses are served, and opened anew after a reload."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final, cast

from crosskey.connector.signal import ReceivesSignals
from crosskey.watch import Setup
from crosskey.web.door import SignalSource

__all__ = ("HookSources", "hook_sources")

_logger = logging.getLogger("crosskey.hooks")

_SECONDS: Final = 2.0
"""So long a request waits for its source to be opened; vendors wait 3 seconds for an answer."""


class HookSources:
    """Those sources of ``[sync]`` that understand what their vendor pushes, as ``setup`` has them now.

    One task opens and closes them all: what a plugin opens may have to be closed by the task that opened it.
    """

    def __init__(self, setup: Callable[[], Setup]) -> None:
        self._setup = setup
        self._opened_for: Setup | None = None
        self._sources: dict[str, SignalSource | None] = {}
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()

    def __contains__(self, name: str) -> bool:
        return name in self._setup().config.sync.sources

    @property
    def names(self) -> list[str]:
        """Sources that have an address."""
        return sorted(self._sources)

    async def get(self, name: str) -> SignalSource | None:
        """The open source; ``None`` for one that has no hooks.

        Waits while a changed configuration is taken up: no secret holds longer than the configuration that names it.
        Raises :class:`LookupError` for a source that could not be opened, :class:`TimeoutError` where that takes long.
        """
        async with asyncio.timeout(_SECONDS):
            while self._setup() is not self._opened_for:
                self._settled.clear()
                self._changed.set()
                await self._settled.wait()
        if name not in self._sources:
            return None
        source = self._sources[name]
        if source is None:
            raise LookupError(name)
        return source

    async def keep_open(self) -> None:
        """Open the sources, and open them anew whenever somebody asks after a change; until cancelled."""
        while True:
            self._changed.clear()
            setup = self._setup()
            try:
                async with AsyncExitStack() as stack:
                    self._sources = await _opened(setup, stack)
                    self._opened_for = setup
                    self._settled.set()
                    await self._changed.wait()
            except Exception as error:  # noqa: BLE001 - a plugin's own code, when it closes
                _logger.warning("hooks: a source could not be closed (%s)", type(error).__name__)

    async def settled(self) -> None:
        """Wait until they are open."""
        await self._settled.wait()


@asynccontextmanager
async def hook_sources(setup: Callable[[], Setup]) -> AsyncGenerator[HookSources]:
    """The sources behind the hooks of whatever ``setup`` gives. Opening costs no request."""
    sources = HookSources(setup)
    keeping = asyncio.create_task(sources.keep_open())
    try:
        await sources.settled()
        yield sources
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _opened(setup: Setup, stack: AsyncExitStack) -> dict[str, SignalSource | None]:
    """By name; ``None`` for one that cannot be opened. Rounds need it as well, and tell what is wrong with it."""
    opened: dict[str, SignalSource | None] = {}
    for section in setup.config.feeds:
        try:
            source = await stack.enter_async_context(setup.connect.source(section))
        except Exception as error:  # noqa: BLE001 - a plugin's own code
            _logger.warning("hook of %s: it cannot be opened (%s)", section.path, type(error).__name__)
            opened[section.name] = None
            continue
        if isinstance(source, ReceivesSignals):
            opened[section.name] = cast("SignalSource", source)
    return opened
