"""Sources that look people up by id: a certain answer, or an error, and nothing between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from crosskey.errors import CrosskeyError
from crosskey.model import Person, Subject
from crosskey.testing.faults import BREAKDOWNS, REFUSALS, THROTTLES, UNREADABLE
from crosskey.testing.scene import Scene
from crosskey.testing.source.base import SourceCase
from crosskey.testing.tiers import must, should

__all__ = ("Finding",)


class Finding(SourceCase):
    """Tests of :meth:`crosskey.FindsPeople.find` and :meth:`crosskey.ConfirmsMembership.groups_of`."""

    async def find(self, scene: Scene, id: str) -> Any:  # noqa: ANN401 - a Person or None
        """What ``find`` says about an id."""
        async with scene.open() as source:
            return await source.find(Subject(source.issuer, id))

    @must(ability="find")
    async def test_whoever_is_there_is_found_as_a_read_tells_them(self, scene: Scene) -> None:
        """Proves that looking somebody up tells the same person as a read: same id, same verdict, same attributes.

        When it fails, make people from rows in one place for both.
        """
        told = await self.read(scene)
        for id_ in (self.hired[0], self.hired[-1]):
            person = await self.find(scene, id_)
            assert person is not None, f"{id_} is there, and find() says that there is nobody"
            assert _plain(person) == _plain(self.person(told, id_)), (
                f"find() tells {_plain(person)!r}, a read tells {_plain(self.person(told, id_))!r}"
            )

    @must(ability="find")
    async def test_nobody_is_found_where_there_is_nobody(self, scene: Scene) -> None:
        """Proves that ``None`` comes for an id that nobody has, and never somebody else for a strange one.

        When it fails, look at the vendor's own word for "no such person", and at ids that stand in a path: they must be
        quoted.
        """
        person = await self.find(scene, self.nobody)
        assert person is None, f"find() of an id that nobody has brought {person!r}"
        for id_ in (f"../{self.hired[0]}", f"{self.hired[0]}?a=b", f"{self.hired[0]}#c", " "):
            person = await _answer(scene, self.find(scene, id_))
            assert person is None or isinstance(person, CrosskeyError), f"find() of the id {id_!r} brought {person!r}"

    @must(ability="find", hooks=("delete",))
    async def test_whoever_is_deleted_is_not_found_as_active(self, scene: Scene) -> None:
        """Proves that a leaver is confirmed: ``None``, or a person who is not active.

        When it fails, look for a cache.
        """
        self.directory(scene).delete(self.hired[1])
        scene.clock.advance(self.settles)
        person = await self.find(scene, self.hired[1])
        assert person is None or person.active is False, f"somebody deleted is found, active={person.active}"

    @must(ability="find", hooks=("suspend",))
    async def test_whoever_is_suspended_is_found_as_inactive(self, scene: Scene) -> None:
        """Proves that a suspension shows when somebody is looked up.

        When it fails, look at which members of the row ``find`` asks for.
        """
        self.directory(scene).suspend(self.hired[1])
        scene.clock.advance(self.settles)
        person = await self.find(scene, self.hired[1])
        assert person is not None, "somebody suspended is not found: find() says for certain that they are gone"
        assert person.active is False, f"somebody suspended is found with active={person.active}"

    @must(ability="find")
    async def test_a_vendor_who_cannot_say_is_not_taken_for_nobody(self, scene: Scene) -> None:
        """Proves that ``None`` never comes of a refusal or a breakdown: the account would be switched off.

        When it fails, return ``None`` for the vendor's own word about a missing person only (usually 404 with a code),
        never for a 403, never in an ``except`` of many errors.
        """

        async def look(source: Any) -> Any:  # noqa: ANN401 - a Source
            return await source.find(Subject(source.issuer, self.hired[0]))

        expected = self.person(await self.read(scene), self.hired[0])
        await self._disturbed(scene, look, expected, "find()")

    @must(ability="groups_of", hooks=("form", "join"))
    async def test_the_groups_of_somebody_are_those_that_a_read_tells(self, scene: Scene) -> None:
        """Proves that ``groups_of`` names the group for whoever is in it, and does not for others.

        When it fails, look at nesting (as a read counts members) and at paging.
        """
        outside = next(person for person in self.hired if person not in self.inside)
        async with scene.open() as source:
            held = await source.groups_of(Subject(source.issuer, self.inside[0]))
            other = await source.groups_of(Subject(source.issuer, outside))
        assert self.group in held, f"somebody is in the group {self.group}, and groups_of() tells {sorted(held)}"
        assert self.group not in other, "groups_of() names a group for somebody who is not in it"

    @must(ability="groups_of", hooks=("form", "join"))
    async def test_a_vendor_who_cannot_tell_groups_is_not_taken_for_none(self, scene: Scene) -> None:
        """Proves that an empty set never comes of a refusal or a breakdown: what the groups give would be taken away.

        When it fails, let the client's errors through.
        """

        async def look(source: Any) -> Any:  # noqa: ANN401 - a Source
            return self.group in await source.groups_of(Subject(source.issuer, self.inside[0]))

        await self._disturbed(scene, look, expected=True, what="groups_of()")

    @should(ability="find")
    async def test_looking_somebody_up_costs_few_requests(self, scene: Scene) -> None:
        """Proves that one person is looked up by id, not found in a list of all.

        When it fails, look for a read of everybody in ``find``.
        """
        scene.wire.calm()
        await self.find(scene, self.hired[0])
        assert len(scene.wire.exchanges) <= 6, f"find() of one person sent {len(scene.wire.exchanges)} requests"

    async def _disturbed(
        self, scene: Scene, look: Callable[[Any], Awaitable[Any]], expected: object, what: str
    ) -> None:
        __tracebackhide__ = True
        scene.wire.calm()
        async with scene.open() as source:
            await look(source)
        spots = scene.wire.spots()
        if not scene.speaks_http:
            pytest.skip("the source sends no request, so nothing can go wrong on the way")
        assert spots, f"{what} sent no request"
        for spot in spots:
            for name, spoil in {**REFUSALS, **THROTTLES, **BREAKDOWNS, **UNREADABLE}.items():
                scene.wire.calm()
                scene.clock.advance(600.0)
                scene.wire.strike(spoil, spot)
                async with scene.open() as source:
                    found = await _answer(scene, look(source))
                if not isinstance(found, CrosskeyError):
                    assert found == expected, f"{spot} met {name} each time, and {what} said {found!r}: raise instead"
        scene.wire.calm()


def _plain(person: Person) -> Person:
    """The person without ``extra``, of which a read brings what mappings use and a look-up may bring all."""
    return msgspec.structs.replace(person, extra={})


async def _answer(scene: Scene, work: Awaitable[Any]) -> Any:  # noqa: ANN401 - what was asked for, or an error
    answer: list[Any] = []

    async def kept() -> None:
        answer.append(await work)

    return await scene.refusal(kept()) or answer[0]
