"""Users of the service as crosskey's accounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from crosskey import Account, FieldSpec

from crosskey_scim.places import Place, Resource, meta_of

__all__ = ("GROUP", "KIND", "MEMBER_OF", "account_of", "field_of", "is_active", "marker_of")

KIND = "user"
MEMBER_OF = "member_of"
"""The groups of a user; in rules ``groups`` already says whom a rule is about."""

GROUP = "group"
"""The catalogue's word for them."""


def account_of(user: Resource, places: Mapping[str, Place], groups: Mapping[str, tuple[str, ...]] | None) -> Account:
    """One user; ``groups`` are everybody's by id, ``None`` where nobody asked for them."""
    return Account(
        kind=KIND,
        key=user["id"],
        label=_text(user.get("displayName")) or _text(user.get("userName")),
        active=is_active(user),
        marker=marker_of(user),
        fields={name: place.read(user) or "" for name, place in places.items()},
        references={} if groups is None else {MEMBER_OF: groups.get(user["id"], ())},
        created_at=_moment(user),
    )


def field_of(place: Place) -> FieldSpec:
    """The field of a place. ``userName`` is the only one that every user must have (RFC 7643 §4.1.1)."""
    return FieldSpec(name=place.field, summary=place.summary, required=place.field == "user_name")


def is_active(user: Resource) -> bool:
    """Whether somebody can sign in; a service that does not say so knows no other users (RFC 7643 §4.1.1)."""
    return user.get("active") is not False


def marker_of(user: Resource) -> str:
    """The external id that crosskey, or another program, wrote."""
    return _text(user.get("externalId"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(user: Resource) -> datetime | None:
    try:
        moment = datetime.fromisoformat(meta_of(user, "created"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
