"""The simulated vendors as a plugin, found through an entry point like any other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from crosskey.connector.context import Context
from crosskey.connector.source import SourceSpec
from crosskey.connector.target import TargetSpec
from crosskey.hookspecs import hookimpl
from crosskey.settings import Settings
from proofs.simulation.life import Life, LifeClock
from proofs.simulation.source import SimSource
from proofs.simulation.target import SimTarget

__all__ = ("crosskey_sources", "crosskey_targets")


class NoSettings(Settings, frozen=True, kw_only=True):
    """Everything is the seed's."""


def _life(context: Context) -> Life:
    if not isinstance(context.clock, LifeClock):
        raise TypeError("simulated vendors are opened in simulated processes only")
    return context.clock.life


@asynccontextmanager
async def open_source(settings: NoSettings, context: Context) -> AsyncGenerator[SimSource]:
    """The directory of the process that asks."""
    del settings
    yield SimSource(_life(context))


@asynccontextmanager
async def open_target(settings: NoSettings, context: Context) -> AsyncGenerator[SimTarget]:
    """The desk of the process that asks."""
    del settings
    yield SimTarget(_life(context))


@hookimpl
def crosskey_sources() -> list[SourceSpec]:
    """The simulated directory."""
    return [SourceSpec(name="simulated", summary="in memory", settings=NoSettings, open=open_source)]


@hookimpl
def crosskey_targets() -> list[TargetSpec]:
    """The simulated desk."""
    return [TargetSpec(name="simulated", summary="in memory", settings=NoSettings, open=open_target)]
