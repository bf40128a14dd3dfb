"""The target ``scim``: its settings, and how to open it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from crosskey import Context, TargetSpec

from crosskey_scim.settings import ScimSettings

if TYPE_CHECKING:
    from crosskey_scim.target import ScimTarget

__all__ = ("SPEC",)


@asynccontextmanager
async def _open(settings: ScimSettings, context: Context) -> AsyncGenerator[ScimTarget]:
    from crosskey_scim.target import open_service  # noqa: PLC0415 - brings httpx in, which most commands do not need

    async with open_service(settings, context) as target:
        yield target


SPEC = TargetSpec(name="scim", summary="Users and groups of a SCIM 2.0 service", settings=ScimSettings, open=_open)
