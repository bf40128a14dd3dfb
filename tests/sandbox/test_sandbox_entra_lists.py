"""The local Graph's lists: what they hold, how they are narrowed and cut into pages, and single objects."""

import re

import httpx
import pytest
from sandbox_entra_client import BASE, EVERYTHING, GUID, add, client, code, group, new_tenant, rows, walk

DEFAULT = {
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
}


async def test_a_user_has_eleven_properties_unless_others_are_selected():
    tenant = new_tenant()
    add(tenant, "ann", department="IT", businessPhones=["+44 20 7946 0001"])
    add(tenant, "bob", mail=None)
    async with client(tenant) as http:
        plain = (await http.get("/v1.0/users")).json()
        chosen = (await http.get("/v1.0/users?$select=id,department,accountEnabled,mail")).json()
    assert [set(row) for row in plain["value"]] == [DEFAULT, DEFAULT]
    assert plain["value"][1]["businessPhones"] == []
    assert plain["value"][1]["mail"] is None
    assert plain["@odata.context"] == f"{BASE}/v1.0/$metadata#users"
    assert chosen["@odata.context"] == f"{BASE}/v1.0/$metadata#users(id,department,accountEnabled,mail)"
    assert [(row["department"], row["accountEnabled"]) for row in chosen["value"]] == [("IT", True), (None, True)]
    assert set(chosen["value"][0]) == {"id", "department", "accountEnabled", "mail"}


async def test_extensions_come_only_when_selected_and_only_where_they_have_a_value():
    name = "extension_0123456789abcdef0123456789abcdef_badge"
    tenant = new_tenant()
    add(tenant, "ann", **{name: "A-1", "onPremisesExtensionAttributes": {"extensionAttribute1": "x"}})
    add(tenant, "bob")
    async with client(tenant) as http:
        ann, bob = (await http.get(f"/v1.0/users?$select=id,{name},onPremisesExtensionAttributes")).json()["value"]
    assert ann[name] == "A-1"
    assert name not in bob
    assert bob["onPremisesExtensionAttributes"]["extensionAttribute15"] is None


async def test_pages_have_100_rows_or_as_many_as_asked_up_to_999():
    tenant = new_tenant(people=250)
    async with client(tenant) as http:
        plain = await walk(http, "/v1.0/users?$select=id")
        large = await walk(http, "/v1.0/users?$top=999")
        exact = await walk(http, "/v1.0/users?$top=125")
    assert [len(page["value"]) for page in plain] == [100, 100, 50]
    assert [len(page["value"]) for page in large] == [250]
    assert [len(page["value"]) for page in exact] == [125, 125]
    assert len({row["id"] for row in rows(plain)}) == 250
    assert plain[0]["@odata.nextLink"].startswith(f"{BASE}/v1.0/users?$select=id&$skiptoken=")
    assert plain[1]["@odata.context"].endswith("#users(id)")


async def test_the_service_may_give_smaller_pages_than_asked():
    async with client(new_tenant(people=25, page_cap=10)) as http:
        assert [len(page["value"]) for page in await walk(http, "/v1.0/users?$top=999")] == [10, 10, 5]


@pytest.mark.parametrize("spoil", [lambda t: t[:-3], lambda t: "A" + t[1:], lambda t: t[::-1], lambda t: "*"])
async def test_an_altered_page_token_is_refused(spoil):
    async with client(new_tenant(people=3)) as http:
        following = (await http.get("/v1.0/users?$top=2")).json()["@odata.nextLink"]
        start, _, token = following.partition("$skiptoken=")
        assert code(await http.get(f"{start}$skiptoken={spoil(token)}")) == (400, "Request_BadRequest")


async def test_a_page_token_belongs_to_its_listing_and_its_tenant():
    tenant = new_tenant(people=3)
    group(tenant, "g")
    async with client(tenant) as http, client(new_tenant(people=3)) as same:
        link = (await http.get("/v1.0/users?$top=2")).json()["@odata.nextLink"]
        assert (await same.get(link)).status_code == 200  # the same seed: the same tenant
        for other in (link.replace("/users", "/groups"), link.replace("$top=2", "$top=3"), f"{link}&$select=id"):
            assert code(await http.get(other)) == (400, "Request_BadRequest")


