"""How many requests may be in flight at once, lowered when the server complains and raised again slowly."""

from __future__ import annotations

import asyncio
import math

from crosskey.clock import Clock

__all__ = ("Slots",)

_STEP = 10.0
"""Seconds without a complaint after which one more request may be in flight."""


class Slots:
    """A fair cap on requests in flight: halved by :meth:`shrink`, grown by one every ten calm seconds (AIMD)."""

    def __init__(self, maximum: int, clock: Clock) -> None:
        self._maximum = max(1, maximum)
        self._clock = clock
        self._free = asyncio.Semaphore(self._maximum)
        self._owed = 0  # slots in use that must not come back
        self._complained_at = -math.inf
        self._changed_at = -math.inf
        self.limit = self._maximum

    async def acquire(self) -> None:
        """Wait for a free slot, first come, first served."""
        self._grow()
        await self._free.acquire()

    def release(self) -> None:
        """Give a slot back."""
        if self._owed:
            self._owed -= 1
        else:
            self._free.release()

    def shrink(self, sent_at: float) -> None:
        """Halve the cap, once for each burst: an answer to a request sent before the last halving says nothing new."""
        if sent_at <= self._complained_at:
            return
        lower = max(1, self.limit // 2)
        self._owed += self.limit - lower
        self.limit = lower
        self._complained_at = self._changed_at = self._clock.monotonic()

    def _grow(self) -> None:
        now = self._clock.monotonic()
        if self.limit < self._maximum and now - self._changed_at >= _STEP:
            self._changed_at = now
            self.limit += 1
            self.release()
