"""What a service says of itself (RFC 7644 §4), and what is assumed of one that says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from crosskey_scim.places import GROUP, USER, Place

__all__ = ("ListOf", "ResourceType", "Schema", "Service", "ServiceConfig", "service_of")


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
    mutability: str = "readWrite"
    sub_attributes: tuple[Attribute, ...] = ()


class Schema(msgspec.Struct, frozen=True):
    """One of ``/Schemas``."""

    id: str
    attributes: tuple[Attribute, ...] = ()


class ResourceType(msgspec.Struct, frozen=True, rename="camel"):
    """One of ``/ResourceTypes``."""

    name: str
    endpoint: str
    schema: str


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What can be asked of the service. ``groups`` is empty where it has none.

    ``said`` names what the service told; the rest is assumed. ``lacking`` are fields that its users do not have, or
    that nobody may write.
    """

    patch: bool
    filter: bool
    etag: bool
    page_size: int
    users: str
    groups: str
    said: frozenset[str]
    lacking: tuple[str, ...]


def service_of(
    config: ServiceConfig | None,
    types: Sequence[ResourceType] | None,
    schemas: Sequence[Schema] | None,
    *,
    places: Iterable[Place],
    patch: bool | Literal["auto"],
    page_size: int,
) -> Service:
    """The service that these describe; ``None`` is what it does not tell."""
    users = next((each for each in types or () if each.schema == USER or each.name == "User"), None)
    groups = next((each for each in types or () if each.schema == GROUP or each.name == "Group"), None)
    told = (("ServiceProviderConfig", config), ("ResourceTypes", types), ("Schemas", schemas))
    most = config.filter.max_results if config else 0
    by_id = {schema.id.casefold(): schema for schema in schemas or ()}
    core = users.schema if users else USER
    return Service(
        patch=(config is not None and config.patch.supported) if patch == "auto" else patch,
        filter=config is None or config.filter.supported,
        etag=config is not None and config.etag.supported,
        page_size=min(page_size, most) if most > 1 else page_size,
        users=users.endpoint if users else "/Users",
        groups=groups.endpoint if groups else ("" if types else "/Groups"),
        said=frozenset(name for name, answer in told if answer),
        lacking=tuple(_lacking(places, by_id, core)) if core.casefold() in by_id else (),
    )


def _lacking(places: Iterable[Place], schemas: Mapping[str, Schema], core: str) -> Iterator[str]:
    for place in places:
        schema = schemas.get((place.extension or core).casefold())
        whole = _named(schema.attributes, place.attribute) if schema else None
        value = _named(whole.sub_attributes, place.sub) if whole and place.sub else whole
        if whole is None or value is None or "readOnly" in (whole.mutability, value.mutability):
            yield place.field


def _named(attributes: Sequence[Attribute], name: str) -> Attribute | None:
    """An attribute by name, in whatever case (RFC 7643 §2.1)."""
    return next((each for each in attributes if each.name.casefold() == name.casefold()), None)
