"""Targets: a write does what it says, once, and nothing besides."""

from __future__ import annotations

import msgspec
import pytest

from crosskey.connector.target import KindSpec
from crosskey.model import Account, Scalar
from crosskey.plan import Change, FieldChange, Outcome, ReferenceChange
from crosskey.testing.scene import Scene
from crosskey.testing.target.base import TargetCase, marker_of, results
from crosskey.testing.tiers import must, should

__all__ = ("Writing",)


class Writing(TargetCase):
    """Tests of :meth:`crosskey.Target.apply` where nothing disturbs it."""

    @must()
    async def test_a_created_account_is_as_it_was_ordered(self, scene: Scene) -> None:
        """Proves that a create makes an active account with the fields, references and marker of the change.

        When it fails, compare the body that was sent with the row that a read brings: a field under another name, a
        reference that needs a second request, a marker that is not kept.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            order = self.create(kind, 1)
            assert account.active, f"{kind.name} was created and is not active"
            assert account.marker == order.marker, (
                f"{kind.name} was ordered with the marker {order.marker} and bears {account.marker!r}: after a lost "
                "answer nobody would find it again"
            )
            self._shows(account, order, kind)

    def _shows(self, account: Account, change: Change, kind: KindSpec) -> None:
        __tracebackhide__ = True
        for name, field in change.fields.items():
            listed = next(spec.listed for spec in kind.fields if spec.name == name)
            now = account.fields.get(name)
            if now is None and not listed:
                continue
            assert now == field.after or (_empty(now) and _empty(field.after)), (
                f"{kind.name}.{name} was written as {field.after!r} and reads as {now!r}"
            )
        for name, reference in change.references.items():
            now = account.references.get(name, ())
            assert set(now) == set(reference.after), f"{kind.name}.{name} was written as {reference.after}, reads {now}"

    @must()
    async def test_an_update_changes_what_it_names_and_nothing_else(self, scene: Scene) -> None:
        """Proves that an update writes its fields alone: everything else stays, also what crosskey wrote before.

        When it fails, send the changed fields only; where the vendor wants whole records, read before you write.
        """
        for kind in self.tried():
            account, field = await self.made(scene, kind, 1), self.text_field(kind)
            change = self._update(account, field, "New Word")
            (outcome,) = await self.applied(scene, change)
            assert outcome.result == "applied", f"a plain update was {outcome.result}: {outcome.message}"
            now = await self.one(scene, account)
            assert now.fields.get(field) == "New Word", f"{field} was written and reads {now.fields.get(field)!r}"
            self._same_but(account, now, field)

    @must()
    async def test_a_write_that_comes_again_does_nothing_more(self, scene: Scene) -> None:
        """Proves that apply is idempotent: the same update, sent again, succeeds and changes nothing.

        When it fails, look for counters, appended lists and toggles.
        """
        for kind in self.tried():
            account, field = await self.made(scene, kind, 1), self.text_field(kind)
            change = self._update(account, field, "New Word")
            await self.applied(scene, change)
            before, count = await self.one(scene, account), len(await self.accounts(scene))
            (outcome,) = await self.applied(scene, change)
            assert outcome.result in ("applied", "already"), f"sent again it was {outcome.result}: {outcome.message}"
            scene.clock.advance(self.schema.settle)
            assert await self.one(scene, account) == before, "the same update, sent again, changed something more"
            assert len(await self.accounts(scene)) == count, "the same update, sent again, made another account"

    @must()
    async def test_an_update_of_an_account_that_is_gone_makes_none(self, scene: Scene) -> None:
        """Proves that an update whose account does not exist is refused, and never becomes a create.

        When it fails, look for a vendor's upsert: send the key, and check that it is there.
        """
        for kind in self.tried():
            account, field = await self.made(scene, kind, 1), self.text_field(kind)
            ghost = msgspec.structs.replace(account, key=self.missing_key(account.key))
            before = len(await self.accounts(scene))
            told: list[Outcome] = []

            async def write(ghost: Account = ghost, field: str = field, told: list[Outcome] = told) -> None:
                told.extend(await self.applied(scene, self._update(ghost, field, "New Word")))

            await scene.refusal(write())
            assert results(told) in (["rejected"], []), f"an account that does not exist was updated: {told}"
            scene.clock.advance(self.schema.settle)
            assert len(await self.accounts(scene)) == before, "an update of nobody made somebody"

    @must()
    async def test_switching_off_and_on_again(self, scene: Scene) -> None:
        """Proves that a disabled account is inactive and still read, and that an enable takes it back.

        When it fails, never delete: an inactive account keeps its history and its key.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            for active in (False, False, True, True):
                change = self.change(
                    "enable" if active else "disable", account, 1, active=FieldChange(not active, active)
                )
                (outcome,) = await self.applied(scene, change)
                assert outcome.result in ("applied", "already"), (
                    f"{change.action} was {outcome.result}: {outcome.message}"
                )
                scene.clock.advance(self.schema.settle)
                now = await self.one(scene, account)
                assert now.active is active, f"after {change.action} the account's active is {now.active}"
            assert now == account, f"switched off and on again, the account is not as it was: {now!r}, {account!r}"

    @must()
    async def test_a_field_can_be_cleared(self, scene: Scene) -> None:
        """Proves that writing nothing into a text field empties it.

        When it fails, look at how the vendor takes ``null``, ``""`` and a member that is left out.
        """
        for kind in self.tried():
            account, field = await self.made(scene, kind, 1), self.text_field(kind)
            (outcome,) = await self.applied(scene, self._update(account, field, ""))
            assert outcome.result in ("applied", "already"), f"clearing {field}: {outcome.result}, {outcome.message}"
            scene.clock.advance(self.schema.settle)
            now = (await self.one(scene, account)).fields.get(field)
            assert now in (None, ""), f"{kind.name}.{field} was cleared and reads {now!r}"

    @must()
    async def test_text_as_long_as_the_schema_says_is_kept_whole(self, scene: Scene) -> None:
        """Proves that ``max_length`` is the truth: text of that length comes back whole.

        When it fails, correct the schema: the core cuts by it, and a value that reads back shorter is written for ever.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            limited = [
                field
                for field in kind.fields
                if field.type == "text" and field.listed and 0 < field.max_length <= 4000 and "mail" not in field.name
            ]
            for field in limited[:6]:
                text = ("Lorem Ipsum " * 400)[: field.max_length].strip().ljust(field.max_length, "x")
                (outcome,) = await self.applied(scene, self._update(account, field.name, text))
                assert outcome.result == "applied", f"{field.name} of {field.max_length}: {outcome.message}"
                scene.clock.advance(self.schema.settle)
                now = (await self.one(scene, account)).fields.get(field.name)
                assert now == text, f"{field.name} holds {len(str(now))} of the {field.max_length} that the schema says"

    @must(hooks=("add",))
    async def test_an_adopted_account_bears_the_marker_and_keeps_what_it_held(self, scene: Scene) -> None:
        """Proves that an adoption writes crosskey's marker into an account that somebody else made, and nothing more.

        When it fails, look at whether the marker's field is writable with an update.
        """
        for kind in self.tried():
            account = await self.by_hand(scene, kind)
            (outcome,) = await self.applied(scene, self.change("adopt", account, 1, marker=marker_of(1)))
            assert outcome.result in ("applied", "already"), f"an adoption was {outcome.result}: {outcome.message}"
            scene.clock.advance(self.schema.settle)
            now = await self.one(scene, account)
            assert now.marker == marker_of(1), f"adopted, it bears the marker {now.marker!r}"
            assert msgspec.structs.replace(now, marker=account.marker) == account, "an adoption changed something more"

    @must(hooks=("add",))
    async def test_an_adoption_can_be_handed_on_and_taken_back(self, scene: Scene) -> None:
        """Proves that ``relink`` writes another marker over crosskey's own, and ``release`` clears it.

        When it fails, look at where the marker is compared with the one of the change before it is cleared.
        """
        for kind in self.tried():
            account = await self.by_hand(scene, kind)
            await self.applied(scene, self.change("adopt", account, 1, marker=marker_of(1)))
            scene.clock.advance(self.schema.settle)
            (relinked,) = await self.applied(scene, self.change("relink", account, 2, marker=marker_of(2)))
            assert relinked.result in ("applied", "already"), f"a relink was {relinked.result}: {relinked.message}"
            scene.clock.advance(self.schema.settle)
            assert (await self.one(scene, account)).marker == marker_of(2), "a relink did not write the new marker"
            (released,) = await self.applied(scene, self.change("release", account, 2, marker=marker_of(2)))
            assert released.result in ("applied", "already"), f"a release was {released.result}: {released.message}"
            scene.clock.advance(self.schema.settle)
            assert (await self.one(scene, account)).marker == "", "a release left the marker"

    # -- references ---------------------------------------------------------------------------------------------------

    @must()
    async def test_references_are_given_and_taken(self, scene: Scene) -> None:
        """Proves that a set of references is written as the change says it: what is new comes, what is not named goes.

        When it fails, look at vendors who only add: say so with a ``rejected`` outcome.
        """
        for kind, name, (first, second) in self._sets():
            account = await self.made(scene, kind, 1)
            held = account.references.get(name, ())
            for before, after in ((held, (first,)), ((first,), (first, second)), ((first, second), (second,))):
                change = self.change("update", account, 1, references={name: ReferenceChange(before, after)})
                (outcome,) = await self.applied(scene, change)
                assert outcome.result in ("applied", "already"), f"{name}: {outcome.result}, {outcome.message}"
                scene.clock.advance(self.schema.settle)
                now = set((await self.one(scene, account)).references.get(name, ()))
                assert now == set(after), f"{kind.name}.{name} should be {sorted(after)} and reads {sorted(now)}"

    @must(hooks=("grant",))
    async def test_what_somebody_else_gave_is_not_taken_with_an_update(self, scene: Scene) -> None:
        """Proves that an update of fields leaves references alone that an administrator gave by hand.

        When it fails, look for whole records that are sent back, or for a list that the vendor replaces.
        """
        for kind, name, (first, second) in self._sets():
            account = await self.made(scene, kind, 1)
            self.service(scene).grant(kind.name, account.key, name, second)
            scene.clock.advance(self.schema.settle)
            change = msgspec.structs.replace(
                self._update(account, self.text_field(kind), "New Word"),
                references={name: ReferenceChange((second,), (first, second))},
            )
            (outcome,) = await self.applied(scene, change)
            assert outcome.result == "applied", f"giving one {name} more was {outcome.result}: {outcome.message}"
            scene.clock.advance(self.schema.settle)
            now = set((await self.one(scene, account)).references.get(name, ()))
            assert second in now, f"{name} {second}, given by hand, was taken away"
            assert first in now, f"{name} {first} was ordered and is not there"

    @should(hooks=("grant",))
    async def test_what_somebody_gave_since_the_plan_stays(self, scene: Scene) -> None:
        """Proves that only crosskey's own grants are removed: what came by hand after the plan was made stays.

        When it fails, write the difference between ``before`` and ``after`` onto what is there now, not ``after`` as it
        stands; a vendor who only takes whole lists needs a look right before the write.
        """
        for kind, name, (first, second) in self._sets():
            account = await self.made(scene, kind, 1)
            held = account.references.get(name, ())
            await self.applied(
                scene, self.change("update", account, 1, references={name: ReferenceChange(held, (first,))})
            )
            scene.clock.advance(self.schema.settle)
            self.service(scene).grant(kind.name, account.key, name, second)
            scene.clock.advance(self.schema.settle)
            await self.applied(
                scene, self.change("update", account, 1, references={name: ReferenceChange((first,), ())})
            )
            scene.clock.advance(self.schema.settle)
            now = set((await self.one(scene, account)).references.get(name, ()))
            assert second in now, (
                f"{name} {second} was given by hand after the plan, and taken away with crosskey's own"
            )
            assert first not in now, f"{name} {first} should be gone"

    # -- batches ------------------------------------------------------------------------------------------------------

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
            changes = [self._update(account, field, "New Word") for account in accounts]
            changes[1] = self.unacceptable(changes[1]) or self._update(
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

    # -- helpers ------------------------------------------------------------------------------------------------------

    async def one(self, scene: Scene, account: Account) -> Account:
        """The account as a read shows it now. Fails the test where none does."""
        found = (await self.accounts(scene, account.kind)).get((account.kind, account.key))
        assert found is not None, f"{account.kind} {account.key} is on no page any more"
        return found

    async def by_hand(self, scene: Scene, kind: KindSpec) -> Account:
        """An account that somebody else made."""
        key = self.service(scene).add(kind.name, "By Hand")
        scene.clock.advance(self.schema.settle)
        account = (await self.accounts(scene, kind.name)).get((kind.name, key))
        assert account is not None, f"{kind.name} {key} was added by hand, and no read shows it"
        return account

    def missing_key(self, key: str) -> str:
        """A key like ``key`` that nobody has."""
        return str(int(key) + 900_000) if key.isdigit() else f"{key[:-1]}{'0' if key[-1] != '0' else '1'}"

    def _update(self, account: Account, field: str, value: str) -> Change:
        fields = {field: FieldChange(account.fields.get(field), value)}
        return self.change("update", account, 1, fields=fields)

    def _sets(self) -> list[tuple[KindSpec, str, tuple[str, str]]]:
        """References that may hold several, with two ids each. Skips the test where there are none."""
        found: list[tuple[KindSpec, str, tuple[str, str]]] = []
        for kind in self.tried():
            for reference in kind.references:
                offered = self.offered(reference.listing)
                if reference.many and len(offered) > 1:
                    found.append((kind, reference.name, (offered[0], offered[1])))
        if not found:
            pytest.skip("no kind has a reference that may hold several, with two in the catalogue")
        return found

    def _same_but(self, before: Account, now: Account, field: str) -> None:
        __tracebackhide__ = True
        others = {name: value for name, value in before.fields.items() if name != field}
        wrong = {name: (value, now.fields.get(name)) for name, value in others.items() if now.fields.get(name) != value}
        assert not wrong, f"an update of {field} changed other fields: {wrong}"
        assert (now.active, now.marker) == (before.active, before.marker), f"an update of {field} changed more: {now!r}"
        references = {name: set(ids) for name, ids in before.references.items() if ids}
        assert {name: set(ids) for name, ids in now.references.items() if ids} == references, (
            f"an update of {field} changed references: {references} became {now.references}"
        )


def _empty(value: Scalar) -> bool:
    """Nothing in whatever form: the core takes these for the same."""
    return value is None or value == "" or value is False
