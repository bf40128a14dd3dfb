"""A clock that nobody waits for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Waits take no time and are counted; those that begin together overlap, as they do in life."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self.elapsed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        ends = self.elapsed + max(0.0, seconds)
        await asyncio.sleep(0)
        self.elapsed = max(self.elapsed, ends)

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody waiting."""
        self.elapsed += seconds
