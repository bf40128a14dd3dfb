"""Hold what rests on time alone while the clock cannot be trusted (G21)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crosskey.engine.guarding.guard import Guard
from crosskey.engine.timekeeper import Timekeeper
from crosskey.plan import Change, Held

__all__ = ("ClockGuard",)


class ClockGuard(Guard):
    """Takes out leavers whose grace or absence is over by the clock, once the clock jumped after they were planned."""

    def __init__(self, timekeeper: Timekeeper, rests_on_time: Callable[[Change], bool]) -> None:
        self._timekeeper = timekeeper
        self._rests_on_time = rests_on_time

    async def before(self, batch: Sequence[Change]) -> Sequence[Held]:
        """Each change that rests on time, while the clock is in doubt."""
        doubt = self._timekeeper.doubt
        if not doubt:
            return ()
        return [
            Held(
                rail="clock",
                scope="person",
                summary=f"{doubt}: what only time decides waits",
                fix="set the clock right (NTP), then run again",
                action=change.action,
                kind=change.kind,
                subject=change.subject,
                label=change.label,
                key=change.key,
            )
            for change in batch
            if self._rests_on_time(change)
        ]
