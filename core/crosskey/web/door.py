"""The door that signals come in by: who may say what, and how often it is listened to.

A signal only names people or says "look sooner". It enables nobody, and nothing is lost with it that the timer would
not find: whoever floods the door, replays what they overheard or guesses at the secret gets a constant answer and, at
most, one round of changes more.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import msgspec

from crosskey.clock import Clock
from crosskey.connector.signal import ReceivesSignals, SignalAnswer, SignalRequest
from crosskey.model import Subject
from crosskey.telemetry import instruments
from crosskey.web.flood import Bucket
from crosskey.web.replay import Seen

__all__ = ("HookDoor", "Limits", "Renew", "Reply", "SignalSource", "Sources", "Spoke", "Wake")

Renew = Callable[[str], None]
"""Called with a source's name when its vendor says that a subscription is about to end. Returns at once."""

Spoke = Callable[[str], None]
"""Called with a source's name when its vendor said something that can be believed. Returns at once."""

_logger = logging.getLogger("crosskey.hooks")

_CONSTANT = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
"""What a reason for logs and metrics looks like; anything else a plugin gives is "other"."""
_REASONS = 40
"""So many reasons have a count of their own."""
_SHOWN = ("text/plain", "application/json")
"""Answers are read by vendors' programs; a browser must not take one for a page."""


class Wake(Protocol):
    """Whoever looks: at these people soon, or (``changes``) at everything that changed. Returns at once."""

    def __call__(self, people: frozenset[Subject], *, changes: bool) -> None:
        """Take note."""
        ...


class SignalSource(ReceivesSignals, Protocol):
    """An open source that understands what its vendor pushes."""

    @property
    def issuer(self) -> str:
        """The stable name that every subject of this source bears."""
        ...


class Sources(Protocol):
    """The open sources by name, as they are now."""

    def __contains__(self, name: str) -> bool:
        """Whether there is such a source, open or not."""
        ...

    async def get(self, name: str) -> SignalSource | None:
        """The source as it is configured now; ``None`` for one that has no hooks. Raises where it cannot be had."""
        ...


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one source's address takes. Vendors want an answer within 3 s and push some events a second at most.

    ``body`` in bytes, and ``body_seconds`` for all of it; ``at_once`` requests being read; ``requests`` a second (and
    ``requests_burst`` at once) before they are turned away unread; ``signals`` a second (``signals_burst`` at once) and
    ``people`` in one that are looked at one by one: what is more becomes one round of changes ``calm`` seconds later.
    ``events`` ids are remembered for ``events_seconds``: the longest that a vendor is known to try again is 4 hours.
    """

    body: int = 256 * 1024
    body_seconds: float = 5.0
    at_once: int = 64
    requests: float = 100.0
    requests_burst: int = 500
    signals: float = 2.0
    signals_burst: int = 20
    people: int = 200
    calm: float = 5.0
    events: int = 10_000
    events_seconds: float = 6 * 3600.0


class Reply(msgspec.Struct, frozen=True):
    """What to answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    retry_after: int = 0


