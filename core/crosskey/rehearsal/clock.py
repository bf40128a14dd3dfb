"""A clock on which nobody waits."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

__all__ = ("PatientClock",)


class PatientClock:
    """Stands at one moment and moves only when somebody waits: a recorded pause costs a test nothing."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._passed = 0.0

    def now(self) -> datetime:
        """The moment it began at, and what was waited since."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds that were waited."""
        return self._passed

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass at once. Waits that begin together overlap, as they do in life."""
        ends = self._passed + max(0.0, seconds)
        await asyncio.sleep(0)
        self._passed = max(self._passed, ends)
