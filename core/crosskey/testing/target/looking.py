"""Targets that look single accounts up: a certain answer, or an error, and nothing between."""

from __future__ import annotations

from typing import Any

import msgspec

from crosskey.connector.target import Lookup
from crosskey.model import Account
from crosskey.plan import Change
from crosskey.testing.scene import Scene
from crosskey.testing.target.base import SWITCHED_OFF, TargetCase, marker_of
from crosskey.testing.tiers import must, should

__all__ = ("Looking",)


class Looking(TargetCase):
    """Tests of :meth:`crosskey.FindsChanges.find` and :meth:`crosskey.LooksUpAccounts.look_up`."""

    @must(ability="find")
    async def test_a_create_is_found_by_its_marker(self, scene: Scene) -> None:
        """Proves that ``find`` tells the account that a create made, as a read tells it.

        When it fails, look at the field that holds the marker, and at whether the vendor can search by it.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            await self.made(scene, kind, 2)
            found = await self.find(scene, self.create(kind, 1))
            assert found is not None, f"{kind.name} {account.key} was created, and find() says that it was not"
            assert found.key == account.key, f"find() told {found.key}, it is {account.key}"
            assert found.marker == marker_of(1), f"find() told an account with the marker {found.marker!r}"

    @must(ability="find")
    async def test_a_create_that_did_not_happen_is_not_found(self, scene: Scene) -> None:
        """Proves that ``None`` comes for a marker that nobody bears: the engine creates then.

        When it fails, look for a search that takes "begins with" or another account of the same name.
        """
        for kind in self.tried():
            await self.made(scene, kind, 1)
            other = msgspec.structs.replace(self.create(kind, 1), marker=marker_of(9), id="other")
            found = await self.find(scene, other)
            assert found is None, f"nobody bears {marker_of(9)}, and find() told {found!r}"

    @must(ability="find")
    async def test_an_account_is_found_by_its_key(self, scene: Scene) -> None:
        """Proves that ``find`` of an update tells the account as it is now, and ``None`` for a key nobody has.

        When it fails, look at the vendor's word for "no such record".
        """
        for kind in self.tried():
            account, field = await self.made(scene, kind, 1), self.text_field(kind)
            found = await self.find(scene, self.update(account, field, "New Word"))
            assert found is not None, f"{kind.name} {account.key} is there, and find() says that it is not"
            assert (found.key, found.active) == (account.key, True), f"find() told {found!r}"
            ghost = msgspec.structs.replace(account, key=self.missing_key(account.key))
            assert await self.find(scene, self.update(ghost, field, "New Word")) is None, (
                "find() told an account of nobody"
            )

    @must(ability="find", hooks=("remove",))
    async def test_an_account_that_is_removed_is_not_found(self, scene: Scene) -> None:
        """Proves that ``find`` says ``None`` for a record that somebody removed, whether asked by key or by marker.

        When it fails, look for what is remembered of earlier reads, and for a bin that the vendor still shows.
        """
        for kind in self.tried():
            account, field = await self.made(scene, kind, 1), self.text_field(kind)
            self.service(scene).remove(kind.name, account.key)
            scene.clock.advance(self.schema.settle)
            for change in (self.create(kind, 1), self.update(account, field, "New Word")):
                found = await self.find(scene, change)
                assert found is None, f"{kind.name} {account.key} was removed, and find() of a {change.action} told it"

    @must(ability="find")
    async def test_a_target_that_cannot_say_is_not_taken_for_no(self, scene: Scene) -> None:
        """Proves that ``None`` never comes of a refusal or a breakdown: the create would be sent a second time.

        When it fails, let the client's errors through.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            order = self.create(kind, 1)

            async def look(target: Any, order: Change = order) -> Any:  # noqa: ANN401 - a target that finds changes
                found = await target.find(order)
                return found and found.key

            await self.disturbed(scene, look, account.key, f"find() of {kind.name}")

    @must(ability="look_up")
    async def test_accounts_are_looked_up_by_key_marker_and_value(self, scene: Scene) -> None:
        """Proves that ``look_up`` brings what a read brings, by each of its three ways, inactive accounts included.

        When it fails, look at paging, at case, and at filters that leave inactive accounts out.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            await self.made(scene, kind, 2)
            for active, (what, lookup) in ((on, way) for on in (True, False) for way in self._ways(account).items()):
                if account.active is not active:
                    await self.applied(scene, self.change("disable", account, 1, active=SWITCHED_OFF))
                    scene.clock.advance(self.schema.settle)
                    account = await self.one(scene, account)
                found = {one.key: one for one in await self.look(scene, lookup)}
                assert account.key in found, (
                    f"{kind.name} {account.key} (active: {active}) is there, and look_up() by {what} left it out"
                )
                shown = found[account.key]
                assert (shown.marker, shown.active) == (account.marker, account.active), f"by {what}: {shown!r}"
                wrong = {
                    name: value for name, value in shown.fields.items() if account.fields.get(name, value) != value
                }
                assert not wrong, f"look_up() by {what} tells other fields than a read: {wrong}"

    @must(ability="look_up")
    async def test_whoever_is_not_there_is_not_looked_up(self, scene: Scene) -> None:
        """Proves that ``look_up`` of keys, markers and values that nobody has brings nobody who would fit.

        When it fails, look for searches that take less than the whole value.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            nobody = msgspec.structs.replace(
                account,
                key=self.missing_key(account.key),
                marker=marker_of(9),
                fields={name: "nobody.has.this" for name, value in account.fields.items() if isinstance(value, str)},
            )
            for what, lookup in self._ways(nobody).items():
                found = await self.look(scene, lookup)
                strange = [one.key for one in found if one.key == nobody.key or one.marker == nobody.marker]
                assert not strange, f"look_up() by {what} brought {strange} for what nobody has"

    @must(ability="look_up")
    async def test_a_target_that_cannot_say_leaves_nobody_out(self, scene: Scene) -> None:
        """Proves that a refusal or a breakdown raises: whoever is left out would be created a second time.

        When it fails, let the client's errors through, and decode answers into types with required members.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            for what, lookup in self._ways(account).items():

                async def look(target: Any, lookup: Lookup = lookup) -> bool:  # noqa: ANN401 - as above
                    return account.key in {one.key for one in await target.look_up(lookup)}  # noqa: B023 - at once

                await self.disturbed(scene, look, expected=True, what=f"look_up() of {kind.name} by {what}")

    @should(ability="find")
    async def test_finding_one_change_costs_few_requests(self, scene: Scene) -> None:
        """Proves that a change is looked up by its marker where the vendor can search.

        When it fails, and the vendor can search by no field of yours, leave this test out and say so.
        """
        for kind in self.tried():
            await self.made(scene, kind, 1)
            scene.wire.calm()
            await self.find(scene, self.create(kind, 1))
            assert len(scene.wire.exchanges) <= 12, (
                f"find() of one {kind.name} sent {len(scene.wire.exchanges)} requests"
            )

    # -- helpers ------------------------------------------------------------------------------------------------------

    async def find(self, scene: Scene, change: Change) -> Account | None:
        """What ``find`` says, by a new connector that has read nothing."""
        async with scene.open() as target:
            return await target.find(change)

    async def look(self, scene: Scene, lookup: Lookup) -> list[Account]:
        """What ``look_up`` brings, by a new connector that has read nothing."""
        async with scene.open() as target:
            return list(await target.look_up(lookup))

    def _ways(self, account: Account) -> dict[str, Lookup]:
        kind = self.schema.kind(account.kind)
        assert kind is not None
        ways = {
            "key": Lookup(kind=account.kind, keys=(account.key,)),
            "marker": Lookup(kind=account.kind, markers=(account.marker,)),
        }
        addresses = [field.name for field in kind.fields if "mail" in field.name and field.listed]
        for name in addresses[:1]:
            value = account.fields.get(name)
            if isinstance(value, str) and value:
                ways[f"{name} in capitals"] = Lookup(kind=account.kind, values={name: (value.upper(),)})
        return ways
