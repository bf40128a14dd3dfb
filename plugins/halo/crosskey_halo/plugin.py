"""What this plugin declares. Importing it is cheap: the connector is imported when a desk is opened."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from crosskey.connector.context import Context
from crosskey.connector.target import TargetSpec
from crosskey.hookspecs import hookimpl
from crosskey_halo.settings import HaloSettings

if TYPE_CHECKING:
    from crosskey_halo.target import HaloTarget

__all__ = ("crosskey_targets",)


@hookimpl
def crosskey_targets() -> Sequence[TargetSpec]:
    """The target ``halo``: end users and agents of HaloITSM or HaloPSA."""
    return [
        TargetSpec(name="halo", summary="HaloITSM and HaloPSA: users and agents", settings=HaloSettings, open=_open)
    ]


@asynccontextmanager
async def _open(settings: HaloSettings, context: Context) -> AsyncGenerator[HaloTarget]:
    from crosskey_halo.target import open_desk  # noqa: PLC0415 - brings httpx in, which `crosskey --help` must not pay for

    async with open_desk(settings, context) as target:
        yield target
