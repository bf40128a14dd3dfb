"""Subscriptions to changes of users and groups: made, found again, prolonged and removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from urllib.parse import quote, urlsplit

import msgspec

from crosskey.clock import Clock
from crosskey.connector.signal import Subscription
from crosskey.errors import AuthError, ConfigError, RejectedError
from crosskey.settings import Secret
from crosskey_entra.advice import PERMISSION
from crosskey_entra.graph import Graph, Page

__all__ = ("Subscriptions",)

_LIFE = timedelta(days=28)
"""Graph takes 41,760 minutes at most for directory objects, which is 29 days."""
_KINDS = {"users": "User.Read.All", "groups": "Group.Read.All"}
"""What is subscribed to, and the least permission for it (members of groups alone are not enough here)."""
_CHANGES = "updated,deleted"
"""``updated`` tells of new and of soft-deleted objects as well; ``created`` is not offered."""
_LONGEST = 128
_TEMPLATE = "/subscriptions/{id}"


class _Row(msgspec.Struct, rename="camel"):
    id: str
    resource: str = ""
    application_id: str | None = None
    notification_url: str | None = None
    lifecycle_notification_url: str | None = None
    expiration_date_time: datetime | None = None


_ROW = msgspec.json.Decoder(_Row)
_ROWS = msgspec.json.Decoder(Page[_Row])
_NOTHING = msgspec.json.Decoder(msgspec.Raw)


class Subscriptions:
    """Those of one app registration to users and groups as a whole; Graph tells an app of no others."""

    def __init__(self, graph: Graph, *, client_id: str, secret: Secret | None, clock: Clock, instance: str) -> None:
        self._graph = graph
        self._client_id = client_id
        self._secret = secret
        self._clock = clock
        self._instance = instance

    async def all(self) -> Sequence[Subscription]:
        """Every subscription of the app to users or groups, wherever it delivers to."""
        return [self._told(row) for row in await self._rows()]

    async def make(self, url: str) -> Sequence[Subscription]:
        """One for users and one for groups that deliver to ``url``; those that are there and last are left alone.

        The secret of one that exists cannot be changed, nor be read: after changing ``hook_secret`` remove them first.
        """
        secret = self._state(url)
        there = {
            row.resource.strip("/").lower(): row
            for row in await self._rows()
            if row.notification_url == url == row.lifecycle_notification_url and self._told(row).state == "active"
        }
        made: list[Subscription] = []
        for kind, permission in _KINDS.items():
            row = there.get(kind) or await self._make(kind, url, secret, permission)
            made.append(self._told(row))
        return made

    async def renew(self, subscription: Subscription) -> Subscription:
        """Let it last as long as Graph allows from now on."""
        try:
            reply = await self._graph.send("PATCH", _path(subscription), _ROW, {"expirationDateTime": self._end()})
        except AuthError as error:
            self._lacks(error, " and ".join(_KINDS.values()))
        return self._told(reply)

    async def remove(self, subscription: Subscription) -> None:
        """Remove it; that it is gone already is no error."""
        try:
            await self._graph.send("DELETE", _path(subscription), _NOTHING, None)
        except RejectedError as error:
            if error.status != 404:
                raise

    async def _make(self, kind: str, url: str, secret: str, permission: str) -> _Row:
        body = {
            "changeType": _CHANGES,
            "resource": kind,
            "notificationUrl": url,
            "lifecycleNotificationUrl": url,  # cannot be added later
            "expirationDateTime": self._end(),
            "clientState": secret,
        }
        try:
            return await self._graph.send("POST", "/subscriptions", _ROW, body)
        except AuthError as error:
            self._lacks(error, permission)
        except RejectedError as error:
            error.fix = error.fix or (
                f"Graph must reach {url} from the internet and get its own words back within ten seconds: "
                "is crosskey serving there, with a certificate that everybody trusts?"
            )
            raise

    async def _rows(self) -> list[_Row]:
        rows: list[_Row] = []
        async for reply in self._graph.listing("/subscriptions", _ROWS):
            rows += reply.value.value
        return [
            row
            for row in rows
            if row.resource.strip("/").lower() in _KINDS
            and (row.application_id is None or row.application_id.lower() == self._client_id)
        ]

    def _told(self, row: _Row) -> Subscription:
        ends = row.expiration_date_time
        return Subscription(
            id=row.id,
            url=row.notification_url or "",
            state="lapsed" if ends is not None and ends <= self._clock.now() else "active",
            about=row.resource.strip("/").lower(),
            expires_at=ends,
        )

    def _end(self) -> str:
        return (self._clock.now() + _LIFE).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _state(self, url: str) -> str:
        secret = self._secret.reveal() if self._secret is not None else ""
        if not 1 <= len(secret) <= _LONGEST:
            raise ConfigError(
                "there is no secret by which a notification of Graph is known to be one"
                if not secret
                else f"hook_secret has {len(secret)} characters; Graph takes {_LONGEST}",
                code="entra-hook-secret",
                where=f"{self._instance}.hook_secret",
                fix=f'write hook_secret = {{ env = "ENTRA_HOOK_SECRET" }} in [{self._instance}]: random text, 32 to '
                f"{_LONGEST} characters",
            )
        host = urlsplit(url).hostname or ""
        if not url.startswith("https://") and host not in ("localhost", "127.0.0.1", "::1"):
            raise ConfigError(
                "Graph delivers notifications to https addresses only",
                code="entra-hook-address",
                where=self._instance,
                fix="give the public address at which crosskey serves hooks: https://…",
            )
        return secret

    def _lacks(self, error: AuthError, permission: str) -> NoReturn:
        if error.code != PERMISSION:
            raise error
        raise AuthError(
            error.message, code=PERMISSION, where=error.where, fix=self._graph.advice.grant(permission)
        ) from None


def _path(subscription: Subscription) -> str:
    return f"/subscriptions/{quote(subscription.id, safe='')}"
