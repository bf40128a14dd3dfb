"""What a service says of itself (RFC 7644 §4), and what is assumed of one that says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import msgspec
from crosskey import FieldSpec

from crosskey_scim.places import ENTERPRISE, GROUP, PLACES, USER, Place

__all__ = ("ListOf", "ResourceType", "Schema", "Service", "ServiceConfig", "service_of")

_TYPES: Final[dict[str, Literal["text", "flag", "number"]]] = {
    "string": "text",
    "reference": "text",
    "boolean": "flag",
    "integer": "number",
    "decimal": "number",
}
_OWN: Final = frozenset({"active", "externalId", "id", "password"})
"""Attributes that crosskey keeps for itself, or never touches."""


class ListOf(msgspec.Struct, frozen=True, rename="camel"):
    """A page of a list (RFC 7644 §3.4.2)."""

    total_results: int
    resources: list[dict[str, Any]] = msgspec.field(default_factory=list[dict[str, Any]], name="Resources")
    start_index: int | None = None


class _Can(msgspec.Struct, frozen=True, rename="camel"):
    supported: bool = False
    max_results: int = 0


class ServiceConfig(msgspec.Struct, frozen=True):
    """``/ServiceProviderConfig``, as far as it matters. What a service leaves out, it cannot."""

    patch: _Can = _Can()
    filter: _Can = _Can()
    etag: _Can = _Can()


class Attribute(msgspec.Struct, frozen=True, rename="camel"):
    """One attribute of a schema (RFC 7643 §7)."""

    name: str
    type: str = "string"
    multi_valued: bool = False
    required: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    description: str = ""
    sub_attributes: tuple[Attribute, ...] = ()

    def below(self, name: str) -> Attribute | None:
        """A sub-attribute by name, in whatever case."""
        return _named(self.sub_attributes, name)


class Schema(msgspec.Struct, frozen=True):
    """One of ``/Schemas``."""

    id: str
    attributes: tuple[Attribute, ...] = ()


class _Extension(msgspec.Struct, frozen=True):
    schema: str


class ResourceType(msgspec.Struct, frozen=True, rename="camel"):
    """One of ``/ResourceTypes``."""

    name: str
    endpoint: str
    schema: str
    schema_extensions: tuple[_Extension, ...] = ()


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What can be asked of the service, and which fields its users have.

    ``said`` names what the service told; the rest is assumed. ``groups`` is empty where it has none.
    """

    patch: bool
    filter: bool
    etag: bool
    page_size: int
    users: str
    groups: str
    places: dict[str, Place]
    fields: tuple[FieldSpec, ...]
    said: frozenset[str]


def service_of(
    config: ServiceConfig | None,
    types: Sequence[ResourceType] | None,
    schemas: Sequence[Schema] | None,
    *,
    patch: bool | Literal["auto"],
    page_size: int,
) -> Service:
    """The service that these describe; ``None`` is what it does not tell."""
    users = next((each for each in types or () if each.schema == USER or each.name == "User"), None)
    groups = next((each for each in types or () if each.schema == GROUP or each.name == "Group"), None)
    by_id = {schema.id.casefold(): schema for schema in schemas or ()}
    extensions = [each.schema for each in users.schema_extensions] if users else [ENTERPRISE]
    found = list(_fields(by_id, users.schema if users else USER, extensions))
    told = (("ServiceProviderConfig", config), ("ResourceTypes", types), ("Schemas", schemas))
    most = config.filter.max_results if config else 0
    return Service(
        patch=(config is not None and config.patch.supported) if patch == "auto" else patch,
        filter=config is None or config.filter.supported,
        etag=config is not None and config.etag.supported,
        page_size=min(page_size, most) if most > 1 else page_size,
        users=users.endpoint if users else "/Users",
        groups=groups.endpoint if groups else ("" if types else "/Groups"),
        places={place.field: place for place, _ in found},
        fields=tuple(field for _, field in found),
        said=frozenset(name for name, answer in told if answer),
    )


def _fields(schemas: dict[str, Schema], core: str, extensions: Sequence[str]) -> Iterator[tuple[Place, FieldSpec]]:
    """The fields that can be written: the known ones, and the plain ones of extensions under their full names."""
    if core.casefold() not in schemas:
        yield from (
            (place, _assumed(place)) for place in PLACES if not place.extension or place.extension in extensions
        )
        return
    known: set[tuple[str, str]] = set()
    for place in PLACES:
        schema = schemas.get((place.extension or core).casefold())
        if place.extension and place.extension not in extensions:
            continue
        attribute = _named(schema.attributes, place.attribute) if schema else None
        whole, value = attribute, attribute.below(place.sub) if attribute and place.sub else attribute
        known.add((place.extension, place.attribute))
        if whole and value and _writable(whole) and _writable(value):
            required = whole.required and (value.required or not place.sub)
            yield place, _field(place, value, required=required, listed=_listed(whole) and _listed(value))
    for urn in extensions:
        for attribute in schemas[urn.casefold()].attributes if urn.casefold() in schemas else ():
            plain = attribute.type in _TYPES and not attribute.multi_valued
            if plain and _writable(attribute) and (urn, attribute.name) not in known:
                name = f"{urn}:{attribute.name}"
                place = Place(field=name, attribute=attribute.name, extension=urn, summary=attribute.description)
                yield place, _field(place, attribute, required=attribute.required, listed=_listed(attribute))


def _assumed(place: Place) -> FieldSpec:
    return FieldSpec(name=place.field, summary=place.summary, required=place.field == "user_name")


def _field(place: Place, attribute: Attribute, *, required: bool, listed: bool) -> FieldSpec:
    return FieldSpec(
        name=place.field,
        summary=place.summary,
        type=_TYPES.get(attribute.type, "text"),
        required=required,
        listed=listed,
    )


def _writable(attribute: Attribute) -> bool:
    return attribute.mutability in ("readWrite", "writeOnly") and attribute.name not in _OWN


def _listed(attribute: Attribute) -> bool:
    return attribute.returned in ("default", "always")


def _named(attributes: Sequence[Attribute], name: str) -> Attribute | None:
    return next((each for each in attributes if each.name.casefold() == name.casefold()), None)
