"""The local Graph's throttling, batches, and answers spoilt on purpose."""

import asyncio

import pytest
from sandbox_entra_client import Mirror, add, bearer, client, code, group, new_tenant, rows, walk

from crosskey_sandbox.entra import EntraQuirks, Fault


def batch(*urls, **more):
    return {"requests": [{"id": str(number), "method": "GET", "url": url, **more} for number, url in enumerate(urls)]}


async def post(http, body, **headers):
    return await http.post("/v1.0/$batch", json=body, headers=headers)


def by_id(answer):
    assert answer.status_code == 200, answer.text
    return {row["id"]: row for row in answer.json()["responses"]}


# ------------------------------------------------------------------------------------------------------ resource units


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/users", 2),
        ("/users?$select=id", 1),
        ("/users?$select=id&$expand=manager", 2),
        ("/users?$top=19", 1),
        ("/users?$top=20", 2),
        ("/users?$top=5&$select=id", 1),
        ("/users/p0000@acme.example", 1),
        ("/users/nobody", 1),
        ("/users/p0000@acme.example/transitiveMemberOf", 2),
        ("/groups", 1),
        ("/groups/{team}/members", 3),
        ("/groups/{team}/members?$select=id", 2),
        ("/groups/{team}/transitiveMembers", 5),
        ("/organization", 1),
    ],
)
async def test_each_request_tells_what_it_cost(path, units):
    tenant = new_tenant(people=1)
    team = group(tenant, "team")
    async with client(tenant) as http:
        answer = await http.get(f"/v1.0{path.format(team=team.id)}")
    assert answer.headers["x-ms-resource-unit"] == str(units)


async def test_an_application_that_spent_its_units_waits_for_the_end_of_the_ten_seconds():
    tenant = new_tenant(people=1, units=6)
    clock = tenant.cell.clock
    async with client(tenant) as http, client(tenant, "User.Read.All") as other:
        answers = []
        for _ in range(4):
            answers.append(await http.get("/v1.0/users"))
            clock.advance(1.5)
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        refused = answers[3]
        assert code(refused) == (429, "TooManyRequests")
        assert refused.headers["retry-after"] == "6"
        assert refused.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
        scope = f"Tenant_Application/ReadWrite/{tenant.application.client_id}/{tenant.id}"
        assert refused.headers["x-ms-throttle-scope"] == scope
        assert (await other.get("/v1.0/users")).status_code == 200
        clock.advance(4)
        assert (await http.get("/v1.0/users")).status_code == 200


async def test_the_share_spent_is_told_above_eighty_percent_and_refusals_count():
    tenant = new_tenant(people=1, units=10)
    told = []
    async with client(tenant) as http:
        for _ in range(12):
            told.append((await http.get("/v1.0/users")).headers.get("x-ms-throttle-limit-percentage"))
    assert told == [None] * 3 + ["0.80", "1.00", "1.20", "1.40", "1.60", "1.80", "1.80", "1.80", "1.80"]


@pytest.mark.parametrize(("people", "units"), [(49, 3500), (50, 5000), (499, 5000), (500, 8000)])
async def test_units_grow_with_the_tenant(people, units):
    async with client(new_tenant(people=people, rate_limit_headers=True)) as http:
        answer = await http.get("/v1.0/users")
    assert answer.headers["ratelimit-limit"] == str(units)
    assert answer.headers["ratelimit-remaining"] == str(units - 2)
    assert answer.headers["ratelimit-reset"] == "10"


async def test_rate_headers_are_not_there_unless_switched_on_and_retry_after_may_be_a_fraction():
    tenant = new_tenant(people=1, units=1, decimal_retry_after=True)
    async with client(tenant) as http:
        tenant.cell.clock.advance(0.5)
        refused = await http.get("/v1.0/users")
        tenant.cell.clock.advance(7.872)
        again = await http.get("/v1.0/users")
    assert "ratelimit-limit" not in refused.headers
    assert (refused.headers["retry-after"], again.headers["retry-after"]) == ("10.000", "2.128")


async def test_throttling_can_be_off():
    async with client(new_tenant(people=1, units=1, throttling=False)) as http:
        answers = [await http.get("/v1.0/users") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}


# --------------------------------------------------------------------------------------------------------------- batch


