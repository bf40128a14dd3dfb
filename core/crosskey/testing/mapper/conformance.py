"""Mappers: pure, total and deterministic, and closed over what they declare."""

from __future__ import annotations

import copy

import msgspec
import pytest

from crosskey.connector.mapper import Candidate, Desired
from crosskey.errors import ConfigError
from crosskey.testing.mapper.base import MapperCase
from crosskey.testing.scene import Scene
from crosskey.testing.shapes import misfits
from crosskey.testing.tiers import must, should

__all__ = ("MapperConformance",)

_TYPES: dict[str, tuple[type, ...]] = {"text": (str,), "flag": (bool,), "number": (int, float)}


class MapperConformance(MapperCase):
    """What every mapper must and should do."""

    @must()
    async def test_everybody_gets_one_answer(self, scene: Scene) -> None:
        """Proves that the mapping is total: empty, endless and foreign values get an answer, and nothing is raised.

        When it fails, look at what the rules do with ``""``, with ``None`` under ``extra``, and with other types there.
        """
        mapping = self.compiled(scene)
        self.answers(mapping, self.everybody(mapping))
        assert not self.answers(mapping, [])

    @must()
    async def test_nobody_is_changed_by_being_mapped(self, scene: Scene) -> None:
        """Proves that the mapping is pure: the people who go in come out of it as they were.

        When it fails, look for writes into ``person.extra`` or into a set that the caller still holds.
        """
        mapping = self.compiled(scene)
        people = self.everybody(mapping)
        before = copy.deepcopy(people)
        self.answers(mapping, people)
        changed = [one.person.label[:40] for one, was in zip(people, before, strict=True) if one != was]
        assert not changed, f"mapping changed {changed[:3]}"

    @must()
    async def test_the_same_people_get_the_same_answers(self, scene: Scene) -> None:
        """Proves that the mapping is deterministic: asked twice, and compiled anew, it says the same.

        When it fails, look for the order of sets, for random values, for the time, and for what is remembered between
        calls.
        """
        mapping = self.compiled(scene)
        people = self.everybody(mapping)
        first = self.answers(mapping, people)
        assert first == self.answers(mapping, people), "asked again, the same rules say something else"
        scene.clock.advance(86_400.0 * 400)
        assert first == self.answers(self.compiled(scene), people), "compiled anew, the same rules say something else"

    @must()
    async def test_who_stands_beside_whom_does_not_matter(self, scene: Scene) -> None:
        """Proves that each person is judged alone: in any order, and in any cut of the batch, answers are the same.

        When it fails, look for state that is carried from one person to the next.
        """
        mapping = self.compiled(scene)
        people = self.everybody(mapping)
        together = self.answers(mapping, people)
        turned = self.answers(mapping, people[::-1])[::-1]
        assert together == turned, "people get other answers in another order"
        alone = [self.answers(mapping, [one])[0] for one in people]
        assert together == alone, "people get other answers when they are mapped one by one"

    @must()
    async def test_only_what_is_declared_is_written(self, scene: Scene) -> None:
        """Proves that ``fields`` and ``managed`` name all that the rules write: the core reads back exactly those.

        When it fails, look at how ``CompiledMapping.fields`` and ``managed`` are collected.
        """
        mapping = self.compiled(scene)
        for desired in self.answers(mapping, self.everybody(mapping)):
            strange = desired.fields.keys() - mapping.fields.keys()
            assert not strange, f"writes the fields {sorted(strange)}, which `fields` does not name"
            strange = desired.references.keys() - mapping.managed
            assert not strange, f"gives the references {sorted(strange)}, which `managed` does not name"
        unknown = [name for name in mapping.fields if self.target.field(name) is None]
        assert not unknown, f"fields {unknown} are not fields of {self.target.name}: compile() must refuse them"
        unknown = [name for name in mapping.managed if self.target.reference(name) is None]
        assert not unknown, f"references {unknown} are not references of {self.target.name}: compile() must refuse them"

    @must()
    async def test_only_what_is_declared_is_read(self, scene: Scene) -> None:
        """Proves that ``attributes``, ``groups`` and ``apps`` name all that the rules look at.

        When it fails, look at how they are collected: a source brings only what is named there, so whatever the rules
        read besides is absent in production.
        """
        mapping = self.compiled(scene)
        people = self.everybody(mapping)
        richer = [
            Candidate(
                msgspec.structs.replace(one.person, extra={**one.person.extra, "kit_undeclared": "other"}),
                one.groups | {"Kit Undeclared Group"},
                one.apps | {"Kit Undeclared App"},
            )
            for one in people
        ]
        assert self.answers(mapping, people) == self.answers(mapping, richer), (
            "an attribute, group or app that the rules do not declare changes their answer"
        )

    @must()
    async def test_what_is_wanted_fits_the_target(self, scene: Scene) -> None:
        """Proves that values are of the field's type and references are ids of the catalogue, or there is a problem.

        When it fails, look at conversions (text for a flag) and at names that were not resolved to ids.
        """
        mapping = self.compiled(scene)
        for one, desired in zip(people := self.everybody(mapping), self.answers(mapping, people), strict=True):
            assert not (wrong := misfits(desired)), f"{one.person.label[:40]}: {wrong}"
            if desired.in_scope and not desired.problem:
                assert not (wrong := self._misfit(desired)), f"{one.person.label[:40]}: {wrong}"

    def _misfit(self, desired: Desired) -> str:
        for name, value in desired.fields.items():
            field = self.target.field(name)
            assert field is not None
            flag = isinstance(value, bool)
            if value is not None and (not isinstance(value, _TYPES[field.type]) or flag != (field.type == "flag")):
                return f"{name} is {value!r}, a field of the type {field.type}"
            if field.required and value in (None, ""):
                return f"{name} is required and empty, and Desired.problem does not say so"
        for name, ids in desired.references.items():
            reference = self.target.reference(name)
            assert reference is not None
            known = {entry.id for entry in self.catalogue.entries if entry.reference == reference.listing}
            if strange := [id_ for id_ in ids if id_ not in known]:
                return f"{name} refers to {strange}, which are no ids of the catalogue"
            if len(ids) > 1 and not reference.many:
                return f"{name} refers to {len(ids)} things, the schema says one"
        return ""

    @must()
    async def test_people_are_recognised_by_what_exists(self, scene: Scene) -> None:
        """Proves that ``match`` names fields of the target's kind, so that adoption can work at all.

        When it fails, look at where ``MatchKey`` is made: the attribute is a person's, the fields are the target's.
        """
        for key in self.compiled(scene).match:
            unknown = [name for name in key.fields if self.target.field(name) is None]
            assert not unknown, f"match {key.attribute} looks at {unknown}, which {self.target.name} does not have"
            assert key.fields, f"match {key.attribute} looks at no field"

    @should()
    async def test_every_answer_says_why(self, scene: Scene) -> None:
        """Proves that ``why`` tells a reader the rule behind the scope and behind each field and reference.

        When it fails, fill ``Desired.why``: ``""`` for the scope, the name of the field or reference for the others.
        """
        mapping = self.compiled(scene)
        for desired in self.answers(mapping, self.everybody(mapping)):
            if not desired.in_scope:
                continue
            silent = [name for name, ids in desired.references.items() if ids and not desired.why.get(name)]
            assert desired.why.get(""), "somebody is in scope, and `why` does not say by which rule"
            assert not silent, f"references {silent} were given, and `why` does not say by which rule"

    @must()
    async def test_wrong_rules_are_refused_with_their_place(self, scene: Scene) -> None:
        """Proves that each of ``wrong`` is refused by a :class:`crosskey.ConfigError` that names the key.

        When it fails, check everything in ``compile``: what is found only while people are mapped is found too late.
        """
        if not self.wrong:
            pytest.fail(
                "write one or more settings that must be refused: wrong = ['…'], or leave the test out with a reason"
            )
        for text in self.wrong:
            error = self._error(scene, text)
            assert error is not None, f"these settings were taken, and the test class says they are wrong:\n{text}"
            assert isinstance(error, ConfigError), (
                f"{type(error).__name__} ({error}) where a ConfigError belongs, for {text!r}"
            )
            scene.note(error)
            places = [error.where, *(problem.path for problem in error.problems)]
            assert any(place.startswith("map.") for place in places), f"the error names no key: {error}"

    def _error(self, scene: Scene, text: str) -> Exception | None:
        try:
            self.compiled(scene, text)
        except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
            return error
        return None
