"""Time as the simulation owns it: true time, the machine's opinion of it, and an event loop that never waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

__all__ = ("SimClock", "Stepped", "StuckError", "VirtualLoop")

T = TypeVar("T")

_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class StuckError(Exception):
    """Nobody waits for time and nothing can go on: the program would hang for ever."""


class SimClock:
    """``elapsed`` is the truth; ``skew`` is how far the machine's wall clock is from it."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.skew = 0.0

    def now(self) -> datetime:
        """What the machine's wall clock says."""
        return _START + timedelta(seconds=self.elapsed + self.skew)

    def true_time(self) -> datetime:
        """What every other clock says."""
        return _START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """Seconds that no jump of the wall clock touches."""
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Let time pass while nobody runs."""
        self.elapsed += seconds


class _Timeless(selectors.SelectSelector):
    """Where a real selector would wait for a timer, time jumps to it."""

    def __init__(self, clock: SimClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StuckError("nothing is due and nobody waits")
        if timeout > 0:
            self._clock.elapsed += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on a :class:`SimClock`. ``stepped`` is called whenever any task of it goes on."""

    def __init__(self, clock: SimClock, stepped: Callable[[], None]) -> None:
        super().__init__(_Timeless(clock))
        self._sim_clock = clock
        self._stepped = stepped
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        """Virtual seconds."""
        return self._sim_clock.elapsed

    def _make_task(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        **rest: Any,  # noqa: ANN401 - whatever a task takes
    ) -> asyncio.Task[T]:
        wrapped = Stepped(coro, self._stepped) if isinstance(coro, Coroutine) else coro
        return asyncio.Task(wrapped, loop=loop, **rest)


class Stepped(Coroutine[Any, Any, T]):
    """A coroutine that says each time it goes on, so that a crash can come at every await."""

    def __init__(self, inner: Coroutine[Any, Any, T], step: Callable[[], None]) -> None:
        self._inner = inner
        self._step = step

    def send(self, value: Any, /) -> Any:  # noqa: ANN401 - as the protocol says
        """Go on."""
        try:
            self._step()
        except BaseException as error:  # noqa: BLE001 - whoever waits there meets the crash
            return self._inner.throw(error)
        return self._inner.send(value)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: object = None,
        trace: TracebackType | None = None,
        /,
    ) -> Any:  # noqa: ANN401 - as the protocol says
        """Go on with an exception, usually a cancellation."""
        error = kind if isinstance(kind, BaseException) else kind(*(() if value is None else (value,)))
        try:
            self._step()
        except BaseException as crash:  # noqa: BLE001 - as above
            error = crash
        return self._inner.throw(error.with_traceback(trace))

    def close(self) -> None:
        """End where it stands."""
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, T]:
        step: Awaitable[T] = self._inner
        return step.__await__()