async def test_a_batch_answers_each_item_on_its_own_in_any_order():
    tenant = new_tenant(people=3)
    urls = [f"/users/p000{number}@acme.example?$select=displayName" for number in range(3)]
    async with client(tenant) as http:
        answer = await post(http, batch(*urls, "users/nobody", "/nothing", "/users('p0001@acme.example')"))
        orders = {tuple(by_id(await post(http, batch(*urls)))) for _ in range(12)}
    items = by_id(answer)
    assert [items[str(number)]["body"]["displayName"] for number in range(3)] == ["p0000", "p0001", "p0002"]
    assert (items["3"]["status"], items["3"]["body"]["error"]["code"]) == (404, "Request_ResourceNotFound")
    assert items["4"]["status"] == 400
    assert items["5"]["body"]["displayName"] == "p0001"
    assert items["0"]["headers"]["Content-Type"] == "application/json"
    assert len(orders) > 1
    assert tenant.counted(batched=False) == 13
    assert tenant.counted("/v1.0/users/{id}", batched=True) == 5 + 36


async def test_items_are_throttled_one_by_one_with_a_retry_after_of_their_own():
    tenant = new_tenant(people=1, units=6)
    async with client(tenant) as http:
        items = by_id(await post(http, batch(*["/users?$filter=accountEnabled eq true"] * 5)))
    assert [items[str(number)]["status"] for number in range(5)] == [200, 200, 200, 429, 429]
    assert items["4"]["headers"]["Retry-After"] == "10"
    assert items["4"]["body"]["error"]["code"] == "TooManyRequests"


async def test_an_item_has_headers_of_its_own_and_a_page_link_that_is_absolute():
    tenant = new_tenant(people=3)
    url = "/users?$filter=displayName ne 'p0000'&$count=true&$top=1"
    async with client(tenant) as http:
        without = by_id(await post(http, batch(url), consistencylevel="eventual"))["0"]
        item = by_id(await post(http, batch(url, headers={"ConsistencyLevel": "eventual"})))["0"]
        link = item["body"]["@odata.nextLink"].partition("/v1.0")[2]
        second = by_id(await post(http, batch(link, headers={"ConsistencyLevel": "eventual"})))["0"]
        counted = by_id(await post(http, batch("/users/$count", headers={"ConsistencyLevel": "eventual"})))["0"]
    assert without["status"] == 400
    assert item["body"]["@odata.count"] == 2
    assert second["body"]["value"][0]["displayName"] == "p0002"
    assert counted["body"] == "3"


async def test_a_batch_can_post_and_what_depends_on_a_failure_is_not_tried():
    tenant = new_tenant(people=1)
    who = tenant.directory.find("p0000@acme.example").id
    body = {
        "requests": [
            {
                "id": "a",
                "method": "POST",
                "url": "/directoryObjects/getByIds",
                "body": {"ids": [who]},
                "headers": {"Content-Type": "application/json"},
            },
            {"id": "b", "method": "GET", "url": "/users/nobody", "dependsOn": ["a"]},
            {"id": "c", "method": "GET", "url": "/users", "dependsOn": ["b"]},
        ]
    }
    async with client(tenant) as http:
        items = by_id(await post(http, body))
    assert [items[key]["status"] for key in "abc"] == [200, 404, 424]
    assert items["a"]["body"]["value"][0]["id"] == who


@pytest.mark.parametrize(
    "body",
    [
        batch(*["/users"] * 21),
        {"requests": []},
        {"requests": [{"id": "1", "method": "GET", "url": "/users"}] * 2},
        {"requests": [{"method": "GET", "url": "/users"}]},
        {"items": []},
        [],
    ],
)
async def test_an_envelope_that_makes_no_sense_is_refused_whole(body):
    async with client(new_tenant()) as http:
        answer = await post(http, body)
    assert answer.status_code == 400


async def test_a_batch_needs_a_token_and_its_items_the_permissions():
    tenant = new_tenant(people=1)
    async with client(tenant, "Organization.Read.All") as http:
        items = by_id(await post(http, batch("/organization", "/users")))
        refused = await post(http, batch("/organization"), authorization="Bearer x")
    assert (items["0"]["status"], items["1"]["status"]) == (200, 403)
    assert code(refused) == (401, "InvalidAuthenticationToken")


# -------------------------------------------------------------------------------------------------------------- faults


