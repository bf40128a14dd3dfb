"""Carries notifications to their subscribers over real HTTP, on this machine only."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import httpx
import msgspec

from crosskey_sandbox.entra.cell import Cell, time_text
from crosskey_sandbox.entra.subscriptions import Row, Subscription, Subscriptions

__all__ = ("Courier",)

_VALIDATION = 10.0  # seconds in which the token must come back
_PATIENCE = 4 * 3600.0  # seconds over which a delivery is tried again
_AHEAD = timedelta(hours=24)  # before its end a subscription asks to be prolonged; when exactly is made up


class _Parcel(msgspec.Struct):
    since: float
    url: str
    items: list[Row]


class Courier:
    """Delivers when asked to, so that tests and stages decide when time passes. Call from any thread."""

    def __init__(self, cell: Cell, subscriptions: Subscriptions, tenant_id: str) -> None:
        self._cell = cell
        self._subscriptions = subscriptions
        self._tenant_id = tenant_id
        self._waiting: list[_Parcel] = []
        self._numbers = count(1)
        self.delivered: list[Row] = []
        """Every notification that a subscriber answered with success."""

    def validate(self, one: Subscription) -> str:
        """Ask each address whether it wants notifications; what was wrong, or nothing."""
        for url in filter(None, dict.fromkeys((one.url, one.lifecycle_url))):
            token = (
                f"Validation: Testing client application reachability for subscription Request-Id: {self._cell.guid()}"
            )
            try:
                answer = httpx.post(
                    httpx.URL(url).copy_merge_params({"validationToken": token}),
                    headers={"content-type": "text/plain; charset=utf-8"},
                    timeout=_VALIDATION,
                    trust_env=False,
                )
            except httpx.HTTPError as error:
                return f"NotificationUrl could not be reached: {type(error).__name__}"
            if answer.status_code != 200 or answer.text != token:
                return "Must respond with 200 OK and the validation token to this request."
            if not answer.headers.get("content-type", "").startswith("text/plain"):
                return "Must respond with text/plain to this request."
        return ""

    def deliver(self) -> int:
        """Carry whatever is due; how many notifications arrived. What is refused goes again, for four hours."""
        with self._cell.lock:
            for one in self._subscriptions.live():
                self._pack(one)
            parcels, self._waiting = self._waiting, []
        arrived = 0
        for parcel in parcels:
            if self._carry(parcel):
                arrived += len(parcel.items)
                self.delivered += parcel.items
            elif self._cell.epoch() < parcel.since + _PATIENCE:
                self._waiting.append(parcel)
        return arrived

    @contextmanager
    def delivering(self, every: float = 1.0) -> Generator[None]:
        """Deliver by itself, each so many seconds, until the block is left."""
        over = threading.Event()

        def run() -> None:
            while not over.wait(every):
                self.deliver()

        thread = threading.Thread(target=run, name="crosskey-sandbox-courier", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def lifecycle(self, event: str) -> None:
        """Tell each subscriber something about the subscription itself: it goes with the next delivery."""
        with self._cell.lock:
            for one in self._subscriptions.live():
                self._tell(one, event)
                if event == "subscriptionRemoved":
                    self._subscriptions.remove(one)

    def _pack(self, one: Subscription) -> None:
        quirks = self._cell.quirks
        items = [{**self._head(one), **row} for row in self._subscriptions.news(one)]
        if quirks.lost_notifications:
            items = [item for item in items if next(self._numbers) % quirks.lost_notifications]
        size = max(1, quirks.notification_batch)
        parcels = [items[start : start + size] for start in range(0, len(items), size)]
        for part in parcels:
            for _ in range(1 + quirks.notification_repeats):
                self._waiting.append(_Parcel(self._cell.epoch(), one.url, part))
        if not one.warned and one.ends - self._cell.clock.now() < _AHEAD:
            one.warned = True
            self._tell(one, "reauthorizationRequired")

    def _tell(self, one: Subscription, event: str) -> None:
        if one.lifecycle_url:
            item: Row = {**self._head(one), "lifecycleEvent": event}
            self._waiting.append(_Parcel(self._cell.epoch(), one.lifecycle_url, [item]))

    def _head(self, one: Subscription) -> Row:
        return {
            "subscriptionId": one.id,
            "subscriptionExpirationDateTime": time_text(one.ends),
            "tenantId": self._tenant_id,
            "clientState": one.client_state or None,
        }

    @staticmethod
    def _carry(parcel: _Parcel) -> bool:
        try:
            answer = httpx.post(parcel.url, json={"value": parcel.items}, timeout=_VALIDATION, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.is_success
