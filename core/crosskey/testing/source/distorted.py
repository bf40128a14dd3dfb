"""Sources: vendors page over moving data, repeat themselves and change their answers' shape; nobody is lost by that."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

import pytest

from crosskey.errors import CrosskeyError
from crosskey.testing.rows import Row, frozen, led_elsewhere, lists_among, mentions, rows_of, with_rows
from crosskey.testing.scene import Scene
from crosskey.testing.source.base import lacking
from crosskey.testing.source.disturbed import Disturbed
from crosskey.testing.tiers import must, should
from crosskey.testing.told import Told
from crosskey.testing.wire import Exchange

__all__ = ("Distorted",)

_ELSEWHERE: Final = "elsewhere.example"


class Distorted(Disturbed):
    """Tests of :meth:`crosskey.Source.read` over lists that are not as they were when the plugin was written.

    The kit finds lists by itself: in a JSON body, the list of objects that mention the ids of people whom it hired.
    """

    async def lists(self, scene: Scene) -> tuple[Told, dict[str, list[Exchange]]]:
        """What an undisturbed read tells, and the pages of lists that it read, by path."""
        expected, _ = await self.undisturbed(scene)
        found = lists_among(scene.wire.exchanges, frozenset(self.hired), least=len(self.inside) or len(self.hired))
        if not found:
            pytest.fail(
                "the kit finds no list of people in the fake's answers: it looks for JSON objects that mention the ids "
                "which hire() gave. Let hire() give the id that the source tells, or leave this out with a reason"
            )
        return expected, found

    async def distort(
        self, scene: Scene, change: Callable[[list[Row]], list[Row]], path: str = ""
    ) -> Told | CrosskeyError:
        """What a read comes to when the rows of lists are changed on the way."""
        scene.wire.calm()
        scene.clock.advance(3600.0)
        scene.wire.strike(with_rows(change), path=path)
        end = await self.attempt(scene)
        scene.wire.calm()
        return end

    @must()
    async def test_rows_that_come_twice_count_once(self, scene: Scene) -> None:
        """Proves that a row which stands on two pages, as moving data makes it, does no harm.

        When it fails, look at counts and sums over rows, and at a set or dictionary that refuses a second entry.
        """
        expected, _ = await self.lists(scene)
        end = await self.distort(scene, lambda rows: rows + copy.deepcopy(rows))
        assert isinstance(end, Told), f"rows came twice, and the read raised: {end}"
        self.same(expected, end, "every row came twice")

    @should()
    async def test_the_order_of_rows_does_not_matter(self, scene: Scene) -> None:
        """Proves that rows in another order tell the same.

        When it fails, look at what is taken from the last row of a page; where the vendor documents such paging, leave
        this test out and say so.
        """
        expected, _ = await self.lists(scene)
        end = await self.distort(scene, lambda rows: rows[::-1])
        assert isinstance(end, Told), f"rows came in another order, and the read raised: {end}"
        self.same(expected, end, "rows came in another order")

    @must()
    async def test_members_that_nobody_knows_yet_are_ignored(self, scene: Scene) -> None:
        """Proves that a vendor may add members to its answers: they always do, and never say when.

        When it fails, do not forbid unknown members where answers are decoded.
        """
        expected, _ = await self.lists(scene)
        end = await self.distort(scene, lambda rows: [_richer(row) for row in rows])
        assert isinstance(end, Told), f"rows had a member more, and the read raised: {end}"
        self.same(expected, end, "rows had a member more")

    @must()
    async def test_a_row_without_its_id_is_not_passed_over(self, scene: Scene) -> None:
        """Proves that a person whose row lost its id, or has ``null`` there, stops the read instead of vanishing.

        When it fails, decode rows into a type whose id is required text.
        """
        expected, found = await self.lists(scene)
        known = frozenset(self.hired)
        for path, exchanges in found.items():
            key = mentions(rows_of(exchanges[0].body) or [], known)
            for what, spoilt in (("lost its", _without(key)), ("has null for its", _with(key, None))):
                end = await self.distort(scene, lambda rows, spoilt=spoilt: [spoilt(rows[0]), *rows[1:]], path)
                if isinstance(end, Told):
                    self.same(expected, end, f"{path}: a row {what} {key}")

    @must()
    async def test_a_value_of_another_type_loses_nobody(self, scene: Scene) -> None:
        """Proves that schema drift in one attribute stops the read or costs that attribute, never the person.

        When it fails, look for an ``except`` around single rows that goes on with the next.
        """
        expected, found = await self.lists(scene)
        known = frozenset(self.hired)
        for path, exchanges in found.items():
            rows = rows_of(exchanges[0].body) or []
            row, key = rows[0], mentions(rows, known)
            for name in [other for other, value in row.items() if other != key and value is not None][:6]:
                end = await self.distort(scene, lambda rows, name=name: [_with(name, 17.5)(row) for row in rows], path)
                if isinstance(end, Told):
                    missing = lacking(expected.people.keys(), end.people)
                    assert not missing, f"{path}: {name} was a number, and {len(missing)} people did not come"

    @must()
    async def test_an_empty_page_is_not_the_last(self, scene: Scene) -> None:
        """Proves that a page without rows that names a next one is followed: vendors send such pages.

        When it fails, look at the condition that ends the paging: it is that no next page is named, not that a page has
        no rows.
        """
        expected, found = await self.lists(scene)
        paged = {path: pages for path, pages in found.items() if len(pages) > 1}
        if not paged:
            pytest.fail("no list took more than one page: raise `many`, or lower the page size in the settings")
        for path, pages in paged.items():
            scene.wire.calm()
            scene.clock.advance(3600.0)
            scene.wire.strike(with_rows(lambda _: []), path=path, times=1)
            end = await self.attempt(scene)
            if not isinstance(end, Told):
                continue
            later = _ids(pages[1:], frozenset(self.hired)) - _ids(pages[:1], frozenset(self.hired))
            told = set(end.people) if not later & _ids_of_members(expected) else set(end.people) | _ids_of_members(end)
            missing = lacking(later, told)
            assert not missing, f"{path}: after an empty page {len(missing)} people of later pages did not come"

    @must()
    async def test_a_page_that_comes_again_is_not_read_for_ever(self, scene: Scene) -> None:
        """Proves that a cursor which repeats ends the read with an error: it never ends by itself.

        When it fails, use ``client.pages``, which refuses a page that was read already, or keep the cursors you saw.
        """
        _, found = await self.lists(scene)
        paged = [path for path, pages in found.items() if len(pages) > 1]
        if not paged:
            pytest.fail("no list took more than one page: raise `many`, or lower the page size in the settings")
        for path in paged:
            scene.wire.calm()
            scene.clock.advance(3600.0)
            scene.wire.strike(frozen(), path=path)
            end = await self.attempt(scene)
            assert isinstance(end, CrosskeyError), (
                f"{path}: the first page came again and again, and the read ended as if it were complete"
            )

    @must()
    async def test_links_to_another_host_are_not_followed(self, scene: Scene) -> None:
        """Proves that a next link which leads elsewhere is refused: the credential would go along.

        When it fails, use the client of ``context.http``, which refuses it; ``hosts`` names further hosts.
        """
        await self.lists(scene)
        scene.wire.calm()
        scene.wire.strike(led_elsewhere(_ELSEWHERE))
        await self.attempt(scene)
        gone = [exchange for exchange in scene.wire.exchanges if _ELSEWHERE in exchange.url.split("/")[2]]
        assert not gone, f"a request went to {_ELSEWHERE} because a page said so"

    @should()
    async def test_lists_that_are_all_empty_are_told(self, scene: Scene) -> None:
        """Proves that a directory which shows nobody, with 200, as when a permission is missing, is told.

        The read may raise or bring a warning, or ``check()`` may find it. When it fails, say it in ``check()`` when no
        person is seen: an operator who cannot tell it from an empty directory looks in the wrong place.
        """
        _, found = await self.lists(scene)
        scene.wire.calm()
        scene.clock.advance(3600.0)
        for path in found:
            scene.wire.strike(with_rows(lambda _: []), path=path)
        end = await self.attempt(scene)
        if not isinstance(end, Told) or (end.complete is not None and end.complete.warnings):
            return
        async with scene.open() as source:
            told = [finding for finding in await source.check() if finding.severity in ("warning", "error")]
        assert told, "every list of people was empty, and neither the read nor check() says a word"

    @should(hooks=("delete",))
    async def test_a_deletion_between_two_pages_costs_nobody_else(self, scene: Scene) -> None:
        """Proves that somebody deleted while the list is read does not take others off the pages after.

        When it fails, the vendor pages by number or offset: rows move up when one is deleted. Page by a cursor or a key
        where there is one; where not, leave this test out and say so. The core confirms by id whoever is missing.
        """
        _, found = await self.lists(scene)
        for path in found:
            scene.wire.calm()
            victim = self.hired[0]
            first = True

            def strike(exchange: Exchange, path: str = path, victim: str = victim) -> None:
                nonlocal first
                if exchange.path == path and first:
                    first = False
                    self.directory(scene).delete(victim)

            scene.wire.after = strike
            end = await self.attempt(scene)
            scene.wire.calm()
            if not first:
                self.hired.remove(victim)
            if isinstance(end, Told):
                missing = lacking(self.hired, end.people)
                assert not missing, f"{path}: one was deleted between two pages, and {len(missing)} others did not come"


def _richer(row: Row) -> Row:
    return {"kitUnheardOf": {"a": [1, None]}, **row, "kit_unheard_of": None}


def _without(key: str) -> Callable[[Row], Row]:
    return lambda row: {name: value for name, value in row.items() if name != key}


def _with(key: str, value: Any) -> Callable[[Row], Row]:  # noqa: ANN401 - any JSON
    return lambda row: {**row, key: value}


def _ids(pages: list[Exchange], known: frozenset[str]) -> set[str]:
    return {
        str(value)
        for page in pages
        for row in rows_of(page.body) or []
        for value in row.values()
        if isinstance(value, str | int) and str(value) in known
    }


def _ids_of_members(told: Told) -> set[str]:
    return {who for held in told.members.values() for who in held}
