"""A full read at its edges: lists of several pages, what it takes for the time, and whom it sends to whom when it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from entra_door import GRAPH, LocalGraph, opened, read_all, refusal, wanting
from msgspec.structs import replace

from changes_fold import followed, read_whole
from crosskey.errors import AuthError, CrosskeyError, RejectedError, RetryableError

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def a_tenant(*, size: int = 100) -> LocalGraph:
    """Three people and groups, of which two are within the wider ones; the app has ada and "team" assigned."""
    graph = LocalGraph(size=size)
    for name in ("ada", "bob", "cyd"):
        graph.user(name)
    graph.group("team", ["bob", ("more", "#microsoft.graph.group")])
    graph.group("more", ["cyd"])
    graph.group("last", ["ada"])
    graph.app("desk", [("team", "Group"), ("ada", "User"), ("more", "Group"), ("robot", "ServicePrincipal")])
    graph.app("other")
    graph.app("third")
    return graph


def first_asked(graph: LocalGraph, path: str) -> dict[str, str]:
    """The parameters of the first request for a list."""
    return next(dict(one.url.params) for one in graph.requests if one.url.path == f"/v1.0{path}")


# ------------------------------------------------------------------------------------------------------------------ lists


async def test_what_stands_on_the_first_of_several_pages_is_found_like_all_else() -> None:
    graph = a_tenant(size=1)
    async with opened(graph) as source:
        everything = await read_all(source, wanting("team", "last", apps=["desk", "third"]))
    assert set(everything.people) == {"ada", "bob", "cyd"}
    assert set(everything.groups) == {"team", "more", "last", "desk", "other", "third"}
    assert everything.members == {
        "team": {"bob"},
        "last": {"ada"},
        "desk": {"ada", "bob", "cyd"},
        "third": set(),
    }


async def test_each_list_is_asked_for_in_the_largest_pages_and_with_what_is_needed_only() -> None:
    graph = a_tenant()
    async with opened(graph) as source:
        await read_all(source, wanting(apps=["desk"]))
    assert first_asked(graph, "/users").keys() == {"$select", "$expand", "$top"}
    assert first_asked(graph, "/groups") == {
        "$select": "id,displayName,description,mail,groupTypes,securityEnabled,mailEnabled,visibility,"
        "onPremisesSyncEnabled,createdDateTime",
        "$top": "999",
    }
    assert first_asked(graph, "/servicePrincipals") == {
        "$select": "id,displayName,appId,servicePrincipalType,accountEnabled",
        "$top": "999",
    }
    assert {first_asked(graph, path)["$top"] for path in ("/users", "/servicePrincipals/desk/appRoleAssignedTo")} == {
        "999"
    }


async def test_hidden_groups_are_remembered_from_every_page() -> None:
    graph = a_tenant(size=1)
    graph.lists["/groups"].insert(0, {"id": "secret", "displayName": "secret", "visibility": "HiddenMembership"})
    graph.lists["/groups/secret/transitiveMembers"] = []
    async with opened(graph) as source:
        with pytest.raises(AuthError, match='the members of "secret" are hidden'):
            await read_all(source, wanting("secret"))
        assert (await read_all(source, wanting("more"))).members == {"more": {"cyd"}}


async def test_an_empty_group_that_is_not_hidden_is_empty() -> None:
    graph = a_tenant()
    graph.group("nobody")
    graph.group("secret", visibility="HiddenMembership")
    async with opened(graph) as source:
        assert (await read_all(source, wanting("nobody"))).members == {"nobody": set()}


# ------------------------------------------------------------------------------------------------------------------- time


def dated(dates: Mapping[str, str]) -> Callable[[httpx.Request], httpx.Response | None]:
    """Two pages of each list; ``dates`` tell when a page was answered, by its path and place, and no others are told."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        path, place = request.url.path.removeprefix("/v1.0"), request.url.params.get("$skiptoken", "1")
        if path not in ("/users", "/groups", "/servicePrincipals"):
            return None
        body: dict[str, Any] = {"value": [{"id": f"{path}{place}", "displayName": "desk" + place}]}
        if place == "1":
            body["@odata.nextLink"] = f"{GRAPH}{path}?$skiptoken=2"
        told = dates.get(f"{path} {place}")
        return httpx.Response(200, json=body, headers={"date": f"Mon, 05 Jan 2026 {told} GMT"} if told else {})

    return answer


