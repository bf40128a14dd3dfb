"""What the collections of one org share: the clock, the seed, the switches, the lock, the System Log."""

from __future__ import annotations

import string
import threading
from datetime import UTC, datetime
from random import Random

from crosskey.clock import Clock
from crosskey_sandbox.okta.quirks import OktaQuirks
from crosskey_sandbox.okta.syslog import SystemLog

__all__ = ("Cell", "time_text")

_ALPHABET = string.digits + string.ascii_letters


def time_text(moment: datetime) -> str:
    """Okta's time: UTC, one-second resolution, milliseconds always written as 000. Texts sort as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Cell:
    """Lends ids, times and the lock. Requests and tests may come from different threads: both take ``lock``."""

    def __init__(self, clock: Clock, quirks: OktaQuirks, seed: int) -> None:
        self.clock = clock
        self.quirks = quirks
        self.seed = seed
        self.lock = threading.RLock()
        self.random = Random(seed)  # noqa: S311 - made-up data, not a secret
        self.log = SystemLog(clock, seed, late=lambda: self.quirks.log_late)

    def now(self) -> str:
        """The present second as text."""
        return time_text(self.clock.now())

    def epoch(self) -> float:
        """The present time in seconds since 1970."""
        return self.clock.now().timestamp()

    def new_id(self, prefix: str) -> str:
        """Twenty characters: the kind's prefix (``00u``, ``00g``, ``0oa`` …), noise, the cell's ``5d7``."""
        return f"{prefix}{self.noise(17 - len(prefix))}5d7"

    def noise(self, length: int) -> str:
        """Letters and digits, the same for the same seed and history."""
        return "".join(self.random.choices(_ALPHABET, k=length))
