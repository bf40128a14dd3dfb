"""Targets: a write does what it says, once, and nothing besides."""

from __future__ import annotations

import msgspec
import pytest

from crosskey.connector.target import KindSpec
from crosskey.model import Account, Scalar
from crosskey.plan import Change, FieldChange, Outcome
from crosskey.testing.scene import Scene
from crosskey.testing.target.base import TargetCase, marker_of, results
from crosskey.testing.tiers import must

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
            change = self.update(account, field, "New Word")
            (outcome,) = await self.applied(scene, change)
            assert outcome.result == "applied", f"a plain update was {outcome.result}: {outcome.message}"
            now = await self.one(scene, account)
            assert now.fields.get(field) == "New Word", f"{field} was written and reads {now.fields.get(field)!r}"
            self._same_but(account, now, field)

    @must(hooks=("edit",))
    async def test_what_somebody_else_wrote_stays(self, scene: Scene) -> None:
        """Proves that an update leaves a field alone that an administrator changed by hand since the last read.

        When it fails, look for a record that is kept from an earlier read and sent back whole.
        """
        for kind in self.tried():
            account, fields = await self.made(scene, kind, 1), self.text_fields(kind)
            if len(fields) < 2:
                pytest.skip(f"{kind.name} has no second text field")
            async with scene.open() as target:
                await self.listed(target, kind.name)
                self.service(scene).edit(kind.name, account.key, fields[1], "By Hand")
                await self.outcomes(scene, target, [self.update(account, fields[0], "New Word")])
            scene.clock.advance(self.schema.settle)
            now = (await self.one(scene, account)).fields
            assert now.get(fields[1]) == "By Hand", f"{fields[1]}, changed by hand, reads {now.get(fields[1])!r}"
            assert now.get(fields[0]) == "New Word", f"{fields[0]} was written and reads {now.get(fields[0])!r}"

    @must()
    async def test_a_write_that_comes_again_does_nothing_more(self, scene: Scene) -> None:
        """Proves that apply is idempotent: the same update, sent again, succeeds and changes nothing.

        When it fails, look for counters, appended lists and toggles.
        """
        for kind in self.tried():
            account, field = await self.made(scene, kind, 1), self.text_field(kind)
            change = self.update(account, field, "New Word")
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
                told.extend(await self.applied(scene, self.update(ghost, field, "New Word")))

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
            (outcome,) = await self.applied(scene, self.update(account, field, ""))
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
                (outcome,) = await self.applied(scene, self.update(account, field.name, text))
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
