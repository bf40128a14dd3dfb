"""Targets: references are given and taken, and what somebody else gave stays."""

from __future__ import annotations

import msgspec
import pytest

from crosskey.connector.target import KindSpec
from crosskey.plan import ReferenceChange
from crosskey.testing.scene import Scene
from crosskey.testing.target.base import TargetCase
from crosskey.testing.tiers import must, should

__all__ = ("Granting",)


class Granting(TargetCase):
    """Tests of references in :meth:`crosskey.Target.apply`."""

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
                self.update(account, self.text_field(kind), "New Word"),
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
