"""Which properties of an Entra user make which attributes, and how a request asks for just those."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from crosskey.errors import ConfigError, close_matches
from crosskey.model import PERSON_ATTRIBUTES

__all__ = ("NEUTRAL", "WHOLE", "Attributes", "Place", "read_attributes")

NEUTRAL: Mapping[str, str] = {
    "user_name": "userPrincipalName",
    "display_name": "displayName",
    "given_name": "givenName",
    "middle_name": "",
    "family_name": "surname",
    "nick_name": "",
    "email": "mail",
    "title": "jobTitle",
    "department": "department",
    "organization": "companyName",
    "division": "employeeOrgData.division",
    "cost_center": "employeeOrgData.costCenter",
    "employee_number": "employeeId",
    "user_type": "employeeType",
    "manager": "manager.userPrincipalName",
    "work_phone": "businessPhones",
    "mobile_phone": "mobilePhone",
    "street_address": "streetAddress",
    "locality": "city",
    "region": "state",
    "postal_code": "postalCode",
    "country": "country",
    "locale": "preferredLanguage",
    "timezone": "",
}
"""Neutral attribute → property of the user; ``""`` where a list of users can bring none.

``userType`` (Member, Guest) is about the directory, SCIM's about the employment: that is ``employeeType`` here.
"""

WHOLE = (
    "createdDateTime",
    "creationType",
    "employeeHireDate",
    "externalUserState",
    "mailNickname",
    "officeLocation",
    "onPremisesExtensionAttributes",
    "onPremisesSamAccountName",
    "onPremisesSyncEnabled",
    "otherMails",
    "usageLocation",
)
"""What "every attribute" brings besides: Graph has no word for all, and extensions come only by name."""

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?", re.ASCII)
_EXTENSION = re.compile(r"extensionAttribute(?:[1-9]|1[0-5])")
_EXTRA = "extra."


class Place(msgspec.Struct, frozen=True):
    """Where a value is: a property of the user, or a member of a property that is an object."""

    property: str
    member: str = ""

    @classmethod
    def parse(cls, name: str) -> Place:
        """From ``jobTitle``, ``employeeOrgData.division``, ``manager.mail``, ``extensionAttribute7`` …"""
        if _EXTENSION.fullmatch(name):
            return cls("onPremisesExtensionAttributes", name)
        if name == "manager":
            return cls("manager", "id")
        head, _, member = name.partition(".")
        return cls(head, member)


class Attributes(msgspec.Struct, frozen=True):
    """Attribute → where it is looked for, in order; neutral ones and those under ``extra``."""

    neutral: Mapping[str, tuple[Place, ...]]
    extra: Mapping[str, tuple[Place, ...]]

    def places(self) -> Iterator[Place]:
        """All places, some more than once."""
        for chain in (*self.neutral.values(), *self.extra.values()):
            yield from chain

    @property
    def query(self) -> dict[str, str]:
        """``$select`` with all that is needed and nothing else, and ``$expand`` where the manager is.

        The manager comes along with the list: asked for one by one it would cost a request each, and answer 404 for
        everybody who has none. (Collections must never be expanded: Graph cuts them at twenty.)
        """
        return self._query(self.of_manager)

    @property
    def query_by_id(self) -> dict[str, str]:
        """The same with the manager's id, by which what a round of changes tells is compared."""
        return self._query(dict.fromkeys(("id", *self.of_manager)) if self.of_manager else ())

    @property
    def tracked(self) -> dict[str, str]:
        """``$select`` of a delta list: only what it names surfaces, a manager's change too."""
        names = [self._selected, *(["manager"] if self.of_manager else [])]
        return {"$select": ",".join(names)}

    @property
    def of_manager(self) -> tuple[str, ...]:
        """Properties of the manager that people bear."""
        return tuple(sorted({place.member for place in self.places() if place.property == "manager"}))

    @property
    def _selected(self) -> str:
        names = dict.fromkeys(place.property for place in self.places() if place.property != "manager")
        return ",".join(dict.fromkeys(["id", "accountEnabled", "userType", *names]))

    def _query(self, members: Iterable[str]) -> dict[str, str]:
        query = {"$select": self._selected}
        if members:
            query["$expand"] = f"manager($select={','.join(members)})"
        return query


def read_attributes(
    overrides: Mapping[str, str | tuple[str, ...]], extra: Collection[str] | None, where: str
) -> Attributes:
    """The attributes one read brings: neutral ones, and the named extras (``None``: :data:`WHOLE`).

    Raises :class:`ConfigError` for an attribute that is none, and for a property that cannot be one.
    """
    renamed: dict[str, str | tuple[str, ...]] = {}
    neutral: dict[str, str | tuple[str, ...]] = dict(NEUTRAL)
    for name, given in overrides.items():
        if name.startswith(_EXTRA):
            renamed[name.removeprefix(_EXTRA)] = given
        elif name in NEUTRAL:
            neutral[name] = given
        else:
            raise _no_attribute(name, where)
    named = (*WHOLE, *renamed) if extra is None else extra
    return Attributes(
        neutral={name: _chain(given, where) for name, given in neutral.items()},
        extra={name: _chain(renamed.get(name, name), where) for name in sorted(named)},
    )


def _chain(given: str | tuple[str, ...], where: str) -> tuple[Place, ...]:
    names = [name for name in ((given,) if isinstance(given, str) else given) if name]
    for name in names:
        if not _PATH.fullmatch(name):
            raise ConfigError(
                f"no property of an Entra user can be called {name!r}",
                code="entra-attribute",
                where=where,
                fix="write the name that Microsoft Graph has for it: jobTitle, employeeOrgData.division, "
                "extensionAttribute1, extension_<app id>_<name>",
            )
    return tuple(Place.parse(name) for name in names)


def _no_attribute(name: str, where: str) -> ConfigError:
    known = [known for known in PERSON_ATTRIBUTES if known in NEUTRAL]
    return ConfigError(
        f'"{name}" is no attribute that mappings know. {close_matches(name, known)}',
        code="entra-attribute",
        where=f"{where}.attributes",
        fix=f'correct it, or write "extra.{name}" if mappings read it as extra.{name}',
    )
