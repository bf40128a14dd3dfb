"""What the collections of one tenant share: the clock, the seed, the switches, the lock."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from crosskey.clock import Clock
from crosskey_sandbox.entra.quirks import EntraQuirks

__all__ = ("Cell", "time_text")


def time_text(moment: datetime) -> str:
    """Graph's time: UTC, one-second resolution."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Cell:
    """Lends ids, times and the lock. Requests and tests may come from different threads: both take ``lock``."""

    def __init__(self, clock: Clock, quirks: EntraQuirks, seed: int) -> None:
        self.clock = clock
        self.quirks = quirks
        self.seed = seed
        self.lock = threading.RLock()
        self.random = Random(seed)  # noqa: S311 - made-up data, not a secret

    def now(self) -> str:
        """The present second as text."""
        return time_text(self.clock.now())

    def epoch(self) -> float:
        """The present time in seconds since 1970."""
        return self.clock.now().timestamp()

    def guid(self) -> str:
        """An id, the same for the same seed and history."""
        return str(UUID(int=self.random.getrandbits(128), version=4))
