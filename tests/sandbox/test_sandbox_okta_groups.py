"""The local Okta's groups and applications: members, times, counts, assignments."""

import pytest
from sandbox_okta_client import add, client, code, ids, new_org, walk


async def test_everyone_holds_every_user_in_every_status():
    org = new_org(people=3)
    org.users.deactivate("p0000")
    org.users.suspend("p0001")
    async with client(org) as http:
        (everyone,) = (await http.get("/api/v1/groups?q=every")).json()
        rows = (await http.get(f"/api/v1/groups/{everyone['id']}/users")).json()
        assert code(await http.delete(f"/api/v1/groups/{everyone['id']}/users/p0002")) == (403, "E0000006")
    assert everyone["type"] == "BUILT_IN"
    assert {row["status"] for row in rows} == {"DEPROVISIONED", "SUSPENDED", "ACTIVE"}


async def test_members_come_in_pages_of_at_most_a_thousand_or_two_hundred():
    org = new_org(people=1001)
    path = f"/api/v1/groups/{org.groups.everyone.id}/users"
    async with client(org) as http:
        assert [len(page) for page in await walk(http, f"{path}?limit=5000")] == [1000, 1]
        org.quirks = type(org.quirks)(members_limit=200)
        pages = await walk(http, path)
    assert [len(page) for page in pages] == [200] * 5 + [1]
    assert len(set(ids(pages))) == 1001


async def test_joining_and_leaving_moves_only_the_membership_time():
    org = new_org(people=1)
    group = org.groups.create("Service Desk")
    path = f"/api/v1/groups/{group.id}"
    async with client(org) as http:
        before = (await http.get(path)).json()
        user_before = (await http.get("/api/v1/users/p0000")).json()
        org.cell.clock.advance(90)
        for _ in range(2):  # the second time is no change
            assert (await http.put(f"{path}/users/{user_before['id']}")).status_code == 204
        joined = (await http.get(path)).json()
        assert ids([(await http.get("/api/v1/users/p0000/groups")).json()]) == [org.groups.everyone.id, group.id]
        org.cell.clock.advance(90)
        assert (await http.delete(f"{path}/users/{user_before['id']}")).status_code == 204
        left = (await http.get(path)).json()
        assert (await http.get("/api/v1/users/p0000")).json() == user_before
    times = [row["lastMembershipUpdated"] for row in (before, joined, left)]
    assert times == ["2026-01-05T09:00:00.000Z", "2026-01-05T09:01:30.000Z", "2026-01-05T09:03:00.000Z"]
    assert before["lastUpdated"] == joined["lastUpdated"] == left["lastUpdated"]


async def test_the_membership_time_can_be_late_even_on_a_direct_read():
    org = new_org(people=1, membership_lag=6.0)
    group = org.groups.create("Service Desk")
    org.cell.clock.advance(60)
    org.groups.add_member(group.id, "p0000")
    changed = {"filter": 'lastMembershipUpdated gt "2026-01-05T09:00:30.000Z"'}
    async with client(org) as http:
        path = f"/api/v1/groups/{group.id}"
        assert (await http.get(path)).json()["lastMembershipUpdated"] == "2026-01-05T09:00:00.000Z"
        assert (await http.get("/api/v1/groups", params=changed)).json() == []
        assert len((await http.get(f"{path}/users")).json()) == 1
        org.cell.clock.advance(6)
        assert (await http.get(path)).json()["lastMembershipUpdated"] == "2026-01-05T09:01:00.000Z"
        assert ids([(await http.get("/api/v1/groups", params=changed)).json()]) == [group.id]


