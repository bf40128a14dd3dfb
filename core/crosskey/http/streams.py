"""Several streams read side by side, as their items come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

__all__ = ("merge",)

T = TypeVar("T")


async def merge(*streams: AsyncIterator[T], limit: int = 8) -> AsyncGenerator[T]:
    """The items of all streams in the order they come; each stream's own order is kept.

    At most ``limit`` streams run at once and at most ``limit`` items wait to be taken. The first error of a stream
    stops the others and is raised as it is. Leaving early (``break`` under ``contextlib.aclosing``, cancellation)
    stops and closes every stream before it returns; no task is left behind.
    """
    # A TaskGroup would be wrong here: when a child fails it cancels the task that iterates, which may be anywhere in
    # the consumer's code while this generator is suspended (PEP 789). So ends and errors travel through the queue.
    waiting: asyncio.Queue[tuple[T] | asyncio.Task[None]] = asyncio.Queue()
    room = asyncio.Semaphore(limit)
    pending = iter(streams)

    async def pump() -> None:
        for stream in pending:
            try:
                async for item in stream:
                    await room.acquire()
                    waiting.put_nowait((item,))
            finally:
                if isinstance(stream, AsyncGenerator):
                    await stream.aclose()

    tasks = [asyncio.create_task(pump()) for _ in range(min(limit, len(streams)))]
    for task in tasks:
        task.add_done_callback(waiting.put_nowait)
    try:
        running = len(tasks)
        while running:
            arrived = await waiting.get()
            if isinstance(arrived, asyncio.Task):
                arrived.result()
                running -= 1
            else:
                room.release()
                yield arrived[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for stream in pending:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
