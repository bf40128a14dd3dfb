"""Pausing before the server has to say no: buckets told by its headers, and a request budget of our own."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from logging import Logger

import httpx
import msgspec

from crosskey.clock import Clock
from crosskey.http.ratelimit import Window, read_retry_after, read_window
from crosskey.http.slots import Slots

__all__ = ("Budget", "Pacer", "Turn")

_LARGE = 10
"""Limits from here on keep a fifth in reserve (a rate limit is everybody's); smaller ones are used up to the last."""
_RETRY_LATER = 30.0
"""Seconds all requests pause after a 429 that says nothing, where a budget is metered over minutes."""


class Budget(msgspec.Struct, frozen=True):
    """At most ``requests`` in any rolling window of ``seconds``."""

    requests: int
    seconds: float


class Pacer:
    """Lets requests through one :meth:`turn` at a time: per bucket, per budget, and never too many at once."""

    def __init__(
        self,
        clock: Clock,
        logger: Logger,
        *,
        concurrency: int,
        budget: Budget | None = None,
        waited: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._clock = clock
        self._logger = logger
        self._waited = waited
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._everything = _Bucket()  # what a 429 without window headers shuts
        self._slots = Slots(concurrency, clock)
        self._meter = _Meter(budget, clock, waited) if budget else None

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight now."""
        return self._slots.limit

    @asynccontextmanager
    async def turn(self, method: str, template: str) -> AsyncGenerator[Turn]:
        """Wait until a request of this bucket may be sent; hold the place while it is on its way."""
        bucket = self._buckets.setdefault((method, template), _Bucket())
        name = f"{method} {template}"
        # Who waits for a bucket holds no slot, so that other buckets go on; so what was true before the slot came
        # has to be true still.
        while not await self._enter(bucket, name):
            pass
        bucket.outstanding += 1
        try:
            yield Turn(self, bucket, self._clock.monotonic())
        finally:
            bucket.outstanding -= 1
            bucket.changed.set()
            self._slots.release()

    async def _enter(self, bucket: _Bucket, name: str) -> bool:
        """Take a slot with the bucket open; ``False``, holding nothing, when it shut meanwhile."""
        await self._wait_until_open(bucket, name)
        await self._slots.acquire()
        entered = False
        try:
            if self._meter and self._wait(bucket) == 0:
                await self._meter.take()
            entered = self._wait(bucket) == 0
        finally:
            if not entered:
                self._slots.release()
        return entered

    async def _wait_until_open(self, bucket: _Bucket, name: str) -> None:
        while wait := self._wait(bucket):
            if math.isinf(wait):
                bucket.changed.clear()
                await bucket.changed.wait()
            else:
                self._logger.info("rate limit: %s pauses for %.0f s", name, wait)
                await self._clock.sleep(wait)
                self._waited(wait)

    def _wait(self, bucket: _Bucket) -> float:
        now = self._clock.monotonic()
        return max(bucket.wait(now), self._everything.wait(now))

    def note(self, bucket: _Bucket, sent_at: float, status: int, headers: httpx.Headers) -> Window | None:
        """Learn from an answer; the window that it tells of."""
        now = self._clock.monotonic()
        window = read_window(headers, self._clock.now())
        told = read_retry_after(headers, self._clock.now()) if status in {429, 503} else None
        if window and window.limit > 0:
            bucket.tell(window, now)
        if status not in {429, 503}:
            return window
        if window and window.limit == 0:
            self._slots.shrink(sent_at)
        elif window and status == 429:
            bucket.shut(now + (told or window.wait))
        elif told is not None:
            self._everything.shut(now + told)
        elif self._meter and status == 429:
            self._everything.shut(now + _RETRY_LATER)
        return window


class Turn(msgspec.Struct):
    """Permission to send one request; tell it the answer."""

    pacer: Pacer
    bucket: _Bucket
    sent_at: float

    def answered(self, status: int, headers: httpx.Headers) -> Window | None:
        """Learn from the answer's headers before the next request of the bucket goes out; the window they tell of."""
        return self.pacer.note(self.bucket, self.sent_at, status, headers)


class _Bucket:
    """One rate-limit bucket as its answers told it: what is left, what is on its way, when it is full again."""

    __slots__ = ("changed", "limit", "outstanding", "remaining", "resets_at", "shut_until")

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.limit = 0  # unknown
        self.remaining = 0
        self.outstanding = 0
        self.resets_at = -math.inf
        self.shut_until = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the next request may go: 0 is now, infinite is after the next answer."""
        if now < self.shut_until:
            return self.shut_until - now
        if self.limit == 0:
            return 0
        if now >= self.resets_at and not math.isinf(self.resets_at):
            # A window starts with its first use, so nothing is known of the new one but its size.
            self.remaining, self.resets_at = self.limit, math.inf
        reserve = self.limit // 5 if self.limit >= _LARGE else 0
        if self.remaining - self.outstanding > reserve:
            return 0
        if math.isinf(self.resets_at):
            return math.inf if self.outstanding else 0
        return self.resets_at - now

    def shut(self, until: float) -> None:
        self.shut_until = max(self.shut_until, until)

    def tell(self, window: Window, now: float) -> None:
        resets_at = now + window.wait
        if self.limit == 0 or math.isinf(self.resets_at) or resets_at > self.resets_at + 2:  # a window not seen before
            self.remaining, self.resets_at = window.remaining, resets_at
        elif resets_at >= self.resets_at - 2:  # answers of one window may overtake each other
            self.remaining = min(self.remaining, window.remaining)
        self.limit = window.limit


class _Meter:
    """Keeps a :class:`Budget`: remembers when each request of the last window went out."""

    def __init__(self, budget: Budget, clock: Clock, waited: Callable[[float], None]) -> None:
        self._budget = budget
        self._clock = clock
        self._waited = waited
        self._sent: deque[float] = deque()
        self._queue = asyncio.Lock()  # hands out in order of asking

    async def take(self) -> None:
        async with self._queue:
            while len(self._sent) >= self._budget.requests:
                free_at = self._sent[0] + self._budget.seconds
                now = self._clock.monotonic()
                if now >= free_at:
                    self._sent.popleft()
                else:
                    await self._clock.sleep(free_at - now)
                    self._waited(free_at - now)
            self._sent.append(self._clock.monotonic())
