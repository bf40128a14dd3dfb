"""Targets: whatever goes wrong below the client, a read brings every account or raises."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from itertools import product

import pytest

from crosskey.connector.target import KindSpec
from crosskey.errors import AuthError, CrosskeyError
from crosskey.testing.faults import BREAKDOWNS, REFUSALS, THROTTLES, UNREADABLE
from crosskey.testing.rows import Row, frozen, lists_among, mentions, rows_of, with_rows
from crosskey.testing.scene import Scene
from crosskey.testing.target.base import Accounts, TargetCase
from crosskey.testing.tiers import must, should
from crosskey.testing.wire import Exchange, Spoil

__all__ = ("Disturbed",)


class Disturbed(TargetCase):
    """Tests of :meth:`crosskey.Target.read` on a bad day, and over lists that are not as they were."""

    async def filled(self, scene: Scene) -> tuple[Accounts, list[Exchange]]:
        """What an undisturbed read brings of a target that holds some accounts, and how it asked."""
        if not scene.speaks_http:
            pytest.skip("the target sends no request, so nothing can go wrong on the way")
        for kind in self.tried():
            await self.fill(scene, kind)
        scene.wire.calm()
        found = await self.accounts(scene)
        return found, list(scene.wire.exchanges)

    async def fill(self, scene: Scene, kind: KindSpec) -> None:
        """Create accounts until a read takes more than one page, as ``many`` says."""
        size = max(1, self.schema.batch)
        changes = [self.create(kind, 300 + number) for number in range(self.many)]
        for start in range(0, len(changes), size):
            for outcome in await self.applied(scene, *changes[start : start + size]):
                assert outcome.result in ("applied", "already"), f"a plain create of {kind.name}: {outcome}"
        scene.clock.advance(self.schema.settle + 3600.0)

    async def attempt(self, scene: Scene) -> Accounts | CrosskeyError:
        """What a read comes to."""
        found: Accounts = {}

        async def whole() -> None:
            async with scene.open() as target:
                found.update(await self.listed(target))

        error = await scene.refusal(whole())
        return found if error is None else error

    async def _each(self, scene: Scene, faults: Mapping[str, Spoil], *often: int | None, passes: bool = False) -> None:
        """Each fault at each spot, once or without end; ``passes``: the read must come to its end all the same."""
        __tracebackhide__ = True
        expected, exchanges = await self.filled(scene)
        spots = dict.fromkeys(exchange.spot for exchange in exchanges)
        for spot, what, times in product(spots, faults, often):
            scene.wire.calm()
            scene.clock.advance(3600.0)
            strike = scene.wire.strike(faults[what], spot, times=times)
            end = await self.attempt(scene)
            where = f"{spot} met {what} {'once' if times else 'each time'}"
            assert strike.struck, f"no request of a read met {what} at {spot}"
            if not isinstance(end, CrosskeyError):
                self.same(expected, end, where)
                continue
            assert not passes, f"{where}, and the read raised: {end}"
            if faults is REFUSALS and times is None:
                assert isinstance(end, AuthError), f"{where}: {type(end).__name__} where AuthError belongs: {end}"
        scene.wire.calm()

    @must()
    async def test_a_refused_credential_stops_a_read_of_accounts(self, scene: Scene) -> None:
        """Proves that 401 and 403 that stay end the read with an ``AuthError``, wherever they come.

        When it fails, look for a list that is taken for empty when it is refused: everybody would be created anew.
        """
        await self._each(scene, REFUSALS, None)

    @must()
    async def test_what_passes_costs_no_account(self, scene: Scene) -> None:
        """Proves that throttling, a 5xx or a lost connection that comes once is tried again, and every account comes.

        When it fails, use the client of ``context.http`` for every request.
        """
        await self._each(scene, {**THROTTLES, **BREAKDOWNS}, 1, passes=True)

    @must()
    async def test_what_stays_ends_a_read_of_accounts(self, scene: Scene) -> None:
        """Proves that throttling or a breakdown that stays ends the read with an error, never with fewer accounts.

        When it fails, look for an ``except`` that ends the paging.
        """
        await self._each(scene, {**THROTTLES, **BREAKDOWNS}, None)

    @must()
    async def test_an_answer_that_is_none_is_no_list_of_accounts(self, scene: Scene) -> None:
        """Proves that a success without a readable body (cut, empty, another shape, a sign-in page) is no empty list.

        When it fails, decode answers into types with required members: ``{}`` is not a page without rows.
        """
        await self._each(scene, UNREADABLE, 1, None)

    @must()
    async def test_accounts_that_come_twice_count_once(self, scene: Scene) -> None:
        """Proves that rows which stand on two pages, and members that nobody knows yet, do no harm.

        When it fails, look at counts over rows, and do not forbid unknown members.
        """
        expected, _ = await self.filled(scene)
        changes: dict[str, Callable[[list[Row]], list[Row]]] = {
            "every row came twice": lambda rows: rows + copy.deepcopy(rows),
            "every row had a member more": lambda rows: [{**row, "kitUnheardOf": [1]} for row in rows],
        }
        for what, change in changes.items():
            scene.wire.calm()
            scene.clock.advance(3600.0)
            scene.wire.strike(with_rows(change))
            end = await self.attempt(scene)
            assert not isinstance(end, CrosskeyError), f"{what}, and the read raised: {end}"
            self.same(expected, end, what)

    @must()
    async def test_an_account_without_its_key_is_not_passed_over(self, scene: Scene) -> None:
        """Proves that a row which lost its key, or has ``null`` there, stops the read instead of vanishing.

        When it fails, decode rows into a type whose key is required.
        """
        expected, found = await self._lists(scene)
        keys = frozenset(key for _, key in expected)
        for path, exchanges in found.items():
            name = mentions(rows_of(exchanges[0].body) or [], keys)
            for row in ({}, {name: None}):
                scene.wire.calm()
                scene.clock.advance(3600.0)
                spoilt = with_rows(
                    lambda rows, row=row, name=name: [
                        {**{key: value for key, value in rows[0].items() if key != name}, **row},
                        *rows[1:],
                    ]
                )
                scene.wire.strike(spoilt, path=path)
                end = await self.attempt(scene)
                if not isinstance(end, CrosskeyError):
                    self.same(expected, end, f"{path}: a row without {name}")

    @must()
    async def test_an_empty_page_of_accounts_is_not_believed(self, scene: Scene) -> None:
        """Proves that a page without rows among others, or a page that comes again and again, ends in an error.

        When it fails, compare with the count that the target tells, follow next links to the last, and refuse a page
        that was read before.
        """
        expected, found = await self._lists(scene)
        paged = {path: pages for path, pages in found.items() if len(pages) > 1}
        if not paged:
            pytest.fail("no list took more than one page: raise `many`, or lower the page size in the settings")
        for path, pages in paged.items():
            for what, spoil in (("an empty page", with_rows(lambda _: [])), ("the first page again", frozen())):
                scene.wire.calm()
                scene.clock.advance(3600.0)
                scene.wire.strike(spoil, path=path, times=1 if what == "an empty page" else None)
                end = await self.attempt(scene)
                if isinstance(end, CrosskeyError):
                    continue
                lost = expected.keys() - end.keys()
                there = {key for page in pages[:1] for key in self._keys(page, expected)}
                assert {key for _, key in lost} <= there, (
                    f"{path}: {what} came, and {len(lost)} accounts are missing from a read that ended as complete"
                )

    @should()
    async def test_lists_that_are_all_empty_are_told(self, scene: Scene) -> None:
        """Proves that lists which are all empty, as when a right is missing, are told: by ``check()`` or by a read.

        When it fails, compare with a count, or with what must be there (the account that signs in), and say it.
        """
        await self.filled(scene)
        scene.wire.calm()
        scene.clock.advance(3600.0)
        scene.wire.strike(with_rows(lambda _: []))
        if isinstance(await self.attempt(scene), CrosskeyError):
            return
        async with scene.open() as target:
            told = [finding for finding in await target.check() if finding.severity in ("warning", "error")]
        assert told, "every list was empty, and neither a read nor check() says a word"

    # -- helpers ------------------------------------------------------------------------------------------------------

    async def _lists(self, scene: Scene) -> tuple[Accounts, dict[str, list[Exchange]]]:
        expected, exchanges = await self.filled(scene)
        found = lists_among(exchanges, frozenset(key for _, key in expected), least=self.many)
        if not found:
            pytest.fail(
                "the kit finds no list of accounts in the fake's answers: it looks for JSON that holds their keys"
            )
        return expected, found

    def _keys(self, page: Exchange, accounts: Accounts) -> set[str]:
        known = frozenset(key for _, key in accounts)
        return {
            str(value)
            for row in rows_of(page.body) or []
            for value in row.values()
            if isinstance(value, str | int) and str(value) in known
        }

    def same(self, expected: Accounts, found: Accounts, where: str) -> None:
        """Fail unless a read that came to its end brought what it brings undisturbed."""
        __tracebackhide__ = True
        missing, new = expected.keys() - found.keys(), found.keys() - expected.keys()
        other = [key for key in expected.keys() & found.keys() if expected[key] != found[key]]
        if missing or new or other:
            shown = f"; {other[0]} is {found[other[0]]!r} where it was {expected[other[0]]!r}" if other else ""
            pytest.fail(
                f"{where}, and the read ended as complete: {len(missing)} accounts are missing, {len(new)} are new, "
                f"{len(other)} differ{shown}. Raise where an answer is missing"
            )
