"""What a watcher does once a day, after a round that went well: ask when credentials end, look after the hooks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from crosskey.clock import Clock
from crosskey.engine.spans import tell_credentials
from crosskey.telemetry import instruments
from crosskey.watch.expiry import ask_credentials
from crosskey.watch.notebook import Notebook
from crosskey.watch.setup import Setup
from crosskey.watch.subscriptions import keep_subscriptions

__all__ = ("Daily",)

_EVERY: Final = timedelta(days=1)
_DEAD_EVERY: Final = timedelta(hours=1)
"""Hooks that do not work are looked at more often: somebody may have mended what was in their way."""


class Daily:
    """Errands of the day. ``dead_hooks`` are sections whose hooks did not work when they were last looked at."""

    def __init__(self, notebook: Notebook, clock: Clock) -> None:
        self._notebook = notebook
        self._clock = clock
        self._credentials_at: datetime | None = None
        self._hooks_at: datetime | None = None
        self._asked: set[str] = set()
        self.dead_hooks: tuple[str, ...] = ()

    def look_at_hooks(self, source: str = "") -> None:
        """Look after the hooks with the next round; the vendor of this source said that a subscription is to end."""
        self._hooks_at = None
        self._asked |= {source} - {""}

    async def attend(self, setup: Setup) -> None:
        """Whatever is due. Raises only cancellation."""
        now = self._clock.now()
        await self._ask_credentials(setup, now)
        every = _DEAD_EVERY if self.dead_hooks else _EVERY
        if self._hooks_at is None or now - self._hooks_at >= every:
            self._hooks_at = now
            asked, self._asked = self._asked, set()
            self.dead_hooks = await keep_subscriptions(setup, dead=self.dead_hooks, asked=asked)

    async def _ask_credentials(self, setup: Setup, now: datetime) -> None:
        asked = self._credentials_at
        with self._notebook.noting() as book:
            asked = asked or (book.credentials_asked_at() if book is not None else now)
        if asked is not None and now - asked < _EVERY:
            return
        self._credentials_at = now
        told = await ask_credentials(setup)
        for instance, credentials in told.items():
            tell_credentials(instruments(), instance, credentials)
        with self._notebook.noting() as book:
            if book is not None:
                book.note_credentials(told)
