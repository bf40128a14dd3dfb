"""The local Okta's System Log: polling that never ends and loses nothing, bounded queries, what is told and when."""

from __future__ import annotations

import pytest
from sandbox_okta_client import Service, add, client, code, new_org

LOGS = "/api/v1/logs"
ADDED = 'eventType eq "group.user_membership.add"'


async def poll(http, url, **params):
    """One page: its events, and the next link."""
    answer = await http.get(url, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.links["next"]["url"], answer.links["self"]["url"]


def kinds(events):
    return [event["eventType"] for event in events]


async def test_a_poll_goes_on_from_the_link_it_was_given_and_never_ends():
    org = new_org(2)
    ada, bob = org.users.roll
    async with client(org) as http:
        events, following, _ = await poll(http, LOGS, filter=ADDED)
        assert events == []
        team = org.groups.create("Team")
        org.groups.add_member(team.id, ada.id)
        org.groups.add_member(team.id, bob.id)
        first, following, _ = await poll(http, following)
        assert [{target["id"] for target in event["target"]} for event in first] == [
            {ada.id, team.id},
            {bob.id, team.id},
        ]
        empty, again, own = await poll(http, following)
        assert (empty, again) == ([], own)
        assert again == following, "the empty page names itself"
        org.groups.remove_member(team.id, ada.id)
        org.groups.add_member(team.id, ada.id)
        later, _, _ = await poll(http, again)
        assert kinds(later) == ["group.user_membership.add"]


async def test_an_event_has_the_members_of_recorded_ones():
    org = new_org(1)
    org.cell.clock.advance(0.265)
    [user] = org.users.roll
    org.users.suspend(user.id)
    async with client(org) as http:
        [event] = (await http.get(LOGS, params={"filter": 'eventType eq "user.lifecycle.suspend"'})).json()
    assert event["published"] == "2026-01-05T09:00:00.265Z"
    assert event["outcome"] == {"result": "SUCCESS", "reason": None}
    assert event["transaction"]["type"] == "WEB"
    assert [(target["type"], target["id"], target["alternateId"]) for target in event["target"]] == [
        ("User", user.id, "p0000@acme.example")
    ]
    assert {"uuid", "actor", "severity", "version", "displayMessage"} <= event.keys()


async def test_the_targets_of_a_membership_come_in_any_order():
    org = new_org(20)
    team = org.groups.create("Team")
    for user in list(org.users.roll):
        org.groups.add_member(team.id, user.id)
    async with client(org) as http:
        events = (await http.get(LOGS, params={"filter": ADDED})).json()
    assert {event["target"][0]["type"] for event in events} == {"User", "UserGroup"}


async def test_late_events_are_stored_behind_younger_ones_and_a_poll_loses_none():
    org = new_org(30, log_late=30.0)
    team = org.groups.create("Team")
    users = [user.id for user in org.users.roll]
    seen, following = [], None
    async with client(org) as http:
        for user in users:
            org.groups.add_member(team.id, user)
            org.cell.clock.advance(2.0)
            events, following, _ = await (poll(http, following) if following else poll(http, LOGS, filter=ADDED))
            seen += events
        assert len(seen) < 30, "some are not stored yet"
        org.cell.clock.advance(31.0)
        seen += (await poll(http, following))[0]
    published = [event["published"] for event in seen]
    assert published != sorted(published), "times jump back"
    assert {target["id"] for event in seen for target in event["target"] if target["type"] == "User"} == set(users)
    assert len({event["uuid"] for event in seen}) == 30


async def test_a_bounded_query_ends_goes_by_time_and_misses_what_is_late():
    org = new_org(0, log_late=30.0)
    team = org.groups.create("Team")
    for number in range(10):
        org.groups.add_member(team.id, add(org, f"n{number}").id)
    bounds = {"since": "2026-01-05T08:00:00Z", "until": "2026-01-05T10:00:00Z", "filter": ADDED}
    async with client(org) as http:
        org.cell.clock.advance(10.0)
        early = await http.get(LOGS, params=bounds)
        org.cell.clock.advance(21.0)
        whole = await http.get(LOGS, params=bounds)
        assert len(early.json()) < len(whole.json()) == 10
        assert "next" not in whole.links
        descending = await http.get(LOGS, params={"sortOrder": "DESCENDING", "limit": 2})
        assert len(descending.json()) == 2


async def test_pages_are_100_long_and_1000_at_most():
    org = new_org(1100)
    async with client(org) as http:
        first, following, _ = await poll(http, LOGS)
        assert len(first) == 100
        second, _, _ = await poll(http, following)
        assert not {event["uuid"] for event in first} & {event["uuid"] for event in second}
        assert len((await http.get(LOGS, params={"limit": 5000})).json()) == 1000


async def test_what_is_older_than_90_days_is_gone_and_since_180_days_is_refused():
    org = new_org(1)
    async with client(org) as http:
        since = "2026-01-01T00:00:00.000Z"
        [_], following, _ = await poll(http, LOGS, since=since)
        org.cell.clock.advance(91 * 86_400)
        assert (await poll(http, LOGS, since=since))[0] == []
        add(org, "new")
        assert len((await poll(http, following))[0]) == 1, "a kept link goes on"
        org.cell.clock.advance(90 * 86_400)
        assert code(await http.get(LOGS, params={"since": since})) == (400, "E0000001")
        assert code(await http.get(LOGS, params={"since": "yesterday"})) == (400, "E0000001")


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ('eventType eq "user.lifecycle.create"', 2),
        ('eventType sw "user." and not (eventType ew ".create")', 1),
        ('outcome.result ne "SUCCESS"', 1),
        ('target.type eq "UserGroup" or severity eq "INFO"', 4),
    ],
)
async def test_filters(expression, count):
    org = new_org(2)
    org.users.suspend("p0000@acme.example")
    org.log.add("group.lifecycle.delete", result="FAILURE")
    async with client(org) as http:
        assert len((await http.get(LOGS, params={"filter": expression})).json()) == count


