"""Days in seconds: an event loop whose time jumps to the next timer whenever nothing is ready to run.

Everything that waits through asyncio or through :class:`VirtualClock` takes no time; whoever works takes none either.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class _Jumping(selectors.DefaultSelector):
    """Never waits: tells its loop to jump instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.loop.jump(timeout)
        assert ready or timeout is not None, "everything waits for something that never comes"
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._now = 0.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        self._now += seconds


class VirtualClock:
    """A clock that shows the running loop's time, from a fixed day on."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._last = 0.0

    @property
    def elapsed(self) -> float:
        try:
            self._last = asyncio.get_running_loop().time() + self.ahead
        except RuntimeError:  # between two loops it stands still
            return max(self._last, self.ahead)
        return self._last

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass without anybody waiting."""
        self.ahead += max(0.0, seconds)


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
