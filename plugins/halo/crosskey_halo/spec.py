"""The target ``halo``: its settings, and how to open it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from crosskey.connector.context import Context
from crosskey.connector.target import TargetSpec
from crosskey_halo.settings import HaloSettings

if TYPE_CHECKING:
    from crosskey_halo.target import HaloTarget

__all__ = ("SPEC",)


@asynccontextmanager
async def _open(settings: HaloSettings, context: Context) -> AsyncGenerator[HaloTarget]:
    from crosskey_halo.target import open_desk  # noqa: PLC0415 - brings httpx in, which most commands do not need

    async with open_desk(settings, context) as target:
        yield target


SPEC = TargetSpec(name="halo", summary="HaloITSM and HaloPSA: users and agents", settings=HaloSettings, open=_open)
