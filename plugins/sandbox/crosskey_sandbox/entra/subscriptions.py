"""Subscriptions to changes of users and groups: what one must be, how long it lasts, and what it still has to tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from crosskey_sandbox.entra.cell import Cell, time_text
from crosskey_sandbox.entra.directory import Directory
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.schema import Sort

__all__ = ("LONGEST", "Row", "Subscription", "Subscriptions")

LONGEST = timedelta(minutes=41_760)
"""For users, groups and other directory objects."""
_SHORTEST = timedelta(minutes=45)
_MOST = 100  # for one app in one tenant
_SORTS: dict[str, Sort] = {"users": "user", "groups": "group"}
_CHANGES = frozenset({"updated", "deleted"})

Row = dict[str, object]


class Subscription(msgspec.Struct, kw_only=True):
    """One subscription; ``seen`` is how much of the directory's log it has told, ``warned`` that its end was."""

    id: str
    sort: Sort
    resource: str
    changes: frozenset[str]
    client_id: str
    url: str
    lifecycle_url: str
    client_state: str
    ends: datetime
    seen: int
    warned: bool = False

    def row(self) -> Row:
        """As Graph shows it: never with its secret."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client_id,
            "changeType": ",".join(sorted(self.changes, reverse=True)),
            "clientState": None,
            "notificationUrl": self.url,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "expirationDateTime": time_text(self.ends),
            "creatorId": None,
            "latestSupportedTlsVersion": "v1_2",
            "notificationContentType": None,
        }


class Subscriptions:
    """All subscriptions of a tenant; one that reached its end is gone."""

    def __init__(self, cell: Cell, directory: Directory) -> None:
        self._cell = cell
        self._directory = directory
        self._made: dict[str, Subscription] = {}

    def live(self, client_id: str = "") -> list[Subscription]:
        """Those that last, of one app or of all."""
        now = self._cell.clock.now()
        self._made = {key: one for key, one in self._made.items() if one.ends > now}
        return [one for one in self._made.values() if client_id in ("", one.client_id)]

    def find(self, key: str, client_id: str) -> Subscription:
        """One of an app's own; 404 for any other."""
        for one in self.live(client_id):
            if one.id == key:
                return one
        raise GraphError(404, "ResourceNotFound", "The object was not found.")

    def create(self, document: Row, client_id: str) -> Subscription:
        """A subscription as asked for; 400 for one that Graph does not take, 403 over the quota."""
        resource = str(document.get("resource") or "").strip("/")
        changes = frozenset(part.strip() for part in str(document.get("changeType") or "").split(","))
        if resource not in _SORTS:
            raise _refused(f"Resource '{resource}' is not known here: users or groups.")
        if not changes <= _CHANGES:
            raise _refused("ChangeType must be updated, deleted, or both.")
        if len(state := str(document.get("clientState") or "")) > 128:
            raise _refused("ClientState can have at most 128 characters.")
        if len(self.live(client_id)) >= _MOST:
            raise GraphError(403, "Forbidden", "The number of subscriptions of this application is used up.")
        made = Subscription(
            id=self._cell.guid(),
            sort=_SORTS[resource],
            resource=resource,
            changes=changes,
            client_id=client_id,
            url=_address(document.get("notificationUrl")),
            lifecycle_url=_address(document.get("lifecycleNotificationUrl"), needed=False),
            client_state=state,
            ends=self._end(document),
            seen=len(self._directory.log),
        )
        self._made[made.id] = made
        return made

    def prolong(self, one: Subscription, document: Row) -> None:
        """Another end, from now on. Nothing else of a subscription can be changed here."""
        if unknown := document.keys() - {"expirationDateTime"}:
            raise _refused(f"{min(unknown)} cannot be changed.")
        one.ends, one.warned = self._end(document), False

    def remove(self, one: Subscription) -> None:
        """It ends now."""
        self._made.pop(one.id, None)

    def news(self, one: Subscription) -> Iterator[Row]:
        """What happened since it was last asked and is told by now, one notification for each change."""
        log, delay = self._directory.log, self._cell.quirks.notification_delay
        horizon = self._cell.epoch() - delay
        one.seen = min(one.seen, len(log))
        last = {change.id: place for place, change in enumerate(log)}
        while one.seen < len(log) and log[one.seen].at <= horizon:
            change, place = log[one.seen], one.seen
            one.seen += 1
            kind = "deleted" if change.id in self._directory.gone and last[change.id] == place else "updated"
            if change.sort == one.sort and kind in one.changes:
                yield {"changeType": kind, **_about(one.sort, change.id)}

    def _end(self, document: Row) -> datetime:
        now = self._cell.clock.now()
        try:
            asked = datetime.fromisoformat(str(document["expirationDateTime"]))
        except (KeyError, ValueError):
            raise _refused("ExpirationDateTime is missing or no time.") from None
        asked = asked.replace(tzinfo=asked.tzinfo or UTC)
        if asked > now + LONGEST:
            raise _refused(
                f"Subscription expiration can only be {LONGEST.total_seconds() / 60:.0f} minutes in the future."
            )
        if asked <= now:
            raise _refused("Subscription expiration is in the past.")
        return max(asked, now + _SHORTEST)


def _about(sort: Sort, key: str) -> Row:
    name = sort.title()
    path = f"{name}s/{key}"
    return {"resource": path, "resourceData": {"@odata.type": f"#Microsoft.Graph.{name}", "@odata.id": path, "id": key}}


def _address(value: object, *, needed: bool = True) -> str:
    """This machine only: nothing here may call anywhere else. Graph itself takes https only."""
    text = str(value or "")
    host = urlsplit(text).hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if local or (not text and not needed):
        return text
    raise _refused("The sandbox delivers to addresses of this machine only.")


def _refused(message: str) -> GraphError:
    return GraphError.bad_request(message, "InvalidRequest")