async def test_group_names_need_not_be_unique_and_q_is_a_prefix():
    org = new_org()
    twins = [org.groups.create("Project Phoenix").id, org.groups.create("Project Phoenix", "").id]
    async with client(org) as http:
        answer = await http.get("/api/v1/groups?q=project p")
    assert ids([answer.json()]) == twins
    assert "link" not in answer.headers
    assert [row["profile"]["description"] for row in answer.json()] == [None, ""]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"filter": 'type eq "BUILT_IN"'}, ["Everyone"]),
        ({"filter": 'lastUpdated gt "2026-01-01T00:00:00.000Z"'}, ["IT", "Sales"]),
        ({"search": 'profile.name co "ALE"'}, ["Sales"]),
        ({"search": 'type eq "OKTA_GROUP" and profile.name sw "i"'}, ["IT"]),
    ],
)
async def test_groups_are_narrowed(query, expected):
    org = new_org()
    org.groups.create("IT")
    org.groups.create("Sales")
    async with client(org) as http:
        rows = (await http.get("/api/v1/groups", params=query)).json()
    assert [row["profile"]["name"] for row in rows] == expected


@pytest.mark.parametrize("query", [{"filter": 'profile.name eq "IT"'}, {"search": 'created co "2026"'}])
async def test_groups_refuse_what_their_language_does_not_have(query):
    async with client(new_org()) as http:
        assert code(await http.get("/api/v1/groups", params=query)) == (400, "E0000031")


async def test_a_list_without_a_limit_is_short_on_new_and_long_on_old_organisations():
    org = new_org()
    for number in range(249):
        org.groups.create(f"Project {number}")
    async with client(org) as http:
        assert [len(page) for page in await walk(http, "/api/v1/groups")] == [200, 50]
        org.quirks = type(org.quirks)(groups_default_limit=10_000)
        answer = await http.get("/api/v1/groups")
        assert len(answer.json()) == 250
        assert "limit=10000" in answer.links["self"]["url"]


async def test_stats_count_users_and_applications():
    org = new_org(people=3)
    group = org.groups.create("IT")
    org.groups.add_member(group.id, "p0001")
    org.apps.assign_group(org.apps.create("oidc_client", "Wiki").id, group.id)
    async with client(org) as http:
        rows = (await http.get("/api/v1/groups?expand=stats")).json()
    counts = {row["profile"]["name"]: row["_embedded"]["stats"] for row in rows}
    assert (counts["IT"]["usersCount"], counts["IT"]["appsCount"]) == (1, 1)
    assert counts["Everyone"]["usersCount"] == 3


async def test_groups_are_made_renamed_and_deleted_over_http():
    org = new_org(people=1)
    async with client(org) as http:
        made = (await http.post("/api/v1/groups", json={"profile": {"name": "New", "description": "x"}})).json()
        path = f"/api/v1/groups/{made['id']}"
        await http.put(f"{path}/users/p0000")
        app = org.apps.create("oidc_client", "Wiki")
        org.apps.assign_group(app.id, made["id"])
        assert len((await http.get(f"/api/v1/apps/{app.id}/users")).json()) == 1
        org.cell.clock.advance(1)
        renamed = (await http.put(path, json={"profile": {"name": "Newer"}})).json()
        assert renamed["profile"] == {"name": "Newer"}
        assert renamed["lastUpdated"] == "2026-01-05T09:00:01.000Z"
        assert (await http.delete(path)).status_code == 204
        assert code(await http.get(f"{path}/users")) == (404, "E0000007")
        assert len((await http.get("/api/v1/users/p0000/groups")).json()) == 1
        assert (await http.get(f"/api/v1/apps/{app.id}/users")).json() == []
        assert code(await http.post("/api/v1/groups", json={"profile": {}})) == (400, "E0000001")


async def test_a_deleted_user_vanishes_from_member_lists():
    org = new_org(people=2)
    org.users.delete("p0000")
    path = f"/api/v1/groups/{org.groups.everyone.id}/users"
    async with client(org) as http:
        assert len((await http.get(path)).json()) == 2
        org.users.delete("p0000")
        assert len((await http.get(path)).json()) == 1


