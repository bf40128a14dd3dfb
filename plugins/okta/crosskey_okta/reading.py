"""One full read: everyone, all groups, and the members of the groups and apps that mappings name."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime

import msgspec

from crosskey.connector.source import GroupsPage, MembersPage, PeoplePage, ReadComplete, ReadPage, ReadRequest
from crosskey.errors import AuthError, RejectedError, RetryableError
from crosskey.http import merge
from crosskey.model import Group, GroupSelection
from crosskey_okta.errors import is_gone
from crosskey_okta.groups import APPS, GROUPS, MEMBERS, Row
from crosskey_okta.org import LIGHT_USERS, Org
from crosskey_okta.people import People
from crosskey_okta.settings import OktaSettings

__all__ = ("FullRead",)

_PAGE = 200  # the most that lists of users give, and the most that Okta recommends for groups
_APP_USERS = 500


class FullRead:
    """Reads side by side: users, deactivated users, groups and then their members, apps and then theirs.

    A plain list of users never holds DEPROVISIONED ones, hence the second list. Nothing is asked person by person.
    """

    def __init__(
        self, org: Org, people: People, request: ReadRequest, *, instance: str, settings: OktaSettings
    ) -> None:
        self._org = org
        self._people = people
        self._request = request
        self._instance = instance
        self._member_sizes = tuple(sorted({settings.member_page, min(settings.member_page, _PAGE)}, reverse=True))
        self._concurrency = settings.concurrency
        self._server_time: datetime | None = None

    async def pages(self) -> AsyncGenerator[ReadPage]:
        """The pages as they come, ending in :class:`ReadComplete` when every list came to its explicit end."""
        streams = [self._live_users(), self._deprovisioned(), self._groups()]
        if self._request.apps.names:
            streams.append(self._apps())
        async with aclosing(merge(*streams)) as pages:
            async for page in pages:
                yield page
        yield ReadComplete(server_time=self._server_time, warnings=self._people.warnings())

    async def _live_users(self) -> AsyncIterator[ReadPage]:
        anybody = False
        async for page in self._users({"limit": _PAGE}):
            anybody = anybody or bool(page.people)
            yield page
        if not anybody:
            # A credential without an admin role gets 200 and an empty list, not 403. No real org is empty: somebody
            # made the credential.
            raise AuthError(
                "Okta shows this credential no people at all: it lacks an admin role",
                code="okta-sees-nobody",
                where=self._instance,
                fix=self._org.advice.role,
            )

    def _deprovisioned(self) -> AsyncIterator[PeoplePage]:
        return self._users({"limit": _PAGE, "filter": 'status eq "DEPROVISIONED"'})

    async def _users(self, params: Mapping[str, str | int]) -> AsyncIterator[PeoplePage]:
        async for reply in self._org.listing("/api/v1/users", self._people.page, params, headers=LIGHT_USERS):
            self._note_time(reply.date)
            yield PeoplePage(self._people.people(reply.value))

    def _groups(self) -> AsyncIterator[ReadPage]:
        return self._collection("/api/v1/groups", GROUPS, self._request.groups, self._member_sizes)

    def _apps(self) -> AsyncIterator[ReadPage]:
        return self._collection("/api/v1/apps", APPS, self._request.apps, (_APP_USERS,))

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
        chosen = {group.id for group in selection.choose(found).values()}
        members = [self._members(path, group, sizes) for group in sorted(chosen)]
        # The chain of users is the longest way: members never take its slot. That of deactivated ones is short.
        async with aclosing(merge(*members, limit=max(1, self._concurrency - 1))) as pages:
            async for page in pages:
                yield page

    async def _members(self, path: str, group: str, sizes: Sequence[int]) -> AsyncIterator[MembersPage]:
        """The members in pages of ``sizes[0]``, or of the next size when Okta cannot give such pages in time."""
        url, template, params = f"{path}/{group}/users", f"{path}/{{id}}/users", {"limit": sizes[0]}
        try:
            async for reply in self._org.listing(url, MEMBERS, params, template=template):
                yield MembersPage(group, [row.id for row in reply.value])
        except RejectedError as error:
            if not is_gone(error):
                raise
            raise RetryableError(
                f"the group or app {group} was deleted while the org was read",
                code="okta-moved",
                where=self._instance,
                fix="run again",
            ) from None
        except RetryableError:
            if len(sizes) == 1:
                raise
            # Members that came already just come again.
            async for page in self._members(path, group, sizes[1:]):
                yield page

    def _note_time(self, date: datetime | None) -> None:
        # The earliest answer: whatever changed after it may be missing from this read.
        if date is not None and (self._server_time is None or date < self._server_time):
            self._server_time = date
