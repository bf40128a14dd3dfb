"""A desk and invented people for the mapping's tests; rules are written as a team writes them, in TOML."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from crosskey.config.decode import Decoder
from crosskey.connector.mapper import Candidate, CompiledMapping, Desired, MappingContext
from crosskey.connector.target import FieldSpec, KindSpec, ReferenceSpec
from crosskey.errors import ConfigError
from crosskey.mapping.plugin import crosskey_mappers
from crosskey.model import Catalogue, CatalogueEntry, Person, Subject
from crosskey.settings import Secret

USER = KindSpec(
    name="user",
    summary="end user",
    fields=(
        FieldSpec(name="name", max_length=50, required=True),
        FieldSpec(name="emailaddress", also_matches=("email2", "email3")),
        FieldSpec(name="email2"),
        FieldSpec(name="title", max_length=20),
        FieldSpec(name="phonenumber"),
        FieldSpec(name="staffid"),
        FieldSpec(name="isserviceaccount", type="flag"),
        FieldSpec(name="costprice", type="number"),
    ),
    references=(
        ReferenceSpec(name="site"),
        ReferenceSpec(name="roles", many=True, catalogue="user_roles"),
    ),
)

CATALOGUE = Catalogue(
    (
        CatalogueEntry("site", "1", "Acme / Main", ("Main",)),
        CatalogueEntry("site", "2", "Acme / London", ("London",)),
        CatalogueEntry("site", "3", "Acme / Leeds", ("Leeds",)),
        CatalogueEntry("site", "4", "Zenith / Main", ("Main",)),
        CatalogueEntry("user_roles", "r1", "Standard User"),
        CatalogueEntry("user_roles", "r2", "Approver"),
        CatalogueEntry("user_roles", "r3", "Reader"),
        CatalogueEntry("agent_roles", "a1", "Administrator"),
    )
)

NAME = """
[fields]
name = "display_name"
"""


def compile_toml(text: str, *, kind: KindSpec = USER, catalogue: Catalogue = CATALOGUE) -> CompiledMapping:
    """The rules below ``[map.user]``, compiled through the hook as the core does it."""
    (spec,) = crosskey_mappers()
    decoder = Decoder(lambda reference, path: Secret("unused"))
    settings = decoder.value(spec.settings, tomllib.loads(text), "map.user")
    assert decoder.problems == []
    return spec.compile(settings, MappingContext(path="map.user", kind=kind, catalogue=catalogue))


def problems(text: str, *, kind: KindSpec = USER, catalogue: Catalogue = CATALOGUE) -> dict[str, str]:
    """Path → everything found there, for rules that do not compile."""
    with pytest.raises(ConfigError) as refused:
        compile_toml(text, kind=kind, catalogue=catalogue)
    assert refused.value.where == "map.user"
    found: dict[str, str] = {}
    for problem in refused.value.problems:
        found[problem.path] = f"{found.get(problem.path, '')}{problem}\n"
    return found


def someone(*groups: str, apps: tuple[str, ...] = (), **attributes: Any) -> Candidate:
    """Ada of example.com, in those groups, with other attributes where given."""
    known: dict[str, Any] = {
        "subject": Subject("https://acme.example.com", "u1"),
        "active": True,
        "display_name": "Ada Byron",
        "email": "ada@example.com",
    }
    return Candidate(Person(**{**known, **attributes}), frozenset(groups), frozenset(apps))


def map_one(text: str, candidate: Candidate, *, kind: KindSpec = USER) -> Desired:
    """What the rules say about one person."""
    (desired,) = compile_toml(text, kind=kind)([candidate])
    return desired