@pytest.mark.parametrize("path", ["/users", "/groups", "/servicePrincipals"])
@pytest.mark.parametrize("place", ["1", "2"])
async def test_a_read_is_as_old_as_the_earliest_answer_to_any_of_its_lists(path: str, place: str) -> None:
    graph = a_tenant()
    dates = {f"{one} {page}": "12:00:07" for one in ("/users", "/groups", "/servicePrincipals") for page in "12"}
    graph.lists["/servicePrincipals//servicePrincipals1/appRoleAssignedTo"] = []
    graph.intercept = dated({**dates, f"{path} {place}": "12:00:00"})
    async with opened(graph) as source:
        everything = await read_all(source, wanting(apps=["desk1"]))
    assert everything.complete is not None
    assert everything.complete.server_time == NOON


@pytest.mark.parametrize(("dates", "time"), [({}, None), ({"/groups 1": "12:00:00"}, NOON)])
async def test_answers_without_a_date_say_nothing_of_the_time(dates: Mapping[str, str], time: datetime | None) -> None:
    graph = a_tenant()
    graph.intercept = dated(dates)
    async with opened(graph) as source:
        everything = await read_all(source)
    assert everything.complete is not None
    assert everything.complete.server_time == time


# --------------------------------------------------------------------------------------------------------- what goes wrong


def gone(path: str) -> Callable[[httpx.Request], httpx.Response | None]:
    return lambda request: refusal(404, "Request_ResourceNotFound") if request.url.path == f"/v1.0{path}" else None


async def failure(graph: LocalGraph, kind: type[CrosskeyError]) -> tuple[str, str, str, str]:
    """How the read of the group "last" and the app "desk" fails: message, code, place and fix."""
    async with opened(graph) as source:
        with pytest.raises(kind) as caught:
            await read_all(source, wanting("last", apps=["desk"]))
    error = caught.value
    return error.message, error.code, error.where, error.fix


def granting(permission: str) -> str:
    return (
        f"add the application permission {permission} of Microsoft Graph to the app and grant admin consent "
        "(Entra admin center > App registrations > the app > API permissions)"
    )


async def test_a_tenant_that_shows_nobody_sends_to_the_permission_for_people() -> None:
    graph = a_tenant()
    graph.lists["/users"].clear()
    assert await failure(graph, AuthError) == (
        "Graph shows the app no people at all",
        "entra-sees-nobody",
        "source.corp",
        granting("User.Read.All"),
    )


async def test_somebody_on_any_page_is_somebody() -> None:
    graph = a_tenant()
    pages: list[list[dict[str, Any]]] = [[], [{"id": "ada", "accountEnabled": True}], []]

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/v1.0/users":
            return None
        place = int(request.url.params.get("$skiptoken", "0"))
        link = {"@odata.nextLink": f"{GRAPH}/users?$skiptoken={place + 1}"} if place < len(pages) - 1 else {}
        return httpx.Response(200, json={"value": pages[place], **link})

    graph.intercept = answer
    async with opened(graph) as source:
        assert set((await read_all(source)).people) == {"ada"}


async def test_groups_without_names_send_to_the_permission_for_groups() -> None:
    graph = a_tenant(size=1)
    graph.lists["/groups"] = [{"id": name, "displayName": None} for name in ("team", "more")]
    assert await failure(graph, AuthError) == (
        "GroupMember.Read.All is missing: Graph shows the app groups without their names",
        "entra-permission",
        "source.corp",
        granting("GroupMember.Read.All"),
    )