async def test_a_next_link_can_grow_old_and_asking_again_never_helps():
    tenant = new_tenant(people=3, page_token_life=60.0)
    async with client(tenant) as http:
        link = (await http.get("/v1.0/users?$top=2")).json()["@odata.nextLink"]
        tenant.cell.clock.advance(61)
        for _ in range(2):
            assert code(await http.get(link)) == (400, "Directory_ExpiredPageToken")
        assert (await http.get("/v1.0/users?$top=2")).status_code == 200


async def test_a_place_stays_good_when_people_before_it_leave():
    tenant = new_tenant(people=6)
    async with client(tenant) as http:
        first = (await http.get("/v1.0/users?$top=3")).json()
        tenant.directory.delete(first["value"][0]["id"])
        second = (await http.get(first["@odata.nextLink"])).json()
    assert [row["displayName"] for row in second["value"]] == ["p0003", "p0004", "p0005"]


async def test_links_can_name_another_host():
    async with client(new_tenant(people=3, link_host="graph.else.example:8443")) as http:
        body = (await http.get("/v1.0/users?$top=2")).json()
    assert httpx.URL(body["@odata.nextLink"]).netloc == b"graph.else.example:8443"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$top=1000", (400, "Request_UnsupportedQuery")),
        ("$top=0", (400, "Request_UnsupportedQuery")),
        ("$skip=10", (400, "Request_BadRequest")),
        ("$select=id,nickName", (400, "BadRequest")),
        ("$select=id,skills", (501, "NotImplemented")),
        ("$expand=photo", (400, "BadRequest")),
        ("$filter=department eq", (400, "BadRequest")),
        ("$filter=department is 'IT'", (400, "BadRequest")),
        ("$filter=(department eq 'IT'", (400, "BadRequest")),
        ("$filter=department ne 'IT'", (400, "Request_UnsupportedQuery")),
        ("$filter=not startswith(displayName,'a')", (400, "Request_UnsupportedQuery")),
        ("$filter=endswith(mail,'example')", (400, "Request_UnsupportedQuery")),
        ("$filter=accountEnabled eq true&$orderby=displayName", (400, "Request_UnsupportedQuery")),
        ('$search="displayName:a"', (400, "Request_UnsupportedQuery")),
    ],
)
async def test_what_graph_does_not_answer_is_refused(query, expected):
    async with client(new_tenant(people=1)) as http:
        assert code(await http.get(f"/v1.0/users?{query}")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("department eq 'it'", {"cyd"}),
        ("department eq 'Sales' and accountEnabled eq false", {"bob"}),
        ("startswith(displayName,'A') or startsWith(userPrincipalName,'c')", {"ann", "cyd"}),
        ("displayName in ('ann', 'CYD', 'nobody')", {"ann", "cyd"}),
        ("(department eq 'IT' or jobTitle eq 'Head') and userType eq 'Member'", {"ann", "cyd"}),
        ("employeeOrgData/division eq 'Business'", {"ann"}),
        ("proxyAddresses/any(p:p eq 'smtp:bo@acme.example')", {"bob"}),
        ("jobTitle eq 'Chief of O''Neill & Co'", {"bob"}),
        ("createdDateTime ge 2026-01-05T09:00:00Z", {"ann", "bob", "cyd"}),
        ("createdDateTime gt 2026-01-05T09:00:00Z", set()),
    ],
)
async def test_filter(text, expected):
    tenant = new_tenant()
    add(tenant, "ann", department="Sales", jobTitle="Head", employeeOrgData={"division": "Business"})
    bo = ["SMTP:bob@acme.example", "smtp:bo@acme.example"]
    add(tenant, "bob", department="SALES", accountEnabled=False, jobTitle="Chief of O'Neill & Co", proxyAddresses=bo)
    add(tenant, "cyd", department="IT")
    async with client(tenant) as http:
        answer = await http.get("/v1.0/users", params={"$filter": text})
    assert {row["displayName"] for row in answer.json()["value"]} == expected


