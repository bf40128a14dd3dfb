"""A full read: pages, members, apps, and everything that can go wrong on the way."""

from __future__ import annotations

import json
from collections import Counter

import httpx
import pytest
from entra_door import DEVICE, GRAPH, GROUP, LocalGraph, opened, read_all, refusal, wanting

from crosskey.errors import AuthError, ConfigError, ContractError, RejectedError, RetryableError
from fake_clock import FakeClock


def a_company(people: int = 10, **options: object) -> LocalGraph:
    graph = LocalGraph(**options)
    for number in range(people):
        graph.user(f"p{number}")
    return graph


async def test_requests_are_lists_and_one_batch_for_twenty_groups() -> None:
    graph = a_company(2500, size=999)
    for number in range(45):
        graph.group(f"g{number}", [f"p{number}"])
    async with opened(graph) as source:
        everything = await read_all(source, wanting(*(f"g{number}" for number in range(45))))
    assert len(everything.people) == 2500
    assert everything.members == {f"g{number}": {f"p{number}"} for number in range(45)}
    assert Counter(graph.asked()) == {"/users": 3, "/groups": 1, "/$batch": 3}


async def test_only_what_is_needed_is_selected_and_collections_are_never_expanded() -> None:
    graph = a_company(3)
    graph.group("g", ["p1"])
    async with opened(graph, attributes={"manager": []}) as source:
        await read_all(source, wanting("g", attributes=["officeLocation", "extensionAttribute3", "badge"]))
        without = {one.url.path: dict(one.url.params) for one in graph.requests}
    select = without["/v1.0/users"]["$select"].split(",")
    assert len(select) == len(set(select)) == 25
    assert {"id", "accountEnabled", "officeLocation", "onPremisesExtensionAttributes", "badge"} <= set(select)
    assert without["/v1.0/users"]["$top"] == "999"
    assert "$expand" not in without["/v1.0/users"]
    assert without["/v1.0/groups/g/transitiveMembers"] == {"$select": "id", "$top": "999"}
    async with opened(graph) as source:
        await read_all(source)
    assert graph.requests[-1].url.params.get("$expand", "") == "" or graph.requests[-1].url.path == "/v1.0/users"
    expanded = [one.url.params["$expand"] for one in graph.requests if "$expand" in one.url.params]
    assert expanded == ["manager($select=userPrincipalName)"]


