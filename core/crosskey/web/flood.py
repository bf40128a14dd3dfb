"""How much is let through, whatever comes."""

from __future__ import annotations

from crosskey.clock import Clock

__all__ = ("Bucket",)


class Bucket:
    """A token bucket: ``burst`` at once, then ``rate`` a second. It starts full."""

    def __init__(self, clock: Clock, *, rate: float, burst: int) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = float(burst)
        self._tokens = self._burst
        self._at = clock.monotonic()

    def take(self) -> bool:
        """Take one token, if there is one."""
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