async def test_advanced_queries_need_the_header_and_the_count_on_every_page():
    tenant = new_tenant(people=5)
    query = {"$filter": "displayName ne 'p0002' and endswith(mail,'.EXAMPLE')", "$count": "true", "$top": "3"}
    async with client(tenant) as http:
        answer = await http.get("/v1.0/users", params=query, headers={"consistencylevel": "eventual"})
        link = answer.json()["@odata.nextLink"]
        without = await http.get(link)
        second = await http.get(link, headers={"consistencylevel": "eventual"})
        ignored = await http.get("/v1.0/users?$count=true")
    assert answer.json()["@odata.count"] == 4
    assert code(without) == (400, "Request_UnsupportedQuery")
    assert [row["displayName"] for row in second.json()["value"]] == ["p0004"]
    assert "@odata.count" not in second.json()
    assert "@odata.count" not in ignored.json()


async def test_a_bare_count_needs_the_header_too():
    tenant = new_tenant(people=5)
    tenant.directory.delete("p0001@acme.example")
    async with client(tenant) as http:
        assert (await http.get("/v1.0/users/$count")).status_code == 400
        answer = await http.get("/v1.0/users/$count", headers={"consistencylevel": "eventual"})
    assert (answer.text, answer.headers["content-type"]) == ("4", "text/plain")


async def test_search_and_order():
    tenant = new_tenant()
    for name in ("bob", "dan", "ann", "cyd"):
        add(tenant, name, displayName=f"{name} Prince")
    async with client(tenant, consistencylevel="eventual") as http:
        pages = await walk(http, "/v1.0/users?$orderby=displayName desc&$top=3")
        found = await http.get('/v1.0/users?$search="displayName:prin"&$count=true')
        none = await http.get('/v1.0/users?$search="displayName:rince"')
    assert [row["displayName"][:3] for row in rows(pages)] == ["dan", "cyd", "bob", "ann"]
    assert found.json()["@odata.count"] == 4
    assert none.json()["value"] == []


async def test_the_manager_can_come_along_and_is_simply_missing_where_there_is_none():
    tenant = new_tenant()
    boss = add(tenant, "ann")
    add(tenant, "bob")
    tenant.directory.set_manager("bob@acme.example", boss.id)
    async with client(tenant) as http:
        ann, bob = (await http.get("/v1.0/users?$select=id&$expand=manager($select=id,mail)")).json()["value"]
        assert ann == {"id": boss.id}
        assert bob["manager"] == {"@odata.type": "#microsoft.graph.user", "id": boss.id, "mail": "ann@acme.example"}
        assert (await http.get(f"/v1.0/users/{bob['id']}/manager")).json()["id"] == boss.id
        assert code(await http.get(f"/v1.0/users/{boss.id}/manager")) == (404, "Request_ResourceNotFound")
        tenant.directory.delete(boss.id)
        assert "manager" not in (await http.get("/v1.0/users?$expand=manager")).json()["value"][0]


async def test_one_user_by_id_or_principal_name_even_a_guests():
    tenant = new_tenant()
    guest = add(tenant, "jo", userPrincipalName="jo_partner.example#EXT#@acme.onmicrosoft.example", userType="Guest")
    async with client(tenant) as http:
        for who in (guest.id, "JO_partner.example%23EXT%23@acme.onmicrosoft.example"):
            for path in (f"/v1.0/users/{who}", f"/v1.0/users('{who}')"):
                answer = await http.get(f"{path}?$select=id,userType")
                assert answer.json()["id"] == guest.id
        assert answer.json()["@odata.context"] == f"{BASE}/v1.0/$metadata#users(id,userType)/$entity"
        assert code(await http.get("/v1.0/users/nobody")) == (404, "Request_ResourceNotFound")


