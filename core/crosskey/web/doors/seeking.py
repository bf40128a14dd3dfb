"""Having one person looked at by the watcher: whoever stands before the door with a proof and no account yet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Literal, Protocol

from crosskey.clock import Clock
from crosskey.config import Config
from crosskey.engine.guarding import Switch
from crosskey.errors import CrosskeyError
from crosskey.journal import Watchbook
from crosskey.model import Subject
from crosskey.watch.status import watching_of
from crosskey.web.flood import Bucket

__all__ = ("Nobody", "Seeker", "Seeking", "Sought")

Sought = Literal["asked", "lately", "busy", "nobody"]
"""``asked``: they are being looked at; ``lately``: they have been; ``busy``: too many others are; ``nobody`` looks."""

_A_MINUTE: Final = 10
"""So many people a minute are looked at for whoever asks: each costs requests at the provider and the desk."""
_LATELY: Final = 300.0
"""Seconds until somebody for whom nothing was found is looked at again."""
_KEPT: Final = 1_000


class Seeker(Protocol):
    """Whoever has people looked at."""

    def seek(self, person: Subject) -> Sought:
        """Have them looked at, if that can be."""
        ...

    def is_sought(self, person: Subject) -> bool:
        """Whether they are still to be looked at, or are being."""
        ...


class Nobody:
    """Where nobody has anybody looked at."""

    def seek(self, person: Subject) -> Sought:  # noqa: ARG002 - the protocol's
        """Nobody looks."""
        return "nobody"

    def is_sought(self, person: Subject) -> bool:  # noqa: ARG002 - the protocol's
        """Nobody is."""
        return False


class Seeking:
    """Asks the watcher through the journal; ``poke`` stirs it. Rails hold for whoever is looked at as for everybody."""

    def __init__(self, config: Config, clock: Clock, poke: Callable[[Watchbook], None]) -> None:
        self._config = config
        self._clock = clock
        self._poke = poke
        self._bucket = Bucket(clock, rate=_A_MINUTE / 60, burst=_A_MINUTE)
        self._asked_at: OrderedDict[Subject, float] = OrderedDict()

    def seek(self, person: Subject) -> Sought:
        """Once for each person within a few minutes, and for a bounded number of people."""
        try:
            with self._book() as book:
                if person in book.sought():
                    return "asked"
                if not self._is_watched(book):
                    return "nobody"
                if self._clock.monotonic() - self._asked_at.get(person, -_LATELY) < _LATELY:
                    return "lately"
                if not self._bucket.take() or book.seek(person) is None:
                    return "busy"
                self._remember(person)
                self._poke(book)
                return "asked"
        except CrosskeyError:
            return "nobody"

    def is_sought(self, person: Subject) -> bool:
        """As the journal has it now."""
        try:
            with self._book() as book:
                return person in book.sought()
        except CrosskeyError:
            return False

    def _is_watched(self, book: Watchbook) -> bool:
        """Whether rounds begin by themselves now."""
        trouble = book.trouble()
        if trouble is not None and trouble.quarantined:
            return False
        if Switch(self._config.journal.path).look() is not None:
            return False
        return watching_of(book.watcher(), self._clock.now()) == "yes"

    def _remember(self, person: Subject) -> None:
        self._asked_at[person] = self._clock.monotonic()
        self._asked_at.move_to_end(person)
        while len(self._asked_at) > _KEPT:
            self._asked_at.popitem(last=False)

    def _book(self) -> Watchbook:
        return Watchbook.noting(self._config.journal.path, clock=self._clock, connection=self._config.connection)