async def test_a_bad_filter_has_the_logs_own_code():
    async with client(new_org()) as http:
        assert code(await http.get(LOGS, params={"filter": "eventType is good"})) == (400, "E0000053")
        assert code(await http.get("/api/v1/users", params={"filter": 'not (status eq "ACTIVE")'})) == (400, "E0000031")


async def test_what_the_org_was_seeded_with_is_not_told():
    org = new_org()
    group = org.groups.create("Old", at=org.founded)
    user = org.users.create({"login": "a@acme.example", "firstName": "A", "lastName": "B"}, at=org.founded)
    org.groups.add_member(group.id, user.id, at=org.founded)
    async with client(org) as http:
        assert (await http.get(LOGS)).json() == []


async def test_what_happens_to_people_groups_and_apps_is_told_by_name():
    org = new_org(1)
    [user] = org.users.roll
    group = org.groups.create("Team")
    app = org.apps.create("halo", "Desk")
    org.apps.assign_group(app.id, group.id)
    org.groups.add_member(group.id, user.id)
    org.groups.rename(group.id, {"name": "Crew"})
    org.users.update_profile(user.id, {"title": "Boss"})
    org.users.set_status(user.id, "LOCKED_OUT")
    org.users.unlock(user.id)
    org.users.deactivate(user.id)
    org.users.delete(user.id)
    org.groups.delete(group.id)
    async with client(org) as http:
        events = (await http.get(LOGS)).json()
    assert kinds(events) == [
        "user.lifecycle.create",
        "group.lifecycle.create",
        "application.lifecycle.create",
        "group.application_assignment.add",
        "application.user_membership.add",
        "group.user_membership.add",
        "group.profile.update",
        "user.account.update_profile",
        "user.account.lock",
        "user.account.unlock_by_admin",
        "user.lifecycle.deactivate",
        "application.user_membership.remove",
        "user.lifecycle.delete.initiated",
        "user.lifecycle.delete.completed",
        "group.lifecycle.delete",
        "group.application_assignment.remove",
    ]


@pytest.mark.parametrize("moves", [False, True])
async def test_a_deleted_user_leaves_groups_that_may_or_may_not_say_so(moves):
    org = new_org(2, delete_moves_membership=moves)
    team = org.groups.create("Team")
    for user in list(org.users.roll):
        org.groups.add_member(team.id, user.id)
    before = org.groups.membership_time(team)
    org.cell.clock.advance(60.0)
    org.users.delete("p0000@acme.example")
    org.users.delete("p0000@acme.example")
    assert len(org.groups.members(team.id)) == 1
    assert (org.groups.membership_time(team) > before) is moves


async def test_the_log_has_its_scope_and_its_small_bucket():
    org = new_org(1)
    service = Service(org, scopes=("okta.users.read",), dpop=False)
    access = (await service.token(scope="okta.users.read")).json()["access_token"]
    assert code(await service.get(LOGS, access)) == (403, "E0000006")
    async with client(org) as http:
        assert (await http.get(LOGS)).headers["x-rate-limit-limit"] == "60"
