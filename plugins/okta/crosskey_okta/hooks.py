"""The event hook that crosskey keeps at Okta for one instance: found by its name, made, mended, verified, removed."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from crosskey.connector.signal import Subscription
from crosskey.errors import ConfigError, RejectedError
from crosskey.settings import Secret
from crosskey_okta.errors import is_gone
from crosskey_okta.org import Org
from crosskey_okta.settings import HOOKS_SCOPE
from crosskey_okta.signals import HOOK_EVENTS, SECRET_HEADER

__all__ = ("Hooks",)

_PATH = "/api/v1/eventHooks"
_ONE = f"{_PATH}/{{id}}"


class _Events(msgspec.Struct, frozen=True):
    items: list[str] = []


class _Config(msgspec.Struct, frozen=True):
    uri: str = ""


class _Channel(msgspec.Struct, frozen=True):
    config: _Config = _Config()


class _Hook(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    name: str = ""
    status: str = ""
    verification_status: str = ""
    events: _Events = _Events()
    channel: _Channel = _Channel()

    @property
    def uri(self) -> str:
        return self.channel.config.uri

    def subscription(self) -> Subscription:
        lapsed = self.status != "ACTIVE"
        verified = self.verification_status == "VERIFIED"
        return Subscription(
            id=self.id,
            url=self.uri,
            state="lapsed" if lapsed else "active" if verified else "unverified",
            about=f"{len(self.events.items)} event types",
        )


_HOOK = msgspec.json.Decoder(_Hook)
_HOOKS = msgspec.json.Decoder(list[_Hook])
_NOTHING = msgspec.json.Decoder(msgspec.Raw)


class Hooks:
    """Event hooks of one instance. Okta shows no hook's secret, so a new one is written by :meth:`renew` only."""

    def __init__(self, org: Org, *, instance: str, secret: Secret | None) -> None:
        self._org = org
        self._instance = instance
        self._secret = secret
        self._name = f"crosskey {instance}"

    async def subscriptions(self) -> list[Subscription]:
        """Those that bear this instance's name."""
        return [hook.subscription() for hook in await self._ours()]

    async def subscribe(self, url: str) -> list[Subscription]:
        """One hook that delivers to ``url``, active and verified: found, mended or made."""
        wanted = self._wanted(url)
        ours = await self._ours()
        hook = next((hook for hook in ours if hook.uri == url), ours[0] if ours else None)
        if hook is None:
            hook = await self._write("POST", _PATH, wanted)
        elif hook.uri != url or set(hook.events.items) != set(HOOK_EVENTS):
            hook = await self._write("PUT", _path(hook.id), wanted)
        return [(await self._working(hook)).subscription()]

    async def renew(self, subscription: Subscription) -> Subscription:
        """Write the hook anew with the present secret, and verify it again."""
        hook = await self._write("PUT", _path(subscription.id), self._wanted(subscription.url))
        if hook.status != "ACTIVE":
            hook = await self._turn(hook.id, "activate")
        return (await self._turn(hook.id, "verify")).subscription()

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Remove the hook; Okta wants it deactivated first."""
        try:
            await self._turn(subscription.id, "deactivate")
            await self._org.send("DELETE", _path(subscription.id), _NOTHING, template=_ONE, scope=HOOKS_SCOPE)
        except RejectedError as error:
            if not is_gone(error):
                raise

    async def _ours(self) -> list[_Hook]:
        reply = await self._org.send("GET", _PATH, _HOOKS, template=_PATH, scope=HOOKS_SCOPE)
        return [hook for hook in reply.value if hook.name == self._name]

    async def _working(self, hook: _Hook) -> _Hook:
        if hook.status != "ACTIVE":
            hook = await self._turn(hook.id, "activate")
        if hook.verification_status != "VERIFIED":
            hook = await self._turn(hook.id, "verify")
        return hook

    async def _write(self, method: str, path: str, wanted: Mapping[str, object]) -> _Hook:
        template = _PATH if path == _PATH else _ONE
        reply = await self._org.send(method, path, _HOOK, template=template, scope=HOOKS_SCOPE, json=wanted)
        return reply.value

    async def _turn(self, id: str, action: str) -> _Hook:
        path, template = f"{_path(id)}/lifecycle/{action}", f"{_ONE}/lifecycle/{action}"
        try:
            reply = await self._org.send("POST", path, _HOOK, template=template, scope=HOOKS_SCOPE)
        except RejectedError as error:
            if action != "verify" or is_gone(error):
                raise
            raise RejectedError(
                f"Okta could not verify the event hook: {error.message}",
                code="okta-hook-unverified",
                where=self._instance,
                fix="the address must be reachable from the internet by https and answer within 3 seconds; then "
                "verify again",
                status=error.status,
            ) from None
        return reply.value

    def _wanted(self, url: str) -> Mapping[str, object]:
        if self._secret is None:
            raise ConfigError(
                "an event hook without a secret would be open to anybody",
                code="okta-hook-secret",
                where=f"{self._instance}.hook_secret",
                fix='write hook_secret = { env = "OKTA_HOOK_SECRET" }, a long random text',
            )
        scheme = {"type": "HEADER", "key": SECRET_HEADER, "value": self._secret.reveal()}
        return {
            "name": self._name,
            "events": {"type": "EVENT_TYPE", "items": list(HOOK_EVENTS)},
            "channel": {
                "type": "HTTP",
                "version": "1.0.0",
                "config": {"uri": url, "headers": [], "method": "POST", "authScheme": scheme},
            },
        }


def _path(id: str) -> str:
    return f"{_PATH}/{quote(id, safe='')}"
