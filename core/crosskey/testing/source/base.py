"""What tests of sources share: a directory with some people in it, and reads of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Container
from typing import ClassVar, cast

import pytest

from crosskey.connector.source import ReadRequest
from crosskey.model import GroupSelection, Person
from crosskey.testing.conformance import Conformance
from crosskey.testing.fakes import FakeDirectory, provides
from crosskey.testing.scene import Scene
from crosskey.testing.told import Told

__all__ = ("GROUP", "SourceCase", "equal", "lacking")

GROUP = "Kit Group"


class SourceCase(Conformance):
    """Base of the classes that test a source.

    ``many`` people are hired before each test; take more than fit on a page. ``settles`` is how many seconds of virtual
    time pass until the vendor surely shows a change. ``nobody`` is an id as the vendor gives them that nobody has.
    """

    kind: ClassVar[str] = "source"
    many: ClassVar[int] = 25
    settles: ClassVar[float] = 3600.0
    nobody: ClassVar[str] = "kit-nobody"

    hired: list[str]
    """Ids of the people whom the kit hired, in order."""
    group: str
    """The id of the kit's group, empty where the fake forms none."""
    inside: list[str]
    """Ids of who is in it."""

    def directory(self, scene: Scene) -> FakeDirectory:
        """The fake."""
        return cast("FakeDirectory", scene.fake)

    async def prepare(self, scene: Scene) -> None:
        """Hire people, and put every other one into a group."""
        if not isinstance(scene.fake, FakeDirectory) or not provides(scene.fake, "hire"):
            pytest.fail(f"{type(scene.fake).__name__} must be a FakeDirectory with hire(name): nobody would be there")
        fake = scene.fake
        self.hired = [fake.hire(name_of(number)) for number in range(self.many)]
        self.group, self.inside = "", []
        if provides(fake, "form") and provides(fake, "join"):
            self.group = fake.form(GROUP)
            self.inside = self.hired[::2]
            for person in self.inside:
                fake.join(self.group, person)
        scene.clock.advance(self.settles)

    def request(self, *, changes: bool = False) -> ReadRequest:
        """What a run asks for: everybody, and the members of the kit's group where there is one."""
        names = frozenset({GROUP}) if self.group else frozenset[str]()
        return ReadRequest(
            groups=GroupSelection(names=names, where="source.kit"), attributes=frozenset(), changes=changes
        )

    async def read(self, scene: Scene, *, changes: bool = False) -> Told:
        """A full read by a new connector. Fails the test where it raises, or leaves a task behind."""
        before = asyncio.all_tasks()
        told = Told()
        async with scene.open() as source:
            error = await scene.refusal(told.read(source, self.request(changes=changes)))
        if error is not None:
            pytest.fail(f"a read that nothing disturbed raised {type(error).__name__}: {error}")
        left = asyncio.all_tasks() - before
        assert not left, f"the source is closed, and tasks of it go on: {left}. End them in `finally`"
        return told

    def person(self, told: Told, id: str) -> Person:
        """Somebody who must have come. Fails the test where they did not."""
        person = told.people.get(id)
        assert person is not None, f"the person whom hire() called {id} did not come (or bears another id)"
        return person


def name_of(number: int) -> str:
    """A made-up word for the person of that number."""
    return f"kit{number}"


def lacking(wanted: Collection[str], found: Container[str]) -> list[str]:
    """Who is wanted and not found."""
    return [one for one in wanted if one not in found]


def equal(left: Told, right: Told, what: str) -> None:
    """Fail, saying who differs, unless both tell the same people, groups and members."""
    __tracebackhide__ = True
    difference = differing(left, right)
    if difference:
        pytest.fail(f"{what}: {difference}")


def differing(left: Told, right: Told) -> str:
    """How two tellings differ, in words; empty when they do not."""
    (people, groups, members), (others, other_groups, other_members) = left.facts(), right.facts()
    said: list[str] = []
    if lost := people.keys() - others.keys():
        said.append(f"people {sorted(lost)[:3]} are only in the first ({len(lost)} of them)")
    if new := others.keys() - people.keys():
        said.append(f"people {sorted(new)[:3]} are only in the second ({len(new)} of them)")
    changed = [key for key in people.keys() & others.keys() if people[key] != others[key]]
    said += [f"{key} has other {', '.join(_changed(people[key], others[key]))}" for key in sorted(changed)[:2]]
    if groups != other_groups:
        said.append(f"groups differ: {sorted(groups ^ other_groups)[:3]}")
    for group in sorted(members.keys() | other_members.keys()):
        apart = members.get(group, frozenset()) ^ other_members.get(group, frozenset())
        if apart:
            said.append(f"members of {group} differ by {sorted(apart)[:3]} ({len(apart)} of them)")
    return "; ".join(said)


def _changed(left: Person, right: Person) -> list[str]:
    return [
        f"{name} ({getattr(left, name)!r} and {getattr(right, name)!r})"
        for name in Person.__struct_fields__
        if getattr(left, name) != getattr(right, name)
    ]
