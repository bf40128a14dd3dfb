"""Delivers events to receivers over real HTTP, as event hooks do, in a thread of its own.

A receiver has ``hook_timeout`` seconds; a time-out or a 5xx is tried once more, a 4xx never. Nothing leaves this
machine: a receiver that is not on loopback counts as unreachable.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from queue import Empty, Queue
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec

from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.syslog import LogEvent, milliseconds

__all__ = ("LOOPBACK", "Courier", "Delivery")

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CHALLENGE = "x-okta-verification-challenge"


class Delivery(NamedTuple):
    """One attempt: the hook, the ids of its events, the status that came back (None: no answer in time)."""

    hook: str
    events: tuple[str, ...]
    status: int | None


class _Parcel(NamedTuple):
    hook: str
    uri: str
    headers: Mapping[str, str]
    event: LogEvent


class Courier:
    """Sends what happened, in batches: events that one hold of the org's lock made go together.

    ``delivered`` lists every attempt. :meth:`settle` waits until nothing is on its way.
    """

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._random = Random(cell.seed)  # noqa: S311 - made-up data, not a secret
        self._waiting: Queue[_Parcel] = Queue()
        self._thread: threading.Thread | None = None
        self.delivered: list[Delivery] = []

    def send(self, hook: str, uri: str, headers: Mapping[str, str], event: LogEvent) -> None:
        """Put an event on its way."""
        self._waiting.put(_Parcel(hook, uri, headers, event))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="crosskey-event-hooks", daemon=True)
            self._thread.start()

    def settle(self) -> None:
        """Wait until everything was delivered or given up."""
        self._waiting.join()

    async def challenge(self, uri: str, headers: Mapping[str, str]) -> str:
        """Ask a receiver to prove itself; what is wrong with its answer, or nothing."""
        if not _reachable(uri):
            return "The address cannot be reached."
        value = self._cell.noise(22)
        try:
            async with httpx.AsyncClient(timeout=self._cell.quirks.hook_timeout, trust_env=False) as http:
                answer = await http.get(uri, headers={**headers, _CHALLENGE: value})
        except httpx.HTTPError:
            return "The address gave no answer in time."
        if answer.status_code != 200:
            return f"The address answered with status {answer.status_code}."
        try:
            told = msgspec.json.decode(answer.content, type=dict[str, object]).get("verification")
        except msgspec.DecodeError:
            return "The answer is not JSON."
        return "" if told == value else "The answer does not hold the challenge."

    def _work(self) -> None:
        while True:
            parcels = [self._waiting.get()]
            with self._cell.lock:  # whoever is changing the org finishes first
                try:
                    while True:
                        parcels.append(self._waiting.get_nowait())
                except Empty:
                    pass
            try:
                for batch in self._batches(parcels):
                    for _ in range(2 if self._cell.quirks.hook_duplicates else 1):
                        self._deliver(batch)
            finally:
                for _ in parcels:
                    self._waiting.task_done()

    def _batches(self, parcels: Sequence[_Parcel]) -> list[list[_Parcel]]:
        if self._cell.quirks.hook_shuffled:
            shuffled = [[parcel] for parcel in parcels]
            self._random.shuffle(shuffled)
            return shuffled
        found: dict[tuple[str, str], list[_Parcel]] = {}
        for parcel in parcels:
            found.setdefault((parcel.hook, parcel.uri), []).append(parcel)
        return list(found.values())

    def _deliver(self, batch: Sequence[_Parcel]) -> None:
        first = batch[0]
        body = self._body(batch)
        for _ in range(2):
            status = self._post(first, body)
            self.delivered.append(Delivery(first.hook, tuple(parcel.event.uuid for parcel in batch), status))
            if status is not None and status < 500:
                return

    def _post(self, parcel: _Parcel, body: bytes) -> int | None:
        if not _reachable(parcel.uri):
            return None
        headers = {"content-type": "application/json", **parcel.headers}
        try:
            with httpx.Client(timeout=self._cell.quirks.hook_timeout, trust_env=False) as http:
                return http.post(parcel.uri, content=body, headers=headers).status_code
        except httpx.HTTPError:
            return None

    def _body(self, batch: Sequence[_Parcel]) -> bytes:
        return msgspec.json.encode(
            {
                "eventType": "com.okta.event_hook",
                "eventTypeVersion": "1.0",
                "cloudEventsVersion": "0.1",
                "source": f"https://acme.okta.com/api/v1/eventHooks/{batch[0].hook}",
                "eventId": str(UUID(int=self._random.getrandbits(128), version=4)),
                "data": {"events": [parcel.event for parcel in batch]},
                "eventTime": milliseconds(self._cell.clock.now()),
                "contentType": "application/json",
            }
        )


def _reachable(uri: str) -> bool:
    return urlsplit(uri).hostname in LOOPBACK
