"""Where in a SCIM resource a field of a mapping lies: reading it from there, and writing it there.

Attribute names are those of RFC 7643 (core and enterprise user). Of lists (e-mail addresses, phone numbers, addresses)
one element is meant, the one for work; whatever else is in them stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import msgspec
from crosskey import Scalar

__all__ = ("ENTERPRISE", "GROUP", "PLACES", "USER", "Place", "Resource", "meta_of", "places_of")

Resource = dict[str, Any]
"""A user or a group as JSON: extensions make every service's another."""

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_WORK: Final = "work"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One value: ``attribute``, in it ``sub``; of a list the element whose type is ``element``; within an extension."""

    field: str
    attribute: str
    sub: str = ""
    element: str = ""
    extension: str = ""
    summary: str = ""

    @property
    def path(self) -> str:
        """The attribute as PATCH names it (RFC 7644 §3.5.2); of a list, the whole list."""
        base = f"{self.extension}:{self.attribute}" if self.extension else self.attribute
        return f"{base}.{self.sub}" if self.sub and not self.element else base

    @property
    def filter(self) -> str:
        """The attribute as a filter names it (RFC 7644 §3.4.2.2)."""
        base = f"{self.extension}:{self.attribute}" if self.extension else self.attribute
        return f"{base}.{self.sub}" if self.sub else base

    def read(self, resource: Resource) -> Scalar:
        """What a resource holds there; ``None`` for nothing."""
        value = self._holder(resource).get(self.attribute)
        if self.element:
            element = self._element(value)
            value = None if element is None else element.get(self.sub)
        elif self.sub:
            value = cast("Resource", value).get(self.sub) if isinstance(value, dict) else None
        return value if isinstance(value, str | bool | int | float) else None

    def write(self, resource: Resource, value: Scalar) -> None:
        """Put a value there; ``None`` or ``""`` takes it away, and with it whatever holds nothing else."""
        emptied = value is None or value == ""
        holder = self._holder(resource, make=not emptied)
        if self.element:
            self._write_element(holder, value, emptied=emptied)
        elif self.sub:
            whole = cast("Resource", holder.get(self.attribute) or {})
            _put(whole, self.sub, value, emptied=emptied)
            _put(holder, self.attribute, whole, emptied=not whole)
        else:
            _put(holder, self.attribute, value, emptied=emptied)

    def whole(self, resource: Resource) -> Any:  # noqa: ANN401 - JSON
        """What lies at :attr:`path`; ``None`` for nothing."""
        value = self._holder(resource).get(self.attribute)
        if self.sub and not self.element:
            return cast("Resource", value).get(self.sub) if isinstance(value, dict) else None
        return value or None

    def _holder(self, resource: Resource, *, make: bool = False) -> Resource:
        if not self.extension:
            return resource
        found = resource.get(self.extension)
        if isinstance(found, dict):
            return cast("Resource", found)
        held: Resource = {}
        if make:
            resource[self.extension] = held
            schemas = cast("list[str]", resource.setdefault("schemas", []))
            schemas += [] if self.extension in schemas else [self.extension]
        return held

    def _element(self, value: object) -> Resource | None:
        """The one that is meant: of our type; where none has a type, the primary or the first."""
        elements = _elements(value)
        typed = [each for each in elements if str(each.get("type", "")).casefold() == self.element]
        if typed or self.element != _WORK or any(each.get("type") for each in elements):
            return typed[0] if typed else None
        return next((each for each in elements if each.get("primary")), elements[0] if elements else None)

    def _write_element(self, holder: Resource, value: Scalar, *, emptied: bool) -> None:
        elements = _elements(holder.get(self.attribute))
        element = self._element(elements)
        if element is None:
            if emptied:
                return
            element = Resource(type=self.element)
            if not elements and self.sub == "value":
                element["primary"] = True
            elements.append(element)
        _put(element, self.sub, value, emptied=emptied)
        if emptied and not element.keys() - {"type", "primary", "display", "$ref", "formatted"}:
            elements.remove(element)
        _put(holder, self.attribute, elements, emptied=not elements)


def meta_of(resource: Resource, name: str) -> str:
    """What a resource's ``meta`` says of it (RFC 7643 §3.1); empty for nothing."""
    meta = resource.get("meta")
    value = cast("Resource", meta).get(name) if isinstance(meta, dict) else None
    return value if isinstance(value, str) else ""


def _elements(value: object) -> list[Resource]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Resource", each) for each in listed if isinstance(each, dict)]


def _put(holder: Resource, name: str, value: object, *, emptied: bool) -> None:
    if emptied:
        holder.pop(name, None)
    else:
        holder[name] = value


def _address(field: str, sub: str, summary: str) -> Place:
    return Place(field=field, attribute="addresses", sub=sub, element=_WORK, summary=summary)


def _enterprise(field: str, attribute: str, summary: str) -> Place:
    return Place(field=field, attribute=attribute, extension=ENTERPRISE, summary=summary)


PLACES: Final = (
    Place(field="user_name", attribute="userName", summary="Name to sign in with, unique in the service"),
    Place(field="display_name", attribute="displayName", summary="Display name"),
    Place(field="given_name", attribute="name", sub="givenName", summary="Given name"),
    Place(field="middle_name", attribute="name", sub="middleName", summary="Middle name"),
    Place(field="family_name", attribute="name", sub="familyName", summary="Family name"),
    Place(field="nick_name", attribute="nickName", summary="Nick name"),
    Place(field="email", attribute="emails", sub="value", element=_WORK, summary="E-mail address for work"),
    Place(field="title", attribute="title", summary="Job title"),
    Place(field="user_type", attribute="userType", summary="Relation to the company"),
    Place(field="work_phone", attribute="phoneNumbers", sub="value", element=_WORK, summary="Work phone"),
    Place(field="mobile_phone", attribute="phoneNumbers", sub="value", element="mobile", summary="Mobile phone"),
    _address("street_address", "streetAddress", "Street at work"),
    _address("locality", "locality", "City at work"),
    _address("region", "region", "State or region at work"),
    _address("postal_code", "postalCode", "Postal code at work"),
    _address("country", "country", "Country at work, two letters"),
    Place(field="preferred_language", attribute="preferredLanguage", summary="Language to be spoken to in"),
    Place(field="locale", attribute="locale", summary="Locale"),
    Place(field="timezone", attribute="timezone", summary="Time zone"),
    _enterprise("employee_number", "employeeNumber", "Personnel number"),
    _enterprise("cost_center", "costCenter", "Cost centre"),
    _enterprise("organization", "organization", "Organisation"),
    _enterprise("division", "division", "Division"),
    _enterprise("department", "department", "Department"),
)
"""The fields that every service may have, under the names of the neutral vocabulary."""


def places_of(attributes: Iterable[str]) -> dict[str, Place]:
    """All fields by name; ``attributes`` are further plain ones, by their full names (``urn:…:User:badge``)."""
    further = (
        Place(field=name, extension=urn, attribute=attribute, summary=f"{attribute} of {urn}")
        for name in attributes
        for urn, _, attribute in [name.rpartition(":")]
    )
    return {place.field: place for place in (*PLACES, *further)}
