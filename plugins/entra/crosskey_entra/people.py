"""Entra users as neutral people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol, cast

import msgspec

from crosskey.errors import ContractError, Diagnostic
from crosskey.model import Person, Subject
from crosskey_entra.attributes import NEUTRAL, Attributes, Place
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
_LISTS = frozenset({"businessPhones"})
_OBJECTS = frozenset({"employeeOrgData", "manager", "onPremisesExtensionAttributes"})
"""Properties that are text, lists of text, and objects by Graph's schema; others may be anything."""

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
        self._instance = instance
        self._guest_active = _GUESTS[guests]
        self._tally = Tally(instance, guests, attributes)
        self.query = attributes.query
        self.attributes = attributes
        properties = sorted({place.property for place in attributes.places()} - _FIXED.keys())
        # Properties are addressed by position: an extension may bear any name.
        self._fields = _FIXED | {name: f"p{index}" for index, name in enumerate(properties)}
        row = msgspec.defstruct(
            "UserRow",
            [
                ("id", str),
                ("enabled", bool | None, None),
                ("kind", str | None, None),
                (_NOTHING, None, None),
                *((self._fields[name], _type_of(name), None) for name in properties),
            ],
            rename={field: name for name, field in self._fields.items()},
            gc=False,
        )
        self.page = cast("msgspec.json.Decoder[Page[UserRow]]", msgspec.json.Decoder(Page[row]))
        """Decodes a page of users."""
        self.one = cast("msgspec.json.Decoder[UserRow]", msgspec.json.Decoder(row))
        """Decodes a single user."""
        self._row = row
        self._extras = tuple(attributes.extra.items())

        # Most attributes are one text property: read all at once, and then patched where there is more to it.
        columns: list[str] = []
        self._members: list[tuple[int, str]] = []
        self._lists: list[int] = []
        self._chains: list[tuple[int, str, tuple[Place, ...]]] = []
        for index, name in enumerate(NEUTRAL):
            chain = attributes.neutral[name]
            only = chain[0] if chain == _MAIL or (len(chain) == 1 and name != "email") else Place("")
            columns.append(self._fields.get(only.property, _NOTHING))
            if only.property in _OBJECTS and only.member:
                self._members.append((index, only.member))
            elif only.property in _LISTS and not only.member:
                self._lists.append(index)
            elif only.property not in _TEXTS or only.member:
                columns[-1] = _NOTHING
                if chain:
                    self._chains.append((index, name, chain))
        self._read = cast("Callable[[object], tuple[Any, ...]]", attrgetter(*columns))

    def people(self, rows: Sequence[UserRow]) -> list[Person]:
        """The rows of one page as people."""
        people = [self.person(row) for row in rows]
        self._tally.add(people)
        return people

    def whole(self, properties: Mapping[str, object]) -> Person:
        """A person from all their properties. Raises :class:`ContractError` for what no user can be."""
        try:
            row = msgspec.convert(properties, self._row)
        except msgspec.ValidationError:  # its words may quote values
            raise ContractError(
                "Graph told a user whose properties are of other types than documented",
                code="bad-body",
                where=self._instance,
                fix="check the properties in `attributes`; if they are right, report it to Microsoft",
            ) from None
        return self.person(cast("UserRow", row))

    def person(self, row: UserRow) -> Person:
        """One row as a person."""
        values = list(self._read(row))
        self._patch(row, values)
        guest, enabled = row.kind == "Guest", row.enabled
        return Person(
            subject=Subject(self._issuer, row.id),
            active=self._guest_active if guest and enabled else enabled,
            status=_STATUS[guest, enabled],
            user_name=values[0] or "",
            display_name=values[1] or "",
            given_name=values[2] or "",
            middle_name=values[3] or "",
            family_name=values[4] or "",
            nick_name=values[5] or "",
            email=values[6] or "",
            title=values[7] or "",
            department=values[8] or "",
            organization=values[9] or "",
            division=values[10] or "",
            cost_center=values[11] or "",
            employee_number=values[12] or "",
            user_type=values[13] or "",
            manager=values[14] or "",
            work_phone=values[15] or "",
            mobile_phone=values[16] or "",
            street_address=values[17] or "",
            locality=values[18] or "",
            region=values[19] or "",
            postal_code=values[20] or "",
            country=values[21] or "",
            locale=values[22] or "",
            timezone=values[23] or "",
            extra={name: self._given(row, chain) for name, chain in self._extras} if self._extras else {},
        )

    def _patch(self, row: UserRow, values: list[Any]) -> None:
        """Make texts of what is no text property."""
        for index, member in self._members:
            if values[index]:
                text = values[index].get(member)
                values[index] = text if text.__class__ is str else _text(text)
        for index in self._lists:
            if values[index]:
                values[index] = values[index][0]
        for index, name, chain in self._chains:
            for rank, place in enumerate(chain):
                text = _text(self._value(row, place), place.property)
                if text and not (name == "email" and _EXTERNAL in text):
                    values[index] = text
                    if rank and name == "email":
                        self._tally.fell_back += 1
                    break

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
_NOTHING = "nothing"
"""A field that no answer fills: what an attribute without a place reads."""
_MAIL = (Place("mail"),)

_STATUS: Mapping[tuple[bool, bool | None], str] = {
    (False, True): "enabled",
    (False, False): "disabled",
    (False, None): "unknown",
    (True, True): "guest, enabled",
    (True, False): "guest, disabled",
    (True, None): "guest, unknown",
}


def _type_of(property: str) -> Any:  # noqa: ANN401 - a type made at run time
    if property in _TEXTS:
        return str | None
    if property in _OBJECTS:
        return dict[str, Any] | None
    return list[str] | None if property in _LISTS else Any


def _text(value: object, property: str = "") -> str:
    """A value where text is wanted: flags and numbers as JSON writes them, of a list the entry that counts."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list):
        texts = [entry for entry in cast("list[object]", value) if isinstance(entry, str) and entry]
        if property == "proxyAddresses":  # the capital letters mark the primary one
            return next((text.removeprefix("SMTP:") for text in texts if text.startswith("SMTP:")), "")
        return texts[0] if texts else ""
    return msgspec.json.encode(value).decode()