async def test_empty_pages_are_no_end() -> None:
    graph = a_company(4, size=2)
    seen: list[str] = []

    def blank_first(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1.0/users" and len(seen) < 12:
            seen.append(request.url.path)
            link = str(request.url.copy_set_param("$skiptoken", "0").copy_set_param("try", len(seen)))
            return httpx.Response(200, json={"value": [], "@odata.nextLink": link})
        return None

    graph.intercept = blank_first
    async with opened(graph) as source:
        assert len((await read_all(source)).people) == 4


async def test_a_link_to_another_host_is_refused_and_gets_no_token() -> None:
    graph = a_company(1)
    hosts: list[str] = []

    def astray(request: httpx.Request) -> httpx.Response | None:
        hosts.append(request.url.host)
        if request.url.path == "/v1.0/users":
            return httpx.Response(200, json={"value": [], "@odata.nextLink": "https://login.microsoftonline.com/users"})
        return None

    graph.intercept = astray
    async with opened(graph) as source:
        with pytest.raises(ContractError, match="not a host of this instance") as caught:
            await read_all(source)
    assert "graph_url" in caught.value.fix
    assert hosts.count("login.microsoftonline.com") == 1, "the sign-in, and nothing else"


async def test_a_link_that_repeats_ends_the_read_with_an_error() -> None:
    graph = a_company(1)

    def circle(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1.0/users":
            row = {"id": "p0", "accountEnabled": True}
            return httpx.Response(200, json={"value": [row], "@odata.nextLink": f"{GRAPH}/users?$skiptoken=x"})
        return None

    graph.intercept = circle
    async with opened(graph) as source:
        with pytest.raises(ContractError, match="read already"):
            await read_all(source)


@pytest.mark.parametrize(("expiries", "works"), [(1, True), (3, True), (4, False)])
async def test_an_expired_page_token_starts_the_list_again(expiries: int, works: bool) -> None:
    graph = a_company(10, size=4)
    left = [expiries]

    def expire(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("$skiptoken") == "8" and left[0]:
            left[0] -= 1
            return refusal(400, "Directory_ExpiredPageToken")
        return None

    graph.intercept = expire
    async with opened(graph) as source:
        if works:
            assert len((await read_all(source)).people) == 10
        else:
            with pytest.raises(RejectedError, match="Directory_ExpiredPageToken"):
                await read_all(source)


async def test_a_failed_page_fails_the_read() -> None:
    graph = a_company(10, size=4)
    graph.intercept = lambda request: (
        httpx.Response(500, json={"error": {"code": "UnknownError", "message": ""}})
        if request.url.params.get("$skiptoken") == "8"
        else None
    )
    async with opened(graph) as source:
        with pytest.raises(RetryableError, match="500"):
            await read_all(source)


async def test_a_throttled_item_of_a_batch_is_asked_again_after_its_own_wait() -> None:
    graph, clock = a_company(), FakeClock()
    for number in range(5):
        graph.group(f"g{number}", [f"p{number}"])
    refused: list[float] = []

    def throttle(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.startswith("/v1.0/groups/g3/") and len(refused) < 2:
            refused.append(clock.monotonic())
            return refusal(429, "TooManyRequests", **{"retry-after": "2.128"})
        return None

    graph.intercept = throttle
    async with opened(graph, clock=clock) as source:
        everything = await read_all(source, wanting(*(f"g{number}" for number in range(5))))
    assert everything.members["g3"] == {"p3"}
    batches = [json.loads(one.content)["requests"] for one in graph.requests if one.url.path == "/v1.0/$batch"]
    assert [len(batch) for batch in batches] == [5, 1, 1], "only the throttled one is asked again"
    assert clock.elapsed == pytest.approx(2 * 2.128)


@pytest.mark.parametrize(
    ("status", "code", "kind", "said"),
    [
        (403, "Authorization_RequestDenied", AuthError, "GroupMember.Read.All is missing"),
        (404, "Request_ResourceNotFound", RetryableError, 'the group "g1" was deleted'),
        (503, "serviceNotAvailable", RetryableError, "503"),
        (400, "Request_BadRequest", RejectedError, "400"),
    ],
)
async def test_a_refused_item_of_a_batch_is_the_right_error(
    status: int, code: str, kind: type[Exception], said: str
) -> None:
    graph = a_company()
    graph.group("g0", ["p0"])
    graph.group("g1", ["p1"])
    graph.intercept = lambda request: refusal(status, code) if "/groups/g1/" in request.url.path else None
    async with opened(graph) as source:
        with pytest.raises(kind, match=said):
            await read_all(source, wanting("g0", "g1"))


async def test_an_item_that_fails_once_costs_one_request_more() -> None:
    graph = a_company()
    graph.group("g0", ["p0"])
    graph.group("g1", ["p1"])
    graph.intercept = lambda request: (
        refusal(504, "serviceNotAvailable") if "/g1/" in request.url.path and "x-in-batch" in request.headers else None
    )
    async with opened(graph) as source:
        assert (await read_all(source, wanting("g0", "g1"))).members == {"g0": {"p0"}, "g1": {"p1"}}


async def test_members_beyond_the_first_page_of_a_batch_are_read_on() -> None:
    graph = a_company(40, size=15)
    graph.group("large", [f"p{number}" for number in range(40)])
    graph.group("small", ["p1"])
    expired: list[str] = []

    def expire(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("$skiptoken") == "15" and "/large/" in request.url.path and not expired:
            expired.append(request.url.path)
            return refusal(400, "Directory_ExpiredPageToken")
        return None

    graph.intercept = expire
    async with opened(graph) as source:
        everything = await read_all(source, wanting("large", "small"))
    assert everything.members["large"] == {f"p{number}" for number in range(40)}
    assert expired


async def test_only_people_are_members_and_a_ring_of_groups_is_told() -> None:
    graph = a_company()
    graph.group("ring", ["p1", ("laptop", DEVICE), ("inner", GROUP), ("ring", GROUP)])
    async with opened(graph) as source:
        everything = await read_all(source, wanting("ring"))
    assert everything.members == {"ring": {"p1"}}
    assert '"ring"' in everything.warnings["entra-group-ring"]


async def test_hidden_members_are_not_taken_for_nobody() -> None:
    graph = a_company()
    graph.group("secret", [], visibility="HiddenMembership")
    async with opened(graph) as source:
        with pytest.raises(AuthError, match="hidden") as caught:
            await read_all(source, wanting("secret"))
    assert "Member.Read.Hidden" in caught.value.fix


async def test_groups_without_names_mean_a_missing_permission() -> None:
    graph = a_company()
    graph.group("g", ["p1"], displayName=None, securityEnabled=None)
    async with opened(graph) as source:
        with pytest.raises(AuthError, match=r"GroupMember\.Read\.All is missing"):
            await read_all(source, wanting("g"))


async def test_a_tenant_without_people_is_an_error() -> None:
    async with opened(LocalGraph()) as source:
        with pytest.raises(AuthError, match="no people at all"):
            await read_all(source)


async def test_twins_are_told_apart_and_pinned() -> None:
    graph = a_company()
    graph.group("g1", ["p1"], displayName="Staff", createdDateTime="2023-07-14T13:32:37Z")
    graph.group(
        "g2", ["p2"], displayName="Staff", groupTypes=["Unified", "DynamicMembership"], mail="staff@example.com"
    )
    async with opened(graph) as source:
        with pytest.raises(ConfigError, match='2 groups are named "Staff"') as caught:
            await read_all(source, wanting("Staff"))
        assert "g1 (security group, made 2023-07-14)" in caught.value.message
        assert "g2 (Microsoft 365 group, dynamic, staff@example.com)" in caught.value.message
        assert (await read_all(source, wanting("Staff", pins={"Staff": "g2"}))).members == {"g2": {"p2"}}


async def test_people_are_assigned_to_an_app_themselves_or_by_a_group() -> None:
    graph = a_company(size=2)
    graph.group("team", ["p4", "p5", "p6"])
    graph.app("desk", [("p1", "User"), ("p2", "User"), ("robot", "ServicePrincipal"), ("team", "Group")])
    graph.app("unwanted", [("p9", "User")])
    async with opened(graph) as source:
        everything = await read_all(source, wanting(apps=["desk"]))
    assert everything.members == {"desk": {"p1", "p2", "p4", "p5", "p6"}}
    assert "/groups/team/members" in graph.asked(), "assigned groups stand for their direct members"
    assert {group.kind for group in everything.groups.values()} == {"group", "app"}


async def test_apps_are_not_asked_for_where_no_mapping_names_one() -> None:
    graph = a_company()
    async with opened(graph) as source:
        await read_all(source)
    assert "/servicePrincipals" not in graph.asked()


async def test_near_the_limit_requests_slow_down() -> None:
    async def waited(percentage: str | None) -> float:
        graph, clock = a_company(300), FakeClock()
        headers = {} if percentage is None else {"x-ms-throttle-limit-percentage": percentage}

        def near(request: httpx.Request) -> httpx.Response | None:
            if request.url.path != "/v1.0/groups":
                return None
            return httpx.Response(200, json={"value": []}, headers=headers)

        graph.intercept = near
        async with opened(graph, clock=clock) as source:
            await read_all(source)
        return clock.elapsed

    assert [await waited(told) for told in (None, "0.5", "nan", "")] == [0, 0, 0, 0]
    assert 0 < await waited("0.8") < await waited("1.2") < await waited("1.8") <= 10


async def test_a_plain_429_is_waited_for() -> None:
    graph, clock = a_company(), FakeClock()
    left = [3]

    def throttle(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1.0/users" and left[0]:
            left[0] -= 1
            return refusal(429, "TooManyRequests", **{"retry-after": "7"})
        return None

    graph.intercept = throttle
    async with opened(graph, clock=clock) as source:
        assert len((await read_all(source)).people) == 10
    assert clock.elapsed == 21


async def test_background_requests_step_back_behind_people() -> None:
    graph = a_company()
    async with opened(graph) as source:
        await read_all(source)
    asked = [one for one in graph.requests if one.url.host == "graph.microsoft.com"]
    assert {one.headers["x-ms-throttle-priority"] for one in asked} == {"Low"}
