"""The local Graph's groups, members of every type, applications, and what a permission lets an app see."""

import asyncio

import pytest
from sandbox_entra_client import BASE, EVERYTHING, add, client, code, group, new_tenant, rows, walk


@pytest.fixture
def tenant():
    tenant = new_tenant()
    ann, bob, cyd = (add(tenant, name) for name in ("ann", "bob", "cyd"))
    inner = group(tenant, "inner", bob, cyd)
    group(tenant, "outer", ann, inner, tenant.directory.find(tenant.application.principal_id))
    return tenant


def key(tenant, name, sort="group"):
    return tenant.directory.named(name, sort)[0].id


def names(answer):
    return [row["displayName"] for row in answer.json()["value"]]


async def test_groups_come_with_all_their_main_properties_and_names_are_not_unique(tenant):
    group(tenant, "inner")
    async with client(tenant) as http:
        answer = await http.get("/v1.0/groups")
        filtered = await http.get("/v1.0/groups?$filter=displayName eq 'inner'&$select=id")
        one = await http.get(f"/v1.0/groups/{key(tenant, 'outer')}")
    assert names(answer) == ["inner", "outer", "inner"]
    row = answer.json()["value"][0]
    assert (row["groupTypes"], row["securityEnabled"], row["mail"], row["isAssignableToRole"]) == ([], True, None, None)
    assert "members" not in row
    assert len({row["id"] for row in filtered.json()["value"]}) == 2
    assert one.json()["displayName"] == "outer"


async def test_members_are_of_every_type_and_direct(tenant):
    async with client(tenant) as http:
        answer = await http.get(f"/v1.0/groups/{key(tenant, 'outer')}/members?$select=id,displayName,mail,appId")
    kinds = {row["displayName"]: row["@odata.type"] for row in answer.json()["value"]}
    assert kinds == {
        "ann": "#microsoft.graph.user",
        "inner": "#microsoft.graph.group",
        "crosskey": "#microsoft.graph.servicePrincipal",
    }
    by_name = {row["displayName"]: row for row in answer.json()["value"]}
    assert "appId" not in by_name["ann"]
    assert by_name["crosskey"]["appId"] == tenant.application.client_id
    assert answer.json()["@odata.context"] == f"{BASE}/v1.0/$metadata#directoryObjects(id,displayName,mail,appId)"


async def test_a_cast_keeps_one_type_and_drops_its_mark(tenant):
    path = f"/v1.0/groups/{key(tenant, 'outer')}/members"
    async with client(tenant) as http:
        users = await http.get(f"{path}/microsoft.graph.user")
        groups = await http.get(f"{path}/microsoft.graph.group")
        assert names(users) == ["ann"]
        assert names(groups) == ["inner"]
        assert "@odata.type" not in users.json()["value"][0]
        assert users.json()["@odata.context"].endswith("#users")
        query = "$filter=startswith(displayName,'a')"
        assert code(await http.get(f"{path}/microsoft.graph.user?{query}")) == (400, "Request_UnsupportedQuery")
        eventual = {"consistencylevel": "eventual"}
        advanced = await http.get(f"{path}/microsoft.graph.user?{query}&$count=true", headers=eventual)
        assert advanced.json()["@odata.count"] == 1
        assert code(await http.get(f"{path}/microsoft.graph.robot")) == (400, "BadRequest")


async def test_transitive_members_are_each_once_even_in_a_circle(tenant):
    inner, outer = key(tenant, "inner"), key(tenant, "outer")
    tenant.directory.add_member(inner, outer)
    tenant.directory.add_member(inner, "ann@acme.example")
    async with client(tenant) as http:
        every = await http.get(f"/v1.0/groups/{outer}/transitiveMembers")
        users = await walk(http, f"/v1.0/groups/{outer}/transitiveMembers/microsoft.graph.user?$top=2")
    assert sorted(names(every)) == ["ann", "bob", "crosskey", "cyd", "inner", "outer"]
    assert [row["displayName"] for row in rows(users)] == ["ann", "bob", "cyd"]
    assert len(users) == 2


async def test_transitive_members_are_up_to_date(tenant):
    path = f"/v1.0/groups/{key(tenant, 'outer')}/transitiveMembers/microsoft.graph.user"
    async with client(tenant) as http:
        assert len(names(await http.get(path))) == 3
        tenant.directory.remove_member(key(tenant, "inner"), "bob@acme.example")
        assert names(await http.get(path)) == ["ann", "cyd"]


async def test_groups_of_a_user(tenant):
    async with client(tenant) as http:
        direct = await http.get("/v1.0/users/bob@acme.example/memberOf")
        every = await http.get("/v1.0/users/bob@acme.example/transitiveMemberOf/microsoft.graph.group?$select=id")
    assert names(direct) == ["inner"]
    assert {row["id"] for row in every.json()["value"]} == {key(tenant, "inner"), key(tenant, "outer")}


