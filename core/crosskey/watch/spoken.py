"""When the vendors behind hooks last spoke, for whoever asks the journal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from crosskey.errors import CrosskeyError
from crosskey.journal import Watchbook
from crosskey.watch.setup import Setup

__all__ = ("Spoken",)

_SECONDS: Final = 30.0
"""A vendor may push many times a second; one note of it in so many says as much."""


class Spoken:
    """Called with the name of a source; notes it now and then. What cannot be noted is not worth a signal."""

    def __init__(self, setup: Callable[[], Setup]) -> None:
        self._setup = setup
        self._noted: dict[str, float] = {}

    def __call__(self, source: str) -> None:
        """Note that the vendor of a source said something that can be believed."""
        setup = self._setup()
        clock = setup.connect.clock
        now = clock.monotonic()
        if now - self._noted.get(source, now - _SECONDS) < _SECONDS:
            return
        self._noted[source] = now
        with suppress(CrosskeyError):
            path, connection = setup.config.journal.path, setup.connection
            with Watchbook.noting(path, clock=clock, connection=connection) as book:
                book.spoke(f"source.{source}", "hook")
