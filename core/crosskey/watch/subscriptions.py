"""Keeping the vendors' hooks alive: subscriptions end by themselves, and nothing tells when the last one has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from crosskey.config import SourceSection, hook_addresses
from crosskey.connector.signal import ManagesSubscriptions
from crosskey.engine.blame import blaming
from crosskey.errors import CrosskeyError, RetryableError
from crosskey.watch.setup import Setup

__all__ = ("keep_subscriptions",)

_log = logging.getLogger("crosskey.watch")

_AHEAD: Final = timedelta(days=7)
"""So long before its end a subscription is prolonged: a week of outages may pass."""
_SECONDS: Final = 120.0


async def keep_subscriptions(setup: Setup, *, dead: Collection[str], asked: Collection[str]) -> tuple[str, ...]:
    """Make, mend and prolong subscriptions where that is needed; sections whose hooks are dead all the same.

    Only where ``[watch] public_url`` says that hooks come in. Of the sources ``asked`` (by name), whose vendor said so,
    everything is prolonged. A source that cannot be asked now is as ``dead`` as it was. Raises only cancellation.
    """
    config = setup.config
    if not config.watch.public_url:
        return ()
    addresses = hook_addresses(config.watch.public_url, config.sync.sources, where="watch.public_url")
    found: list[str] = []
    for section in config.feeds:
        if section.name not in addresses:
            continue
        ahead = timedelta.max if section.name in asked else _AHEAD
        try:
            async with asyncio.timeout(_SECONDS):
                works = await _keep(setup, section, addresses[section.name], ahead)
        except Exception as error:  # noqa: BLE001 - a plugin's own code; the next day asks again
            _log.info("%s did not tell about its hooks (%s)", section.path, type(error).__name__)
            works = section.path not in dead
        if not works:
            found.append(section.path)
    return tuple(found)


async def _keep(setup: Setup, section: SourceSection, url: str, ahead: timedelta) -> bool:
    """Whether the hooks of one source work now; a source without any has none that could fail."""
    async with setup.connect.source(section) as source:
        if not isinstance(source, ManagesSubscriptions):
            return True
        with blaming(section):
            await source.subscriptions()  # who may not even look at them had them made by hand: nothing is known then
        try:
            with blaming(section):
                return await _all_work(source, url, setup.connect.clock.now(), ahead)
        except RetryableError:
            raise
        except CrosskeyError as error:
            _log.warning("%s: its hooks could not be mended (%s)", section.path, error.code)
            return False


async def _all_work(source: ManagesSubscriptions, url: str, now: datetime, ahead: timedelta) -> bool:
    # one that ended is not there any more to be prolonged, so it is made anew; one that works is left alone
    kept = [
        await source.renew(one) if one.expires_at is not None and one.expires_at - now < ahead else one
        for one in await source.subscribe(url)
    ]
    return bool(kept) and all(one.state == "active" for one in kept)