async def test_a_tenant_without_groups_and_one_with_a_nameless_group_are_read() -> None:
    graph = a_tenant()
    graph.lists["/groups"].append({"id": "nameless", "displayName": None})
    async with opened(graph) as source:
        assert "nameless" in (await read_all(source)).groups
        graph.lists["/groups"].clear()
        assert (await read_all(source)).groups == {}


async def test_an_app_that_is_gone_meanwhile_is_named_and_nobody_taken_for_gone() -> None:
    graph = a_tenant()
    graph.lists["/servicePrincipals"][0]["displayName"] = "Service Desk"
    graph.intercept = gone("/servicePrincipals/desk/appRoleAssignedTo")
    async with opened(graph) as source:
        with pytest.raises(RetryableError) as caught:
            await read_all(source, wanting(apps=["Service Desk"]))
    error = caught.value
    assert (error.message, error.code, error.where, error.fix) == (
        'the app "Service Desk" was deleted while the tenant was read',
        "entra-moved",
        "source.corp",
        "run again",
    )


@pytest.mark.parametrize("name", ["last", "team"])
async def test_a_group_that_is_gone_meanwhile_is_named_wherever_it_counts(name: str) -> None:
    """The mapping names "last"; "team" is assigned to the app."""
    graph = a_tenant()
    graph.intercept = lambda request: (
        refusal(404, "Request_ResourceNotFound") if f"/groups/{name}/" in request.url.path else None
    )
    assert await failure(graph, RetryableError) == (
        f'the group "{name}" was deleted while the tenant was read',
        "entra-moved",
        "source.corp",
        "run again",
    )


async def test_a_group_within_a_group_is_told_with_the_setting_that_counts_its_people() -> None:
    graph = a_tenant()
    graph.lists["/groups/more/members"].append({"id": "last", "@odata.type": "#microsoft.graph.group"})
    async with opened(graph, members="direct") as source:
        everything = await read_all(source, wanting("more", apps=["desk"]))
    assert everything.complete is not None
    [finding] = everything.complete.warnings
    assert (finding.code, finding.path) == ("entra-group-nested", "source.corp")
    assert finding.summary.endswith(': "more"')
    assert finding.fix == 'to count them, write members = "transitive" in [source.corp]'


@pytest.mark.parametrize(
    "answer", [refusal(400, "Request_BadRequest"), refusal(404, "ServiceNotFound"), httpx.Response(404)]
)
async def test_any_other_refusal_about_an_app_is_not_taken_for_its_end(answer: httpx.Response) -> None:
    graph = a_tenant()
    graph.intercept = lambda request: answer if request.url.path.endswith("/desk/appRoleAssignedTo") else None
    message, code, *_ = await failure(graph, RejectedError)
    assert message.startswith("GET /servicePrincipals/{id}/appRoleAssignedTo answered 4")
    assert code == f"http-{answer.status_code}"


# --------------------------------------------------------------------------------------------- what rounds of changes need


async def test_a_round_knows_from_the_read_how_many_people_a_list_of_all_brings() -> None:
    """Sixty of a thousand and more: three batches cost more than two pages; forty cost as much, and each is asked for."""
    graph = LocalGraph(size=999)
    for number in range(1_100):
        graph.user(f"p{number}")
    graph.lists["/directory/deletedItems/microsoft.graph.user"] = []
    told: list[dict[str, Any]] = []

    def rounds(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/v1.0/users/delta":
            return None
        return httpx.Response(200, json={"value": told, "@odata.deltaLink": f"{GRAPH}/users/delta?$deltatoken=x"})

    graph.intercept = rounds
    request = replace(wanting(), changes=True)
    async with opened(graph, attributes={"manager": []}) as source:
        known = await read_whole(source, request)
        spent: list[list[str]] = []
        for changed in (40, 60):
            told[:] = [{"id": f"p{number}", "jobTitle": "Gardener"} for number in range(changed)]
            graph.requests.clear()
            known = await followed(source, known, request)
            spent.append(graph.asked())
    assert spent == [["/users/delta", "/$batch", "/$batch"], ["/users/delta", "/users", "/users"]]
    assert len(known.people) == 1_100
