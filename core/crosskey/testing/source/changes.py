"""Sources that tell changes: a full read and rounds of changes end where a full read at the end would."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from crosskey.connector.source import ReadRequest
from crosskey.errors import CrosskeyError, CursorExpiredError
from crosskey.testing.fakes import provides
from crosskey.testing.faults import BREAKDOWNS, REFUSALS, THROTTLES, UNREADABLE
from crosskey.testing.rows import frozen
from crosskey.testing.scene import Scene
from crosskey.testing.source.base import SourceCase, differing, equal
from crosskey.testing.tiers import must, should
from crosskey.testing.told import Told

__all__ = ("Changes",)

_CHANGES = "read_changes"


class Changes(SourceCase):
    """Tests of :meth:`crosskey.ReadsChanges.read_changes`."""

    async def known(self, scene: Scene) -> Told:
        """A full read that ends with a cursor."""
        told = await self.read(scene, changes=True)
        assert told.cursor, "a read with `changes` ended without a cursor: ReadComplete(cursor=…) says where to go on"
        scene.clock.advance(self.settles)
        return told

    async def follow(self, scene: Scene, told: Told) -> Told:
        """One round more, by a new connector. A cursor that ended is answered by a full read, as the core does."""
        async with scene.open() as source:
            try:
                return await told.follow(source, self.request(changes=True))
            except CursorExpiredError as error:
                scene.note(error)
                return await told.read(source, self.request(changes=True))
            except CrosskeyError as error:
                pytest.fail(f"a round that nothing disturbed raised {type(error).__name__}: {error}")

    async def agrees(self, scene: Scene, told: Told, what: str) -> None:
        """Fail unless what is known by changes is what a full read tells now."""
        __tracebackhide__ = True
        equal(told, await self.read(scene), f"{what}: what is known by changes (first) is not what a full read tells")

    @must(ability=_CHANGES)
    async def test_a_round_in_which_nothing_happened_changes_nothing(self, scene: Scene) -> None:
        """Proves that rounds over a directory at rest end where they began, each with a cursor for the next.

        When it fails, look at what a round tells by absence: silence about somebody means that nothing changed.
        """
        told = await self.known(scene)
        for _ in range(3):
            before = told.copy()
            await self.follow(scene, told)
            assert told.cursor, "a round ended without a cursor: ReadComplete(cursor=…) says where to go on"
            equal(before, told, "nothing happened, and a round told a change")
            assert not told.gone, f"nobody was deleted, and {sorted(told.gone)} were told as gone"
            scene.clock.advance(self.settles)
        await self.agrees(scene, told, "three rounds at rest")

    @must(ability=_CHANGES)
    async def test_whoever_is_hired_comes_with_the_next_round(self, scene: Scene) -> None:
        """Proves that a new person comes, whole, by changes.

        When it fails, look at where the cursor is taken from: before the read began, in the vendor's own time.
        """
        told = await self.known(scene)
        who = self.directory(scene).hire("newcomer")
        scene.clock.advance(self.settles)
        await self.follow(scene, told)
        assert who in told.people, "somebody was hired, and the next round did not bring them"
        await self.agrees(scene, told, "somebody was hired")

    @must(ability=_CHANGES, hooks=("rename",))
    async def test_whoever_changes_comes_whole(self, scene: Scene) -> None:
        """Proves that a person of whom one attribute changed comes with all of them.

        When it fails, ask for all attributes in the request for changes, too: what is left out looks empty.
        """
        told = await self.known(scene)
        self.directory(scene).rename(self.hired[0], "renamed")
        scene.clock.advance(self.settles)
        before = self.person(told, self.hired[0])
        await self.follow(scene, told)
        assert self.person(told, self.hired[0]) != before, (
            "somebody got another name, and the next round did not tell it"
        )
        await self.agrees(scene, told, "somebody was renamed")

    @must(ability=_CHANGES, hooks=("suspend",))
    async def test_whoever_is_suspended_comes_as_inactive(self, scene: Scene) -> None:
        """Proves that a suspension comes by changes: it is the change that matters most.

        When it fails, look for a filter that leaves inactive people out of changes.
        """
        told = await self.known(scene)
        self.directory(scene).suspend(self.hired[3])
        scene.clock.advance(self.settles)
        await self.follow(scene, told)
        person = told.people.get(self.hired[3])
        assert person is not None, "somebody was suspended, and the round told them as gone"
        assert person.active is False, f"somebody was suspended, and changes leave active at {person.active}"
        await self.agrees(scene, told, "somebody was suspended")

    @must(ability=_CHANGES, hooks=("delete",))
    async def test_whoever_is_deleted_is_told_as_gone_and_nobody_else(self, scene: Scene) -> None:
        """Proves that a deletion is a tombstone, and that only a deletion is: absence never is.

        When it fails, look at how ``GonePage`` is filled: by the vendor's own word about a deletion. A vendor who is
        silent about deletions makes changes impossible: raise :class:`crosskey.CursorExpiredError` then.
        """
        told = await self.known(scene)
        self.directory(scene).delete(self.hired[4])
        scene.clock.advance(self.settles)
        await self.follow(scene, told)
        assert told.gone <= {self.hired[4]}, f"{sorted(told.gone - {self.hired[4]})} were told as gone and are there"
        person = told.people.get(self.hired[4])
        assert person is None or person.active is False, "somebody was deleted, and changes are silent about it"
        await self.agrees(scene, told, "somebody was deleted")

    @must(ability=_CHANGES, hooks=("form", "join", "leave"))
    async def test_whoever_joins_or_leaves_a_group_is_told(self, scene: Scene) -> None:
        """Proves that changes of membership come, in both directions, for people who did not change themselves.

        When it fails, look at the vendor's feed of memberships: people's own times of change often do not move.
        """
        told, fake = await self.known(scene), self.directory(scene)
        outside = next(person for person in self.hired if person not in self.inside)
        fake.join(self.group, outside)
        fake.leave(self.group, self.inside[0])
        scene.clock.advance(self.settles)
        await self.follow(scene, told)
        held = told.members.get(self.group, set())
        assert outside in held, "somebody joined the group, and the round did not tell it"
        assert self.inside[0] not in held, "somebody left the group, and the round did not tell it"
        await self.agrees(scene, told, "two memberships changed")

    @must(ability=_CHANGES, hooks=("rename",))
    async def test_a_cursor_may_be_used_again(self, scene: Scene) -> None:
        """Proves that a round which was lost is told again: the core keeps the cursor until a round is over.

        When it fails, look for cursors that the vendor (or the plugin) ends when they are used.
        """
        told = await self.known(scene)
        again = told.copy()
        self.directory(scene).rename(self.hired[1], "renamed")
        scene.clock.advance(self.settles)
        await self.follow(scene, told)
        await self.follow(scene, again)
        equal(told, again, "the same cursor told something else when it was used again")

    @must(ability=_CHANGES)
    async def test_a_cursor_that_nobody_knows_is_refused(self, scene: Scene) -> None:
        """Proves that a foreign cursor raises ``CursorExpiredError``: everything is read again, and nothing is missed.

        When it fails, look at how cursors are taken apart: whatever does not fit is one that ended.
        """
        told = await self.known(scene)
        for cursor in ("kit", f"{told.cursor}~kit", "{}", "\N{SNOWMAN}"):
            async with scene.open() as source:
                error = await scene.refusal(_drained(source, cursor, self.request(changes=True)))
            assert isinstance(error, CursorExpiredError), (
                f"the cursor {cursor[:40]!r} is none of this source's, and a round from it "
                + (f"raised {type(error).__name__}: {error}" if error else "came to an end")
            )

    @must(ability=_CHANGES, hooks=("expire",))
    async def test_a_cursor_that_the_vendor_forgot_is_told_so(self, scene: Scene) -> None:
        """Proves that a place which the vendor no longer knows raises ``CursorExpiredError``, not a rejection.

        When it fails, look at the statuses by which the vendor says so (410, 400, 404 with a code).
        """
        told = await self.known(scene)
        self.directory(scene).expire(told.cursor)
        async with scene.open() as source:
            error = await scene.refusal(_drained(source, told.cursor, self.request(changes=True)))
        assert isinstance(error, CursorExpiredError), f"the vendor forgot the place, and the round ended in {error!r}"

    @must(ability=_CHANGES, hooks=("rename", "suspend"))
    async def test_a_disturbed_round_is_told_whole_the_next_time(self, scene: Scene) -> None:
        """Proves that a round which meets a fault tells everything or raises, and that its cursor still holds then.

        When it fails, look for a fault that is taken for the end of the feed.
        """
        told = await self.known(scene)
        if not scene.speaks_http:
            pytest.skip("the source sends no request, so nothing can go wrong on the way")
        self.directory(scene).rename(self.hired[0], "renamed")
        self.directory(scene).suspend(self.hired[3])
        scene.clock.advance(self.settles)
        expected = await self.read(scene)
        scene.wire.calm()
        await self.follow(scene, told.copy())
        spots = scene.wire.spots()
        assert spots, "a round of changes asked for nothing"
        for spot in spots:
            repeated = {"a page that comes again and again": frozen()}
            for what, spoil in {**REFUSALS, **THROTTLES, **BREAKDOWNS, **UNREADABLE, **repeated}.items():
                for times in (1, None):
                    scene.wire.calm()
                    scene.clock.advance(600.0)
                    scene.wire.strike(spoil, spot, times=times)
                    tried = told.copy()
                    async with scene.open() as source:
                        error = await scene.refusal(tried.follow(source, self.request(changes=True)))
                    if error is None and (difference := differing(tried, expected)):
                        often = "once" if times else "each time"
                        pytest.fail(f"{spot} met {what} {often}, and the round ended as complete: {difference}")
        scene.wire.calm()
        await self.follow(scene, told)
        equal(told, expected, "after disturbed rounds, the same cursor told something else")

    @must(ability=_CHANGES, hooks=("delete", "form", "join", "leave", "rename", "suspend"))
    async def test_a_year_of_changes_ends_in_the_truth(self, scene: Scene) -> None:
        """Proves the law: a full read and any number of rounds tell what a full read at the end tells.

        When it fails, the message names the round; what happened in it stands before. The story is the same each time.
        """
        told, fake, chance = await self.known(scene), self.directory(scene), random.Random(7)  # noqa: S311 - a story
        here, inside, story = list(self.hired), set(self.inside), list[str]()
        deeds: dict[str, Callable[[str], object]] = {
            "rename": lambda who: fake.rename(who, f"renamed{chance.randrange(1000)}"),
            "delete": lambda who: (here.remove(who), inside.discard(who), fake.delete(who)),
            "join": lambda who: who in inside or (inside.add(who), fake.join(self.group, who)),
            "leave": lambda who: who in inside and (inside.discard(who), fake.leave(self.group, who)),
        }
        suspended: set[str] = set()
        for number in range(8):
            for step in range(chance.randrange(4)):
                deed = chance.choice((*deeds, "hire", "suspend", "restore"))
                who = chance.choice(here)
                if deed == "hire":
                    here.append(fake.hire(f"later{number}x{step}"))
                elif deed == "suspend" and who not in suspended:
                    suspended.add(who)
                    fake.suspend(who)
                elif deed == "restore" and who in suspended and provides(fake, "restore"):
                    suspended.discard(who)
                    fake.restore(who)
                elif deed in deeds and not (deed == "delete" and (who in suspended or len(here) < 4)):
                    deeds[deed](who)
                story.append(f"{deed} {who}")
            scene.clock.advance(self.settles)
            await self.follow(scene, told)
            await self.agrees(scene, told, f"round {number + 1}, after {', '.join(story[-6:]) or 'nothing'}")
            scene.clock.advance(self.settles)

    @should(ability=_CHANGES, hooks=("form", "join", "disband"))
    async def test_a_group_that_is_disbanded_gives_nothing_any_more(self, scene: Scene) -> None:
        """Proves that a named group which is removed is told as gone, or that the round raises.

        When it fails, look at how the vendor tells a removed group; members of it must not stay known.
        """
        told = await self.known(scene)
        self.directory(scene).disband(self.group)
        scene.clock.advance(self.settles)
        async with scene.open() as source:
            error = await scene.refusal(told.follow(source, self.request(changes=True)))
        kept = self.group in told.groups and told.members.get(self.group)
        assert error or not kept, "a group was disbanded, and the round left it and its members as they were"

    @should(ability=_CHANGES)
    async def test_a_round_at_rest_costs_less_than_a_full_read(self, scene: Scene) -> None:
        """Proves that changes are worth their name: requests are the cost, and nothing changed.

        When it fails, look at what a round reads anew although nothing happened to it.
        """
        scene.wire.calm()
        told = await self.known(scene)
        full = len(scene.wire.exchanges)
        await self.follow(scene, told)
        scene.clock.advance(self.settles)
        scene.wire.calm()
        await self.follow(scene, told)
        assert len(scene.wire.exchanges) <= full, (
            f"a round at rest took {len(scene.wire.exchanges)} requests, a full read of {len(self.hired)} people {full}"
        )


async def _drained(source: object, cursor: str, request: ReadRequest) -> None:
    async for _ in source.read_changes(cursor, request):  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - asked for above
        pass
