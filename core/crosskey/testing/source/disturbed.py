"""Sources: whatever goes wrong below the client, a read brings everybody or raises; it never ends as if people left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from crosskey.errors import AuthError, CrosskeyError, RetryableError
from crosskey.testing.faults import BREAKDOWNS, REFUSALS, THROTTLES, UNREADABLE
from crosskey.testing.scene import Scene
from crosskey.testing.source.base import SourceCase, differing
from crosskey.testing.tiers import must
from crosskey.testing.told import Told
from crosskey.testing.wire import Spoil, Spot

__all__ = ("Disturbed",)

_HOUR = 3600.0
_MOMENTS = 12


class Disturbed(SourceCase):
    """Tests of :meth:`crosskey.Source.read` on a bad day. Sources that send no request pass them unasked."""

    async def undisturbed(self, scene: Scene) -> tuple[Told, list[Spot]]:
        """What a read tells when nothing disturbs it, and where it asked."""
        scene.wire.calm()
        told = await self.read(scene)
        spots = scene.wire.spots()
        if not scene.speaks_http:
            pytest.skip("the source sends no request, so nothing can go wrong on the way")
        return told, spots

    async def attempt(self, scene: Scene) -> Told | CrosskeyError:
        """What a read comes to: what it told, or the error it raised."""
        told = Told()

        async def whole() -> None:
            async with scene.open() as source:
                await told.read(source, self.request())

        error = await scene.refusal(whole())
        return told if error is None else error

    async def disturb(
        self, scene: Scene, spots: list[Spot], faults: Mapping[str, Spoil], *, times: int | None
    ) -> list[tuple[str, Told | CrosskeyError]]:
        """What a read comes to for each fault at each spot, with words for where that was."""
        ends: list[tuple[str, Told | CrosskeyError]] = []
        for spot in spots:
            for what, spoil in faults.items():
                scene.wire.calm()
                scene.clock.advance(_HOUR)
                strike = scene.wire.strike(spoil, spot, times=times)
                end = await self.attempt(scene)
                often = "once" if times == 1 else "each time"
                if strike.struck:
                    ends.append((f"{spot} met {what} {often}", end))
        scene.wire.calm()
        assert ends, f"no fault met a request: {len(spots)} places were tried, {', '.join(map(str, spots))}"
        return ends

    @must()
    async def test_a_refused_credential_stops_the_read(self, scene: Scene) -> None:
        """Proves that 401 and 403 that stay end the read with an ``AuthError``, wherever they come.

        When it fails, look for a ``try`` around a part of the read that takes a refusal for an empty answer: whoever is
        behind it would look like somebody who left.
        """
        expected, spots = await self.undisturbed(scene)
        for where, end in await self.disturb(scene, spots, REFUSALS, times=None):
            if isinstance(end, Told):
                self.same(expected, end, where)
            else:
                assert isinstance(end, AuthError), f"{where}: {type(end).__name__} where an AuthError belongs: {end}"

    @must()
    async def test_a_credential_that_is_refused_once_loses_nobody(self, scene: Scene) -> None:
        """Proves that a token which ends in the middle of a read is renewed, or the read raises.

        When it fails, sign in by ``crosskey.http.RefreshingAuth``: it renews a refused token and sends again.
        """
        expected, spots = await self.undisturbed(scene)
        for where, end in await self.disturb(scene, spots, REFUSALS, times=1):
            if isinstance(end, Told):
                self.same(expected, end, where)

    @must()
    async def test_throttling_is_waited_out(self, scene: Scene) -> None:
        """Proves that a 429 costs time and nothing else, with and without a word of how long.

        When it fails, use the client of ``context.http`` for every request, and handle no status yourself.
        """
        expected, spots = await self.undisturbed(scene)
        before = scene.clock.elapsed
        for where, end in await self.disturb(scene, spots, THROTTLES, times=1):
            assert isinstance(end, Told), f"{where}, and the read raised: {end}"
            self.same(expected, end, where)
        assert scene.clock.elapsed > before, "no time passed: who waited?"

    @must()
    async def test_throttling_without_end_ends_the_read(self, scene: Scene) -> None:
        """Proves that a vendor who only says 429 ends the read with a ``RetryableError`` within the hour.

        When it fails, look for a loop of your own around requests.
        """
        expected, spots = await self.undisturbed(scene)
        for where, end in await self.disturb(scene, spots, THROTTLES, times=None):
            if isinstance(end, Told):
                self.same(expected, end, where)
            else:
                assert isinstance(end, RetryableError), f"{where}: {type(end).__name__}: {end}"

    @must()
    async def test_what_passes_costs_nobody(self, scene: Scene) -> None:
        """Proves that a 5xx, a lost connection or a late answer that comes once is tried again, and everybody comes.

        When it fails, look at requests that are not sent by the client of ``context.http``, and at reads that are sent
        by POST: tell the client that they may be repeated (``repeatable=True``).
        """
        expected, spots = await self.undisturbed(scene)
        for where, end in await self.disturb(scene, spots, BREAKDOWNS, times=1):
            assert isinstance(end, Told), f"{where}, and the read raised: {end}"
            self.same(expected, end, where)

    @must()
    async def test_what_stays_ends_the_read(self, scene: Scene) -> None:
        """Proves that a breakdown that stays ends the read with an error that says so, never with fewer people.

        When it fails, look for an ``except`` that ends the paging, or that leaves a group's members out.
        """
        expected, spots = await self.undisturbed(scene)
        for where, end in await self.disturb(scene, spots, BREAKDOWNS, times=None):
            if isinstance(end, Told):
                self.same(expected, end, where)
            else:
                assert isinstance(end, RetryableError), f"{where}: {type(end).__name__}: {end}"

    @must()
    async def test_an_answer_that_is_none_is_not_taken_for_one(self, scene: Scene) -> None:
        """Proves that a success without a readable body (cut, empty, another shape, a sign-in page) is no empty list.

        When it fails, decode answers into types with required members, and give lists no default: ``{}`` is not a page
        without rows.
        """
        expected, spots = await self.undisturbed(scene)
        for times in (1, None):
            for where, end in await self.disturb(scene, spots, UNREADABLE, times=times):
                if isinstance(end, Told):
                    self.same(expected, end, where)

    @must()
    async def test_a_read_that_is_cancelled_ends_at_once(self, scene: Scene) -> None:
        """Proves that Ctrl-C and a deadline end the read where it stands, and that nothing of it goes on.

        When it fails, look for ``except BaseException``, for a bare ``except`` and for tasks that nobody awaits.
        """
        await self.undisturbed(scene)
        began = scene.clock.elapsed
        await self.read(scene)
        lasts = scene.clock.elapsed - began
        for moment in range(_MOMENTS):
            scene.wire.calm()
            scene.clock.advance(_HOUR)
            before = asyncio.all_tasks()
            reading = asyncio.ensure_future(self.attempt(scene))
            await scene.clock.sleep(lasts * (moment + 0.5) / _MOMENTS)
            assert not reading.done(), f"the read ended before {lasts:.2f} s were over, which it took at first"
            reading.cancel()
            await asyncio.wait([reading], timeout=120.0)
            at = f"cancelled after {moment + 1} of {_MOMENTS} parts of its time"
            assert reading.cancelled(), f"{at}, the read went on: something in it swallows CancelledError"
            asked = len(scene.wire.exchanges)
            await scene.clock.sleep(600.0)
            left = asyncio.all_tasks() - before
            assert len(scene.wire.exchanges) == asked, f"{at}, it sent requests afterwards"
            assert not left, f"{at}, tasks of it go on: {left}"

    @must()
    async def test_a_read_that_nobody_goes_on_with_ends_at_once(self, scene: Scene) -> None:
        """Proves that a reader who stops after the first page leaves no request and no task behind.

        When it fails, look for tasks started ahead of the reader: end them in ``finally``.
        """
        await self.undisturbed(scene)
        before = asyncio.all_tasks()
        async with scene.open() as source:
            pages = source.read(self.request())
            async for _ in pages:
                break
            await pages.aclose()
            asked = len(scene.wire.exchanges)
            await scene.clock.sleep(600.0)
            assert len(scene.wire.exchanges) == asked, "requests went out although nobody read on"
        assert not (left := asyncio.all_tasks() - before), f"tasks go on although nobody reads: {left}"

    def same(self, expected: Told, told: Told, where: str) -> None:
        """Fail unless a read that came to its end told what it tells undisturbed."""
        __tracebackhide__ = True
        if difference := differing(expected, told):
            pytest.fail(
                f"{where}, and the read ended as complete with something else than before: {difference}. "
                "Raise where an answer is missing: the client's errors may simply go through"
            )
