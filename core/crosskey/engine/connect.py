"""Open the configured connectors on the core's services."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from crosskey.clock import Clock, Skews, SystemClock
from crosskey.config import NotifySection, SourceSection, TargetSection
from crosskey.connector.notifier import Notifier
from crosskey.connector.source import Source
from crosskey.connector.target import Target
from crosskey.context import InstanceContext, TransportFactory
from crosskey.engine.blame import blaming
from crosskey.engine.spans import RunTelling
from crosskey.telemetry import instruments, tracer

__all__ = ("Connect",)


class Connect:
    """Opens sources and targets. ``transport`` replaces the network for all of them, in tests and recordings."""

    def __init__(self, *, clock: Clock | None = None, transport: TransportFactory | None = None) -> None:
        self.clock = clock or SystemClock()
        self.skews = Skews()
        """How far our clock is from those of the servers that answered."""
        self._transport = transport

    def telling(self, connection: str) -> RunTelling:
        """Where a run's spans and metrics go."""
        return RunTelling(tracer(), instruments(), self.clock, connection=connection)

    @asynccontextmanager
    async def source(self, section: SourceSection) -> AsyncGenerator[Source]:
        """The open source of a section."""
        async with AsyncExitStack() as stack:
            with blaming(section):
                opened = section.provided.value.open(section.settings, self.context(section.path))
                source = await stack.enter_async_context(opened)
            yield source

    @asynccontextmanager
    async def target(self, section: TargetSection) -> AsyncGenerator[Target]:
        """The open target of a section."""
        async with AsyncExitStack() as stack:
            with blaming(section):
                opened = section.provided.value.open(section.settings, self.context(section.path))
                target = await stack.enter_async_context(opened)
            yield target

    @asynccontextmanager
    async def notifier(self, section: NotifySection) -> AsyncGenerator[Notifier]:
        """The open notifier of a section."""
        async with AsyncExitStack() as stack:
            with blaming(section):
                opened = section.provided.value.open(section.settings, self.context(section.path))
                notifier = await stack.enter_async_context(opened)
            yield notifier

    def context(self, path: str) -> InstanceContext:
        """The core's services for one instance."""
        return InstanceContext(path, clock=self.clock, transport=self._transport, skews=self.skews)
