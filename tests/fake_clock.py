"""A clock whose time the test moves: nothing sleeps, every wait is written down."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """``sleep`` yields once and moves time to its end; ``slept`` lists every wait that was asked for.

    Sleeps that begin together overlap, as they do in life: two of a minute take one minute.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) -> None:
        self.start = start
        self.elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        ends = self.elapsed + max(0.0, seconds)
        await asyncio.sleep(0)
        self.elapsed = max(self.elapsed, ends)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass without anybody waiting."""
        self.elapsed += max(0.0, seconds)
