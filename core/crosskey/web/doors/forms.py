"""What a provider's form brought, kept for a moment until the browser asks for it from here.

The form comes from another site, so that browsers send no cookie with it. It is answered with a redirect to our own
address, and that request bears the cookie which says whether this browser began the sign-in.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from crosskey.clock import Clock
from crosskey.sso.callback import Returned
from crosskey.sso.tickets import is_ticket, ticket

__all__ = ("Forms",)

_SECONDS: Final = 60.0
_MOST: Final = 16 * 1024 * 1024
"""Characters in all: whoever sends forms in masses pushes out other forms, never the process out of memory."""


class Forms:
    """Each is given out once, within a minute."""

    def __init__(self, clock: Clock, *, most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._size = 0
        self._kept: OrderedDict[str, tuple[float, int, Returned]] = OrderedDict()

    def keep(self, returned: Returned) -> str:
        """Keep it; the ticket to ask for it with."""
        size = 200 + sum(len(name) + len(value) for name, value in returned.parameters.items())
        kept = ticket()
        self._kept[kept] = (self._clock.monotonic(), size, returned)
        self._size += size
        while self._kept and (self._size > self._most or self._is_old(next(iter(self._kept.values())))):
            self._forget(next(iter(self._kept)))
        return kept

    def take(self, kept: str) -> Returned | None:
        """What was kept, once."""
        if not is_ticket(kept) or kept not in self._kept:
            return None
        entry = self._kept[kept]
        self._forget(kept)
        return None if self._is_old(entry) else entry[2]

    def _is_old(self, entry: tuple[float, int, Returned]) -> bool:
        return self._clock.monotonic() - entry[0] > _SECONDS

    def _forget(self, kept: str) -> None:
        self._size -= self._kept.pop(kept)[1]
