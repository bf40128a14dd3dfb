"""Security events that we fetch ourselves (RFC 8936): for transmitters that cannot reach us, and for what got lost."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crosskey.clock import Clock
from crosskey.connector.signal_poll import SLOWEST, SignalPoll
from crosskey.connector.sso import SignalMessage
from crosskey.errors import CrosskeyError, RetryableError, UncertainError
from crosskey.model import Subject
from crosskey.sso.signals import SignalReply

if TYPE_CHECKING:
    from crosskey.http import Client

__all__ = ("Fetched", "SignalPoller")

_AT_ONCE: Final = 50
_IN_A_ROW: Final = 20
"""So many questions follow one another at once; a transmitter that never takes our word must not make us spin."""
_SHORT: Final = 3600.0
"""Seconds until a transmitter that let a question wait too long is asked to wait again."""


class _Sets(msgspec.Struct, rename="camel"):
    sets: dict[str, str] = {}
    more_available: bool = False


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What one question came to. ``wait`` is how many seconds may pass until the next; ``look``: people to read."""

    heard: int
    refused: int
    wait: float
    look: frozenset[Subject] = frozenset()


class SignalPoller:
    """Asks one transmitter, and tells it with the next question what became of what it gave.

    What cannot be judged now (the keys cannot be had) is neither taken nor refused: it comes again.
    """

    def __init__(self, poll: SignalPoll, hear: Callable[[SignalMessage], Awaitable[SignalReply]], clock: Clock) -> None:
        self._poll = poll
        self._hear = hear
        self._clock = clock
        self._taken: list[str] = []
        self._refused: dict[str, Any] = {}
        self._row = 0
        self._failures = 0
        self._short_until = -math.inf

    async def ask(self, client: Client) -> Fetched:
        """Ask once. Raises :class:`crosskey.errors.CrosskeyError`; what was to be told is told the next time then."""
        began, telling = self._clock.monotonic(), bool(self._taken or self._refused)
        sets = await self._asked(client)
        self._taken, self._refused, self._failures = [], {}, 0
        look: frozenset[Subject] = frozenset()
        for id_, token in sets.sets.items():
            answer = await self._hear(SignalMessage(channel="security-event", token=token, polled=True))
            if answer.status == 202:
                self._taken.append(id_)
                look |= answer.look
            elif answer.status < 500:
                self._refused[id_] = msgspec.json.decode(answer.body)
        heard, refused = len(self._taken), len(self._refused)
        self._row = self._row + 1 if heard or refused else 0
        at_once = 0 < self._row <= _IN_A_ROW or (telling and not sets.sets and self._waits)
        self._row = self._row if at_once else 0
        every = self._poll.every.total_seconds()
        wait = 0.0 if at_once else max(0.0, every - (self._clock.monotonic() - began))
        return Fetched(heard=heard, refused=refused, wait=wait, look=look)

    def wait_after(self, error: CrosskeyError) -> float:
        """Seconds until a transmitter that did not answer is asked again: longer each time."""
        self._failures += 1
        told = error.wait if isinstance(error, RetryableError) else 0.0
        return min(SLOWEST, max(told, self._poll.every.total_seconds() * 2.0 ** min(self._failures, 10)))

    @property
    def _waits(self) -> bool:
        """Whether the transmitter may let a question wait for events."""
        return self._clock.monotonic() >= self._short_until

    async def _asked(self, client: Client) -> _Sets:
        """The answer to a question that may wait for events; where that breaks, to one that may not."""
        if self._waits:
            try:
                return await self._question(client, at_once=bool(self._taken or self._refused))
            except UncertainError:
                self._short_until = self._clock.monotonic() + _SHORT
        return await self._question(client, at_once=True)

    async def _question(self, client: Client, *, at_once: bool) -> _Sets:
        asked: dict[str, Any] = {"maxEvents": _AT_ONCE, "returnImmediately": at_once}
        if self._taken:
            asked["ack"] = self._taken
        headers = {"Authorization": f"Bearer {self._poll.token.reveal()}"}
        if self._refused:
            asked["setErrs"] = self._refused
            headers["Content-Language"] = "en"
        # Asked again by us alone, and later: a transmitter that lets questions wait would have two of them wait.
        reply = await client.call("POST", self._poll.url, decode=_Sets, json=asked, headers=headers, repeatable=False)
        return reply.value
