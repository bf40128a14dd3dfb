"""How late a provider may be with what ends a leaver's sessions: by channel, in the provider's own word."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

__all__ = ("Channel", "Lateness")

Channel = Literal[
    "directory", "hook", "refresh", "back-channel", "front-channel", "security-event", "poll", "token-revocation"
]
"""``directory``: what a read shows of a change; ``hook``: what a source's vendor pushes; ``refresh``: the provider is
asked whether it stands by a session; ``poll``: security events that are fetched; others: see :class:`SignalEvent`."""


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """One channel that the settings open. ``most``: it is not later than that; ``None``: the provider promises nothing.

    ``says`` is what it tells of and how soon, as a clause; ``source`` names the vendor's page that says so.
    """

    channel: Channel
    says: str
    source: str = ""
    most: timedelta | None = None
