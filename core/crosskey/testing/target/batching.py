"""Targets: each change of a batch has its own outcome, and other abilities of a target do what they say."""

from __future__ import annotations

import msgspec

from crosskey.testing.scene import Scene
from crosskey.testing.target.base import TargetCase, results
from crosskey.testing.tiers import must

__all__ = ("Batching",)


class Batching(TargetCase):
    """Tests of whole batches in :meth:`crosskey.Target.apply`, of ending sessions and of seats."""

    @must()
    async def test_a_whole_batch_is_answered_one_by_one(self, scene: Scene) -> None:
        """Proves that as many changes as ``schema().batch`` says go in at once, and each has its outcome and key.

        When it fails, look at how answers are matched with changes: by the marker, never by position alone.
        """
        for kind in self.tried():
            changes = [self.create(kind, 10 + number) for number in range(min(self.schema.batch, 60))]
            outcomes = await self.applied(scene, *changes)
            assert set(results(outcomes)) == {"applied"}, f"of plain creates some were {set(results(outcomes))}"
            scene.clock.advance(self.schema.settle)
            found = await self.accounts(scene, kind.name)
            for change, outcome in zip(changes, outcomes, strict=True):
                account = found.get((kind.name, outcome.key or ""))
                assert account is not None, f"{change.id} was applied with the key {outcome.key}, which no read shows"
                assert account.marker == change.marker, f"{change.id} was told the key of another account"

    @must()
    async def test_one_bad_change_takes_no_other_along(self, scene: Scene) -> None:
        """Proves that a partial failure is attributed: the bad change is rejected with a reason, others are applied.

        When it fails, look at how the vendor refuses a list, and take it apart: half by half, or one by one.
        """
        for kind in self.tried():
            field = self.text_field(kind)
            accounts = [await self.made(scene, kind, number) for number in range(3)]
            changes = [self.update(account, field, "New Word") for account in accounts]
            changes[1] = self.unacceptable(changes[1]) or self.update(
                msgspec.structs.replace(accounts[1], key=self.missing_key(accounts[1].key)), field, "New Word"
            )
            outcomes = await self.applied(scene, *changes[: max(1, self.schema.batch)])
            if self.schema.batch < 3:
                for change in changes[max(1, self.schema.batch) :]:
                    outcomes += await self.applied(scene, change)
            assert results(outcomes) == ["applied", "rejected", "applied"], (
                f"the second of three changes is impossible, and they ended as {results(outcomes)}"
            )
            scene.clock.advance(self.schema.settle)
            now = [(await self.one(scene, account)).fields.get(field) for account in accounts]
            assert now[0] == now[2] == "New Word", f"the good changes were told as applied, and {field} reads {now}"
            assert now[1] != "New Word", "the bad change was told as rejected, and it happened"

    @must()
    async def test_nothing_to_do_is_done(self, scene: Scene) -> None:
        """Proves that an empty batch ends at once, without a write.

        When it fails, look at what is sent for an empty list.
        """
        async with scene.open() as target:
            assert list(await target.apply([])) == []

    @must(ability="end_sessions")
    async def test_sessions_are_ended_or_the_reason_is_told(self, scene: Scene) -> None:
        """Proves that ``end_sessions`` of a live account works, or raises an error that says why it cannot.

        When it fails, look at kinds whose sessions the vendor cannot end: raise ``RejectedError`` for those.
        """
        worked = False
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            async with scene.open() as target:
                worked = await scene.refusal(target.end_sessions(account)) is None or worked
            assert await self.one(scene, account) == account, "ending sessions changed the account itself"
        assert worked, "end_sessions() works for no kind: leave the method out"

    @must(ability="seats")
    async def test_seats_are_counted(self, scene: Scene) -> None:
        """Proves that ``seats`` tells kinds of the schema, and not more seats taken than there are accounts.

        When it fails, look at which accounts the vendor counts: active ones of that kind.
        """
        async with scene.open() as target:
            told = await target.seats()
        for name, seats in told.items():
            kind = self.schema.kind(name)
            assert kind is not None, f"seats() tells of {name}, which is no kind"
            assert kind.seats, f"seats() tells of {name}, whose KindSpec says that it takes none"
            assert seats.used >= 0, f"{name}: {seats.used} seats are taken"
            assert seats.total >= 0, f"{name}: there are {seats.total} seats"
