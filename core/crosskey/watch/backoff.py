"""How long to keep away from a connection whose rounds fail (quarantine)."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

from crosskey.journal import Trouble
from crosskey.watch.failure import Failure

__all__ = ("LADDER", "TOLERATED", "troubled")

LADDER: Final = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 360, 720, 1440))
"""The pauses of a quarantine, one after another; the last one stays."""

TOLERATED: Final = 3
"""So many failures in a row are tried again at the next regular time, where waiting may help at all."""

_SPREAD: Final = 0.2


def troubled(before: Trouble | None, failure: Failure, now: datetime, random: Random) -> Trouble:
    """The trouble after one more failure."""
    failures, step = (1, -1) if before is None else (before.failures + 1, before.step)
    if failure.at_once or failures > TOLERATED or step >= 0:
        step = min(step + 1, len(LADDER) - 1)
    pause = timedelta(seconds=failure.wait)
    if step >= 0:
        pause = max(pause, LADDER[step] * random.uniform(1 - _SPREAD, 1 + _SPREAD))
    return Trouble(
        since=now if before is None else before.since,
        failures=failures,
        step=step,
        next_try_at=now + pause,
        code=failure.code,
        place=failure.place,
        text=failure.text,
        fix=failure.fix,
        exit_code=int(failure.exit_code),
    )
