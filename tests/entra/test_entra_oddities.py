"""Answers that the documentation does not promise, and objects that vanish while they are read."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from entra_door import GRAPH, GROUP, LocalGraph, opened, read_all, refusal, wanting

from crosskey.errors import AuthError, ContractError, RetryableError
from fake_clock import FakeClock


def two_groups() -> LocalGraph:
    graph = LocalGraph()
    graph.user("ada")
    graph.group("g0", ["ada"])
    graph.group("g1", ["ada"])
    return graph


def answering_batches(answer: Any) -> Any:
    return lambda request: answer(request) if request.url.path == "/v1.0/$batch" else None


BOTH = {"g0": {"ada"}, "g1": {"ada"}}
ONE_PAGE = {"value": [{"@odata.type": "#microsoft.graph.user", "id": "ada"}]}


@pytest.mark.parametrize(
    "responses",
    [
        pytest.param([], id="nothing comes back"),
        pytest.param([{"id": "7", "status": 200, "body": {"value": []}}], id="an id nobody asked for"),
        pytest.param(
            [{"id": "0", "status": 200, "body": "text"}, {"id": "1", "status": 200}], id="bodies of another kind"
        ),
        pytest.param([{"id": "0", "status": 302, "headers": {"location": "https://x.example.com"}}], id="a redirect"),
        pytest.param(
            [{"id": "0", "status": 200, "body": ONE_PAGE}, {"id": "1", "status": 424}], id="a failed dependency"
        ),
    ],
)
async def test_whatever_a_batch_leaves_out_is_asked_for_alone(responses: list[dict[str, Any]]) -> None:
    graph = two_groups()
    graph.intercept = answering_batches(lambda _: httpx.Response(200, json={"responses": responses}))
    async with opened(graph) as source:
        assert (await read_all(source, wanting("g0", "g1"))).members == BOTH


async def test_a_batch_that_is_throttled_without_end_is_asked_for_one_by_one() -> None:
    graph, clock = two_groups(), FakeClock()

    def throttled(request: httpx.Request) -> httpx.Response:
        items = json.loads(request.content)["requests"]
        headers: list[dict[str, Any]] = [{}, {"Retry-After": 3}, {"retry-after": "soon"}]
        answers = [{"id": item["id"], "status": 429, "headers": headers[int(item["id"])]} for item in items]
        return httpx.Response(200, json={"responses": answers})

    graph.intercept = answering_batches(throttled)
    async with opened(graph, clock=clock) as source:
        assert (await read_all(source, wanting("g0", "g1"))).members == BOTH
    assert 10 <= clock.elapsed <= 100


async def test_a_batch_that_is_refused_names_the_permission() -> None:
    graph = two_groups()
    graph.intercept = answering_batches(lambda _: refusal(403, "Authorization_RequestDenied"))
    async with opened(graph) as source:
        with pytest.raises(AuthError, match=r"GroupMember\.Read\.All is missing"):
            await read_all(source, wanting("g0", "g1"))


async def test_a_batch_that_fails_for_a_while_is_repeated() -> None:
    graph = two_groups()
    left = [2]

    def failing(_: httpx.Request) -> httpx.Response | None:
        left[0] -= 1
        return httpx.Response(504) if left[0] >= 0 else None

    graph.intercept = answering_batches(failing)
    async with opened(graph) as source:
        assert (await read_all(source, wanting("g0", "g1"))).members == BOTH
    assert graph.asked().count("/$batch") == 3


@pytest.mark.parametrize(
    ("properties", "origin"),
    [
        ({}, "security group"),
        ({"mailEnabled": True, "mail": "x@example.com"}, "mail-enabled security group, x@example.com"),
        ({"mailEnabled": True, "securityEnabled": False}, "distribution list"),
        ({"groupTypes": ["Unified"], "mailEnabled": True}, "Microsoft 365 group"),
        ({"groupTypes": ["DynamicMembership"]}, "security group, dynamic"),
        ({"onPremisesSyncEnabled": True}, "security group, synced from on-premises"),
    ],
)
async def test_each_kind_of_group_is_told(properties: dict[str, Any], origin: str) -> None:
    graph = LocalGraph()
    graph.user("ada")
    graph.group("g", **properties)
    graph.app("desk", appId="0f", servicePrincipalType="Application", accountEnabled=False)
    async with opened(graph) as source:
        everything = await read_all(source, wanting("g", apps=["desk"]))
    assert everything.groups["g"].origin == origin
    assert everything.groups["desk"].origin == "Application, app id 0f, disabled"


async def test_an_app_that_vanishes_asks_for_another_run() -> None:
    graph = two_groups()
    graph.app("desk")
    graph.intercept = lambda request: (
        refusal(404, "Request_ResourceNotFound") if request.url.path.endswith("appRoleAssignedTo") else None
    )
    async with opened(graph) as source:
        with pytest.raises(RetryableError, match='the app "desk" was deleted'):
            await read_all(source, wanting(apps=["desk"]))


async def test_groups_within_groups_are_told_where_only_direct_members_count() -> None:
    graph = two_groups()
    graph.group("outer", ["ada", ("g0", GROUP)])
    async with opened(graph, members="direct") as source:
        everything = await read_all(source, wanting("outer"))
    assert everything.members == {"outer": {"ada"}}
    assert set(everything.warnings) == {"entra-group-nested"}


async def test_a_page_in_front_of_the_sign_in_is_told_with_the_setting() -> None:
    graph = two_groups()
    page = httpx.Response(200, content=b"<html><title>Proxy</title></html>", headers={"content-type": "text/html"})
    graph.intercept = lambda request: page if "oauth2" in request.url.path else None
    async with opened(graph) as source:
        with pytest.raises(ContractError, match="Proxy") as caught:
            await read_all(source)
    assert "`authority`" in caught.value.fix


async def test_a_life_that_is_no_number_means_a_token_for_now() -> None:
    graph = two_groups()
    graph.intercept = lambda request: (
        httpx.Response(200, json={"access_token": "t", "expires_in": "soon"}) if "oauth2" in request.url.path else None
    )
    async with opened(graph) as source:
        assert (await read_all(source)).people


async def test_a_next_link_comes_back_as_it_was_written() -> None:
    """Links are opaque: dollar signs, plus signs and percent signs in them stay as they are."""
    graph = two_groups()
    link = f"{GRAPH}/users?$skiptoken=a%2Bb+c/d==&$select=id"
    seen: list[bytes] = []

    def paged(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/v1.0/users":
            return None
        seen.append(request.url.raw_path)
        row = {"id": f"p{len(seen)}", "accountEnabled": True}
        return httpx.Response(200, json={"value": [row], **({"@odata.nextLink": link} if len(seen) == 1 else {})})

    graph.intercept = paged
    async with opened(graph) as source:
        assert len((await read_all(source)).people) == 2
    assert seen[1].decode() == link.removeprefix("https://graph.microsoft.com")
