"""Change notifications of Graph: what they are, and that they are meant for us. They say where to look, and no more."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

import msgspec

from crosskey.connector.signal import SignalAnswer, SignalRequest
from crosskey.errors import UNREADABLE, ConfigError
from crosskey.settings import Secret

__all__ = ("Notifications",)

_OBJECT_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TOKEN = re.compile(r"[\x20-\x7e]{1,2048}")
_LARGEST = 1_048_576
_MOST = 5_000
_USERS = "#microsoft.graph.user"
_RENEWS = frozenset({"reauthorizationRequired", "subscriptionRemoved"})
_MISSES = frozenset({"subscriptionRemoved", "missed"})


class _Resource(msgspec.Struct):
    id: str = ""
    type: str = msgspec.field(name="@odata.type", default="")


class _Notification(msgspec.Struct, rename="camel"):
    """``id`` is optional, and directory objects were never seen to send it."""

    client_state: str | None = None
    tenant_id: str = ""
    subscription_id: str = ""
    lifecycle_event: str = ""
    id: str | None = None
    resource_data: _Resource | None = None


class _Body(msgspec.Struct):
    value: list[_Notification]


_BODY = msgspec.json.Decoder(_Body)


class Notifications:
    """Reads what is delivered to a hook of one tenant.

    A notification without our secret, or of another tenant, is dropped; the others of the same delivery count. Graph
    gives notifications of directory objects no id, and may deliver one again: ``events`` then stay empty, rather than
    hold something that two different changes would share. A replay costs a look, and no more.
    """

    def __init__(self, secret: Secret | None, tenant: str) -> None:
        self._secret = secret
        self._tenant = tenant

    def receive(self, request: SignalRequest) -> SignalAnswer:
        """What to answer, and what to look at; never raises."""
        secret = self._revealed()
        if not secret:
            return _refused("entra-hook-off", 404)
        if request.method != "POST":
            return _refused("entra-hook-method", 405)
        token = request.query.get("validationToken")
        return self._challenge(token) if token is not None else self._delivery(request.body, secret)

    def _delivery(self, body: bytes, secret: bytes) -> SignalAnswer:
        if len(body) > _LARGEST:
            return _refused("entra-hook-too-large", 413)
        try:
            found = _BODY.decode(body).value
        except UNREADABLE:
            found = []
        if not 0 < len(found) <= _MOST:
            return _refused("entra-hook-malformed", 400)
        proven = [one for one in found if hmac.compare_digest((one.client_state or "").encode(), secret)]
        ours = [one for one in proven if one.tenant_id.lower() == self._tenant]
        if not ours:
            return _refused("entra-hook-tenant" if proven else "entra-hook-secret", 403)
        return _accepted(ours)

    def _revealed(self) -> bytes:
        """The secret; nothing where there is none, or where it cannot be read now: then no notification is ours."""
        try:
            return self._secret.reveal().encode() if self._secret is not None else b""
        except ConfigError:
            return b""

    @staticmethod
    def _challenge(token: str) -> SignalAnswer:
        """Graph asks whether the address wants notifications, and gets its own words back, as plain text."""
        if not _TOKEN.fullmatch(token):
            return _refused("entra-hook-malformed", 400)
        return SignalAnswer(verdict="challenge", code="entra-hook-validated", body=token.encode())


def _accepted(found: Iterable[_Notification]) -> SignalAnswer:
    people: set[str] = set()
    events: list[str] = []
    changes = renew = False
    for one in found:
        if one.id:
            events.append(one.id)
        if one.lifecycle_event:
            renew = renew or one.lifecycle_event in _RENEWS
            changes = changes or one.lifecycle_event in _MISSES
            continue
        about = one.resource_data or _Resource()
        if about.type.lower() == _USERS and _OBJECT_ID.fullmatch(about.id):
            people.add(about.id.lower())
        else:
            changes = True  # a group, or something that cannot be told
    return SignalAnswer(
        verdict="accepted",
        code="entra-hook",
        status=202,
        people=frozenset(people),
        changes=changes,
        renew=renew,
        events=tuple(events),
    )


def _refused(code: str, status: int) -> SignalAnswer:
    return SignalAnswer(verdict="refused", code=code, status=status)
