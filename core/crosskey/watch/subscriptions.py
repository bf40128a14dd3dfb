"""Keeping the vendors' hooks alive: subscriptions end by themselves, and nothing tells when the last one has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from crosskey.connector.signal import ManagesSubscriptions, Subscription
from crosskey.engine.blame import blaming
from crosskey.watch.setup import Setup

__all__ = ("keep_subscriptions",)

_log = logging.getLogger("crosskey.watch")

_AHEAD: Final = timedelta(days=7)
"""So long before its end a subscription is prolonged: a week of outages may pass."""
_SECONDS: Final = 120.0


async def keep_subscriptions(setup: Setup) -> list[str]:
    """Prolong what ends soon or does not work; the sections whose hooks are dead all the same.

    Only where ``[watch] public_url`` says that hooks come in. A source that cannot be asked now is left for the next
    day. Raises only cancellation.
    """
    if not setup.config.watch.public_url:
        return []
    dead: list[str] = []
    for section in setup.config.feeds:
        try:
            async with asyncio.timeout(_SECONDS), setup.connect.source(section) as source:
                if isinstance(source, ManagesSubscriptions):
                    with blaming(section):
                        alive = await _alive(source, await source.subscriptions(), setup.connect.clock.now())
                    if not alive:
                        dead.append(section.path)
        except Exception as error:  # noqa: BLE001 - a plugin's own code; the next day asks again
            _log.info("%s did not tell about its hooks (%s)", section.path, type(error).__name__)
    return dead


async def _alive(source: ManagesSubscriptions, found: Sequence[Subscription], now: datetime) -> bool:
    """Renew what needs it; whether every subscription works now. None at all is as good as a dead one."""
    after: list[Subscription] = []
    for one in found:
        ends_soon = one.expires_at is not None and one.expires_at - now < _AHEAD
        after.append(await source.renew(one) if ends_soon or one.state != "active" else one)
    return bool(after) and all(one.state == "active" for one in after)
