"""Groups that changed, and who is in those that the request selects.

How members are followed. ``lastMembershipUpdated`` says that a group's members changed, late by a few seconds, and not
who. A list of all members, read so much later that it surely holds the change (``SETTLE``), settles the group: it is
not listed again until that time moves past it. Where a list costs more requests than there are people whom the System
Log names, these are asked for one by one instead, if the log explains the change wholly:

- the log was read to its end, and the group is made in Okta (imported groups and Everyone change without such events);
- the number of members that Okta counts is the one before, plus who joined, less who left;
- the newest event is no older than ``lastMembershipUpdated``.

Anything else is listed. What the log stores late is looked at when it comes, whatever was concluded before: events are
never lost while the polling link is kept. When the log can no longer be read, groups that it explained are listed.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Literal

from crosskey.connector.source import GroupsPage, MembersLeftPage, MembersPage, ReadPage
from crosskey.errors import RejectedError
from crosskey.http import merge
from crosskey.model import GroupSelection
from crosskey_okta.cursor import OVERLAP, SETTLE, Cursor, Stand, expired, okta_time
from crosskey_okta.errors import is_gone
from crosskey_okta.groups import GROUPS, GroupRow
from crosskey_okta.log import Told, Touch
from crosskey_okta.lookup import groups_of_person
from crosskey_okta.members import members_of, sizes_of
from crosskey_okta.org import Org, Parameters
from crosskey_okta.settings import OktaSettings

__all__ = ("GroupChanges",)

_PATH = "/api/v1/groups"
_NAMED = 50
"""Groups that the log names are asked for by id along with the others, so many at most: an address has its length."""
_SLACK = timedelta(seconds=2)
"""How far the times of an event and of what it did to the group may be apart."""
_NEVER = "9999"

Way = Literal["settled", "ask", "list"]


class GroupChanges:
    """One round's groups. ``stands`` is what is known afterwards; ``gone`` and ``people_gone`` were confirmed by id."""

    def __init__(
        self,
        org: Org,
        cursor: Cursor,
        told: Told,
        *,
        selection: GroupSelection,
        instance: str,
        settings: OktaSettings,
    ) -> None:
        self._org = org
        self._cursor = cursor
        self._told = told
        self._selection = selection
        self._instance = instance
        self._sizes = sizes_of(settings)
        self._concurrency = settings.concurrency
        self._chosen = sorted(set(cursor.chosen.values()))
        self._rows: dict[str, GroupRow] = {}
        self.stands = dict(cursor.stands)
        self.moved = False
        self.date: datetime | None = None
        self.gone: set[str] = set()
        self.people_gone: set[str] = set()

    async def pages(self) -> AsyncGenerator[ReadPage]:
        """The groups that changed, then the members of the selected ones among them."""
        async for reply in self._org.listing(_PATH, GROUPS, self._parameters()):
            if self.date is None or (reply.date and reply.date < self.date):
                self.date = reply.date
            self.moved = self.moved or bool(reply.value)
            for row in reply.value:
                self._check_name(row)
            self._rows.update((row.id, row) for row in reply.value)
            yield GroupsPage([row.group() for row in reply.value])
        streams: list[AsyncIterator[ReadPage]] = []
        asked: dict[str, list[str]] = {}
        for group in self._chosen:
            way, touches = self._way(group)
            if way == "list":
                streams.append(self._listed(group))
            elif way == "ask":
                for user in {touch.user for touch in touches}:
                    asked.setdefault(user, []).append(group)
            self._note(group, way, touches)
        streams += [self._asked(user, groups) for user, groups in sorted(asked.items())]
        async with aclosing(merge(*streams, limit=self._concurrency)) as pages:
            async for page in pages:
                yield page

    def _parameters(self) -> Parameters:
        since = okta_time(self._cursor.since - OVERLAP)
        # Groups are documented to take `gt`, `lt` and `eq` here; the overlap makes `ge` needless.
        tests = [f'lastUpdated gt "{since}"', f'lastMembershipUpdated gt "{since}"']
        named = [group for group in self._chosen if group in self._told.touches]
        tests += [f'id eq "{group}"' for group in named[:_NAMED]]
        parameters: dict[str, str | int] = {"limit": 200, "filter": " or ".join(tests)}
        if self._told.complete:
            parameters["expand"] = "stats"
        return parameters

    def _check_name(self, row: GroupRow) -> None:
        """Whether the names of the request still mean the same groups; where they may not, everything is read again."""
        name, chosen = row.profile.name, self._cursor.chosen
        names = {
            logical for logical, group in chosen.items() if group == row.id and logical not in self._selection.pins
        }
        taken = name in self._selection.names and name not in self._selection.pins and chosen.get(name) != row.id
        if taken or (names and name not in names):
            raise expired("a group that rules name was renamed, or another one now bears its name", self._instance)

    def _way(self, group: str) -> tuple[Way, list[Touch]]:
        """How the members of a selected group become known, and the events that say something new."""
        row, stand = self._rows.get(group), self.stands.get(group)
        touches = self._told.touches.get(group, [])
        if stand is not None and not stand.by_log:
            touches = [touch for touch in touches if touch.at > stand.known]  # the list held what was before
        if row is None:
            return ("list" if touches else "settled"), touches
        moved = row.last_membership_updated or _NEVER
        if not touches:
            if stand is None or moved > stand.known:
                return "list", touches
            explained = not stand.by_log or (self._told.complete and row.count == stand.count)
            return ("settled" if explained else "list"), touches
        return ("ask" if self._explained(row, stand, touches) else "list"), touches

    def _explained(self, row: GroupRow, stand: Stand | None, touches: Sequence[Touch]) -> bool:
        """Whether the events are the whole change, and asking for their people is cheaper than the list."""
        if stand is None or stand.count is None or row.count is None or row.type != "OKTA_GROUP":
            return False
        if not self._told.complete or stand.count + sum(touch.step for touch in touches) != row.count:
            return False
        if (row.last_membership_updated or _NEVER) > _reach(touches):
            return False
        return len({touch.user for touch in touches}) < max(1, math.ceil(row.count / self._sizes[0]))

    def _note(self, group: str, way: Way, touches: Sequence[Touch]) -> None:
        row, stand = self._rows.get(group), self.stands.get(group)
        count = row.count if row else None
        if way == "list":
            known = okta_time(self.date - SETTLE) if self.date else ""
            self.stands[group] = Stand(known, count)
        elif way == "ask" and stand is not None:
            self.stands[group] = Stand(max(stand.known, _reach(touches)), count, by_log=True)

    async def _listed(self, group: str) -> AsyncIterator[ReadPage]:
        try:
            async for page in members_of(self._org, _PATH, group, self._sizes, whole=True):
                yield page
        except RejectedError as error:
            if not is_gone(error):
                raise
            self.gone.add(group)

    async def _asked(self, user: str, groups: Sequence[str]) -> AsyncIterator[ReadPage]:
        """Whether one person is in these groups; somebody who was deleted is in none."""
        try:
            inside = await groups_of_person(self._org, user)
        except RejectedError as error:
            if not is_gone(error):
                raise
            self.people_gone.add(user)
            inside = frozenset[str]()
        for group in groups:
            yield MembersPage(group, [user]) if group in inside else MembersLeftPage(group, [user])


def _reach(touches: Sequence[Touch]) -> str:
    """The time up to which events explain a group."""
    newest = datetime.fromisoformat(max(touch.at for touch in touches))
    return okta_time(newest.astimezone(UTC) + _SLACK)
