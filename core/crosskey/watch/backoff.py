"""How long to keep away from a connection whose rounds fail (quarantine), and when to give up (G24)."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

from crosskey.instruments import Instruments
from crosskey.journal import Trouble, Watchbook
from crosskey.journal.troubles import GIVEN_UP
from crosskey.watch.failure import Failure

__all__ = ("LADDER", "PATIENCE", "TOLERATED", "TRIES", "note_failure", "troubled")

LADDER: Final = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 360, 720, 1440))
"""The pauses of a quarantine, one after another; the last one stays."""

TOLERATED: Final = 3
"""So many failures in a row are tried again at the next regular time, where waiting may help at all."""

PATIENCE: Final = timedelta(days=28)
TRIES: Final = 28
"""After so many failures in a row, spread over so long, only a person lets another round begin.

The pauses make more than that of them, however they are spread. A machine that slept for a month, or a clock that is
ahead, has made fewer.
"""

_SPREAD: Final = 0.2


def troubled(before: Trouble | None, failure: Failure, now: datetime, random: Random) -> Trouble:
    """The trouble after one more failure."""
    failures, step = (1, -1) if before is None else (before.failures + 1, before.step)
    if failure.at_once or failures > TOLERATED or step >= 0:
        step = min(step + 1, len(LADDER) - 1)
    pause = timedelta(seconds=failure.wait)
    if step >= 0:
        pause = max(pause, LADDER[step] * random.uniform(1 - _SPREAD, 1 + _SPREAD))
    since = now if before is None else before.since
    if (before is not None and before.given_up) or (failures >= TRIES and now - since >= PATIENCE):
        step = GIVEN_UP
    return Trouble(
        since=since,
        failures=failures,
        step=step,
        next_try_at=now + pause,
        code=failure.code,
        place=failure.place,
        text=failure.text,
        fix=failure.fix,
        exit_code=int(failure.exit_code),
    )


def note_failure(book: Watchbook, failure: Failure, now: datetime, random: Random, told: Instruments) -> None:
    """Note one more failure in the journal; giving up counts as a rail that tripped."""
    before = book.trouble()
    after = troubled(before, failure, now, random)
    book.note_trouble(after)
    if after.given_up and not (before is not None and before.given_up):
        by = {"crosskey.connection": book.connection, "crosskey.guard": "given-up"}
        told.tell("crosskey.guard.tripped.count", 1, by)