async def test_every_answer_can_be_traced():
    tenant = new_tenant(people=1)
    async with client(tenant) as http:
        good = await http.get("/v1.0/users", headers={"client-request-id": "11111111-2222-4333-8444-555555555555"})
        bad = await http.get("/v1.0/users/nobody")
    for answer in (good, bad):
        assert re.fullmatch(GUID, answer.headers["request-id"])
        assert answer.headers["date"] == "Mon, 05 Jan 2026 09:00:00 GMT"
        assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]
    assert good.headers["client-request-id"] == "11111111-2222-4333-8444-555555555555"
    assert good.headers["content-type"].startswith("application/json;odata.metadata=minimal")
    inner = bad.json()["error"]["innerError"]
    assert inner["request-id"] == bad.headers["request-id"]
    assert inner["date"] == "2026-01-05T09:00:00"
    assert [seen.path for seen in tenant.requests] == ["/v1.0/users", "/v1.0/users/{id}"]
    assert tenant.counted("/v1.0/users") == 1


async def test_paths_and_methods_that_are_not_there():
    async with client(new_tenant()) as http:
        assert code(await http.get("/v1.0/people")) == (400, "BadRequest")
        assert code(await http.get("/v1.0/me")) == (400, "BadRequest")
        assert (await http.post("/v1.0/users")).status_code == 405


async def test_the_organization_names_its_domains_and_size():
    tenant = new_tenant(people=3)
    async with client(tenant) as http:
        row = (await http.get("/v1.0/organization")).json()["value"][0]
        short = (await http.get("/v1.0/organization?$select=id,displayName")).json()["value"][0]
    assert row["id"] == tenant.id
    assert [domain["name"] for domain in row["verifiedDomains"]] == ["acme.example", "acme.onmicrosoft.example"]
    assert row["directorySizeQuota"]["used"] >= 3
    assert short == {"id": tenant.id, "displayName": "Acme"}


# ---------------------------------------------------------------------------------------------------------- recycle bin


async def test_a_deleted_user_is_in_the_bin_until_restored_with_the_same_id():
    tenant = new_tenant(people=2)
    user = tenant.directory.find("p0001@acme.example")
    path = f"/v1.0/directory/deletedItems/{user.id}"
    async with client(tenant, *EVERYTHING) as http:
        assert (await http.delete(f"/v1.0/users/{user.id}")).status_code == 204
        assert len((await http.get("/v1.0/users")).json()["value"]) == 1
        assert code(await http.get(f"/v1.0/users/{user.id}")) == (404, "Request_ResourceNotFound")
        select = "$select=id,userPrincipalName,deletedDateTime"
        binned = (await http.get(f"/v1.0/directory/deletedItems/microsoft.graph.user?{select}")).json()["value"]
        assert (await http.get(path)).json()["id"] == user.id
        restored = await http.post(f"{path}/restore")
        assert code(await http.get(path)) == (404, "Request_ResourceNotFound")
        assert len((await http.get("/v1.0/users")).json()["value"]) == 2
    expected = {"id": user.id, "userPrincipalName": f"{user.id.replace('-', '')}p0001@acme.example"}
    assert binned == [{**expected, "deletedDateTime": "2026-01-05T09:00:00Z"}]
    assert restored.json()["userPrincipalName"] == "p0001@acme.example"


async def test_the_bin_is_emptied_after_thirty_days_or_by_hand():
    tenant = new_tenant(people=3, token_life=10_000_000)
    path = "/v1.0/directory/deletedItems/microsoft.graph.user"
    async with client(tenant, *EVERYTHING) as http:
        tenant.directory.delete("p0000@acme.example")
        tenant.cell.clock.advance(86_400)
        by_hand = tenant.directory.delete("p0001@acme.example").id
        tenant.directory.delete("p0002@acme.example")
        assert (await http.delete(f"/v1.0/directory/deletedItems/{by_hand}")).status_code == 204
        tenant.cell.clock.advance(29 * 86_400)
        left = (await http.get(path)).json()["value"]
    assert [row["displayName"] for row in left] == ["p0002"]


async def test_a_principal_name_in_use_cannot_be_had_twice_or_restored():
    tenant = new_tenant(people=1)
    gone = tenant.directory.delete("p0000@acme.example")
    again = add(tenant, "P0000")
    assert again.id != gone.id
    async with client(tenant, *EVERYTHING) as http:
        refused = await http.post(f"/v1.0/directory/deletedItems/{gone.id}/restore")
    assert code(refused) == (400, "Request_BadRequest")
