"""Events that were told before: vendors deliver at least once, and anybody may send again what they overheard."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from crosskey.clock import Clock

__all__ = ("Seen",)


class Seen:
    """Remembers the last ``most`` event ids for ``seconds``. Forgetting one costs a needless look, nothing else."""

    def __init__(self, clock: Clock, *, most: int, seconds: float) -> None:
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._ids: OrderedDict[str, float] = OrderedDict()

    def all_of(self, events: Iterable[str]) -> bool:
        """Whether every one of them was seen before; from now on they were. Nothing at all was never seen."""
        now = self._clock.monotonic()
        while self._ids and next(iter(self._ids.values())) <= now - self._seconds:
            self._ids.popitem(last=False)
        known = [event in self._ids for event in events]
        for event in events:
            self._ids.setdefault(event, now)
        while len(self._ids) > self._most:
            self._ids.popitem(last=False)
        return bool(known) and all(known)

    def __len__(self) -> int:
        return len(self._ids)
