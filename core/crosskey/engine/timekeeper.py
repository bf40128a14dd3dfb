"""What time it is, and whether time has passed, as far as the clock can be trusted (G21).

A clock that jumped would end every grace period and every absence at once. So three things are compared: the wall clock
with the one that never goes back, within a run; with the ``Date`` of the servers' answers; and, where no server told
the time, with the newest run in the journal. In doubt no time passes: whatever only waits for time waits on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from crosskey.clock import Clock, Skews

__all__ = ("TOLERATED", "Timekeeper")

TOLERATED: Final = timedelta(minutes=5)
"""Clocks this far apart agree."""


class Timekeeper:
    """The time of one run. ``newest`` is when the last run began, by the journal; ``skews`` is what servers told."""

    def __init__(self, clock: Clock, skews: Skews, *, newest: datetime | None) -> None:
        self._clock = clock
        self._skews = skews
        self._newest = newest
        self._began = clock.now()
        self._began_at = clock.monotonic()
        self._jumped = ""

    def now(self) -> datetime:
        """The wall clock, in UTC, right or wrong."""
        return self._clock.now()

    @property
    def doubt(self) -> str:
        """Why the clock cannot be trusted; ``""`` when it can. A jump within the run stays."""
        passed = timedelta(seconds=self._clock.monotonic() - self._began_at)
        jump = self.now() - self._began - passed
        if abs(jump) > TOLERATED:
            self._jumped = f"the clock jumped by {_text(jump)} while this run was at work"
        if self._jumped:
            return self._jumped
        told = self._skews.worst()
        if told is not None and abs(told[1]) > TOLERATED:
            return (
                f"the clock is {_text(told[1])} {'ahead of' if told[1] > timedelta(0) else 'behind'} that of {told[0]}"
            )
        if told is None and self._newest is not None and self._newest - self._began > TOLERATED:
            return f"the clock is {_text(self._newest - self._began)} behind the newest run in the journal"
        return ""

    def has_passed(self, since: datetime, wait: timedelta) -> bool:
        """Whether so much time has surely passed since then."""
        return self.now() - since >= wait and not self.doubt

    def is_recent(self, since: datetime, wait: timedelta) -> bool:
        """Whether that may be less than so long ago. What a clock noted that was ahead is not: it is yet to come."""
        return bool(self.doubt) or timedelta(0) <= self.now() - since < wait

    def is_between(self, since: datetime, until: datetime) -> bool:
        """Whether it is surely later than the one and earlier than the other moment."""
        return since - TOLERATED <= self.now() < until and not self.doubt

    def is_past(self, moment: datetime) -> bool:
        """Whether that moment is surely over."""
        return self.has_passed(moment, timedelta(0))


def _text(skew: timedelta) -> str:
    seconds = abs(round(skew.total_seconds()))
    return str(timedelta(seconds=seconds))
