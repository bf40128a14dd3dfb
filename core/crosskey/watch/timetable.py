"""What to do next, and when: decided from what is known and the time, without doing anything."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

import msgspec

from crosskey.config import WatchSettings
from crosskey.journal import Ask, Trouble

__all__ = ("Reach", "Round", "Situation", "Step", "Timetable")

Reach = Literal["everything", "changes", "people"]

_FULL_AGAIN: Final = timedelta(hours=1)
"""How soon everything is read again after a full round that did not end well: a person may be mending it."""

_LONGEST_LOCK: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(days=1, hours=5)


class Round(msgspec.Struct, frozen=True):
    """A run to begin: how much to read, and why now."""

    reach: Reach
    why: Literal["due", "full", "asked", "signal", "quarantine"]


class Step(msgspec.Struct, frozen=True):
    """Begin ``round`` now; ``None``: wait until ``at``, or until something happens."""

    at: datetime
    round: Round | None = None


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decision depends on.

    ``next_at`` is when the next regular round is due, ``full_at`` when everything was last read with success,
    ``full_tried_at`` when that was last tried; ``renewed``: the configuration changed since. ``people_at``: signals
    named people, who are to be looked at from then on, ``heard``: that something changed. ``locked_until``: somebody
    else runs; try again then. ``stopped``: a person switched rounds off.
    """

    now: datetime
    next_at: datetime
    full_at: datetime | None = None
    full_tried_at: datetime | None = None
    renewed: bool = False
    trouble: Trouble | None = None
    asked: Ask = ""
    heard: bool = False
    people_at: datetime | None = None
    locked_until: datetime | None = None
    stopped: bool = False


class Timetable:
    """The rhythm of ``[watch]``."""

    def __init__(self, settings: WatchSettings, full_every: timedelta, random: Random) -> None:
        self._settings = settings
        self._full_every = max(full_every, settings.every)
        self._random = random

    def decide(self, seen: Situation) -> Step:
        """The next step. Times further ahead than they can have been set mean that the wall clock went back."""
        now, trouble = seen.now, seen.trouble
        if seen.stopped:
            return Step(now + self._settings.every)
        if seen.locked_until is not None and now < seen.locked_until <= now + _LONGEST_LOCK:
            return Step(seen.locked_until)
        if trouble is not None and trouble.quarantined:
            if seen.asked:
                return Step(now, Round("everything", "asked"))
            if trouble.given_up:
                return Step(now + self._settings.every)
            again = _not_beyond(trouble.next_try_at, now, _LONGEST_PAUSE)
            return Step(now, Round("everything", "quarantine")) if now >= again else Step(again)
        return self._decide_normally(seen)

    def _decide_normally(self, seen: Situation) -> Step:
        now, trouble, settings = seen.now, seen.trouble, self._settings
        wanted = seen.asked or ("changes" if seen.heard else "")
        if wanted:
            return Step(now, Round("everything" if self._full_due(seen) else wanted, "asked"))
        people_at = None if seen.people_at is None else _not_beyond(seen.people_at, now, settings.every)
        if people_at is not None and now >= people_at:
            return Step(now, Round("people", "signal"))
        regular = _not_beyond(seen.next_at, now, settings.every + settings.spread)
        if trouble is not None:
            regular = max(regular, _not_beyond(trouble.next_try_at, now, _LONGEST_PAUSE))
        if now >= regular:
            return Step(now, Round("everything", "full") if self._full_due(seen) else Round("changes", "due"))
        return Step(regular if people_at is None else min(regular, people_at))

    def after(self, began: datetime, ended: datetime) -> datetime:
        """When the round after one that began and ended then is due.

        A round that took longer than the interval leaves out the ones it ran over: they do not pile up.
        """
        every = self._settings.every
        beats = max(1, math.ceil((ended - began) / every))
        return max(ended + timedelta(seconds=1), began + every * beats + self._jitter())

    def first(self, now: datetime, last_began: datetime | None) -> datetime:
        """When a watcher that just started has its first round: in the rhythm of the one before, or at once."""
        return (
            now if last_began is None else max(now, min(last_began + self._settings.every, now + self._settings.every))
        )

    def _full_due(self, seen: Situation) -> bool:
        tried = seen.full_tried_at
        if tried is not None and tried <= seen.now < tried + min(_FULL_AGAIN, self._full_every):
            return False
        if seen.renewed or seen.full_at is None or seen.full_at > seen.now:
            return True
        return seen.now >= seen.full_at + self._full_every - self._settings.every / 2

    def _jitter(self) -> timedelta:
        return self._settings.spread * self._random.uniform(-1.0, 1.0)


def _not_beyond(at: datetime, now: datetime, most: timedelta) -> datetime:
    """The time, or now when it is further ahead than it can have been set."""
    return at if at - now <= most else now
