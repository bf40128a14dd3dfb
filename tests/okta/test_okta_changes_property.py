"""The law of changes: whatever happened, a full read and rounds of changes come to the same as a full read at the end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from okta_door import an_org, app_of, group_of, local, people_of, wanting

from changes_fold import Known, followed, read_whole
from crosskey.connector.source import ReadRequest
from crosskey.errors import CursorExpiredError
from crosskey_okta.settings import LOG_SCOPE, NEEDED_SCOPES
from crosskey_sandbox.okta import READ_ONLY, OktaOrg
from crosskey_sandbox.okta.errors import ApiError

MEMBERSHIP_LAG, SEARCH_LAG, LOG_LATE = 6.0, 20.0, 30.0
PAST = 61.0
"""Seconds after which nothing lags any more."""

PERSON, GROUP, APP = st.integers(0, 7), st.integers(0, 4), st.integers(0, 1)
STATUS = st.sampled_from(["ACTIVE", "SUSPENDED", "DEPROVISIONED", "LOCKED_OUT", "STAGED"])
KEPT = st.one_of(
    st.tuples(st.just("edit"), PERSON),
    st.tuples(st.just("status"), PERSON, STATUS),
    st.tuples(st.just("hire"), GROUP),
    st.tuples(st.sampled_from(["join", "leave"]), GROUP, PERSON),
    st.tuples(st.just("rename"), GROUP),
    st.tuples(st.just("found"), PERSON),
    st.tuples(st.sampled_from(["assign", "unassign"]), APP, PERSON),
    st.tuples(st.sampled_from(["give", "withdraw"]), APP, GROUP),
    st.tuples(st.just("label"), st.just(1)),
)
DELETED = st.one_of(
    st.tuples(st.just("delete"), PERSON),
    st.tuples(st.just("dissolve"), GROUP),
    st.tuples(st.just("retire"), APP),
)
TIME = st.one_of(st.just(("round",)), st.tuples(st.just("wait"), st.sampled_from([0.3, 1.0, 7.0, 45.0, 300.0, 4000.0])))
STAFF, DESK = 0, 1
"""The selected groups among five; the app that is selected is the first of two."""


class World:
    """An org where things happen, each step a word and numbers."""

    def __init__(self, **quirks: Any) -> None:
        self.org: OktaOrg = an_org(late_status_changed=True, **quirks)
        self.people = people_of(self.org, 8)
        people_of(self.org, 1, prefix="admin")  # nobody ever deletes everybody
        self.groups = [
            group_of(self.org, "Staff", self.people[:7]),
            group_of(self.org, "Desk", self.people[:2]),
            *(group_of(self.org, f"Other {number}", self.people[number : number + 3]) for number in range(3)),
        ]
        self.apps = [self.org.apps.create("halo", label).id for label in ("Service Desk", "Wiki")]
        self.org.apps.assign_group(self.apps[0], self.groups[2])
        self.org.cell.clock.advance(3600.0)
        self.count = 0

    def happen(self, step: tuple[Any, ...]) -> None:
        """Do it; what Okta would refuse does not happen."""
        with suppress(ApiError):
            getattr(self, step[0])(*step[1:])

    def wait(self, seconds: float) -> None:
        self.org.cell.clock.advance(seconds)

    def edit(self, person: int) -> None:
        self.count += 1
        self.org.users.update_profile(self.people[person], {"title": f"Title {self.count}"})

    def status(self, person: int, status: Any) -> None:
        self.org.users.set_status(self.people[person], status)

    def hire(self, group: int) -> None:
        self.count += 1
        [self.people[self.count % 8]] = people_of(self.org, 1, prefix=f"new{self.count}-")
        self.org.groups.add_member(self.groups[group], self.people[self.count % 8])

    def delete(self, person: int) -> None:
        while not self.org.users.delete(self.people[person]):
            pass

    def join(self, group: int, person: int) -> None:
        self.org.groups.add_member(self.groups[group], self.people[person])

    def leave(self, group: int, person: int) -> None:
        self.org.groups.remove_member(self.groups[group], self.people[person])

    def rename(self, group: int) -> None:
        """Another group gets another name; the selected ones swap theirs."""
        if group in (STAFF, DESK):
            names = [self.org.groups.find(self.groups[index]).profile["name"] for index in (STAFF, DESK)]
            for index, name in zip((STAFF, DESK), reversed(names), strict=True):
                self.org.groups.rename(self.groups[index], {"name": name})
            return
        self.count += 1
        self.org.groups.rename(self.groups[group], {"name": f"Other {group} {self.count}"})

    def found(self, person: int) -> None:
        self.count += 1
        self.groups.append(group_of(self.org, f"New {self.count}", [self.people[person]]))

    def dissolve(self, group: int) -> None:
        """A group is deleted; a selected one is followed by another of its name."""
        name = self.org.groups.find(self.groups[group]).profile["name"]
        self.org.groups.delete(self.groups[group])
        self.groups[group] = group_of(self.org, str(name), self.people[:1])

    def assign(self, app: int, person: int) -> None:
        self.org.apps.assign_user(self.apps[app], self.people[person])

    def unassign(self, app: int, person: int) -> None:
        self.org.apps.unassign_user(self.apps[app], self.people[person])

    def give(self, app: int, group: int) -> None:
        self.org.apps.assign_group(self.apps[app], self.groups[group])

    def withdraw(self, app: int, group: int) -> None:
        self.org.apps.unassign_group(self.apps[app], self.groups[group])

    def label(self, app: int) -> None:
        self.count += 1
        self.org.apps.rename(self.apps[app], f"Wiki {self.count}")

    def retire(self, app: int) -> None:
        label = self.org.apps.find(self.apps[app]).label
        self.org.apps.set_active(self.apps[app], active=False)
        self.org.apps.delete(self.apps[app])
        self.apps[app] = self.org.apps.create("halo", label).id


REQUEST = ReadRequest(
    groups=wanting("Staff", "Desk").groups,
    apps=wanting(apps=["Service Desk"]).apps,
    attributes=frozenset(),
    changes=True,
)


async def follow(source: Any, known: Known) -> Known:
    try:
        return await followed(source, known, REQUEST)
    except CursorExpiredError:
        return await read_whole(source, REQUEST)


async def told_and_read(world: World, steps: list[tuple[Any, ...]], **credential: Any) -> tuple[Known, Known]:
    """What the rounds came to, and what is there."""
    async with local(world.org, member_page=2, **credential) as source:
        known = await read_whole(source, REQUEST)
        for step in steps:
            if step == ("round",):
                known = await follow(source, known)
            else:
                world.happen(step)
        world.wait(PAST)
        known = await follow(source, known)
        return known, await read_whole(source, REQUEST)


def assert_law(quirks: dict[str, Any], steps: list[tuple[Any, ...]], *, log: bool) -> None:
    world = World(**quirks)
    scopes = (*NEEDED_SCOPES, LOG_SCOPE) if log else NEEDED_SCOPES
    app = app_of(world.org, scopes=scopes, rights=READ_ONLY, dpop=False)
    told, there = asyncio.run(told_and_read(world, steps, scopes=scopes, **app))
    assert told.people == there.people
    assert told.groups == there.groups
    assert told.members == there.members


LAGS = st.fixed_dictionaries(
    {
        "membership_lag": st.sampled_from([0.0, MEMBERSHIP_LAG]),
        "search_lag": st.sampled_from([0.0, SEARCH_LAG]),
        "search_flap": st.sampled_from([0, 2, 3]),
        "log_late": st.sampled_from([0.0, LOG_LATE]),
        "delete_moves_membership": st.booleans(),
        "page_overlap": st.sampled_from([0, 1]),
    }
)


@settings(max_examples=120)
@given(quirks=LAGS, steps=st.lists(st.one_of(KEPT, KEPT, DELETED, TIME, TIME), max_size=24))
@example(quirks={}, steps=[("delete", 0), ("round",)])
@example(quirks={}, steps=[("join", 0, 7), ("round",), ("leave", 0, 7)])
def test_with_the_log_everything_is_followed(quirks, steps):
    assert_law(quirks, steps, log=True)


@settings(max_examples=80)
@given(quirks=LAGS, steps=st.lists(st.one_of(KEPT, KEPT, TIME, TIME), max_size=24))
def test_without_the_log_all_but_deletions_is_followed(quirks, steps):
    assert_law(quirks, steps, log=False)
