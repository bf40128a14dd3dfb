"""What tests of mappers share: what is compiled against, and people of every sort."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import msgspec
import pytest

from crosskey.connector.mapper import Candidate, CompiledMapping, Desired, MappingContext
from crosskey.connector.target import FieldSpec, KindSpec, ReferenceSpec
from crosskey.errors import ConfigError
from crosskey.model import PERSON_ATTRIBUTES, Catalogue, CatalogueEntry, Person, Subject
from crosskey.testing.conformance import Conformance
from crosskey.testing.fakes import FakeVendor
from crosskey.testing.scene import Scene, decoded

__all__ = ("CATALOGUE", "KIND", "MapperCase", "ordinary", "strange")

KIND: Final = KindSpec(
    name="user",
    summary="A user of the kit's desk",
    fields=(
        FieldSpec(name="name", summary="Display name", required=True, max_length=60),
        FieldSpec(name="emailaddress", summary="E-mail address"),
        FieldSpec(name="title", summary="Job title"),
        FieldSpec(name="vip", summary="Is important", type="flag"),
    ),
    references=(
        ReferenceSpec(name="site", summary="Where the user belongs", required=True),
        ReferenceSpec(name="roles", summary="What the user may do", many=True, catalogue="user role"),
    ),
)
"""What a mapper is compiled against unless its test class says otherwise."""

CATALOGUE: Final = Catalogue(
    (
        CatalogueEntry("site", "1", "Acme / Main", ("Main",)),
        CatalogueEntry("site", "2", "Acme / London", ("London",)),
        CatalogueEntry("user role", "r1", "Standard User"),
        CatalogueEntry("user role", "r2", "Approver"),
    )
)


class MapperCase(Conformance):
    """Base of the classes that test a mapper.

    ``settings`` are the lines of ``[map.<kind>]``; ``target`` and ``catalogue`` are what they are compiled against.
    ``wrong`` are settings that must be refused.
    """

    kind: ClassVar[str] = "mapper"
    target: ClassVar[KindSpec] = KIND
    catalogue: ClassVar[Catalogue] = CATALOGUE
    wrong: ClassVar[Sequence[str]] = ()

    def vendor(self, clock: object) -> FakeVendor:
        """Nobody: a mapper asks nobody."""
        _ = clock
        return FakeVendor()

    def compiled(self, scene: Scene, text: str | None = None) -> CompiledMapping:
        """The rules, compiled anew. Fails the test where they are refused, unless ``text`` replaces them."""
        context = MappingContext(path=f"map.{self.target.name}", kind=self.target, catalogue=self.catalogue)
        settings = scene.settings() if text is None else self._decoded(scene, text)
        try:
            return scene.what.spec.compile(settings, context)
        except ConfigError as error:
            if text is not None:
                raise
            pytest.fail(f"compile() refuses the settings of the test class:\n{error}")

    def _decoded(self, scene: Scene, text: str) -> Any:  # noqa: ANN401 - the plugin's own struct
        return decoded(scene.what.spec.settings, text, f"map.{self.target.name}", scene.secrets)

    def answers(self, mapping: CompiledMapping, people: Sequence[Candidate]) -> list[Desired]:
        """One answer for each candidate. Fails the test for an exception, and for too many or too few answers."""
        __tracebackhide__ = True
        try:
            told = list(mapping(people))
        except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
            pytest.fail(
                f"the mapping raised {type(error).__name__} ({error}) for one of {len(people)} people: one strange "
                "person would stop the run for all. Answer with Desired.problem instead"
            )
        assert len(told) == len(people), f"{len(people)} candidates, {len(told)} answers: give one for each, in order"
        return told

    def everybody(self, mapping: CompiledMapping) -> list[Candidate]:
        """Ordinary and strange people, in none, one and all of the groups and apps that the rules name."""
        people = [*ordinary(mapping.attributes), *strange(mapping.attributes)]
        found: list[Candidate] = []
        for number, person in enumerate(people):
            one = frozenset(sorted(mapping.groups)[number % (len(mapping.groups) or 1) :][:1])
            for groups, apps in (
                (frozenset[str](), frozenset[str]()),
                (one, mapping.apps),
                (mapping.groups, mapping.apps),
            ):
                found.append(Candidate(copy.deepcopy(person), frozenset(groups), frozenset(apps)))
        return found


def ordinary(extra: frozenset[str]) -> list[Person]:
    """People as directories tell them."""
    return [
        Person(
            subject=Subject("https://directory.example", f"kit-{number}"),
            active=number % 4 != 3,
            status="ACTIVE",
            user_name=f"kit{number}@people.example",
            display_name=f"Kit Person {number}",
            given_name="Kit",
            family_name=f"Person {number}",
            email=f"kit{number}@people.example",
            title=("Engineer", "Director", "")[number % 3],
            department=("IT", "Sales")[number % 2],
            employee_number=str(1000 + number),
            user_type=("employee", "contractor", "service")[number % 3],
            extra=dict.fromkeys(sorted(extra), f"value {number}"),
        )
        for number in range(6)
    ]


def strange(extra: frozenset[str]) -> list[Person]:
    """People as no form would let them through, and as directories have them all the same."""
    words = (
        "",
        " ",
        "\0",
        "x" * 10_000,
        "Ünïcödé 東京 \U0001f600",
        "a\r\nb\tc",
        "{{ 7 * 7 }} {% raw %}",
        "'; DROP TABLE people; --",
        "\u202eabc",
    )
    values: tuple[Any, ...] = (None, 0, 1.5, True, [], ["a", None], {"a": {"b": []}}, "text", b"bytes")
    found: list[Person] = []
    for number, word in enumerate(words):
        person = Person(
            subject=Subject("https://directory.example", f"strange-{number}"),
            active=(True, False, None)[number % 3],
            extra={name: values[(number + place) % len(values)] for place, name in enumerate(sorted(extra))},
        )
        found.append(msgspec.structs.replace(person, **dict.fromkeys(PERSON_ATTRIBUTES, word)))
    return found
