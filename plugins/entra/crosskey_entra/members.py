"""The members of many groups in few requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from urllib.parse import quote

import msgspec

from crosskey.connector.source import MembersPage
from crosskey.errors import AuthError, Diagnostic, RejectedError, RetryableError
from crosskey.http import merge
from crosskey_entra.errors import is_expired_page, is_gone
from crosskey_entra.graph import BATCH, TOP, Graph, Page
from crosskey_entra.groups import MEMBERS, MemberRow

__all__ = ("Members", "Wanted")

_MembersPage = Page[MemberRow]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One group to read: whom its people count as members of (itself, or an app), and how to name it to a reader."""

    group: str
    owner: str
    label: str
    hidden: bool = False


class Members:
    """Reads members, up to twenty groups in a request; whoever does not fit into one page is read on side by side.

    ``transitive`` lets Graph look into groups within groups, however deep and whether or not they form a ring.
    """

    def __init__(self, graph: Graph, *, transitive: bool, instance: str, concurrency: int) -> None:
        self._graph = graph
        self._relation = "transitiveMembers" if transitive else "members"
        self._transitive = transitive
        self._instance = instance
        self._concurrency = concurrency
        self._rings: set[str] = set()
        self._nested: set[str] = set()
        self._whole = False
        self.within: dict[str, set[str]] = {}
        """The groups within each group that was read, so far as the relation shows them."""

    async def pages(self, wanted: Sequence[Wanted], *, whole: bool = False) -> AsyncGenerator[MembersPage]:
        """All members of all these groups, page by page; at least one page each, so that empty is seen to be empty.

        ``whole`` marks each group's first page as the start of a list that takes the place of what was known.
        """
        self._whole = whole
        batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
        # The chain of users is the longest way: members never take the slot it needs.
        async with aclosing(merge(*map(self._batch, batches), limit=max(1, self._concurrency - 1))) as pages:
            async for page in pages:
                yield page

    def findings(self) -> Iterator[Diagnostic]:
        """Groups that hold themselves, and groups within groups whose people do not count."""
        if self._rings:
            yield self._finding(
                "entra-group-ring",
                f"groups that are members of themselves, by way of others: {_listed(self._rings)}",
                "take one of them out of the other; their people are counted all the same",
            )
        if self._nested:
            yield self._finding(
                "entra-group-nested",
                f"groups hold other groups, whose people are not counted: {_listed(self._nested)}",
                f'to count them, write members = "transitive" in [{self._instance}]',
            )

    async def _batch(self, wanted: Sequence[Wanted]) -> AsyncIterator[MembersPage]:
        first: Mapping[str, _MembersPage] = {}
        if len(wanted) > 1:
            urls = {str(place): f"{self._path(one)}?$select=id&$top={TOP}" for place, one in enumerate(wanted)}
            first = await self._graph.batch(urls, MEMBERS)
        streams = [self._group(one, first.get(str(place))) for place, one in enumerate(wanted)]
        async with aclosing(merge(*streams, limit=max(1, self._concurrency - 1))) as pages:
            async for page in pages:
                yield page

    async def _group(self, wanted: Wanted, first: _MembersPage | None) -> AsyncGenerator[MembersPage]:
        """One group, from the first page if a batch brought it."""
        empty, whole = True, self._whole
        async with aclosing(self._rows(wanted, first)) as pages:
            async for rows in pages:
                empty = empty and not rows
                self._look(wanted, rows)
                yield MembersPage(wanted.owner, [row.id for row in rows if row.is_person], whole)
                whole = False
        if empty and wanted.hidden:
            # To an app without the permission such a group looks empty: nobody may be taken for gone because of that.
            raise AuthError(
                f'the members of "{wanted.label}" are hidden from the app (visibility HiddenMembership)',
                code="entra-hidden-members",
                where=self._instance,
                fix=self._graph.advice.grant("Member.Read.Hidden"),
            )

    async def _rows(self, wanted: Wanted, first: _MembersPage | None) -> AsyncGenerator[Sequence[MemberRow]]:
        if first is not None:
            yield first.value
            if first.next_link is None:
                return
            try:
                async for reply in self._graph.listing(first.next_link, MEMBERS, template=self._template):
                    yield reply.value.value
            except RejectedError as error:
                if not is_expired_page(error):
                    raise
            else:
                return
        try:
            params = {"$select": "id", "$top": TOP}
            async for reply in self._graph.listing(self._path(wanted), MEMBERS, params, template=self._template):
                yield reply.value.value
        except RejectedError as error:
            if not is_gone(error):
                raise
            raise RetryableError(
                f'the group "{wanted.label}" was deleted while the tenant was read',
                code="entra-moved",
                where=self._instance,
                fix="run again",
            ) from None

    @property
    def _template(self) -> str:
        return f"/groups/{{id}}/{self._relation}"

    def _path(self, wanted: Wanted) -> str:
        return f"/groups/{quote(wanted.group, safe='')}/{self._relation}"

    def _look(self, wanted: Wanted, rows: Iterable[MemberRow]) -> None:
        inner = [row.id for row in rows if row.is_group]
        self.within.setdefault(wanted.group, set()).update(inner)
        if self._transitive and wanted.group in inner:
            self._rings.add(wanted.label)
        elif inner and not self._transitive and wanted.owner == wanted.group:
            self._nested.add(wanted.label)

    def _finding(self, code: str, summary: str, fix: str) -> Diagnostic:
        return Diagnostic(severity="warning", code=code, summary=summary, path=self._instance, fix=fix)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))
