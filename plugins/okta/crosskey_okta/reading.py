"""One full read: everyone, all groups, and the members of the groups and apps that mappings name."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime

import msgspec

from crosskey.connector.source import GroupsPage, MembersPage, PeoplePage, ReadComplete, ReadPage, ReadRequest
from crosskey.errors import RejectedError, RetryableError
from crosskey.http import merge
from crosskey.model import Group, GroupSelection, Person
from crosskey_okta.cursor import OVERLAP, SETTLE, Cursor, Recent, Stand, okta_time, request_digest
from crosskey_okta.errors import is_gone
from crosskey_okta.groups import APPS, GROUPS, Row
from crosskey_okta.members import APP_SIZES, members_of, sizes_of
from crosskey_okta.org import LIGHT_USERS, Org
from crosskey_okta.people import People, UserRow
from crosskey_okta.settings import OktaSettings

__all__ = ("FullRead",)

_PAGE = 200  # the most that lists of users give, and the most that Okta recommends for groups


class FullRead:
    """Reads side by side: users, deactivated users, groups and then their members, apps and then theirs.

    A plain list of users never holds DEPROVISIONED ones, hence the second list. Nothing is asked person by person.
    """

    def __init__(
        self, org: Org, people: People, request: ReadRequest, *, issuer: str, instance: str, settings: OktaSettings
    ) -> None:
        self._org = org
        self._people = people
        self._request = request
        self._issuer = issuer
        self._instance = instance
        self._settings = settings
        self._server_time: datetime | None = None
        self._witness = ""
        self._chosen: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._recent: dict[str, Recent] = {}

    async def pages(self) -> AsyncGenerator[ReadPage]:
        """The pages as they come, ending in :class:`ReadComplete` when every list came to its explicit end."""
        streams = [self._live_users(), self._deprovisioned(), self._groups()]
        if self._request.apps.names:
            streams.append(self._apps())
        async with aclosing(merge(*streams)) as pages:
            async for page in pages:
                yield page
        yield ReadComplete(cursor=self._cursor(), server_time=self._server_time, warnings=self._people.warnings())

    def _cursor(self) -> str:
        """Where changes may be followed from: the earliest answer of this read. It costs no request."""
        if not self._request.changes or self._server_time is None:
            return ""
        known = okta_time(self._server_time - SETTLE)
        return Cursor(
            request=request_digest(self._request, self._settings, self._issuer),
            since=self._server_time,
            witness=self._witness,
            chosen=self._chosen,
            stands={group: Stand(known, self._counts[group]) for group in self._chosen.values()},
            apps_listed=self._server_time,
            recent=self._recent,
        ).text()

    async def _live_users(self) -> AsyncIterator[ReadPage]:
        async for page in self._users({"limit": _PAGE}):
            if page.people and not self._witness:
                # Somebody active: whoever left is deleted sooner.
                self._witness = next((one for one in page.people if one.active), page.people[0]).subject.id
            yield page
        if not self._witness:
            raise self._org.advice.nobody()

    def _deprovisioned(self) -> AsyncIterator[PeoplePage]:
        return self._users({"limit": _PAGE, "filter": 'status eq "DEPROVISIONED"'})

    async def _users(self, params: Mapping[str, str | int]) -> AsyncIterator[PeoplePage]:
        async for reply in self._org.listing("/api/v1/users", self._people.page, params, headers=LIGHT_USERS):
            self._note_time(reply.date)
            people = self._people.people(reply.value)
            if self._request.changes:
                self._note_recent(reply.value, people)
            yield PeoplePage(people)

    def _note_recent(self, rows: Sequence[UserRow], people: Sequence[Person]) -> None:
        horizon = okta_time(self._server_time - OVERLAP) if self._server_time else ""
        for row, person in zip(rows, people, strict=True):
            if row.last_updated and row.last_updated >= horizon:
                self._recent[row.id] = Recent(row.last_updated, person.active)

    def _groups(self) -> AsyncIterator[ReadPage]:
        return self._collection("/api/v1/groups", GROUPS, self._request.groups, sizes_of(self._settings))

    def _apps(self) -> AsyncIterator[ReadPage]:
        return self._collection("/api/v1/apps", APPS, self._request.apps, APP_SIZES)

    async def _collection(
        self,
        path: str,
        decoder: msgspec.json.Decoder[list[Row]],
        selection: GroupSelection,
        sizes: Sequence[int],
    ) -> AsyncIterator[ReadPage]:
        """All groups (or apps), then the members of the chosen ones, side by side."""
        found: list[Group] = []
        async for reply in self._org.listing(path, decoder, {"limit": _PAGE}):
            self._note_time(reply.date)
            page = [row.group() for row in reply.value]
            found += page
            yield GroupsPage(page)
        chosen = {name: group.id for name, group in selection.choose(found).items()}
        if selection.kind == "group":
            self._chosen = chosen
        members = [self._members(path, group, sizes) for group in sorted(set(chosen.values()))]
        # The chain of users is the longest way: members never take its slot. That of deactivated ones is short.
        async with aclosing(merge(*members, limit=max(1, self._settings.concurrency - 1))) as pages:
            async for page in pages:
                yield page

    async def _members(self, path: str, group: str, sizes: Sequence[int]) -> AsyncIterator[MembersPage]:
        try:
            async for page in members_of(self._org, path, group, sizes):
                self._counts[group] += len(page.members)
                yield page
        except RejectedError as error:
            if not is_gone(error):
                raise
            raise RetryableError(
                f"the group or app {group} was deleted while the org was read",
                code="okta-moved",
                where=self._instance,
                fix="run again",
            ) from None

    def _note_time(self, date: datetime | None) -> None:
        # The earliest answer: whatever changed after it may be missing from this read.
        if date is not None and (self._server_time is None or date < self._server_time):
            self._server_time = date
