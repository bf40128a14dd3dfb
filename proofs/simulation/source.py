"""The directory as a connector: its pages, with everything that goes wrong on their way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadPage,
    ReadRequest,
)
from crosskey.errors import AuthError, CursorExpiredError, Diagnostic, RetryableError
from crosskey.model import Group, Person, Subject
from proofs.simulation.directory import GROUPS, ISSUER, SOURCE_LAG, State
from proofs.simulation.life import Life

__all__ = ("SimSource",)

_PAGE: Final = 3
_FOREVER: Final = 36_000.0
_FEWEST_HIDDEN: Final = 4
"""A group with fewer members is not hidden: that few may leave at once, so nobody could tell."""

_Thunk = Callable[[], ReadPage]


class SimSource:
    """An open directory. Finds people, tells their groups and what changed."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._faults = life.faults
        self._directory = life.directory
        self._lag = 0.0
        if self._faults.strikes("source.stale-list", 0.2):
            self._lag = self._faults.seconds(1, SOURCE_LAG)
        self._groups = dict(GROUPS)
        if self._faults.strikes("source.group-gone", 0.1):
            del self._groups["g-Desk"]
        smallest = min(len(state.members["g-Staff"]) for state in self._directory.states)
        known = life.journal.last_complete("source.corp", "group:Staff")
        told = smallest if known is None else known.records  # before the first complete read nobody has an account
        self._hidden = ""
        if min(smallest, told) >= _FEWEST_HIDDEN and self._faults.strikes("source.group-hidden", 0.1):
            self._hidden = "g-Staff"

    @property
    def issuer(self) -> str:
        """The directory's name."""
        return ISSUER

    async def check(self) -> Sequence[Diagnostic]:
        """Nothing to say."""
        return ()

    # -- by id --------------------------------------------------------------------------------------------------------

    async def find(self, subject: Subject) -> Person | None:
        """Somebody by id."""
        return (await self._looked()).people.get(subject.id)

    async def groups_of(self, subject: Subject) -> frozenset[str]:
        """Somebody's groups."""
        members = (await self._looked()).members
        return frozenset(group for group, ids in members.items() if subject.id in ids and group != self._hidden)

    async def _looked(self) -> State:
        await self._life.wait(0.2)
        if self._faults.strikes("source.find-fails", 0.1):
            raise RetryableError("the directory does not answer", where="source.corp")
        stale = self._faults.strikes("source.stale-find", 0.2)
        return self._state(self._faults.seconds(1, SOURCE_LAG) if stale else 0.0)

    # -- pages --------------------------------------------------------------------------------------------------------

    async def read(self, request: ReadRequest) -> AsyncIterator[ReadPage]:
        """Everything."""
        cursor = self._cursor() if request.changes else ""
        if self._faults.strikes("source.empty", 0.08):
            thunks: list[_Thunk] = [lambda: GroupsPage(list(self._groups.values()))]
        else:
            thunks = self._everything(request)
        async with aclosing(self._through(thunks, cursor)) as pages:
            async for page in pages:
                yield page

    async def read_changes(self, cursor: str, request: ReadRequest) -> AsyncIterator[ReadPage]:
        """What changed since a cursor."""
        if self._faults.strikes("source.cursor-expired", 0.1):
            raise CursorExpiredError("that place is forgotten", where="source.corp")
        place = int(cursor)
        if place and self._faults.strikes("source.cursor-old", 0.2):
            place -= 1
        then, upto = self._directory.states[place], self._cursor()
        async with aclosing(self._through(self._changes(then, request), upto)) as pages:
            async for page in pages:
                yield page

    def _state(self, lag: float) -> State:
        if lag == 0:
            return self._directory.now
        return self._directory.as_of(self._life.sim.elapsed - lag)

    def _cursor(self) -> str:
        """The place of the state that lists show now."""
        return str(self._directory.states.index(self._state(self._lag)))

    def _passed(self, then: State) -> list[State]:
        """Every state from a cursor's to the newest that lists show.

        Feeds tell whoever changed since a cursor, also who is again as before: a look-up may have seen that.
        """
        states, last = self._directory.states, self._state(self._lag)
        return states[states.index(then) : states.index(last) + 1] or [then]

    def _members(self, state: State, group: str) -> list[str]:
        return [] if group == self._hidden else sorted(state.members[group])

    def _everything(self, request: ReadRequest) -> list[_Thunk]:
        chosen = _chosen(request, self._groups)
        count = max(1, -(-len(self._state(self._lag).people) // _PAGE))

        def people(number: int) -> ReadPage:
            everybody = sorted(self._state(self._lag).people.items())
            end = None if number == count - 1 else (number + 1) * _PAGE
            return PeoplePage([person for _, person in everybody[number * _PAGE : end]])

        def members(group: str, half: int) -> ReadPage:
            ids = self._members(self._state(self._lag), group)
            middle = len(ids) // 2
            return MembersPage(group, ids[middle:] if half else ids[:middle])

        thunks: list[_Thunk] = [lambda: GroupsPage(list(self._groups.values()))]
        thunks += [lambda number=number: people(number) for number in range(count)]
        thunks += [lambda group=group, half=half: members(group, half) for group in chosen for half in (0, 1)]
        return thunks

    def _changes(self, then: State, request: ReadRequest) -> list[_Thunk]:
        now, passed = self._state(self._lag), self._passed(then)
        gone = sorted({who for state in passed for who in state.people} - now.people.keys())
        # whoever has no account yet is not looked up: they come with the next full read
        known = sorted(now.people.keys() & {owner.id for owner in self._life.desk.owners.values()})
        if known and self._faults.strikes("source.false-tombstone", 0.2):
            gone.append(self._faults.choose(known))
        thunks: list[_Thunk] = [
            lambda: GroupsPage(list(self._groups.values())),
            lambda: PeoplePage(
                [one for who, one in now.people.items() if any(state.people.get(who) != one for state in passed)]
            ),
        ]
        for group in _chosen(request, self._groups):
            after = set(self._members(now, group))
            touched = set[str]().union(*(state.members[group] ^ after for state in passed))
            if touched:
                thunks.append(lambda group=group, ids=after & touched: MembersPage(group, sorted(ids)))
                thunks.append(lambda group=group, ids=touched - after: MembersLeftPage(group, sorted(ids)))
        thunks.append(lambda: GonePage(people=gone))
        return thunks

    async def _through(self, thunks: list[_Thunk], cursor: str) -> AsyncGenerator[ReadPage]:
        faults = self._faults
        if faults.strikes("source.reordered", 0.2):
            thunks = [thunks[0], *reversed(thunks[1:])]
        drift = (
            faults.choose(("title", "department", "display_name"))
            if faults.strikes("source.schema-drift", 0.05)
            else ""
        )
        last = PeoplePage(())
        for thunk in thunks:
            await self._arrive()
            page = thunk()
            if isinstance(page, PeoplePage):
                page = last = self._spoiled(page, drift)
                if faults.strikes("source.page-missing", 0.05):
                    continue
            elif isinstance(page, MembersPage) and page.members and faults.strikes("source.members-missing", 0.05):
                continue
            yield page
            if faults.strikes("source.duplicate-page", 0.1):
                yield page
        if faults.strikes("source.ends-early", 0.05):
            return
        yield ReadComplete(cursor=cursor)
        if faults.strikes("source.goes-on", 0.03):
            yield last

    async def _arrive(self) -> None:
        """A page takes its time, or never comes."""
        faults = self._faults
        await self._life.wait(faults.seconds(0.1, 1.5))
        if faults.strikes("source.page-fails", 0.03):
            raise RetryableError("the directory is down", where="source.corp")
        if faults.strikes("source.raises", 0.02):
            raise KeyError("oops")
        if faults.strikes("source.refused", 0.02):
            raise AuthError("the credential was withdrawn", where="source.corp")
        if faults.strikes("source.hangs", 0.01):
            await self._life.wait(_FOREVER)

    def _spoiled(self, page: PeoplePage, drift: str) -> PeoplePage:
        people = [msgspec.structs.replace(person, **{drift: ""}) for person in page.people] if drift else [*page.people]
        if people and self._faults.strikes("source.status-unknown", 0.05):
            people[0] = msgspec.structs.replace(people[0], active=None, status="ODD")
        if people and self._faults.strikes("source.stranger", 0.02):
            stranger = Subject("https://elsewhere.example", people[0].subject.id)
            people.append(msgspec.structs.replace(people[0], subject=stranger))
        return PeoplePage(people)


def _chosen(request: ReadRequest, groups: dict[str, Group]) -> list[str]:
    return sorted(group.id for group in request.groups.choose(groups.values()).values())
