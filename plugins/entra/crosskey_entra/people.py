"""Entra users as neutral people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol, cast

import msgspec

from crosskey.errors import Diagnostic
from crosskey.model import Person, Subject
from crosskey_entra.attributes import Attributes, Place
from crosskey_entra.graph import Page
from crosskey_entra.settings import Verdict
from crosskey_entra.tally import Tally

__all__ = ("People", "UserRow")

_TEXTS = frozenset(
    {
        *("city", "companyName", "country", "creationType", "department", "displayName", "employeeId", "employeeType"),
        *("externalUserState", "givenName", "jobTitle", "mail", "mailNickname", "mobilePhone", "officeLocation"),
        *("onPremisesSamAccountName", "postalCode", "preferredLanguage", "state", "streetAddress", "surname"),
        *("usageLocation", "userPrincipalName"),
    }
)
"""Properties that are text by Graph's schema; others may be anything."""

_GUESTS: Mapping[Verdict, bool | None] = {"active": True, "inactive": False, "ignore": None}
_EXTERNAL = "#EXT#"
"""In a user principal name that Entra made from somebody's outside address: no mail can reach it.

It tells nothing of guests: members can bear it too. Only ``userType`` does.
"""


class UserRow(Protocol):
    """A decoded user; besides these, only the properties this read wants."""

    @property
    def id(self) -> str:
        """The user's immutable object id."""
        ...

    @property
    def enabled(self) -> bool | None:
        """Whether the account may sign in; ``None`` when Graph does not say."""
        ...

    @property
    def kind(self) -> str | None:
        """``Member`` or ``Guest``; very old members have none."""
        ...


class People:
    """Decodes pages of users and normalises them; made once a read.

    Null, ``""`` and absent all become ``""``; of a list the first entry counts, of ``proxyAddresses`` the primary one;
    values under ``extra`` keep their JSON type. Whoever Graph does not call enabled or disabled is neither.
    """

    def __init__(self, *, issuer: str, instance: str, guests: Verdict, attributes: Attributes) -> None:
        self._issuer = issuer
        self._guest_active = _GUESTS[guests]
        self._tally = Tally(instance, guests, attributes)
        self.query = attributes.query
        properties = sorted({place.property for place in attributes.places()} - _FIXED.keys())
        # Properties are addressed by position: an extension may bear any name.
        self._fields = _FIXED | {name: f"p{index}" for index, name in enumerate(properties)}
        row = msgspec.defstruct(
            "UserRow",
            [
                ("id", str),
                ("enabled", bool | None, None),
                ("kind", str | None, None),
                *((self._fields[name], str | None if name in _TEXTS else Any, None) for name in properties),
            ],
            rename={field: name for name, field in self._fields.items()},
            gc=False,
        )
        self.page = cast("msgspec.json.Decoder[Page[UserRow]]", msgspec.json.Decoder(Page[row]))
        """Decodes a page of users."""
        self.one = cast("msgspec.json.Decoder[UserRow]", msgspec.json.Decoder(row))
        """Decodes a single user."""

        plain = {
            name: chain[0].property
            for name, chain in attributes.neutral.items()
            if len(chain) == 1
            and not chain[0].member
            and chain[0].property in _TEXTS
            and not _undeliverable(name, chain)
        }
        # Two more at the front: for a single name attrgetter gives no tuple.
        self._plain = ("", "", *plain)
        self._read = cast(
            "Callable[[object], tuple[str | None, ...]]",
            attrgetter("id", "id", *(self._fields[name] for name in plain.values())),
        )
        self._chains = tuple((name, chain) for name, chain in attributes.neutral.items() if chain and name not in plain)
        self._extras = tuple(attributes.extra.items())

    def people(self, rows: Sequence[UserRow]) -> list[Person]:
        """The rows of one page as people."""
        people = [self.person(row) for row in rows]
        self._tally.add(people)
        return people

    def person(self, row: UserRow) -> Person:
        """One row as a person."""
        values = {name: value for name, value in zip(self._plain, self._read(row), strict=True) if name and value}
        for name, chain in self._chains:
            for rank, place in enumerate(chain):
                text = _text(self._value(row, place), place.property)
                if text and not (name == "email" and _EXTERNAL in text):
                    values[name] = text
                    if rank and name == "email":
                        self._tally.fell_back += 1
                    break
        guest = row.kind == "Guest"
        enabled = row.enabled
        return Person(
            subject=Subject(self._issuer, row.id),
            active=self._guest_active if guest and enabled else enabled,
            status=_STATUS[guest, enabled],
            extra={name: self._given(row, chain) for name, chain in self._extras},
            **values,
        )

    def warnings(self) -> tuple[Diagnostic, ...]:
        """What was odd about the people of this read."""
        return self._tally.findings()

    def _value(self, row: UserRow, place: Place) -> object:
        value: object = getattr(row, self._fields[place.property])
        if not place.member:
            return value
        return cast("dict[str, object]", value).get(place.member) if isinstance(value, dict) else None

    def _given(self, row: UserRow, chain: Sequence[Place]) -> object:
        for place in chain:
            value = self._value(row, place)
            if value not in (None, "", []):
                return value
        return ""


_FIXED = {"id": "id", "accountEnabled": "enabled", "userType": "kind"}

_STATUS: Mapping[tuple[bool, bool | None], str] = {
    (False, True): "enabled",
    (False, False): "disabled",
    (False, None): "unknown",
    (True, True): "guest, enabled",
    (True, False): "guest, disabled",
    (True, None): "guest, unknown",
}


def _undeliverable(name: str, chain: Sequence[Place]) -> bool:
    return name == "email" and chain[0].property == "userPrincipalName"


def _text(value: object, property: str) -> str:
    """A value where text is wanted: flags and numbers as JSON writes them, of a list the entry that counts."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list):
        texts = [entry for entry in cast("list[object]", value) if isinstance(entry, str) and entry]
        if property == "proxyAddresses":  # the capital letters mark the primary one
            return next((text.removeprefix("SMTP:") for text in texts if text.startswith("SMTP:")), "")
        return texts[0] if texts else ""
    return msgspec.json.encode(value).decode()
