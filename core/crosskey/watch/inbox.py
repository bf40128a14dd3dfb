"""Who is to be looked at soon, because a signal said so: each once, a bounded number, gathered for a moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from crosskey.journal import Ask
from crosskey.model import Subject

__all__ = ("Inbox",)

MOST: Final = 200
"""More people than this are cheaper to find among the changes."""

GATHER: Final = timedelta(seconds=2)
"""Vendors tell one thing in several signals: wait for the others before looking."""


class Inbox:
    """Not yet looked at. Too many people turn into a wish for a round of changes."""

    def __init__(self) -> None:
        self._people: dict[Subject, None] = {}
        self._since: datetime | None = None
        self._asked: Ask = ""
        self._poked = False
        self._sought: set[Subject] = set()
        self.heard = False
        """Whether signals said that something changed, without naming few people."""

    @property
    def people_at(self) -> datetime | None:
        """When the people in it are to be looked at; ``None`` when nobody is."""
        return None if self._since is None else self._since + GATHER

    @property
    def asked(self) -> Ask:
        """The round that a person asked for."""
        return self._asked

    def ask(self, wanted: Ask) -> None:
        """Ask for a round; the larger of two wishes stands."""
        if wanted and self._asked != "everything":
            self._asked = wanted

    def poke(self) -> None:
        """Somebody stirs the watcher: see what the journal says; what changed is looked at where it says nothing."""
        self._poked = True

    def read(self, asked: Ask, sought: Iterable[Subject], now: datetime) -> None:
        """What the journal says: a round that is asked for, and people who wait to be looked at, each taken once."""
        people = tuple(sought)
        self.ask(asked or ("changes" if self._poked and not people else ""))
        self._poked = False
        fresh = [person for person in people if person not in self._sought]
        self._sought.update(fresh)
        self.put(fresh, now)

    def over(self, people: Iterable[Subject]) -> None:
        """These were looked at: whoever asks for them afterwards asks anew."""
        self._sought.difference_update(people)

    def hear(self) -> None:
        """Something changed: a round of changes is due. It waits through a quarantine, as people do."""
        self.heard = True

    def put(self, people: Iterable[Subject], now: datetime) -> None:
        """Add people."""
        self._people.update(dict.fromkeys(people))
        if len(self._people) > MOST:
            self._people = dict.fromkeys(self._sought)  # they wait before a page
            self._since = now if self._people else None
            self.hear()
        elif self._people and self._since is None:
            self._since = now

    def take_people(self) -> frozenset[Subject]:
        """All people in it, and none afterwards."""
        people = frozenset(self._people)
        self._people.clear()
        self._since = None
        return people

    def take_ask(self) -> None:
        """What was asked is being done, and what was heard of looked at."""
        self._asked = ""
        self.heard = False
