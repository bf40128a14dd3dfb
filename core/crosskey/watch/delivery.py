"""Carrying notices from the outbox to their notifiers, one after another; none can stop another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from crosskey.connector.notifier import Notice
from crosskey.engine.blame import blaming
from crosskey.errors import CrosskeyError
from crosskey.journal import Delivery
from crosskey.watch.setup import Setup

__all__ = ("deliver", "send")

_log = logging.getLogger("crosskey.watch")

_SECONDS: Final = 180.0
"""A notifier that takes longer is given up for now."""


async def deliver(setup: Setup, due: Sequence[Delivery], note: Callable[[Delivery, str], None]) -> int:
    """Send each, and ``note`` at once what became of it (``""``: it arrived); how many arrived.

    A notifier that failed once is left alone for the rest of the turn: it would make the others wait.
    """
    arrived = 0
    broken: dict[str, str] = {}
    for delivery in due:
        problem = broken.get(delivery.notifier)
        if problem is None:
            problem = await send(setup, delivery.notifier, delivery.notice)
        if problem:
            broken[delivery.notifier] = problem
        arrived += not problem
        note(delivery, problem)
    return arrived


async def send(setup: Setup, notifier: str, notice: Notice) -> str:
    """Send one notice through one notifier; why it did not arrive, ``""`` when it did. Raises only cancellation."""
    section = setup.config.notify[notifier]
    try:
        async with asyncio.timeout(_SECONDS), setup.connect.notifier(section) as door:
            with blaming(section):
                await door.send(notice)
    except CrosskeyError as error:
        _log.warning("%s: the notice %s did not arrive: %s", section.path, notice.key, error.code)
        return error.code
    except Exception as error:  # noqa: BLE001 - a plugin's own code, and the time limit
        _log.warning("%s: the notice %s did not arrive: %s", section.path, notice.key, type(error).__name__)
        return type(error).__name__
    return ""
