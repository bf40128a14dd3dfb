"""Pings for a service elsewhere that calls somebody when they stay away. They never fail a round."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from crosskey.config import HeartbeatSettings
from crosskey.engine.connect import Connect
from crosskey.errors import ContractError

__all__ = ("ping",)

_log = logging.getLogger("crosskey.watch")

_INSTANCE: Final = "watch.heartbeat"
_SECONDS: Final = 30.0


async def ping(settings: HeartbeatSettings, connect: Connect, what: Literal["start", "success", "fail"]) -> bool:
    """Ask for the address of ``what``; whether anybody answered. Raises nothing but cancellation."""
    suffix = {"start": settings.start, "success": settings.success, "fail": settings.fail}[what]
    if settings.url is None or (what == "start" and not suffix):
        return False
    try:
        url = settings.url.reveal() + suffix
        parts = urlsplit(url)
        async with (
            asyncio.timeout(_SECONDS),
            connect.context(_INSTANCE).http(f"{parts.scheme}://{parts.netloc}", deadline=10.0) as client,
        ):
            # the path is often the credential: spans and messages call it by another name
            await client.call("GET", url, decode=msgspec.Raw, template="/heartbeat")
    except ContractError as error:
        if error.code != "bad-body":  # such services answer in words
            _log.warning("no ping reached the heartbeat service: %s", error.message)
            return False
    except Exception as error:  # noqa: BLE001 - whatever it is, the round matters more
        _log.warning("no ping reached the heartbeat service (%s)", type(error).__name__)
        return False
    return True
