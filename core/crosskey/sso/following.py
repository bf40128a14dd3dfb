"""Attempts to sign in as they come, from the journal alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from crosskey.clock import Clock
from crosskey.connector.sso import Door
from crosskey.journal import AttemptRecord, Doorbook

__all__ = ("attempts_as_they_come",)

_SECONDS: Final = 1.0


async def attempts_as_they_come(
    path: Path, connection: str, clock: Clock, *, door: Door | None = None, last: int = 0
) -> AsyncGenerator[AttemptRecord]:
    """The ``last`` so many, the oldest first, then each one that comes, for ever.

    The journal is opened for each look: whoever upgrades it or puts a backup back waits for nobody. Raises
    :class:`crosskey.errors.StorageError`.
    """
    seen: int | None = None
    while True:
        with Doorbook.reading(path, clock=clock, connection=connection) as book:
            if seen is None:
                newest = book.attempts(limit=1)
                seen = newest[0].number if newest else 0
                found = book.attempts(door, last)[::-1] if last else []
            else:
                found = book.attempts_after(seen, door)
        for each in found:
            seen = max(seen, each.number)
            yield each
        await clock.sleep(_SECONDS)
