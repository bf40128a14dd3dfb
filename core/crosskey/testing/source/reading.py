"""Sources: a full read brings everybody once, in groups that are closed, and says so."""

from __future__ import annotations

from crosskey.connector.source import ReadRequest
from crosskey.model import GroupSelection, Person
from crosskey.testing.scene import Scene
from crosskey.testing.shapes import misfits
from crosskey.testing.source.base import SourceCase, equal, lacking
from crosskey.testing.tiers import must, should
from crosskey.testing.told import Told

__all__ = ("Reading",)


class Reading(SourceCase):
    """Tests of :meth:`crosskey.Source.read`."""

    @must()
    async def test_everybody_comes_however_many_pages_it_takes(self, scene: Scene) -> None:
        """Proves that paging goes on to the last page: everybody whom the fake hired is told, and nobody else.

        When it fails, look at the condition that ends the paging, and at the size of page that is asked for against
        the size that the vendor grants. That it took several pages is checked too: raise ``many`` or lower the page
        size in the settings where the fake answers everything at once.
        """
        told = await self.read(scene)
        missing = lacking(self.hired, told.people)
        assert not missing, (
            f"{len(missing)} of {len(self.hired)} people did not come, among them {sorted(missing)[:3]}: "
            "each of them would look like somebody who left. Follow the pages to the last one"
        )
        if scene.speaks_http:
            most = max(scene.wire.counts().values(), default=0)
            assert most > 1, (
                f"{len(self.hired)} people came in one request a list, so no paging was tried: set `many` in the test "
                "class above the vendor's page size, or a smaller page in the settings"
            )

    @must()
    async def test_two_reads_tell_the_same(self, scene: Scene) -> None:
        """Proves that ids are stable: people, groups and members of two reads, each by a new connector, are equal.

        When it fails, look for ids made up on the way (row numbers, hashes of what may change, addresses), and for
        attributes that depend on the time of reading.
        """
        first = await self.read(scene)
        scene.clock.advance(86_400.0)
        equal(first, await self.read(scene), "a read a day later, when nothing had changed, told something else")

    @must()
    async def test_people_bear_the_issuer_and_an_id_of_their_own(self, scene: Scene) -> None:
        """Proves that every subject is of this source's issuer with an id, and that the issuer is the same each time.

        When it fails, look at where ``Subject`` is made: the issuer is one stable name of the whole directory (its
        address, its tenant), never of a page, and the id is the vendor's immutable key.
        """
        told = await self.read(scene)
        async with scene.open() as source:
            first = source.issuer
        async with scene.open() as source:
            second = source.issuer
        assert first, "the source's issuer is empty"
        assert first == second, f'the issuer was "{first}" and is now "{second}": links would break with every run'
        for person in told.people.values():
            assert person.subject.issuer == first, f'{person.subject} is not of the source\'s own issuer "{first}"'
            assert person.subject.id.strip(), f"{person.label} has no id"
            assert "\0" not in person.subject.id, f"the id of {person.label} holds a NUL"

    @must()
    async def test_no_id_is_an_address_or_a_name(self, scene: Scene) -> None:
        """Proves that ids do not move with what people may change: e-mail address, user name, display name.

        When it fails, take the vendor's immutable key for ``Subject.id``; a file without one needs a column that is.
        """
        told = await self.read(scene)
        for person in told.people.values():
            changing = {person.email, person.user_name, person.display_name} - {""}
            assert person.subject.id not in changing, (
                f'"{person.subject.id}" is both the id of {person.label} and an attribute that may change: '
                "the next run would take the same human for somebody else"
            )

    @must()
    async def test_everything_has_the_type_that_the_contract_says(self, scene: Scene) -> None:
        """Proves that people and groups hold what their types say: text is text, never ``None`` or a list.

        When it fails, look at how optional members of the vendor's rows are read; absent text is ``""``.
        """
        told = await self.read(scene)
        for thing in (*told.people.values(), *told.groups.values()):
            assert not (wrong := misfits(thing)), f"{type(thing).__name__} {thing!r}: {wrong}"

    @must()
    async def test_active_is_a_verdict(self, scene: Scene) -> None:
        """Proves that whoever was just hired is active, and says why by the vendor's own word where it has one.

        When it fails, look at how the vendor's state becomes ``active``: ``True`` should have accounts, ``False``
        should not, ``None`` is a state that nobody mapped.
        """
        told = await self.read(scene)
        people = {key: self.person(told, key) for key in self.hired}
        wrong = {key: person.active for key, person in people.items() if person.active is not True}
        assert not wrong, f"newly hired people are not active: {dict(list(wrong.items())[:3])}"

    @must(hooks=("form", "join"))
    async def test_a_group_has_exactly_its_members(self, scene: Scene) -> None:
        """Proves that groups are closed: the members told of a named group are those whom the fake put into it.

        When it fails, look at the paging of members, and at members that belong to another group.
        """
        told = await self.read(scene)
        inside = told.members.get(self.group, set())
        missing, strange = set(self.inside) - inside, inside - set(self.inside)
        assert inside == set(self.inside), (
            f"of {len(self.inside)} members {len(missing)} did not come, and {len(strange)} came who are not in it: "
            "whoever is missing would lose what the group gives"
        )

    @must(hooks=("form", "join"))
    async def test_members_are_of_groups_and_people_that_were_told(self, scene: Scene) -> None:
        """Proves that no member page names a group that did not come, and that members are people of this source.

        When it fails, look at the order of pages (a group before its members) and at what ``members`` holds: subject
        ids, never addresses or the ids of nested groups.
        """
        told = await self.read(scene)
        strange = told.members.keys() - told.groups.keys()
        assert not strange, f"members of groups that were not told: {sorted(strange)}"
        nobody = {who for held in told.members.values() for who in held} - told.people.keys()
        assert not nobody, f"members who are no people of this source: {sorted(nobody)[:3]}"

    @should(hooks=("form", "join"))
    async def test_members_of_groups_that_nobody_asked_for_are_not_fetched(self, scene: Scene) -> None:
        """Proves that a read without named groups costs no request for members: vendors meter requests.

        When it fails, look at ``ReadRequest.groups``: only the members of what it chooses are wanted.
        """
        await self.read(scene)
        named = len(scene.wire.exchanges)
        scene.wire.calm()
        told = Told()
        async with scene.open() as source:
            await told.read(source, ReadRequest())
        assert not told.members.get(self.group) or len(scene.wire.exchanges) < named or not scene.speaks_http, (
            f"{len(scene.wire.exchanges)} requests without a named group, {named} with one: members are fetched anyway"
        )

    @must(hooks=("form",))
    async def test_a_group_that_is_not_there_is_refused_by_name(self, scene: Scene) -> None:
        """Proves that a mapping that names no group of the directory stops the read, instead of finding it empty.

        When it fails, choose groups with ``request.groups.choose(found)``: it raises the right error.
        """
        request = ReadRequest(groups=GroupSelection(names=frozenset({"Nobody Formed This"}), where="source.kit"))
        async with scene.open() as source:
            error = await scene.refusal(Told().read(source, request))
        assert error is not None, (
            "a read that needs a group which does not exist came to an end: everybody would look as if they left it"
        )
        assert "Nobody Formed This" in str(error), f"the error does not name the group: {error}"

    @must(hooks=("form", "join"))
    async def test_a_pinned_name_means_the_id(self, scene: Scene) -> None:
        """Proves that ``[source.x.groups]`` pins a name to an id, for names are not unique.

        When it fails, use ``request.groups.choose(found)``, which heeds pins.
        """
        request = ReadRequest(
            groups=GroupSelection(names=frozenset({"Any Name"}), pins={"Any Name": self.group}, where="source.kit")
        )
        told = Told()
        async with scene.open() as source:
            await told.read(source, request)
        assert told.members.get(self.group, set()) == set(self.inside), "the pinned group came without its members"

    @must(hooks=("suspend",))
    async def test_a_suspended_person_is_told_and_not_active(self, scene: Scene) -> None:
        """Proves that whoever is suspended still comes, with ``active`` ``False``: absence would say nothing.

        When it fails, look for a filter in the request that leaves inactive people out.
        """
        who = self.hired[1]
        self.directory(scene).suspend(who)
        scene.clock.advance(self.settles)
        person = (await self.read(scene)).people.get(who)
        assert person is not None, "a suspended person is not told: their account would stay on until someone looks"
        assert person.active is False, f"a suspended person has active={person.active} (status {person.status!r})"

    @must(hooks=("set_status",))
    async def test_every_status_means_what_the_fake_says(self, scene: Scene) -> None:
        """Proves that each of the vendor's words for a person's state becomes the right verdict, none by guessing.

        When it fails, look at the table from words to ``True``, ``False`` and ``None``.
        """
        wrong: list[str] = []
        for number, (status, verdict) in enumerate(self.directory(scene).statuses.items()):
            who = self.hired[number % len(self.hired)]
            self.directory(scene).set_status(who, status)
            scene.clock.advance(self.settles)
            person = (await self.read(scene)).people.get(who)
            if person is None:
                wrong.append(f"{status}: does not come at all")
            elif person.active is not verdict:
                wrong.append(f"{status}: active is {person.active}, not {verdict}")
        assert not wrong, "; ".join(wrong)

    @should(hooks=("set_status",))
    async def test_a_status_that_nobody_knows_is_no_verdict(self, scene: Scene) -> None:
        """Proves that a word which the vendor introduces tomorrow neither gives nor takes an account: ``None``.

        When it fails, look for an ``else`` that says ``False``: whoever is in the new state would be switched off.
        """
        who = self.hired[0]
        self.directory(scene).set_status(who, "NEVER_HEARD_OF")
        scene.clock.advance(self.settles)
        person: Person | None = (await self.read(scene)).people.get(who)
        assert person is not None, "a person in an unknown state is not told at all"
        assert person.active is None, f"an unknown state was taken for active={person.active}"

    @must(hooks=("delete",))
    async def test_a_deleted_person_is_not_told_as_active(self, scene: Scene) -> None:
        """Proves that a full read after a deletion does not bring the person as somebody who is there.

        When it fails, look for a cache that outlives the connector, or for a list that shows deleted people.
        """
        who = self.hired[2]
        self.directory(scene).delete(who)
        scene.clock.advance(self.settles)
        person = (await self.read(scene)).people.get(who)
        assert person is None or person.active is False, f"somebody deleted is still told, active={person.active}"

    @should()
    async def test_more_requests_at_once_than_the_client_allows_are_never_sent(self, scene: Scene) -> None:
        """Proves that a read keeps few requests in flight: vendors count those too.

        When it fails, pass ``concurrency`` to ``context.http`` and use its client for everything.
        """
        await self.read(scene)
        assert scene.wire.crowd <= 16, f"{scene.wire.crowd} requests were in flight at once"
