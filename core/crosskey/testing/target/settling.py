"""Targets: a write whose answer is lost is told truthfully, found again, and never doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from crosskey.connector.target import KindSpec
from crosskey.errors import CrosskeyError
from crosskey.plan import Change, Outcome
from crosskey.testing.fakes import provides
from crosskey.testing.faults import LOST, REFUSALS, THROTTLES, UNARRIVED
from crosskey.testing.scene import Scene
from crosskey.testing.target.base import TargetCase
from crosskey.testing.tiers import must
from crosskey.testing.wire import Spoil, Spot

__all__ = ("Settling",)

_READING: Final = ("GET", "HEAD", "OPTIONS")
_ROUNDS: Final = 4
_MOMENTS: Final = 8


class Settling(TargetCase):
    """Tests of :meth:`crosskey.Target.apply` on a bad day, together with what the engine does about it.

    The engine applies a change again only when its outcome was ``unknown``, the settle time has passed, and ``find``
    says that nothing is there.
    """

    async def writes(self, scene: Scene, change: Change) -> list[Spot]:
        """Where requests go that write when this change is applied."""
        scene.wire.calm()
        await self.applied(scene, change)
        return [spot for spot in scene.wire.spots() if spot.method not in _READING]

    async def bearing(self, scene: Scene, kind: KindSpec, marker: str) -> list[str]:
        """Keys of the accounts that bear a marker, as a read shows them once all is settled."""
        scene.wire.calm()
        scene.clock.advance(self.schema.settle + 3600.0)
        found = await self.accounts(scene, kind.name)
        keys = [key for (_, key), account in found.items() if account.marker == marker]
        if provides(scene.fake, "bearing"):
            there = self.service(scene).bearing(kind.name, marker)
            assert there == len(keys), f"{there} records bear the marker {marker}, and a read shows {len(keys)}: {keys}"
        return keys

    async def _tried(
        self, scene: Scene, change: Change, *, heals: bool = True
    ) -> tuple[list[Outcome], CrosskeyError | None]:
        """What became of a change by the engine's way; the fault is gone after the first try where it ``heals``."""
        told: list[Outcome] = []
        error: CrosskeyError | None = None
        for _ in range(_ROUNDS):

            async def write(told: list[Outcome] = told) -> None:
                told.extend(await self.applied(scene, change))

            error = await scene.refusal(write())
            if heals:
                scene.wire.calm()
            if error is None and told[-1].result != "unknown":
                break
            scene.clock.advance(self.schema.settle + 1.0)
            async with scene.open() as target:
                found = await target.find(change) if callable(getattr(target, "find", None)) else None
            if found is not None:
                break
        return told, error

    async def _creates(self, scene: Scene, faults: Mapping[str, Spoil], *, times: int | None) -> None:
        __tracebackhide__ = True
        number = 200
        for kind in self.tried():
            spots = await self.writes(scene, self.create(kind, number))
            for spot in spots:
                for what, spoil in faults.items():
                    number += 1
                    change = self.create(kind, number)
                    scene.wire.calm()
                    scene.clock.advance(3600.0)
                    strike = scene.wire.strike(spoil, spot, times=times)
                    told, error = await self._tried(scene, change)
                    assert strike.struck, f"{spot}: no create met {what}"
                    keys = await self.bearing(scene, kind, change.marker)
                    where = f"a create of {kind.name}, {spot} met {what}"
                    assert len(keys) <= 1, f"{where}, and there are {len(keys)} accounts of one person: {keys}"
                    self._truthful(where, told, error, keys)

    def _truthful(self, where: str, told: list[Outcome], error: CrosskeyError | None, keys: list[str]) -> None:
        __tracebackhide__ = True
        last = told[-1] if told else None
        if last is None:
            assert error is not None, f"{where}: neither an outcome nor an error"
            return
        if last.result in ("applied", "already"):
            assert keys, f"{where}, it was told as {last.result}, and there is no such account"
            assert last.key in (None, *keys), f"{where}, the key {last.key} was told and it is {keys[0]}"
        if last.result == "rejected":
            assert not keys, f"{where}, it was told as rejected, and the account is there: say unknown where in doubt"

    @must(ability="find")
    async def test_a_create_whose_answer_is_lost_is_made_once(self, scene: Scene) -> None:
        """Proves that a create which arrived, and whose answer did not come, is found by its marker, never repeated.

        When it fails, look at what ``apply`` does after an unclear answer: look by the marker, or say ``unknown``; and
        at ``find``, which must see what was created.
        """
        await self._creates(scene, LOST, times=1)

    @must(ability="find")
    async def test_a_create_that_never_arrived_is_made_in_the_end(self, scene: Scene) -> None:
        """Proves that a create which did not arrive is not told as applied, and is made when the engine asks again.

        When it fails, look at outcomes that are made before the answer was read.
        """
        await self._creates(scene, UNARRIVED, times=1)

    @must(ability="find")
    async def test_throttled_writes_are_waited_out_and_made_once(self, scene: Scene) -> None:
        """Proves that a 429 for a write costs time: it was not carried out, so it may be sent again.

        When it fails, use the client of ``context.http`` for writes, too.
        """
        await self._creates(scene, THROTTLES, times=1)

    @must(ability="find")
    async def test_refused_writes_are_told_as_refused(self, scene: Scene) -> None:
        """Proves that 401 and 403 for a write end it with an ``AuthError``, or an outcome that says so, and no account.

        When it fails, look for an ``except`` that takes a refusal for a success.
        """
        await self._creates(scene, REFUSALS, times=None)

    @must()
    async def test_an_update_whose_answer_is_lost_is_told_truthfully(self, scene: Scene) -> None:
        """Proves that an update is never told as applied when it is not, nor as rejected when it is.

        When it fails, look at what is made of an answer that cannot be read: ``unknown`` is always true.
        """
        for kind in self.tried():
            account, field = await self.made(scene, kind, 1), self.text_field(kind)
            spots = await self.writes(scene, self.update(account, field, "First"))
            for number, (spot, (what, spoil)) in enumerate(
                (spot, fault) for spot in spots for fault in {**LOST, **UNARRIVED}.items()
            ):
                scene.wire.calm()
                scene.clock.advance(3600.0)
                strike = scene.wire.strike(spoil, spot, times=1)
                told: list[Outcome] = []

                async def write(told: list[Outcome] = told, word: str = f"Word {number}") -> None:
                    told.extend(await self.applied(scene, self.update(account, field, word)))  # noqa: B023 - at once

                await scene.refusal(write())
                scene.wire.calm()
                scene.clock.advance(self.schema.settle + 1.0)
                assert strike.struck, f"{spot}: no update met {what}"
                now = (await self.one(scene, account)).fields.get(field)
                where = f"an update of {kind.name}, {spot} met {what}"
                for outcome in told:
                    happened = now == f"Word {number}"
                    assert happened or outcome.result not in ("applied", "already"), (
                        f"{where}, it was told as {outcome.result}, and {field} is {now!r}"
                    )
                    assert not happened or outcome.result != "rejected", f"{where}, told as rejected, and it happened"

    @must(ability="find")
    async def test_a_batch_whose_answer_is_lost_is_settled_one_by_one(self, scene: Scene) -> None:
        """Proves that a lost answer for many changes leaves one truthful outcome each and doubles nobody.

        When it fails, look at how a lost array is looked up, and at writing the rest of it again.
        """
        number = 500
        for kind in self.tried():
            spots = await self.writes(scene, self.create(kind, number))
            for spot in spots:
                for what, spoil in LOST.items():
                    changes = [self.create(kind, number + step) for step in range(1, min(self.schema.batch, 8) + 1)]
                    number += 10
                    scene.wire.calm()
                    scene.clock.advance(3600.0)
                    scene.wire.strike(spoil, spot, times=1)
                    told: list[Outcome] = []

                    async def write(told: list[Outcome] = told, changes: list[Change] = changes) -> None:
                        told.extend(await self.applied(scene, *changes))

                    await scene.refusal(write())
                    scene.wire.calm()
                    for place, change in enumerate(changes):
                        where = f"{spot} met {what} for {len(changes)} creates, {change.id}"
                        keys = await self.bearing(scene, kind, change.marker)
                        assert len(keys) <= 1, f"{where}: there are {len(keys)} accounts of one person"
                        if told:
                            self._truthful(where, [told[place]], None, keys)

    @must(ability="find")
    async def test_a_cancelled_write_is_found_again(self, scene: Scene) -> None:
        """Proves that a write which is cancelled half-way (Ctrl-C, a deadline) is not doubled by the next run.

        When it fails, look for ``except BaseException`` and for a task that goes on after the cancellation.
        """
        number = 800
        for kind in self.tried():
            began = scene.clock.elapsed
            await self.applied(scene, self.create(kind, number))
            lasts = scene.clock.elapsed - began
            for moment in range(_MOMENTS):
                number += 1
                change = self.create(kind, number)
                scene.wire.calm()
                writing = asyncio.ensure_future(self.applied(scene, change))
                await scene.clock.sleep(lasts * (moment + 0.5) / _MOMENTS)
                writing.cancel()
                await asyncio.wait([writing], timeout=300.0)
                at = f"cancelled after {moment + 1} of {_MOMENTS} parts of its time"
                assert writing.cancelled(), f"{at}, the write went on: something in it swallows CancelledError"
                asked = len(scene.wire.exchanges)
                await scene.clock.sleep(600.0)
                assert len(scene.wire.exchanges) == asked, f"{at}, the write sent requests afterwards"
                scene.clock.advance(self.schema.settle + 1.0)
                async with scene.open() as target:
                    found = await target.find(change)
                if found is None:
                    await self.applied(scene, change)
                keys = await self.bearing(scene, kind, change.marker)
                assert len(keys) == 1, f"{at} and tried again, it made {len(keys)} accounts"