async def test_a_fault_hits_every_so_often_and_so_many_times():
    fault = Fault(kind="error", path="/v1.0/groups", skip=1, every=2, times=2, status=502)
    tenant = new_tenant(people=1, faults=(fault,))
    async with client(tenant) as http:
        seen = [(await http.get("/v1.0/groups")).status_code for _ in range(8)]
        assert (await http.get("/v1.0/users")).status_code == 200
    assert seen == [200, 200, 502, 200, 502, 200, 200, 200]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(kind="error"), (500, "UnknownError")),
        (Fault(kind="error", status=503), (503, "serviceNotAvailable")),
        (Fault(kind="throttled", wait=2.5), (429, "TooManyRequests")),
    ],
)
async def test_faults_that_speak_graph(fault, expected):
    async with client(new_tenant(people=1, faults=(fault,))) as http:
        answer = await http.get("/v1.0/users")
    assert code(answer) == expected
    if fault.kind == "throttled":
        assert answer.headers["retry-after"] == "3"


async def test_a_gateways_page_and_half_an_answer():
    tenant = new_tenant(people=3, faults=(Fault(kind="html"),))
    async with client(tenant) as http:
        page = await http.get("/v1.0/users")
        tenant.quirks = EntraQuirks(faults=(Fault(kind="truncated"),))
        half = await http.get("/v1.0/users")
        half_batch = await post(http, batch("/users"))
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    for answer in (half, half_batch):
        assert answer.status_code == 200
        with pytest.raises(ValueError, match="JSON|delimiter|Unterminated|Expecting"):
            answer.json()


async def test_next_links_can_expire_and_first_pages_do_not():
    fault = Fault(kind="expired_page", path="/v1.0/users", times=1)
    async with client(new_tenant(people=5, faults=(fault,))) as http:
        first = (await http.get("/v1.0/users?$top=2")).json()
        assert code(await http.get(first["@odata.nextLink"])) == (400, "Directory_ExpiredPageToken")
        assert len(rows(await walk(http, "/v1.0/users?$top=2"))) == 5


async def test_one_item_of_a_batch_can_be_hit():
    tenant = new_tenant(people=2, faults=(Fault(kind="throttled", path="/v1.0/users/p0001", wait=7),))
    async with client(tenant) as http:
        items = by_id(await post(http, batch("/users/p0000@acme.example", "/users/p0001@acme.example")))
    assert (items["0"]["status"], items["1"]["status"]) == (200, 429)
    assert items["1"]["headers"]["Retry-After"] == "7"


async def test_the_sign_in_host_can_be_down_too():
    tenant = new_tenant()
    tenant.quirks = EntraQuirks(
        faults=(Fault(kind="error", path=f"/{tenant.id}", status=503), Fault(kind="html", path="/acme"))
    )
    async with client(tenant) as http:
        overload = await http.post(f"/{tenant.id}/oauth2/v2.0/token", data={})
        page = await http.post("/acme.example/oauth2/v2.0/token", data={})
    assert (overload.status_code, overload.json()["error"]) == (503, "temporarily_unavailable")
    assert page.headers["content-type"] == "text/html; charset=utf-8"


async def test_latency_is_waited_on_the_clock_and_requests_overlap():
    tenant = new_tenant(people=1, latency_ms=250)
    async with client(tenant) as http:
        await asyncio.gather(*(http.get("/v1.0/users") for _ in range(3)))
    assert tenant.cell.clock.slept == [0.25] * 3
    assert tenant.cell.clock.elapsed == 0.25


# -------------------------------------------------------------------------------------------------------- request costs


async def test_a_delta_round_costs_what_changed_and_not_what_is_there():
    tenant = new_tenant(people=600)
    team = group(tenant, "team", *tenant.directory.live("user"))
    users, groups = Mirror(), Mirror()
    async with client(tenant) as http:
        await users.follow(http, "/v1.0/users/delta?$select=displayName")
        await groups.follow(http, "/v1.0/groups/delta?$select=displayName,members")
        tenant.requests.clear()
        fresh = add(tenant, "fresh")
        tenant.directory.add_member(team.id, fresh.id)
        assert len(rows(await users.follow(http))) == 1
        (row,) = rows(await groups.follow(http))
    assert [member["id"] for member in row["members@delta"]] == [fresh.id]
    assert tenant.counted() == 2


async def test_ids_and_rows_are_the_same_for_the_same_seed():
    bodies = []
    for _ in range(2):
        tenant = new_tenant(people=2)
        async with client(tenant) as http:
            bodies.append((await http.get("/v1.0/users")).json())
    assert bodies[0] == bodies[1]
    assert bearer(new_tenant()) == bearer(new_tenant())
