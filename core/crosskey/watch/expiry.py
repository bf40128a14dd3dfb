"""Asking both sides when their credentials end: once a day, after a round that went well, and never at its cost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from crosskey.connector.credential import Credential, TellsCredentials
from crosskey.engine.blame import blaming
from crosskey.watch.setup import Setup

__all__ = ("WARNED", "ask_credentials", "stage_of")

_log = logging.getLogger("crosskey.watch")

WARNED: Final = (60, 30, 7, 1)
"""Days before its end at which a credential is told about."""

_SECONDS: Final = 120.0


def stage_of(expires_at: datetime | None, now: datetime) -> int | None:
    """The smallest of :data:`WARNED` that an end is within, 0 once it is past, ``None`` while it is far or unknown."""
    if expires_at is None:
        return None
    left = expires_at - now
    if left <= timedelta(0):
        return 0
    return min((days for days in WARNED if left <= timedelta(days=days)), default=None)


async def ask_credentials(setup: Setup) -> dict[str, Sequence[Credential]]:
    """What each side that can tell says, by instance. A side that fails is left out. Raises only cancellation."""
    config, connect = setup.config, setup.connect
    told: dict[str, Sequence[Credential]] = {}
    sources = [(section, connect.source(section)) for section in config.feeds]
    for section, opening in (*sources, (config.target, connect.target(config.target))):
        try:
            async with asyncio.timeout(_SECONDS), opening as connector:
                if isinstance(connector, TellsCredentials):
                    with blaming(section):
                        told[section.path] = tuple(await connector.credentials())
        except Exception as error:  # noqa: BLE001 - a plugin's own code; the next day asks again
            _log.info("%s did not tell when its credentials end (%s)", section.path, type(error).__name__)
    return told
