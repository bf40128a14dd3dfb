"""Event hooks of an org: who is told what, and whether the receiver was verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.courier import LOOPBACK, Courier
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.roll import Roll
from crosskey_sandbox.okta.syslog import HOOKABLE, LogEvent

__all__ = ("EventHook", "EventHooks", "HookRequest", "without_secret")

_MOST_ACTIVE, _MOST_TYPES = 25, 300


class _Events(msgspec.Struct, frozen=True):
    items: list[str]
    type: Literal["EVENT_TYPE"] = "EVENT_TYPE"
    filter: object = None


class _Pair(msgspec.Struct, frozen=True):
    key: str
    value: str = ""


class _AuthScheme(msgspec.Struct, frozen=True):
    key: str
    value: str = ""
    type: Literal["HEADER"] = "HEADER"


class _Config(msgspec.Struct, rename="camel", frozen=True):
    uri: str
    headers: list[_Pair] = []
    auth_scheme: _AuthScheme | None = None
    method: Literal["POST"] = "POST"


class _Channel(msgspec.Struct, frozen=True):
    config: _Config
    type: Literal["HTTP"] = "HTTP"
    version: str = "1.0.0"


class HookRequest(msgspec.Struct, frozen=True):
    """The body of a creation or a replacement."""

    name: str
    events: _Events
    channel: _Channel


class EventHook(msgspec.Struct, kw_only=True):
    """One hook. ``wanted`` is what its owner asked for; the secret in it is never shown again."""

    id: str
    wanted: HookRequest
    created: str
    created_by: str
    last_updated: str
    status: Literal["ACTIVE", "INACTIVE"] = "ACTIVE"
    verification_status: Literal["UNVERIFIED", "VERIFIED"] = "UNVERIFIED"

    @property
    def uri(self) -> str:
        """Where it delivers."""
        return self.wanted.channel.config.uri

    @property
    def headers(self) -> dict[str, str]:
        """What every delivery bears: the secret and the custom headers."""
        config = self.wanted.channel.config
        scheme = config.auth_scheme
        own = {pair.key: pair.value for pair in config.headers}
        return own if scheme is None else {**own, scheme.key: scheme.value}


class EventHooks:
    """Every hook. Only those that are active and verified are told; a changed address must be verified again."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self.roll: Roll[EventHook] = Roll()
        self.courier = Courier(cell)
        self.proved: dict[str, str] = {}  # hook -> what was wrong with its answer to the challenge, "" for nothing
        cell.log.on_added.append(self._tell)

    def find(self, hook_id: str) -> EventHook:
        """By id."""
        hook = self.roll.get(hook_id)
        if hook is None:
            raise ApiError.missing(hook_id, "EventHook")
        return hook

    def create(self, wanted: HookRequest, creator: str) -> EventHook:
        """Add a hook: active at once, and silent until it is verified."""
        self._check(wanted)
        now = self._cell.now()
        hook = EventHook(id=self._cell.new_id("who"), wanted=wanted, created=now, created_by=creator, last_updated=now)
        self.roll.add(hook.id, hook)
        return hook

    def replace(self, hook_id: str, wanted: HookRequest) -> EventHook:
        """Change everything; another address is an unverified one."""
        hook = self.find(hook_id)
        self._check(wanted)
        if wanted.channel.config.uri != hook.uri:
            hook.verification_status = "UNVERIFIED"
        hook.wanted, hook.last_updated = wanted, self._cell.now()
        return hook

    def verify(self, hook_id: str) -> EventHook:
        """Take the receiver's answer to the challenge; 400 when it was not the right one."""
        hook = self.find(hook_id)
        wrong = self.proved.pop(hook_id, "The receiver was not asked.")
        if wrong:
            raise ApiError.invalid("eventHook", f"Verification failed. {wrong}")
        hook.verification_status, hook.last_updated = "VERIFIED", self._cell.now()
        return hook

    def set_active(self, hook_id: str, *, active: bool) -> EventHook:
        """Turn a hook on or off."""
        hook = self.find(hook_id)
        hook.status, hook.last_updated = ("ACTIVE" if active else "INACTIVE"), self._cell.now()
        return hook

    def delete(self, hook_id: str) -> None:
        """Remove a hook; it must be deactivated first."""
        if self.find(hook_id).status == "ACTIVE":
            raise ApiError.invalid("status", "An active event hook cannot be deleted")
        self.roll.remove(hook_id)

    def _check(self, wanted: HookRequest) -> None:
        parts = urlsplit(wanted.channel.config.uri)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ApiError.invalid("uri", "The address must use https")
        items = wanted.events.items
        if not wanted.name or not items or len(items) > _MOST_TYPES:
            raise ApiError.invalid("events", f"1 to {_MOST_TYPES} event types are needed")
        for item in items:
            if item not in HOOKABLE:
                raise ApiError.invalid("events", f"{item} is not eligible for event hooks")
        if sum(hook.status == "ACTIVE" for hook in self.roll) >= _MOST_ACTIVE:
            raise ApiError.invalid("eventHook", f"There are {_MOST_ACTIVE} active event hooks already")

    def _tell(self, event: LogEvent) -> None:
        for hook in self.roll:
            ready = hook.status == "ACTIVE" and hook.verification_status == "VERIFIED"
            if ready and event.event_type in hook.wanted.events.items:
                self.courier.send(hook.id, hook.uri, hook.headers, event)


def without_secret(wanted: HookRequest) -> Mapping[str, object]:
    """The channel as answers show it: ``authScheme`` without its value."""
    channel = msgspec.to_builtins(wanted.channel)
    scheme = channel["config"]["authScheme"]
    if scheme is not None:
        del scheme["value"]
    return channel
