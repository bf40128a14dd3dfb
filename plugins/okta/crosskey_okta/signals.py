"""What Okta's event hooks push: whom to look at soon. They come late, twice, in any order; never the truth."""

from __future__ import annotations

import hmac
import re

import msgspec

from crosskey.connector.signal import SignalAnswer, SignalRequest
from crosskey.errors import UNREADABLE
from crosskey.settings import Secret
from crosskey_okta.log import LogEvent

__all__ = ("HOOK_EVENTS", "SECRET_HEADER", "receive")

SECRET_HEADER = "Authorization"  # noqa: S105 - a header's name
_CHALLENGE_HEADER = "x-okta-verification-challenge"
_CHALLENGE = re.compile(r"[\x21-\x7e]{1,512}")
_HOOK = "com.okta.event_hook"
_LARGEST = 1 << 20

_ABOUT_PEOPLE = (
    "user.lifecycle.create",
    "user.lifecycle.activate",
    "user.lifecycle.reactivate",
    "user.lifecycle.deactivate",
    "user.lifecycle.suspend",
    "user.lifecycle.unsuspend",
    "user.lifecycle.delete.initiated",
    "user.account.update_profile",
    "user.account.lock",
    "user.account.unlock",
    "user.account.unlock_by_admin",
)
_ABOUT_GROUPS = (
    "group.user_membership.add",
    "group.user_membership.remove",
    "group.lifecycle.create",
    "group.lifecycle.delete",
    "group.profile.update",
    "group.application_assignment.add",
    "group.application_assignment.remove",
    "group.application_assignment.update",
    "application.user_membership.add",
    "application.user_membership.remove",
    "application.user_membership.update",
    "application.lifecycle.update",
    "application.lifecycle.activate",
    "application.lifecycle.deactivate",
    "application.lifecycle.delete",
    "system.import.group.create",
    "system.import.group.delete",
)
HOOK_EVENTS = (*_ABOUT_PEOPLE, *_ABOUT_GROUPS)
"""What a hook is made for: everything that moves people, groups or apps, as far as hooks can tell it."""


class _Data(msgspec.Struct, frozen=True):
    events: list[LogEvent]


class _Delivery(msgspec.Struct, frozen=True, rename="camel"):
    event_type: str
    data: _Data


_DELIVERY = msgspec.json.Decoder(_Delivery)


def receive(request: SignalRequest, secret: Secret | None) -> SignalAnswer:
    """Verify and read one request to the hook's address; see :class:`crosskey.connector.signal.ReceivesSignals`.

    A 4xx is final for Okta, and none of these would go better a second time.
    """
    key = b"" if secret is None else secret.reveal().encode()
    if not key:
        return _refused("okta-hook-unconfigured", 403)
    if request.method == "GET":
        return _challenged(request.headers.get(_CHALLENGE_HEADER, ""))
    if request.method != "POST":
        return _refused("okta-hook-method", 405)
    given = request.headers.get(SECRET_HEADER.lower(), "")
    # Bytes: compare_digest takes texts only when they are plain ASCII.
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), key):
        return _refused("okta-hook-secret", 401)
    return _delivered(request.body)


def _delivered(body: bytes) -> SignalAnswer:
    if len(body) > _LARGEST:
        return _refused("okta-hook-too-large", 413)
    try:
        delivery = _DELIVERY.decode(body)
    except UNREADABLE:
        return _refused("okta-hook-malformed", 400)
    if delivery.event_type != _HOOK:
        return _refused("okta-hook-foreign", 400)
    return _accepted(delivery.data.events)


def _challenged(value: str) -> SignalAnswer:
    """The one-time verification: the value comes back. It gives nothing away, so it needs no secret."""
    if not _CHALLENGE.fullmatch(value):
        return _refused("okta-hook-no-challenge", 400)
    body = msgspec.json.encode({"verification": value})
    return SignalAnswer(verdict="challenge", code="okta-hook-challenge", content_type="application/json", body=body)


def _accepted(events: list[LogEvent]) -> SignalAnswer:
    people: set[str] = set()
    changes = False
    for event in events:
        if not event.succeeded or event.event_type not in HOOK_EVENTS:
            continue
        users = event.ids("User")
        people.update(users)
        # Who is in a group or has an app is told by a round of changes, not by reading the person.
        changes = changes or not users or event.event_type in _ABOUT_GROUPS
    return SignalAnswer(
        verdict="accepted",
        code="okta-hook-events" if people or changes else "okta-hook-nothing",
        people=frozenset(people),
        changes=changes,
        events=tuple(dict.fromkeys(event.uuid for event in events if event.uuid)),
    )


def _refused(code: str, status: int) -> SignalAnswer:
    return SignalAnswer(verdict="refused", code=code, status=status)
