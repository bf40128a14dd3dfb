"""Notifiers: how a message that needs a person reaches one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from crosskey.connector.context import Context
from crosskey.settings import Settings

__all__ = ("Notice", "Notifier", "NotifierSpec")


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One message. ``key`` names its cause: the same cause is not told again while it lasts.

    ``severity`` is ``resolved`` when the cause has gone. ``text`` holds counts, codes and names of sections; no secret.
    """

    key: str
    code: str
    severity: Literal["info", "warning", "error", "resolved"]
    at: datetime
    subject: str
    text: str
    fix: str = ""
    run: str = ""


class Notifier(Protocol):
    """An open notifier."""

    async def send(self, notice: Notice) -> None:
        """Deliver it, or raise: the outbox keeps it and tries again later."""
        ...


class NotifierSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to make a notifier: its name in ``[notify.<name>] use = "…"``, its settings, and how to open it."""

    name: str
    summary: str
    settings: type[Settings]
    open: Callable[[Any, Context], AbstractAsyncContextManager[Notifier]]
