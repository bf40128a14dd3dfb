"""Requests to Graph at their edges: what they are called, which may be repeated, and what an odd batch costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from entra_door import CLIENT, ISSUER, SECRET, TENANT, LocalGraph, opened, read_all, refusal, settings, wanting
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from crosskey.connector.sign_in import SignInApp
from crosskey.connector.signal import Subscription
from crosskey.context import InstanceContext
from crosskey.errors import ContractError, RejectedError, UncertainError
from crosskey.model import Subject
from crosskey.settings import Secret
from crosskey_entra import crosskey_sources
from fake_clock import FakeClock

# An id of letters only: nothing but the caller's word tells that it names one thing.
ID = "abcdefab-cdef-abcd-efab-cdefabcdefab"
HOOK = "https://hooks.acme.example/corp"
SUBSCRIPTION = Subscription(id=ID, url=HOOK, state="active")
APP = SignInApp(
    door="agents", name="desk", client_id=CLIENT, redirect_uris=("https://a.example/back",), new_secret=True
)


def small(*groups: str) -> LocalGraph:
    graph = LocalGraph(size=2)
    graph.user(ID)
    for name in groups:
        graph.group(name, [ID])
    return graph


def answering(path: str, answer: Callable[[httpx.Request], httpx.Response | None]) -> Any:
    return lambda request: answer(request) if request.url.path == f"/v1.0{path}" else None


# ------------------------------------------------------------------------------------------------------ what it is called


class Traced(InstanceContext):
    """Writes down what requests are called."""

    def __init__(self, graph: LocalGraph) -> None:
        super().__init__("source.corp", clock=FakeClock(), transport=lambda _: graph)
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider()
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def tracer(self) -> Tracer:
        return self._provider.get_tracer("test")

    def called(self) -> set[str]:
        """The names of all requests but the sign-in."""
        return {span.name for span in self._exporter.get_finished_spans() if "oauth2" not in span.name}


async def test_requests_of_a_read_a_check_and_a_look_up_are_called_by_their_kind() -> None:
    graph = small(ID, "g1", "g2")
    graph.group("wide", [ID, "p1", "p2"])
    graph.app(ID, [(ID, "User"), (ID, "Group"), ("p1", "User")])
    graph.singles["/organization"] = {"value": [{"id": TENANT}]}
    graph.lists["/users"][:] *= 3
    context = Traced(graph)
    async with crosskey_sources()[0].open(settings(), context) as source:
        await read_all(source, wanting(ID, "wide", apps=[ID]))
        assert context.called() == {
            "GET /users",
            "GET /groups",
            "POST /$batch",
            "GET /groups/{id}/transitiveMembers",
            "GET /servicePrincipals",
            "GET /servicePrincipals/{id}/appRoleAssignedTo",
            "GET /groups/{id}/members",
        }
        before = context.called()
        await source.check()
        await source.find(Subject(ISSUER, ID))
    assert context.called() - before == {"GET /organization", "GET /applications(appId={id})", "GET /users/{id}"}


async def test_writes_are_called_by_their_kind_and_what_is_done_to_it() -> None:
    graph = small()
    graph.singles[f"/applications(appId='{CLIENT}')"] = {"id": ID, "appId": CLIENT}
    graph.singles[f"/servicePrincipals(appId='{CLIENT}')"] = {
        "id": ID,
        "appRoleAssignmentRequired": True,
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
    }
    graph.lists[f"/servicePrincipals/{ID}/appRoleAssignedTo"] = []
    graph.lists["/subscriptions"] = []

    def written(request: httpx.Request) -> httpx.Response | None:
        if request.method == "GET" or request.url.host != "graph.microsoft.com":
            return None
        if request.url.path.endswith("/addPassword"):
            return httpx.Response(200, json={"secretText": SECRET})
        if request.url.path.startswith("/v1.0/subscriptions"):
            return httpx.Response(200, json={"id": ID, "resource": "users"})
        return httpx.Response(204)

    graph.intercept = written
    context = Traced(graph)
    async with crosskey_sources()[0].open(settings(hook_secret=Secret("x" * 32)), context) as source:
        assert (await source.set_up_sign_in(APP)).secret.reveal() == SECRET
        await source.subscribe(HOOK)
        await source.renew(SUBSCRIPTION)
        await source.unsubscribe(SUBSCRIPTION)
    assert {name for name in context.called() if not name.startswith("GET")} == {
        "PATCH /applications/{id}",
        "POST /applications/{id}/addPassword",
        "POST /subscriptions",
        "PATCH /subscriptions/{id}",
        "DELETE /subscriptions/{id}",
    }


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (lambda source: source.find(Subject(ISSUER, ID)), "GET /users/{id}"),
        (lambda source: source.unsubscribe(SUBSCRIPTION), "DELETE /subscriptions/{id}"),
        (lambda source: read_all(source, wanting(ID)), "GET /groups/{id}/transitiveMembers"),
    ],
)
async def test_a_refusal_names_the_kind_of_request_and_no_id(act: Callable[[Any], Any], name: str) -> None:
    graph = small(ID)
    graph.intercept = lambda request: (
        refusal(400, "Request_BadRequest") if "oauth2" not in request.url.path and ID in request.url.path else None
    )
    async with opened(graph) as source:
        with pytest.raises(RejectedError) as caught:
            await act(source)
    assert caught.value.message.startswith(f"{name} answered 400")
    assert ID not in str(caught.value)


# ------------------------------------------------------------------------------------------------------ what is repeated


def failing_once(method: str) -> Callable[[httpx.Request], httpx.Response | None]:
    """The first request of that method meets a gateway's 503; the others get what a subscription's answer is."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.method != method or not request.url.path.startswith("/v1.0/subscriptions"):
            return None
        seen.append(request.method)
        return httpx.Response(503) if len(seen) == 1 else httpx.Response(200, json={"id": ID, "resource": "users"})

    return answer