async def test_application_users_come_directly_or_through_a_group():
    org = new_org(people=3)
    app, group = org.apps.create("oidc_client", "Wiki", "OPENID_CONNECT"), org.groups.create("IT")
    path = f"/api/v1/apps/{app.id}"
    async with client(org) as http:

        async def scopes():
            rows = (await http.get(f"{path}/users?expand=user")).json()
            return {row["_embedded"]["user"]["profile"]["firstName"]: row["scope"] for row in rows}

        await http.put(f"{path}/groups/{group.id}")
        await http.put(f"/api/v1/groups/{group.id}/users/p0000")
        await http.put(f"/api/v1/groups/{group.id}/users/p0001")
        await http.post(f"{path}/users", json={"id": org.users.find("p0002").id})
        assert await scopes() == {"p0000": "GROUP", "p0001": "GROUP", "p0002": "USER"}
        await http.delete(f"/api/v1/groups/{group.id}/users/p0000")
        org.users.deactivate("p0001")
        org.users.deactivate("p0002")
        assert await scopes() == {}
        assert [row["status"] for row in (await http.get(f"/api/v1/groups/{group.id}/users")).json()] == [
            "DEPROVISIONED"
        ]
        org.users.activate("p0001")
        assert await scopes() == {"p0001": "GROUP"}
        assert ids([(await http.get(f"/api/v1/groups/{group.id}/apps")).json()]) == [app.id]
        (assigned,) = (await http.get(f"{path}/groups?expand=group")).json()
        assert assigned["_embedded"]["group"]["profile"]["name"] == "IT"
        await http.delete(f"{path}/groups/{group.id}")
        assert await scopes() == {}


async def test_application_pages_hold_fifty_or_five_hundred_and_their_cursor_has_its_own_error():
    org = new_org(people=501)
    app = org.apps.create("oidc_client", "Wiki")
    org.apps.assign_group(app.id, org.groups.everyone.id)
    path = f"/api/v1/apps/{app.id}/users"
    async with client(org) as http:
        assert len((await http.get(path)).json()) == 50
        assert [len(page) for page in await walk(http, f"{path}?limit=900")] == [500, 1]
        assert code(await http.get(f"{path}?after=abc")) == (400, "E0000029")
        assert code(await http.get(f"/api/v1/apps/{app.id}/groups?limit=5")) == (400, "E0000001")
        assert code(await http.get(f"{path}?limit=many")) == (400, "E0000001")


async def test_an_application_is_deactivated_before_it_is_deleted():
    org = new_org()
    app = org.apps.create("oidc_client", "Wiki")
    path = f"/api/v1/apps/{app.id}"
    async with client(org) as http:
        assert ids([(await http.get("/api/v1/apps?q=wi")).json()]) == [app.id]
        assert code(await http.delete(path)) == (403, "E0000056")
        assert (await http.post(f"{path}/lifecycle/deactivate")).status_code == 200
        assert (await http.get("/api/v1/apps", params={"filter": 'status eq "ACTIVE"'})).json() == []
        assert (await http.delete(path)).status_code == 204
        assert code(await http.get(path)) == (404, "E0000007")


async def test_an_application_takes_no_deprovisioned_user():
    org = new_org()
    user = add(org, "ann")
    org.users.deactivate(user.id)
    app = org.apps.create("oidc_client", "Wiki")
    async with client(org) as http:
        assert code(await http.post(f"/api/v1/apps/{app.id}/users", json={"id": user.id})) == (403, "E0000038")


async def test_an_assignment_of_somebody_who_also_has_a_group_falls_back_to_the_group():
    org = new_org(people=1)
    app = org.apps.create("oidc_client", "Wiki")
    user = org.users.find("p0000")
    path = f"/api/v1/apps/{app.id}/users"
    async with client(org) as http:
        org.apps.assign_group(app.id, org.groups.everyone.id)
        assert (await http.post(path, json={"id": user.id})).json()["scope"] == "USER"
        assert (await http.delete(f"{path}/{user.id}")).status_code == 204
        assert [row["scope"] for row in (await http.get(path)).json()] == ["GROUP"]
        assert (await http.get(f"{path}?q=nobody")).json() == []
        org.apps.unassign_group(app.id, org.groups.everyone.id)
        assert code(await http.delete(f"{path}/{user.id}")) == (404, "E0000007")
