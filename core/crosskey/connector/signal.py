"""Signals: what an identity provider pushes to say "look sooner". They name people and never decide about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec

__all__ = ("ManagesSubscriptions", "ReceivesSignals", "SignalAnswer", "SignalRequest", "Subscription")

SignalVerdict = Literal["challenge", "accepted", "refused"]


class SignalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request to a hook's address, as it came. Header names are lower case."""

    method: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""


class SignalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer at once, and what to look at soon.

    ``people`` are subject ids to read by id; ``changes`` asks for a round of changes (groups changed, or the signal
    cannot say who). ``events`` are the vendor's ids of what was told, by which a replay is recognised. ``code`` is a
    stable reason for logs and metrics; nothing here may hold a secret or personal data beyond ids.
    """

    verdict: SignalVerdict
    code: str
    status: int = 200
    content_type: str = "text/plain"
    body: bytes = b""
    people: frozenset[str] = frozenset()
    changes: bool = False
    renew: bool = False
    events: tuple[str, ...] = ()


@runtime_checkable
class ReceivesSignals(Protocol):
    """A source that understands what its vendor pushes."""

    def receive(self, request: SignalRequest) -> SignalAnswer:
        """Verify and read one request: no network, no waiting, constant-time comparison of secrets.

        Raises nothing for any request: a wrong secret, a broken body or a challenge each have their answer.
        """
        ...


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription at the vendor: its id, where it delivers, whether it works, and when it ends by itself."""

    id: str
    url: str
    state: Literal["active", "unverified", "lapsed"]
    about: str = ""
    expires_at: datetime | None = None


@runtime_checkable
class ManagesSubscriptions(Protocol):
    """A source that can set its vendor's hooks up."""

    async def subscriptions(self) -> Sequence[Subscription]:
        """Those that crosskey made for this instance."""
        ...

    async def subscribe(self, url: str) -> Sequence[Subscription]:
        """Make (or find and mend) the subscriptions that deliver to ``url``; calling it again changes nothing."""
        ...

    async def renew(self, subscription: Subscription) -> Subscription:
        """Prolong or verify again one that is about to end."""
        ...

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Remove one; that it is gone already is no error."""
        ...
