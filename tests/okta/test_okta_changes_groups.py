"""Rounds of changes: groups that are listed or asked about, late and missing events, and deletions."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from okta_door import group_of, local, opened
from okta_rounds import (
    GROUPS,
    GROUPS_OF,
    LOGS,
    MEMBERS,
    PERSON,
    STAFF,
    USERS,
    an_hour_old,
    asked,
    of,
    request,
    round_of,
    without_log,
)

from changes_fold import followed, read_whole
from crosskey.connector.source import (
    GonePage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
)
from crosskey.errors import CursorExpiredError, RejectedError
from crosskey.settings import Secret
from crosskey_sandbox.okta import Fault, OktaOrg, OktaQuirks, okta_app
from crosskey_sandbox.okta.targets import user_target

# --------------------------------------------------------------------------------------------------------------- groups


def is_in(pages: list[Any]) -> dict[str, bool]:
    """Person → whether the round says that they are in the group."""
    told = {user: True for page in of(pages, MembersPage) for user in page.members}
    return told | {user: False for page in of(pages, MembersLeftPage) for user in page.members}


async def test_in_a_large_group_only_whom_the_log_names_is_asked_for() -> None:
    org, people, group = an_hour_old(1002, staff=1000)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.groups.add_member(group, people[1000])
        org.groups.remove_member(group, people[0])
        org.cell.clock.advance(30.0)
        asked(org)
        pages, known = await round_of(source, known)
        assert asked(org) == {USERS: 1, GROUPS: 1, LOGS: 2, GROUPS_OF: 2}
        assert is_in(pages) == {people[1000]: True, people[0]: False}
        org.cell.clock.advance(30.0)
        assert is_in((await round_of(source, known))[0]) == {}, "the same change is not looked at twice"
        assert asked(org) == {USERS: 1, GROUPS: 1, LOGS: 1}
        assert known.members == (await read_whole(source, STAFF)).members


async def test_a_group_that_the_log_names_before_its_time_moves_is_asked_about_at_once() -> None:
    org, people, group = an_hour_old(1001, staff=1000)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.quirks = OktaQuirks(membership_lag=6.0)
        org.groups.add_member(group, people[1000])
        asked(org)
        pages, known = await round_of(source, known)
        assert is_in(pages) == {people[1000]: True}
        org.cell.clock.advance(10.0)
        await followed(source, known, STAFF)
    assert asked(org)[MEMBERS] == 0


async def test_somebody_who_left_a_large_group_and_was_deleted_is_gone() -> None:
    org, people, group = an_hour_old(1000)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.groups.remove_member(group, people[9])
        while not org.users.delete(people[9]):
            pass
        asked(org)
        pages, known = await round_of(source, known)
        assert asked(org) == {USERS: 1, GROUPS: 1, LOGS: 2, GROUPS_OF: 1}, "one 404 tells both"
        assert of(pages, MembersLeftPage) == [MembersLeftPage(group, [people[9]])]
        assert of(pages, GonePage) == [GonePage(people=(people[9],))]
        assert known == await read_whole(source, STAFF)


async def test_without_the_log_a_changed_group_is_listed_once_it_has_settled() -> None:
    org, people, group = an_hour_old(1001, staff=1000)
    async with local(org, **without_log(org)) as source:
        known = await read_whole(source, STAFF)
        org.groups.add_member(group, people[1000])
        asked(org)
        lists = []
        for _ in range(4):
            org.cell.clock.advance(8.0)
            known = await followed(source, known, STAFF)
            lists.append(asked(org)[MEMBERS])
        assert lists == [6, 6, 0, 0], "8 s is too soon to be sure that the list holds it, 16 s is not"
        assert known.members == (await read_whole(source, STAFF)).members


async def test_a_small_group_is_listed_for_that_costs_no_more() -> None:
    org, people, group = an_hour_old(5, staff=3)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.groups.add_member(group, people[4])
        asked(org)
        pages, _ = await round_of(source, known)
    assert asked(org) == {USERS: 1, GROUPS: 1, LOGS: 2, MEMBERS: 1}
    [page] = of(pages, MembersPage)
    assert page.whole
    assert set(page.members) == {*people[:3], people[4]}


async def test_an_empty_group_is_told_as_one() -> None:
    org, people, group = an_hour_old(1)
    async with local(org, **without_log(org)) as source:
        known = await read_whole(source, STAFF)
        org.groups.remove_member(group, people[0])
        pages, known = await round_of(source, known)
    assert of(pages, MembersPage) == [MembersPage(group, [], whole=True)]
    assert known.members == {group: frozenset()}


DAY = 86_400.0


def silently(org: OktaOrg, change: Any) -> None:
    """A change whose event the log stores within a day, and not soon."""
    quirks = org.quirks
    org.quirks = OktaQuirks(log_late=DAY)
    change()
    org.quirks = quirks


@pytest.mark.parametrize(
    ("joins", "why"),
    [(0, "the newest event is older than the change"), (1, "the count does not add up, in the very same second")],
)
async def test_what_the_events_do_not_explain_is_listed(joins: int, why: str) -> None:
    org, people, group = an_hour_old(1002, staff=1000)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.groups.add_member(group, people[1000])
        if not joins:
            org.cell.clock.advance(5.0)
            silently(org, lambda: org.groups.add_member(group, people[1001]))
            silently(org, lambda: org.groups.remove_member(group, people[5]))
        else:
            silently(org, lambda: org.groups.remove_member(group, people[5]))
        org.cell.clock.advance(30.0)
        asked(org)
        known = await followed(source, known, STAFF)
        assert asked(org)[MEMBERS] == 6 - joins, why
        assert known.members == (await read_whole(source, STAFF)).members


@pytest.mark.parametrize("kind", ["APP_GROUP", "BUILT_IN"])
async def test_groups_that_change_without_events_are_listed(kind: Any) -> None:
    org, people, group = an_hour_old(1001, staff=1000)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.groups.add_member(group, people[1000])
        org.groups.find(group).type = kind
        org.cell.clock.advance(30.0)
        asked(org)
        await followed(source, known, STAFF)
    assert asked(org)[MEMBERS] == 6


async def test_what_the_log_stores_late_is_looked_at_when_it_comes() -> None:
    """Two joined and two left, and only one join is told at first: the numbers add up by chance."""
    org, people, group = an_hour_old(1002, staff=1000)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        silently(org, lambda: org.groups.add_member(group, people[1001]))
        silently(org, lambda: org.groups.remove_member(group, people[7]))
        org.groups.add_member(group, people[1000])
        org.cell.clock.advance(1.0)
        pages, known = await round_of(source, known)
        assert is_in(pages) == {people[1000]: True}
        org.cell.clock.advance(DAY)
        asked(org)
        pages, known = await round_of(source, known)
        assert is_in(pages) == {people[1001]: True, people[7]: False}
        assert asked(org)[GROUPS_OF] == 2
        assert known.members == (await read_whole(source, STAFF)).members


async def test_late_news_of_what_a_list_held_costs_nothing() -> None:
    org, people, group = an_hour_old(1001, staff=1000)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        silently(org, lambda: org.groups.add_member(group, people[1000]))
        org.cell.clock.advance(20.0)
        asked(org)
        known = await followed(source, known, STAFF)
        assert asked(org)[MEMBERS] == 6, "the group moved and the log is silent: listed"
        org.cell.clock.advance(DAY)
        await followed(source, known, STAFF)
        assert asked(org) == {USERS: 1, GROUPS: 1, LOGS: 2}


async def test_groups_that_the_log_explained_are_listed_when_it_can_no_longer_be_read() -> None:
    """A second change in the very same second, whose event never comes."""
    org, people, group = an_hour_old(1002, staff=1000)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.groups.add_member(group, people[1000])
        known = await followed(source, known, STAFF)
        silently(org, lambda: org.groups.add_member(group, people[1001]))
        silently(org, lambda: org.groups.remove_member(group, people[3]))
        org.quirks = OktaQuirks(faults=(Fault(kind="error", path=LOGS),))
        org.cell.clock.advance(30.0)
        pages, known = await round_of(source, known)
        assert known.members == (await read_whole(source, STAFF)).members
    [warning] = pages[-1].warnings
    assert (warning.severity, warning.code) == ("warning", "okta-log")


async def test_a_group_that_is_deleted_while_its_members_are_asked_for_is_gone() -> None:
    org, people, group = an_hour_old(3, staff=2)
    inner = httpx.ASGITransport(app=okta_app(org))

    async def handle(sent: httpx.Request) -> httpx.Response:
        if sent.url.path == f"{GROUPS}/{group}/users" and len(asked_for) > 0:
            org.groups.delete(group)
        asked_for.append(sent.url.path)
        return await inner.handle_async_request(sent)

    asked_for: list[str] = []
    async with opened(httpx.MockTransport(handle), clock=org.cell.clock, **without_log(org)) as source:
        async with local(org) as before:
            known = await read_whole(before, STAFF)
        org.groups.add_member(group, people[2])
        pages, known = await round_of(source, known)
    assert of(pages, GonePage) == [GonePage(groups=(group,))]
    assert known.members == {}


@pytest.mark.parametrize("how", ["renamed", "taken", "swapped"])
async def test_names_that_mean_another_group_now_have_everything_read_again(how: str) -> None:
    org, people, group = an_hour_old()
    other = group_of(org, "Other", people[:1])
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.cell.clock.advance(10.0)
        if how != "taken":
            org.groups.rename(group, {"name": "Former staff"})
        if how != "renamed":
            org.groups.rename(other, {"name": "Staff"})
        with pytest.raises(CursorExpiredError, match="renamed"):
            await followed(source, known, STAFF)
        if how == "swapped":
            known = await read_whole(source, STAFF)
            assert await followed(source, known, STAFF) == known, "and goes on from there"


async def test_a_pinned_group_may_bear_any_name() -> None:
    org, people, group = an_hour_old()
    wanted = request("Staff", pins={"Staff": group})
    async with local(org) as source:
        known = await read_whole(source, wanted)
        org.groups.rename(group, {"name": "Everybody else"})
        group_of(org, "Staff", people[:1])
        org.cell.clock.advance(30.0)
        known = await followed(source, known, wanted)
        assert known == await read_whole(source, wanted)


# ------------------------------------------------------------------------------------------------------------ deletions


async def test_a_deletion_is_told_when_the_id_is_gone_and_not_before() -> None:
    org, people, _ = an_hour_old(4)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        while not org.users.delete(people[1]):
            pass
        org.log.add("user.lifecycle.delete.completed", user_target(org.users.find(people[2])))
        org.log.add("user.lifecycle.delete.completed", user_target(org.users.find(people[3])), result="FAILURE")
        asked(org)
        pages, known = await round_of(source, known)
    assert asked(org)[PERSON] == 2, "the log's word is not enough, and what failed is no news"
    assert of(pages, GonePage) == [GonePage(people=(people[1],))]
    assert people[2] in {person.subject.id for page in of(pages, PeoplePage) for person in page.people}
    assert people[1] not in known.people


async def test_groups_and_apps_that_were_deleted_are_told() -> None:
    org, people, _ = an_hour_old()
    other = group_of(org, "Other", people)
    apps = [org.apps.create("halo", label).id for label in ("Desk", "Wiki")]
    wanted = request("Staff", apps=("Desk",))
    async with local(org) as source:
        known = await read_whole(source, wanted)
        org.groups.delete(other)
        org.apps.set_active(apps[1], active=False)
        org.apps.delete(apps[1])
        pages, known = await round_of(source, known, wanted)
        assert of(pages, GonePage) == [GonePage(groups=tuple(sorted([other, apps[1]])))]
        assert known == await read_whole(source, wanted)


async def test_a_404_without_oktas_word_for_it_is_no_deletion() -> None:
    org, people, _ = an_hour_old()
    inner = httpx.ASGITransport(app=okta_app(org))

    async def handle(sent: httpx.Request) -> httpx.Response:
        if sent.url.path == f"{USERS}/{people[1]}":
            return httpx.Response(404, json={"message": "no such page"})
        return await inner.handle_async_request(sent)

    async with opened(httpx.MockTransport(handle), clock=org.cell.clock, token=Secret(org.api_token)) as source:
        known = await read_whole(source, STAFF)
        org.log.add("user.lifecycle.delete.completed", user_target(org.users.find(people[1])))
        with pytest.raises(RejectedError):
            await followed(source, known, STAFF)


@pytest.mark.parametrize("shown", [False, True])
async def test_somebody_who_leaves_is_told_before_the_search_knows(shown: bool) -> None:
    org, people, _ = an_hour_old(search_lag=100.0)
    if shown:
        org.users.update_profile(people[2], {"title": "Shown by the search, as active"})
        org.cell.clock.advance(101.0)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.users.deactivate(people[2])
        asked(org)
        known = await followed(source, known, STAFF)
        assert known.people[people[2]].active is False
        assert known.people[people[2]].title == ("Shown by the search, as active" if shown else "")
        assert asked(org)[PERSON] == 1
        org.quirks = OktaQuirks()
        org.users.suspend(people[1])
        known = await followed(source, known, STAFF)
        assert known.people[people[1]].active is False
        assert asked(org)[PERSON] == 0, "the search knew"