async def test_an_expanded_collection_ends_after_twenty_without_a_link():
    tenant = new_tenant()
    group(tenant, "large", *(add(tenant, f"p{number:02}") for number in range(30)))
    async with client(tenant) as http:
        row = (await http.get("/v1.0/groups?$expand=members($select=id)")).json()["value"][0]
    assert len(row["members"]) == 20
    assert not [name for name in row if "nextLink" in name]


async def test_members_come_in_pages_and_deleted_ones_are_not_among_them():
    tenant = new_tenant()
    people = [add(tenant, f"p{number:03}") for number in range(250)]
    large = group(tenant, "large", *people)
    tenant.directory.delete(people[3].id)
    path = f"/v1.0/groups/{large.id}/members?$select=id"
    async with client(tenant) as http:
        pages = await walk(http, path)
        assert [len(page["value"]) for page in pages] == [100, 100, 49]
        tenant.directory.restore(people[3].id)
        assert len(rows(await walk(http, f"{path}&$top=999"))) == 250
        tenant.directory.delete(large.id)
        assert code(await http.get(path)) == (404, "Request_ResourceNotFound")


async def test_a_deleted_group_can_come_back_with_its_members(tenant):
    inner = key(tenant, "inner")
    async with client(tenant, *EVERYTHING) as http:
        assert (await http.delete(f"/v1.0/groups/{inner}")).status_code == 204
        assert names(await http.get(f"/v1.0/groups/{key(tenant, 'outer')}/members/microsoft.graph.group")) == []
        assert names(await http.get("/v1.0/directory/deletedItems/microsoft.graph.group")) == ["inner"]
        await http.post(f"/v1.0/directory/deletedItems/{inner}/restore")
        assert names(await http.get(f"/v1.0/groups/{inner}/members")) == ["bob", "cyd"]


async def test_objects_by_id_leave_out_what_is_not_there(tenant):
    ids = [key(tenant, "ann", "user"), key(tenant, "inner"), "00000000-0000-4000-8000-00000000dead"]
    async with client(tenant) as http:
        answer = await http.post("/v1.0/directoryObjects/getByIds", json={"ids": ids})
        typed = await http.post("/v1.0/directoryObjects/getByIds", json={"ids": ids, "types": ["user"]})
        many = await http.post("/v1.0/directoryObjects/getByIds", json={"ids": ["x"] * 1001})
    assert names(answer) == ["ann", "inner"]
    assert names(typed) == ["ann"]
    assert code(many) == (400, "Request_BadRequest")


# --------------------------------------------------------------------------------------------------------- applications


async def test_service_principals_are_found_by_application_id_and_name(tenant):
    app = tenant.application
    async with client(tenant) as http:
        for query in (f"$filter=appId eq '{app.client_id}'", "$filter=displayName eq 'crosskey'"):
            found = (await http.get(f"/v1.0/servicePrincipals?{query}")).json()["value"]
            assert [row["id"] for row in found] == [app.principal_id]
        by_key = await http.get(f"/v1.0/servicePrincipals(appId='{app.client_id}')")
        assert by_key.json()["id"] == app.principal_id
        unknown = await http.get("/v1.0/servicePrincipals(appId='nothing')")
    assert code(unknown) == (404, "Request_ResourceNotFound")


async def test_who_may_use_an_application_comes_in_pages(tenant):
    wiki = tenant.applications.register("Wiki", ())
    for name, sort in (("inner", "group"), ("ann", "user")):
        tenant.assignments.assign(wiki.principal_id, key(tenant, name, sort))
    taken_back = tenant.assignments.assign(wiki.principal_id, key(tenant, "outer"))
    tenant.assignments.unassign(taken_back)
    path = f"/v1.0/servicePrincipals/{wiki.principal_id}/appRoleAssignedTo"
    async with client(tenant) as http:
        found = rows(await walk(http, f"{path}?$top=1"))
        assert [(row["principalDisplayName"], row["principalType"]) for row in found] == [
            ("inner", "Group"),
            ("ann", "User"),
        ]
        assert {row["appRoleId"] for row in found} == {"00000000-0000-0000-0000-000000000000"}
        tenant.directory.delete("ann@acme.example")
        assert len((await http.get(path)).json()["value"]) == 1


async def test_granted_permissions_show_as_assignments_to_graph(tenant):
    async with client(tenant) as http:
        graph = (await http.get("/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")).json()
        path = f"/v1.0/servicePrincipals/{tenant.application.principal_id}/appRoleAssignments"
        granted = {row["appRoleId"] for row in (await http.get(path)).json()["value"]}
    known = {role["id"]: role["value"] for role in graph["appRoles"]}
    assert {known[role] for role in granted} == set(tenant.application.roles)
    assert known["df021288-bdef-4463-88db-98f22de89214"] == "User.Read.All"


