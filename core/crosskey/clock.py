"""Time as a value that can be handed in: every wait and every timestamp goes through a clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ("Clock", "Skews", "SystemClock")


class Clock(Protocol):
    """What time it is, and how to wait. Tests hand in one whose time they move."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` (0 yields once)."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary point."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``."""
        await asyncio.sleep(seconds)


class Skews:
    """How far our clock is from those of the servers that answered, by host: collected from answers, never asked for.

    Positive: ours is ahead.
    """

    def __init__(self) -> None:
        self._by_host: dict[str, timedelta] = {}

    def note(self, host: str, *, theirs: datetime, ours: datetime) -> None:
        """Note what a server's answer said; the last one of a host counts."""
        self._by_host[host] = ours - theirs

    def worst(self) -> tuple[str, timedelta] | None:
        """The host whose clock is furthest from ours; ``None`` where no server told the time."""
        return max(self._by_host.items(), key=lambda each: abs(each[1]), default=None)

    def forget(self) -> None:
        """Forget what was told, before another run begins."""
        self._by_host.clear()
