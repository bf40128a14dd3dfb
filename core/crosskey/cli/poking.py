"""Having whoever watches look sooner than the timer would."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Final

from crosskey.clock import SystemClock
from crosskey.config import Config
from crosskey.errors import CrosskeyError
from crosskey.journal import Watchbook

__all__ = ("looker", "poke")

_SECONDS: Final = 5.0
"""Whatever comes in between is looked at in the same round."""


def poke(book: Watchbook) -> None:
    """Let the watcher look at once; one on another machine, or another user's, looks within a minute."""
    watcher = book.watcher()
    if watcher is None or watcher.holder is None or not watcher.holder.is_here:
        return
    try:
        os.kill(watcher.holder.pid, signal.SIGUSR1)
    except OSError:
        return


def looker(config: Config) -> Callable[[], None]:
    """Something that asks the watcher of a configuration for a round of changes, every few seconds at most."""
    asked_at = -_SECONDS

    def look() -> None:
        nonlocal asked_at
        if time.monotonic() - asked_at < _SECONDS:
            return
        asked_at = time.monotonic()
        try:
            with Watchbook.noting(config.journal.path, clock=SystemClock(), connection=config.connection) as book:
                if book.watcher() is not None:
                    book.ask("changes")
                    poke(book)
        except CrosskeyError:
            return  # the timer looks anyway

    return look