# ---------------------------------------------------------------------------------------------------------- permissions


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/v1.0/users", "User.Read.All"),
        ("/v1.0/users/delta", "User.Read.All"),
        ("/v1.0/groups", "GroupMember.Read.All"),
        ("/v1.0/groups/delta", "GroupMember.Read.All"),
        ("/v1.0/organization", "Organization.Read.All"),
        ("/v1.0/servicePrincipals", "Application.Read.All"),
        ("/v1.0/directory/deletedItems/microsoft.graph.user", "User.Read.All"),
        ("/v1.0/directory/deletedItems/microsoft.graph.group", "Group.Read.All"),
    ],
)
async def test_each_list_needs_its_permission(tenant, path, role):
    async with client(tenant, "AuditLog.Read.All") as nobody, client(tenant, role) as somebody:
        refused = await nobody.get(path)
        assert code(refused) == (403, "Authorization_RequestDenied")
        assert refused.json()["error"]["message"] == "Insufficient privileges to complete the operation."
        assert (await somebody.get(path)).status_code == 200


async def test_reading_does_not_let_an_app_write(tenant):
    user = key(tenant, "ann", "user")
    async with client(tenant, "Directory.Read.All") as http:
        assert code(await http.delete(f"/v1.0/users/{user}")) == (403, "Authorization_RequestDenied")
        tenant.directory.delete(user)
        answer = await http.post(f"/v1.0/directory/deletedItems/{user}/restore")
    assert code(answer) == (403, "Authorization_RequestDenied")


async def test_members_of_a_type_that_may_not_be_read_have_an_id_and_nulls(tenant):
    async with client(tenant, "GroupMember.Read.All") as http:
        found = (await http.get(f"/v1.0/groups/{key(tenant, 'outer')}/members")).json()["value"]
        narrow = (await http.get(f"/v1.0/groups/{key(tenant, 'inner')}/members?$select=id,mail")).json()["value"]
    ann, inner, app = found
    assert (ann["id"], ann["@odata.type"]) == (key(tenant, "ann", "user"), "#microsoft.graph.user")
    assert {value for name, value in ann.items() if name not in {"id", "@odata.type"}} == {None}
    assert inner["displayName"] == "inner"
    assert app["appId"] is None
    assert [set(row) for row in narrow] == [{"@odata.type", "id", "mail"}] * 2


# ---------------------------------------------------------------------------------------------------------- consistency


async def test_reads_can_be_behind_for_a_while():
    tenant = new_tenant(people=3, replication_lag=5.0)
    clock = tenant.cell.clock
    team = group(tenant, "team", tenant.directory.find("p0000@acme.example"))
    clock.advance(10)
    tenant.directory.update("p0000@acme.example", {"displayName": "renamed"})
    tenant.directory.delete("p0001@acme.example")
    add(tenant, "fresh")
    tenant.directory.add_member(team.id, "p0002@acme.example")
    tenant.directory.remove_member(team.id, "p0000@acme.example")
    async with client(tenant) as http:
        assert names(await http.get("/v1.0/users")) == ["p0000", "p0001", "p0002"]
        assert names(await http.get(f"/v1.0/groups/{team.id}/members")) == ["p0000"]
        assert (await http.get("/v1.0/users/fresh@acme.example")).status_code == 404
        clock.advance(5)
        assert names(await http.get("/v1.0/users")) == ["renamed", "p0002", "fresh"]
        assert names(await http.get(f"/v1.0/groups/{team.id}/members")) == ["p0002"]
        assert (await http.get("/v1.0/users/fresh@acme.example")).status_code == 200


async def test_only_some_reads_can_be_behind():
    tenant = new_tenant(replication_lag=5.0, lagging_reads=2)
    add(tenant, "fresh")
    async with client(tenant) as http:
        assert [len(names(await http.get("/v1.0/users"))) for _ in range(4)] == [1, 0, 1, 0]


async def test_changes_and_reads_from_many_threads():
    tenant = new_tenant(people=40, throttling=False)  # how often it reads meanwhile depends on the machine
    team = group(tenant, "team")
    ids = [user.id for user in tenant.directory.live("user")]

    def shuffle(start: int) -> None:
        for key_ in ids[start::4] * 5:
            tenant.directory.add_member(team.id, key_)
            tenant.directory.update(key_, {"jobTitle": str(start)})

    async with client(tenant) as http:
        work = asyncio.gather(*(asyncio.to_thread(shuffle, start) for start in range(4)))
        while not work.done():
            assert (await http.get(f"/v1.0/groups/{team.id}/members")).status_code == 200
            await asyncio.sleep(0)
        await work
        assert len(rows(await walk(http, f"/v1.0/groups/{team.id}/members"))) == 40