async def test_prolonging_and_removing_are_repeated_after_a_fault() -> None:
    for method, act in (
        ("PATCH", lambda source: source.renew(SUBSCRIPTION)),
        ("DELETE", lambda source: source.unsubscribe(SUBSCRIPTION)),
    ):
        graph = small()
        graph.intercept = failing_once(method)
        async with opened(graph) as source:
            await act(source)
        assert graph.asked() == [f"/subscriptions/{ID}"] * 2


async def test_making_something_is_never_repeated_for_it_may_have_been_made() -> None:
    graph = small()
    graph.lists["/subscriptions"] = []
    graph.intercept = failing_once("POST")
    async with opened(graph, hook_secret=Secret("x" * 32)) as source:
        with pytest.raises(UncertainError):
            await source.subscribe(HOOK)
    assert [one.method for one in graph.requests if one.url.path == "/v1.0/subscriptions"] == ["GET", "POST"]


async def test_a_removal_has_no_body_and_what_is_written_is_json() -> None:
    graph = small()
    graph.intercept = lambda request: (
        None if "oauth2" in request.url.path else httpx.Response(200, json={"id": ID, "resource": "users"})
    )
    async with opened(graph) as source:
        await source.unsubscribe(SUBSCRIPTION)
        await source.renew(SUBSCRIPTION)
    removed, renewed = graph.requests[-2:]
    assert (removed.content, "content-type" in removed.headers) == (b"", False)
    assert (json.loads(renewed.content), renewed.headers["content-type"]) == (
        {"expirationDateTime": "2026-02-02T09:00:00Z"},
        "application/json",
    )


@pytest.mark.parametrize(
    ("page", "code"),
    [
        pytest.param(1, "Directory_ExpiredPageToken", id="only a page's token can expire, and a first page has none"),
        pytest.param(2, "Request_BadRequest", id="a later page, for another reason"),
    ],
)
async def test_a_list_that_would_be_refused_again_is_not_begun_again(page: int, code: str) -> None:
    graph = small()
    graph.lists["/users"][:] *= 3
    graph.intercept = lambda request: (
        refusal(400, code) if request.url.path == "/v1.0/users" and graph.asked().count("/users") == page else None
    )
    async with opened(graph) as source:
        with pytest.raises(RejectedError, match=code):
            await read_all(source)
    assert graph.asked().count("/users") == page


# ---------------------------------------------------------------------------------------------------------------- batches


def good(key: str) -> dict[str, Any]:
    return {"id": key, "status": 200, "body": {"value": [{"@odata.type": "#microsoft.graph.user", "id": ID}]}}


