"""What is sent for a change: a new user, operations on one, or the whole of one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

from crosskey import Change

from crosskey_scim.accounts import is_active, marker_of
from crosskey_scim.directory import Operation
from crosskey_scim.places import USER, Place, Resource

__all__ = ("edited", "needs_whole", "new_user", "operations", "shortfalls", "writes")

Places = Mapping[str, Place]
"""Where the fields of mappings lie, by name."""

_SERVICE_S_OWN = ("meta", "groups")
"""What a user's whole need not bring back: the service makes it itself (RFC 7643 §3.1, §4.1.2)."""


def new_user(change: Change, places: Places) -> Resource:
    """The user that a create makes, with its marker from the first moment on."""
    user: Resource = {"schemas": [USER], "externalId": change.marker, "active": True}
    for name, field in change.fields.items():
        places[name].write(user, field.after)
    return user


def edited(user: Resource, change: Change, places: Places, *, marked: bool) -> Resource:
    """A user as the change wants it. ``marked``: the marker is written too."""
    whole = copy.deepcopy({name: value for name, value in user.items() if name not in _SERVICE_S_OWN})
    if change.active is not None:
        whole["active"] = change.active.after
    if marked and change.action == "release":
        whole.pop("externalId", None)
    elif marked:
        whole["externalId"] = change.marker
    for name, field in change.fields.items():
        places[name].write(whole, field.after)
    return whole


def operations(change: Change, whole: Resource, places: Places, *, marked: bool) -> list[Operation]:
    """The same as operations: one for each attribute, lists as a whole, for which ``whole`` is the edited user."""
    if marked and change.action == "release":
        made: list[Operation] = [{"op": "remove", "path": "externalId"}]
    else:
        made = [{"op": "replace", "path": "externalId", "value": change.marker}] if marked else []
    if change.active is not None:
        made.append({"op": "replace", "path": "active", "value": change.active.after})
    for place in {place.path: place for place in _places(change, places)}.values():
        value = place.whole(whole)
        made.append(
            {"op": "remove", "path": place.path}
            if value is None
            else {"op": "replace", "path": place.path, "value": value}
        )
    return made


def needs_whole(change: Change, places: Places) -> bool:
    """Whether a PATCH wants the user to be looked at first: lists hold what is not ours."""
    return any(place.element for place in _places(change, places))


def writes(change: Change, *, marked: bool) -> bool:
    """Whether anything is written to the user itself, and not only to groups."""
    return bool(change.fields) or change.active is not None or marked


def shortfalls(user: Resource, change: Change, places: Places, *, marked: bool = False) -> list[str]:
    """What a user does not show of a change, in words."""
    missing: list[str] = []
    if change.active is not None and is_active(user) != change.active.after:
        missing.append("it is still switched " + ("off" if change.active.after else "on"))
    if marked and marker_of(user) != ("" if change.action == "release" else change.marker):
        missing.append("externalId is not as written")
    missing += [
        f"{name} is not as written"
        for name, field in change.fields.items()
        if (places[name].read(user) or "") != (field.after or "")
    ]
    return missing


def _places(change: Change, places: Places) -> Iterator[Place]:
    return (places[name] for name in change.fields)
