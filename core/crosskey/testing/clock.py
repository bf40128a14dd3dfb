"""Time that never waits: an event loop whose timers are due as soon as nothing else is to be done."""

from __future__ import annotations

import asyncio
import contextvars
import selectors
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar

__all__ = ("StuckError", "VirtualClock", "play")

T = TypeVar("T")
P = ParamSpec("P")

_START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_LONGEST: Final = 30 * 86_400.0
_THREADS: Final = 30.0


class StuckError(Exception):
    """Nobody waits for time and nothing can go on, or time runs away: the code under test would hang."""


class VirtualClock:
    """A :class:`crosskey.Clock` whose time passes when somebody sleeps, at once."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return _START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass for whoever waits; nobody waits in truth."""
        await asyncio.sleep(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass between two steps of a test."""
        self.elapsed += max(0.0, seconds)


def play(story: Callable[[], Coroutine[Any, Any, T]], clock: VirtualClock) -> T:
    """Run a coroutine to its end on virtual time; its timers, deadlines and sleeps cost nothing.

    Raises :class:`StuckError` where it would hang. Work in threads (``asyncio.to_thread``) is waited for in truth.
    """
    loop = _VirtualLoop(clock)
    try:
        return loop.run_until_complete(story())
    finally:
        _end(loop)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop whatever still runs on it; what will not be cancelled is left where it stands."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()

    async def ended() -> None:
        await asyncio.gather(*left, return_exceptions=True)

    with suppress(StuckError, SystemExit):
        loop.run_until_complete(ended())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    for task in asyncio.all_tasks(loop):
        setattr(task, "_log_destroy_pending", False)  # noqa: B010 - asyncio's own way to keep silent about it
    loop.close()


class _Timeless(selectors.SelectSelector):
    """Where a real selector would wait for a timer, time jumps to it, unless a thread is at work."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.in_threads = 0
        self._clock = clock
        self._waited = 0.0
        self._others = threading.active_count()
        """Threads that were there before: test runners have some, and nothing on this loop waits for them."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.in_threads and timeout != 0:
            return super().select(_THREADS)
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            if threading.active_count() > self._others and (ready := super().select(_THREADS)):
                return ready
            raise StuckError("nothing is due and nobody waits for time: the code under test would hang for ever")
        self._clock.elapsed += timeout
        self._waited += timeout
        if self._waited > _LONGEST:
            raise StuckError(f"more than {_LONGEST / 86_400:g} days were waited: the code under test has no end")
        return []


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualClock) -> None:
        self._timeless = _Timeless(clock)
        self._virtual = clock
        super().__init__(self._timeless)

    def time(self) -> float:
        return self._virtual.elapsed

    def run_in_executor(  # pyright: ignore[reportIncompatibleMethodOverride] - the stubs' overloads say the same
        self, executor: Executor | None, func: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        self._timeless.in_threads += 1
        context = contextvars.copy_context()
        done = super().run_in_executor(executor, lambda: context.run(func, *args))
        done.add_done_callback(self._came_back)
        return done

    def _came_back(self, _: object) -> None:
        self._timeless.in_threads -= 1
