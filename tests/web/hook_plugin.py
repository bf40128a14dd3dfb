"""The source that is told things, as a plugin; ``open_now`` lists the sections it is open for."""

from __future__ import annotations

from contextlib import asynccontextmanager

from hook_bench import PushingSource

from crosskey.connector.source import SourceSpec
from crosskey.hookspecs import hookimpl
from crosskey.settings import Settings

open_now: list[str] = []


class NoSettings(Settings):
    pass


@asynccontextmanager
async def open_pushing(_settings, context):
    open_now.append(context.instance)
    try:
        yield PushingSource()
    finally:
        open_now.remove(context.instance)


@hookimpl
def crosskey_sources():
    return [SourceSpec(name="pushing", summary="in memory", settings=NoSettings, open=open_pushing)]
