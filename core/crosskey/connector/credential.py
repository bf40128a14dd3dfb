"""Credentials and when they end, so that nobody learns it from a sync that stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

__all__ = ("Credential", "TellsCredentials")


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """One credential of an instance: how to name it to a reader (never its value), and when it ends.

    ``expires_at`` is ``None`` when nobody can tell. ``fix`` says how to renew it.
    """

    name: str
    expires_at: datetime | None = None
    fix: str = ""


@runtime_checkable
class TellsCredentials(Protocol):
    """A source or target that knows when its credentials end."""

    async def credentials(self) -> Sequence[Credential]:
        """Every credential in use. Costs at most a request or two; raises nothing for what it cannot tell."""
        ...