@pytest.mark.parametrize(
    ("responses", "alone"),
    [
        pytest.param([{**good("7"), "status": 429}, *map(good, "012")], [], id="throttled, but nobody asked for it"),
        pytest.param([good("7"), *map(good, "012")], [], id="good, but nobody asked for it"),
        pytest.param([{**good("1"), "body": "text"}, good("0"), good("2")], ["g1"], id="a body of another kind"),
        pytest.param([{**good("1"), "body": None}, good("0"), good("2")], ["g1"], id="no body"),
        pytest.param([{**good("1"), "status": 404}, good("2"), good("0")], ["g1"], id="refused"),
        pytest.param([{**good("1"), "status": 201}, good("2"), good("0")], ["g1"], id="another success"),
        pytest.param([{"id": "2", "status": 430}, good("1"), good("0")], ["g2"], id="a status nobody knows"),
    ],
)
async def test_an_odd_item_of_a_batch_costs_one_request_and_takes_no_other_along(
    responses: list[dict[str, Any]], alone: list[str]
) -> None:
    graph, clock = small("g0", "g1", "g2"), FakeClock()
    graph.intercept = answering("/$batch", lambda _: httpx.Response(200, json={"responses": responses}))
    async with opened(graph, clock=clock) as source:
        everything = await read_all(source, wanting("g0", "g1", "g2"))
    assert everything.members == {name: {ID} for name in ("g0", "g1", "g2")}
    asked = [path for path in graph.asked() if path == "/$batch" or "/transitiveMembers" in path]
    assert asked == ["/$batch", *(f"/groups/{name}/transitiveMembers" for name in alone)]
    assert clock.elapsed == 0


async def test_a_batch_in_broken_text_is_refused_as_any_answer_would_be() -> None:
    graph = small("g0", "g1")
    broken = json.dumps({"responses": [good("0"), good("1")]}).encode().replace(b"user", b"\xff", 1)
    graph.intercept = answering("/$batch", lambda _: httpx.Response(200, content=broken))
    async with opened(graph) as source:
        with pytest.raises(ContractError, match="not UTF-8"):
            await read_all(source, wanting("g0", "g1"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry-After": "1.25"}, 1.25, id="decimals"),
        pytest.param({"RETRY-AFTER": 7}, 7, id="a number in a header of another case"),
        pytest.param({"Retry-After": "1"}, 1, id="a second"),
        pytest.param({"Retry-After": "0"}, 1, id="at once is too soon"),
        pytest.param({"Retry-After": "-4"}, 1, id="a time that is over"),
        pytest.param({"Retry-After": "9000"}, 300, id="never longer than five minutes"),
        pytest.param({"Retry-After": "soon"}, 5, id="no number"),
        pytest.param({"Content-Type": "1"}, 5, id="nothing is said"),
    ],
)
async def test_a_throttled_item_waits_as_it_says_within_reason(headers: dict[str, Any], seconds: float) -> None:
    graph, clock = small("g0", "g1"), FakeClock()
    seen: list[list[str]] = []

    def once(request: httpx.Request) -> httpx.Response:
        names = [item["id"] for item in json.loads(request.content)["requests"]]
        seen.append(names)
        first = [{"id": "0", "status": 429, "headers": headers}, good("1")]
        return httpx.Response(200, json={"responses": first if len(seen) == 1 else [good(name) for name in names]})

    graph.intercept = answering("/$batch", once)
    async with opened(graph, clock=clock) as source:
        assert (await read_all(source, wanting("g0", "g1"))).members == {"g0": {ID}, "g1": {ID}}
    assert seen == [["0", "1"], ["0"]]
    assert clock.elapsed == seconds


async def test_a_batch_says_what_to_read_and_its_refusal_what_it_was() -> None:
    graph = small("g0", "g1")
    graph.intercept = answering("/$batch", lambda _: refusal(400, "BadRequest"))
    async with opened(graph) as source:
        with pytest.raises(RejectedError) as caught:
            await read_all(source, wanting("g0", "g1"))
    assert caught.value.message.startswith("POST /$batch answered 400")
    [sent] = [json.loads(one.content) for one in graph.requests if one.url.path == "/v1.0/$batch"]
    assert sent == {
        "requests": [
            {"id": str(place), "method": "GET", "url": f"/groups/g{place}/transitiveMembers?$select=id&$top=999"}
            for place in (0, 1)
        ]
    }
