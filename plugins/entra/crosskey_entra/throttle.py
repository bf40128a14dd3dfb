"""Slowing down before Graph refuses, and pausing everybody when it did."""

from __future__ import annotations

import math

import httpx

from crosskey.clock import Clock

__all__ = ("Throttle",)

_PERCENTAGE = "x-ms-throttle-limit-percentage"
"""Sent only from 0.8 on: 1.0 is where refusals begin, 1.8 means that 80 % are refused."""
_WINDOW = 10.0
"""Seconds over which Graph counts resource units of an app in a tenant."""


class Throttle:
    """One gate for all requests to one tenant, whose limit they share."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open_at = -math.inf

    def note(self, headers: httpx.Headers) -> None:
        """Learn from an answer how near the limit is; the nearer, the longer the next requests wait."""
        told = headers.get(_PERCENTAGE)
        if not told:
            return
        try:
            share = float(told)
        except ValueError:
            return
        if share >= 0.8:  # also false for NaN
            self.shut(min(_WINDOW, (share - 0.7) * _WINDOW))

    def shut(self, seconds: float) -> None:
        """Let nothing through for ``seconds``."""
        self._open_at = max(self._open_at, self._clock.monotonic() + seconds)

    async def wait(self) -> None:
        """Wait until requests may go out."""
        while (wait := self._open_at - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
