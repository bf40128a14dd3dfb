"""Waiting for a time or for something to happen, and leaving no task behind."""

from __future__ import annotations

import asyncio
from typing import Any

from crosskey.clock import Clock

__all__ = ("end", "pause")


async def pause(clock: Clock, seconds: float, stir: asyncio.Event) -> None:
    """Wait so long, or until ``stir`` is set; it is not set afterwards."""
    if not stir.is_set():
        waits = [asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(stir.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        await end(*waits)
    stir.clear()


async def end(*tasks: asyncio.Future[Any] | None) -> None:
    """Cancel what is still going on, and wait until it has ended."""
    going = [task for task in tasks if task is not None]
    for task in going:
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)
