"""The source that is told things, as a plugin; ``open_now`` lists the sections it is open for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from hook_bench import SECRET, PushingSource

from crosskey.connector.source import SourceSpec
from crosskey.hookspecs import hookimpl
from crosskey.settings import Settings

open_now: list[str] = []


opened = 0
faults: list[Exception] = []  # raised by whoever opens
sticks: list[Exception] = []  # raised by whoever closes
hangs: list[bool] = []


def reset() -> None:
    """Nobody is open, and nothing fails."""
    global opened  # noqa: PLW0603 - a plugin has no other place to keep things
    opened = 0
    for each in (open_now, faults, sticks, hangs):
        each.clear()


class PushingSettings(Settings, frozen=True):
    secret: str = SECRET


@asynccontextmanager
async def open_pushing(settings, context):
    global opened  # noqa: PLW0603 - the same
    if hangs:
        await asyncio.Event().wait()
    if faults:
        raise faults[0]
    opened += 1
    open_now.append(context.instance)
    try:
        yield PushingSource(settings.secret)
    finally:
        open_now.remove(context.instance)
        if sticks:
            raise sticks[0]


@hookimpl
def crosskey_sources():
    return [SourceSpec(name="pushing", summary="in memory", settings=PushingSettings, open=open_pushing)]