class HookDoor:
    """The door of one source. Everything it knows may be forgotten at any moment."""

    def __init__(
        self, name: str, wake: Wake, clock: Clock, *, renew: Renew | None, limits: Limits, spoke: Spoke | None = None
    ) -> None:
        self.limits = limits
        self._spoke = spoke
        self.clock = clock
        self._name = name
        self._wake = wake
        self._renew = renew
        self._requests = Bucket(clock, rate=limits.requests, burst=limits.requests_burst)
        self._signals = Bucket(clock, rate=limits.signals, burst=limits.signals_burst)
        self._seen = Seen(clock, most=limits.events, seconds=limits.events_seconds)
        self._reading = 0
        self._believed_at: float | None = None
        self._calm: asyncio.Task[None] | None = None
        self._renew_later = False
        self._told: dict[str, float] = {}
        self._untold: Counter[str] = Counter()
        self._instruments = instruments()

    # ------------------------------------------------------------------------------------------------- before reading

    def enter(self) -> Reply | None:
        """Let a request in (then :meth:`leave` it), or say what to answer to it unread."""
        if self._requests.take() and self._reading < self.limits.at_once:
            self._reading += 1
            return None
        self.note("flooded", logging.WARNING)
        believed = self._believed_at
        if believed is not None and self.clock.monotonic() - believed <= 2 * self.limits.calm:
            self._look_when_calm()  # the vendor itself was among those who came: some of this may be its own
        return Reply(429, retry_after=max(1, round(self.limits.calm)))

    def leave(self) -> None:
        """The request is answered."""
        self._reading -= 1

    # -------------------------------------------------------------------------------------------------- after reading

    def answer(self, source: SignalSource, request: SignalRequest) -> Reply:
        """Have the source verify and read a request, pass on whom it names, and say what to answer."""
        try:
            told: object = source.receive(request)
        except Exception as error:  # noqa: BLE001 - the contract says that nothing is raised; a breach must not close the door
            told = error
        if not isinstance(told, SignalAnswer):
            self.note("source-broken", logging.ERROR, type(told).__name__)
            return Reply(503)
        code = told.code if _CONSTANT.fullmatch(told.code) else "other"
        if told.verdict == "refused":
            self.note(code, logging.WARNING)
            return Reply(told.status if 400 <= told.status < 500 else 403)
        status = told.status if 200 <= told.status < 300 else 200
        content_type = told.content_type if told.content_type in _SHOWN else _SHOWN[0]
        if told.verdict == "accepted":
            self._act(told, code, source)
        else:
            self.note(code, logging.INFO)
        return Reply(status, told.body, content_type)

    def _act(self, told: SignalAnswer, code: str, source: SignalSource) -> None:
        if self._spoke is not None:
            self._spoke(self._name)
        if self._seen.all_of(told.events):
            self.note("replayed", logging.INFO)
            return
        self.note(code, logging.INFO)
        if not (told.people or told.changes or told.renew):
            return
        self._believed_at = self.clock.monotonic()
        if len(told.people) > self.limits.people or not self._signals.take():
            self.note("coalesced", logging.INFO)
            self._renew_later |= told.renew
            self._look_when_calm()
            return
        if told.people or told.changes:
            issuer = source.issuer
            self._wake(frozenset(Subject(issuer, id_) for id_ in told.people if id_), changes=told.changes)
        if told.renew and self._renew is not None:
            self._renew(self._name)

    def _look_when_calm(self) -> None:
        """One round of changes after a while, for everything that comes until then."""
        if self._calm is None:
            self._calm = asyncio.create_task(self._become_calm())

    async def _become_calm(self) -> None:
        await self.clock.sleep(self.limits.calm)
        self._calm = None
        renew, self._renew_later = self._renew_later, False
        try:
            self._wake(frozenset(), changes=True)
            if renew and self._renew is not None:
                self._renew(self._name)
        except Exception:  # noqa: BLE001 - nobody waits for this task; the timer looks anyway
            self.note("not-woken", logging.ERROR)

    # ------------------------------------------------------------------------------------------------------- told once

    def note(self, reason: str, level: int, detail: str = "") -> None:
        """Count a reason; log it once a minute at most, with how often it came since. Never what was sent."""
        reason = reason if reason in self._told or len(self._told) < _REASONS else "other"
        by = {"crosskey.instance": f"source.{self._name}", "crosskey.hook.reason": reason}
        self._instruments.tell("crosskey.hook.request.count", 1, by)
        self._untold[reason] += 1
        now = self.clock.monotonic()
        if now - self._told.get(reason, now - 60.0) >= 60.0:
            self._told[reason] = now
            times = self._untold.pop(reason)
            shown = f"{reason} ({detail})" if detail else reason
            _logger.log(level, "hook of source.%s: %s, %d since it was last told", self._name, shown, times)
