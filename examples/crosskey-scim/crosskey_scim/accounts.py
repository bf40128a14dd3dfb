"""Users of the service as crosskey's accounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from crosskey import Account, Scalar

from crosskey_scim.places import Resource, meta_of
from crosskey_scim.service import Service

__all__ = ("GROUP", "KIND", "MEMBER_OF", "account_of", "is_active", "marker_of")

KIND = "user"
MEMBER_OF = "member_of"
"""The groups of a user; in rules ``groups`` already says whom a rule is about."""

GROUP = "group"
"""The catalogue's word for them."""


def account_of(user: Resource, service: Service, groups: Mapping[str, tuple[str, ...]] | None) -> Account:
    """One user; ``groups`` are everybody's by id, ``None`` where nobody asked for them."""
    fields = {name: place.read(user) for name, place in service.places.items()}
    return Account(
        kind=KIND,
        key=user["id"],
        label=_text(user.get("displayName")) or _text(user.get("userName")),
        active=is_active(user),
        marker=marker_of(user),
        fields={field.name: _value(fields[field.name], field.type) for field in service.fields},
        references={} if groups is None else {MEMBER_OF: groups.get(user["id"], ())},
        created_at=_moment(user),
    )


def is_active(user: Resource) -> bool:
    """Whether somebody can sign in; a service that does not say so knows no other users (RFC 7643 §4.1.1)."""
    return user.get("active") is not False


def marker_of(user: Resource) -> str:
    """The external id that crosskey, or another program, wrote."""
    return _text(user.get("externalId"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _value(value: Scalar, type: str) -> Scalar:
    return "" if value is None and type == "text" else value


def _moment(user: Resource) -> datetime | None:
    try:
        moment = datetime.fromisoformat(meta_of(user, "created"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
