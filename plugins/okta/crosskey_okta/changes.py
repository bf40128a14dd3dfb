"""One round of changes: who and what moved in the org since a cursor."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta

import msgspec

from crosskey.clock import Clock
from crosskey.connector.source import GonePage, GroupsPage, PeoplePage, ReadComplete, ReadPage, ReadRequest
from crosskey.errors import Diagnostic, RejectedError, RetryableError
from crosskey.http import merge
from crosskey.model import Group, Person
from crosskey_okta.cursor import OVERLAP, Cursor, Recent, check_age, expired, okta_time
from crosskey_okta.errors import is_gone
from crosskey_okta.group_changes import GroupChanges
from crosskey_okta.groups import APPS
from crosskey_okta.log import LogPoll, Told, may_read_log
from crosskey_okta.lookup import app_by_id, group_by_id, user_by_id
from crosskey_okta.members import APP_SIZES, members_of
from crosskey_okta.org import LIGHT_USERS, Org
from crosskey_okta.people import People, UserRow
from crosskey_okta.settings import OktaSettings

__all__ = ("ChangesRead",)

_APPS = "/api/v1/apps"
_PAGE = 200
_HOUR = timedelta(hours=1)
_SEARCHES = 3
_PAUSE = 2.0  # seconds; a search was seen to flap within one


class ChangesRead:
    """Reads what changed: people by one search, groups by one filter, whom to look at from the System Log.

    Okta's search lags and flaps, so each one also asks for somebody who is known to be there (``witness``): an answer
    without them is asked for again. What the log tells is confirmed by id before anything is said of it.
    """

    def __init__(
        self,
        org: Org,
        people: People,
        request: ReadRequest,
        cursor: Cursor,
        *,
        instance: str,
        settings: OktaSettings,
        clock: Clock,
    ) -> None:
        self._org = org
        self._people = people
        self._request = request
        self._cursor = cursor
        self._instance = instance
        self._settings = settings
        self._clock = clock
        self._server_time: datetime | None = None
        self._told = Told()
        self._now: dict[str, Recent] = {}
        self._doubtful: set[str] = set()
        self._moved = False
        self._people_gone: set[str] = set()
        self._groups_gone: set[str] = set()
        self._warnings: list[Diagnostic] = []

    async def pages(self) -> AsyncGenerator[ReadPage]:
        """The pages as they come, ending in :class:`ReadComplete` with the next cursor."""
        async with aclosing(merge(self._found(), self._groups())) as pages:
            async for page in pages:
                yield page
        async with aclosing(merge(*self._confirmed(), limit=self._settings.concurrency)) as pages:
            async for page in pages:
                yield page
        if self._apps_due():
            async with aclosing(self._apps()) as pages:
                async for page in pages:
                    yield page
        if self._people_gone or self._groups_gone:
            yield GonePage(people=tuple(sorted(self._people_gone)), groups=tuple(sorted(self._groups_gone)))
        self._move_on()
        yield ReadComplete(
            cursor=self._cursor.text(),
            server_time=self._server_time,
            warnings=(*self._people.warnings(everybody=False), *self._warnings),
        )

    def _move_on(self) -> None:
        """The next round begins at the earliest answer of this one, and knows what its search may be behind with."""
        since = self._server_time or self._cursor.since
        horizon, now = okta_time(since - OVERLAP), okta_time(since)
        recent = {**self._cursor.recent, **self._now}
        gone = {**self._cursor.gone, **dict.fromkeys(self._people_gone, now)}
        self._change(
            since=since,
            recent={key: told for key, told in recent.items() if told.updated >= horizon},
            gone={key: at for key, at in gone.items() if at >= horizon},
        )

    # ---------------------------------------------------------------------------------------------------------- people

    async def _found(self) -> AsyncIterator[ReadPage]:
        """Everybody whose data or status changed, whatever the status; deleted people are in no search."""
        since = okta_time(self._cursor.since - OVERLAP)
        witness = self._cursor.witness
        search = f'lastUpdated ge "{since}" or statusChanged ge "{since}" or id eq "{witness}"'
        params = {"limit": _PAGE, "search": search}
        for _ in range(_SEARCHES):
            shown: set[str] = set()
            async for reply in self._org.listing("/api/v1/users", self._people.page, params, headers=LIGHT_USERS):
                self._note_time(reply.date)
                shown.update(row.id for row in reply.value)
                yield PeoplePage([person for row in reply.value if (person := self._believed(row)) is not None])
            if witness in shown:
                self._moved = self._moved or len(shown) > 1
                return
            if await user_by_id(self._org, self._people, witness) is None:
                # Deleted, or hidden by a smaller role: only a read of everybody can tell how many are.
                raise expired("somebody whom every search must show is no longer there", self._instance)
            await self._clock.sleep(_PAUSE)
        raise RetryableError(
            "Okta's search leaves out somebody who is there, so it may leave out others",
            code="okta-search-unsteady",
            where=self._instance,
            fix="try again; if it stays, ask Okta's support",
        )

    def _believed(self, row: UserRow) -> Person | None:
        """Somebody as the search shows them, unless a younger word was told: an index that is behind re-hires nobody.

        Of two words of the same second, id decides.
        """
        person, updated = self._people.person(row), row.last_updated or ""
        known = self._cursor.recent.get(row.id)
        if row.id in self._cursor.gone or (known is not None and updated < known.updated):
            return None
        if known is not None and updated == known.updated and person.active != known.active:
            self._doubtful.add(row.id)
            return None
        self._now[row.id] = Recent(updated, person.active)
        return person

    # ---------------------------------------------------------------------------------------------------------- groups

    async def _groups(self) -> AsyncIterator[ReadPage]:
        await self._read_log()  # first: an event that is stored after the groups were asked for is the next round's
        groups = GroupChanges(
            self._org,
            self._cursor,
            self._told,
            selection=self._request.groups,
            instance=self._instance,
            settings=self._settings,
        )
        async with aclosing(groups.pages()) as pages:
            async for page in pages:
                yield page
        self._note_time(groups.date)
        self._moved = self._moved or groups.moved
        self._people_gone |= groups.people_gone
        self._groups_gone |= groups.gone
        self._change(stands=groups.stands)

    async def _read_log(self) -> None:
        refused = self._cursor.log_refused
        if not may_read_log(self._org, self._settings) or (refused and self._cursor.since - refused < _HOUR):
            return
        poll = LogPoll(self._org, link=self._cursor.log, since=self._cursor.since, apps=bool(self._request.apps.names))
        self._told = await poll.read()
        self._note_time(poll.date)
        self._change(log=poll.link, log_refused=self._cursor.since if poll.refused else None)
        if poll.trouble is not None:
            self._warnings.append(poll.trouble)

    # ------------------------------------------------------------------------------------------------ what the log told

    def _confirmed(self) -> list[AsyncIterator[ReadPage]]:
        """Leavers whom the search did not show as such yet, and whatever was deleted: each asked for by id."""
        told = self._told
        known = {key for key, now in self._now.items() if now.active is False}
        people = told.deleted | self._doubtful | (told.left - known)
        return [
            *(self._person(key) for key in sorted(people - self._people_gone)),
            *(self._group(key) for key in sorted(told.groups - self._groups_gone)),
            *(self._app(key) for key in sorted(told.apps)),
        ]

    async def _person(self, id: str) -> AsyncIterator[ReadPage]:
        row = await user_by_id(self._org, self._people, id)
        if row is None:
            self._people_gone.add(id)
        else:
            person = self._people.person(row)
            self._now[id] = Recent(row.last_updated or "", person.active)
            yield PeoplePage([person])

    async def _group(self, id: str) -> AsyncIterator[ReadPage]:
        group = await group_by_id(self._org, id)
        if group is None:
            self._groups_gone.add(id)
        else:
            yield GroupsPage([group])

    async def _app(self, id: str) -> AsyncIterator[ReadPage]:
        app = await app_by_id(self._org, id)
        if app is None:
            self._groups_gone.add(id)
        else:
            yield GroupsPage([app])

    # ------------------------------------------------------------------------------------------------------------ apps

    def _apps_due(self) -> bool:
        """Okta tells of no app when its assignments changed, so the users of the selected ones are listed anew.

        Each round does, unless the log was read and says nothing of apps, nobody and no group changed (an assignment
        follows from either), and the last list is less than an hour old.
        """
        if not self._request.apps.names:
            return False
        quiet = self._told.complete and not self._told.assignments and not self._moved
        return not quiet or self._cursor.since - self._cursor.apps_listed >= _HOUR

    async def _apps(self) -> AsyncGenerator[ReadPage]:
        found: list[Group] = []
        async for reply in self._org.listing(_APPS, APPS, {"limit": _PAGE}):
            self._note_time(reply.date)
            page = [row.group() for row in reply.value]
            found += page
            yield GroupsPage(page)
        chosen = {app.id for app in self._request.apps.choose(found).values()}
        members = [self._users_of(app) for app in sorted(chosen)]
        async with aclosing(merge(*members, limit=self._settings.concurrency)) as pages:
            async for page in pages:
                yield page
        self._change(apps_listed=self._server_time or self._cursor.since)

    async def _users_of(self, app: str) -> AsyncIterator[ReadPage]:
        try:
            async for page in members_of(self._org, _APPS, app, APP_SIZES, whole=True):
                yield page
        except RejectedError as error:
            if not is_gone(error):
                raise
            self._groups_gone.add(app)

    def _note_time(self, date: datetime | None) -> None:
        # The earliest answer: whatever changed after it may be missing from this round.
        if date is None:
            return
        check_age(self._cursor, date, self._instance)
        if self._server_time is None or date < self._server_time:
            self._server_time = date

    def _change(self, **fields: object) -> None:
        self._cursor = msgspec.structs.replace(self._cursor, **fields)
